"""The common format of EF.DG7, EF.DG11, EF.DG12 and EF.DG16: optional fields by tag, and lists with a count.

The tag list before the fields adds nothing to the fields themselves; real documents omit it or let it differ, and it is
not judged.

Real EF.DG11 and EF.DG12 often differ from the standard: Latin-1 instead of UTF-8, a name outside its list, lists with a
wrong count. The issuer signed them so. There, an unreadable field counts as missing, and is no fault of the document.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final, TypeVar

from gate_documents import tlv
from gate_documents.dates import full_date
from gate_documents.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

T = TypeVar("T")
_TAG_LIST: Final = 0x5C
_COUNT: Final = 0x02
_TEXT_CHARACTERS_MAX: Final = 4096


def read_fields(data: bytes, tag: int, what: str) -> Mapping[int, bytes]:
    """The fields of the file by tag. Raises MalformedError, also when a field stands twice."""
    found: dict[int, bytes] = {}
    for element in tlv.elements(tlv.only(data, tag)):
        if element.tag in found:
            raise MalformedError(f"{what} has a field twice")
        found[element.tag] = element.value
    found.pop(_TAG_LIST, None)
    return found


def readable_fields(data: bytes, tag: int) -> Mapping[int, tuple[bytes, ...]]:
    """The fields of the file by tag, in their order, as far as they are fields. Raises MalformedError if it is no such file."""
    found: dict[int, tuple[bytes, ...]] = {}
    fields = tlv.elements(tlv.only(data, tag))
    with contextlib.suppress(MalformedError):
        for element in fields:
            found[element.tag] = (*found.get(element.tag, ()), element.value)
    return found


def readable(read: Callable[[bytes | None, str], T | None], values: tuple[bytes, ...], what: str) -> T | None:
    """Return the field parsed by `read`; None if it is missing, occurs twice or is unreadable."""
    with contextlib.suppress(MalformedError):
        return read(values[0], what) if len(values) == 1 else None
    return None


def readable_names(lists: tuple[bytes, ...], loose: tuple[bytes, ...], tag: int, what: str) -> tuple[str, ...]:
    """Return the names of a list with this tag, and names outside of one; unreadable ones are skipped."""
    values = loose
    with contextlib.suppress(MalformedError):
        values += read_list(lists[0], tag, what) if len(lists) == 1 else ()
    return tuple(name for value in values if (name := readable(text, (value,), what)))


def read_list(data: bytes, tag: int, what: str) -> tuple[bytes, ...]:
    """The values of a list: its count, then that many elements with this tag. Raises MalformedError."""
    elements = tuple(tlv.elements(data))
    if not elements or elements[0].tag != _COUNT or len(elements[0].value) != 1:
        raise MalformedError(f"{what} has a list without a count")
    values = tuple(element.value for element in elements[1:])
    if any(element.tag != tag for element in elements[1:]) or elements[0].value[0] != len(values):
        raise MalformedError(f"{what} has a list with another count, or with other elements")
    return values


def text(value: bytes | None, what: str) -> str | None:
    """The text of a field, or None. Raises MalformedError on what is not UTF-8."""
    if value is None:
        return None
    try:
        decoded = value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError(f"{what} has a field that is no text") from error
    if len(decoded) > _TEXT_CHARACTERS_MAX:
        raise MalformedError(f"{what} has a field that is too long")
    return decoded


def day(value: bytes | None, what: str) -> date | None:
    """A date of eight digits, in text or, on older documents, as binary coded decimals; None when it is not a date."""
    if value is not None and len(value) == 4:
        return full_date(value.hex())
    return full_date(text(value, what) or "")
