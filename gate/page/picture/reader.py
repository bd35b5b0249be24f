"""Reads one picture: returns a reading, or the reasons without one; runs all stages. Nothing is kept from one picture to the next.

The recogniser is a model through `models.runtime`: strips 32 x 704 in, 176 frames of 38 log-probabilities out for each.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from gate.page.picture.beside import CUT_WIDTHS, end_of, paper_ends
from gate.page.picture.locate import Copies, Group, propose, turn_of
from gate.page.picture.measure import light_on, marks_beside, palest_of, print_of
from gate.page.picture.objections import hints_of, reasons_of, with_light_on_it
from gate.page.picture.rectify import spacing_of
from gate.page.picture.shape import fits_of, rivals_of
from gate.page.picture.sight import Look, glance_at, look_again, look_at, place_of
from gate.page.picture.text import MrzText
from gate.page.values import (
    STRIP_HEIGHT_PX,
    Floats,
    Geometry,
    Grey,
    LinePlace,
    MrzFormat,
    NoReading,
    Pixels,
    Quad,
    Reading,
    Recogniser,
    RecogniserError,
)
from gate.picture import BadPictureError, check_size
from models.errors import ModelError
from models.manifest import load
from models.runtime import Session, open_session

SIDE_MIN_PX = 48
EVEN_TURNED_MIN = 0.2  # of the first group of a search by turns or for small text: of 131 MRZs that were read so, none had less than 0.25
# For one picture, including a look in progress: the limit on any print is half a second. Of 850 MRZs that were read one
# among dense text took 46, the next 37, and half of them 3.
STRIPS_MAX = 80
FINE_FROM_PX = 1000  # of the longer side: a smaller picture has no more to show
OCR_B_HEIGHT = 1.02  # pitches, as `measure.print_of` measures it
PRINT_HEIGHTS = (0.7, 1.3)  # of these: a page seen at an angle, and the tolerance of few characters
SURE_MIN = 0.998  # a character that the recogniser is so sure of
SURE_WORTH = 0.5  # may be so much nearer to another one's shape: other makes of OCR-B differ in a letter or two
UPRIGHT_MAX_DEG = 15.0  # the search for level text finds what is turned by less


def read(picture: Pixels, recogniser: Recogniser, *, any_rotation: bool = True) -> Reading | NoReading:
    """Read the MRZ of a picture, grey (h, w) or BGR (h, w, 3) uint8.

    With `any_rotation` a page may have any rotation, and be small in a large picture; without it, as in a live frame,
    within 20 degrees of upright or upside down and a third of the frame wide, which costs less without a page.

    Raises BadPictureError and RecogniserError.
    """
    grey = grey_of(picture)
    copies, strips_read = Copies(grey), 0
    looks: list[Look] = []

    def counted(strips: Floats) -> Floats:
        nonlocal strips_read
        strips_read += len(strips)
        return recogniser(strips)

    for group, level in _groups(copies, any_rotation=any_rotation):
        if strips_read >= STRIPS_MAX:
            break
        # Level text is looked at however uneven it is; what another turn or smaller text brings is seldom an MRZ.
        if not level and group.even < EVEN_TURNED_MIN:
            looks.append(glance_at(grey, group))
            continue
        look = look_again(grey, counted, look_at(grey, counted, group))
        if look.text is not None and look.text.credible:
            return _reading(grey, look, look.text)
        looks.append(look)
    best = max(looks, key=lambda look: look.score, default=None)
    place = _quad(best) if best is not None and best.text is not None else None
    return NoReading(reasons_of([look.state for look in looks]), place)


def grey_of(picture: Pixels) -> Grey:
    """Check a picture and convert it to grey. Raises BadPictureError."""
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3) or (picture.ndim == 3 and picture.shape[2] != 3):
        raise BadPictureError(f"neither grey nor BGR of 8 bits: {picture.dtype} {list(picture.shape)}")
    check_size(picture.shape[1], picture.shape[0], side_min=SIDE_MIN_PX)
    if picture.ndim == 2:
        return picture
    return cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)


def _groups(copies: Copies, *, any_rotation: bool) -> Iterator[tuple[Group, bool]]:
    """Yield groups to examine, likeliest and cheapest first, and whether each is level text of usual size. Later searches start only when needed."""
    yield from ((group, True) for group in propose(copies))
    for turn_deg, fine in _searches(copies) if any_rotation else ():
        yield from ((group, False) for group in propose(copies, turn_deg=turn_deg, fine=fine))


def _searches(copies: Copies) -> Iterator[tuple[float, bool]]:
    """Yield rotation and fineness of further searches after level text of usual size gave nothing, the cheapest first."""
    yield from ((turn, False) for turn in turn_of(copies) if abs(turn) > UPRIGHT_MAX_DEG)
    if copies.side_px >= FINE_FROM_PX:
        yield 0.0, True
        yield from ((turn, True) for turn in turn_of(copies, fine=True) if abs(turn) > UPRIGHT_MAX_DEG)


def _reading(grey: Grey, look: Look, text: MrzText) -> Reading:
    choice = text.choice
    palest = palest_of(look.strips, text.cells, choice.lines)
    geometry = _geometry(look, text)
    fit, lead, marks = _looks(look, text, geometry)
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
        fit=fit,
        lead=lead,
        marks=marks,
        light=light_on(look.strips, text.cells),
        alternatives=choice.alternatives,
        hints=with_light_on_it(hints_of(look.state), palest),
    )


def _looks(look: Look, text: MrzText, geometry: Geometry) -> tuple[float, float, int]:
    """Compare every character with its shape, and examine the gaps: `fit`, `lead` and `marks` of `gate.page.values.Reading`."""
    choice, last = text.choice, len(look.ribbons) - 1
    fit, lead, marks = 1.0, 1.0, 0
    for number, line in enumerate(choice.lines):
        strip, cells, place = look.strips[number, 0], text.cells[number], geometry.lines[number]
        pitch_px = math.dist(place.start, place.end) / (len(line) - 1)
        height = min(PRINT_HEIGHTS[1], max(PRINT_HEIGHTS[0], place.height_px / pitch_px / OCR_B_HEIGHT))
        rows = STRIP_HEIGHT_PX * height * pitch_px / look.ribbons[number].height_px
        fits, leads = fits_of(strip, cells, line, rivals_of(choice.format, number, line), pitch_rows=rows)
        sure = np.array(choice.confidence[number]) >= SURE_MIN
        fit, lead = min(fit, float(np.min(fits))), min(lead, float((leads + SURE_WORTH * sure).min()))
        spacing = geometry.spacing_px / pitch_px / height
        marks += marks_beside(strip, cells, pitch_rows=rows, spacing=spacing, above=number > 0, below=number < last)
    return fit, lead, marks


def _ends_seen(grey: Grey, look: Look, text: MrzText) -> bool:
    """True if empty paper is seen at both ends of an MRZ that could be the beginning of a longer one."""
    if text.choice.format.shape[1] not in CUT_WIDTHS:
        return True
    if not all(end_of(grey, look.ribbons, text.cells, after=after).empty for after in (False, True)):
        return False
    return text.choice.format is not MrzFormat.MRV_B or paper_ends(grey, look.ribbons, text.cells)


def _geometry(look: Look, text: MrzText) -> Geometry:
    """Measure the MRZ in the picture, along the ribbons of its reading."""
    lines: list[LinePlace] = []
    prints: list[tuple[float, float]] = []  # height and residual of the baseline, in pitches
    for ribbon, strip, cells, line in zip(look.ribbons, look.strips[:, 0], text.cells, text.choice.lines, strict=True):
        start, end = place_of(ribbon, cells.centres[0]), place_of(ribbon, cells.centres[-1])
        pitch_px = math.dist(start, end) / (len(line) - 1)
        seen = print_of(strip, cells, line, strip_height_pitches=ribbon.height_px / pitch_px)
        lines.append(LinePlace(start, end, pitch_px if seen is None else seen[0] * pitch_px))
        prints += [] if seen is None else [seen]
    width = len(text.choice.lines[0]) - 1
    pitch_px = float(np.mean([math.dist(line.start, line.end) / width for line in lines]))
    return Geometry(
        lines=tuple(lines),
        pitch_px=pitch_px,
        pitch_residual=max(cells.residual for cells in text.cells),
        baseline_residual=max((residual for _, residual in prints), default=None),
        spacing_px=spacing_of(lines),
        height_px=float(np.median([height for height, _ in prints])) * pitch_px if prints else None,
        rotation_deg=look.rotation_deg,
    )


def _quad(look: Look) -> Quad:
    """The corners of all strips together, margins included."""
    first, last = look.ribbons[0], look.ribbons[-1]
    above, below = -first.height_px / 2, last.height_px / 2
    return first.at(0.0, above), first.at(1.0, above), last.at(1.0, below), last.at(0.0, below)


class LineRecogniser:
    """Reads strips with a verified session; fills the port `gate.page.values.Recogniser`. One thread at a time."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __call__(self, strips: Floats) -> Floats:
        """Read (n, 1, 32, 704) strips, as many as the model takes at once. Raises RecogniserError."""
        try:
            (frames,) = self._session.run(strips)
        except ModelError as error:
            raise RecogniserError(str(error)) from error
        return frames


def open_recogniser(folder: Path, *, threads: int = 1, providers: Sequence[str] = ()) -> LineRecogniser:
    """Open and verify the model. Raises RecogniserError if it is missing, not the pinned one, or drifts."""
    try:
        return LineRecogniser(open_session(load().model("mrz_lines"), folder, threads=threads, providers=providers))
    except ModelError as error:
        raise RecogniserError(str(error)) from error
