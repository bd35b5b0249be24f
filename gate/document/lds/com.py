"""EF.COM: the versions and the list of data groups, unsigned and only good for comparison (ICAO 9303-10 §4.6.1)."""

from __future__ import annotations

from typing import Final

from gate.document import tlv
from gate.document.access.files import data_group_of_tag
from gate.document.errors import MalformedError

TAG: Final = 0x60


def parse_com(data: bytes) -> frozenset[int]:
    """The numbers of the data groups that EF.COM lists. Raises MalformedError."""
    listed = tlv.first(tlv.only(data, TAG), 0x5C)
    if listed is None:
        raise MalformedError("EF.COM has no list of data groups")
    numbers = tuple(data_group_of_tag(tag) for tag in listed)
    if None in numbers or len(set(numbers)) != len(numbers):
        raise MalformedError("EF.COM lists a tag twice, or one that no data group has")
    return frozenset(number for number in numbers if number is not None)
