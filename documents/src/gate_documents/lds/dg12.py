"""EF.DG12: further details of the document (ICAO 9303-10 §4.7.12). The date of issue is the one that inspections use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gate_documents.lds.details import day, readable, readable_fields, readable_names, text

if TYPE_CHECKING:
    from datetime import date

TAG: Final = 0x6C
_AUTHORITY: Final = 0x5F19
_ISSUED: Final = 0x5F26
_OTHER_PERSONS: Final = 0xA0
_OTHER_PERSON: Final = 0x5F1A
_ENDORSEMENTS: Final = 0x5F1B
_EXIT_REQUIREMENTS: Final = 0x5F1C
_PERSONALIZATION_SYSTEM: Final = 0x5F56
_WHAT: Final = "EF.DG12"


@dataclass(frozen=True, slots=True, repr=False)
class DocumentDetails:
    """Who issued the document and when, and its notes. `issued` is None if it is missing, given twice, or no date."""

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
    """Read EF.DG12; a field that cannot be read is None. Raises MalformedError on what is no EF.DG12 at all."""
    fields = readable_fields(data, TAG)
    return DocumentDetails(
        authority=readable(text, fields.get(_AUTHORITY, ()), _WHAT),
        issued=readable(day, fields.get(_ISSUED, ()), _WHAT),
        other_persons=readable_names(
            fields.get(_OTHER_PERSONS, ()), fields.get(_OTHER_PERSON, ()), _OTHER_PERSON, _WHAT
        ),
        endorsements=readable(text, fields.get(_ENDORSEMENTS, ()), _WHAT),
        exit_requirements=readable(text, fields.get(_EXIT_REQUIREMENTS, ()), _WHAT),
        personalization_system=readable(text, fields.get(_PERSONALIZATION_SYSTEM, ()), _WHAT),
    )
