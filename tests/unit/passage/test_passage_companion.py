"""A companion passes on the holder's grant: beams count a body, and the camera still sees whom the grant was for (safety invariant 4)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.passage_examples import AT_REST, CROSSING, RULES, Run, granted

from gate.passage import records, states
from gate.passage.effects import Effect, Erase, Revoke, Write
from gate.passage.events import Event, Tick, TrackChanged
from gate.passage.names import ClosedAs, IncidentKind, TrackChange
from gate.passage.passage_stage import NEARER_MIN, PROVED_EVERY_MS
from gate.passage.records import GrantEnd
from gate.passage.states import Rules
from gate.programs.lane.records import Remembered
from gate_core.evidence.screen import Screen

OPEN = replace(AT_REST, closed=False, grants_left=1)
IN_ZONE = replace(OPEN, bodies=1)
THROUGH = replace(AT_REST, closed=False, bodies=1, passages_entry=1)
RESTS = replace(AT_REST, passages_entry=1)
LOST = TrackChanged(CROSSING, TrackChange.LOST, 0, 600, 2.5)  # of who walked up to the camera
LIMIT_MS = RULES.timing.view_after_passage_ms
WALKS_OUT_MS = RULES.timing.walks_out_ms
BESIDE_MS = 100 + PROVED_EVERY_MS  # `passed()` looks at the zone 100 ms before the status that counts the passage
SEEN_AGAIN_MS = RULES.timing.seen_again_ms
SEES_ZONE = replace(RULES, policy=replace(RULES.policy, camera_sees_zone=True))


def sees_zone(run: Run, rules: Rules = SEES_ZONE) -> Run:
    """The same lane at a site whose camera sees the passage zone."""
    run.rules = rules
    return run


def passed() -> Run:
    """Somebody is through, and the lane is at rest behind them; the camera has not lost the holder."""
    run = sees_zone(granted())
    run.feed(IN_ZONE, after_ms=300)
    run.feed(IN_ZONE, after_ms=600)
    run.feed(THROUGH, after_ms=100)
    run.feed(RESTS, after_ms=900)
    return run


def written(effects: list[Effect]) -> list[records.Record]:
    return [one.record for one in effects if isinstance(one, Write)]


def closings(run: Run) -> list[records.Closed]:
    return [one for one in written(run.effects) if isinstance(one, records.Closed)]


def incidents(effects: list[Effect]) -> list[IncidentKind]:
    return [one.incident for one in written(effects) if isinstance(one, records.Incident)]


def is_admitted(run: Run) -> bool:
    return [one.verdict for one in closings(run)] == [ClosedAs.ADMITTED]


# ── the companion ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("change", [TrackChange.LOST, TrackChange.SWITCHED])
@pytest.mark.parametrize("told_ms", [100, 300, 700, 1_500, 1_900])
def test_a_holder_who_leaves_after_the_companion_passed_was_proved_too_late_to_be_the_one_who_passed(
    change: TrackChange, told_ms: int
) -> None:
    """`passed()` ends 900 ms after the passage: the face was proved once more a millisecond after a traveller's way out of the picture."""
    run = passed()
    run.feed(Tick(), after_ms=WALKS_OUT_MS - 900)
    effects = run.feed(TrackChanged(CROSSING, change, seen_ago_ms=told_ms - 1), after_ms=told_ms)
    assert [one.verdict for one in closings(run)] == [ClosedAs.REFERRED]
    assert incidents(effects) == [IncidentKind.HOLDER_IN_VIEW]
    run.feed(LOST, RESTS, after_ms=100)
    assert isinstance(run.state, states.Referred)


@pytest.mark.parametrize("change", [TrackChange.LOST, TrackChange.SWITCHED])
@pytest.mark.parametrize("proved_ms", [-BESIDE_MS, 0, 700, WALKS_OUT_MS])
def test_a_traveller_who_came_nearer_and_was_proved_for_the_last_time_on_the_way_out_of_the_picture_is_admitted(
    proved_ms: int, change: TrackChange
) -> None:
    run = passed()
    run.feed(TrackChanged(CROSSING, change, seen_ago_ms=1_400, grown=NEARER_MIN), after_ms=proved_ms + 1_400 - 900)
    run.feed(RESTS)
    assert is_admitted(run)
    assert incidents(run.effects) == []


@pytest.mark.parametrize("change", [TrackChange.LOST, TrackChange.SWITCHED])
@pytest.mark.parametrize("grown", [None, 0.0, 1.0, NEARER_MIN - 0.01])
@pytest.mark.parametrize("proved_ms", [-BESIDE_MS, 0, 700, WALKS_OUT_MS])
def test_a_holder_who_leaves_beside_the_companions_passage_and_came_no_nearer_did_not_pass(
    proved_ms: int, grown: float | None, change: TrackChange
) -> None:
    run = passed()
    effects = run.feed(TrackChanged(CROSSING, change, 0, 1_400, grown), after_ms=proved_ms + 1_400 - 900)
    assert [one.verdict for one in closings(run)] == [ClosedAs.REFERRED]
    assert incidents(effects) == [IncidentKind.HOLDER_IN_VIEW]
    run.feed(LOST, RESTS, after_ms=100)
    assert isinstance(run.state, states.Referred)


