"""The state of one door: the newest status of its barrier controller with its age, orders that no status has shown,
counters and alarms. Pure.

Old or unknown status is never "closed" (safety invariant 6).

A controller counts from its power-up and restarts at 0 at the next one; it also counts power-ups. A full counter wraps
to 0. Passages between the last status and an unseen power-up are unknown; all later ones are known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gate.passage.events import Counters, DoorSeen
from gate_core.evidence.crossing import Alarm, Door, DoorEvidence

COUNTS = 2**32  # a counter wraps to 0 after this many
_BACK = COUNTS // 2  # so many in one go is a counter that was set back


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm that began and has not ended. `standing`: the controller shows it; `waits`: an officer must still acknowledge it."""

    alarm: Alarm
    since_ms: int
    standing: bool
    waits: bool


@dataclass(frozen=True, slots=True)
class PendingOrder:
    """An order that no status has shown yet: since when desired, when last sent, and whether an incident records that it is not shown.

    `opened`: for a release, the leaf was seen open since. `gives_way`: the way back, which waits for an open last door. `withdrawn`: it
    did, and is no longer sent, but its leaf may still open because of it.
    """

    since_ms: int
    at_ms: int
    missed: bool = False
    opened: bool = False
    gives_way: bool = False
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Inside:
    """A person seen inside before a closed leaf: since when, and whether an officer was notified."""

    since_ms: int
    told: bool = False


@dataclass(frozen=True, slots=True)
class DoorState:
    """The newest known facts of one door. `just_passed`, `just_left`: entry and exit passages shown by the latest event; `counted`: the
    controller's counters when it last answered, however long ago.

    `unshut_ms`: when the door was last seen open or granted, or since when its leaf's position is unknown; None once it was seen shut.

    `granting`, `revoking`, `freeing`: orders that no status has confirmed yet (`gate.passage.desired_barrier_state`). `alarms`: not
    ended; `new_alarms`: began with the latest event; `begun`: began recently; `clearing_ms`: when the controller was last told to clear
    some.
    """

    door: Door = Door.LAST
    seen: DoorSeen | None = None
    seen_ms: int = 0
    counted: Counters | None = None
    just_passed: int = 0
    just_left: int = 0
    released_ms: int | None = None
    unshut_ms: int | None = None
    granting: PendingOrder | None = None
    revoking: PendingOrder | None = None
    freeing: PendingOrder | None = None
    inside: Inside | None = None
    alarms: tuple[Raised, ...] = ()
    new_alarms: tuple[Alarm, ...] = ()
    begun: tuple[tuple[Alarm, int], ...] = ()
    clearing_ms: int | None = None

    def calm(self) -> DoorState:
        """Return the state without news."""
        return replace(self, just_passed=0, just_left=0, new_alarms=()) if self.has_news else self

    @property
    def has_news(self) -> bool:
        """True if the latest event showed passages or alarms."""
        return bool(self.just_passed or self.just_left or self.new_alarms)

    def observe(self, seen: DoorSeen, now_ms: int) -> DoorState:
        """Return the door's state after a status of its controller."""
        passed, left = passages_between(self.counted, seen.counters)
        is_granted = seen.grants_left > 0 or self.granting is not None
        is_shut = seen.closed and not is_granted
        is_untold = seen.unknown and not is_granted and self.unshut_ms is not None
        return replace(
            self,
            seen=seen,
            seen_ms=now_ms,
            counted=seen.counters,
            just_passed=passed,
            just_left=left,
            new_alarms=(),
            # A grant arrived: it stands, or the leaf moved on it.
            granting=None if seen.grants_left or not seen.closed else self.granting,
            unshut_ms=None if is_shut else self.unshut_ms if is_untold else now_ms,
        )

    def unseen(self) -> DoorState:
        """Return the door's state while its controller does not answer."""
        return replace(self, seen=None, inside=None)

    def evidence(self, now_ms: int) -> DoorEvidence | None:
        """Return the door as evidence, None if unknown. An alarm that waits for an officer counts, even if the controller no longer shows it."""
        if self.seen is None:
            return None
        return DoorEvidence(
            age_ms=now_ms - self.seen_ms,
            closed=self.seen.closed,
            bodies=self.seen.bodies,
            grants_left=self.seen.grants_left,
            emergency=self.emergency(),
            alarms=tuple(one.alarm for one in self.alarms),
        )

    def emergency(self) -> bool:
        """True while the fire input is active or the controller stands open for an emergency."""
        return self.seen is not None and (self.seen.fire or self.seen.emergency_open)

    def at_rest(self) -> bool:
        """True when the leaf is closed, nobody is in the zone and nothing is granted."""
        seen = self.seen
        return seen is not None and seen.closed and seen.bodies == 0 and seen.grants_left == 0

    def may_be_passed(self, now_ms: int, grant_max_ms: int) -> bool:
        """True while a person may pass: the controller shows the door open or a grant; or it fell silent in that state, or does not know its
        leaf's position, for as long as a grant can outlive its line. A grant still shown after the incident that reported it is not waited for.
        """
        if self.seen is None or self.seen.unknown:
            return self.unshut_ms is not None and now_ms - self.unshut_ms <= grant_max_ms
        is_given_up = self.revoking is not None and self.revoking.missed
        is_granted = self.granting is not None or self.revoking is not None or self.seen.grants_left > 0
        return not self.seen.closed or (is_granted and not is_given_up)

    def released(self, now_ms: int, within_ms: int) -> bool:
        """True while passages count as part of a release."""
        return self.released_ms is not None and now_ms - self.released_ms <= within_ms


def begins_anew(before: Counters | None, now: Counters) -> bool:
    """True if earlier counts are unknown: first status, power-up, or counters that were set back."""
    if before is None or before.power_ups != now.power_ups:
        return True
    return any(_grown(*pair) >= _BACK for pair in ((before.entry, now.entry), (before.exit, now.exit)))


def passages_between(before: Counters | None, now: Counters) -> tuple[int, int]:
    """Return the known passages in entry and in exit direction; none at the first status."""
    if before is None:
        return 0, 0
    if begins_anew(before, now):
        return now.entry, now.exit
    return _grown(before.entry, now.entry), _grown(before.exit, now.exit)


def _grown(before: int, now: int) -> int:
    return (now - before) % COUNTS
