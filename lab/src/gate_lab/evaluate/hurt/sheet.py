"""A sheet of paper with an MRZ. Paper and ink are separate, so that each can be damaged.

Sizes are those of ICAO 9303-3 to 9303-7, in `PX_PER_MM`. Reflectance is 0 (black) to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from gate_lab.evaluate.hurt.texts import Mrz

Floats = npt.NDArray[np.float32]
PX_PER_MM: Final = 9.0
PITCH_PX: Final = 2.54 * PX_PER_MM
OCR_B: Final = Path("/usr/share/fonts/opentype/ocr-b/OCRB.otf")
OTHER_FACES: Final = (
    Path("/usr/share/fonts/opentype/ocr-b/OCRBS.otf"),
    Path("/usr/share/fonts/opentype/ocr-b/OCRBL.otf"),
    Path("/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"),
    Path("/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf"),
    Path("/usr/share/fonts/truetype/noto/NotoSansMono-Regular.ttf"),
    Path("/usr/share/fonts/truetype/noto/NotoMono-Regular.ttf"),
)
_SIZES_MM: Final = {
    "TD1": (85.6, 53.98),
    "TD2": (105.0, 74.0),
    "TD3": (125.0, 88.0),
    "MRVA": (120.0, 80.0),
    "MRVB": (105.0, 74.0),
}
_LEFT_MM: Final = {"TD1": 4.0, "TD2": 6.0, "TD3": 6.0, "MRVA": 4.0, "MRVB": 6.0}
_LABELS: Final = """
Name Surname Nachname Nom Apellidos Given Vornamen Prenoms Nombres Nationality Birth Naissance Sex Place Lieu Issue Expiry Authority
Signature Height Number REPUBLIC KINGDOM MINISTRY Interior Valid Entries Duration Remarks
"""


@dataclass(slots=True)
class Sheet:
    """Paper and ink, (h, w) each; `ink` is the share of the paper that is covered, 0 to 1, `tone` the ink's own reflectance.

    `lines` holds for each line of the MRZ its left end, its right end and its middle row, in pixels.
    """

    paper: Floats
    ink: Floats
    tone: float
    lines: tuple[tuple[float, float, float], ...]

    @property
    def mrz(self) -> tuple[float, float, float, float]:
        """Return left, top, right and bottom of the MRZ's characters."""
        left, right, top = self.lines[0]
        return left, top - 0.6 * PITCH_PX, right, self.lines[-1][2] + 0.6 * PITCH_PX

    def seen(self) -> Floats:
        """Return the reflectance of the printed sheet."""
        return np.asarray(self.paper + (np.float32(self.tone) - self.paper) * np.clip(self.ink, 0, 1), np.float32)


def printed(rng: np.random.Generator, name: str, mrz: Mrz, font: Path) -> Sheet:
    """Print an MRZ in the format's size, at the place that the format prescribes."""
    width, height = (round(side * PX_PER_MM) for side in _SIZES_MM[name])
    paper = _paper(rng, height, width)
    _upper_part(rng, paper, portrait=name != "TD1")
    ink = np.zeros((height, width), np.float32)
    left = (_LEFT_MM[name] + rng.uniform(-0.8, 0.8)) * PX_PER_MM
    apart = 6.35 * PX_PER_MM * float(rng.uniform(0.97, 1.03))
    foot = height - float(rng.uniform(8.2, 10.6)) * PX_PER_MM
    lines = []
    for number, text in enumerate(mrz):
        baseline = foot - (len(mrz) - 1 - number) * apart
        for column, character in enumerate(text):
            _stamp(ink, _glyph(str(font), character), left + (column + 0.5) * PITCH_PX, baseline)
        lines.append((left, left + len(text) * PITCH_PX, baseline - 0.5 * PITCH_PX))
    weight = float(rng.uniform(-0.5, 0.9))  # of strokes, in pixels
    if abs(weight) > 0.3:
        soft = cv2.GaussianBlur(ink, (0, 0), 1.0)
        ink = np.clip((soft - np.float32(0.5 - 0.25 * weight)) * np.float32(2.2) + np.float32(0.5), 0, 1)
    return Sheet(paper, np.asarray(ink, np.float32), float(rng.uniform(0.06, 0.3)), tuple(lines))


