"""A swing-gate board's logic: openings that add up, their timer, a lease, alarms, fire, and the leaf's target. Pure.

Each opening lets one person pass; a passage uses one up, and the timer withdraws the unused ones. A board with a lease
withdraws all openings after that time without a message, and works without a host. Alarms end with their causes. Times
are milliseconds. Gaps in docs/protocols/barrier-ds205a.md and barrier-italdis.md are filled by assumptions.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardware_sim.barrier.beams import BeamWatcher, Way
from hardware_sim.barrier.controller import End
from hardware_sim.barrier.leaf import Leaf, LeafState

if TYPE_CHECKING:
    from collections.abc import Callable

OPENING_MS = 6_000  # set by the technician: an unused opening ends then
ALARM_MS_MIN = 2_000  # an alarm is shown at least this long
OPEN_TOO_LONG_MS = 8_000
OPENINGS_MAX = 255  # more are ignored


class SwingAlarm(enum.Enum):
    """The board's alarms."""

    FORCED = "forced"
    OBSTRUCTED = "obstructed"
    OPEN_TOO_LONG = "open_too_long"
    PASSAGE_WITHOUT_GRANT = "passage_without_grant"


@dataclass(slots=True)
class SwingBoard:
    """One board with one leaf and three beams. `report` receives events of openings, inputs and the leaf."""

    report: Callable[..., None]
    lease_ms: int | None = None
    leaf: Leaf = field(default_factory=Leaf)
    broken: tuple[bool, ...] = (False, False, False)
    passages: dict[Way, int] = field(default_factory=lambda: dict.fromkeys(Way, 0))
    fire: bool = False
    emergency: bool = False
    motor_fault: bool = False
    powered_up: bool = False  # it has received nothing since then
    local: bool = False  # the lease expired, and no host has been answered since
    reacts_ms: float = 0.0  # from an opening until the leaf begins to move
    now_ms: float = 0.0
    _power_ups: int = 1
    _openings: dict[Way, int] = field(default_factory=lambda: dict.fromkeys(Way, 0))
    _told_ms: dict[Way, float] = field(default_factory=lambda: dict.fromkeys(Way, 0.0))
    _alarms: dict[SwingAlarm, float] = field(default_factory=dict)
    _watcher: BeamWatcher = field(default_factory=BeamWatcher)
    _host_seen_ms: float | None = None
    _open_since_ms: float | None = None

    # ── orders of the host ───────────────────────────────────────────────────────────────────────────────────────────

    def host_spoke(self) -> None:
        """Note that a valid message was answered: the host is alive."""
        if self._host_seen_ms is None:
            self.report("host_seen")
        self._host_seen_ms = self.now_ms
        self.local = False

    def open_for(self, way: Way) -> None:
        """Add one opening: one more person may pass."""
        self.powered_up = False
        self._openings[way] = min(OPENINGS_MAX, self._openings[way] + 1)
        self._told_ms[way] = self.now_ms
        self.report("grant_received", direction=way.value, ttl_ms=OPENING_MS)

    def close(self) -> None:
        """Withdraw all openings; end an emergency whose cause is gone."""
        self.powered_up = False
        for way in Way:
            self._end_openings(way, End.REVOKED)
        if self.emergency and not self.fire:
            self.emergency = False
            self.report("emergency_ended")

    def clear_alarms(self) -> None:
        """Clear the alarms whose cause is gone."""
        self.powered_up = False
        self._alarms = {alarm: at_ms for alarm, at_ms in self._alarms.items() if self._persists(alarm)}

    # ── status ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def openings(self, way: Way) -> int:
        """Return how many people may still pass. The board never reports it."""
        return self._openings[way]

    def shows(self, alarm: SwingAlarm) -> bool:
        """Return True while the board shows this alarm."""
        return alarm in self._alarms

    @property
    def calm_until_ms(self) -> float:
        """Return `now_ms`: the board's rest is not known in advance."""
        return self.now_ms

    # ── spontaneous behaviour ────────────────────────────────────────────────────────────────────────────────────────

    def power_cycle(self) -> None:
        """Cut and restore the power: counters and openings are reset; the leaf stays where it is."""
        for way in Way:
            self._end_openings(way, End.POWER_UP)
        self.passages = dict.fromkeys(Way, 0)
        self._alarms.clear()
        self.emergency, self.local, self.powered_up = False, False, True
        self._host_seen_ms = self._open_since_ms = None
        self._watcher = BeamWatcher()
        self._power_ups += 1
        self.report("power_up", power_ups=self._power_ups)

    def force_leaf(self, degrees: float) -> None:
        """Push the leaf to an angle by hand."""
        self.leaf.push(degrees)
        if not self._is_called_open:
            self._alarm(SwingAlarm.FORCED)

    def step(self, now_ms: float, broken: tuple[bool, ...]) -> None:
        """Advance to `now_ms`, with the present state of the beams."""
        elapsed_ms, self.now_ms = max(0.0, now_ms - self.now_ms), now_ms
        self.broken = broken
        if self.fire and not self.emergency:
            self.emergency = True
            self.report("emergency_began")
            for way in Way:
                self._end_openings(way, End.EMERGENCY)
        self._watch_timers()
        self._watch_passages()
        self._move_leaf(elapsed_ms)
        self._watch_alarms()

    def _watch_timers(self) -> None:
        for way in Way:
            if self.now_ms - self._told_ms[way] >= OPENING_MS:
                self._end_openings(way, End.TTL)
        seen_ms = self._host_seen_ms
        if self.lease_ms is not None and seen_ms is not None and self.now_ms - seen_ms >= self.lease_ms:
            self._host_seen_ms, self.local = None, True
            self.report("host_lost")
            for way in Way:
                self._end_openings(way, End.HOST_LOST)

    def _watch_passages(self) -> None:
        way = self._watcher.see(self.broken)
        if way is None:
            return
        self.passages[way] += 1
        counters = {one.value: count for one, count in self.passages.items()}
        self.report("counted", direction=way.value, power_ups=self._power_ups, **counters)
        if self._openings[way]:
            self._openings[way] -= 1
            if not self._openings[way]:
                self.report("grant_ended", direction=way.value, how=End.USED.value)
        elif not self.emergency:
            self._alarm(SwingAlarm.PASSAGE_WITHOUT_GRANT)

    def _move_leaf(self, elapsed_ms: float) -> None:
        if self.motor_fault:
            self.leaf.halt()
            return
        in_the_way = self.broken[1] and self.leaf.state is not LeafState.CLOSED
        if in_the_way and not self._is_called_open and self.leaf.state is LeafState.CLOSING:
            self._alarm(SwingAlarm.OBSTRUCTED)
        self.leaf.drive(towards_open=self._is_called_open or in_the_way, elapsed_ms=elapsed_ms)

    def _watch_alarms(self) -> None:
        if self._is_called_open or self.leaf.state is LeafState.CLOSED:
            self._open_since_ms = None
        elif self._open_since_ms is None:
            self._open_since_ms = self.now_ms
        elif self.now_ms - self._open_since_ms >= OPEN_TOO_LONG_MS:
            self._alarm(SwingAlarm.OPEN_TOO_LONG)
        for alarm, at_ms in tuple(self._alarms.items()):
            if self.now_ms - at_ms >= ALARM_MS_MIN and not self._persists(alarm):
                del self._alarms[alarm]

    @property
    def _is_called_open(self) -> bool:
        due = (way for way in Way if self._openings[way] and self.now_ms - self._told_ms[way] >= self.reacts_ms)
        return self.emergency or any(True for _ in due)

    def _persists(self, alarm: SwingAlarm) -> bool:
        match alarm:
            case SwingAlarm.FORCED | SwingAlarm.OPEN_TOO_LONG:
                return self.leaf.state is not LeafState.CLOSED
            case SwingAlarm.OBSTRUCTED:
                return self.broken[1]
            case SwingAlarm.PASSAGE_WITHOUT_GRANT:
                return any(self.broken)

    def _alarm(self, alarm: SwingAlarm) -> None:
        self._alarms.setdefault(alarm, self.now_ms)

    def _end_openings(self, way: Way, how: End) -> None:
        if self._openings[way]:
            self._openings[way] = 0
            self.report("grant_ended", direction=way.value, how=how.value)
