"""Creates the configured chip reader. Loads the PC/SC library if that reader needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from drivers.reader.direct import DirectReader
from drivers.reader.pcsc import PcscReader
from drivers.reader.settings import ChipReaderSettings, Direct, Pcsc


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


def chip_reader(settings: ChipReaderSettings) -> ChipReader:
    """Return the chip reader, not connected. Raises SetupError if it can never work."""
    match settings:
        case Direct():
            return DirectReader(Path(settings.socket))
        case Pcsc():
            return PcscReader(settings.reader, socket=settings.socket or None)
