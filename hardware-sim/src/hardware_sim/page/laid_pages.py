"""What a traveller lays before the document camera: which page, printed how, lying how."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from hardware_sim.page.placement import Manner, PlacedPage
from hardware_sim.page.printing import Page, Size
from hardware_sim.passport import mrz
from hardware_sim.scenario import Kind, Lay, Scenario

if TYPE_CHECKING:
    from hardware_sim.passport.issuer import Person

_TITLES: Final = {Kind.PASSPORT: "UTOPIA   PASSPORT   PASSEPORT", Kind.CARD: "UTOPIA   IDENTITY CARD"}
_OTHER_NAME: Final = "DOE<<JANE"


@dataclass(frozen=True, slots=True, repr=False)
class Printed:
    """A document as it is printed for its holder. Has no useful repr."""

    holder: Person
    kind: Kind
    lines: tuple[str, ...]
    portrait_jpeg: bytes

    def __repr__(self) -> str:
        return "Printed(…)"


def laid_pages(document: Printed, scenario: Scenario) -> tuple[PlacedPage, ...]:
    """Return a page each time that the document is placed, by the scenario; flat where it does not specify."""
    return tuple(_laid(document, lay) for lay in scenario.lays or (Lay.FLAT,))


def _laid(document: Printed, lay: Lay) -> PlacedPage:
    match lay:
        case Lay.VISA:
            return PlacedPage(_visa(document.holder))
        case Lay.NO_MRZ:
            return PlacedPage(replace(_data_page(document, document.lines), has_mrz=False))
        case Lay.OTHER_MRZ:
            return PlacedPage(_data_page(document, _of_another(document.lines)))
        case _:
            return PlacedPage(_data_page(document, document.lines), Manner(lay.value))


def _data_page(document: Printed, lines: tuple[str, ...]) -> Page:
    """The page with the MRZ: of a passport with its portrait, of a card the other side."""
    if document.kind is Kind.CARD:
        return Page(Size.TD1, lines, None, _TITLES[Kind.CARD])
    return Page(Size.TD3, lines, document.portrait_jpeg, _TITLES[Kind.PASSPORT])


def _visa(holder: Person) -> Page:
    """A visa of format MRV-A (ICAO 9303-7): its number is the passport's, as states may have it; it ends before that does."""
    lines = mrz.visa_lines(
        issuer="UTO",
        surname=holder.surname,
        given=holder.given,
        number=holder.number,
        nationality=holder.nationality,
        birth=holder.birth,
        sex=holder.sex,
        expiry=holder.expiry.replace(month=1, day=15),
    )
    return Page(Size.VISA, lines, None, "UTOPIA   VISA")


def _of_another(lines: tuple[str, ...]) -> tuple[str, ...]:
    """The MRZ with another name: no check digit covers it, and the chip opens all the same."""
    if len(lines) == 2:
        return (lines[0][:5] + _OTHER_NAME).ljust(len(lines[0]), "<"), lines[1]
    return *lines[:2], _OTHER_NAME.ljust(len(lines[2]), "<")
