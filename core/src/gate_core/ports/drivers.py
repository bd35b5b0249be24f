"""The public interface for drivers and adapters: what each kind of device must do, the values, the errors and the base of settings.

A driver of another distribution imports from here and from nothing else of ours (docs/guides/driver.md). Names here stay; a new
member of a port is a new major version.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

from gate_core.errors import (
    BadFrameError,
    BusyError,
    CardGoneError,
    DriverError,
    FrozenError,
    LinkLostError,
    NoReplyError,
    NoRightError,
    NotWellError,
    RefusedError,
    SetupError,
    not_opened,
)
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import (
    BarrierStatus,
    CameraControls,
    Direction,
    InsideStatus,
    LampColour,
    LeafPosition,
    MrzLines,
)
from gate_core.settings.outside import DriverSettings
from gate_core.settings.toml_file import Wrong

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = [
    "Alarm",
    "BadFrameError",
    "BarrierDriver",
    "BarrierFacts",
    "BarrierStatus",
    "BusyError",
    "CameraControls",
    "CardGoneError",
    "ChipReader",
    "Direction",
    "DriverError",
    "DriverSettings",
    "FrozenError",
    "InsideStatus",
    "LampColour",
    "LeafPosition",
    "Line",
    "Link",
    "LinkLostError",
    "MrzLines",
    "MrzReader",
    "NoReplyError",
    "NoRightError",
    "NotWellError",
    "PictureSource",
    "RefusedError",
    "SensorDriver",
    "SetupError",
    "Wrong",
    "not_opened",
]


class Link(Protocol):
    """A pipe of bytes. One task reads and one writes at a time; a cancelled read loses no bytes."""

    async def read(self, bytes_max: int) -> bytes:
        """Wait for bytes and return at least one of them. Raises LinkLostError."""

    async def write(self, payload: bytes) -> None:
        """Send all bytes. Raises LinkLostError."""

    def discard(self) -> bytes:
        """Drop and return the bytes that have arrived unread. Raises LinkLostError."""

    def close(self) -> None:
        """Close the link and wake its waiters. May be called twice."""


class Line(Protocol):
    """A device's own line, as a foreign driver's `open` gets it."""

    @property
    def port(self) -> str:
        """The device file or Unix socket."""

    async def open(self, baud: int) -> Link:
        """Open it exclusively, 8N1; a socket has no speed. Raises LinkLostError, and SetupError for an impossible speed."""


class BarrierDriver(Protocol):
    """A lane's barrier. Every call raises DriverError. A cancelled call ends with CancelledError and leaves the line usable."""

    @property
    def grant_written_at_s(self) -> float | None:
        """CLOCK_MONOTONIC seconds of the first byte of the last grant."""

    async def connect(self, *, revoke: bool = True) -> None:
        """Open the line, take over the controller, and revoke, unless `revoke` is False: in an emergency nothing closes."""

    async def status(self) -> BarrierStatus:
        """Query the controller. An answer to an earlier request does not count."""

    async def grant(self, direction: Direction, ttl_ms: int) -> None:
        """Grant one passage, written at most once unless a later status proves that it never arrived.

        The driver checks a status before it grants. It may use one younger than 0.3 s, or query a new one. Without an answer it grants nobody.
        Raises RefusedError while a grant is outstanding, in an emergency, and after `withdraw` or `revoke`, NoReplyError if the
        result stays unknown, and ValueError("time to live …") for a time that the board does not take.
        """

    async def revoke(self) -> None:
        """Withdraw, then take grants back. While the status has `fire` or `emergency_open`, send nothing that closes.

        `emergency_open` alone counts, too: an emergency can outlast its fire input, until `end_emergency` or a key ends it.
        """

    async def release(self) -> None:
        """Free a person."""

    def withdraw(self) -> None:
        """Stop orders in progress after the request on the wire: a grant that waits is never written. A release continues."""

    @property
    def has_lamp(self) -> bool:
        """True if the board has a controllable lamp."""

    async def lamp(self, colour: LampColour) -> None:
        """Show a colour, if the board has a lamp."""

    async def clear_alarms(self, alarms: Collection[Alarm]) -> None:
        """Clear those of these alarms whose cause has ended, and no others if the board can clear alarms one by one."""

    async def end_emergency(self) -> None:
        """End an emergency whose input is clear. Raises RefusedError while it is not."""

    async def check(self) -> str:
        """Connect, return a description, and close the line."""

    def describe(self) -> Mapping[str, int]:
        """Return the line's counters since the start."""

    def close(self) -> None:
        """Close the line."""


