"""docs/lane.md draws the arrows that the machine takes, of one door and of two, and no others, and the order of its reducers. Run as a program, it draws both."""

from __future__ import annotations

import inspect
import re
import sys
import typing
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import two_door_lane as two
from fakes.hostile_lane import walk
from fakes.hostile_two_doors import HostileTwoDoors
from fakes.passage_examples import AT_REST, CROSSING, looking, ordered, said
from fakes.passage_examples import ready as lane_at_rest

from gate.passage import lasting_state, machine, open_referrals, states
from gate.passage.events import Event, Part, PartLost
from gate.passage.orders import Hold, LaneOrder
from gate.passage.states import Admission
from gate_core.evidence.reasons import Objection, Reason

LANE = Path(__file__).parents[3] / "docs" / "lane.md"
SEEDS = (1, 5, 9)
STEPS = 20_000
FIRE: Event = replace(AT_REST, fire=True)
REFERRED = states.Referred(CROSSING, (Objection(Reason.LOG_UNAVAILABLE),))
OVERRULING = states.Overruling(CROSSING, Admission(REFERRED, said()), 1_000)

TWO_DOORS_SEED, TWO_DOORS_STEPS = 3, 4_000
STAGES = (two.ready, two.reading, two.let_in, two.first_granted, two.entering, two.enclosed, two.deciding, two.granted)
IN_ANY_STAGE: tuple[Event, ...] = (
    replace(two.LAST, fire=True, emergency_open=True),
    PartLost(Part.FIRST_BARRIER),
    ordered(Hold(CROSSING), version=0),
    ordered(LaneOrder.PAUSE, version=0),
)

Arrow = tuple[str, str]


def name(state: states.State) -> str:
    """How the picture names a state."""
    return type(state).__name__


def arrows() -> set[Arrow]:
    """From which state to which the machine goes: under a hostile walk, under one of two doors, and by what comes in any stage of these."""
    taken: set[Arrow] = set()
    for seed in SEEDS:
        taken |= walk(seed, STEPS).moved
    run = lane_at_rest()
    run.state = OVERRULING
    run.feed(FIRE)
    taken.add((name(OVERRULING), name(run.state)))
    run = looking()
    before = run.state
    run.feed(FIRE)
    taken.add((name(before), name(run.state)))
    walked = HostileTwoDoors(TWO_DOORS_SEED)
    for _ in range(TWO_DOORS_STEPS):
        walked.step()
    taken |= walked.moved
    for stage in STAGES:
        for event in IN_ANY_STAGE:
            run = stage()
            before = run.state
            run.feed(event, after_ms=10)
            taken.add((name(before), name(run.state)))
    return {(here, there) for here, there in taken if here != there}


def table() -> str:
    """The reducers in their order, what each does by its own word, and when its effects come."""
    first = {"crossing": "1", "barriers": "2", "passages": "before the first record of 1 and 2"}
    places = first | {name: str(place) for place, name in enumerate(machine.AFTERWARDS, start=3)}
    rows = []
    for name, reducer in machine.REDUCERS:
        does = inspect.cleandoc(reducer.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
        function = f"{reducer.__module__.removeprefix('gate.passage.')}.{reducer.__name__}"
        rows.append(f"| {name} | `{function}` | {does} | {places.get(name, 'none')} |")
    return "\n".join(["| reducer | function | it does | its effects |", "| --- | --- | --- | --- |", *rows])


def drawn(text: str) -> set[Arrow]:
    """The arrows of a state diagram."""
    return set(re.findall(r"^    (\w+) --> (\w+)$", text, flags=re.MULTILINE))


@pytest.fixture(scope="module")
def text() -> str:
    return LANE.read_text()


@pytest.mark.no_cover
def test_the_picture_has_the_arrows_that_the_machine_takes_and_no_others(text: str) -> None:
    assert drawn(text) == arrows()


def test_every_state_has_its_row(text: str) -> None:
    known = {state.__name__ for state in typing.get_args(states.State)}
    assert set(re.findall(r"^\| ([A-Z]\w+) \|", text, flags=re.MULTILINE)) == known


def test_every_state_but_itself_leads_to_the_emergency_and_only_looking_to_a_grant(text: str) -> None:
    pictured = drawn(text)
    known = {state.__name__ for state in typing.get_args(states.State)}
    assert {here for here, there in pictured if there == "Emergency"} == known - {"Emergency"}
    assert {here for here, there in pictured if there == "Granted"} == {"Looking"}
    assert {here for here, there in pictured if there == "Entering"} == {"Granted"}


def test_the_table_of_reducers_is_the_one_that_the_machine_folds_over(text: str) -> None:
    assert f"\n\n{table()}\n\n" in text


def test_every_reducer_with_effects_has_its_place_among_them() -> None:
    """What has no place in the order would be lost: these four have no effects."""
    placed = {"crossing", "barriers", "passages", *machine.AFTERWARDS}
    assert placed <= {name for name, _ in machine.REDUCERS}
    assert len({name for name, _ in machine.REDUCERS}) == len(machine.REDUCERS)
    silent = {reducer for name, reducer in machine.REDUCERS if name not in placed}
    assert silent == {machine.observe, machine.update_blockers, open_referrals.wait, lasting_state.follow}


if __name__ == "__main__":
    lines = ["stateDiagram-v2", "    [*] --> Idle", *(f"    {here} --> {there}" for here, there in sorted(arrows()))]
    sys.stdout.write("\n".join([*lines, "", table()]) + "\n")
