"""EF.DG16: persons to notify in an emergency (ICAO 9303-10 §4.7.16). Personal data of third parties, none of it for a log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gate_documents import tlv
from gate_documents.errors import MalformedError
from gate_documents.lds.details import day, text

if TYPE_CHECKING:
    from datetime import date

TAG: Final = 0x70
_COUNT: Final = 0x02
_PERSON_FIRST: Final = 0xA1
PERSONS_MAX: Final = 15
_RECORDED: Final = 0x5F50
_NAME: Final = 0x5F51
_TELEPHONE: Final = 0x5F52
_ADDRESS: Final = 0x5F53
_WHAT: Final = "EF.DG16"


@dataclass(frozen=True, slots=True, repr=False)
class PersonToNotify:
    """One person, and when the entry was made."""

    recorded: date | None
    name: str | None
    telephone: str | None
    address: str | None

    def __repr__(self) -> str:
        """Never shows the person."""
        return "PersonToNotify(…)"


def parse_dg16(data: bytes) -> tuple[PersonToNotify, ...]:
    """The persons, in templates numbered A1, A2 and so on. Raises MalformedError."""
    elements = tuple(tlv.elements(tlv.only(data, TAG)))
    if not elements or elements[0].tag != _COUNT or len(elements[0].value) != 1:
        raise MalformedError("EF.DG16 has no count of its persons")
    templates = elements[1:]
    numbered = all(template.tag == _PERSON_FIRST + index for index, template in enumerate(templates))
    if not numbered or len(templates) != elements[0].value[0] or len(templates) > PERSONS_MAX:
        raise MalformedError("EF.DG16 has another number of persons than it says")
    return tuple(_person(template.value) for template in templates)


def _person(data: bytes) -> PersonToNotify:
    fields = {element.tag: element.value for element in tlv.elements(data)}
    return PersonToNotify(
        recorded=day(fields.get(_RECORDED), _WHAT),
        name=text(fields.get(_NAME), _WHAT),
        telephone=text(fields.get(_TELEPHONE), _WHAT),
        address=text(fields.get(_ADDRESS), _WHAT),
    )