@lru_cache(maxsize=512)
def _glyph(font: str, character: str) -> Floats:
    """Return one character in its cell of 2 by 2 pitches: its advance in the middle, its baseline 1.4 pitches down."""
    side = round(2 * PITCH_PX)
    face, zoom = cv2.FontFace(font), 4
    size = _size(font) * zoom
    drawn = np.zeros((side * zoom, side * zoom, 3), np.uint8)
    end, _ = cv2.putText(np.zeros((4, 4, 3), np.uint8), character, (0, 0), (0, 0, 0), face, size)
    start = (round((side * zoom - end[0]) / 2), round(1.4 * PITCH_PX * zoom))
    cv2.putText(drawn, character, start, (255, 255, 255), face, size)
    return np.asarray(
        cv2.resize(drawn[:, :, 0], (side, side), interpolation=cv2.INTER_AREA) / np.float32(255), np.float32
    )


@lru_cache(maxsize=32)
def _size(font: str) -> int:
    """Return the size at which ten zeros are ten pitches wide, and no capital is higher than OCR-B's."""
    probe = 100
    end, _ = cv2.putText(np.zeros((4, 4, 3), np.uint8), "0" * 10, (0, 0), (0, 0, 0), cv2.FontFace(font), probe)
    return round(10 * PITCH_PX * probe / end[0])


def _stamp(ink: Floats, glyph: Floats, x: float, baseline: float) -> None:
    """Add a character whose middle is at `x`, to a fraction of a pixel."""
    left, top = x - glyph.shape[1] / 2, baseline - 1.4 * PITCH_PX
    column, row = int(np.floor(left)), int(np.floor(top))
    shift = np.array([[1, 0, left - column], [0, 1, top - row]], np.float32)
    placed = cv2.warpAffine(glyph, shift, (glyph.shape[1] + 1, glyph.shape[0] + 1))
    height, width = ink.shape
    x0, y0, x1, y1 = (
        max(0, column),
        max(0, row),
        min(width, column + placed.shape[1]),
        min(height, row + placed.shape[0]),
    )
    if x1 > x0 and y1 > y0:
        part = ink[y0:y1, x0:x1]
        np.maximum(part, placed[y0 - row : y1 - row, x0 - column : x1 - column], out=part)


def _paper(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Return tinted, cloudy paper with fine rings about several centres, like security print."""
    base = float(rng.uniform(0.68, 0.95))
    coarse = rng.standard_normal((7, 9), dtype=np.float32) * np.float32(0.018)
    paper = base + cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    x, y = np.arange(width, dtype=np.float32)[None], np.arange(height, dtype=np.float32)[:, None]
    for _ in range(int(rng.integers(0, 3))):
        middle_x, middle_y = rng.uniform(0, width), rng.uniform(0, height)
        far = np.sqrt(
            (x - np.float32(middle_x)) ** 2 + (np.float32(rng.uniform(0.5, 1.5)) * (y - np.float32(middle_y))) ** 2
        )
        turn = np.arctan2(y - np.float32(middle_y), x - np.float32(middle_x))
        petals = np.float32(rng.uniform(0, 9)) * np.sin(turn * np.float32(rng.integers(3, 12)))
        line = np.sin(far * np.float32(2 * np.pi / rng.uniform(9, 24)) + petals) > np.float32(rng.uniform(0.5, 0.93))
        paper -= cv2.GaussianBlur(line.astype(np.float32), (0, 0), 0.7) * np.float32(rng.uniform(0.02, 0.13))
    return np.asarray(np.clip(paper, 0.3, 1.0), np.float32)


def _upper_part(rng: np.random.Generator, paper: Floats, *, portrait: bool) -> None:
    """Print the part above the MRZ: a portrait, words and values."""
    height, width = paper.shape
    left = 0.05
    if portrait:
        top, bottom, right = round(0.2 * height), round(0.64 * height), round(0.3 * width)
        box = paper[top:bottom, round(0.05 * width) : right]
        x, y = np.arange(box.shape[1])[None] / box.shape[1] - 0.5, np.arange(box.shape[0])[:, None] / box.shape[0]
        head = (x / 0.27) ** 2 + ((y - 0.42) / 0.3) ** 2 < 1
        box[:] = np.where(
            head, rng.uniform(0.4, 0.75), np.where((y > 0.75) & (np.abs(x) < 0.42), rng.uniform(0.1, 0.4), 0.85)
        )
        left = 0.34
    face = cv2.FontFace("sans")
    mask = np.zeros((height, width, 3), np.uint8)
    for row in np.arange(0.1, 0.62 if portrait else 0.4, 0.075):
        words = " ".join(map(str, rng.choice(_LABELS.split(), int(rng.integers(1, 4)))))
        size = 15 if rng.random() < 0.5 else 27
        cv2.putText(
            mask,
            words,
            (round(width * (left + 0.3 * (rng.random() < 0.2))), round(height * row)),
            (255, 255, 255),
            face,
            size,
        )
    share = mask[:, :, 0].astype(np.float32) / np.float32(255)
    paper += (np.float32(rng.uniform(0.1, 0.4)) - paper) * share
