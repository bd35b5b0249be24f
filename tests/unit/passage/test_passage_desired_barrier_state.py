"""What is wanted of the barrier is told again until its status shows it, and an incident says what it does not show in time."""

from __future__ import annotations

from dataclasses import replace

from fakes.passage_examples import AT_REST, CROSSING, RULES, granted, ready

from gate.passage.door_state import PendingOrder
from gate.passage.effects import Effect, Grant, Release, Revoke, Write
from gate.passage.events import TrackChanged
from gate.passage.names import IncidentKind, TrackChange
from gate.passage.records import Incident

AGAIN_MS, SHOWN_MS = RULES.timing.order_again_ms, RULES.timing.order_shown_max_ms
STANDS = replace(AT_REST, grants_left=1)


def incidents(effects: list[Effect]) -> list[IncidentKind]:
    records = [effect.record for effect in effects if isinstance(effect, Write)]
    return [record.incident for record in records if isinstance(record, Incident)]


def orders(effects: list[Effect]) -> list[type[Effect]]:
    return [type(effect) for effect in effects if isinstance(effect, Grant | Revoke | Release)]


# ── granting ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_grant_is_wanted_from_when_it_was_told_and_no_more_once_it_was_taken_back() -> None:
    run = granted()
    assert run.lane.last.granting == PendingOrder(run.now_ms, run.now_ms)
    run.feed(TrackChanged(CROSSING, TrackChange.SWITCHED), after_ms=50)
    assert (run.lane.last.granting, run.lane.last.revoking) == (None, PendingOrder(run.now_ms, run.now_ms))


# ── freeing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_grant_that_nobody_here_gave_is_taken_back_at_the_pace_of_any_other_and_told_when_it_stays() -> None:
    run = ready()
    assert orders(run.feed(STANDS)) == [Revoke]
    told = [orders(run.feed(STANDS, after_ms=1)) for _ in range(SHOWN_MS - 1)]
    assert [number + 1 for number, orders_now in enumerate(told) if orders_now == [Revoke]] == list(
        range(AGAIN_MS, SHOWN_MS, AGAIN_MS)
    )
    assert incidents(run.feed(STANDS, after_ms=1)) == [IncidentKind.REVOKE_NOT_SHOWN]
