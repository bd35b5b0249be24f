"""The checks at a barrier: the technician's actions, and what the board must show. Each check is a conversation. Pure.

A check yields a request (read the status, instruct the technician, give the board an order) and receives a `Reading`. It returns a finding, or
raises StepError with what was not seen. Every wait has a limit. The caller takes every grant back when the check ends, for whatever reason.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Final, TypeAlias

from gate.provision.steps import Figure, Finding, StepError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import BarrierStatus, Direction, LeafPosition

REST_MS: Final = 15_000  # from the end of a check until the leaf is closed and the zone empty
NOTICE_MS: Final = 5_000  # from an input to the leaf
GRANT_SPARE_MS: Final = 6_000  # a leaf that opened takes its time to close


@dataclass(frozen=True, slots=True)
class Look:
    """Read the board's status, after giving the technician an instruction."""

    say: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """Grant one passage."""

    direction: Direction
    ttl_ms: int


@dataclass(frozen=True, slots=True)
class EndEmergency:
    """End an emergency whose input is clear, if the board has such a command."""


@dataclass(frozen=True, slots=True)
class ClearAlarms:
    """Clear the alarms that the check has caused."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The board after a request. `refused`: its error for an order, empty if it obeyed."""

    at_ms: int
    status: BarrierStatus | None
    refused: str = ""


Request: TypeAlias = Look | Grant | EndEmergency | ClearAlarms
BarrierCheck: TypeAlias = Generator[Request, Reading, Finding]
Condition: TypeAlias = Callable[[BarrierStatus], bool]


def walk(direction: Direction, *, ttl_ms: int, wait_ms: int) -> BarrierCheck:
    """One person on one grant: the leaf opens for them, the counter of this direction counts them once, and the leaf closes."""
    before, watched = yield from _granted(direction, ttl_ms, wait_ms)
    way = "in, from the travellers' side" if direction is Direction.ENTRY else "out, from the far side"
    reading = yield Look(f"Walk {way}, now: the barrier is granted for {ttl_ms / 1000:.0f} s")
    other = Direction.EXIT if direction is Direction.ENTRY else Direction.ENTRY
    while (passed_ms := reading.at_ms - watched.since_ms) <= min(wait_ms, ttl_ms) + GRANT_SPARE_MS:
        status = watched.see(reading)
        if _counted(status, before, other):
            raise StepError(
                f"the board counted {direction.value} as {other.value}: turn entry_is_left round in gate.toml, or walk the other way"
            )
        if _counted(status, before, direction):
            after = yield from _back_at_rest(watched)
            if _counted(after, before, direction) != 1:
                raise StepError(f"the board counted {_counted(after, before, direction)} passages, not one")
            figures = watched.figures(passed_after_ms=passed_ms)
            return Finding(f"one passage {direction.value}, counted {passed_ms / 1000:.1f} s after the grant", figures)
        reading = yield Look()
    raise StepError(f"nobody walked through within {ttl_ms / 1000:.0f} s that the board would have counted")


def grant_ends(*, ttl_ms: int, wait_ms: int) -> BarrierCheck:
    """An unused grant: it ends by itself when its time is over, with the leaf closed."""
    before, watched = yield from _granted(Direction.ENTRY, ttl_ms, wait_ms)
    reading = yield Look("Stay out of the lane: the barrier is granted, and nobody walks")
    while (waited_ms := reading.at_ms - watched.since_ms) <= ttl_ms + GRANT_SPARE_MS:
        status = watched.see(reading)
        if _counted(status, before, Direction.ENTRY) or _counted(status, before, Direction.EXIT):
            raise StepError("somebody walked through")
        if waited_ms >= ttl_ms // 2 and not _granted_now(status) and status.position is LeafPosition.CLOSED:
            return Finding(
                f"the grant was gone and the leaf closed {waited_ms / 1000:.1f} s after it was given",
                watched.figures(ended_after_ms=waited_ms, ttl_ms=ttl_ms),
            )
        reading = yield Look()
    raise StepError(
        f"the grant stands, or the leaf is open, {(ttl_ms + GRANT_SPARE_MS) / 1000:.0f} s after it was given"
    )


