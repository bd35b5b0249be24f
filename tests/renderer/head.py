"""One person's head, built and ready to be looked at: shape, skin maps, eyes, clothes and strands.

Building takes about a second and depends on the person alone; `render` then looks at it from anywhere. Says what every
point of the surface is made of; leaves light to `render`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hardware_sim.faces.vectors import Floats, Ints, floats, unit
from renderer import mesh, skin
from renderer.strands import Grower, Strands
from renderer.styles import scalp_density

if TYPE_CHECKING:
    from renderer.people import Person

_IRIS_PART = 0.432  # of the eyeball's radius
_PUPIL_PART = 0.42  # of the iris's
_CLOTH_THICKNESS_DM = 0.05


@dataclass(frozen=True)
class Surface:
    """What is seen at n points: `albedo` (n, 3) in linear RGB and `normal` (n, 3).

    (n,) each: `gloss`, of a broad highlight; `mirror`, of a sharp one; `softness`, how far light travels below.
    """

    albedo: Floats
    normal: Floats
    gloss: Floats
    mirror: Floats
    softness: Floats


@dataclass(frozen=True)
class Hair:
    """Strands and what they are made of."""

    strands: Strands
    colour: Floats  # linear RGB
    sheen: float
    opacity: float = 1.0


class Head:
    """A person's head. Positions in decimetres, indexed as the base mesh is."""

    def __init__(self, person: Person) -> None:
        base = mesh.base_mesh()
        self.rest = base.rest
        self.lashes = base.lashes
        self.lash_gap = 0.1 - 0.7 * person.lashes
        bare = mesh.deformed(person.shape)
        self.eyes_middle = bare[np.unique(base.eyes)].mean(0)
        self.solid: Ints = np.concatenate([base.skin, base.eyes])
        self._skin_triangles = len(base.skin)
        self._eye_centres = _eye_centres(base)
        self._person = person
        grower = Grower(bare, seed=person.seed)
        self.hair = tuple(_hair(grower, person))
        scalp = _scalp_map(person)
        self._maps = skin.maps(person.skin, hair_colour=person.hair_colour, scalp=scalp, seed=person.seed)
        dressed = np.clip((_neckline(base.rest) - base.rest[:, 1]) / 0.03, 0, 1)[:, None]
        self.positions: Floats = bare + mesh.normals(bare, base.skin) * _CLOTH_THICKNESS_DM * dressed
        self.normals: Floats = mesh.normals(self.positions, self.solid)

    def surface(self, triangle: Ints, rest: Floats, normal: Floats, turn: Floats) -> Surface:
        """Return the surface at points given by their triangle of `solid`, place on the base mesh and world normal."""
        column, row = skin.coordinates(rest)
        albedo = _sampled(self._maps.albedo, column, row)
        gloss = _sampled(self._maps.gloss, column, row)[:, 0]
        slope = _sampled(self._maps.slope, column, row)
        azimuth = np.arctan2(rest[:, 0], rest[:, 2] - skin.AXIS_Z)
        across = np.stack([np.cos(azimuth), np.zeros_like(azimuth), -np.sin(azimuth)], axis=1) @ turn.T
        softness = np.ones(len(rest), np.float32)
        self._dress(rest, albedo, gloss, softness)
        slope *= softness[:, None]
        bumped = unit(normal - slope[:, :1] * across - slope[:, 1:] * turn[:, 1])
        mirror = np.zeros(len(rest), np.float32)
        eye = triangle >= self._skin_triangles
        if eye.any():
            albedo[eye], bumped[eye], mirror[eye] = self._eyes(rest[eye], normal[eye])
            gloss[eye], softness[eye] = 0.1, 0.3
        return Surface(albedo, bumped, gloss, mirror, softness)

    def _dress(self, rest: Floats, albedo: Floats, gloss: Floats, softness: Floats) -> None:
        below = _neckline(rest) - rest[:, 1]
        cloth = np.clip(below / 0.012, 0, 1)
        weave = 1 + 0.06 * np.sin(rest[:, 0] * 260) * np.sin(rest[:, 1] * 260)
        hem = 1 - 0.25 * np.exp(-(((below - 0.16) / 0.012) ** 2))
        colour = skin.linear(self._person.clothes) * (weave * hem)[:, None]
        albedo += (colour - albedo) * cloth[:, None]
        gloss *= 1 - 0.9 * cloth
        softness *= 1 - cloth

    def _eyes(self, rest: Floats, normal: Floats) -> tuple[Floats, Floats, Floats]:
        """Paint white, iris and pupil by the angle from straight ahead."""
        centre = self._eye_centres[(rest[:, 0] < 0).astype(np.int64)]
        towards = unit(rest - centre)
        off = np.hypot(towards[:, 0], towards[:, 1])
        around = np.arctan2(towards[:, 1], towards[:, 0])
        radius = off / _IRIS_PART
        white = np.array([0.62, 0.58, 0.55], np.float32) * (1 - 0.25 * np.clip(off - 0.5, 0, 1)[:, None])
        spokes = 1 + 0.22 * np.sin(around * 37 + 4 * np.sin(around * 11)) * np.clip(radius, 0, 1)
        iris = skin.linear(self._person.eyes) * (spokes * (0.75 + 0.6 * (1 - np.clip(radius, 0, 1))))[:, None]
        rim = np.clip((radius - 0.80) / 0.2, 0, 1)[:, None]
        iris = iris * (1 - 0.75 * rim)
        edge = np.clip((radius - 0.96) / 0.08, 0, 1)[:, None]
        colour = iris + (white - iris) * edge
        pupil = np.clip((_PUPIL_PART - radius) / 0.06, 0, 1)[:, None]
        colour = colour * (1 - 0.96 * pupil)
        mirror = 0.35 + 0.65 * np.clip(1.25 - radius, 0, 1)
        return floats(colour), normal, floats(mirror)


