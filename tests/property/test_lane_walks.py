"""Random walks over the real engine, in virtual time, with an oracle of their own; and the pure machine under events that no honest world sends.

`fakes.walks` draws the world, `fakes.lane_oracle` says what was broken. What a walk found became a test of its own beside the state that it
concerns. A hundred thousand steps run with every test, ten million with `--long`.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from fakes.hostile_lane import Hostile
from fakes.oracle_account import BrokenInvariantError
from fakes.tiers import quick_or_long
from fakes.walks import walk, written

from gate.passage import (
    abort_conditions,
    desired_barrier_state,
    lane,
    lasting_state,
    machine,
    open_referrals,
    passage_reconciliation,
    passage_stage,
    policy,
    two_officers,
)
from gate.passage.effects import Erase
from gate.passage.events import Event, Recorded
from gate.passage.lane import LaneContext
from gate.passage.names import RecordKind
from gate.passage.records import crossing_of
from gate.passage.states import Recording, Rules, Step
from gate.programs.lane.records import encode
from gate_contract.virtual_time import run_virtual
from gate_verify.audit_record import AuditRecord
from gate_verify.record_invariants import Story

STEPS = 20_000
SEEDS = (1, 3, 10, 21, 23)  # of walks that together reach everything
SWITCHED_OFF = (1, 24, 71, 44, *range(2, 30))  # of walks in which it shows that a control is: the first four show most
HOSTILE_STEPS = 20_000
# What a walk must have reached, or it proves nothing.
REACHED = (
    "admit", "refer", "grant", "revoke", "release", "closed admitted", "closed referred", "admitted_by_officer",
    "passed by grant", "passed by release", "passed by emergency", "passed by nothing", "called", "called too often",
    "first of two", "second of two", "companions",
)  # fmt: skip


def broken_by(seed: int, steps: int = STEPS) -> BrokenInvariantError | None:
    """What the oracle says of a walk, None when it finds nothing."""
    try:
        run_virtual(walk(seed, steps))
    except BrokenInvariantError as error:
        return error
    return None


def test_walks_of_a_hundred_thousand_steps_break_nothing_and_reach_everything() -> None:
    reached: Counter[str] = Counter()
    steps = 0
    for seed in SEEDS:
        oracle = run_virtual(walk(seed, STEPS))
        reached.update(oracle.counts)
        steps += oracle.steps
    assert steps >= 100_000
    assert not [what for what in REACHED if not reached[what]], reached


@pytest.mark.parametrize("seed", [1, 10, 23])
def test_the_auditors_own_account_of_a_walk_finds_nothing(seed: int) -> None:
    """Two who know nothing of one another: the lane among all its troubles, and whoever judges its log."""
    story, hour = Story(), "2026-11-25T10:00:00Z"
    story.take(AuditRecord(0, hour, "device", "k", "started", None, hour, 0, "b", "0", {}))
    for index, record in enumerate(run_virtual(written(seed, STEPS)), 1):
        crossing = crossing_of(record)
        about = "device" if crossing is None else "crossing"
        body = json.loads(encode(record))
        story.take(AuditRecord(index, hour, about, "k", record.kind.value, crossing, hour, 0, "b", str(index), body))
    assert (story.contradictions(), story.unsure()) == ((), ())


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1_000, 1_100))
def test_walks_of_ten_million_steps_break_nothing(seed: int) -> None:
    run_virtual(walk(seed, 100_000))


def _nothing(*_: Any, **__: Any) -> tuple[()]:
    return ()


def _by_the_openings_receipt(rules: Rules, lane: LaneContext, state: Recording, event: Event, now_ms: int) -> Step:
    if event == Recorded(state.crossing, RecordKind.OPENED):
        event = Recorded(state.crossing, RecordKind.DECIDED)
    return passage_stage.step_recording(rules, lane, state, event, now_ms)


Switch = tuple[Any, str, Any]
CONTROLS: dict[str, tuple[str, tuple[Switch, ...]]] = {
    "orders are told once": (
        "line 1",
        ((desired_barrier_state, "insist", lambda door_state, *_, **__: (door_state, ())),),
    ),
    "the opening's receipt, told again, is the decision's": (
        "1 and 3",
        ((machine, "STAGES", {**machine.STAGES, Recording: _by_the_openings_receipt}),),
    ),
    "whoever passes is the holder": (
        "4",
        ((passage_stage, "_in_view", lambda *args: (replace(args[2], in_view=False), (Erase(args[2].crossing),))),),
    ),
    "nothing beside the beams speaks against a grant": ("4", ((passage_stage, "takes_back", lambda *_: None),)),
    "a session of the camera is like another": ("4", ((lane.LaneContext, "looked", lambda self, *_: self),)),
    "what happens before the grant is not heard": ("4", ((abort_conditions, "_spoil", lambda *_: None),)),
    "the lane is not looked at": (
        "4 and 6",
        ((passage_stage, "keeps_closed", _nothing), (policy, "lane_objections", _nothing)),
    ),
    "passages are not written": ("line 6", ((passage_reconciliation, "_entries", _nothing),)),
    "nobody waits for an officer": ("line 7", ((open_referrals, "follow", _nothing),)),
    "emergencies are not seen": ("7", ((lane.LaneContext, "emergency", lambda _: False),)),
    "emergencies die with the lane": (
        "7",
        ((lasting_state, "resume", lambda _last, lane, state, effects, **_: (lane, state, effects)),),
    ),
    "who asks for an officer is not heard": (
        "line 8",
        ((machine, "ask", lambda turn, _asked: (turn.lane, turn.state, ())),),
    ),
    "the second officer may be the first": (
        "two officers",
        ((two_officers, "is_seconded", lambda first, _: first is not None and first.number is None),),
    ),
    "two names with one key are two officers": (
        "two officers",
        (
            (
                two_officers,
                "is_seconded",
                lambda first, ordered: first is not None and first.said.officer != ordered.said.officer,
            ),
        ),
    ),
    "the site's written rules are not asked": ("written rules", ((policy, "rule_objections", _nothing),)),
    "one officer is always enough": ("two officers", ((two_officers, "are_needed", lambda *_: False),)),
    "travellers are always invited": ("line 5", ((lane.LaneContext, "in_service", lambda _: True),)),
}


@pytest.mark.parametrize(
    "control", quick_or_long(CONTROLS, quick=CONTROLS.keys() - {"two names with one key are two officers"}), ids=str
)
def test_the_oracle_sees_that_a_control_is_switched_off(control: str, monkeypatch: pytest.MonkeyPatch) -> None:
    invariant, switches = CONTROLS[control]
    for where, name, instead in switches:
        monkeypatch.setattr(where, name, instead)
    found = next((str(error) for seed in SWITCHED_OFF if (error := broken_by(seed, 5_000)) is not None), "")
    assert found.startswith(invariant), found[:2_000]


# ── the pure machine under anything ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", [9, 10])
def test_whatever_a_hostile_world_says_the_machine_breaks_nothing(seed: int) -> None:
    hostile = Hostile(seed)
    for _ in range(HOSTILE_STEPS):
        hostile.step()
    reached = hostile.oracle.counts
    assert min(reached.get(what, 0) for what in ("grant", "revoke", "closed admitted", "closed referred")) > 3, reached
