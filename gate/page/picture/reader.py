"""One picture to a reading, or to the reasons why there is none.

The stages in a row; each is a module beside this one. Nothing is kept from one picture to the next.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gate.page.picture.beside import CUT_WIDTHS, end_of, paper_ends
from gate.page.picture.locate import propose
from gate.page.picture.marks import marks_beside
from gate.page.picture.measure import palest_of, print_of
from gate.page.picture.placement import hints_of, reasons_of, with_light_on_it
from gate.page.picture.rectify import spacing_of
from gate.page.picture.shape import fits_of, rivals_of
from gate.page.picture.sight import Look, look_again, look_at, place_of
from gate.page.picture.turn import turn_of
from gate.page.picture.views import light_on
from gate.page.values import STRIP_HEIGHT_PX, Geometry, LinePlace, MrzFormat, NoReading, Reading
from gate.picture import BadPictureError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from gate.page.picture.measure import Print, StripState
    from gate.page.picture.text import MrzText
    from gate.page.values import Grey, Quad, Recogniser

SIDE_MIN_PX = 48
PIXELS_MAX = 40_000_000
FINE_FROM_PX = 1000  # of the longer side: a smaller picture has no more to show
OCR_B_HEIGHT = 1.02  # pitches, as `measure.print_of` measures it
PRINT_HEIGHTS = (0.7, 1.3)  # of that: a page that is seen at an angle, and what a few characters cannot tell
SURE_MIN = 0.998  # a character that the recogniser is so sure of
SURE_WORTH = 0.5  # may be so much nearer to another one's shape: other makes of OCR-B differ in a letter or two
UPRIGHT_MAX_DEG = 15.0  # the search for level text finds what is turned by less


def read(picture: npt.NDArray[np.uint8], recogniser: Recogniser, *, any_rotation: bool = True) -> Reading | NoReading:
    """Read the MRZ of a picture, grey (h, w) or BGR (h, w, 3) uint8.

    With `any_rotation` a page may lie any way round, and be small in a large picture; without it, as in a live frame, within 20
    degrees of upright or upside down and a third of the frame wide, which costs less where nothing is to be seen.

    Raises BadPictureError and RecogniserError.
    """
    grey = grey_of(picture)
    states: list[StripState] = []
    best: Look | None = None
    for turn_deg, fine in _searches(grey, any_rotation=any_rotation):
        for group in propose(grey, turn_deg=turn_deg, fine=fine):
            look = look_again(grey, recogniser, look_at(grey, recogniser, group))
            states.append(look.state)
            if best is None or look.score > best.score:
                best = look
            if best.text is not None and best.text.credible:
                return _reading(grey, best, best.text)
    return NoReading(reasons_of(states), _quad(best) if best is not None and best.text is not None else None)


def grey_of(picture: npt.NDArray[np.uint8]) -> Grey:
    """Check a picture and make it grey. Raises BadPictureError."""
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3) or (picture.ndim == 3 and picture.shape[2] != 3):
        raise BadPictureError(f"neither grey nor BGR of 8 bits: {picture.dtype} {list(picture.shape)}")
    height, width = picture.shape[:2]
    if min(height, width) < SIDE_MIN_PX:
        raise BadPictureError(f"the picture is {width}x{height}, smaller than {SIDE_MIN_PX} pixels a side")
    if height * width > PIXELS_MAX:
        raise BadPictureError(f"the picture is {width}x{height}, more than {PIXELS_MAX} pixels")
    if picture.ndim == 2:
        return picture
    return cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)


def _searches(grey: Grey, *, any_rotation: bool) -> Iterator[tuple[float, bool]]:
    """By which turn, and how fine, lines are looked for, the cheapest first: each only if those before gave nothing."""
    yield 0.0, False
    if not any_rotation:
        return
    yield from ((turn, False) for turn in turn_of(grey) if abs(turn) > UPRIGHT_MAX_DEG)
    if max(grey.shape) >= FINE_FROM_PX:
        yield 0.0, True
        yield from ((turn, True) for turn in turn_of(grey, fine=True) if abs(turn) > UPRIGHT_MAX_DEG)


def _reading(grey: Grey, look: Look, text: MrzText) -> Reading:
    choice = text.choice
    palest = palest_of(look.strips, text.cells, choice.lines)
    geometry = _geometry(look, text)
    seen = _looks(look, text, geometry)
    return Reading(
        format=choice.format,
        lines=choice.lines,
        confidence=choice.confidence,
        check_digits=choice.check_digits,
        repaired=choice.repaired,
        geometry=geometry,
        place=_quad(look),
        crowded=text.crowded,
        ends_seen=_ends_seen(grey, look, text),
        palest=palest,
        fit=seen.fit,
        lead=seen.lead,
        marks=seen.marks,
        light=light_on(look.strips, text.cells),
        alternatives=choice.alternatives,
        hints=with_light_on_it(hints_of(look.state), palest),
    )


@dataclass(slots=True)
class _Looks:
    """What shapes and marks say of an MRZ: see `gate.page.values.Reading`."""

    fit: float = 1.0
    lead: float = 1.0
    marks: int = 0


def _looks(look: Look, text: MrzText, geometry: Geometry) -> _Looks:
    """Hold every character against its shape, and look between the lines."""
    choice, seen, last = text.choice, _Looks(), len(look.ribbons) - 1
    for number, line in enumerate(choice.lines):
        ribbon, strip, cells, place = (
            look.ribbons[number], look.strips[number, 0], text.cells[number], geometry.lines[number]
        )  # fmt: skip
        pitch_px = math.dist(place.start, place.end) / (len(line) - 1)
        height = min(PRINT_HEIGHTS[1], max(PRINT_HEIGHTS[0], place.height_px / pitch_px / OCR_B_HEIGHT))
        rows = STRIP_HEIGHT_PX * height * pitch_px / ribbon.height_px
        fits, leads = fits_of(strip, cells, line, rivals_of(choice.format, number, line), pitch_rows=rows)
        sure = np.array(choice.confidence[number]) >= SURE_MIN
        seen.fit = min(seen.fit, float(np.min(fits)))
        seen.lead = min(seen.lead, float((leads + SURE_WORTH * sure).min()))
        spacing = geometry.spacing_px / pitch_px / height
        seen.marks += marks_beside(
            strip, cells, pitch_rows=rows, spacing=spacing, above=number > 0, below=number < last
        )
    return seen


def _ends_seen(grey: Grey, look: Look, text: MrzText) -> bool:
    """Whether there is empty paper at both ends of an MRZ that another one, cut short, would be read as."""
    if text.choice.format.shape[1] not in CUT_WIDTHS:
        return True
    if not all(end_of(grey, look.ribbons, text.cells, after=after).empty for after in (False, True)):
        return False
    return text.choice.format is not MrzFormat.MRV_B or paper_ends(grey, look.ribbons, text.cells)


def _geometry(look: Look, text: MrzText) -> Geometry:
    """Measure the MRZ in the picture, through the ribbons that it was read along."""
    lines: list[LinePlace] = []
    prints: list[Print] = []
    for ribbon, strip, cells, line in zip(look.ribbons, look.strips[:, 0], text.cells, text.choice.lines, strict=True):
        start, end = place_of(ribbon, cells.centres[0]), place_of(ribbon, cells.centres[-1])
        pitch_px = math.dist(start, end) / (len(line) - 1)
        seen = print_of(strip, cells, line, strip_height_pitches=ribbon.height_px / pitch_px)
        lines.append(LinePlace(start, end, pitch_px if seen is None else seen.height * pitch_px))
        prints += [] if seen is None else [seen]
    width = len(text.choice.lines[0]) - 1
    pitch_px = float(np.mean([math.dist(line.start, line.end) / width for line in lines]))
    return Geometry(
        lines=tuple(lines),
        pitch_px=pitch_px,
        pitch_residual=max(cells.residual for cells in text.cells),
        baseline_residual=max((seen.baseline_residual for seen in prints), default=None),
        spacing_px=spacing_of(lines),
        height_px=float(np.median([seen.height for seen in prints])) * pitch_px if prints else None,
        rotation_deg=look.rotation_deg,
    )


def _quad(look: Look) -> Quad:
    """The corners of all strips together, margins included."""
    first, last = look.ribbons[0], look.ribbons[-1]
    above, below = -first.height_px / 2, last.height_px / 2
    return first.at(0.0, above), first.at(1.0, above), last.at(1.0, below), last.at(0.0, below)
