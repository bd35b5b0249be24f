"""From the lines of one group to the text of an MRZ: every possible format of their cells, weighed against one another. Pure.

The prior of a place is soft: a digit in a name is unlikely, not impossible, since the print counts. Check digits choose
between the seen and the likely text, and may correct one doubtful character, which marks the text as repaired. The bounds for
an MRZ are from drawn pages and from pictures without one (docs/protocols/page-reading.md).
"""

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from gate.page.picture.decode import Cells, Cuts
from gate.page.picture.layout import LAYOUTS, Kind, Layout, check_digits, unchecked, within_reach
from gate.page.values import ALPHABET, FRAMES, Doubles, Ints, MrzFormat

_UNLIKELY: Final = 2e-3  # prior of a character where its kind does not belong, against one that does
# Numbers with a letter O are rare beside those with a zero, and many states issue none. Both readings are kept.
_LETTER_O_IN_NUMBERS: Final = 0.05
# In OCR-B zero and O differ in height alone, so where only one of them can stand, the other speaks for it. In dates and check
# digits, where no letter is ever meant, letters of other typefaces' shapes speak for digits, weakly. No digit speaks for a letter:
# a digit in a name is what the issuer printed.
_ZERO_LIKE: Final = 0.5
_DIGIT_LIKE: Final = 0.1
_DIGITS_LIKE: Final = {"I": "1", "Z": "2", "S": "5", "G": "6", "B": "8"}
UNSURE: Final = 0.9  # a character below this may be replaced in a repair
REPAIR_MIN: Final = 0.02  # the probability that the replacement must have
REPAIR_FIT_MIN: Final = (
    -1.5
)  # of the lines to the format: MRZs with five wrong characters fit to -0.5, below this it is none
REPAIRS_MAX: Final = 100  # that are tried, the likeliest; a text with more in doubt is no MRZ
ALTERNATIVE_MIN: Final = 0.01
ALTERNATIVES_MAX: Final = 8
_FLIPS_MAX: Final = 6  # zeros and letters O in doubt that are tried in both ways, 64 texts


def _priors(kind: Kind) -> Doubles:
    prior = np.array([1.0 if character in kind.value else _UNLIKELY for character in ALPHABET])
    if kind is Kind.NUMBER:
        prior[ALPHABET.index("O")] = _LETTER_O_IN_NUMBERS
    return prior


def _support(kind: Kind) -> Doubles:
    """Return a matrix (37, 37): the support of each seen character for each printed one."""
    matrix = np.eye(len(ALPHABET))
    zero, letter = ALPHABET.index("0"), ALPHABET.index("O")
    if "O" not in kind.value:
        matrix[letter, zero] = _ZERO_LIKE
    elif "0" not in kind.value:
        matrix[zero, letter] = _ZERO_LIKE
    if kind in (Kind.DIGIT, Kind.DATE):
        for seen, meant in _DIGITS_LIKE.items():
            matrix[ALPHABET.index(seen), ALPHABET.index(meant)] = _DIGIT_LIKE
    return matrix


_PRIORS: Final = {kind: _priors(kind) for kind in Kind}
_SUPPORT: Final = {kind: _support(kind) for kind in Kind}


_FITTING: Final = {kind: (prior > _UNLIKELY).astype(np.float64) for kind, prior in _PRIORS.items()}


@functools.lru_cache(maxsize=32)  # the lines of all formats
def _rows_of(kinds: tuple[Kind, ...]) -> tuple[tuple[Kind, Ints], ...]:
    """The places of each kind."""
    return tuple((kind, np.array([at for at, other in enumerate(kinds) if other is kind])) for kind in set(kinds))


def weigh(kinds: Sequence[Kind], probabilities: Doubles) -> tuple[Doubles, float]:
    """Apply the places' priors to the cells of one line: return (n, 37) probabilities, and the log of how well the format explains the line.

    Rows sum to at most one, before and after: support for characters that the place cannot hold, or for none, remains as doubt.
    """
    printed, fitting = np.empty_like(probabilities), np.empty(len(probabilities))
    for kind, rows in _rows_of(tuple(kinds)):
        supported = probabilities[rows] @ _SUPPORT[kind]
        printed[rows] = supported * _PRIORS[kind]
        fitting[rows] = supported @ _FITTING[kind]
    explained = printed.sum(axis=1)
    posterior = printed / np.maximum(explained, 1e-12)[:, None] * np.minimum(fitting, 1.0)[:, None]
    return posterior, float(np.log(np.maximum(explained, 1e-6)).sum())


