"""One look at a group of lines: strips, the recogniser, the text; repeated if the first look left doubt.

The first line determines the orientation: upside down, it has no grid of characters. A second look follows the grid of
the first one, so that margins and heights are as in the recogniser's training, and both looks are weighed together.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from gate.page.picture.decode import Cells, Cuts, decode
from gate.page.picture.locate import Group
from gate.page.picture.measure import FRAME_PX, StripState, contrast_of, lost_cells, sharpness_of
from gate.page.picture.rectify import MARGIN, TAPER_MAX, Ribbon, cut, ribbons_of, settle
from gate.page.picture.text import MrzText, fused, text_of_cuts
from gate.page.values import STRIP_WIDTH_PX, Floats, Grey, Point, Recogniser

SURE = 0.9  # a reading whose weakest character reaches this is not looked at again
# Characters beside each end: what a longer line has more, or a look at what is there.
WIDER = {30: 8.0, 36: 8.0, 44: 2.0}
WIDER_LOOKS_MAX = 2
# A look that cannot become an MRZ is not looked at again. Of 390 groups that were read, first looks had cells 0.64 sure or more; those whose
# ends were in sight fitted a format to -0.8 or more, of 147 others with characters on a grid half to less than -1.5.
CELLS_SURE_MIN = 0.5
FIT_AT_LEAST = -1.5
PITCHES_A_LINE = 2.5  # between lines, ICAO 9303-3: 6.35 mm where the pitch is 2.54 mm


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """Ribbons in reading order, their strips, and the text; None if no line has characters on a grid."""

    ribbons: tuple[Ribbon, ...]
    strips: Floats
    text: MrzText | None

    @property
    def score(self) -> float:
        """Compares looks at one picture."""
        return -math.inf if self.text is None else self.text.choice.score

    @property
    def settled(self) -> bool:
        """True if another look cannot improve it."""
        if self.text is None or self.text.crowded:
            return False
        return self.text.choice.holds and self.text.choice.weakest >= SURE

    @property
    def hopeless(self) -> bool:
        """True if no look can find characters of OCR-B, or of an MRZ."""
        if self.text is None or self.text.cells_sure < CELLS_SURE_MIN:
            return True
        return self.text.choice.fit < FIT_AT_LEAST and not self.too_short

    @property
    def too_short(self) -> bool:
        """True if characters continue beyond the ends, or may: then the reading is a part of the line, whatever its format."""
        return self.text is not None and (self.text.crowded or self.text.cut_short)

    @property
    def rotation_deg(self) -> float:
        """The direction of reading, clockwise in the picture."""
        (start_x, start_y), (end_x, end_y) = self.ribbons[0].start, self.ribbons[0].end
        return math.degrees(math.atan2(end_y - start_y, end_x - start_x))

    @property
    def state(self) -> StripState:
        """Measurements of the strips."""
        length_px = max(1.0, self.ribbons[0].length_px)
        if self.text is None:
            pitch_strip_px = self.ribbons[0].height_px * MARGIN * STRIP_WIDTH_PX / length_px
            lost, bright = 0.0, 0.0
        else:
            pitch_strip_px = self.text.cells[0].pitch * FRAME_PX
            lost, bright = lost_cells(self.strips, self.text.cells)
        return StripState(
            lined=self.text is not None,
            pitch_px=pitch_strip_px * length_px / STRIP_WIDTH_PX,
            contrast=contrast_of(self.strips),
            sharpness=sharpness_of(self.strips, pitch_strip_px),
            lost=lost,
            lost_bright=bright,
            rotation_deg=self.rotation_deg,
        )


def look_at(grey: Grey, recogniser: Recogniser, group: Group) -> Look:
    """Read a group of lines in either orientation. Raises RecogniserError."""
    upright = ribbons_of(group.lines)
    ribbons, strips, cuts = _one_way(grey, recogniser, upright)
    if not cuts:
        turned = tuple(ribbon.turned() for ribbon in reversed(upright))
        ribbons, strips, cuts = _one_way(grey, recogniser, turned)
    if not cuts:
        return Look(ribbons, strips, None)
    look = Look(ribbons, strips, text_of_cuts(cuts))
    if len(ribbons) == 2 and all(30 in line for line in cuts):
        return max(look, _with_third_line(grey, recogniser, look, cuts), key=lambda one: one.score)
    return look


def glance_at(grey: Grey, group: Group) -> Look:
    """Measure the first line of a group without reading it."""
    ribbons = (settle(grey, ribbons_of(group.lines)[0]),)
    return Look(ribbons, cut(grey, ribbons), None)


def _one_way(
    grey: Grey, recogniser: Recogniser, way: tuple[Ribbon, ...]
) -> tuple[tuple[Ribbon, ...], Floats, list[Cuts]]:
    """Return ribbons, strips and cuts of all lines; of the first alone if it is unreadable, because most groups are no MRZ."""
    ribbons: tuple[Ribbon, ...] = (settle(grey, way[0]),)
    strips = cut(grey, ribbons)
    first = decode(recogniser(strips)[0])
    if not first:
        return ribbons, strips, []
    ribbons += tuple(settle(grey, ribbon) for ribbon in way[1:])
    rest = cut(grey, ribbons[1:])
    return ribbons, np.concatenate([strips, rest]), [first, *(decode(line) for line in recogniser(rest))]


def look_again(grey: Grey, recogniser: Recogniser, look: Look) -> Look:
    """Look along the grid of an earlier look; return the better one of the two, or both weighed together. Raises RecogniserError.

    If characters continue beyond the ends, or are at the very ends of a strip, the lines were located too short, and the reading is
    dropped for a wider look; at most twice, since a located third of a line shows only a part of the rest.
    """
    for _ in range(WIDER_LOOKS_MAX):
        if look.text is None or look.hopeless or not look.too_short:
            break
        wider = _along(grey, recogniser, look.ribbons, look.text, margin=WIDER[len(look.text.choice.lines[0])])
        look = look if wider is None else wider
    if look.text is None or look.hopeless or look.settled:
        return look
    second = _along(grey, recogniser, look.ribbons, look.text, margin=1.0)
    if second is None or second.text is None:
        return look
    both = fused(look.text, second.text)
    looks = [look, second] if both is None else [look, second, replace(second, text=both)]
    return max(looks, key=lambda one: one.score)


def _along(
    grey: Grey, recogniser: Recogniser, ribbons: tuple[Ribbon, ...], text: MrzText, *, margin: float
) -> Look | None:
    """Look along the grid of a text, with space for `margin` characters beyond its ends."""
    fitted = tuple(
        settle(grey, _fitted(ribbon, cells, margin)) for ribbon, cells in zip(ribbons, text.cells, strict=True)
    )
    strips = cut(grey, fitted)
    found = text_of_cuts([decode(line) for line in recogniser(strips)])
    return None if found is None else Look(fitted, strips, found)


def place_of(ribbon: Ribbon, frame: float) -> Point:
    """Return the position in the picture of a strip's frame."""
    return ribbon.at((frame + 0.5) * FRAME_PX / STRIP_WIDTH_PX)


