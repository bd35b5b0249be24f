"""A sensor unit of its own make: what it measures of the inside of a lane, and what it then holds to be so. Pure.

An overhead counter looks ten times a second. It tells two people apart from a distance on, and sees things from a size on; it knows nothing
of what it did before its power went, and needs a while to see again. Contacts are read at every step: the button's is believed once it has
said the same for a while, and a press is shown for a second, so that nobody who asks now and then misses it.

What it is made to do wrong (`Fault`) it does without knowing, unless the fault says so. Time comes in with every step, in milliseconds.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardware_sim.sensors.inside import Inside

if TYPE_CHECKING:
    from collections.abc import Callable

MEASURE_MS = 100.0
WARM_UP_MS = 1_500.0
APART_M = 0.35  # people nearer to one another than this are one to the counter
MERGED_M = 0.9  # … and with the fault `merging`, nearer than this: a follower at arm's length
SEEN_CM = 12.0  # things smaller than this are nothing to it
COARSE_CM = 40.0  # … and with the fault `coarse`, smaller than this: a cabin bag lying flat
DEBOUNCE_MS = 30.0
SHOWN_MS = 1_000.0
RESTART_EVERY_MS = 4_000.0
SESSIONS = 0x10000


class Fault(enum.Enum):
    """What a unit can be made to do wrong, from now on."""

    BLIND = "blind"  # the counter is covered, and says that it cannot tell
    STUCK = "stuck"  # the counter says for ever what it said, and takes it for fresh
    MERGING = "merging"  # people closer than MERGED_M are one
    COARSE = "coarse"  # things smaller than COARSE_CM are not seen
    BUTTON_STUCK = "button_stuck"  # the button's contact stays closed
    STALE = "stale"  # nothing is measured any more, and the unit says how long ago it was
    RESTARTING = "restarting"  # its power goes and comes back every RESTART_EVERY_MS
    STRANGER = "stranger"  # a unit with another number answers before it
    CLASH = "clash"  # a unit with the same number, over an empty lane, answers before it
    SILENT = "silent"  # it hears nothing


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one look of the counter gave; None: it cannot tell."""

    at_ms: float
    people: int | None
    object_left: bool | None


@dataclass(slots=True)
class SensorUnit:
    """One unit. `report` is told when it is powered up and when it measures something else than before."""

    report: Callable[..., None]
    inside: Inside = field(default_factory=Inside)
    session: int = 1
    now_ms: float = 0.0
    measured: Measurement | None = None
    call_shown: bool = False
    fault: Fault | None = None
    _powered_ms: float | None = None
    _next_measure_ms: float = 0.0
    _level: bool = False
    _level_since_ms: float = 0.0
    _shown_until_ms: float = 0.0

    def power_cycle(self) -> None:
        """The power went and came back: nothing of before is known."""
        self.session = (self.session + 1) % SESSIONS
        self.measured, self._powered_ms = None, None
        self.call_shown, self._level, self._shown_until_ms = False, False, 0.0
        self.report("power_up", session=self.session)

    def step(self, now_ms: float) -> None:
        """Let time pass."""
        self.now_ms = now_ms
        if self._powered_ms is None:
            self._powered_ms = self._level_since_ms = now_ms
            self._next_measure_ms = now_ms + WARM_UP_MS
        if self.fault is Fault.RESTARTING and now_ms - self._powered_ms >= RESTART_EVERY_MS:
            self.power_cycle()
            return
        if now_ms >= self._next_measure_ms:
            self._next_measure_ms = now_ms + MEASURE_MS
            self._measure()
        self._watch_button()

    @property
    def age_ms(self) -> int | None:
        """How long ago it measured; None: not since it is powered."""
        return None if self.measured is None else int(self.now_ms - self.measured.at_ms)

    def _measure(self) -> None:
        if self.fault is Fault.STALE:
            return
        before = self.measured
        if self.fault is Fault.BLIND:
            self.measured = Measurement(self.now_ms, None, None)
        elif self.fault is Fault.STUCK and before is not None:
            self.measured = Measurement(self.now_ms, before.people, before.object_left)
        else:
            merged_m = MERGED_M if self.fault is Fault.MERGING else APART_M
            least_cm = COARSE_CM if self.fault is Fault.COARSE else SEEN_CM
            people = told_apart(self.inside.bodies_m, merged_m)
            self.measured = Measurement(
                self.now_ms, people, any(size_cm >= least_cm for size_cm in self.inside.sizes_cm)
            )
        now = self.measured
        if before is None or (before.people, before.object_left) != (now.people, now.object_left):
            self.report(
                "measured",
                people="unknown" if now.people is None else now.people,
                object_left="unknown" if now.object_left is None else now.object_left,
            )

    def _watch_button(self) -> None:
        level = self.fault is Fault.BUTTON_STUCK or self.inside.button.level(self.now_ms)
        if level is not self._level:
            self._level, self._level_since_ms = level, self.now_ms
        if self._level and self.now_ms - self._level_since_ms >= DEBOUNCE_MS:
            self._shown_until_ms = self.now_ms + SHOWN_MS
        self.call_shown = self.now_ms < self._shown_until_ms


def told_apart(bodies_m: list[float], apart_m: float) -> int:
    """How many people a counter makes of these, in order along the lane, that it tells apart from a distance on."""
    return sum(at == 0 or body_m - bodies_m[at - 1] >= apart_m for at, body_m in enumerate(bodies_m))
