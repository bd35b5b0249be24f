"""The text rules that peers are given: pieces of text to rows, rows to the lines of an MRZ, by our own layouts.

Without them a general reader is useless for MRZs: it takes fillers for brackets, drops some, and knows no O from 0. So that
the comparison is of reading alone, its raw text gets the same weighing of places and check digits as our cells do.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from gate.page.picture.text import choose
from gate.page.values import ALPHABET, MrzFormat

# What a general reader takes a filler for: quotation marks and brackets of several scripts, doubled ones for two fillers.
_FILLERS = str.maketrans(dict.fromkeys("\u00ab\u300a\u226a", "<<") | dict.fromkeys("\u2039\u3008\uff1c([{", "<"))
_OFF_LENGTH_MAX = 8
_SURE = 0.95


def rows_of(pieces: list[dict[str, Any]]) -> list[str]:
    """Join pieces that stand side by side, along the tilt that most of the text has."""
    if not pieces:
        return []
    boxes = [np.array(piece["box"], float) for piece in pieces]
    longest = max(boxes, key=lambda box: math.dist(box[0], box[1]))
    along = (longest[1] - longest[0]) / max(1e-9, math.dist(longest[0], longest[1]))
    down = np.array((-along[1], along[0]))
    placed = sorted(
        (float(box.mean(axis=0) @ down), float(box.mean(axis=0) @ along), math.dist(box[0], box[3]), piece["text"])
        for box, piece in zip(boxes, pieces, strict=True)
    )
    rows: list[list[tuple[float, float, float, str]]] = []
    for piece in placed:
        if rows and piece[0] - rows[-1][-1][0] < 0.5 * piece[2]:
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return ["".join(text for _, text in sorted((piece[1], piece[3]) for piece in row)) for row in rows]


def zone_of(rows: list[str]) -> tuple[str, ...]:
    """The lines of the MRZ that explain the rows best; empty when no rows have the shape of one."""
    cleaned = [_cleaned(row) for row in rows]
    best: tuple[float, tuple[str, ...]] = (-math.inf, ())
    for mrz_format in MrzFormat:
        count, width = mrz_format.shape
        for first in range(len(cleaned) - count + 1):
            lines = cleaned[first : first + count]
            if all(abs(len(line) - width) <= _OFF_LENGTH_MAX for line in lines) and "<" in "".join(lines):
                choice = choose(mrz_format, [_cells(_fitted(line, width)) for line in lines])
                off = sum(abs(len(line) - width) for line in lines)
                best = max(best, (choice.score - 3.0 * off, choice.lines))
    return best[1]


def _cleaned(row: str) -> str:
    return "".join(character for character in row.upper().translate(_FILLERS) if character in ALPHABET)


def _fitted(line: str, width: int) -> str:
    """Fillers put in or taken out where most of them stand."""
    runs = [(len(list(run)), character) for character, run in itertools.groupby(line)]
    places = list(itertools.accumulate((length for length, _ in runs), initial=0))
    fillers = [
        (length, place + length) for (length, character), place in zip(runs, places, strict=False) if character == "<"
    ]
    length, end = max(fillers, default=(0, len(line)))
    if len(line) <= width:
        return line[:end] + "<" * (width - len(line)) + line[end:]
    excess = min(len(line) - width, length)
    return (line[: end - excess] + line[end:])[:width]


def _cells(line: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    cells = np.full((len(line), len(ALPHABET)), (1 - _SURE) / (len(ALPHABET) - 1))
    for row, character in enumerate(line):
        cells[row, ALPHABET.index(character)] = _SURE
    return cells
