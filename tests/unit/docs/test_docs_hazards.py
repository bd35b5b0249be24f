"""docs/hazards.toml: every row is linked, every control action has its four ways, every test turns red with its mutant; the page is drawn from it."""

from __future__ import annotations

import ast
import inspect
import re
import typing
from collections import Counter
from functools import cache
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import pytest
from mutants.hazards import BOOK, CARRIERS, PAGE, TABLE, WAYS, TrialError, drawn, red_in, red_tests, untried
from mutants.run import TREE
from mutants.sixty import Mutant

from gate.passage import effects
from gate_core.orders.verbs import Verb
from gate_lab.conformity import NotRunError

GUIDE = (TREE / "docs/guides/bring-up-a-barrier.md").read_text()
STEPS = set(re.findall(r"^\| (A\d+) \|", GUIDE, re.MULTILINE))
ROWS = {row.id: row for row in BOOK.row}
# Hazards without an injury.
SOFT = {one.id for one in BOOK.hazard if one.severity == 0}
# One of each kind of fault that the table found; all mutants run with --long.
QUICK = (
    "an order to end an emergency outlives a second fire",
    "an officer admits while a technician works on the lane",
    "a line that reopens in an emergency revokes",
)


@cache
def named_in(path: str) -> frozenset[str]:
    """The names of a file's tests, and of those that it takes over from a module."""
    tree = ast.parse((TREE / path).read_text())
    taken = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"]
    named = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    return frozenset(named | {name for module in taken if module for name in dir(import_module(module))})


def test_every_control_action_has_its_four_ways_and_every_part_its_failures() -> None:
    wanted = [f"{action.id}.{way}" for action in BOOK.action for way in WAYS if way not in action.harmless]
    wanted += [f"{part.id}.{mode}" for part in BOOK.part for mode in part.modes]
    assert Counter(row.id for row in BOOK.row) == Counter(wanted)
    assert {way for action in BOOK.action for way in action.harmless} <= WAYS.keys()


def test_every_effect_of_the_lane_and_every_order_is_a_control_action() -> None:
    symbols = {symbol for action in BOOK.action for symbol in action.symbols}
    of_the_lane = {f"gate.passage.effects:{one.__name__}" for one in typing.get_args(effects.Effect)}
    assert of_the_lane | {f"gate_core.orders.verbs:Verb.{verb.name}" for verb in Verb} <= symbols
    for symbol in symbols:
        module, _, name = symbol.partition(":")
        assert attrgetter(name)(import_module(module)), symbol
    assert {action.controller for action in BOOK.action} == BOOK.controllers.keys()


def test_every_row_says_what_is_unsafe_who_carries_it_and_what_remains() -> None:
    hazards = {one.id for one in BOOK.hazard}
    for row in BOOK.row:
        assert row.hazards, row.id
        assert set(row.hazards) <= hazards, row.id
        assert row.carrier, row.id
        assert set(row.carrier) <= CARRIERS.keys(), row.id
        assert row.unsafe, row.id
        assert row.constraint, row.id
        assert row.residual, row.id
    losses = {one.id for one in BOOK.loss}
    assert {loss for one in BOOK.hazard for loss in one.losses} == losses
    assert all(any(one.id in row.hazards for row in BOOK.row) for one in BOOK.hazard)


def test_every_row_is_drawn_with_its_risk() -> None:
    page, worst = drawn(), {one.id: (one.severity, one.exposure, one.avoidability) for one in BOOK.hazard}
    for row in BOOK.row:
        severity, exposure, avoidability = BOOK.risk(row)
        assert (severity in {0, 1, 2}, exposure in {1, 2}, avoidability in {1, 2}) == (True, True, True), row.id
        assert bool(severity) is bool(set(row.hazards) - SOFT), row.id
        (line,) = re.findall(rf"^\| `{re.escape(row.id)}`(?: \(.*?\))? \| (\S+ \S+ \S+) \|", page, re.MULTILINE)
        assert line == f"S{severity} F{exposure} P{avoidability}", row.id
        own = {row.severity, row.exposure, row.avoidability} - {None}
        assert own or BOOK.risk(row) == max(worst[one] for one in row.hazards), row.id
        assert not own or BOOK.risk(row) not in {worst[one] for one in row.hazards}, f"{row.id}: as its hazard"


