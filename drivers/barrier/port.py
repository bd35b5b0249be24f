"""The port of a barrier for lanes, traces and technicians, for every protocol."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import BarrierStatus, Direction, LampColour


class BarrierDriver(Protocol):
    """A lane's barrier. Every call raises DriverError."""

    @property
    def grant_written_at_s(self) -> float | None:
        """CLOCK_MONOTONIC seconds of the first byte of the last grant."""

    async def connect(self, *, revoke: bool = True) -> None:
        """Open the line, take over the controller; leave no grant, unless `revoke` is False: in an emergency nothing closes."""

    async def status(self) -> BarrierStatus:
        """Query the controller."""

    async def grant(self, direction: Direction, ttl_ms: int) -> None:
        """Grant one passage."""

    async def revoke(self) -> None:
        """Take grants back."""

    async def release(self) -> None:
        """Free a person."""

    def withdraw(self) -> None:
        """Stop an order in progress after the request on the wire; a release continues."""

    @property
    def has_lamp(self) -> bool:
        """True if the board has a controllable lamp."""

    async def lamp(self, colour: LampColour) -> None:
        """Show a colour, if the board has a lamp."""

    async def clear_alarms(self, alarms: Collection[Alarm]) -> None:
        """Clear those of these alarms whose cause has ended."""

    async def end_emergency(self) -> None:
        """End an emergency whose input is clear."""

    async def check(self) -> str:
        """Connect, report the findings, and close the line."""

    def describe(self) -> Mapping[str, int]:
        """Return counters of the line since the start."""

    def close(self) -> None:
        """Close the line."""
