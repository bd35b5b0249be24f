"""The barrier controller's logic: grants, timers, watchdog, alarms, emergency, and the leaf's target position. Pure.

Safety is in the controller, not in the host. A grant ends with its timer or with a silent host. The leaf reverses from
a person in it. The fire input opens it whatever the host orders. Each call receives the time in milliseconds.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardware_sim.barrier.beams import BeamWatcher, Way, bodies_told_apart
from hardware_sim.barrier.leaf import Leaf, LeafState

if TYPE_CHECKING:
    from collections.abc import Callable

TTL_MS_DEFAULT, TTL_MS_MIN, TTL_MS_MAX = 5_000, 1_000, 30_000
WATCHDOG_MS_DEFAULT, WATCHDOG_MS_MIN, WATCHDOG_MS_MAX = 1_000, 200, 5_000
RELEASE_MS_MIN = 3_000  # a released leaf stays open this long even when the zone looks empty
OPEN_TOO_LONG_MS = 8_000  # open without a grant, a release or an emergency
COUNTS = 2**32  # a counter continues at 0 after so many


class Alarm(enum.IntFlag):
    """Bits of input register 9."""

    NONE = 0
    FORCED = 1
    OBSTRUCTED = 2
    OPEN_TOO_LONG = 4
    REVERSE_PASSAGE = 8
    PASSAGE_WITHOUT_GRANT = 16
    HOST_LOST = 32
    MOTOR_FAULT = 64


class End(enum.Enum):
    """How a grant ended."""

    USED = "used"
    TTL = "ttl"
    REVOKED = "revoked"
    HOST_LOST = "host_lost"
    EMERGENCY = "emergency"
    POWER_UP = "power_up"


@dataclass(slots=True)
class _Grant:
    way: Way
    ends_at_ms: float


@dataclass(slots=True)
class Controller:
    """One controller with one leaf and three beams. `report` receives events of grants, inputs and the leaf."""

    report: Callable[..., None]
    leaf: Leaf = field(default_factory=Leaf)
    broken: tuple[bool, ...] = (False, False, False)
    passages: dict[Way, int] = field(default_factory=lambda: dict.fromkeys(Way, 0))
    alarms: Alarm = Alarm.NONE
    fire: bool = False
    emergency: bool = False
    motor_fault: bool = False
    power_ups: int = 1
    ttl_ms: int = TTL_MS_DEFAULT
    watchdog_ms: int = WATCHDOG_MS_DEFAULT
    lamp: int = 0
    now_ms: float = 0.0
    _grants: dict[Way, _Grant] = field(default_factory=dict)
    _watcher: BeamWatcher = field(default_factory=BeamWatcher)
    _host_seen_ms: float | None = None  # None: no message since power-up, or the loss is already reported
    _released_at_ms: float | None = None
    _unexplained_open_since_ms: float | None = None

    # ── orders of the host ───────────────────────────────────────────────────────────────────────────────────────────

    def host_spoke(self) -> None:
        """Note that a valid request arrived: the host is alive."""
        if self._host_seen_ms is None:
            self.report("host_seen")
        self._host_seen_ms = self.now_ms

    def set_grant(self, way: Way, passages: int) -> None:
        """Grant one passage or none. Repeating a running grant does not prolong it."""
        if passages == 0:
            self._end_grant(way, End.REVOKED)
        elif way not in self._grants:
            self._grants[way] = _Grant(way, self.now_ms + self.ttl_ms)
            self.report("grant_received", direction=way.value, ttl_ms=self.ttl_ms)
        else:
            self.report("grant_repeated", direction=way.value)

    def release(self) -> None:
        """Open the leaf, so that the person inside can leave."""
        self._released_at_ms = self.now_ms
        self.report("release_received")

    def end_emergency(self) -> None:
        """Leave the emergency. The caller has checked that the fire input is clear."""
        if self.emergency:
            self.emergency = False
            self.report("emergency_ended")

    def clear_alarms(self, mask: Alarm) -> None:
        """Clear alarms whose cause is gone. The request itself ends the alarm for a lost host."""
        closed = self.leaf.state is LeafState.CLOSED
        persisting = Alarm.NONE
        if not closed:
            persisting |= Alarm.FORCED | Alarm.OPEN_TOO_LONG
        if self.broken[1]:
            persisting |= Alarm.OBSTRUCTED
        if any(self.broken):
            persisting |= Alarm.REVERSE_PASSAGE | Alarm.PASSAGE_WITHOUT_GRANT
        if self.motor_fault:
            persisting |= Alarm.MOTOR_FAULT
        self.alarms &= ~(mask & ~persisting)

    # ── status ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def granted(self, way: Way) -> int:
        """Return the passages still granted in a direction."""
        return int(way in self._grants)

    @property
    def bodies(self) -> int:
        """Return how many bodies the beams distinguish."""
        return bodies_told_apart(self.broken)

    @property
    def grant_left_ms(self) -> int:
        """Return the milliseconds until the last running grant expires, or 0."""
        return int(max((grant.ends_at_ms - self.now_ms for grant in self._grants.values()), default=0))

    @property
    def host_left_ms(self) -> int:
        """Return the milliseconds until the host counts as lost, or 0."""
        if self._host_seen_ms is None:
            return 0
        return max(0, int(self._host_seen_ms + self.watchdog_ms - self.now_ms))

    @property
    def releasing(self) -> bool:
        """Return True while the leaf is open for an officer's release."""
        return self._released_at_ms is not None

    @property
    def calm_until_ms(self) -> float:
        """Return the time until which an idle line and free beams change nothing; `now_ms` while the barrier is active."""
        if self._called_open or self.fire or self.motor_fault or any(self.broken) or not self.leaf.rests_closed:
            return self.now_ms
        return math.inf if self._host_seen_ms is None else self._host_seen_ms + self.watchdog_ms

    @property
    def _called_open(self) -> bool:
        return bool(self._grants) or self.emergency or self.releasing

    # ── spontaneous behaviour ────────────────────────────────────────────────────────────────────────────────────────

    def power_cycle(self) -> None:
        """Cut and restore the power: counters, grants and settings are reset; the leaf stays where it is."""
        for way in tuple(self._grants):
            self._end_grant(way, End.POWER_UP)
        self.passages = dict.fromkeys(Way, 0)
        self.alarms, self.emergency, self.lamp = Alarm.NONE, False, 0
        self.ttl_ms, self.watchdog_ms = TTL_MS_DEFAULT, WATCHDOG_MS_DEFAULT
        self._host_seen_ms = self._released_at_ms = self._unexplained_open_since_ms = None
        self._watcher = BeamWatcher()
        self.power_ups = self.power_ups % 0xFFFF + 1
        self.report("power_up", power_ups=self.power_ups)

    def step(self, now_ms: float, broken: tuple[bool, ...]) -> None:
        """Advance to `now_ms`, with the present state of the beams."""
        elapsed_ms, self.now_ms = max(0.0, now_ms - self.now_ms), now_ms
        self.broken = broken
        self._watch_fire()
        self._watch_timers()
        self._watch_passages()
        self._move_leaf(elapsed_ms)
        self._watch_leaf()

    def _watch_fire(self) -> None:
        if self.fire and not self.emergency:
            self.emergency = True
            self.report("emergency_began")
            for way in tuple(self._grants):
                self._end_grant(way, End.EMERGENCY)

    def _watch_timers(self) -> None:
        for grant in tuple(self._grants.values()):
            if self.now_ms >= grant.ends_at_ms:
                self._end_grant(grant.way, End.TTL)
        if self._host_seen_ms is not None and self.now_ms - self._host_seen_ms >= self.watchdog_ms:
            self._host_seen_ms = None
            self.alarms |= Alarm.HOST_LOST
            self.report("host_lost")
            for way in tuple(self._grants):
                self._end_grant(way, End.HOST_LOST)
        released_ms = self._released_at_ms
        if released_ms is not None and self.now_ms - released_ms >= RELEASE_MS_MIN and not any(self.broken):
            self._released_at_ms = None

    def _watch_passages(self) -> None:
        way = self._watcher.see(self.broken)
        if way is None:
            return
        self.passages[way] = (self.passages[way] + 1) % COUNTS
        counters = {one.value: count for one, count in self.passages.items()}
        self.report("counted", direction=way.value, power_ups=self.power_ups, **counters)
        if way in self._grants:
            self._end_grant(way, End.USED)
        elif not (self.emergency or self.releasing):
            self.alarms |= Alarm.REVERSE_PASSAGE if self._grants else Alarm.PASSAGE_WITHOUT_GRANT

    def _move_leaf(self, elapsed_ms: float) -> None:
        if self.motor_fault:
            self.alarms |= Alarm.MOTOR_FAULT
            self.leaf.halt()
            return
        called_open = self._called_open
        in_the_way = self.broken[1] and self.leaf.state is not LeafState.CLOSED
        if in_the_way and not called_open and self.leaf.state is LeafState.CLOSING:
            self.alarms |= Alarm.OBSTRUCTED
        self.leaf.drive(towards_open=called_open or in_the_way, elapsed_ms=elapsed_ms)

    def _watch_leaf(self) -> None:
        if self._called_open or self.leaf.state is LeafState.CLOSED:
            self._unexplained_open_since_ms = None
        elif self._unexplained_open_since_ms is None:
            self._unexplained_open_since_ms = self.now_ms
        elif self.now_ms - self._unexplained_open_since_ms >= OPEN_TOO_LONG_MS:
            self.alarms |= Alarm.OPEN_TOO_LONG

    def force_leaf(self, degrees: float) -> None:
        """Push the leaf to an angle by hand."""
        self.leaf.push(degrees)
        if not self._called_open:
            self.alarms |= Alarm.FORCED

    def _end_grant(self, way: Way, how: End) -> None:
        if self._grants.pop(way, None) is not None:
            self.report("grant_ended", direction=way.value, how=how.value)
