"""From a person, a pose and a light to a picture, in linear light.

Deferred: first find what each pixel sees (skin, cloth, eye, lash or strand), then light all pixels of a kind at once.
Rendered at twice the size and halved, so edges and single hairs are smooth. Pure: the same arguments give the same
picture. Leaves backgrounds, sensor noise and encoding to `studio`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from hardware_sim.faces import hairlight, raster
from hardware_sim.faces.head import Head
from hardware_sim.faces.mesh import Floats, Ints

_SUPERSAMPLING = 2
_SHADOW_PX = 448
_SHADOW_SPAN_DM = 3.4
_SHADOW_BIAS_DM = 0.035


@dataclass(frozen=True)
class View:
    """Where the camera stands and how the head is turned.

    The point between the eyes is seen at `eyes_px`, a decimetre there spans `px_per_dm`. Angles in degrees: positive
    `yaw` turns the face to the picture's right, positive `pitch` lifts it, positive `roll` tilts it clockwise.
    """

    width_px: int
    height_px: int
    eyes_px: tuple[float, float]
    px_per_dm: float
    distance_dm: float = 7.0
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0


@dataclass(frozen=True)
class Light:
    """A key light from a direction, light from above and bounce from below; colours in linear light."""

    key_from: tuple[float, float, float] = (-0.45, 0.55, 0.8)
    key: tuple[float, float, float] = (1.0, 0.97, 0.92)
    fill_from: tuple[float, float, float] = (0.7, 0.1, 0.6)
    fill: tuple[float, float, float] = (0.30, 0.31, 0.33)
    sky: tuple[float, float, float] = (0.34, 0.36, 0.40)
    ground: tuple[float, float, float] = (0.20, 0.18, 0.16)


@dataclass(frozen=True)
class Picture:
    """`colour` (h, w, 3) linear RGB multiplied by `cover` (h, w), 0 to 1."""

    colour: Floats
    cover: Floats


@dataclass
class Canvas:
    """The frame buffer at working size, flat: colour, cover, depth."""

    width: int
    height: int
    colour: Floats = field(init=False)
    depth: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.colour = np.zeros((self.width * self.height, 3), np.float32)
        self.depth = np.full(self.width * self.height, np.inf, np.float32)


@dataclass(frozen=True)
class Camera:
    """Turns the head and projects it."""

    turn: Floats
    pivot: Floats
    eyes: Floats
    view: View

    def world(self, points: Floats) -> Floats:
        """Turn points about the neck, then count from the point between the eyes."""
        return ((points - self.pivot) @ self.turn.T + self.pivot - self.eyes).astype(np.float32)

    def screen(self, world: Floats) -> Floats:
        """Project to pixels at working size, and depth in decimetres from the camera."""
        depth = self.view.distance_dm - world[..., 2]
        scale = _SUPERSAMPLING * self.view.px_per_dm * self.view.distance_dm / depth
        x = _SUPERSAMPLING * self.view.eyes_px[0] + world[..., 0] * scale
        y = _SUPERSAMPLING * self.view.eyes_px[1] - world[..., 1] * scale
        return np.stack([x, y, depth], axis=-1).astype(np.float32)


def render(head: Head, view: View, light: Light) -> Picture:
    """Render one head."""
    camera = _camera(head, view)
    canvas = Canvas(view.width_px * _SUPERSAMPLING, view.height_px * _SUPERSAMPLING)
    world = camera.world(head.positions)
    shadow = Shadow(world[head.solid], light)
    _draw_solid(canvas, camera, head, world, light, shadow)
    _draw_lashes(canvas, camera, head, world)
    for hair in head.hair:
        hairlight.draw(canvas, camera, hair, light, shadow)
    return _halved(canvas)


def _camera(head: Head, view: View) -> Camera:
    yaw, pitch, roll = np.radians([view.yaw, -view.pitch, -view.roll])
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    turn = (about_z @ about_y @ about_x).astype(np.float32)
    pivot = head.eyes_middle - np.array([0, 1.0, 0.9], np.float32)
    eyes = (head.eyes_middle - pivot) @ turn.T + pivot
    return Camera(turn, pivot, eyes.astype(np.float32), view)


class Shadow:
    """What the key light reaches: a depth map seen from the light."""

    def __init__(self, triangles: Floats, light: Light) -> None:
        towards = _direction(light.key_from)
        right = _direction(np.cross([0, 1, 0], towards))
        self._axes = np.stack([right, np.cross(towards, right), towards]).astype(np.float32)
        seen = self._map(triangles.reshape(-1, 3))
        rows = np.arange(len(seen)).reshape(-1, 3)
        found = raster.fragments(seen, rows, width_px=_SHADOW_PX, height_px=_SHADOW_PX, cull=False)
        winner = raster.nearest(found.pixel, found.depth, pixels=_SHADOW_PX**2)
        depth = np.full(_SHADOW_PX**2, 1e3, np.float32)
        depth[winner >= 0] = found.depth[winner[winner >= 0]]
        self._depth = depth.reshape(_SHADOW_PX, _SHADOW_PX)

    def _map(self, world: Floats) -> Floats:
        seen = (world + np.array([0, 0.3, 0.6], np.float32)) @ self._axes.T
        scale = _SHADOW_PX / _SHADOW_SPAN_DM
        middle = _SHADOW_PX / 2
        return np.stack([middle + seen[:, 0] * scale, middle - seen[:, 1] * scale, -seen[:, 2]], 1).astype(np.float32)

    def lit(self, world: Floats, bias: float = _SHADOW_BIAS_DM) -> Floats:
        """Return how much of the key light reaches the points, 0 to 1, soft over a few texels."""
        seen = self._map(world)
        total = np.zeros(len(world), np.float32)
        taps = [(-2.5, -1.0), (-1.0, 2.5), (0.0, 0.0), (1.0, -2.5), (2.5, 1.0), (-2, 1.5), (2, -1.5)]
        for dx, dy in taps:
            column = np.clip(seen[:, 0] + dx, 0, _SHADOW_PX - 1).astype(np.int64)
            row = np.clip(seen[:, 1] + dy, 0, _SHADOW_PX - 1).astype(np.int64)
            total += seen[:, 2] < self._depth[row, column] + bias
        outside = (np.abs(seen[:, :2] - _SHADOW_PX / 2) > _SHADOW_PX / 2 - 3).any(1)
        return np.where(outside, 1, total / len(taps)).astype(np.float32)


def _direction(vector: tuple[float, float, float] | Floats) -> Floats:
    array = np.asarray(vector, np.float32)
    return (array / np.linalg.norm(array)).astype(np.float32)


def _draw_solid(canvas: Canvas, camera: Camera, head: Head, world: Floats, light: Light, shadow: Shadow) -> None:
    """Skin, cloth and eyes: everything that hides what is behind it."""
    triangles = head.solid
    found = raster.fragments(camera.screen(world), triangles, width_px=canvas.width, height_px=canvas.height)
    winner = raster.nearest(found.pixel, found.depth, pixels=canvas.width * canvas.height)
    pixels = np.flatnonzero(winner >= 0)
    seen = found.take(winner[pixels])
    canvas.depth[pixels] = seen.depth
    occlusion = _occlusion(canvas)[pixels]
    rest = seen.interpolate(head.rest[triangles])
    place = seen.interpolate(world[triangles])
    normal = seen.interpolate((head.normals @ camera.turn.T)[triangles])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
    surface = head.surface(seen.triangle, rest, normal, camera.turn)
    irradiance = _irradiance(surface.normal, light, shadow.lit(place), occlusion, surface.softness)
    spread = _spread(canvas, pixels, irradiance, surface.softness)
    towards = _direction(light.key_from) * 0.75 + _direction(-(place - [0, 0, camera.view.distance_dm]).mean(0)) * 0.75
    half = _direction(towards)
    shine = np.clip(surface.normal @ half, 0, 1)
    highlight = surface.gloss * (0.10 * shine**18 + 0.22 * shine**60) * occlusion * shadow.lit(place)
    highlight += surface.mirror * (shine**400) * 3
    canvas.colour[pixels] = surface.albedo * spread + highlight[:, None] * np.array(light.key, np.float32)


def _irradiance(normal: Floats, light: Light, lit: Floats, occlusion: Floats, softness: Floats) -> Floats:
    """Diffuse light; red bleeds past the shadow's edge where the surface is soft as skin is."""
    wrap = softness[:, None] * np.array([0.32, 0.16, 0.10], np.float32)
    key = np.clip((normal @ _direction(light.key_from))[:, None] + wrap, 0, None) / (1 + wrap)
    fill = np.clip((normal @ _direction(light.fill_from))[:, None] + wrap, 0, None) / (1 + wrap)
    up = (0.5 + 0.5 * normal[:, 1])[:, None]
    ambient = up * np.array(light.sky, np.float32) + (1 - up) * np.array(light.ground, np.float32)
    soft_lit = lit[:, None] ** (1 - 0.35 * wrap)
    direct = key * soft_lit * np.array(light.key, np.float32) + fill * np.array(light.fill, np.float32)
    shade = occlusion[:, None] ** np.array([0.8, 1.0, 1.05], np.float32)
    return (direct * (0.45 + 0.55 * shade) + ambient * shade).astype(np.float32)


