"""Drills: what is listed, how a day is scored, what a person types, and where none is played."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

import gate_core.command_line.tree
import gate_demo.play
from gate.passage.names import Outcome
from gate_core.orders.verbs import VERBS, Verb
from gate_demo.director import Visit
from gate_demo.drills import DRILLS, Case, Drill
from gate_demo.machine import Lateness
from gate_demo.score import lines, page, score
from gate_demo.trainee import KEYS, Diary, Ordered, Person, Robot, Said
from hardware_sim.readers.kinds import PAGE_READER
from hardware_sim.scenario import Lane, read_scenarios, scenario_folder

FRONTEX = 13
SECUNET = 3
TWO = Drill("two", "Two travellers", "Frontex", (Case("expired", "It has ended."), Case("genuine", "", right=())))


def command(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(gate_core.command_line.tree.application(["drill"]), ["drill", *words])
    return done.exit_code, done.stdout, done.stderr


def test_every_listed_exception_is_a_drill() -> None:
    sources = [one.source for one in DRILLS.values()]
    assert (sources.count("Frontex"), sources.count("secunet")) == (FRONTEX, SECUNET)
    code, out, _ = command("--list", "--json")
    assert code == 0
    assert {one["name"] for one in json.loads(out)["drills"]} == DRILLS.keys()


@pytest.mark.parametrize("name", DRILLS)
def test_every_case_is_a_story_of_its_lane_and_reader(name: str) -> None:
    drill = DRILLS[name]
    stories = read_scenarios(scenario_folder(), Lane(drill.lane))
    for case in drill.cases:
        assert stories[case.scenario].lays is None or drill.reader == PAGE_READER
        assert not any(either & case.never for either in case.right)
        assert case.why


def visit(number: int, *, late: bool = False) -> Visit:
    made = Visit(f"t{number}", TWO.cases[number].scenario, began_ms=1000 * number, ended_ms=1000 * number + 900)
    made.late = Lateness(world_ms=10_000 if late else 0)
    return made


def ordered(verb: Verb, at_ms: int, outcome: Outcome = Outcome.DONE) -> Ordered:
    return Ordered(Said(verb), outcome, "", at_ms)


@pytest.mark.parametrize(
    ("orders", "right"),
    [
        ([ordered(Verb.HAND_OVER, 600)], 2),
        ([ordered(Verb.HAND_OVER, 600, Outcome.IMPOSSIBLE)], 1),
        ([ordered(Verb.ADMIT, 500), ordered(Verb.HAND_OVER, 600)], 1),
        ([ordered(Verb.HAND_OVER, 1500)], 1),  # of the next one's time
        ([ordered(Verb.HAND_OVER, 600), ordered(Verb.ADMIT, 1500)], 1),
        ([], 1),
    ],
)
def test_a_case_is_right_when_all_that_was_wanted_was_done_and_nothing_else(orders: list[Ordered], right: int) -> None:
    found = score(TWO, [visit(0), visit(1)], Diary([100], orders))
    assert (found.right, found.counted) == (right, 2)


def test_seconds_run_from_the_first_call_to_the_order_that_settled_it() -> None:
    found = score(TWO, [visit(0), visit(1)], Diary([100, 300], [ordered(Verb.HAND_OVER, 600)]))
    assert [one.seconds for one in found.settled] == [0.5, None]
    assert "as it should be, 0.5 s" in lines(found)[1]


def test_what_a_late_machine_may_have_spoiled_does_not_count() -> None:
    found = score(TWO, [visit(0, late=True), visit(1)], Diary())
    assert (found.right, found.counted) == (1, 1)
    assert "the machine was late" in page(found)


@pytest.mark.parametrize("name", DRILLS)
@pytest.mark.parametrize("settles", [True, False])
def test_the_command_scores_what_was_done_of_each_case(
    name: str, monkeypatch: pytest.MonkeyPatch, *, settles: bool
) -> None:
    """A day of which only what the officer did is played; tests/e2e/test_drills.py plays whole ones."""
    drill = DRILLS[name]
    days = [
        Visit("t", case.scenario, began_ms=1000 * at, ended_ms=1000 * at + 900) for at, case in enumerate(drill.cases)
    ]

    class Played:
        def __init__(self, *_: object, officer: Any, arrives: Callable[[], object]) -> None:
            for day, case in zip(days, drill.cases, strict=True):
                arrives()
                done = [ordered(min(either, key=lambda verb: verb.value), day.began_ms) for either in case.right]
                officer.keywords["diary"].orders.extend(done if settles else ())

        async def run(self) -> SimpleNamespace:
            return SimpleNamespace(outcomes=[SimpleNamespace(visit=day) for day in days], as_expected=True)

    monkeypatch.setattr(gate_demo.play, "Play", Played)
    code, out, _ = command(name, "--officer", "auto", "--json")
    wanted = sum(bool(case.right) for case in drill.cases)
    right = len(days) if settles else len(days) - wanted
    assert (json.loads(out)["score"], code) == (
        {"right": right, "counted": len(days), "cases": len(days)}, int(right < len(days)),
    )  # fmt: skip


def test_the_page_names_what_was_ordered_and_is_nobodys() -> None:
    shown = page(score(TWO, [visit(0), visit(1)], Diary([1], [ordered(Verb.ADMIT, 5)])))
    assert "you ordered admit; missing: hand-over; not to be ordered: admit" in shown
    assert "<script" not in shown


def test_a_person_types_a_key_and_a_reason_where_one_is_wanted() -> None:
    told: list[str] = []
    person = Person(told.append)
    for line in ("t\n", "a\n", "nonsense\n", "a compared at the booth\n"):
        person.typed(line)
    said = [person.wanted.get_nowait() for _ in range(person.wanted.qsize())]
    assert said == [Said(Verb.HAND_OVER, "taken_over"), Said(Verb.ADMIT, None, "compared at the booth")]
    assert len(told) == 2
    assert all(one.argument in (VERBS[one.verb].arguments or (None,)) for one in KEYS.values())


def test_what_only_eyes_see_is_said_as_the_traveller_comes_and_a_robot_flags_a_child() -> None:
    told: list[str] = []
    Person(told.append).sees("a child")
    Person(told.append).sees("")
    assert told == ["  you see a child"]
    robot = Robot(releases=False)
    for words in ("a child", ""):
        robot.sees(words)
        robot.look({"c1": "a traveller waits"})
    said = [robot.wanted.get_nowait().verb for _ in range(robot.wanted.qsize())]
    assert said == [Verb.FLAG, Verb.HAND_OVER, Verb.HAND_OVER]


def test_who_only_takes_a_child_over_has_a_score_that_says_what_is_missing() -> None:
    child = Drill("child", "A child", "Frontex", DRILLS["minors"].cases[:1])
    found = score(child, [visit(0)], Diary([100], [ordered(Verb.HAND_OVER, 600)]))
    assert (found.right, found.settled[0].missing) == (0, ("flag",))


@pytest.mark.parametrize("purpose", ["trial", "broken"])
def test_none_is_played_on_a_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, purpose: str) -> None:
    (tmp_path / "gate.toml").write_text(f'purpose = "{purpose}"\n')
    monkeypatch.setenv("PORTCULLIS_CONFIG", str(tmp_path / "gate.toml"))
    code, _, said = command("fire", "--officer", "auto")
    assert (code, "play drills on another" in said) == (77, True)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("nobody",), 2, "a drill is one of"),
        (("fire", "--officer", "x"), 2, "terminal"),
    ],
)
def test_what_cannot_be_is_one_line(words: tuple[str, ...], code: int, says: str) -> None:
    ended, _, said = command(*words)
    assert ended == code
    assert says in said.replace("cannot", "not")