# How long after the host has fallen silent a grant ends, at least and at most, as for the profiles of our own drivers.
_ENDS_AFTER_MS: Final = {
    "controller_ttl": range(1, 60_001),
    "host_watchdog": range(500, 5_001),
    "lease": range(1, 60_001),
    "external_timer": range(1_000, 30_001),
}


@dataclass(frozen=True, slots=True)
class BarrierFacts:
    """What a barrier's driver states of its board, as a profile does of ours. Raises ValueError for what no board can be.

    `grant_ends_by`: how a grant ends without the host (safety invariant 5). `grant_ends_after_ms`: this long after the host has
    fallen silent, or None when it is the grant's own time, which only a `controller_ttl` has. `ttl_ms`: the times to live that
    the board takes, a range with step 1; a driver of a board with coarser steps rounds down. `verified`: what the driver was tried on; a gate in service takes "hardware" only.
    """

    grant_ends_by: Literal["controller_ttl", "host_watchdog", "lease", "external_timer"]
    ttl_ms: range
    grant_ends_after_ms: int | None = None
    verified: Literal["hardware", "simulator", "no"] = "no"

    def __post_init__(self) -> None:
        """Refuse impossible facts."""
        if self.grant_ends_by not in tuple(_ENDS_AFTER_MS):
            raise ValueError(f"grant_ends_by is {self.grant_ends_by!r}, none of {', '.join(_ENDS_AFTER_MS)}")
        if self.verified not in ("hardware", "simulator", "no"):
            raise ValueError(f"verified is {self.verified!r}, none of hardware, simulator, no")
        ttl_ms: object = self.ttl_ms
        if not (isinstance(ttl_ms, range) and ttl_ms and ttl_ms.step == 1 and ttl_ms.start > 0):
            raise ValueError(f"ttl_ms is {self.ttl_ms!r}, not a range of milliseconds such as range(1000, 30001)")
        after, own = self.grant_ends_after_ms, _ENDS_AFTER_MS[self.grant_ends_by]
        if not (self.grant_ends_by == "controller_ttl" if after is None else type(after) is int and after in own):
            takes = f"{self.grant_ends_by} takes {own.start} to {own.stop - 1} ms"
            raise ValueError(f"grant_ends_after_ms is {after!r}; {takes}")


class SensorDriver(Protocol):
    """A sensor unit, as the lane uses it. Every call raises DriverError."""

    async def connect(self) -> None:
        """Open the line and start a session with the unit."""

    async def status(self) -> InsideStatus:
        """Request the unit's status."""

    async def check(self) -> str:
        """Connect, return a description, and close the line."""

    def describe(self) -> Mapping[str, int]:
        """Return the line's counters since the start."""

    def close(self) -> None:
        """Close the line."""


class MrzReader(Protocol):
    """A reader of machine-readable zones."""

    @property
    def source(self) -> str:
        """The driver's or profile's name, stored with the lines."""

    async def connect(self) -> None:
        """Open the line and prepare the reader. Raises DriverError."""

    async def next_lines(self) -> MrzLines:
        """Wait for the next machine-readable zone. Raises DriverError."""

    async def check(self) -> str:
        """Connect, return a description, and close the line. Raises DriverError."""

    def close(self) -> None:
        """Close the line."""


class PictureSource(Protocol):
    """A camera of another distribution. The gate runs `pictures` in a thread of its own, keeps the newest and drops the others."""

    def pictures(self) -> Iterator[npt.NDArray[np.uint8]]:
        """Open the camera and yield its pictures as they come, each (height, width, 3) uint8 BGR, an array of its own.

        Raises DriverError; ends only with the camera.
        """

    def set_controls(self, wanted: CameraControls) -> None:
        """Change exposure and gain. Raises RefusedError when the camera has no controls, and LinkLostError."""

    def close(self) -> None:
        """End the camera and wake `pictures`; called from another thread."""


class ChipReader(Protocol):
    """A chip reader, as a crossing uses it. Every call raises DriverError."""

    @property
    def extended(self) -> bool:
        """True if the reader supports extended APDUs; known once a chip is powered."""

    async def open(self) -> None:
        """Connect to the reader, before there is a card."""

    async def look(self) -> None:
        """Check that the reader is still there."""

    async def wait_for_card(self, timeout_s: float) -> None:
        """Wait for a chip and power it."""

    async def transmit(self, apdu: bytes) -> bytes:
        """Send one command APDU; return the response."""

    async def wait_for_removal(self) -> None:
        """Return when the chip has been removed."""

    async def disconnect(self) -> None:
        """Disconnect from the chip."""

    async def close(self) -> None:
        """Disconnect from the reader."""
