"""One training example by its number: the same number and seed always give the same strip and labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from gate_lab.train.mrz.camera import STRIP_WIDTH, photograph
from gate_lab.train.mrz.conditions import Conditions, Content, draw
from gate_lab.train.mrz.glyphs import Atlas, Cut, atlas
from gate_lab.train.mrz.scene import Scene, nothing, other_text, scene
from gate_lab.train.mrz.texts import ALPHABET, LAYOUTS, invented, random_line

FRAME_PX: Final = 4
FRAMES: Final = STRIP_WIDTH // FRAME_PX
BLANK: Final = 0
CLASSES: Final = len(ALPHABET) + 1
NEAR: Final = 0.3
"""A frame belongs to a character when it lies within this share of the pitch from its centre."""
_Lines = tuple[str | None, str, str | None]
_RANDOM_SHARE: Final = 0.25
_CUTS: Final = 24


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A strip, (32, 704) uint8; the class of each frame, (176,) uint8; the printed text and its place, in pixels of the strip."""

    strip: npt.NDArray[np.uint8]
    frames: npt.NDArray[np.uint8]
    text: str
    centres: npt.NDArray[np.float64]


def atlases(regular: str, sharp: str, seed: int) -> tuple[Atlas, ...]:
    """The cuts that training prints with: two OCR-B fonts, round and sharp at the ends, and a sans that is not OCR-B.

    The first two are the fonts as they are. Of the others eight in twelve are the regular font and one is the sans.
    """
    rng = np.random.default_rng([seed, 0x0C2B])
    files = [regular] * 8 + [sharp] * 3 + ["sans"]
    made = [atlas(files[0]), atlas(files[8])]
    for index in range(_CUTS):
        cut = Cut(float(rng.uniform(0.86, 1.1)), float(rng.uniform(0.88, 1.15)), float(rng.normal(0.0, 0.03)))
        made.append(atlas(files[index % len(files)], cut))
    return tuple(made)


def sample(seed: int, number: int, level: float, fonts: Sequence[Atlas]) -> Sample:
    """Return example `number` of the endless sequence of `seed`; `level` from 0 (mild) to 1."""
    rng = np.random.default_rng([seed, number])
    return render(rng, draw(rng, level), fonts[int(rng.integers(len(fonts)))])


def render(rng: np.random.Generator, conditions: Conditions, font: Atlas) -> Sample:
    """Make one example under the given conditions."""
    lines = _lines(rng, conditions)
    if conditions.content is Content.BETWEEN_LINES:
        toward = 1 if lines[2] else -1
        conditions = replace(conditions, offset=toward * float(rng.uniform(0.42, 0.55)), drift=0.0, bow=0.0)
    strip, centres = photograph(rng, _scene_of(rng, lines, font, conditions), len(lines[1]), conditions)
    text = lines[1] if conditions.content.is_line else ""
    centres = centres[: len(text)]
    return Sample(strip, label(text, centres), text, centres)


def _scene_of(rng: np.random.Generator, lines: _Lines, font: Atlas, conditions: Conditions) -> Scene:
    match conditions.content:
        case Content.LINE | Content.BETWEEN_LINES:
            return scene(rng, lines, font, conditions)
        case Content.UPSIDE_DOWN:
            return scene(rng, lines, font, conditions).turned()
        case Content.OTHER_TEXT:
            return other_text(rng, len(lines[1]))
        case Content.NOTHING:
            return nothing(len(lines[1]))


def label(text: str, centres: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Return the class of each frame: the character whose centre is near, or blank."""
    frames = np.full(FRAMES, BLANK, np.uint8)
    if not text:
        return frames
    middles = np.arange(FRAMES) * FRAME_PX + (FRAME_PX - 1) / 2
    pitches = np.gradient(centres)
    distances = np.abs(middles[:, None] - centres[None, :])
    nearest = distances.argmin(axis=1)
    near = distances[np.arange(FRAMES), nearest] <= NEAR * pitches[nearest]
    classes = np.array([ALPHABET.index(character) + 1 for character in text], np.uint8)
    frames[near] = classes[nearest[near]]
    return frames


def _lines(rng: np.random.Generator, conditions: Conditions) -> _Lines:
    """Return a line to read and its neighbours, from one document."""
    if rng.random() < _RANDOM_SHARE:
        middle = random_line(rng)
        whole = tuple(random_line(rng)[: len(middle)].ljust(len(middle), "<") for _ in range(2))
        whole, row = (whole[0], middle, whole[1]), 1
    else:
        whole = invented(rng, LAYOUTS[int(rng.integers(len(LAYOUTS)))])
        row = int(rng.integers(len(whole)))
    between = conditions.content is Content.BETWEEN_LINES
    above = row > 0 and (conditions.neighbours[0] or between)
    below = row + 1 < len(whole) and (conditions.neighbours[1] or between)
    return whole[row - 1] if above else None, whole[row], whole[row + 1] if below else None
