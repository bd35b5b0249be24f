"""`gate conformity`: each clause has tests that are there and cannot be skipped unseen, or says why it is open; and it is no certificate."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gate.cli.conformity import NO_CERTIFICATE
from gate.cli.conformity_clauses import CLAUSES, TESTS, Clause
from gate.cli.nouns import application

ROOT = Path(__file__).resolve().parents[3]


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(application(["conformity"]), ["conformity", *map(str, words)])
    return done.exit_code, done.stdout


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.id)
def test_a_clause_is_shown_by_tests_or_open_for_a_reason_and_never_unread(clause: Clause) -> None:
    assert bool(clause.tests) is not bool(clause.open_for)
    assert clause.says.endswith(".")


@pytest.mark.parametrize("test", sorted(TESTS))
def test_a_test_of_a_clause_is_there_and_not_marked_to_be_skipped(test: str) -> None:
    file, _, name = test.partition("::")
    tree = ast.parse((ROOT / file).read_text())
    (found,) = (
        one for one in tree.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name == name
    )
    marks = " ".join(ast.unparse(one) for one in found.decorator_list)
    assert "skip" not in marks
    assert "xfail" not in marks


def test_each_clause_stands_once_and_all_three_standards_are_there() -> None:
    ids = [clause.id for clause in CLAUSES]
    assert len(set(ids)) == len(ids)
    assert {one.split()[0] for one in ids} == {"TR-03121-3", "TR-03122-3", "TR-03135-1", "TR-03135-2"}


def test_it_says_what_is_shown_what_is_open_and_that_it_is_no_certificate() -> None:
    code, out = run()
    assert code == 0
    assert NO_CERTIFICATE in out
    document: dict[str, Any] = json.loads(run("--json")[1])
    assert {one["state"] for one in document["clauses"]} == {"tested", "open"}
    assert document["no_certificate"] == NO_CERTIFICATE


@pytest.mark.parametrize(
    ("body", "state"),
    [("pass", "passed"), ("assert False", "failed"), ("import pytest; pytest.skip('not today')", "failed")],
)
def test_run_a_clause_passes_with_all_its_tests_and_a_skipped_one_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, state: str
) -> None:
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    for test in TESTS:
        file, _, name = test.partition("::")
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        with (tmp_path / file).open("a") as written:
            written.write(f"def {name}():\n    {body}\n\n")
    (tmp_path / "pyproject.toml").write_text('[tool.pytest]\naddopts = ["--import-mode=importlib"]\n')
    code, out = run("--run", tmp_path, "--json")
    states = {one["state"] for one in json.loads(out)["clauses"]}
    assert (states - {"open"}, code) == ({state}, int(state == "failed"))


def test_where_there_are_no_tests_it_says_so(tmp_path: Path) -> None:
    assert run("--run", tmp_path)[0] == 2


def test_in_a_run_of_everything_a_skipped_test_of_a_clause_fails(tmp_path: Path) -> None:
    file, _, name = min(TESTS).partition("::")
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    skipping = "    pytest.skip('no PC/SC here')\n"
    path.write_text(f"import pytest\ndef {name}():\n{skipping}def test_other():\n{skipping}")
    hooks = (ROOT / "conftest.py").read_text()
    hook = hooks[hooks.index("@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_makereport") :].split("\n\n\n")[0]
    imports = "from collections.abc import Generator\nimport pytest\n"
    (tmp_path / "conftest.py").write_text(imports + hook)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed, 1 skipped" in done.stdout