def _hair(grower: Grower, person: Person) -> list[Hair]:
    colour = skin.linear(person.hair_colour)
    brows = Hair(grower.brows(person.brows), skin.linear(person.brow_colour) * 0.7, 0.1, 0.8)
    grown = [brows]
    if person.hair is not None:
        grown.append(Hair(grower.scalp(person.hair), colour, person.sheen))
    if person.beard is not None:
        grown.append(Hair(grower.beard(person.beard), skin.linear(person.hair_colour), 0.3, 0.8))
    return grown


def _eye_centres(base: mesh.BaseMesh) -> Floats:
    places = base.rest[np.unique(base.eyes)]
    return np.stack([places[places[:, 0] > 0].mean(0), places[places[:, 0] < 0].mean(0)])


def _scalp_map(person: Person) -> Floats:
    """Under the strands the scalp has their colour, else it would shine through."""
    places = skin.rest_places()
    if person.hair is None:
        return np.zeros(places.shape[:2], np.float32)
    density = scalp_density(person.hair, places.reshape(-1, 3)).reshape(places.shape[:2])
    return floats(cv2.GaussianBlur(density, (0, 0), 4) * 0.85)


def _neckline(rest: Floats) -> Floats:
    """Where the clothes end: a round collar, lower in front."""
    azimuth = np.abs(np.arctan2(rest[:, 0], rest[:, 2] - 0.2))
    return floats(np.interp(azimuth, [0, 0.7, 1.6, 3.2], [5.66, 5.78, 5.98, 6.12]))


def _sampled(values: Floats, column: Floats, row: Floats) -> Floats:
    """Look up a map of any number of channels at points; returns (n, channels)."""
    wide = 4096
    count = len(column)
    rows = -(-count // wide)
    x, y = np.zeros(rows * wide, np.float32), np.zeros(rows * wide, np.float32)
    x[:count], y[:count] = column - 0.5, row - 0.5
    out = cv2.remap(
        values, x.reshape(rows, wide), y.reshape(rows, wide), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return floats(out.reshape(rows * wide, -1)[:count])
