"""The referrals that wait for an officer: every crossing that was closed as referred, until it is settled, whatever happens between.

They are followed by their records, as the log follows them: so an emergency, another referral or a restart makes nobody forgotten, and
lane and log agree on who waits. Settling one, and what the lane stands for meanwhile, is left to `gate.passage.officer_commands` and the states.
"""

from __future__ import annotations

from dataclasses import replace

from gate.passage.effects import Effect, Write
from gate.passage.events import Wish
from gate.passage.lane import Referral
from gate.passage.records import Asked, Closed, ClosedAs, Incident, IncidentKind, Record, Revoked, Settled
from gate.passage.states import Turn, Turned
from gate_core.evidence.reasons import Objection, Reason

WAITING_MAX = 32  # the oldest is left to the log, which tells of it again at the next start

RESTARTED = (Objection(Reason.LANE_RESTARTED),)
CALLS = {Wish.HELP: Objection(Reason.HELP_ASKED), Wish.PROTECTION: Objection(Reason.PROTECTION_ASKED)}


def left(
    referred: tuple[str, ...],
    first: tuple[Effect, ...],
    protected: tuple[str, ...] = (),
    held: tuple[tuple[str, str], ...] = (),
) -> tuple[Referral, ...]:
    """Who waits at the start: those `referred` before, and those whom `first` refers. `held`: crossing and officer."""
    return follow(tuple(Referral(crossing, of_earlier(crossing, protected, held)) for crossing in referred), first)


def of_earlier(crossing: str, protected: tuple[str, ...], held: tuple[tuple[str, str], ...]) -> tuple[Objection, ...]:
    """What is known of a crossing of an earlier run."""
    asked = (CALLS[Wish.PROTECTION],) if crossing in protected else ()
    return (
        *RESTARTED,
        *asked,
        *(Objection(Reason.HELD_BY_OFFICER, officer) for one, officer in held if one == crossing),
    )


def follow(waiting: tuple[Referral, ...], effects: tuple[Effect, ...], now_ms: int = 0) -> tuple[Referral, ...]:
    """Who waits after these effects."""
    for effect in effects:
        if isinstance(effect, Write):
            waiting = _after(waiting, effect.record, now_ms)
    return waiting[-WAITING_MAX:]


def wait(turn: Turn) -> Turned:
    """Keep who waits for an officer, by what the crossing has written just now."""
    effects = turn.effects["crossing"]
    if not effects:
        return turn.lane, ()
    return replace(turn.lane, waiting=follow(turn.lane.waiting, effects, turn.now_ms)), ()


def escalate(turn: Turn) -> Turned:
    """Say once of each referral that it waits too long: an incident, and a notice. Not where the gate only watches."""
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
    """More speaks for an officer: an admission that failed, or what the traveller asked for while they wait."""
    return replace(referral, objections=tuple(dict.fromkeys((*referral.objections, *more))))