def _with_third_line(grey: Grey, recogniser: Recogniser, look: Look, cuts: list[Cuts]) -> Look:
    """For a card's MRZ with two located lines: look for the third above and below."""
    upper, lower = look.ribbons
    best = look
    for ribbon, above in ((upper.moved(-upper.height_px), True), (lower.moved(lower.height_px), False)):
        settled = settle(grey, ribbon)
        strip = cut(grey, (settled,))
        third = decode(recogniser(strip)[0])
        text = text_of_cuts([third, *cuts] if above else [*cuts, third])
        ribbons = (settled, *look.ribbons) if above else (*look.ribbons, settled)
        strips = np.concatenate([strip, look.strips] if above else [look.strips, strip])
        best = max(best, Look(ribbons, strips, text), key=lambda one: one.score)
    return best


def _fitted(ribbon: Ribbon, cells: Cells, margin: float) -> Ribbon:
    """Return the ribbon with this margin beside the first and last character, as high as the distance of lines at that pitch.

    If the pitch grows or shrinks along the strip, the page is more oblique than the lines' distances showed.
    """
    reach = (margin + 0.5) * cells.pitch
    ends = (cells.centres[0] - reach, cells.centres[-1] + reach)
    start, end = ((float(frame) + 0.5) * FRAME_PX / STRIP_WIDTH_PX for frame in ends)
    pitch_px = cells.pitch * FRAME_PX / STRIP_WIDTH_PX * ribbon.length_px
    steps = np.diff(cells.centres)
    taper = float(np.clip(ribbon.taper * math.sqrt(steps[-1] / steps[0]), 1 / TAPER_MAX, TAPER_MAX))
    return replace(ribbon.stretched(start, end), height_px=PITCHES_A_LINE * pitch_px, taper=taper)
