"""The elementary files of a chip: names, identifiers, tags, and maximum lengths (ICAO 9303-10 §3.6, §4.6).

`gate_documents.access` reads them; their parsers interpret them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

# Of a portrait, fingers and irises; of all other files, where real ones have some kilobytes and ASN.1 costs the lane time.
IMAGE_BYTES_MAX: Final = 1 << 20
FILE_BYTES_MAX: Final = 65_536


@dataclass(frozen=True, slots=True)
class File:
    """An elementary file: its name, identifier, first tag, and maximum length."""

    name: str
    identifier: int
    tag: int
    bytes_max: int = FILE_BYTES_MAX


CARD_ACCESS: Final = File("EF.CardAccess", 0x011C, 0x31)  # in the master file, as is EF.CardSecurity
CARD_SECURITY: Final = File("EF.CardSecurity", 0x011D, 0x30)
ATR_INFO: Final = File("EF.ATR/INFO", 0x2F01, 0x00)  # in the master file: objects in a row, so with no tag of its own
COM: Final = File("EF.COM", 0x011E, 0x60)
SOD: Final = File("EF.SOD", 0x011D, 0x77)
FINGERS: Final = 3
IRISES: Final = 4
_IMAGE_GROUPS: Final = (2, FINGERS, IRISES)
_DATA_GROUP_TAGS: Final = (
    0x61, 0x75, 0x63, 0x76, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x6B, 0x6C, 0x6D, 0x6E, 0x6F, 0x70,
)  # fmt: skip
_PLAIN_NAME: Final = re.compile(
    r"(?:ef[._ -]?)?(?:(com|sod|cardaccess|cardsecurity)|(?:dg|data[_ ]?group)[_ ]?(\d{1,2}))", re.IGNORECASE
)
_WORDS: Final = {"com": "EF.COM", "sod": "EF.SOD", "cardaccess": "EF.CardAccess", "cardsecurity": "EF.CardSecurity"}
_NUMBERED_NAME: Final = re.compile(r"(?:ef[._ -]?)?01([0-9a-f]{2})", re.IGNORECASE)


def data_group(number: int) -> File:
    """The file of a data group, 1 to 16."""
    bytes_max = IMAGE_BYTES_MAX if number in _IMAGE_GROUPS else FILE_BYTES_MAX
    return File(f"EF.DG{number}", 0x0100 + number, _DATA_GROUP_TAGS[number - 1], bytes_max)


def data_group_of_tag(tag: int) -> int | None:
    """The number of the data group with this tag, or None."""
    return _DATA_GROUP_TAGS.index(tag) + 1 if tag in _DATA_GROUP_TAGS else None


def named_file(stem: str) -> str | None:
    """Return the EF's name for a file name on a disk, such as `EF_DG1`, `DG1`, `Datagroup1` and `ef0101`, or None."""
    if plain := _PLAIN_NAME.fullmatch(stem):
        word, number = plain.groups()
        if word is not None:
            return _WORDS[word.lower()]
        return f"EF.DG{int(number)}" if 1 <= int(number) <= 16 else None
    if numbered := _NUMBERED_NAME.fullmatch(stem):
        identifier = int(numbered[1], 16)
        special = {0x1D: "EF.SOD", 0x1E: "EF.COM", 0x1C: "EF.CardAccess"}
        return f"EF.DG{identifier}" if 1 <= identifier <= 16 else special.get(identifier)
    return None
