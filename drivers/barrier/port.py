"""What a lane, a trace and a technician ask of a barrier, whatever its protocol."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import BarrierStatus, Direction, LampColour


class BarrierDriver(Protocol):
    """What a lane needs of its barrier. Every call raises DriverError."""

    @property
    def grant_written_at_s(self) -> float | None:
        """CLOCK_MONOTONIC seconds of the first byte of the last grant."""

    async def connect(self, *, revoke: bool = True) -> None:
        """Open the line, take over the controller, leave no grant behind unless `revoke` is False: in an emergency nothing closes."""

    async def status(self) -> BarrierStatus:
        """Ask the controller."""

    async def grant(self, direction: Direction, ttl_ms: int) -> None:
        """Grant one passage."""

    async def revoke(self) -> None:
        """Take grants back."""

    async def release(self) -> None:
        """Free a person."""

    def withdraw(self) -> None:
        """Have an order under way go no further than the request on the wire; a release goes on."""

    @property
    def has_lamp(self) -> bool:
        """True when the board has a lamp that it shows what it is told on."""

    async def lamp(self, colour: LampColour) -> None:
        """Show a colour, on a board that has a lamp."""

    async def clear_alarms(self, alarms: Collection[Alarm]) -> None:
        """Clear those of these whose cause is gone."""

    async def end_emergency(self) -> None:
        """End an emergency whose input is clear."""

    async def check(self) -> str:
        """Connect, say what was found, and let the line go."""

    def describe(self) -> Mapping[str, int]:
        """How the line worked since the start."""

    def close(self) -> None:
        """Let the line go."""
