"""Hair styles, brows and beards, and where on a head each of them grows.

Places are those of the undeformed mesh, so a style fits every head. Leaves growing to `strands`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hardware_sim.faces.vectors import Floats, floats, ramp

_AXIS_Z = 0.5  # the vertical axis through the head, about which azimuths count; 0 looks ahead


@dataclass(frozen=True)
class Style:
    """A head of hair. Lengths in decimetres.

    `comb` is the direction (x, y, z) that strands lean to at the crown; `parting_x` is where they part, and they lean
    away from it by `parting`. `lift` says how far they rise from the scalp, `curl` how wide they coil, `drop` how fast
    gravity wins. `hairline` raises (+) or lowers (-) the hairline; `temples` and `crown` thin it there, 0 to 1.
    """

    length: float
    count: int = 9000
    comb: tuple[float, float, float] = (0.0, -0.2, -1.0)
    parting: float = 0.0
    parting_x: float = 0.0
    lift: float = 0.12
    curl: float = 0.0
    drop: float = 0.5
    hairline: float = 0.0
    temples: float = 0.0
    crown: float = 0.0
    fringe: float = 0.0
    sides: float = 1.0  # length of the sides and the back against the top


@dataclass(frozen=True)
class Brows:
    """`raise_` and `arch` in decimetres, `weight` from 0 (sparse) to 1 (bushy), `tilt` outward rise."""

    weight: float = 0.5
    thickness: float = 0.045
    arch: float = 0.03
    raise_: float = 0.0
    tilt: float = 0.0
    inner: float = 0.10
    outer: float = 0.52


@dataclass(frozen=True)
class Beard:
    """`parts` names where it grows: cheeks, chin, moustache. `length` in decimetres."""

    length: float
    parts: tuple[str, ...] = ("cheeks", "chin", "moustache")
    density: float = 1.0


def scalp_density(style: Style, rest: Floats) -> Floats:
    """How densely the style's hair grows at places (n, 3) of the undeformed mesh, 0 to 1."""
    x, y, z = rest[:, 0], rest[:, 1], rest[:, 2]
    azimuth = np.degrees(np.abs(np.arctan2(x, z - _AXIS_Z)))
    hairline = np.interp(
        azimuth,
        [0, 14, 30, 42, 56, 74, 84, 92, 110, 140, 180],
        [7.92, 7.92, 7.90, 7.80, 7.58, 7.32, 7.25, 7.42, 7.1, 6.82, 6.72],
    )
    front = np.clip(1.3 - azimuth / 60, 0, 1)
    hairline = hairline + style.hairline * front
    hairline = hairline + style.temples * 0.35 * np.exp(-(((azimuth - 32) / 14) ** 2))
    tremor = 0.02 * np.sin(azimuth * 0.9) + 0.015 * np.sin(azimuth * 2.3 + 1)
    grown = np.clip((y - hairline - tremor) / 0.07, 0, 1)
    ear = (np.abs(x) > 0.71) & (y < 7.40)
    bald = style.crown * np.exp(-((x / 0.45) ** 2) - ((z - 0.55) / 0.55) ** 2) * np.clip((y - 8.0) / 0.25, 0, 1)
    return floats(grown * ~ear * np.clip(1 - 1.6 * bald, 0, 1))


def brow_line(brows: Brows, side: Floats) -> Floats:
    """Return the height of the brow's middle at a distance from the face's middle."""
    along = np.clip((side - brows.inner) / (brows.outer - brows.inner), 0, 1)
    arch = brows.arch * np.sin(np.pi * np.clip(along * 0.9, 0, 1) ** 1.4) - 0.05 * np.clip(along - 0.65, 0, 1)
    return floats(7.435 + brows.raise_ + arch + brows.tilt * along)


def brow_density(brows: Brows, rest: Floats) -> Floats:
    """How densely the brows grow at places (n, 3), 0 to 1."""
    side = np.abs(rest[:, 0])
    along = (side - brows.inner) / (brows.outer - brows.inner)
    half = brows.thickness * np.interp(along, [0, 0.1, 0.5, 1.0], [0.7, 1.0, 0.9, 0.25])
    off = np.abs(rest[:, 1] - brow_line(brows, side)) / np.maximum(half, 1e-3)
    inside = (along > -0.02) & (along < 1.02) & (rest[:, 2] > 0.9)
    return floats(np.exp(-(off**2) * 1.2) * (off < 1.8) * inside)


def beard_area(rest: Floats) -> Floats:
    """How densely a full beard grows at places (n, 3), 0 to 1."""
    x, y, z = rest[:, 0], rest[:, 1], rest[:, 2]
    side = np.abs(x)
    cheek_line = np.interp(side, [0.0, 0.2, 0.32, 0.55, 0.66, 0.72], [6.84, 6.82, 6.70, 6.80, 7.05, 7.3])
    below_cheek = ramp(cheek_line - y, 0.0, 0.09)
    above_neck = ramp(y - 6.02 - 0.3 * (1.3 - z), 0.0, 0.15)
    beside_mouth = 1 - np.exp(-((side / 0.10) ** 2) - ((y - 6.45) / 0.045) ** 2) * 0.6
    before_ear = ramp(z - 0.62, 0.0, 0.08)
    below_nose = 1 - (side < 0.05) * (y > 6.79)
    return floats(below_cheek * above_neck * beside_mouth * before_ear * below_nose)


def beard_density(beard: Beard, rest: Floats) -> Floats:
    """How densely the beard grows at places (n, 3), 0 to 1."""
    side, y = np.abs(rest[:, 0]), rest[:, 1]
    moustache = (y > 6.66) & (side < 0.33)
    chin = (side < 0.30) & (y <= 6.66) & (rest[:, 2] > 1.0)
    allowed = np.zeros(len(rest), np.float32)
    for part, area in (("moustache", moustache), ("chin", chin), ("cheeks", ~moustache & ~chin)):
        if part in beard.parts:
            allowed[area] = 1
    lips = (side < 0.28) & (np.abs(y - 6.605) < 0.085 * (1 - (side / 0.3) ** 2) + 0.02)
    return floats(beard_area(rest) * allowed * ~lips)