def tailgate(*, ttl_ms: int, wait_ms: int) -> BarrierCheck:
    """Two people close together on one grant: the board must show two."""
    before, watched = yield from _granted(Direction.ENTRY, ttl_ms, wait_ms)
    within_ms = min(wait_ms, ttl_ms)
    reading = yield Look(
        f"Two people walk in now, the second within arm's length: there is one grant, and it lasts {ttl_ms / 1000:.0f} s"
    )
    passed_at_ms = None
    while passed_at_ms is not None or reading.at_ms - watched.since_ms <= within_ms + GRANT_SPARE_MS:
        status = watched.see(reading)
        passed = _counted(status, before, Direction.ENTRY)
        told = [
            *(["two bodies in the zone"] if status.bodies >= 2 else []),
            *([f"{passed} passages"] if passed >= 2 else []),
            *(["an alarm: passage without a grant"] if Alarm.PASSAGE_WITHOUT_GRANT in status.alarms else []),
        ]
        if told:
            yield from _until(_is_at_rest, wait_ms, say="Both leave the lane again", wanted="an empty lane")
            yield ClearAlarms()
            return Finding(f"the board tells two people: {', '.join(told)}", watched.figures(passages=passed))
        passed_at_ms = passed_at_ms if passed_at_ms is not None or not passed else reading.at_ms
        if passed_at_ms is not None and reading.at_ms - passed_at_ms >= NOTICE_MS:
            late = (
                " at the same time: the other one came too late, and must walk closer behind" if status.bodies else ""
            )
            raise StepError(f"one person passed, and the board tells of no second one{late}; it shows {_shown(status)}")
        reading = yield Look()
    raise StepError(f"nobody walked through within {within_ms / 1000:.0f} s that the board would have counted")


def fire(*, wait_ms: int) -> BarrierCheck:
    """The fire loop: its input opens the leaf without the host, and the resulting state can be ended."""
    yield from _at_rest(wait_ms)
    opened = yield from _until(
        lambda status: status.fire, wait_ms, say="Open the fire loop, as an alarm does", wanted="the fire input"
    )
    began_ms = opened.at_ms
    open_leaf = yield from _until(
        lambda status: status.position in {LeafPosition.OPEN, LeafPosition.OPENING} or status.emergency_open,
        NOTICE_MS,
        wanted="the leaf open, or the board's emergency",
    )
    is_open = _answering(open_leaf).position in {LeafPosition.OPEN, LeafPosition.OPENING}
    yield from _until(
        lambda status: not status.fire, wait_ms, say="Close the fire loop again", wanted="the fire input clear again"
    )
    ended = yield EndEmergency()
    say = f"End the emergency at the board (its key): {ended.refused}" if ended.refused else ""
    yield from _until(_is_at_rest, wait_ms if say else REST_MS, say=say, wanted="the leaf closed after the emergency")
    yield ClearAlarms()
    after_ms = open_leaf.at_ms - began_ms
    return Finding(
        f"the fire input was seen, {'the leaf opened' if is_open else 'the board went into its emergency'}, and it ended",
        {"leaf_open_after_ms": after_ms if is_open else None},
    )


def power(*, wait_ms: int) -> BarrierCheck:
    """A power cut of the board: it is detected, and afterwards there is no grant and the leaf is closed."""
    before = _answering((yield from _at_rest(wait_ms)))
    reading = yield Look("Take the board's power away, wait a moment, and give it back")
    began_ms, lost_at_ms = reading.at_ms, None
    while reading.at_ms - began_ms <= wait_ms:
        status = reading.status
        if status is None and lost_at_ms is None:
            lost_at_ms = reading.at_ms
        if status is not None and status.restarts != before.restarts:
            at_rest = yield from _until(_is_at_rest, REST_MS, wanted="a closed leaf and no grant after the power cut")
            away_ms = None if lost_at_ms is None else reading.at_ms - lost_at_ms
            return Finding(
                "the board was powered up anew, holds no grant, and its leaf is closed",
                {"away_ms": away_ms, "at_rest_after_ms": at_rest.at_ms - reading.at_ms, "restarts": status.restarts},
            )
        reading = yield Look()
    raise StepError(f"the board was not powered up anew within {wait_ms / 1000:.0f} s, by its own word")


def _at_rest(wait_ms: int) -> Generator[Request, Reading, Reading]:
    """Wait until the barrier is at rest; a person in its zone is asked to leave. Raises StepError."""
    wanted = "the barrier at rest, which is leaf closed, zone empty, no grant, no fire"
    reading = yield Look()
    began_ms = reading.at_ms
    while reading.status is None or not _is_at_rest(reading.status):
        waited_ms = reading.at_ms - began_ms
        if reading.status is not None and reading.status.bodies and waited_ms >= NOTICE_MS:
            say = "Somebody is still in the zone: have them leave"
            return (yield from _until(_is_at_rest, wait_ms, say=say, wanted=wanted))
        if waited_ms > REST_MS:
            raise _wanted(wanted, REST_MS, reading)
        reading = yield Look()
    return reading


