"""Sheets for a lab that presents artefacts and people to a lane's camera, and the folders for its pictures.

The numbers are those of BSI TR-03122-3 TC-PAD-FI-APP-002: 8 classes of 4 artefacts, 10 presentations each, and 3 people
with 20. The lab chooses the classes, by the attacks that are likely at its border; the defaults are this project's.
`gate face evaluate-pad` reads the same folder and reports what was not presented.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader

from gate_lab.pad import ARTEFACTS, CLASSES, PEOPLE, PEOPLES_PRESENTATIONS, PRESENTATIONS

SHEETS: Final = "sheets.html"
NAME: Final = re.compile(r"[a-z0-9][a-z0-9_]{0,31}")
_PAGES: Final = Path(__file__).with_name("pages")
# What the class is, and what makes four artefacts of it unlike one another.
OURS: Final = {
    "print_flat": "a photograph on paper, held flat: matt and glossy, two printers, at least life size",
    "print_bent": "a photograph on paper, bent round the face: two papers, two bends",
    "print_cut_out": "a photograph with holes for eyes or mouth, worn: two cuts, two papers",
    "display_still": "a photograph on a display: a telephone, a tablet, a laptop, one with a dull screen",
    "display_video": "a video on a display: the same four, the person blinking and turning",
    "mask_paper": "a folded or pasted paper mask: two makers, two prints",
    "mask_cloth": "a printed cloth or stocking over the head: two cloths, two prints",
    "mask_solid": "a solid mask: plastic, resin, latex, silicone",
}
_DISTANCES: Final = ("at the mark", "as near as the lane asks", "a step behind the mark")
_HELD: Final = ("straight", "turned by 10 degrees", "tilted by 10 degrees", "moving a little")


class UnfitPlanError(ValueError):
    """The recipe cannot be carried out with these classes."""


@dataclass(frozen=True, slots=True)
class Line:
    """One presentation: the folder for its frames, and how to do it."""

    folder: str
    how: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page to print: a person, or an artefact of a class."""

    title: str
    what: str
    lines: tuple[Line, ...]


def plan(classes: Sequence[str] = tuple(OURS)) -> tuple[Sheet, ...]:
    """Return every sheet, people first. Raises UnfitPlanError."""
    if len(set(classes)) < CLASSES or any(NAME.fullmatch(name) is None for name in classes):
        raise UnfitPlanError(f"{CLASSES} different classes are wanted at least, each a name of a-z, 0-9 and _")
    return (*_people(), *_artefacts(tuple(dict.fromkeys(classes))))


def _people() -> Iterator[Sheet]:
    for person in range(1, PEOPLE + 1):
        lines = tuple(
            Line(f"bona_fide/person{person}/{number:02}", how)
            for number, how in zip(range(1, PEOPLES_PRESENTATIONS + 1), _ways(), strict=False)
        )
        what = "in the flesh; as travellers come: with and without glasses, hats off, as tall, as dark and as pale as they are"
        yield Sheet(f"Person {person}", what, lines)


def _artefacts(classes: Sequence[str]) -> Iterator[Sheet]:
    for name, artefact in itertools.product(classes, range(1, ARTEFACTS + 1)):
        lines = tuple(
            Line(f"attack/{name}/artefact{artefact}/{number:02}", how)
            for number, how in zip(range(1, PRESENTATIONS + 1), _ways(), strict=False)
        )
        yield Sheet(f"{name}, artefact {artefact} of {ARTEFACTS}", OURS.get(name, "a class of the lab's own"), lines)


def _ways() -> Iterator[str]:
    """Yield the variations of presentations, endlessly."""
    return (f"{distance}, {held}" for held, distance in itertools.cycle(itertools.product(_HELD, _DISTANCES)))


def written(folder: Path, sheets: Sequence[Sheet]) -> Path:
    """Make the folders and the page to print in `folder`, which must be empty or not exist. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(17, "there is something in it already", str(folder))
    for sheet in sheets:
        for line in sheet.lines:
            (folder / line.folder).mkdir(parents=True)
    environment = Environment(loader=FileSystemLoader(_PAGES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    page = folder / SHEETS
    page.write_text(environment.get_template("pad_sheets.html").render(sheets=sheets), encoding="utf-8")
    return page
