"""Prints a document's page: background, labels, portrait, MRZ. Sizes and positions follow ICAO 9303-3.

The artwork is our own and in the public domain. The MRZ is set in OCR-B size 1, ten characters an inch, from Debian's
fonts-ocr-b. The portrait is the chip's picture, printed small on paper.
"""

from __future__ import annotations

import enum
import zlib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]

PX_PER_MM: Final = 12.0
PITCH_MM: Final = 2.54
SPACING_MM: Final = 6.35
LOWEST_LINE_MM: Final = 9.4  # from the lower edge to the baseline of the last line
FONT: Final = Path("/usr/share/fonts/opentype/ocr-b/OCRB.otf")
_FONT_SIZE: Final = round(PITCH_MM * PX_PER_MM / 0.7222)  # a character's advance is 0.7222 of the font size
_INK: Final = (44, 38, 36)
_PAPER: Final = (226, 233, 230)
_PORTRAIT_MM: Final = (6.0, 16.0, 35.0, 45.0)  # left, top, width, height of zone V


class FontMissingError(Exception):
    """The MRZ's typeface is not installed."""


class Size(enum.Enum):
    """Page sizes, by their names in ICAO 9303."""

    TD1 = "TD1"
    TD3 = "TD3"
    VISA = "MRVA"

    @property
    def mm(self) -> tuple[float, float]:
        """Return width and height in millimetres."""
        return {Size.TD1: (85.6, 53.98), Size.TD3: (125.0, 88.0), Size.VISA: (120.0, 80.0)}[self]


@dataclass(frozen=True, slots=True, repr=False)
class Page:
    """The content of a page. `portrait` is the chip's JPEG, None for a page without one. Equal pages print alike.

    `lines` are the MRZ; without them the page has everything else.
    """

    size: Size
    lines: tuple[str, ...]
    portrait: bytes | None = field(default=None)
    title: str = "UTOPIA   PASSPORT   PASSEPORT"
    has_mrz: bool = True

    def __repr__(self) -> str:
        return f"Page({self.size.value})"


@lru_cache(maxsize=8)
def printed(page: Page) -> Picture:
    """Return the page under ideal light, BGR, `PX_PER_MM` pixels a millimetre. Raises FontMissingError."""
    dice = np.random.default_rng(zlib.crc32("".join(page.lines).encode()))
    picture = _paper(page.size, dice)
    _title(picture, page.title)
    if page.portrait is not None:
        _stick_portrait(picture, page.portrait, dice)
    _labels(picture, page)
    if page.has_mrz:
        _mrz(picture, page.lines)
    return picture


