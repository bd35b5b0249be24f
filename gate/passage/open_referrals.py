"""The referrals that wait for an officer: every crossing closed as referred, until it is settled, whatever happens in between.

They are tracked by their records, as the log does: so an emergency, another referral or a restart loses none, and lane and log
agree. `gate.passage.officer_commands` settles them; the states show what the lane does meanwhile.
"""

from __future__ import annotations

from dataclasses import replace

from gate.passage.effects import Effect, Write
from gate.passage.lane import Referral
from gate.passage.names import ClosedAs, IncidentKind, Wish
from gate.passage.records import Asked, Closed, Incident, Record, Revoked, Settled
from gate.passage.states import Turn, Turned
from gate_core.evidence.reasons import Objection, Reason

WAITING_MAX = 32  # beyond that the oldest is only in the log, which reports it at the next start

RESTARTED = (Objection(Reason.LANE_RESTARTED),)
CALLS = {Wish.HELP: Objection(Reason.HELP_ASKED), Wish.PROTECTION: Objection(Reason.PROTECTION_ASKED)}


def left(
    referred: tuple[str, ...],
    first: tuple[Effect, ...],
    protected: tuple[str, ...] = (),
    held: tuple[tuple[str, str], ...] = (),
) -> tuple[Referral, ...]:
    """Return the referrals at the start: those `referred` before, and those in the effects `first`. `held`: crossing and officer."""
    return follow(tuple(Referral(crossing, of_earlier(crossing, protected, held)) for crossing in referred), first)


def of_earlier(crossing: str, protected: tuple[str, ...], held: tuple[tuple[str, str], ...]) -> tuple[Objection, ...]:
    """Return the known objections of a crossing of an earlier run."""
    asked = (CALLS[Wish.PROTECTION],) if crossing in protected else ()
    return (
        *RESTARTED,
        *asked,
        *(Objection(Reason.HELD_BY_OFFICER, officer) for one, officer in held if one == crossing),
    )


def follow(waiting: tuple[Referral, ...], effects: tuple[Effect, ...], now_ms: int = 0) -> tuple[Referral, ...]:
    """Return the referrals after these effects."""
    for effect in effects:
        if isinstance(effect, Write):
            waiting = _after(waiting, effect.record, now_ms)
    return waiting[-WAITING_MAX:]


def wait(turn: Turn) -> Turned:
    """Update the referrals by the records that the crossing has just written."""
    effects = turn.effects["crossing"]
    if not effects:
        return turn.lane, ()
    return replace(turn.lane, waiting=follow(turn.lane.waiting, effects, turn.now_ms)), ()


def escalate(turn: Turn) -> Turned:
    """Report once each referral that waits too long: an incident and a notice. Not in shadow mode."""
    waiting, since_ms = turn.lane.waiting, turn.now_ms - turn.rules.timing.referral_max_ms
    due = {one.crossing for one in waiting if not one.late and one.since_ms < since_ms}
    if turn.rules.policy.shadow or not due:
        return turn.lane, ()
    late = tuple(replace(one, late=True) if one.crossing in due else one for one in waiting)
    said = tuple(Write(Incident(one.crossing, IncidentKind.REFERRAL_WAITS)) for one in waiting if one.crossing in due)
    return replace(turn.lane, waiting=late), said


def _after(waiting: tuple[Referral, ...], record: Record, now_ms: int) -> tuple[Referral, ...]:
    match record:
        case Closed(crossing, ClosedAs.REFERRED, objections):
            return (*waiting, Referral(crossing, objections, now_ms))
        case Revoked(crossing, reasons):
            return tuple(_with(one, reasons) if one.crossing == crossing else one for one in waiting)
        case Asked(crossing, Wish.HELP | Wish.PROTECTION as wish):
            return tuple(_with(one, (CALLS[wish],)) if one.crossing == crossing else one for one in waiting)
        case Settled(crossing):
            return tuple(one for one in waiting if one.crossing != crossing)
        case _:
            return waiting


def _with(referral: Referral, more: tuple[Objection, ...]) -> Referral:
    """Return the referral with one more objection: an admission that failed, or a traveller's request while waiting."""
    return replace(referral, objections=tuple(dict.fromkeys((*referral.objections, *more))))
