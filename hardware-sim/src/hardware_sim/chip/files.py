"""The chip's files: their place, their identifiers, and their access conditions (ICAO 9303-10 §3, ISO/IEC 7816-4 §7.2).

Pure. `application` tracks the selected file and the session.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from hardware_sim.chip import status
from hardware_sim.chip.apdu import EXTENDED_NE_MAX, SHORT_NE_MAX, Response
from hardware_sim.passport.terminals import READS_FINGERS, READS_IRISES

_OFFSET_OBJECT: Final = 0x54
_SHORT_IDENTIFIER: Final = 0x1F


class Place(Enum):
    """The terminal's present directory."""

    MASTER = auto()
    APPLICATION = auto()


class Secrecy(Enum):
    """The access condition of a file."""

    FREE = auto()
    SESSION = auto()
    TERMINAL = auto()  # only for a terminal with the right from Terminal Authentication


_MASTER_IDS: Final = {
    "EF_CARD_ACCESS": (0x011C, Secrecy.FREE),
    "EF_CARD_SECURITY": (0x011D, Secrecy.SESSION),
    "EF_DIR": (0x2F00, Secrecy.FREE),
    "EF_ATR": (0x2F01, Secrecy.FREE),
}
_MASTER_SHORT_IDS: Final = {0x1C: 0x011C, 0x1D: 0x011D, 0x1E: 0x2F00, 0x01: 0x2F01}
_APPLICATION_IDS: Final = {
    "EF_COM": 0x011E,
    "EF_SOD": 0x011D,
    "EF_CVCA": 0x011C,
    **{f"EF_DG{number}": 0x0100 + number for number in range(1, 17)},
}
_GUARDED: Final = {"EF_DG3": READS_FINGERS, "EF_DG4": READS_IRISES}


@dataclass(frozen=True, slots=True)
class File:
    """One elementary file; `right` is the terminal's right that a guarded file requires."""

    content: bytes = field(repr=False)
    secrecy: Secrecy
    right: int = 0


class FileSystem:
    """The files of one passport. Raises KeyError on a file name that no chip has."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files: dict[tuple[Place, int], File] = {}
        for name, content in files.items():
            if name in _MASTER_IDS:
                file_id, secrecy = _MASTER_IDS[name]
                self._files[Place.MASTER, file_id] = File(content, secrecy)
            else:
                secrecy = Secrecy.TERMINAL if name in _GUARDED else Secrecy.SESSION
                right = _GUARDED.get(name, 0)
                self._files[Place.APPLICATION, _APPLICATION_IDS[name]] = File(content, secrecy, right)

    def by_id(self, place: Place, file_id: bytes) -> File | None:
        """Return the file with this identifier of two bytes in this place."""
        return self._files.get((place, int.from_bytes(file_id))) if len(file_id) == 2 else None

    def by_short_id(self, place: Place, short_id: int) -> File | None:
        """Return the file of a short identifier, the lower five bits of READ BINARY's P1."""
        short_id &= _SHORT_IDENTIFIER
        file_id = _MASTER_SHORT_IDS.get(short_id, 0) if place is Place.MASTER else 0x0100 | short_id
        return self._files.get((place, file_id))


def too_long(le_max: int) -> int:
    """Return the standard's status for a READ BINARY of more than this."""
    return status.SHORTER | le_max % 256 if le_max <= SHORT_NE_MAX else status.WRONG_LENGTH


def read(file: File, offset: int, ne: int | None, *, room: int, header_bytes: int = 0) -> Response:
    """Return the answer of READ BINARY: at most `ne` and `room` bytes, of which `header_bytes` wrap the data."""
    if ne is None:
        return Response(status.WRONG_LENGTH)
    if offset >= len(file.content):
        return Response(status.OUTSIDE_FILE)
    as_much_as_there_is = ne in {SHORT_NE_MAX, EXTENDED_NE_MAX}
    count = min(ne, room) - header_bytes
    if count <= 0 or (ne > room and not as_much_as_there_is):
        return Response(status.WRONG_LENGTH)
    body = file.content[offset : offset + count]
    complete = as_much_as_there_is or len(body) == count
    return Response(status.DONE if complete else status.END_OF_FILE, body)


def far_offset(body: bytes) -> int | None:
    """Return the value of the offset data object; None when there is none, or it is longer than four bytes."""
    if len(body) < 3 or body[0] != _OFFSET_OBJECT or body[1] != len(body) - 2 or body[1] > 4:
        return None
    return int.from_bytes(body[2:])
