"""The print of an MRZ against OCR-B's geometry: evidence that it was printed as documents are, never a rejection by itself.

ICAO 9303-3 §4.4 asks for OCR-B size 1: ten characters an inch, and what follows from it. A picture has no scale of its own, so
everything is measured in pitches. Bounds are wide: no more than one in a hundred drawn pages lies outside any of them, and what
specimens give is stated in docs/protocols/page-reading.md. Comparison with the chip is `gate_documents`'s.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gate.page.values import Geometry, Reading

PRINT_PITCH_PX_MIN = 9.0  # with fewer pixels a character, heights and baselines cannot be told


class Trait(enum.Enum):
    """What is held against OCR-B. Recorded as evidence, so members are never renamed."""

    PITCH_EVEN = "mrz_pitch_even"
    BASELINE_EVEN = "mrz_baseline_even"
    CHARACTER_HEIGHT = "mrz_character_height"
    LINE_SPACING = "mrz_line_spacing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One measurement in pitches, and whether it lies within its bounds; `usual` is None when it could not be told."""

    trait: Trait
    measured: float | None
    least: float
    most: float
    usual: bool | None


# Evenness is the root mean square off the fitted curve. Characters are one pitch high, 2.6 mm; lines stand 4.23 mm (six an inch,
# as cards have them) to 6.35 mm apart. A page that is seen at an angle loses a fifth of both.
BOUNDS = {
    Trait.PITCH_EVEN: (0.0, 0.08),
    Trait.BASELINE_EVEN: (0.0, 0.09),
    Trait.CHARACTER_HEIGHT: (0.72, 1.3),
    Trait.LINE_SPACING: (1.4, 3.0),
}


def print_findings(reading: Reading) -> tuple[Finding, ...]:
    """Hold a reading's geometry against OCR-B, every trait."""
    geometry = reading.geometry
    fine_enough = geometry.pitch_px >= PRINT_PITCH_PX_MIN
    return tuple(_finding(trait, value, fine_enough=fine_enough) for trait, value in _measured(geometry))


def _measured(geometry: Geometry) -> tuple[tuple[Trait, float | None], ...]:
    return (
        (Trait.PITCH_EVEN, geometry.pitch_residual),
        (Trait.BASELINE_EVEN, geometry.baseline_residual),
        (Trait.CHARACTER_HEIGHT, None if geometry.height_px is None else geometry.height_px / geometry.pitch_px),
        (Trait.LINE_SPACING, geometry.spacing_px / geometry.pitch_px),
    )


def _finding(trait: Trait, value: float | None, *, fine_enough: bool) -> Finding:
    least, most = BOUNDS[trait]
    usual = None if value is None or not fine_enough else least <= value <= most
    return Finding(trait, value, least, most, usual)
