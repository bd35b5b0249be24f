"""The quality of print, light, picture and crop of a line: every quantity that the synthesis varies, with its unit.

`draw` picks them at random for training; the held-out sets start from `Conditions()`, which is a clean scan, and change one
quantity at a time. Lengths are in characters' pitches or lines' pitches, so that they mean the same at every resolution.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

import numpy as np


class Content(Enum):
    """The kind of content of a strip."""

    LINE = auto()
    BETWEEN_LINES = auto()
    UPSIDE_DOWN = auto()
    OTHER_TEXT = auto()
    NOTHING = auto()

    @property
    def is_line(self) -> bool:
        """Return True when there are characters to read; the other kinds have only blank labels."""
        return self is Content.LINE


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """One line's conditions. Reflectances and strengths are 0 to 1."""

    content: Content = Content.LINE
    # Print.
    weight_px: float = 0.0  # added to each side of a stroke, at 24 px a character
    rough: float = 0.0  # unevenness of a stroke's edge
    worn: float = 0.0  # share of ink that is gone, in patches and scratches
    faded_characters: float = 0.0  # how much single characters differ in ink
    paper: float = 0.92
    ink: float = 0.12
    jitter_px: float = 0.0  # of single characters, at 24 px a character
    line_pitch: float = 1.0  # of the neighbours, in nominal line pitches
    neighbours: tuple[bool, bool] = (True, True)  # above, below
    # Paper, laminate and light.
    texture: float = 0.0
    guilloche: float = 0.0
    hologram: float = 0.0  # bands of optically variable ink and foil
    gradient: float = 0.0
    shadow: float = 0.0
    glare: float = 0.0
    junk: float = 0.0  # chance that something else lies beside the line
    # Camera.
    pitch_px: float = 20.0  # at capture
    blur: float = 0.0  # sigma, in character pitches
    motion: float = 0.0  # length, in character pitches
    noise: float = 0.0
    moire: float = 0.0
    jpeg_quality: int = 100
    gamma: float = 1.0
    sharpen: float = 0.0
    # What the rectifier left over.
    drift: float = 0.0  # rise from end to end, in line pitches
    bow: float = 0.0  # of a bent page, in line pitches
    slant: float = 0.0
    perspective: float = 0.0  # relative change of the pitch from end to end
    offset: float = 0.0  # of the line from the strip's middle, in line pitches
    height: float = 1.0  # of the strip, in line pitches
    margins: tuple[float, float] = (1.0, 1.0)  # left, right, in character pitches


def draw(rng: np.random.Generator, level: float) -> Conditions:
    """Pick conditions at random; `level` from 0 (mild) to 1 (the end of training)."""
    hard = level * float(rng.beta(1.3, 1.6))  # one document is bad in many ways, another in few

    def some(chance: float, most: float, power: float = 1.5) -> float:
        return hard * most * float(rng.random()) ** power if rng.random() < chance else 0.0

    def about(spread: float) -> float:
        return float(rng.normal(0.0, spread)) * (0.4 + 0.6 * level)

    paper = float(rng.uniform(0.95 - 0.5 * hard, 1.0))
    contrast = float(rng.uniform(0.9 - 0.72 * hard, 0.95))
    return Conditions(
        content=_content(rng),
        weight_px=float(rng.uniform(-0.35 - 0.65 * hard, 0.5 + 1.0 * hard)),
        rough=some(0.6, 1.0),
        worn=some(0.4, 0.5),
        faded_characters=some(0.3, 0.8),
        paper=paper,
        ink=paper * (1.0 - contrast),
        jitter_px=some(0.5, 1.2),
        line_pitch=float(rng.uniform(0.86, 1.15)),
        neighbours=(bool(rng.random() < 0.75), bool(rng.random() < 0.65)),
        texture=some(0.6, 0.09),
        guilloche=some(0.6, 0.6),
        hologram=some(0.3, 0.5),
        gradient=some(0.6, 0.7),
        shadow=some(0.2, 0.6),
        glare=some(0.25, 0.95, 1.0),
        junk=0.5,
        pitch_px=_pitch(rng, hard),
        blur=some(0.8, 0.24),
        motion=some(0.3, 0.5),
        noise=some(0.8, 0.09),
        moire=some(0.1, 0.3),
        jpeg_quality=int(rng.integers(97 - int(75 * hard), 98)) if rng.random() < 0.75 else 100,
        gamma=float(rng.uniform(0.75, 1.4)),
        sharpen=some(0.25, 1.5),
        drift=about(0.07),
        bow=about(0.03),
        slant=about(0.05),
        perspective=about(0.05),
        offset=about(0.07) if rng.random() < 0.85 else float(rng.uniform(-0.24, 0.24)),
        height=float(1.0 * 1.28 ** rng.uniform(-1.0, 1.0)),
        margins=(_margin(rng), _margin(rng)),
    )


def _pitch(rng: np.random.Generator, hard: float) -> float:
    """Return a pitch between that of a distant camera and that of a scanner; hard cases are small more often."""
    if rng.random() < 0.08:
        return float(rng.uniform(28.0, 40.0))
    return float(5.5 * (28.0 / 5.5) ** rng.beta(1.0, 0.7 + 0.6 * hard))


def _margin(rng: np.random.Generator) -> float:
    """Return the margin that a reader adds to a line: half a character to two as a rule, sometimes much more."""
    return float(rng.uniform(2.6, 6.0) if rng.random() < 0.08 else rng.uniform(0.3, 2.6))


def _content(rng: np.random.Generator) -> Content:
    kinds = (Content.BETWEEN_LINES, Content.UPSIDE_DOWN, Content.OTHER_TEXT, Content.NOTHING)
    pick = int(rng.choice(len(kinds) + 1, p=[0.02, 0.03, 0.025, 0.015, 0.91]))
    return kinds[pick] if pick < len(kinds) else Content.LINE