def _occlusion(canvas: Canvas) -> Floats:
    """Darken what lies deeper than its surroundings: creases, nostrils, the neck under the chin."""
    depth = canvas.depth.reshape(canvas.height, canvas.width)
    known = np.isfinite(depth)
    filled = np.where(known, depth, depth[known].max() if known.any() else 0).astype(np.float32)
    out = np.ones_like(filled)
    for sigma, strength in ((canvas.width / 220, 5.5), (canvas.width / 60, 2.2), (canvas.width / 22, 0.55)):
        around = _blurred(filled, sigma)
        out *= np.exp(-strength * np.clip(filled - around, 0, 0.4))
    return out.ravel()


def _blurred(image: Floats, sigma: float) -> Floats:
    """A Gaussian blur; wide ones at a quarter of the size, which nobody can see and which takes a tenth of the time."""
    if sigma < 8:
        return cv2.GaussianBlur(image, (0, 0), sigma).astype(np.float32)
    small = cv2.resize(image, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    return cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma / 4), image.shape[1::-1]).astype(np.float32)


def _spread(canvas: Canvas, pixels: Ints, irradiance: Floats, softness: Floats) -> Floats:
    """Let light travel a little under the skin: blur what falls on it, red widest."""
    field_ = np.zeros((canvas.width * canvas.height, 4), np.float32)
    field_[pixels, :3] = irradiance
    field_[pixels, 3] = 1
    image = field_.reshape(canvas.height, canvas.width, 4)
    spread = irradiance.copy()
    for channel, sigma in ((0, canvas.width / 240), (1, canvas.width / 520)):
        blurred = cv2.GaussianBlur(np.ascontiguousarray(image[..., [channel, 3]]), (0, 0), sigma).reshape(-1, 2)[pixels]
        soft = blurred[:, 0] / np.maximum(blurred[:, 1], 1e-3)
        spread[:, channel] += (soft - irradiance[:, channel]) * softness
    return spread


def _draw_lashes(canvas: Canvas, camera: Camera, head: Head, world: Floats) -> None:
    """Lashes are cards on the mesh; stripes of them are hair."""
    found = raster.fragments(
        camera.screen(world), head.lashes, width_px=canvas.width, height_px=canvas.height, cull=False
    )
    rest = found.interpolate(head.rest[head.lashes])
    stripes = np.sin(rest[:, 0] * 420 + rest[:, 1] * 60) > head.lash_gap
    visible = found.take(stripes & (found.depth < canvas.depth[found.pixel] + 0.03))
    canvas.colour[visible.pixel] *= np.float32(0.35)
    canvas.colour[visible.pixel] += np.float32(0.65) * np.array([0.012, 0.010, 0.009], np.float32)


def _halved(canvas: Canvas) -> Picture:
    cover = np.isfinite(canvas.depth).astype(np.float32)
    stacked = np.concatenate([canvas.colour * cover[:, None], cover[:, None]], axis=1)
    image = stacked.reshape(canvas.height, canvas.width, 4)
    size = (canvas.width // _SUPERSAMPLING, canvas.height // _SUPERSAMPLING)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return Picture(small[..., :3].astype(np.float32), small[..., 3].astype(np.float32))
