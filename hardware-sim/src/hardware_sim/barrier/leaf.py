"""The barrier's leaf: a motor-driven wing between closed (0 degrees) and open (90 degrees), over time. Pure.

It moves in the motor's direction at the speed of a real leaf, and can be pushed by hand. The controller decides what
happens when a person is in its way.
"""

from __future__ import annotations

import enum

OPEN_DEGREES = 90.0
TRAVEL_MS = 600.0  # from closed to open


class LeafState(enum.IntEnum):
    """Numbered as in input register 2."""

    UNKNOWN = 0
    CLOSED = 1
    OPENING = 2
    OPEN = 3
    CLOSING = 4
    STOPPED = 5


class Leaf:
    """One leaf; starts closed. `travel_ms` is the motor's time from closed to open."""

    def __init__(self) -> None:
        self.angle_degrees = 0.0
        self.travel_ms = TRAVEL_MS
        self._moving = 0  # 1 opening, -1 closing, 0 neither

    @property
    def state(self) -> LeafState:
        """Return the position at rest, or the direction of movement."""
        if self._moving:
            return LeafState.OPENING if self._moving > 0 else LeafState.CLOSING
        if self.angle_degrees <= 0.0:
            return LeafState.CLOSED
        return LeafState.OPEN if self.angle_degrees >= OPEN_DEGREES else LeafState.STOPPED

    @property
    def rests_closed(self) -> bool:
        """Return True when it is closed and at rest."""
        return not self._moving and self.angle_degrees <= 0.0

    def drive(self, *, towards_open: bool, elapsed_ms: float) -> None:
        """Let the motor move it for this time."""
        step = elapsed_ms * OPEN_DEGREES / self.travel_ms
        if towards_open:
            self.angle_degrees = min(OPEN_DEGREES, self.angle_degrees + step)
            self._moving = 1 if self.angle_degrees < OPEN_DEGREES else 0
        else:
            self.angle_degrees = max(0.0, self.angle_degrees - step)
            self._moving = -1 if self.angle_degrees > 0.0 else 0

    def halt(self) -> None:
        """Stop the motor."""
        self._moving = 0

    def push(self, degrees: float) -> None:
        """Push it to an angle by hand; the motor is off."""
        self.angle_degrees = min(OPEN_DEGREES, max(0.0, degrees))
        self._moving = 0
