"""Text from a reader for a machine-readable zone, split into lines. Pure; used by every reader that sends text.

A line is as in ICAO 9303-3 §4.3: capitals, digits and `<`, 30 to 44 of them. Shape only: `gate_documents` checks
layouts and check digits.
"""

from __future__ import annotations

import re

LINE_CHARACTERS_MAX = 44
LINES_MAX = 3
MRZ_BYTES_MAX = LINES_MAX * (LINE_CHARACTERS_MAX + 2)  # CR and LF behind each line

_LINE = re.compile(r"[A-Z0-9<]{30,44}")
_WORN_LINE = re.compile(r"[A-Z0-9<]{20,44}")
_LINE_ENDS = re.compile(r"[\r\n]+")


def lines_of(text: str, *, padding: str = "") -> tuple[str, ...] | None:
    """Return the lines of an MRZ, without a reader's padding of short ones; None if the text is no MRZ."""
    lines = tuple(stripped for line in _LINE_ENDS.split(text) if (stripped := line.strip().rstrip(padding)))
    return lines if is_mrz(lines) else None


def resembles_mrz(lines: tuple[str, ...]) -> bool:
    """True for an MRZ that may have lost some characters: worth an attempt, and an officer if it fails."""
    return 2 <= len(lines) <= LINES_MAX and all(_WORN_LINE.fullmatch(line) for line in lines)


def is_mrz(lines: tuple[str, ...]) -> bool:
    """True for two or three lines of equal length with an MRZ's characters only."""
    return (
        2 <= len(lines) <= LINES_MAX
        and len({len(line) for line in lines}) == 1
        and all(_LINE.fullmatch(line) for line in lines)
    )
