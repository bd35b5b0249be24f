"""Ten slices hold every long test, and none takes longer than a landing may."""

from __future__ import annotations

import re
from pathlib import Path

from fakes.roots import ROOT
from fakes.slices import SLICE_S_MAX, SLICES, lasting, seconds, slice_of, slices

LONG = re.compile(r"\bmark\.long\b|\bquick_or_long\(")


def long_files() -> set[str]:
    tests = (
        path for folder in ROOT.glob("**/tests") if ".venv" not in folder.parts for path in folder.rglob("test_*.py")
    )
    return {str(path.relative_to(ROOT)) for path in tests if path != Path(__file__) and LONG.search(path.read_text())}


def test_every_file_with_a_long_test_is_in_a_slice_and_no_other() -> None:
    assert {name.partition("::")[0] for name in seconds()} == long_files(), "tests/long_seconds.toml"


def test_a_function_that_is_listed_by_itself_is_there() -> None:
    for name in seconds():
        file, _, function = name.partition("::")
        assert not function or f"def {function.partition('[')[0]}(" in (ROOT / file).read_text()


def test_no_slice_takes_longer_than_a_landing_may() -> None:
    taken = seconds()
    lasts, found = lasting(taken), slices(taken)
    filled = [sum(lasts[name] for name, where in found.items() if where == one) for one in range(SLICES)]
    assert max(filled) <= SLICE_S_MAX, filled


def test_the_longest_are_spread_first() -> None:
    found = slices({"tests/a.py": 50, "tests/b.py": 40, **{f"tests/{one}.py": 10 for one in range(9)}})
    assert (found["tests/a.py"], found["tests/b.py"], found["tests/0.py"], found["tests/8.py"]) == (0, 1, 2, 2)


def test_a_test_is_in_the_slice_of_what_its_name_begins_with() -> None:
    found = {"tests/test_a.py": 3, "tests/test_a.py::test_slow[one-": 4}
    assert slice_of("tests/test_a.py::test_slow[one-x]", found) == 4
    assert slice_of("tests/test_a.py::test_slow[two-x]", found) == 3
    assert slice_of("tests/test_b.py::test_other", found) is None
