"""Steps of the wall clock, as the log's program sees them: what it shows against CLOCK_MONOTONIC, from look to look. Pure.

A clock that is slewed, by 500 ppm at most, makes no step; one that is set does. What was set while nobody looked is seen at the first look only if it now
stands before something that was written already.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gate_core.audit_format.record import time_text

STEP_MIN: Final = timedelta(milliseconds=500)


@dataclass(frozen=True, slots=True)
class Step:
    """What the clock would have shown, and what it shows. `running`: it was looked at all the time; else what was written last is later than now."""

    before: datetime
    after: datetime
    running: bool

    @property
    def step_ms(self) -> int:
        """How far, backwards with a minus."""
        return round((self.after - self.before) / timedelta(milliseconds=1))

    def fields(self) -> dict[str, object]:
        """As it is written down."""
        return {
            "before": time_text(self.before),
            "after": time_text(self.after),
            "step_ms": self.step_ms,
            "running": self.running,
        }


class Steps:
    """Follows one clock. A step is told again until it is `taken`."""

    def __init__(self) -> None:
        self._at: tuple[datetime, int] | None = None

    def look(self, wall: datetime, monotonic_ms: int, latest: datetime | None) -> Step | None:
        """What has happened since the last look, if it is a step. `latest` is when a record was written last, at the first look."""
        if self._at is None:
            if latest is not None and wall < latest:
                return Step(latest, wall, running=False)
            self._at = wall, monotonic_ms
            return None
        then, then_ms = self._at
        expected = then + timedelta(milliseconds=monotonic_ms - then_ms)
        if abs(wall - expected) >= STEP_MIN:
            return Step(expected, wall, running=True)
        self._at = wall, monotonic_ms
        return None

    def taken(self, wall: datetime, monotonic_ms: int) -> None:
        """The step is written down: from here on it is the clock."""
        self._at = wall, monotonic_ms
