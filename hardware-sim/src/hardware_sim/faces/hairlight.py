"""Strands on the canvas: sampled about a pixel apart, hidden by what is nearer, lit as fibres.

The light model is Kajiya and Kay's: a fibre is bright where the light crosses it, and shines on a cone. Hair darkens
towards its roots, where other hair stands round it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hardware_sim.faces import raster

if TYPE_CHECKING:
    from hardware_sim.faces.head import Hair
    from hardware_sim.faces.mesh import Floats, Ints
    from hardware_sim.faces.render import Camera, Canvas, Light, Shadow

_SHADOW_BIAS_DM = 0.22  # strands lie above the skin that casts the shadow
_FINE_FROM = 0.55  # of a strand's length: the rest is drawn half as wide


def draw(canvas: Canvas, camera: Camera, hair: Hair, light: Light, shadow: Shadow) -> None:
    """Draw strands over what the canvas holds."""
    world = camera.world(hair.strands.points)
    screen = camera.screen(world)
    strand, segment, share = _samples(screen, canvas.width, canvas.height)
    at = _along(screen, strand, segment, share)
    column, row = at[:, 0].astype(np.int64), at[:, 1].astype(np.int64)
    inside = (column >= 0) & (column < canvas.width - 1) & (row >= 0) & (row < canvas.height - 1)
    pixel = row * canvas.width + column
    visible = np.flatnonzero(inside)
    visible = visible[at[visible, 2] < canvas.depth[pixel[visible]] + 0.01]
    strand, segment, share, depth, pixel = (values[visible] for values in (strand, segment, share, at[:, 2], pixel))
    tip = (segment + share) / (world.shape[1] - 1)
    wide = np.flatnonzero(tip < _FINE_FROM)
    pixels = np.concatenate([pixel, pixel[wide] + 1])
    sample = np.concatenate([np.arange(len(pixel)), wide])
    winner = raster.nearest(pixels, depth[sample], pixels=canvas.width * canvas.height)
    seen = np.flatnonzero(winner >= 0)
    sample = sample[winner[seen]]
    closer = depth[sample] < canvas.depth[seen] + 0.01
    seen, sample = seen[closer], sample[closer]
    colour = _colour(hair, world, strand[sample], segment[sample], share[sample], light, shadow)
    known = np.isfinite(canvas.depth[seen])[:, None]
    opacity = np.where(known, hair.opacity, 1)
    canvas.colour[seen] += (colour - canvas.colour[seen]) * opacity
    canvas.depth[seen] = np.minimum(canvas.depth[seen], depth[sample])


def _samples(screen: Floats, width: int, height: int) -> tuple[Ints, Ints, Floats]:
    """Return strand, segment and place on it, 0 to 1, about a pixel apart."""
    moves = np.diff(screen[..., :2], axis=1)
    count = np.ceil(np.abs(moves).max(-1)).astype(np.int64).clip(1, 64)
    flat = count.ravel()
    rows = np.repeat(np.arange(flat.size), flat)
    local = np.arange(flat.sum()) - np.repeat(np.cumsum(flat) - flat, flat)
    share = ((local + 0.5) / flat[rows]).astype(np.float32)
    segments = count.shape[1]
    return rows // segments, rows % segments, share


def _along(points: Floats, strand: Ints, segment: Ints, share: Floats) -> Floats:
    rows = strand * points.shape[1] + segment
    flat = points.reshape(-1, 3)
    start, end = flat.take(rows, axis=0), flat.take(rows + 1, axis=0)
    return (start + (end - start) * share[:, None]).astype(np.float32)


def _colour(
    hair: Hair, world: Floats, strand: Ints, segment: Ints, share: Floats, light: Light, shadow: Shadow
) -> Floats:
    place = _along(world, strand, segment, share)
    tangent = world[strand, segment + 1] - world[strand, segment]
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
    towards = _direction(light.key_from)
    half = _direction(towards + np.array([0, 0, 1], np.float32))
    crossing = np.sqrt(np.clip(1 - (tangent @ towards) ** 2, 0, 1))
    shine = np.sqrt(np.clip(1 - (tangent @ half + 0.08) ** 2, 0, 1)) ** 60
    tip = (segment + share) / (world.shape[1] - 1)
    open_ = (0.35 + 0.65 * np.sqrt(tip)).astype(np.float32)
    lit = shadow.lit(place, _SHADOW_BIAS_DM)
    # The hair mass faces outward from the head: a strand on the far side gets little key light.
    outward = place - np.array([0, 0.15, -0.85], np.float32)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    facing = np.clip(0.35 + 0.75 * (outward @ towards), 0.1, 1)
    albedo = hair.colour * hair.strands.shade[strand][:, None]
    up = (0.5 + 0.5 * outward[:, 1])[:, None]
    ambient = up * np.array(light.sky, np.float32) + (1 - up) * np.array(light.ground, np.float32)
    side = np.clip(0.3 + 0.7 * (outward @ _direction(light.fill_from)), 0, 1)[:, None] * np.array(
        light.fill, np.float32
    )
    key = (crossing * facing * lit)[:, None] * np.array(light.key, np.float32)
    diffuse = albedo * (key + ambient + side) * open_[:, None]
    glint = hair.sheen * (shine * facing * lit * open_)[:, None] * (0.035 + 0.45 * albedo)
    return (diffuse + glint).astype(np.float32)


def _direction(vector: object) -> Floats:
    array = np.asarray(vector, np.float32)
    return (array / np.linalg.norm(array)).astype(np.float32)
