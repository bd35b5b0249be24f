"""EF.COM: the versions and the list of data groups, unsigned and used only for comparison (ICAO 9303-10 §4.6.1).

Real documents omit the Unicode version, or list the tag 71, which no group has. Nothing is signed here, so neither is an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gate_documents import tlv
from gate_documents.errors import MalformedError
from gate_documents.lds.files import data_group_of_tag

TAG: Final = 0x60
_LDS_VERSION: Final = 0x5F01
_UNICODE_VERSION: Final = 0x5F36
_TAG_LIST: Final = 0x5C
_NOBODYS_TAG: Final = 0x71


@dataclass(frozen=True, slots=True)
class Common:
    """EF.COM's content: versions as digits, data groups by number. `unicode_version` is None if omitted."""

    lds_version: str
    unicode_version: str | None
    data_groups: frozenset[int]


def parse_com(data: bytes) -> Common:
    """Read EF.COM. Raises MalformedError."""
    parts = tuple(tlv.elements(tlv.only(data, TAG)))
    if [part.tag for part in parts] not in ([_LDS_VERSION, _UNICODE_VERSION, _TAG_LIST], [_LDS_VERSION, _TAG_LIST]):
        raise MalformedError("EF.COM does not hold its versions and a list of data groups")
    lds_version, *unicode_version, listed = (part.value for part in parts)
    numbers = tuple(data_group_of_tag(tag) for tag in listed if tag != _NOBODYS_TAG)
    if None in numbers or len(set(numbers)) != len(numbers):
        raise MalformedError("EF.COM lists a tag twice, or one that no data group has")
    return Common(
        _digits(lds_version, 4),
        _digits(unicode_version[0], 6) if unicode_version else None,
        frozenset(number for number in numbers if number is not None),
    )


def _digits(value: bytes, count: int) -> str:
    if len(value) != count or not value.isdigit():
        raise MalformedError("EF.COM has a version that is no number")
    return value.decode("ascii")
