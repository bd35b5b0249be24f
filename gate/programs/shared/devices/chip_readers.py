"""Creates the configured chip reader. Loads the PC/SC library if that reader needs it."""

from __future__ import annotations

from pathlib import Path

from drivers.reader.direct import DirectReader
from drivers.reader.pcsc import PcscReader
from drivers.reader.settings import ChipReaderSettings, Direct, Pcsc
from gate_core.ports.drivers import ChipReader


def chip_reader(settings: ChipReaderSettings) -> ChipReader:
    """Return the chip reader, not connected. Raises SetupError if it can never work."""
    match settings:
        case Direct():
            return DirectReader(Path(settings.socket))
        case Pcsc():
            return PcscReader(settings.reader, socket=settings.socket or None)