@pytest.mark.parametrize("counted_ms", [0, 200])
@pytest.mark.parametrize(("grown", "verdict"), [(1.0, ClosedAs.REFERRED), (2.5, ClosedAs.ADMITTED)])
@pytest.mark.parametrize("bodies", [1, 2])
def test_a_holder_whose_loss_is_told_before_the_passage_is_counted_is_judged_when_it_is(
    bodies: int, grown: float, verdict: ClosedAs, counted_ms: int
) -> None:
    """The later the passage is counted, the earlier it may have been."""
    run = sees_zone(granted())
    run.feed(IN_ZONE, after_ms=300)
    ago_ms = PROVED_EVERY_MS
    run.feed(TrackChanged(CROSSING, TrackChange.LOST, 0, 5_000, 1.0))  # the newest word counts
    run.feed(TrackChanged(CROSSING, TrackChange.LOST, 0, ago_ms, grown))
    effects = run.feed(replace(THROUGH, bodies=bodies), after_ms=counted_ms)
    assert effects[0] == Revoke()
    others = [IncidentKind.BODIES_SEVERAL] if bodies > 1 else []
    assert incidents(effects) == ([IncidentKind.HOLDER_IN_VIEW] if verdict is ClosedAs.REFERRED else []) + others
    run.feed(RESTS, after_ms=SEEN_AGAIN_MS)
    run.feed(RESTS, after_ms=100)
    assert [one.verdict for one in closings(run)] == [verdict]


def test_where_travellers_are_compared_within_the_beams_they_need_not_have_come_nearer_before_the_passage() -> None:
    within = replace(SEES_ZONE, policy=replace(SEES_ZONE.policy, camera_inside_zone=True))
    for ago_ms, verdict in ((901, ClosedAs.ADMITTED), (900, ClosedAs.REFERRED)):
        run = sees_zone(granted(), within)
        run.feed(IN_ZONE, THROUGH)
        run.feed(TrackChanged(CROSSING, TrackChange.LOST, 0, ago_ms, 1.0), after_ms=900)
        run.feed(Tick(), RESTS, after_ms=SEEN_AGAIN_MS)
        assert [one.verdict for one in closings(run)] == [verdict]


def test_the_limits_are_those_that_were_reasoned() -> None:
    """A change of one of these changes who is found: docs/safety.md, and `gate.passage.passage_stage`."""
    assert (NEARER_MIN, PROVED_EVERY_MS, SEEN_AGAIN_MS, WALKS_OUT_MS, LIMIT_MS) == (1.25, 300, 1_000, 1_100, 3_000)


# ── the traveller ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("lost_ms", [0, 300, 650, 1_000, 1_700, LIMIT_MS])
def test_whoever_goes_through_is_admitted_whichever_of_camera_and_beams_tells_first(lost_ms: int) -> None:
    """The passage is told a second after the first step; the loss of the face before, with or after it."""
    run = sees_zone(granted())
    walked = replace(LOST, seen_ago_ms=max(600, lost_ms + 350 - 1_800))
    told: list[tuple[int, Event]] = [(350, IN_ZONE), (1_000, THROUGH), (1_900, RESTS), (lost_ms + 350, walked)]
    before_ms = 0
    for when_ms, event in sorted(told, key=lambda one: one[0]):
        run.feed(event, after_ms=when_ms - before_ms)
        before_ms = when_ms
    run.feed(RESTS, RESTS, after_ms=150)
    assert is_admitted(run)
    assert incidents(run.effects) == []
    assert Erase(CROSSING) in run.effects
    assert run.state == states.Idle(Screen.WELCOME)
    ended = [one for one in written(run.effects) if isinstance(one, records.GrantEnded)]
    assert ended == [records.GrantEnded(CROSSING, GrantEnd.PASSAGE)]


# ── a death in between ───────────────────────────────────────────────────────────────────────────────────────────────


def remembered(run: Run) -> Remembered:
    known = Remembered()
    for record in written(run.effects):
        known = known.after(record)
    return known


def test_a_lane_that_starts_anew_admits_only_whose_passage_the_camera_bore_out() -> None:
    run = passed()
    assert remembered(run).through is None
    run.feed(LOST, Tick(), after_ms=SEEN_AGAIN_MS - 900)
    assert remembered(run).through == CROSSING
    run = sees_zone(granted(), RULES)
    run.feed(THROUGH)
    assert remembered(run).through == CROSSING
