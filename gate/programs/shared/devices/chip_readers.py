"""The chip reader that a configuration means. Loads the PC/SC library where that is the one."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from drivers.reader.direct import DirectReader
from drivers.reader.pcsc import PcscReader
from drivers.reader.settings import ChipReaderSettings, Direct, Pcsc


class ChipReader(Protocol):
    """What a crossing needs of a chip reader. Every call raises DriverError."""

    @property
    def extended(self) -> bool:
        """Whether the reader carries extended APDUs, once a chip is powered."""

    async def open(self) -> None:
        """Reach the reader, before there is a card."""

    async def look(self) -> None:
        """See that the reader is still there."""

    async def wait_for_card(self, timeout_s: float) -> None:
        """Wait for a chip and power it."""

    async def transmit(self, apdu: bytes) -> bytes:
        """Send one command."""

    async def wait_for_removal(self) -> None:
        """Return when the chip is gone."""

    async def disconnect(self) -> None:
        """Let the chip go."""

    async def close(self) -> None:
        """Let the reader go."""


def chip_reader(settings: ChipReaderSettings) -> ChipReader:
    """The chip reader, not yet reached. Raises SetupError when it can never work."""
    match settings:
        case Direct():
            return DirectReader(Path(settings.socket))
        case Pcsc():
            return PcscReader(settings.reader, socket=settings.socket or None)
