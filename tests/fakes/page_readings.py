"""Readings made by hand, for what judges them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gate.page.picture.layout import check_digits
from gate.page.values import Geometry, LinePlace, MrzFormat, Reading

PASSPORT = (
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
    "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
)
PITCH_PX = 16.0


def geometry(pitch_px: float = PITCH_PX, **changed: Any) -> Geometry:
    """What OCR-B gives, level, the first character at (100, 800)."""
    length, spacing = 43 * pitch_px, 2.5 * pitch_px
    lines = tuple(
        LinePlace((100.0, 800.0 + row * spacing), (100.0 + length, 800.0 + row * spacing), 1.02 * pitch_px)
        for row in (0, 1)
    )
    usual = Geometry(lines, pitch_px, 0.02, 0.03, spacing, 1.02 * pitch_px, 0.0)
    return replace(usual, **changed)


def elsewhere(pitches: float = 2.5) -> Geometry:
    """The same, the page lying so much farther to the right."""
    usual, right_px = geometry(), pitches * PITCH_PX
    lines = tuple(
        LinePlace((line.start[0] + right_px, line.start[1]), (line.end[0] + right_px, line.end[1]), line.height_px)
        for line in usual.lines
    )
    return replace(usual, lines=lines)


def reading(lines: tuple[str, ...] = PASSPORT, *, weakest: float = 0.97, **changed: Any) -> Reading:
    """A good reading of a passport, but for what is changed."""
    confidence = tuple((0.99,) * len(line) for line in lines)
    confidence = ((weakest, *confidence[0][1:]), *confidence[1:])
    good = Reading(
        format=MrzFormat.TD3,
        lines=lines,
        confidence=confidence,
        check_digits=check_digits(MrzFormat.TD3, lines),
        repaired=False,
        geometry=geometry(),
        place=((90.0, 780.0), (810.0, 780.0), (810.0, 860.0), (90.0, 860.0)),
    )
    return replace(good, **changed)
