"""The pages that a traveller places before the document camera: which page, how it is printed, how it lies."""

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
    """A document as printed for its holder. Has no useful repr."""

    holder: Person
    kind: Kind
    lines: tuple[str, ...]
    portrait_jpeg: bytes

    def __repr__(self) -> str:
        return "Printed(…)"


def laid_pages(document: Printed, scenario: Scenario) -> tuple[PlacedPage, ...]:
    """Return one page for each time that the scenario places the document; flat by default."""
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
    """Return the page with the MRZ: the data page of a passport, with its portrait, or the back of a card."""
    if document.kind is Kind.CARD:
        return Page(Size.TD1, lines, None, _TITLES[Kind.CARD])
    return Page(Size.TD3, lines, document.portrait_jpeg, _TITLES[Kind.PASSPORT])


def _visa(holder: Person) -> Page:
    """Return a visa of format MRV-A (ICAO 9303-7). It shares the passport's number and expires earlier."""
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
    """Return the MRZ with another name. No check digit covers the name, so these lines still open the chip."""
    if len(lines) == 2:
        return (lines[0][:5] + _OTHER_NAME).ljust(len(lines[0]), "<"), lines[1]
    return *lines[:2], _OTHER_NAME.ljust(len(lines[2]), "<")
