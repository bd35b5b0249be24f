"""A simulated sensor unit: its measurements inside a lane, and the state that it derives from them. Pure.

An overhead counter measures ten times a second. It separates people that are at least APART_M apart and detects things
of SEEN_CM and more. After power-up it needs WARM_UP_MS until its first measurement. The button's contact counts as
pressed after DEBOUNCE_MS; a press is shown for SHOWN_MS, so that a slow host does not miss it.

The unit does not detect its faults (`Fault`), unless the fault's comment states it. Times are in milliseconds.
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
APART_M = 0.35  # the counter counts people closer than this as one
MERGED_M = 0.9  # … with the fault `merging`, closer than this: a follower at arm's length
SEEN_CM = 12.0  # the counter does not detect smaller things
COARSE_CM = 40.0  # … with the fault `coarse`, smaller than this: a cabin bag lying flat
DEBOUNCE_MS = 30.0
SHOWN_MS = 1_000.0
RESTART_EVERY_MS = 4_000.0
SESSIONS = 0x10000


class Fault(enum.Enum):
    """A fault of the unit, from now on."""

    BLIND = "blind"  # the counter is covered, and reports that it cannot measure
    STUCK = "stuck"  # the counter repeats its last value as if it were fresh
    MERGING = "merging"  # people closer than MERGED_M count as one
    COARSE = "coarse"  # things smaller than COARSE_CM are not detected
    BUTTON_STUCK = "button_stuck"  # the button's contact stays closed
    STALE = "stale"  # measuring has stopped, and the unit reports the growing age
    RESTARTING = "restarting"  # its power goes off and on every RESTART_EVERY_MS
    STRANGER = "stranger"  # a unit with another number answers before this one
    CLASH = "clash"  # a unit with the same number, over an empty lane, answers before this one
    SILENT = "silent"  # it does not answer


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement of the counter. None means that it could not measure."""

    at_ms: float
    people: int | None
    object_left: bool | None


@dataclass(slots=True)
class SensorUnit:
    """One unit. `report` receives each power-up and each change of the measurement."""

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
        """Turn the power off and on: all earlier state is lost."""
        self.session = (self.session + 1) % SESSIONS
        self.measured, self._powered_ms = None, None
        self.call_shown, self._level, self._shown_until_ms = False, False, 0.0
        self.report("power_up", session=self.session)

    def step(self, now_ms: float) -> None:
        """Advance to `now_ms`."""
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
        """Return the age of the last measurement in milliseconds; None when there is none since power-up."""
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
    """Return how many people a counter with this separation finds at these ascending positions."""
    return sum(at == 0 or body_m - bodies_m[at - 1] >= apart_m for at, body_m in enumerate(bodies_m))
