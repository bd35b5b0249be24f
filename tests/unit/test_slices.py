"""Ten slices hold every long test, and none takes longer than a landing may."""

from __future__ import annotations

import re
from pathlib import Path

from fakes.roots import ROOT
from fakes.slices import SLICE_S_MAX, lasts_s, slice_of, slices

LONG = re.compile(r"\bmark\.long\b|\bquick_or_long\(")


def long_files() -> set[str]:
    tests = (
        path for folder in ROOT.glob("**/tests") if ".venv" not in folder.parts for path in folder.rglob("test_*.py")
    )
    return {str(path.relative_to(ROOT)) for path in tests if path != Path(__file__) and LONG.search(path.read_text())}


def test_every_file_with_a_long_test_is_in_a_slice_and_no_other() -> None:
    assert {name.partition("::")[0] for entries in slices() for name in entries} == long_files(), (
        "tests/long_tests.toml"
    )


def test_nothing_is_in_two_slices() -> None:
    names = [name for entries in slices() for name in entries]
    assert len(names) == len(set(names))


def test_a_function_that_is_listed_by_itself_is_there() -> None:
    for name in (name for entries in slices() for name in entries):
        file, _, function = name.partition("::")
        assert not function or f"def {function.partition('[')[0]}(" in (ROOT / file).read_text()


def test_no_slice_takes_longer_than_a_landing_may() -> None:
    assert max(map(lasts_s, slices())) <= SLICE_S_MAX


def test_a_test_is_in_the_slice_of_the_longest_entry_with_which_its_name_begins() -> None:
    held = [{"tests/test_a.py": 5}, {"tests/test_a.py::test_slow[one-": 9}]
    assert slice_of("tests/test_a.py::test_slow[one-x]", held) == 1
    assert slice_of("tests/test_a.py::test_slow[two-x]", held) == 0
    assert slice_of("tests/test_b.py::test_other", held) is None


def test_of_what_runs_two_at_a_time_each_takes_half_and_a_little() -> None:
    assert lasts_s({"tests/unit/test_a.py": 100, "tests/e2e/test_b.py": 10}) == 70
