"""From a person, a pose and a light to a picture, in linear light.

Deferred: first find what each pixel sees (skin, cloth, eye, lash or strand), then light all pixels of a kind at once,
under as many lights as are asked for: what is seen is found once. Light adds up, so pictures under single lights can be
mixed to a picture under any of their sums.
Pure: the same arguments give the same picture. Leaves backgrounds, sensor noise and encoding to `portraits`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hardware_sim.faces.vectors import Floats, Ints, floats, unit
from hardware_sim.sequences.poses import Light
from renderer import hairlight, raster
from renderer.optics import SUPERSAMPLING, Camera, Canvas, Shadow, Viewpoint

if TYPE_CHECKING:
    from renderer.head import Head, Surface


@dataclass(frozen=True)
class Picture:
    """`colour` (h, w, 3) linear RGB multiplied by `cover` (h, w), 0 to 1."""

    colour: Floats
    cover: Floats


@dataclass(frozen=True)
class Layers:
    """One view under several lights; `depth` (h, w) in decimetres from the camera, infinite where nothing is."""

    pictures: tuple[Picture, ...]
    depth: Floats


@dataclass(frozen=True)
class _Solid:
    """What the solid pixels show, one row a pixel."""

    pixels: Ints
    place: Floats
    surface: Surface
    occlusion: Floats
    towards_camera: Floats


def render(head: Head, view: Viewpoint, light: Light) -> Picture:
    """Render one head under one light."""
    return layers(head, view, (light,)).pictures[0]


def layers(head: Head, view: Viewpoint, lights: tuple[Light, ...]) -> Layers:
    """Render one head under each of the lights."""
    camera = Camera.before(head.eyes_middle, view)
    canvas = Canvas(view.width_px * SUPERSAMPLING, view.height_px * SUPERSAMPLING, len(lights))
    triangles = camera.world(head.positions)[head.solid]
    lamps = [hairlight.Lamp(light, Shadow(triangles, light)) for light in lights]
    solid = _solid(canvas, camera, head)
    for colour, lamp in zip(canvas.colours, lamps, strict=True):
        colour[solid.pixels] = _lit(canvas, solid, lamp, view)
    _draw_lashes(canvas, camera, head)
    for hair in head.hair:
        hairlight.draw(canvas, camera, hair, lamps)
    depth = canvas.depth.reshape(canvas.height, canvas.width)[::SUPERSAMPLING, ::SUPERSAMPLING]
    return Layers(tuple(_halved(canvas, colour) for colour in canvas.colours), depth)


def _solid(canvas: Canvas, camera: Camera, head: Head) -> _Solid:
    """Find skin, cloth and eyes: everything that hides what is behind it."""
    triangles, world = head.solid, camera.world(head.positions)
    found = raster.fragments(camera.screen(world), triangles, width_px=canvas.width, height_px=canvas.height)
    winner = raster.nearest(found.pixel, found.depth, pixels=canvas.width * canvas.height)
    pixels = np.flatnonzero(winner >= 0)
    seen = found.take(winner[pixels])
    canvas.depth[pixels] = seen.depth
    occlusion = _occlusion(canvas, camera.view)[pixels]
    rest = seen.interpolate(head.rest[triangles])
    place = seen.interpolate(world[triangles])
    normal = seen.interpolate((head.normals @ camera.turn.T)[triangles])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
    surface = head.surface(seen.triangle, rest, normal, camera.turn)
    towards_camera = unit([0, 0, camera.view.distance_dm] - place.mean(0))
    return _Solid(pixels, place, surface, occlusion, towards_camera)


def _lit(canvas: Canvas, solid: _Solid, lamp: hairlight.Lamp, view: Viewpoint) -> Floats:
    """Return the colour of the solid pixels under one light."""
    surface, light, occlusion = solid.surface, lamp.light, solid.occlusion
    lit = lamp.shadow.lit(solid.place)
    irradiance = _irradiance(surface.normal, light, lit, occlusion, surface.softness)
    spread = _spread(canvas, view, solid.pixels, irradiance, surface.softness)
    shine = np.clip(surface.normal @ unit(unit(light.key_from) + solid.towards_camera), 0, 1)
    highlight = surface.gloss * (0.10 * shine**18 + 0.22 * shine**60) * occlusion * lit
    highlight += surface.mirror * (shine**400) * 3
    return floats(surface.albedo * spread + highlight[:, None] * floats(light.key))


def _irradiance(normal: Floats, light: Light, lit: Floats, occlusion: Floats, softness: Floats) -> Floats:
    """Diffuse light; red bleeds past the shadow's edge where the surface is soft as skin is."""
    wrap = softness[:, None] * np.array([0.32, 0.16, 0.10], np.float32)
    key = np.clip((normal @ unit(light.key_from))[:, None] + wrap, 0, None) / (1 + wrap)
    fill = np.clip((normal @ unit(light.fill_from))[:, None] + wrap, 0, None) / (1 + wrap)
    up = (0.5 + 0.5 * normal[:, 1])[:, None]
    ambient = up * floats(light.sky) + (1 - up) * floats(light.ground)
    soft_lit = lit[:, None] ** (1 - 0.35 * wrap)
    direct = key * soft_lit * floats(light.key) + fill * floats(light.fill)
    shade = occlusion[:, None] ** np.array([0.8, 1.0, 1.05], np.float32)
    return floats(direct * (0.45 + 0.55 * shade) + ambient * shade)


