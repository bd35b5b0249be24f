"""`gate conformity`: each clause has tests that are there, cannot be skipped unseen and can fail, or says why it is open."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from mutants.by_machine import ALWAYS, Mutant, carriers_of, copied, living, survivors
from typer.testing import CliRunner

from gate_core.command_line.tree import application
from gate_lab import conformity
from gate_lab.conformity import CLAUSES, NO_CERTIFICATE, TESTS, Clause

ROOT = Path(__file__).resolve().parents[3]


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(application(["conformity"]), ["conformity", *map(str, words)])
    return done.exit_code, done.stdout


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.id)
def test_a_clause_is_shown_by_tests_or_open_for_a_reason_and_never_unread(clause: Clause) -> None:
    assert bool(clause.tests) is bool(clause.carriers) is clause.is_claimed
    assert clause.is_claimed is not bool(clause.open_for)
    assert clause.says.endswith(".")


@pytest.mark.parametrize("carrier", sorted(set(carriers_of([row for clause in CLAUSES for row in clause.carriers]))))
def test_what_carries_a_clause_is_there(carrier: str) -> None:
    module, _, name = carrier.partition(":")
    assert attrgetter(name)(import_module(module))


@pytest.mark.parametrize("test", sorted(TESTS))
def test_a_test_of_a_clause_is_there_and_not_marked_to_be_skipped(test: str) -> None:
    file, _, name = test.partition("::")
    tree = ast.parse((ROOT / file).read_text())
    found = [
        one
        for one in tree.body
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
        and (one.name == name if name else one.name.startswith("test_"))
    ]
    assert found
    marks = " ".join(ast.unparse(mark) for one in found for mark in one.decorator_list)
    assert "skip" not in marks
    assert "xfail" not in marks
    assert "pytestmark" not in (ROOT / file).read_text()


def test_a_clause_whose_table_is_misspelt_is_an_error_and_not_one_clause_less() -> None:
    text = (ROOT / "lab/src/gate_lab/conformity.toml").read_text()
    assert msgspec.toml.decode(text, type=conformity._File).clause == CLAUSES
    with pytest.raises(msgspec.ValidationError, match="unknown field `clauses`"):
        msgspec.toml.decode(text.replace("[[clause]]", "[[clauses]]", 1), type=conformity._File)


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
            written.write(f"def {name or 'test_all'}():\n    {body}\n\n")
    (tmp_path / "pyproject.toml").write_text('[tool.pytest]\naddopts = ["--import-mode=importlib"]\n')
    code, out = run("--run", tmp_path, "--json")
    states = {one["state"] for one in json.loads(out)["clauses"]}
    assert (states - {"open"}, code) == ({state}, int(state == "failed"))


def test_a_clause_is_passed_by_what_its_tests_gave_and_by_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for result, state in (("passed", "passed"), ("failed", "failed"), (None, "failed")):
        monkeypatch.setattr(conformity, "ran", lambda _, tests, it=result: dict.fromkeys(tests, it) if it else {})
        code, out = run("--run", ".", "--clause", "4.2.4 seal", "--json")
        assert ([one["state"] for one in json.loads(out)["clauses"]], code) == ([state], int(state == "failed"))


def test_a_clause_whose_row_names_nothing_that_carries_it_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    claimed = next(one for one in CLAUSES if one.is_claimed)
    monkeypatch.setattr(conformity, "CLAUSES", (claimed, msgspec.structs.replace(claimed, id="other", carriers=())))
    first, other = json.loads(run("--json")[1])["clauses"]
    assert (first["state"], first["open"], first["carriers"]) == ("tested", "", list(claimed.carriers))
    assert (other["state"], "no mutant" in other["open"]) == ("open", True)
    assert run("--clause", "nothing like it")[0] == 2


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source."""
    return copied(tmp_path_factory.mktemp("tree"))


FORGED = Mutant("gate_documents.seal.judge:judge_seal", "accept")


def test_a_product_that_accepts_every_forged_seal_does_not_pass(tree: Path, tmp_path: Path) -> None:
    with living({FORGED: tmp_path}, tree):
        code, out = run("--run", tree, "--clause", "4.2.4 seal", "--json")
    assert ([one["state"] for one in json.loads(out)["clauses"]], code) == (["failed"], 1)


@pytest.mark.long
def test_nor_does_it_when_every_clause_is_asked(tree: Path, tmp_path: Path) -> None:
    assert {one["state"] for one in json.loads(run("--run", tree, "--json")[1])["clauses"]} == {"passed", "open"}
    with living({FORGED: tmp_path}, tree):
        code, out = run("--run", tree, "--json")
    failed = [one["id"] for one in json.loads(out)["clauses"] if one["state"] == "failed"]
    assert (failed, code) == (["TR-03135-2 4.2.4 seal"], 1)


@pytest.mark.long
@pytest.mark.parametrize("clause", [one for one in CLAUSES if one.is_claimed], ids=lambda clause: clause.id)
def test_whatever_function_of_a_clause_is_replaced_by_machine_its_tests_turn_red(clause: Clause, tree: Path) -> None:
    fates = list(survivors(carriers_of(clause.carriers), clause.tests, tree))
    assert len(fates) >= len(ALWAYS) * len(clause.carriers)
    assert [str(mutant) for mutant, is_alive in fates if is_alive] == []


def test_where_there_are_no_tests_it_says_so(tmp_path: Path) -> None:
    assert run("--run", tmp_path)[0] == 2


def test_in_a_run_of_everything_a_skipped_test_of_a_clause_fails(tmp_path: Path) -> None:
    skipping = "    pytest.skip('no PC/SC here')\n"
    one, whole = (next(test for test in sorted(TESTS) if ("::" in test) is single) for single in (True, False))
    file, _, name = one.partition("::")
    for path, text in (
        (file, f"def {name}():\n{skipping}def test_other():\n{skipping}"),
        (whole, f"def test_any():\n{skipping}"),
    ):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(f"import pytest\n{text}")
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
    assert "2 failed, 1 skipped" in done.stdout