@dataclass(frozen=True, slots=True, repr=False)
class Choice:
    """The text of an MRZ under one format; see `gate.page.values.Reading`.

    `fit`: how well the format explains the cells, as the mean logarithm per character: 0 is complete, other text is far
    below. `score` compares choices of one picture.
    """

    format: MrzFormat
    lines: tuple[str, ...]
    confidence: tuple[tuple[float, ...], ...]
    check_digits: Mapping[str, bool]
    repaired: bool
    alternatives: tuple[tuple[str, ...], ...]
    fit: float
    score: float

    @property
    def mean_confidence(self) -> float:
        """Over all characters."""
        return sum(map(sum, self.confidence)) / sum(map(len, self.confidence))

    @property
    def weakest(self) -> float:
        """The confidence of the least certain character."""
        return min(map(min, self.confidence))

    @property
    def holds(self) -> bool:
        """True if every check digit holds without a repair."""
        return not self.repaired and all(self.check_digits.values())

    def __repr__(self) -> str:
        """Never shows the lines: they are personal data."""
        return f"Choice({self.format.value}, score {self.score:.1f})"


def choose(mrz_format: MrzFormat, cells: Sequence[Doubles]) -> Choice:
    """The best text for lines of cells, (n, 37) each: the likeliest one, or, if its check digits fail, the best repair.

    A repair replaces one unsure character so that every check digit holds; it is marked, and never accepted by itself.
    """
    layout = LAYOUTS[mrz_format]
    posterior, evidences = zip(
        *(weigh(kinds, line) for kinds, line in zip(layout.kinds, cells, strict=True)), strict=True
    )
    evidence = sum(evidences)
    fit = evidence / sum(map(len, cells))
    likeliest = tuple("".join(ALPHABET[index] for index in line.argmax(axis=1)) for line in posterior)
    lines, repaired = (
        _resolved(mrz_format, likeliest, cells, posterior) if fit >= REPAIR_FIT_MIN else (likeliest, False)
    )
    holding = check_digits(mrz_format, lines)
    # A digit that holds by chance does so in one of ten cases: that is what each is worth.
    score = evidence + np.log(10.0) * sum(holding.values()) - np.log(100.0) * repaired
    return Choice(
        format=mrz_format,
        lines=lines,
        confidence=_confidences(mrz_format, lines, cells, posterior),
        check_digits=holding,
        repaired=repaired,
        alternatives=tuple(_alternatives(mrz_format, lines, posterior)),
        fit=fit,
        score=float(score),
    )


def _resolved(
    mrz_format: MrzFormat, lines: tuple[str, ...], cells: Sequence[Doubles], posterior: Sequence[Doubles]
) -> tuple[tuple[str, ...], bool]:
    """Return the likeliest text if its digits hold; the text as seen, without preference for zeros, if its digits do; a repair; or the first.

    Also whether it is a repair.
    """
    if all(check_digits(mrz_format, lines).values()):
        return lines, False
    seen = _as_seen(LAYOUTS[mrz_format], lines, cells)
    if all(check_digits(mrz_format, seen).values()):
        return seen, False
    repair = _repair(mrz_format, lines, posterior)
    return (lines, False) if repair is None else (repair, True)


def _as_seen(layout: Layout, lines: tuple[str, ...], cells: Sequence[Doubles]) -> tuple[str, ...]:
    """Return the text with zeros and letters O of numbers as seen, without the preference for zeros."""
    texts = [list(line) for line in lines]
    zero, letter = ALPHABET.index("0"), ALPHABET.index("O")
    for text, kinds, rows in zip(texts, layout.kinds, cells, strict=True):
        for column, (character, kind) in enumerate(zip(text, kinds, strict=True)):
            if kind is Kind.NUMBER and character in "0O":
                text[column] = "O" if rows[column, letter] > rows[column, zero] else "0"
    return tuple("".join(text) for text in texts)


def _confidences(
    mrz_format: MrzFormat, lines: tuple[str, ...], cells: Sequence[Doubles], posterior: Sequence[Doubles]
) -> tuple[tuple[float, ...], ...]:
    """Return the probability of each chosen character.

    Where no check digit distinguishes zero from O, and where O contradicts the preference for zeros, only the look counts.
    """
    beyond_check = unchecked(mrz_format)
    confidences = []
    for number, (text, rows) in enumerate(zip(lines, posterior, strict=True)):
        kinds = LAYOUTS[mrz_format].kinds[number]
        chosen = [ALPHABET.index(character) for character in text]
        sure = rows[np.arange(len(text)), chosen].tolist()
        for column, character in enumerate(text):
            seen = float(cells[number][column, chosen[column]])
            if character in "0O" and (number, column) in beyond_check:
                sure[column] = min(sure[column], seen)
            elif character == "O" and kinds[column] is Kind.NUMBER:
                sure[column] = seen
        confidences.append(tuple(sure))
    return tuple(confidences)


