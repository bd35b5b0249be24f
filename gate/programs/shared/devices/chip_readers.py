"""The chip reader that a configuration means. Loads the PC/SC library where that is the one."""

from __future__ import annotations

from pathlib import Path

from drivers.reader.direct import DirectReader
from drivers.reader.pcsc import PcscReader
from drivers.reader.settings import ChipReaderSettings, Direct, Pcsc
from gate_core.ports.drivers import ChipReader


def chip_reader(settings: ChipReaderSettings) -> ChipReader:
    """The chip reader, not yet reached. Raises SetupError when it can never work."""
    match settings:
        case Direct():
            return DirectReader(Path(settings.socket))
        case Pcsc():
            return PcscReader(settings.reader, socket=settings.socket or None)
