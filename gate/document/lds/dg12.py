"""EF.DG12: further details of the document (ICAO 9303-10 §4.7.12). The date of issue is the one that inspections use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gate.document.errors import MalformedError
from gate.document.lds.details import day, read_fields, read_list, text

if TYPE_CHECKING:
    from datetime import date

TAG: Final = 0x6C
_AUTHORITY: Final = 0x5F19
_ISSUED: Final = 0x5F26
_OTHER_PERSONS: Final = 0xA0
_OTHER_PERSON: Final = 0x5F1A
_ENDORSEMENTS: Final = 0x5F1B
_EXIT_REQUIREMENTS: Final = 0x5F1C
_PERSONALIZED: Final = 0x5F55
_PERSONALIZATION_SYSTEM: Final = 0x5F56
_WHAT: Final = "EF.DG12"


@dataclass(frozen=True, slots=True, repr=False)
class DocumentDetails:
    """Who issued the document and when, and what is noted in it. `issued` is None when it is not given or no date."""

    authority: str | None
    issued: date | None
    other_persons: tuple[str, ...]
    endorsements: str | None
    exit_requirements: str | None
    personalization_system: str | None

    def __repr__(self) -> str:
        """Shows the date only; the rest may name persons."""
        return f"DocumentDetails(issued={self.issued})"


def parse_dg12(data: bytes) -> DocumentDetails:
    """Read EF.DG12. Raises MalformedError."""
    fields = read_fields(data, TAG, _WHAT)
    others = read_list(fields[_OTHER_PERSONS], _OTHER_PERSON, _WHAT) if _OTHER_PERSONS in fields else ()
    _check_time(fields.get(_PERSONALIZED))
    return DocumentDetails(
        authority=text(fields.get(_AUTHORITY), _WHAT),
        issued=day(fields.get(_ISSUED), _WHAT),
        other_persons=tuple(name for other in others if (name := text(other, _WHAT))),
        endorsements=text(fields.get(_ENDORSEMENTS), _WHAT),
        exit_requirements=text(fields.get(_EXIT_REQUIREMENTS), _WHAT),
        personalization_system=text(fields.get(_PERSONALIZATION_SYSTEM), _WHAT),
    )


def _check_time(value: bytes | None) -> None:
    """Fourteen digits in text, or seven bytes of binary coded decimals. Not used, but held to its format."""
    if value is None:
        return
    digits = value.hex() if len(value) == 7 else text(value, _WHAT) or ""
    if len(digits) != 14 or not (digits.isascii() and digits.isdigit()):
        raise MalformedError("EF.DG12 has a time of personalization that is none")
