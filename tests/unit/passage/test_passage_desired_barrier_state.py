"""What is wanted of the barrier is told again until its status shows it, and an incident says what it does not show in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes.passage_examples import AT_REST, CROSSING, GENUINE, RULES, SAME_FACE, Run, granted, granted_by_officer, ready

from gate.passage import states
from gate.passage.door_state import PendingOrder
from gate.passage.effects import Effect, Grant, Release, Revoke, Write
from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    DoorSeen,
    FaceCompared,
    Part,
    PartBack,
    PartLost,
    Recorded,
    RecordKind,
    Tick,
    TrackChange,
    TrackChanged,
)
from gate.passage.orders import Hold, LaneOrder
from gate.passage.records import Incident, IncidentKind
from gate_core.evidence.reasons import Reason

AGAIN_MS, SHOWN_MS = RULES.timing.order_again_ms, RULES.timing.order_shown_max_ms
STANDS = replace(AT_REST, grants_left=1)
OPEN = replace(AT_REST, closed=False)


def incidents(effects: list[Effect]) -> list[IncidentKind]:
    records = [effect.record for effect in effects if isinstance(effect, Write)]
    return [record.incident for record in records if isinstance(record, Incident)]


def orders(effects: list[Effect]) -> list[type[Effect]]:
    return [type(effect) for effect in effects if isinstance(effect, Grant | Revoke | Release)]


# ── taking back ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_revocation_is_told_again_until_no_grant_is_left() -> None:
    """It was told once: one lost answer, and the grant lived for 9.7 s."""
    run = granted()
    run.feed(STANDS)
    assert orders(run.order(Hold(CROSSING))) == [Revoke]
    assert orders(run.feed(STANDS, after_ms=AGAIN_MS - 1)) == []
    assert orders(run.feed(STANDS, after_ms=1)) == [Revoke]
    assert orders(run.feed(STANDS, after_ms=AGAIN_MS - 1)) == []
    assert orders(run.feed(STANDS, after_ms=1)) == [Revoke]
    assert run.lane.last.granting is None
    assert orders(run.feed(AT_REST, after_ms=10)) == []
    assert run.lane.last.revoking is None


def test_a_revocation_that_no_status_shows_in_time_is_an_incident_once_and_still_told() -> None:
    run = granted()
    run.feed(STANDS)
    run.order(Hold(CROSSING))
    assert incidents(run.feed(STANDS, after_ms=SHOWN_MS - 1)) == []
    late = run.feed(STANDS, after_ms=1)
    assert incidents(late) == [IncidentKind.REVOKE_NOT_SHOWN]
    for _ in range(50):
        later = run.feed(STANDS, after_ms=AGAIN_MS)
        assert (orders(later), incidents(later)) == ([Revoke], [])


def test_a_revocation_on_a_line_that_went_silent_is_an_incident_too() -> None:
    run = granted()
    run.feed(STANDS)
    assert Revoke() in run.feed(PartLost(Part.BARRIER))
    assert incidents(run.feed(Tick(), after_ms=SHOWN_MS - 1)) == []
    assert incidents(run.feed(Tick(), after_ms=1)) == [IncidentKind.REVOKE_NOT_SHOWN]
    run.feed(PartBack(Part.BARRIER))
    assert orders(run.feed(STANDS)) == [Revoke]


def test_a_grant_that_nobody_has_is_taken_back_whoever_gave_it() -> None:
    run = ready()
    assert orders(run.feed(STANDS)) == [Revoke]
    run.feed(DocumentPresented(CROSSING))
    assert orders(run.feed(STANDS, after_ms=AGAIN_MS)) == [Revoke]


def test_a_status_from_before_a_grant_was_written_hides_it_for_one_poll_only() -> None:
    run = granted()
    run.feed(TrackChanged(CROSSING, TrackChange.SWITCHED))
    assert orders(run.feed(AT_REST)) == []
    assert orders(run.feed(STANDS, after_ms=1)) == [Revoke]


def test_nothing_is_taken_back_in_an_emergency_or_while_the_grant_is_wanted() -> None:
    run = granted()
    assert orders(run.feed(STANDS, after_ms=AGAIN_MS)) == []
    fire = replace(STANDS, fire=True, emergency_open=True, closed=False)
    assert orders(run.feed(fire, after_ms=AGAIN_MS)) == []
    effects = run.feed(fire, after_ms=10 * SHOWN_MS)
    assert (orders(effects), incidents(effects)) == ([], [])


# ── granting ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("make", [granted, granted_by_officer])
def test_a_grant_that_no_status_shows_in_time_is_taken_back_and_never_told_again(make: Callable[[], Run]) -> None:
    run = make()
    since_ms = run.now_ms
    while run.now_ms < since_ms + SHOWN_MS - 10:
        assert orders(run.feed(AT_REST, after_ms=10)) == []
    late = run.feed(AT_REST, after_ms=10)
    assert orders(late) == [Revoke]
    assert IncidentKind.GRANT_NOT_SHOWN in incidents(late)
    assert isinstance(run.state, states.Referred)
    assert Reason.GRANT_NOT_SHOWN in [one.reason for one in run.state.objections]


@pytest.mark.parametrize("seen", [STANDS, OPEN])
def test_a_grant_that_status_showed_once_lasts_until_its_own_end(seen: DoorSeen) -> None:
    run = granted()
    run.feed(seen)
    assert orders(run.feed(AT_REST, after_ms=SHOWN_MS)) == []
    assert isinstance(run.state, states.Granted)


def test_a_grant_is_wanted_from_when_it_was_told_and_no_more_once_it_was_taken_back() -> None:
    run = granted()
    assert run.lane.last.granting == PendingOrder(run.now_ms, run.now_ms)
    run.feed(TrackChanged(CROSSING, TrackChange.SWITCHED), after_ms=50)
    assert (run.lane.last.granting, run.lane.last.revoking) == (None, PendingOrder(run.now_ms, run.now_ms))


def test_what_nothing_shows_is_said_of_the_crossing_that_runs_a_revoke_and_a_release_each() -> None:
    run = granted()
    run.feed(STANDS)
    run.order(LaneOrder.RELEASE)  # takes the grant back, and opens
    effects = run.feed(STANDS, after_ms=SHOWN_MS)
    assert [one.record for one in effects if isinstance(one, Write)] == [
        Incident(CROSSING, IncidentKind.REVOKE_NOT_SHOWN),
        Incident(CROSSING, IncidentKind.RELEASE_NOT_SHOWN),
    ]


# ── freeing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_release_is_told_again_until_the_leaf_is_seen_open() -> None:
    run = ready()
    assert orders(run.order(LaneOrder.RELEASE)) == [Release]
    assert orders(run.feed(AT_REST, after_ms=AGAIN_MS - 1)) == []
    assert orders(run.feed(AT_REST, after_ms=1)) == [Release]
    assert orders(run.feed(OPEN, after_ms=AGAIN_MS)) == []
    assert orders(run.feed(AT_REST, after_ms=AGAIN_MS)) == []
    assert run.lane.last.freeing is None


def test_a_release_that_a_late_line_cannot_tell_of_is_told_again_while_somebody_is_there() -> None:
    """The line answers late, so the leaf may be anywhere: that passed for an open one, and whoever stood before a closed leaf stayed there."""
    anywhere = replace(AT_REST, closed=False, unknown=True, may_be_old=True, bodies=1)
    again_ms = RULES.timing.release_again_ms
    run = ready()
    run.feed(replace(AT_REST, bodies=1))
    assert orders(run.order(LaneOrder.RELEASE)) == [Release]
    assert orders(run.feed(anywhere, after_ms=again_ms - 1)) == []
    assert orders(run.feed(anywhere, after_ms=1)) == [Release]
    assert orders(run.feed(anywhere, after_ms=again_ms - 1)) == []
    effects = run.feed(replace(anywhere, bodies=0), after_ms=1)
    assert (orders(effects), incidents(effects)) == ([Release], [IncidentKind.RELEASE_NOT_SHOWN])
    assert orders(run.feed(replace(AT_REST, bodies=1), after_ms=AGAIN_MS)) == [Release]
    assert orders(run.feed(anywhere, after_ms=RULES.timing.release_ms)) == [Release], "nobody has seen a way out"
    assert orders(run.feed(replace(OPEN, bodies=1), after_ms=1)) == []
    assert orders(run.feed(anywhere, after_ms=again_ms)) == [Release]


def test_a_release_that_a_late_line_cannot_tell_of_is_told_again_for_its_time_though_nobody_is_before_the_leaf() -> (
    None
):
    """Whoever waits between two doors is not before this one: a release that was ordered while its line was down was never told again."""
    anywhere = replace(AT_REST, closed=False, unknown=True, may_be_old=True)
    again_ms = RULES.timing.release_again_ms
    run = ready()
    assert orders(run.order(LaneOrder.RELEASE)) == [Release]
    told = [orders(run.feed(anywhere, after_ms=again_ms)) for _ in range(RULES.timing.release_ms // again_ms)]
    assert told == [[Release]] * len(told)
    assert orders(run.feed(anywhere, after_ms=again_ms)) == []


def test_a_late_line_does_not_bear_a_release_out_and_a_contact_that_is_not_closed_does() -> None:
    for may_be_old in (True, False):
        run = ready()
        run.order(LaneOrder.RELEASE)
        run.feed(replace(AT_REST, closed=False, unknown=True, may_be_old=may_be_old), after_ms=10)
        told = [run.feed(AT_REST, after_ms=AGAIN_MS) for _ in range(12)]
        assert sum(orders(one) == [Release] for one in told) == (12 if may_be_old else 0)
        assert [one for each in told for one in incidents(each)] == [IncidentKind.RELEASE_NOT_SHOWN] * may_be_old


def test_a_release_that_no_status_shows_in_time_is_an_incident_once_and_still_told() -> None:
    run = ready()
    run.order(LaneOrder.RELEASE)
    seen = []
    for _ in range(20):
        effects = run.feed(AT_REST, after_ms=AGAIN_MS)
        assert orders(effects) == [Release]
        seen += incidents(effects)
    assert seen == [IncidentKind.RELEASE_NOT_SHOWN]


def test_a_release_that_never_opened_is_given_up_with_its_time_where_nobody_is_inside() -> None:
    run = ready()
    run.order(LaneOrder.RELEASE)
    told = sum(orders(run.feed(AT_REST, after_ms=AGAIN_MS)) == [Release] for _ in range(100))
    assert told == RULES.timing.release_ms // AGAIN_MS


def test_a_new_grant_ends_a_release_that_no_status_showed() -> None:
    run = ready()
    run.order(LaneOrder.RELEASE)
    run.feed(DocumentPresented(CROSSING), Recorded(CROSSING, RecordKind.OPENED))
    run.feed(DocumentRead(CROSSING, GENUINE), FaceCompared(CROSSING, SAME_FACE))
    run.feed(Recorded(CROSSING, RecordKind.DECIDED))
    assert orders(run.feed(AT_REST)) == [Grant]
    assert orders(run.feed(STANDS, after_ms=AGAIN_MS)) == []


def test_a_release_without_a_line_is_an_incident_and_told_when_the_line_is_back() -> None:
    run = ready()
    run.feed(PartLost(Part.BARRIER))
    run.order(LaneOrder.RELEASE)
    assert incidents(run.feed(Tick(), after_ms=SHOWN_MS)) == [IncidentKind.RELEASE_NOT_SHOWN]
    assert orders(run.feed(AT_REST, after_ms=AGAIN_MS)) == [Release]


def test_a_leaf_that_stood_open_anyway_and_closes_on_somebody_is_opened_again() -> None:
    run = ready()
    run.feed(replace(OPEN, bodies=1))
    run.order(LaneOrder.RELEASE)
    run.feed(replace(OPEN, bodies=1), after_ms=AGAIN_MS)
    assert orders(run.feed(replace(AT_REST, bodies=1), after_ms=AGAIN_MS)) == [Release]


def test_a_release_outlasts_its_time_only_for_somebody_whom_no_status_ever_showed_a_way_out() -> None:
    def afterwards(bodies: int, *, opened: bool) -> list[type[Effect]]:
        run = ready()
        run.feed(replace(AT_REST, bodies=bodies))
        run.order(LaneOrder.RELEASE)
        if opened:
            run.feed(replace(OPEN, bodies=bodies))
        run.feed(PartLost(Part.BARRIER))
        return orders(run.feed(replace(AT_REST, bodies=bodies), after_ms=RULES.timing.release_ms + 1))

    assert afterwards(0, opened=False) == []
    assert afterwards(0, opened=True) == []
    assert afterwards(1, opened=True) == []
    assert afterwards(1, opened=False) == [Release]


def test_a_passage_long_after_a_release_that_is_still_told_is_the_releases() -> None:
    run = ready()
    run.feed(replace(AT_REST, bodies=1))
    run.order(LaneOrder.RELEASE)
    run.feed(replace(AT_REST, bodies=1), after_ms=RULES.timing.release_ms + 1)
    assert incidents(run.feed(replace(OPEN, passages_entry=1), after_ms=100)) == []


def test_a_revocation_that_is_told_again_while_somebody_is_freed_does_not_have_the_last_word() -> None:
    run = granted()
    run.feed(STANDS)
    assert orders(run.order(LaneOrder.RELEASE)) == [Revoke, Release]
    assert orders(run.feed(STANDS, after_ms=AGAIN_MS)) == [Revoke, Release]
    assert orders(run.feed(replace(STANDS, closed=False), after_ms=AGAIN_MS)) == [Revoke, Release]


def test_a_release_follows_a_revocation_that_is_told_again_before_the_releases_own_time() -> None:
    run = granted()
    run.feed(STANDS)
    run.order(Hold(CROSSING))
    assert orders(run.order(LaneOrder.RELEASE, after_ms=AGAIN_MS - 50)) == [Release]
    assert orders(run.feed(STANDS, after_ms=50)) == [Revoke, Release]
    assert orders(run.feed(replace(STANDS, closed=False), after_ms=AGAIN_MS)) == [Revoke, Release]


def test_what_was_to_be_taken_back_when_an_emergency_was_ordered_is_no_incident() -> None:
    run = granted()
    run.feed(STANDS)
    run.order(Hold(CROSSING))
    run.order(LaneOrder.OPEN_EMERGENCY)
    assert incidents(run.feed(Tick(), after_ms=SHOWN_MS)) == [IncidentKind.RELEASE_NOT_SHOWN]


def test_an_emergency_that_an_officer_ordered_is_told_until_the_leaf_is_open_and_again_when_it_closes() -> None:
    run = ready()
    run.order(LaneOrder.OPEN_EMERGENCY)
    assert orders(run.feed(AT_REST, after_ms=AGAIN_MS)) == [Release]
    assert incidents(run.feed(AT_REST, after_ms=SHOWN_MS - AGAIN_MS)) == [IncidentKind.RELEASE_NOT_SHOWN]
    run.feed(OPEN)
    assert orders(run.feed(AT_REST, after_ms=10 * RULES.timing.release_ms)) == [Release]
    assert orders(run.feed(AT_REST, after_ms=AGAIN_MS - 1)) == []
    assert orders(run.feed(AT_REST, after_ms=1)) == [Release]
    assert orders(run.feed(AT_REST, after_ms=AGAIN_MS - 1)) == []


def test_a_release_is_told_again_at_its_pace_and_not_with_every_status() -> None:
    run = ready()
    run.feed(replace(AT_REST, bodies=1))
    run.order(LaneOrder.RELEASE)
    for _ in range(3):
        assert orders(run.feed(replace(AT_REST, bodies=1), after_ms=AGAIN_MS - 1)) == []
        assert orders(run.feed(replace(AT_REST, bodies=1), after_ms=1)) == [Release]
        assert run.lane.last.released_ms == run.now_ms


def test_a_grant_that_nobody_here_gave_is_taken_back_at_the_pace_of_any_other_and_told_when_it_stays() -> None:
    run = ready()
    assert orders(run.feed(STANDS)) == [Revoke]
    told = [orders(run.feed(STANDS, after_ms=1)) for _ in range(SHOWN_MS - 1)]
    assert [number + 1 for number, orders_now in enumerate(told) if orders_now == [Revoke]] == list(
        range(AGAIN_MS, SHOWN_MS, AGAIN_MS)
    )
    assert incidents(run.feed(STANDS, after_ms=1)) == [IncidentKind.REVOKE_NOT_SHOWN]
