"""The print of an MRZ against OCR-B's geometry: evidence that it was printed as documents are, never a rejection by itself.

ICAO 9303-3 §4.4 asks for OCR-B size 1: ten characters an inch, and what follows from it. A picture has no scale of its own, so
everything is measured in pitches. Bounds are wide: no more than one in a hundred drawn pages lies outside any of them, and what
specimens give is stated in docs/protocols/page-reading.md. Comparison with the chip is `gate_documents`'s.
"""

from dataclasses import dataclass

from gate.page.values import Reading
from gate_core.evidence.names import PageCheckId

PRINT_PITCH_PX_MIN = 9.0  # with fewer pixels a character, heights and baselines cannot be told
# Evenness is the root mean square off the fitted curve. Characters are one pitch high, 2.6 mm; lines stand 4.23 mm (six an inch,
# as cards have them) to 6.35 mm apart. A page that is seen at an angle loses a fifth of both.
BOUNDS = {
    PageCheckId.MRZ_PITCH_EVEN: (0.0, 0.08),
    PageCheckId.MRZ_BASELINE_EVEN: (0.0, 0.09),
    PageCheckId.MRZ_CHARACTER_HEIGHT: (0.72, 1.3),
    PageCheckId.MRZ_LINE_SPACING: (1.4, 3.0),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One measurement in pitches, and whether it lies within its bounds; `usual` is None when it could not be told."""

    trait: PageCheckId
    measured: float | None
    usual: bool | None


def print_findings(reading: Reading) -> tuple[Finding, ...]:
    """Hold a reading's geometry against OCR-B, every trait."""
    geometry = reading.geometry
    height = None if geometry.height_px is None else geometry.height_px / geometry.pitch_px
    measured = (geometry.pitch_residual, geometry.baseline_residual, height, geometry.spacing_px / geometry.pitch_px)
    coarse = geometry.pitch_px < PRINT_PITCH_PX_MIN
    return tuple(
        Finding(trait, value, None if value is None or coarse else least <= value <= most)
        for (trait, (least, most)), value in zip(BOUNDS.items(), measured, strict=True)
    )
