"""The fields' positions in each size of MRZ (ICAO 9303-4 to 9303-7).

Only the tables; `parsing` reads and checks the fields.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Final

Place = tuple[int, int, int]  # line, first character, one past the last


class MrzFormat(enum.Enum):
    """The sizes of ICAO 9303: cards (TD1, TD2), passports (TD3), visas (MRV-A, MRV-B)."""

    TD1 = "TD1"
    TD2 = "TD2"
    TD3 = "TD3"
    MRV_A = "MRVA"
    MRV_B = "MRVB"


@dataclass(frozen=True, slots=True)
class Layout:
    """A format's field positions, and the range of its composite check digit."""

    number: Place
    birth: Place
    sex: Place
    expiry: Place
    nationality: Place
    optional: tuple[Place, ...]
    names: Place
    overflow: bool = False
    personal_number: Place | None = None
    composite_digit: Place | None = None
    composite: tuple[Place, ...] = ()


def _two_lines(width: int, **rest: Any) -> Layout:  # noqa: ANN401 - the fields that differ between the two-line formats
    """A layout of two lines: name above, the rest below."""
    return Layout(
        names=(0, 5, width),
        number=(1, 0, 9),
        nationality=(1, 10, 13),
        birth=(1, 13, 19),
        sex=(1, 20, 21),
        expiry=(1, 21, 27),
        **rest,
    )


LAYOUTS: Final = {
    MrzFormat.TD1: Layout(
        number=(0, 5, 14),
        birth=(1, 0, 6),
        sex=(1, 7, 8),
        expiry=(1, 8, 14),
        nationality=(1, 15, 18),
        optional=((0, 15, 30), (1, 18, 29)),
        names=(2, 0, 30),
        overflow=True,
        composite_digit=(1, 29, 30),
        composite=((0, 5, 30), (1, 0, 7), (1, 8, 15), (1, 18, 29)),
    ),
    MrzFormat.TD2: _two_lines(
        36,
        optional=((1, 28, 35),),
        overflow=True,
        composite_digit=(1, 35, 36),
        composite=((1, 0, 10), (1, 13, 20), (1, 21, 35)),
    ),
    MrzFormat.TD3: _two_lines(
        44,
        optional=((1, 28, 42),),
        personal_number=(1, 28, 42),
        composite_digit=(1, 43, 44),
        composite=((1, 0, 10), (1, 13, 20), (1, 21, 43)),
    ),
    MrzFormat.MRV_A: _two_lines(44, optional=((1, 28, 44),)),
    MrzFormat.MRV_B: _two_lines(36, optional=((1, 28, 36),)),
}
