"""Strands on the canvas: sampled about a pixel apart, hidden by what is nearer, lit as fibres.

The light model is Kajiya and Kay's: a fibre is bright where the light crosses it, and shines on a cone. Hair darkens
towards its roots, where other hair stands round it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hardware_sim.faces.vectors import Floats, Ints, floats, unit
from renderer import raster

if TYPE_CHECKING:
    from hardware_sim.sequences.poses import Light
    from renderer.head import Hair
    from renderer.optics import Camera, Canvas, Shadow

_SHADOW_BIAS_DM = 0.22  # strands lie above the skin that casts the shadow
_FINE_FROM = 0.55  # of a strand's length: the rest is drawn half as wide
_DEPTH_SLACK_DM = 0.01  # roots stand in the skin
_SEGMENT_SAMPLES_MAX = 64  # a segment that spans more pixels, as none does at the kiosk, would show gaps


@dataclass(frozen=True)
class _Samples:
    """Points on strands: which strand, which segment of it, and where on the segment, 0 to 1."""

    strand: Ints
    segment: Ints
    share: Floats

    def take(self, rows: Ints) -> _Samples:
        """Return the samples at `rows`."""
        return _Samples(self.strand[rows], self.segment[rows], self.share[rows])

    def on(self, points: Floats) -> Floats:
        """Interpolate strands (n, segments + 1, 3) at the samples, (n, 3)."""
        rows = self.strand * points.shape[1] + self.segment
        flat = points.reshape(-1, 3)
        start = flat.take(rows, axis=0)
        return floats(start + (flat.take(rows + 1, axis=0) - start) * self.share[:, None])

    def along(self, points: Floats) -> Floats:
        """Return the direction of the strand at the samples, (n, 3) of unit length."""
        return unit(points[self.strand, self.segment + 1] - points[self.strand, self.segment])

    def tip(self, points: Floats) -> Floats:
        """Return how far each sample lies from its root, 0 to 1 at the tip."""
        return floats((self.segment + self.share) / (points.shape[1] - 1))


@dataclass(frozen=True)
class Lamp:
    """A light and what stands in its way."""

    light: Light
    shadow: Shadow


def draw(canvas: Canvas, camera: Camera, hair: Hair, lamps: list[Lamp]) -> None:
    """Draw strands over what the canvas holds, under each of its lights."""
    world = camera.world(hair.strands.points)
    screen = camera.screen(world)
    samples = _sampled(screen)
    at = samples.on(screen)
    column, row = at[:, 0].astype(np.int64), at[:, 1].astype(np.int64)
    inside = (column >= 0) & (column < canvas.width - 1) & (row >= 0) & (row < canvas.height - 1)
    rows = np.flatnonzero(inside)
    pixel = (row * canvas.width + column)[rows]
    free = at[rows, 2] < canvas.depth[pixel] + _DEPTH_SLACK_DM
    rows, pixel = rows[free], pixel[free]
    samples, depth = samples.take(rows), at[rows, 2]

    wide = np.flatnonzero(samples.tip(world) < _FINE_FROM)
    pixels = np.concatenate([pixel, pixel[wide] + 1])
    rows = np.concatenate([np.arange(len(pixel)), wide])
    winner = raster.nearest(pixels, depth[rows], pixels=canvas.width * canvas.height)
    seen = np.flatnonzero(winner >= 0)
    rows = rows[winner[seen]]
    free = depth[rows] < canvas.depth[seen] + _DEPTH_SLACK_DM
    seen, rows = seen[free], rows[free]

    opacity = np.where(np.isfinite(canvas.depth[seen])[:, None], hair.opacity, 1)
    visible = samples.take(rows)
    for colour, lamp in zip(canvas.colours, lamps, strict=True):
        colour[seen] += (_colour(hair, world, visible, lamp.light, lamp.shadow) - colour[seen]) * opacity
    canvas.depth[seen] = np.minimum(canvas.depth[seen], depth[rows])


def _sampled(screen: Floats) -> _Samples:
    """Return samples about a pixel apart on every strand."""
    moves = np.diff(screen[..., :2], axis=1)
    count = np.ceil(np.abs(moves).max(-1)).astype(np.int64).clip(1, _SEGMENT_SAMPLES_MAX)
    flat = count.ravel()
    rows = np.repeat(np.arange(flat.size), flat)
    local = np.arange(flat.sum()) - np.repeat(np.cumsum(flat) - flat, flat)
    segments = count.shape[1]
    return _Samples(rows // segments, rows % segments, floats((local + 0.5) / flat[rows]))


def _colour(hair: Hair, world: Floats, samples: _Samples, light: Light, shadow: Shadow) -> Floats:
    place, tangent = samples.on(world), samples.along(world)
    towards = unit(light.key_from)
    crossing = np.sqrt(np.clip(1 - (tangent @ towards) ** 2, 0, 1))
    shine = np.sqrt(np.clip(1 - (tangent @ unit(towards + floats([0, 0, 1])) + 0.08) ** 2, 0, 1)) ** 60
    openness = 0.35 + 0.65 * np.sqrt(samples.tip(world))
    # The mass of hair faces outward from the head: a strand on the far side gets little light.
    outward = unit(place - floats([0, 0.15, -0.85]))
    facing = np.clip(0.35 + 0.75 * (outward @ towards), 0.1, 1) * shadow.lit(place, _SHADOW_BIAS_DM)
    side = np.clip(0.3 + 0.7 * (outward @ unit(light.fill_from)), 0, 1)
    up = (0.5 + 0.5 * outward[:, 1])[:, None]
    falling = (crossing * facing)[:, None] * floats(light.key) + side[:, None] * floats(light.fill)
    falling += up * floats(light.sky) + (1 - up) * floats(light.ground)
    albedo = hair.colour * hair.strands.shade[samples.strand][:, None]
    glint = hair.sheen * (shine * facing)[:, None] * (0.035 + 0.45 * albedo)
    return floats((albedo * falling + glint) * openness[:, None])
