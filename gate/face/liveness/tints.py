"""The colours that the traveller's display is asked for: pale, far apart in tint, alike in luminance.

Relative luminance 0.80 to 0.83, so that no change is a flash in the sense of WCAG 2.3.1 (its darker side lies below 0.80) and dark text
keeps its contrast.
"""

from __future__ import annotations

import math
from typing import Final

from gate.face.liveness.light import Rgb

TINTS: Final = ("#ffe0e7", "#ffe6aa", "#ddf2aa", "#bcf8dd", "#c4f0ff", "#f0e3ff")  # rose, amber, lime, mint, sky, lilac

FAR: Final = 0.8  # logarithms of red and blue against green: two or three colours are as far from each


def far_from(colour: str) -> tuple[str, ...]:
    """The colours that can follow this one: each step is plain to see, so that few seconds tell enough."""
    return tuple(other for other in TINTS if math.dist(_tint(colour), _tint(other)) >= FAR)


def _tint(colour: str) -> tuple[float, float]:
    red, green, blue = linear(colour)
    return math.log(red / green), math.log(blue / green)


def linear(colour: str) -> Rgb:
    """The light of a colour `#rrggbb`, linear, 0 to 1 (IEC 61966-2-1)."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return _linear(red), _linear(green), _linear(blue)


def _linear(share: float) -> float:
    return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)
