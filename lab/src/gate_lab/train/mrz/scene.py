"""Ink on paper, straight and close: up to three lines of one document, and the places of the middle one's characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from gate_lab.train.mrz.conditions import Conditions
from gate_lab.train.mrz.glyphs import DISTANCE_MAX_PX, LINE_PX, PITCH_PX, TILE_HEIGHT, TILE_WIDTH, Atlas

MARGIN_PX: Final = 7 * PITCH_PX
HEIGHT_PX: Final = 204  # both neighbours as far off as they get
"""The middle line's middle lies at half of it."""
_NO_CENTRES: Final = np.zeros((0, 2))
_WORDS: Final = (
    "Passport No. Surname/Nom Given names Date of birth Nationality Authority Place Signature 12.03.1974 Code Type"
)


@dataclass(frozen=True, slots=True)
class Scene:
    """`ink` is (HEIGHT_PX, width) float32, 0 paper to 1 full ink; `centres` (N, 2) float64: x, y of each character."""

    ink: npt.NDArray[np.float32]
    centres: npt.NDArray[np.float64]

    def turned(self) -> Scene:
        """Return the same scene upside down; it has no readable characters."""
        return Scene(np.ascontiguousarray(self.ink[::-1, ::-1]), _NO_CENTRES)


def nothing(characters: int) -> Scene:
    """Return blank paper as wide as that many characters."""
    return Scene(np.zeros((HEIGHT_PX, characters * PITCH_PX + 2 * MARGIN_PX), np.float32), _NO_CENTRES)


def scene(
    rng: np.random.Generator, lines: tuple[str | None, str, str | None], atlas: Atlas, conditions: Conditions
) -> Scene:
    """Print a line with its neighbours above and below (None: empty)."""
    width = len(lines[1]) * PITCH_PX + 2 * MARGIN_PX
    distance = np.full((HEIGHT_PX, width), -DISTANCE_MAX_PX, np.float32)
    centres = _NO_CENTRES
    for row, text in enumerate(lines):
        if text is None:
            continue
        middle_y = HEIGHT_PX / 2 + (row - 1) * LINE_PX * conditions.line_pitch
        placed = _print_line(rng, distance, text, atlas, middle_y=middle_y, conditions=conditions)
        if row == 1:
            centres = placed
    return Scene(_ink_of(rng, distance, conditions), centres)


def other_text(rng: np.random.Generator, characters: int) -> Scene:
    """Return words in an ordinary type at a line's size, as printed above an MRZ."""
    width = characters * PITCH_PX + 2 * MARGIN_PX
    picture = np.zeros((HEIGHT_PX, width, 3), np.uint8)
    face = cv2.FontFace(str(rng.choice(["sans", "italic"])))
    words: Sequence[str] = _WORDS.split()
    size = int(rng.integers(18, 44))
    for row in range(4):
        text = " ".join(rng.choice(words, 12))
        origin = (int(rng.integers(MARGIN_PX)), int(HEIGHT_PX / 2 + (row - 1) * 1.6 * size + 0.35 * size))
        cv2.putText(picture, text, origin, (255, 255, 255), face, size, int(rng.choice([300, 400, 600, 800])))
    return Scene(picture[:, :, 0].astype(np.float32) / np.float32(255), _NO_CENTRES)


def _print_line(
    rng: np.random.Generator,
    distance: npt.NDArray[np.float32],
    text: str,
    atlas: Atlas,
    *,
    middle_y: float,
    conditions: Conditions,
) -> npt.NDArray[np.float64]:
    """Join the glyphs' outlines into `distance`; return their centres."""
    centres = np.empty((len(text), 2))
    jitter = rng.normal(0.0, 1.0, (len(text), 2)) * conditions.jitter_px * (0.5, 1.0)
    fading = rng.normal(0.0, 0.9, len(text)) * conditions.faded_characters
    for index, character in enumerate(text):
        x = MARGIN_PX + (index + 0.5) * PITCH_PX + jitter[index, 0]
        y = middle_y + jitter[index, 1]
        left, top = round(x - TILE_WIDTH / 2), round(y - TILE_HEIGHT / 2)
        centres[index] = left + TILE_WIDTH / 2, middle_y
        bottom = min(top + TILE_HEIGHT, distance.shape[0])
        if top < 0 or bottom <= top:
            continue
        here = distance[top:bottom, left : left + TILE_WIDTH]
        np.maximum(here, atlas.tiles[character][: bottom - top] + np.float32(fading[index]), out=here)
    return centres


def _ink_of(
    rng: np.random.Generator, distance: npt.NDArray[np.float32], conditions: Conditions
) -> npt.NDArray[np.float32]:
    if conditions.rough:
        distance = distance + conditions.rough * _patches(rng, distance.shape, cell_px=3)
    ink = np.clip(distance + np.float32(conditions.weight_px + 0.5), 0.0, 1.0)
    if conditions.worn:
        wear = _patches(rng, distance.shape, cell_px=int(rng.choice([5, 9, 20])))
        # Of a normal field the share below the bound is what is worn away.
        bound = np.float32(3.2 * conditions.worn - 1.9)
        ink = ink * np.clip(
            (wear - bound) * np.float32(rng.uniform(1.0, 4.0)), 1.0 - min(1.0, 2.4 * conditions.worn), 1.0
        )
        for _ in range(int(rng.poisson(4 * conditions.worn))):
            _scratch(rng, ink)
    return np.asarray(ink, np.float32)


def _patches(rng: np.random.Generator, shape: tuple[int, ...], *, cell_px: int) -> npt.NDArray[np.float32]:
    """Return a smooth field of about unit variance, with features of about that size."""
    height, width = shape
    coarse = rng.standard_normal((height // cell_px + 2, width // cell_px + 2), dtype=np.float32)
    fine = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(fine * np.float32(1.3), np.float32)


def _scratch(rng: np.random.Generator, ink: npt.NDArray[np.float32]) -> None:
    height, width = ink.shape
    x, y = int(rng.integers(width)), int(rng.integers(height))
    length, angle = float(rng.uniform(60, 500)), float(rng.normal(0.0, 0.5))
    end = (int(x + length * np.cos(angle)), int(y + length * np.sin(angle)))
    cv2.line(ink, (x, y), end, 0.0, int(rng.integers(1, 4)), cv2.LINE_AA)