def _occlusion(canvas: Canvas, view: Viewpoint) -> Floats:
    """Darken what lies deeper than its surroundings: creases, nostrils, the neck under the chin."""
    depth = canvas.depth.reshape(canvas.height, canvas.width)
    known = np.isfinite(depth)
    filled = np.where(known, depth, np.max(depth[known]) if known.any() else 0).astype(np.float32)
    out = np.ones_like(filled)
    reach = SUPERSAMPLING * view.reach_px
    for sigma, strength in ((reach / 220, 5.5), (reach / 60, 2.2), (reach / 22, 0.55)):
        around = _blurred(filled, sigma)
        out *= np.exp(-strength * np.clip(filled - around, 0, 0.4))
    return floats(out.ravel())


def _blurred(image: Floats, sigma: float) -> Floats:
    """A Gaussian blur; wide ones at a quarter of the size, which nobody can see and which takes a tenth of the time."""
    if sigma < 8:
        return floats(cv2.GaussianBlur(image, (0, 0), sigma))
    small = cv2.resize(image, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    return floats(cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma / 4), image.shape[1::-1]))


def _spread(canvas: Canvas, view: Viewpoint, pixels: Ints, irradiance: Floats, softness: Floats) -> Floats:
    """Let light travel a little under the skin: blur what falls on it, red widest."""
    field_ = np.zeros((canvas.width * canvas.height, 4), np.float32)
    field_[pixels, :3] = irradiance
    field_[pixels, 3] = 1
    image = field_.reshape(canvas.height, canvas.width, 4)
    spread = irradiance.copy()
    reach = SUPERSAMPLING * view.reach_px
    for channel, sigma in ((0, reach / 240), (1, reach / 520)):
        blurred = cv2.GaussianBlur(np.ascontiguousarray(image[..., [channel, 3]]), (0, 0), sigma).reshape(-1, 2)[pixels]
        soft = blurred[:, 0] / np.maximum(blurred[:, 1], 1e-3)
        spread[:, channel] += (soft - irradiance[:, channel]) * softness
    return spread


def _draw_lashes(canvas: Canvas, camera: Camera, head: Head) -> None:
    """Lashes are cards on the mesh; stripes of them are hair."""
    screen = camera.screen(camera.world(head.positions))
    found = raster.fragments(screen, head.lashes, width_px=canvas.width, height_px=canvas.height, cull=False)
    rest = found.interpolate(head.rest[head.lashes])
    stripes = np.sin(rest[:, 0] * 420 + rest[:, 1] * 60) > head.lash_gap
    visible = found.take(stripes & (found.depth < canvas.depth[found.pixel] + 0.03))
    for colour in canvas.colours:
        colour[visible.pixel] *= np.float32(0.35)
        colour[visible.pixel] += np.float32(0.65) * np.array([0.012, 0.010, 0.009], np.float32)


def _halved(canvas: Canvas, colour: Floats) -> Picture:
    cover = np.isfinite(canvas.depth).astype(np.float32)
    stacked = np.concatenate([colour * cover[:, None], cover[:, None]], axis=1)
    image = stacked.reshape(canvas.height, canvas.width, 4)
    size = (canvas.width // SUPERSAMPLING, canvas.height // SUPERSAMPLING)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return Picture(floats(small[..., :3]), floats(small[..., 3]))