def _replaced(lines: tuple[str, ...], changes: Sequence[tuple[int, int, str]]) -> tuple[str, ...]:
    texts = [list(line) for line in lines]
    for line, column, character in changes:
        texts[line][column] = character
    return tuple("".join(text) for text in texts)


def _repair(mrz_format: MrzFormat, lines: tuple[str, ...], posterior: Sequence[Doubles]) -> tuple[str, ...] | None:
    """Return the likeliest text with one other character whose check digits all hold, or None."""
    holding = check_digits(mrz_format, lines)
    reach = within_reach(mrz_format, [name for name, holds in holding.items() if not holds])
    candidates = []
    for number, rows in enumerate(posterior):
        best = rows.max(axis=1)
        for column, other in np.argwhere((rows >= REPAIR_MIN) & (best <= UNSURE)[:, None]).tolist():
            if (number, column) in reach:
                candidates.append((float(rows[column, other] / best[column]), number, column, ALPHABET[other]))
    for _, number, column, character in sorted(candidates, reverse=True)[:REPAIRS_MAX]:
        changed = _replaced(lines, [(number, column, character)])
        if changed != lines and all(check_digits(mrz_format, changed).values()):
            return changed
    return None


def _alternatives(
    mrz_format: MrzFormat, lines: tuple[str, ...], posterior: Sequence[Doubles]
) -> Iterator[tuple[str, ...]]:
    """Yield texts that differ only in zeros and letters O of numbers, with the same check digits valid as in `lines`."""
    doubtful: list[tuple[float, int, int, str]] = []
    for number, (text, kinds) in enumerate(zip(lines, LAYOUTS[mrz_format].kinds, strict=True)):
        for column, (character, kind) in enumerate(zip(text, kinds, strict=True)):
            if kind is Kind.NUMBER and character in "0O":
                other = "O" if character == "0" else "0"
                chance = float(posterior[number][column, ALPHABET.index(other)])
                if chance >= ALTERNATIVE_MIN:
                    doubtful.append((chance, number, column, other))
    tried = sorted(doubtful, reverse=True)[:_FLIPS_MAX]
    wanted = [name for name, holds in check_digits(mrz_format, lines).items() if holds]
    found = 0
    for count in range(1, len(tried) + 1):
        for flips in itertools.combinations(tried, count):
            changed = _replaced(lines, [(number, column, other) for _, number, column, other in flips])
            holding = check_digits(mrz_format, changed)
            if all(holding[name] for name in wanted):
                yield changed
                found += 1
                if found == ALTERNATIVES_MAX:
                    return


# Below either it is text of another kind, or too damaged to be of use: MRZs of drawn pages with five wrong characters still
# fit to -0.5, other text in OCR-B not to -1.3.
MEAN_CONFIDENCE_MIN = 0.6
FIT_MIN = -0.7
BESIDE_MAX = 1.2  # of -log(1 - p): something that is a character with a probability of 0.7
END_MIN = 0.75  # pitches: half of its own character, and a quarter of the next
_WORSE_MAX = 12.0  # a cut of a line that explains it worse by more than e^12 is not weighed together with the others


@dataclass(frozen=True, slots=True, eq=False)
class MrzText:
    """The best text of a group and its cells, one tuple per line."""

    choice: Choice
    cells: tuple[Cells, ...]

    @property
    def credible(self) -> bool:
        """True if this is an MRZ rather than other text forced into one."""
        return self.choice.mean_confidence >= MEAN_CONFIDENCE_MIN and self.choice.fit >= FIT_MIN

    @property
    def cells_sure(self) -> float:
        """The mean certainty that the cells hold one character rather than another or none, without the format's influence."""
        return sum(float(line.probabilities.max(axis=1).sum()) for line in self.cells) / sum(
            len(line.centres) for line in self.cells
        )

    @property
    def crowded(self) -> bool:
        """True if more characters are on the grid beside a line: then the MRZ is not of this width."""
        return max(line.left_out for line in self.cells) > BESIDE_MAX

    @property
    def cut_short(self) -> bool:
        """True if a character is so near an end of its strip that the next one would not be visible."""
        return any(min(line.centres[0], FRAMES - 1 - line.centres[-1]) < END_MIN * line.pitch for line in self.cells)


def text_of_cuts(lines: Sequence[Cuts]) -> MrzText | None:
    """Weigh all formats that the cut lines can have, first line first; None if there is none."""
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
    """Return two looks at one MRZ weighed together, at the second one's places; None if their formats differ."""
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
        evidence = [weigh(kinds, cells.probabilities)[1] - cells.left_out for cells in cuts]
        kept.append([cells for cells, value in zip(cuts, evidence, strict=True) if value >= max(evidence) - _WORSE_MAX])
    return itertools.product(*kept)