@lru_cache(maxsize=1)
def cover() -> Picture:
    """Return the outside of a booklet, BGR: dark cloth, an emblem, no MRZ."""
    picture = _canvas(Size.TD3, (60, 32, 92))
    height, width = picture.shape[:2]
    weave = np.random.default_rng(7).normal(0, 5, (height, width, 1))
    picture = np.clip(picture + weave, 0, 255).astype(np.uint8)
    gold, middle = (96, 170, 200), (width // 2, height // 2)
    for radius in range(120, 300, 24):
        cv2.ellipse(picture, middle, (radius, radius // 2), radius, 0, 300, gold, 3, cv2.LINE_AA)
    cv2.putText(picture, "UTOPIA", (width // 2 - 170, 150), gold, cv2.FontFace("sans"), 90)
    return picture


def _canvas(size: Size, colour: tuple[int, int, int]) -> Picture:
    width, height = (round(side * PX_PER_MM) for side in size.mm)
    return np.full((height, width, 3), colour, np.uint8)


def _paper(size: Size, dice: np.random.Generator) -> Picture:
    """Return paper with a guilloche: two families of fine crossing waves, which copiers reproduce badly."""
    picture = _canvas(size, _PAPER)
    height, width = picture.shape[:2]
    across = np.arange(0, width, 6, dtype=np.float32)
    for colour, slope in (((205, 206, 176), 0.06), ((190, 205, 214), -0.05)):
        phase, swing = dice.uniform(0, 6.3), dice.uniform(14, 26)
        for start in range(-120, height + 120, 13):
            beat = np.sin(across / 97 + phase) * np.sin(across / 231 + start / 150)
            wave = start + slope * across + swing * beat
            points = np.stack([across, wave], axis=1).round().astype(np.int32)
            cv2.polylines(picture, [points], isClosed=False, color=colour, thickness=1, lineType=cv2.LINE_AA)
    return picture


def _title(picture: Picture, title: str) -> None:
    spot = (round(6 * PX_PER_MM), round(10 * PX_PER_MM))
    cv2.putText(picture, title, spot, (110, 60, 40), cv2.FontFace("sans"), 40)


def _labels(picture: Picture, page: Page) -> None:
    """Print the visual zone: small labels, and the MRZ's fields in larger type below each."""
    left = _PORTRAIT_MM[0] + _PORTRAIT_MM[2] + 6.0 if page.size is not Size.TD1 else 6.0
    names = page.lines[-1] if page.size is Size.TD1 else page.lines[0][5:]
    surname, _, given = names.partition("<<")
    rows = [("Surname / Nom", surname), ("Given names / Prénoms", given.replace("<", " "))]
    rows = rows if page.size is not Size.TD1 else rows[:1]
    if page.size is not Size.TD1:
        rows += [("Sex / Sexe", page.lines[1][20]), ("Authority / Autorité", "Passport Office")]
    face = cv2.FontFace("sans")
    for number, (label, value) in enumerate(rows):
        x, y = round(left * PX_PER_MM), round((18 + 10.5 * number) * PX_PER_MM)
        cv2.putText(picture, label, (x, y), (120, 100, 90), face, 20)
        cv2.putText(picture, value.strip("<")[:24], (x, y + 44), _INK, face, 36)


def _stick_portrait(picture: Picture, jpeg: bytes, dice: np.random.Generator) -> None:
    """Print the portrait in zone V: small, low in contrast, grainy, with the guilloche over its lower edge."""
    decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if decoded is None:
        raise ValueError("the portrait is no picture")
    left, top, width, height = (round(mm * PX_PER_MM) for mm in _PORTRAIT_MM)
    scale = max(width / decoded.shape[1], height / decoded.shape[0])
    large = cv2.resize(decoded, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    x, y = (large.shape[1] - width) // 2, (large.shape[0] - height) // 2
    small = large[y : y + height, x : x + width].astype(np.float32)
    grain = dice.normal(0, 7, small.shape[:2])[..., None]
    ink = np.clip(30 + small * 0.8 + cv2.GaussianBlur(grain, (0, 0), 0.8)[..., None], 0, 255)
    under = picture[top : top + height, left : left + width].astype(np.float32)
    fade = np.linspace(0, 1, height, dtype=np.float32)[:, None, None] ** 8 * 0.5
    picture[top : top + height, left : left + width] = (ink * (1 - fade) + under * fade).astype(np.uint8)


def _mrz(picture: Picture, lines: tuple[str, ...]) -> None:
    """Print the MRZ, centred."""
    if not FONT.is_file():
        raise FontMissingError(f"{FONT} is missing: apt-get install fonts-ocr-b")
    height, width = picture.shape[:2]
    face, pitch = cv2.FontFace(str(FONT)), PITCH_MM * PX_PER_MM
    left = (width - pitch * len(lines[0])) / 2
    for number, line in enumerate(lines):
        from_below_mm = LOWEST_LINE_MM + (len(lines) - 1 - number) * SPACING_MM
        baseline = round(height - from_below_mm * PX_PER_MM)
        for column, character in enumerate(line):
            cv2.putText(picture, character, (round(left + pitch * column), baseline), _INK, face, _FONT_SIZE)
