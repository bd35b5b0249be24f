"""EF.DG11: further personal details (ICAO 9303-10 §4.7.11). All of them optional, none of them for a log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gate_documents.lds.details import day, readable, readable_fields, readable_names, text

if TYPE_CHECKING:
    from datetime import date

TAG: Final = 0x6B
_OTHER_NAMES: Final = 0xA0
_OTHER_NAME: Final = 0x5F0F
_FULL_NAME: Final = 0x5F0E
_PERSONAL_NUMBER: Final = 0x5F10
_BORN: Final = 0x5F2B
_PLACE_OF_BIRTH: Final = 0x5F11
_WHAT: Final = "EF.DG11"


@dataclass(frozen=True, slots=True, repr=False)
class PersonalDetails:
    """Data to compare with the MRZ: the full name, as `SURNAME<<GIVEN<NAMES`, and the date of birth with its year."""

    full_name: str | None
    other_names: tuple[str, ...]
    personal_number: str | None
    born: date | None
    place_of_birth: str | None

    def __repr__(self) -> str:
        """Never shows the details."""
        return "PersonalDetails(…)"


def parse_dg11(data: bytes) -> PersonalDetails:
    """Read EF.DG11; a field that cannot be read is None. Raises MalformedError on what is no EF.DG11 at all."""
    fields = readable_fields(data, TAG)
    return PersonalDetails(
        full_name=readable(text, fields.get(_FULL_NAME, ()), _WHAT),
        other_names=readable_names(fields.get(_OTHER_NAMES, ()), fields.get(_OTHER_NAME, ()), _OTHER_NAME, _WHAT),
        personal_number=readable(text, fields.get(_PERSONAL_NUMBER, ()), _WHAT),
        born=readable(day, fields.get(_BORN, ()), _WHAT),
        place_of_birth=readable(text, fields.get(_PLACE_OF_BIRTH, ()), _WHAT),
    )
