"""The clauses of standards that this software claims to meet (conformity.toml), each with its tests, or open; and a run of these tests.

It is not a certificate.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec


class Clause(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One clause. `tests` are pytest's names, of a test or a file. `carriers` are functions, `module:name name`. `open_for` says why a clause is open."""

    id: str
    says: str
    tests: tuple[str, ...] = ()
    carriers: tuple[str, ...] = ()
    open_for: str = ""

    @property
    def is_claimed(self) -> bool:
        """Return True when the clause has tests, and functions whose replacement must make these tests fail."""
        return bool(self.tests and self.carriers)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of conformity.toml. A misspelt table is an error, so that no clause is left out."""

    clause: tuple[Clause, ...]


CLAUSES: Final = msgspec.toml.decode(Path(__file__).with_suffix(".toml").read_bytes(), type=_File).clause
TESTS: Final = frozenset(test for clause in CLAUSES for test in clause.tests if clause.is_claimed)
NO_CERTIFICATE = "This is what its makers say of themselves, and no certificate: whether a product conforms, an accredited laboratory and the BSI say."
NO_CARRIER = "its row names no function that carries it, so no mutant has shown that its tests can fail"
DEADLINE_S = 1800
RESULTS = ("passed", "xpass", "xfail", "skipped", "error", "failed")  # pytest's, from the best to the worst
_RESULT = re.compile(r"(?P<test>\S+\.py::\w+)(\[.*)? (?P<result>PASSED|FAILED|SKIPPED|ERROR|XFAIL|XPASS)\b")


class NotRunError(Exception):
    """The tests could not be run, or took longer than DEADLINE_S."""


def rows(clauses: Iterable[Clause], results: Mapping[str, str] | None) -> list[dict[str, object]]:
    """Return each clause with its state for JSON: tested or open; with `results` of a run, passed or failed instead of tested."""
    found: list[dict[str, object]] = []
    for one in clauses:
        state = "tested" if one.is_claimed else "open"
        if results is not None and one.is_claimed:
            state = "passed" if all(has_passed(test, results) for test in one.tests) else "failed"
        found.append(
            {
                "id": one.id,
                "state": state,
                "test": list(one.tests),
                "carriers": list(one.carriers),
                "says": one.says,
                "open": one.open_for or ("" if one.is_claimed else NO_CARRIER),
            }
        )
    return found


def has_passed(test: str, results: Mapping[str, str]) -> bool:
    """Return True when this test passed; for a file, when it has tests and all of them passed."""
    of_it = [result for name, result in results.items() if name == test or name.startswith(f"{test}::")]
    return bool(of_it) and set(of_it) == {"passed"}


def ran(folder: Path, tests: Collection[str], *options: str) -> dict[str, str]:
    """Run these tests of that source, with pytest's `options`; return each test's result, one of RESULTS.

    The worst example of a test counts; a test that is skipped or missing has not passed. Raises NotRunError.
    """
    named = sorted(test for test in tests if "::" not in test or test.partition("::")[0] not in tests)
    if not named:
        return {}
    sources = os.pathsep.join(map(str, (folder.resolve(), *sorted(folder.resolve().glob("*/src")))))
    # A folder below has a configuration of its own, by which these tests would have other names.
    words = ("-c", "pyproject.toml", "-vv", "--no-header", "-p", "no:cacheprovider", "--color=no", *options, *named)
    try:
        done = subprocess.run(  # noqa: S603 - the tests of the source that was named
            # Programs that a test starts are that source's, too.
            [
                "/usr/bin/env",
                f"PYTHONPATH={sources}",
                "PYTHONDONTWRITEBYTECODE=1",
                sys.executable,
                "-m",
                "pytest",
                *words,
            ],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NotRunError(f"the tests took longer than {DEADLINE_S} s") from error
    found: dict[str, str] = {}
    for line in done.stdout.splitlines():
        if (told := _RESULT.match(line)) is not None:
            name, result = told["test"], told["result"].lower()
            found[name] = max(found.get(name, result), result, key=RESULTS.index)
    if not found:
        raise NotRunError("the tests could not be run: is pytest installed here? See CONTRIBUTING.md")
    return found