def _until(holds: Condition, limit_ms: int, *, say: str = "", wanted: str) -> Generator[Request, Reading, Reading]:
    reading = yield Look(say)
    began_ms = reading.at_ms
    while not (reading.status is not None and holds(reading.status)):
        if reading.at_ms - began_ms > limit_ms:
            raise _wanted(wanted, limit_ms, reading)
        reading = yield Look()
    return reading


def _wanted(what: str, within_ms: int, reading: Reading) -> StepError:
    shown = "the board does not answer" if reading.status is None else f"it shows {_shown(reading.status)}"
    return StepError(f"wanted within {within_ms / 1000:.0f} s: {what}; {shown}")


def _granted(
    direction: Direction, ttl_ms: int, wait_ms: int
) -> Generator[Request, Reading, tuple[BarrierStatus, _Watched]]:
    """Grant a passage at a barrier at rest; return its status before, and the observation from the grant on. Raises StepError."""
    before = _answering((yield from _at_rest(wait_ms)))
    reading = yield Grant(direction, ttl_ms)
    if reading.refused:
        raise StepError(f"the board refuses a grant: {reading.refused}")
    return before, _Watched(reading.at_ms)


def _back_at_rest(watched: _Watched) -> Generator[Request, Reading, BarrierStatus]:
    """Observe until the barrier is at rest. Raises StepError."""
    reading = yield Look()
    began_ms = reading.at_ms
    while not _is_at_rest(status := watched.see(reading)):
        if reading.at_ms - began_ms > REST_MS:
            wanted = f"wanted within {REST_MS / 1000:.0f} s after the passage: leaf closed, zone empty"
            raise StepError(f"{wanted}; it shows {_shown(status)}")
        reading = yield Look()
    return status


def _answering(reading: Reading) -> BarrierStatus:
    if reading.status is None:
        raise StepError("the board went silent")
    return reading.status


def _is_at_rest(status: BarrierStatus) -> bool:
    busy = status.bodies or status.fire or status.emergency_open or _granted_now(status)
    return status.position is LeafPosition.CLOSED and not busy


def _shown(status: BarrierStatus) -> str:
    """Return the parts of the status that a barrier at rest does not have."""
    bodies = {0: "the zone empty", 1: "somebody in the zone"}.get(status.bodies, f"{status.bodies} bodies in the zone")
    return ", ".join(
        [
            f"the leaf {status.position.value}",
            bodies,
            *(["a grant"] if _granted_now(status) else []),
            *(["the fire input"] if status.fire else []),
            *(["its emergency"] if status.emergency_open else []),
        ]
    )


def _granted_now(status: BarrierStatus) -> bool:
    return bool(status.grants_left_entry or status.grants_left_exit)


def _counted(status: BarrierStatus, before: BarrierStatus, direction: Direction) -> int:
    """Return the passages since then in this direction."""
    now, then = ((one.count_entry if direction is Direction.ENTRY else one.count_exit) for one in (status, before))
    return (now - then) % 2**32


@dataclass(slots=True)
class _Watched:
    """Observation of leaf and zone since a grant."""

    since_ms: int
    moved_ms: int | None = None
    open_ms: int | None = None
    closed_ms: int | None = None
    bodies: int = 0

    def see(self, reading: Reading) -> BarrierStatus:
        """Take the next reading. Raises StepError if the board does not answer."""
        status, after_ms = _answering(reading), reading.at_ms - self.since_ms
        self.bodies = max(self.bodies, status.bodies)
        if status.position is not LeafPosition.CLOSED and self.moved_ms is None:
            self.moved_ms = after_ms
        if status.position is LeafPosition.OPEN and self.open_ms is None:
            self.open_ms = after_ms
        if status.position is LeafPosition.CLOSED and self.moved_ms is not None:
            self.closed_ms = after_ms
        return status

    def figures(self, **more: Figure) -> dict[str, Figure]:
        """Return the measurements; None for those that this board does not report."""
        return {
            "leaf_moves_after_ms": self.moved_ms,
            "leaf_open_after_ms": self.open_ms,
            "leaf_closed_after_ms": self.closed_ms,
            "bodies_at_once": self.bodies,
            **more,
        }
