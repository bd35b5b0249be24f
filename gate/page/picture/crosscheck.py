"""Compares an MRZ's print with OCR-B's geometry: evidence for a genuine print, never a rejection by itself.

ICAO 9303-3 §4.4 requires OCR-B size 1: ten characters an inch, and its proportions. A picture has no scale, so lengths are measured in
pitches. Bounds are wide: at most one in a hundred drawn pages is outside any; docs/protocols/page-reading.md has the values of specimens.
"""

from typing import Final

from gate.page.values import Reading
from gate_core.evidence.crossing import CheckResult, PageCheck
from gate_core.evidence.names import PageCheckId

PRINT_PITCH_PX_MIN = 9.0  # below this many pixels per character, heights and baselines cannot be measured
# Evenness is the root mean square off the fitted curve. Characters are one pitch high, 2.6 mm; lines stand 4.23 mm (six an inch,
# as cards have them) to 6.35 mm apart. A page that is seen at an angle loses a fifth of both.
BOUNDS = {
    PageCheckId.MRZ_PITCH_EVEN: (0.0, 0.08),
    PageCheckId.MRZ_BASELINE_EVEN: (0.0, 0.09),
    PageCheckId.MRZ_CHARACTER_HEIGHT: (0.72, 1.3),
    PageCheckId.MRZ_LINE_SPACING: (1.4, 3.0),
}
# Measured on simulated pages only: none of 300 genuine ones failed (tests/integration/test_page_false_alarms.py does it again), which leaves up to
# 1.2 % at 95 %.
MEASURED_ON: Final = "300 simulated pages"
FALSE_ALARM_RATE: Final = 0.0


def print_findings(reading: Reading) -> tuple[PageCheck, ...]:
    """Compare a reading's geometry with OCR-B for each trait; undetermined if it cannot be measured."""
    geometry = reading.geometry
    height = None if geometry.height_px is None else geometry.height_px / geometry.pitch_px
    measured = (geometry.pitch_residual, geometry.baseline_residual, height, geometry.spacing_px / geometry.pitch_px)
    coarse = geometry.pitch_px < PRINT_PITCH_PX_MIN
    findings = []
    for (trait, (least, most)), value in zip(BOUNDS.items(), measured, strict=True):
        result = CheckResult.UNDETERMINED
        if value is not None and not coarse:
            result = CheckResult.SUCCESSFUL if least <= value <= most else CheckResult.FAILED
        findings.append(
            PageCheck(trait, result, None if value is None else float(value), FALSE_ALARM_RATE, MEASURED_ON)
        )
    return tuple(findings)
