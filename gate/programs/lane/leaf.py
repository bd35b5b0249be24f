"""How long a door's leaf takes to open and to close, as its controller's status tells. Pure.

A time is as exact as the polls are close. Only a whole movement counts: one that turned round, or began before the line was there, says
nothing of the motor. Boards that do not tell an opening leaf from an open one have no times.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from gate_core.ports.values import LeafPosition

USUAL: Final = 50  # the first movements, which say what is usual for this leaf
LATEST: Final = 5
SLOWER_BY: Final = 1.5  # chosen, not measured


@dataclass(slots=True)
class Movement:
    """Opening, or closing: when it began, and how long each took, in milliseconds."""

    _began_ms: float | None = None
    _usual: list[float] = field(default_factory=list)
    _latest: deque[float] = field(default_factory=lambda: deque(maxlen=LATEST))

    def begin(self, at_ms: float) -> None:
        """It moves."""
        self._began_ms = at_ms

    def end(self, at_ms: float | None) -> None:
        """It has arrived, or, with None, not where it went."""
        if at_ms is not None and self._began_ms is not None:
            took_ms = at_ms - self._began_ms
            if len(self._usual) < USUAL:
                self._usual.append(took_ms)
            self._latest.append(took_ms)
        self._began_ms = None

    @property
    def latest_ms(self) -> int | None:
        """What the latest took."""
        return round(self._latest[-1]) if self._latest else None

    @property
    def slow(self) -> bool:
        """True when the latest took much longer than the first ones."""
        return len(self._usual) == USUAL and median(self._latest) > SLOWER_BY * median(self._usual)


@dataclass(slots=True)
class LeafTimes:
    """Follows one leaf."""

    _before: LeafPosition = LeafPosition.UNKNOWN
    _opening: Movement = field(default_factory=Movement)
    _closing: Movement = field(default_factory=Movement)

    def see(self, position: LeafPosition, at_ms: float) -> None:
        """A status came."""
        before, self._before = self._before, position
        if position is before:
            return
        match before, position:
            case LeafPosition.CLOSED, LeafPosition.OPENING:
                self._opening.begin(at_ms)
            case LeafPosition.OPENING, LeafPosition.OPEN:
                self._opening.end(at_ms)
            case LeafPosition.OPEN, LeafPosition.CLOSING:
                self._closing.begin(at_ms)
            case LeafPosition.CLOSING, LeafPosition.CLOSED:
                self._closing.end(at_ms)
            case _:
                self.forget()

    def forget(self) -> None:
        """What moves now is not known from its beginning."""
        self._opening.end(None)
        self._closing.end(None)

    @property
    def slow(self) -> bool:
        """True when it has become slow."""
        return self._opening.slow or self._closing.slow

    def detail(self) -> dict[str, object]:
        """For the status."""
        return {"opening_ms": self._opening.latest_ms, "closing_ms": self._closing.latest_ms, "slow": self.slow}