def test_no_row_is_unlinked() -> None:
    """Software has tests that a mutant turns red; hardware and wiring have a step of the acceptance walk. Every hazard of a row counts."""
    mutants = BOOK.mutants()
    for row in BOOK.row:
        injures = bool(set(row.hazards) - SOFT)
        assert bool(row.tests) is bool(row.mutants) is ("software" in row.carrier), row.id
        assert bool(row.tests) or bool(row.validated_by), row.id
        assert not injures or row.validated_by, f"{row.id}: an injury has its step at the gate"
        assert not injures or set(row.carrier) != {"software"}, f"{row.id}: an injury never rests on software alone"
        assert set(row.mutants) <= mutants.keys(), row.id
        assert set(row.validated_by) <= STEPS, row.id
    assert {name for row in BOOK.row for name in row.mutants} >= {one.name for one in BOOK.mutant}
    assert {step for row in BOOK.row for step in row.validated_by} == STEPS


def test_every_test_that_a_row_names_is_there() -> None:
    named = {test for row in BOOK.row for test in (*row.tests, *row.also)}
    missing = [test for test in named if test.partition("::")[2] not in named_in(test.partition("::")[0])]
    assert missing == []


def test_each_response_time_is_the_codes() -> None:
    for one in BOOK.time:
        module, _, name = one.symbol.partition(":")
        owner, _, field = name.rpartition(".")
        found = getattr(import_module(module), owner or field)
        value = inspect.signature(found).parameters[field].default if owner else found
        assert value == one.value, one.symbol
        assert one.symbol.lower().endswith(f"_{one.unit}"), one.symbol


def test_every_mutant_changes_one_place() -> None:
    used = {name for row in BOOK.row for name in row.mutants}
    places = {
        name: (TREE / one.file).read_text().count(one.old) for name, one in BOOK.mutants().items() if name in used
    }
    assert {name for name, count in places.items() if count != 1} == set()


def test_the_page_is_drawn_from_the_table() -> None:
    assert PAGE.read_text() == drawn(), "PYTHONPATH=tests python -m mutants.hazards"


def test_the_page_says_what_it_does_not_claim() -> None:
    assert "No performance level and no safety integrity level is claimed" in drawn()
    assert Path(TABLE).with_suffix(".md") == PAGE


LAW = "def law(): return 1\n"
TRIED = """
import pytest
from law import law
def test_law(): assert law() == 1
def test_of_nothing(): assert True
def test_that_fails(): assert False
@pytest.fixture
def lawful(): assert law() == 1
def test_of_a_fixture(lawful): pass
def test_that_skips():
    if law() != 1: pytest.skip("unlawful")
"""


@pytest.mark.parametrize(
    ("test", "new", "says"),
    [
        ("law", "2", ""),
        ("of_nothing", "2", "green"),
        ("that_fails", "2", "without a mutant: tests/test_law.py::test_that_fails failed"),
        ("law", "2)", "broken: no Python"),
        ("law", "1\nraise ValueError", "could not be run"),
        ("that_skips", "2", "broken: tests/test_law.py::test_that_skips skipped"),
        ("of_a_fixture", "2", "broken: tests/test_law.py::test_of_a_fixture error"),
        ("nobody_wrote", "2", "could not be run"),
    ],
)
def test_only_a_test_that_passes_without_a_mutant_and_fails_with_it_counts_as_red(
    tmp_path: Path, test: str, new: str, says: str
) -> None:
    """Each of these once counted as red, but for the first two."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    (tmp_path / "law.py").write_text(LAW)
    (tmp_path / "tests/test_law.py").write_text(TRIED)
    mutant, named = Mutant("broken", "law.py", "return 1", f"return {new}"), f"tests/test_law.py::test_{test}"
    if says in {"", "green"}:
        assert dict(red_in(tmp_path, {"broken": {named}}, {"broken": mutant})) == {"broken": set() if says else {named}}
        return
    with pytest.raises((TrialError, NotRunError), match=re.escape(says)):
        list(red_in(tmp_path, {"broken": {named}}, {"broken": mutant}))
    assert (tmp_path / "law.py").read_text() == LAW


def test_a_test_that_is_missing_beside_others_is_not_red(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    (tmp_path / "test_law.py").write_text("def test_law(): pass\n")
    (tmp_path / "test_none.py").write_text("import nothing_of_that_name\n")
    tests = {"test_law.py::test_law", "test_none.py::test_none"}
    with pytest.raises((TrialError, NotRunError)):
        list(red_in(tmp_path, {"broken": tests}, {}))


def red(names: list[str]) -> list[str]:
    """The tests that stay green with these mutants."""
    trials = {name: tests for name, tests in BOOK.trials().items() if name in names}
    found = dict(red_tests(trials, trials))
    assert {name for name, tests in found.items() if not tests} == set()
    return untried((row for row in BOOK.row if set(row.mutants) <= trials.keys()), found)


def test_some_rows_turn_red_with_their_mutants() -> None:
    assert red(list(QUICK)) == []


@pytest.mark.long
def test_every_rows_tests_turn_red_with_its_mutants() -> None:
    assert red(list(BOOK.trials())) == []
