"""The lines of one group to the text of an MRZ: every format that their cells can be, weighed against one another.

Pure: cells of probabilities in, a choice out. Whether it is good enough to be called an MRZ is decided here too, by bounds
that were set on drawn pages and on pictures without an MRZ (docs/protocols/page-reading.md).
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gate.page.picture.decode import Cells, Cuts
from gate.page.picture.layout import LAYOUTS
from gate.page.picture.weigh import Choice, choose, weigh
from gate.page.values import FRAMES, MrzFormat

# Below either it is text of another kind, or too damaged to be of use: MRZs of drawn pages with five wrong characters still
# fit to -0.5, other text in OCR-B not to -1.3.
MEAN_CONFIDENCE_MIN = 0.6
FIT_MIN = -0.7
BESIDE_MAX = 1.2  # of -log(1 - p): something that is a character with a probability of 0.7
END_MIN = 0.75  # pitches: half of its own character, and a quarter of the next
_WORSE_MAX = 12.0  # a cut of a line that explains it worse by more than e^12 is not weighed together with the others


@dataclass(frozen=True, slots=True, eq=False)
class MrzText:
    """The best text of a group and the cells that it was read from, a tuple of cells a line."""

    choice: Choice
    cells: tuple[Cells, ...]

    @property
    def credible(self) -> bool:
        """True when this is an MRZ rather than other text that was forced into one."""
        return self.choice.mean_confidence >= MEAN_CONFIDENCE_MIN and self.choice.fit >= FIT_MIN

    @property
    def cells_sure(self) -> float:
        """How surely the cells hold one character rather than another or none, in the mean; what the format makes of them aside."""
        return sum(float(line.probabilities.max(axis=1).sum()) for line in self.cells) / sum(
            len(line.centres) for line in self.cells
        )

    @property
    def crowded(self) -> bool:
        """True when more characters stand on the grid beside a line: then the MRZ is not of this width."""
        return max(line.left_out for line in self.cells) > BESIDE_MAX

    @property
    def cut_short(self) -> bool:
        """True when a character stands so near an end of its strip that the next one would not be seen."""
        return any(min(line.centres[0], FRAMES - 1 - line.centres[-1]) < END_MIN * line.pitch for line in self.cells)


def text_of_cuts(lines: Sequence[Cuts]) -> MrzText | None:
    """Weigh all formats that the cut lines can be, first line first; None when they can be none."""
    best: MrzText | None = None
    for mrz_format in MrzFormat:
        count, width = mrz_format.shape
        if count != len(lines) or any(width not in cuts for cuts in lines):
            continue
        for cells in _likely(mrz_format, [cuts[width] for cuts in lines]):
            choice = _choice(mrz_format, cells)
            if best is None or choice.score > best.choice.score:
                best = MrzText(choice, cells)
    return best


def fused(first: MrzText, second: MrzText) -> MrzText | None:
    """Two looks at one MRZ weighed together, in the second one's places; None when they are of different formats."""
    if first.choice.format is not second.choice.format:
        return None
    cells = tuple(
        replace(after, probabilities=(before.probabilities + after.probabilities) / 2)
        for before, after in zip(first.cells, second.cells, strict=True)
    )
    return MrzText(_choice(second.choice.format, cells), cells)


def _choice(mrz_format: MrzFormat, cells: tuple[Cells, ...]) -> Choice:
    choice = choose(mrz_format, [line.probabilities for line in cells])
    return replace(choice, score=choice.score - sum(line.left_out for line in cells))


def _likely(mrz_format: MrzFormat, lines: Sequence[tuple[Cells, ...]]) -> Iterator[tuple[Cells, ...]]:
    """Combinations of the lines' cuts, without those cuts that explain their line far worse than the best one."""
    kept = []
    for kinds, cuts in zip(LAYOUTS[mrz_format].kinds, lines, strict=True):
        evidence = [weigh(kinds, cells.probabilities).evidence - cells.left_out for cells in cuts]
        kept.append([cells for cells, value in zip(cuts, evidence, strict=True) if value >= max(evidence) - _WORSE_MAX])
    return itertools.product(*kept)
