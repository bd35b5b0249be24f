"""Procedural skin: colour, gloss and relief of one person's face, neck and scalp, as maps wrapped round the head.

A map is a cylinder unrolled about the vertical axis through the head: column = azimuth, row = height, both of the
*undeformed* mesh. So every landmark stands at one place for everybody, and the shape targets carry it to where the
person has it. Lips and eyelids come from the data package's masks; all else is drawn here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from hardware_sim.faces.vectors import Floats, Ints, floats
from renderer import mesh, raster
from renderer.styles import beard_area

WIDTH_PX, HEIGHT_PX = 1536, 1024
Y_BOTTOM, Y_TOP = 5.0, 8.6  # below it everybody is dressed
AXIS_Z = 0.5  # the cylinder's axis stands at x = 0, z = AXIS_Z

_CANVAS_PX_PER_DM = 400  # frontal canvas on which wrinkles are drawn: x -1..1, y 6..8.6
_CANVAS_LEFT, _CANVAS_TOP = -1.0, 8.6


@dataclass(frozen=True)
class Skin:
    """What one person's skin looks like. Colours are sRGB, 0 to 1; the rest are amounts from 0 (none) to 1 (strong)."""

    tone: tuple[float, float, float]
    lips: tuple[float, float, float]
    redness: float = 0.4
    wrinkles: float = 0.0
    freckles: float = 0.0
    stubble: float = 0.0
    makeup: float = 0.0


@dataclass(frozen=True)
class Maps:
    """The maps of one person: `albedo` (h, w, 3) linear RGB, `gloss` (h, w), `slope` (h, w, 2) of the relief."""

    albedo: Floats
    gloss: Floats
    slope: Floats


def coordinates(rest: Floats) -> tuple[Floats, Floats]:
    """Return the map column and row, in pixels, of points (n, 3) of the undeformed mesh."""
    azimuth = np.arctan2(rest[:, 0], rest[:, 2] - AXIS_Z)
    column = (azimuth / (2 * np.pi) + 0.5) * WIDTH_PX
    row = (Y_TOP - rest[:, 1]) / (Y_TOP - Y_BOTTOM) * HEIGHT_PX
    return floats(column), floats(row)


def linear(colour: tuple[float, float, float] | Floats) -> Floats:
    """Turn sRGB, 0 to 1, into linear light."""
    return floats(floats(colour) ** 2.2)


@dataclass(frozen=True)
class _Places:
    """Where each texel lies on the undeformed mesh, and the package's masks, all (h, w)."""

    x: Floats
    y: Floats
    z: Floats
    lips: Floats
    eyelids: Floats


@lru_cache(maxsize=1)
def _places() -> _Places:
    base = mesh.base_mesh()
    column, row = coordinates(base.rest)
    radius = np.hypot(base.rest[:, 0], base.rest[:, 2] - AXIS_Z)
    screen = np.stack([column, row, -radius], axis=1)
    spans_seam = np.ptp(column[base.skin], axis=1) > WIDTH_PX / 2
    triangles = base.skin[~spans_seam]
    found = raster.fragments(screen, triangles, width_px=WIDTH_PX, height_px=HEIGHT_PX, cull=False)
    winner = raster.nearest(found.pixel, found.depth, pixels=WIDTH_PX * HEIGHT_PX)
    seen = found.take(winner[winner >= 0])
    rest = _filled(seen.interpolate(base.rest[triangles]), winner)
    uv = _filled(seen.interpolate(base.skin_uv[~spans_seam]), winner)
    return _Places(rest[..., 0], rest[..., 1], rest[..., 2], _mask("mpfb_lips", uv), _mask("mpfb_eyelids", uv))


def rest_places() -> Floats:
    """Return where each texel lies on the undeformed mesh, (h, w, 3); -9 where there is none."""
    at = _places()
    return np.stack([at.x, at.y, at.z], axis=-1)


def _filled(values: Floats, winner: Ints) -> Floats:
    out = np.full((winner.size, values.shape[1]), -9, np.float32)
    out[winner >= 0] = values
    return out.reshape(HEIGHT_PX, WIDTH_PX, -1)


def _mask(name: str, uv: Floats) -> Floats:
    path = mesh.data_folder() / "textures" / f"{name}.jpg"
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise mesh.FaceDataMissingError(f"no mask {name} in the data package")
    height, width = picture.shape
    column, row = uv[..., 0] * width, (1 - uv[..., 1]) * height
    mask = cv2.remap(picture, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    return floats(cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), 1.5))


def _near(x: float, y: float, width: float, height: float) -> Floats:
    """A soft spot on both halves of the face, 1 at its centre."""
    at = _places()
    spot = np.exp(-(((np.abs(at.x) - x) / width) ** 2) - ((at.y - y) / height) ** 2)
    return floats(spot * (at.z > 0.6))


def _noise(random: np.random.Generator, cell_px: float) -> Floats:
    """Smooth noise with mean 0 and deviation about 1."""
    coarse = random.normal(size=(int(HEIGHT_PX / cell_px) + 2, int(WIDTH_PX / cell_px) + 2)).astype(np.float32)
    fine = cv2.resize(coarse, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_CUBIC)
    return floats(fine / max(float(fine.std()), 1e-6))


def _beard_area() -> Floats:
    at = _places()
    full = beard_area(rest_places().reshape(-1, 3)).reshape(at.lips.shape)
    return floats(full * (1 - np.clip(at.lips * 2, 0, 1)))


def maps(skin: Skin, *, hair_colour: tuple[float, float, float], scalp: Floats, seed: int) -> Maps:
    """Draw the maps. `scalp` (h, w) says how far hair hides the skin at each texel."""
    random = np.random.default_rng(seed)
    at = _places()
    albedo = np.broadcast_to(linear(skin.tone), (HEIGHT_PX, WIDTH_PX, 3)).copy()
    blotches = 0.035 * _noise(random, 70) + 0.018 * _noise(random, 12) + 0.018 * _noise(random, 3)
    albedo *= np.exp(blotches)[..., None]
    albedo *= np.exp(0.02 * _noise(random, 30)[..., None] * np.array([1.0, -0.6, -0.8], np.float32))
    blood = 0.9 * _near(0.36, 6.98, 0.2, 0.14) + 0.8 * _near(0, 6.93, 0.13, 0.1) + 0.4 * _near(0, 6.33, 0.2, 0.1)
    blood += 0.8 * ((np.abs(at.x) > 0.7) & (at.y > 6.8) & (at.y < 7.4))
    albedo *= np.exp(-skin.redness * blood[..., None] * np.array([0.02, 0.30, 0.26], np.float32))
    shade = 0.30 * _near(0.31, 7.16, 0.16, 0.05) * (0.4 + skin.wrinkles) + 0.3 * at.eyelids
    albedo *= np.exp(-shade[..., None] * np.array([0.7, 1.0, 0.9], np.float32))
    _add_spots(albedo, skin.freckles, random)
    shadow = skin.stubble * _beard_area() * (0.75 + 0.25 * np.clip(_noise(random, 2), -1, 1))
    albedo = _mix(albedo, albedo * np.array([0.42, 0.46, 0.52], np.float32), shadow)
    lids = skin.makeup * (at.eyelids + 0.5 * _near(0.33, 7.39, 0.15, 0.035))
    albedo = _mix(albedo, albedo * np.array([0.55, 0.42, 0.45], np.float32), np.clip(lids, 0, 1))
    lip_lines = np.exp(0.03 * _noise(random, 3))[..., None]
    albedo = _mix(albedo, linear(skin.lips) * lip_lines, np.clip(at.lips * 1.1, 0, 1) * 0.85)
    roots = linear(hair_colour) * np.exp(0.3 * _noise(random, 2))[..., None]
    albedo = _mix(albedo, roots, scalp)

    gloss = np.full((HEIGHT_PX, WIDTH_PX), 0.6, np.float32)
    gloss += 0.5 * _near(0, 7.0, 0.09, 0.25) + 0.35 * _near(0, 7.75, 0.4, 0.15) + 0.25 * _near(0.4, 7.05, 0.12, 0.1)
    gloss += (0.6 + skin.makeup) * at.lips
    gloss *= np.exp(0.15 * _noise(random, 8)) * (1 - 0.8 * scalp) * (1 - 0.4 * shadow)

    relief = 0.0003 * _noise(random, 2.2) + 0.0002 * _noise(random, 5)
    relief += _wrinkles(skin.wrinkles, random) + 0.0012 * at.lips * _noise(random, 4)
    return Maps(floats(albedo), floats(gloss), _slope(floats(relief)))


def _mix(a: Floats, b: Floats, amount: Floats) -> Floats:
    return floats(a + (b - a) * amount[..., None])


def _add_spots(albedo: Floats, freckles: float, random: np.random.Generator) -> None:
    """A few moles for everybody; freckles over nose and cheeks for some."""
    layer = np.zeros((HEIGHT_PX, WIDTH_PX), np.float32)
    rows = (Y_TOP - random.uniform(6.3, 7.9, 7)) / (Y_TOP - Y_BOTTOM) * HEIGHT_PX
    for row in rows:
        column = WIDTH_PX * (0.5 + random.uniform(-0.2, 0.2))
        cv2.circle(layer, (int(column), int(row)), int(random.integers(1, 3)), float(random.uniform(0.3, 0.8)), -1)
    for _ in range(int(900 * freckles)):
        row = (Y_TOP - random.normal(7.05, 0.2)) / (Y_TOP - Y_BOTTOM) * HEIGHT_PX
        column = WIDTH_PX * (0.5 + random.normal(0, 0.09))
        cv2.circle(layer, (int(column), int(row)), int(random.integers(1, 3)), float(random.uniform(0.1, 0.45)), -1)
    layer = cv2.GaussianBlur(layer, (0, 0), 0.8).astype(np.float32)
    albedo *= np.exp(-layer[..., None] * np.array([0.6, 1.0, 1.2], np.float32))


_WRINKLE_LINES: tuple[tuple[float, tuple[tuple[float, float], ...]], ...] = (
    # depth, and points (x, y) of the right half; the left half is its mirror with other tremor
    (0.8, ((0.0, 7.66), (0.2, 7.68), (0.42, 7.64))),
    (0.9, ((0.0, 7.77), (0.2, 7.79), (0.45, 7.74))),
    (0.7, ((0.0, 7.88), (0.2, 7.90), (0.40, 7.86))),
    (0.7, ((0.07, 7.40), (0.06, 7.48), (0.08, 7.55))),
    (0.6, ((0.50, 7.31), (0.56, 7.34), (0.62, 7.38))),
    (0.6, ((0.51, 7.27), (0.58, 7.27), (0.64, 7.27))),
    (0.5, ((0.49, 7.23), (0.55, 7.20), (0.61, 7.16))),
    (1.5, ((0.18, 6.95), (0.25, 6.85), (0.32, 6.70), (0.34, 6.60))),
    (0.9, ((0.29, 6.57), (0.30, 6.48), (0.32, 6.38))),
    (0.9, ((0.17, 7.20), (0.25, 7.12), (0.36, 7.10), (0.46, 7.15))),
    (0.5, ((0.0, 6.44), (0.1, 6.43), (0.18, 6.40))),
)


def _wrinkles(amount: float, random: np.random.Generator) -> Floats:
    """Grooves where faces fold, drawn on a frontal canvas and wrapped."""
    at = _places()
    size = (int(2.6 * _CANVAS_PX_PER_DM), int(2 * _CANVAS_PX_PER_DM))
    canvas = np.zeros(size, np.float32)
    for depth, points in _WRINKLE_LINES:
        for mirror in (-1, 1):
            trembling = np.array(points) * [mirror, 1] + random.normal(0, 0.008, (len(points), 2))
            pixels = (trembling - [_CANVAS_LEFT, _CANVAS_TOP]) * [_CANVAS_PX_PER_DM, -_CANVAS_PX_PER_DM]
            cv2.polylines(canvas, [pixels.astype(np.int32)], isClosed=False, color=depth, thickness=2)
    canvas = cv2.GaussianBlur(canvas, (0, 0), 2.5) + 0.8 * cv2.GaussianBlur(canvas, (0, 0), 6)
    column = (at.x - _CANVAS_LEFT) * _CANVAS_PX_PER_DM
    row = (_CANVAS_TOP - at.y) * _CANVAS_PX_PER_DM
    wrapped = cv2.remap(canvas, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    return floats(-0.013 * amount * wrapped * (at.z > 0.8))


def _slope(relief: Floats) -> Floats:
    """Return the relief's rise per decimetre along azimuth and height."""
    column_dm = 2 * np.pi * 0.85 / WIDTH_PX  # at the face's mean distance from the axis
    row_dm = (Y_TOP - Y_BOTTOM) / HEIGHT_PX
    across = np.gradient(relief, axis=1) / column_dm
    up = -np.gradient(relief, axis=0) / row_dm
    return floats(np.clip(np.stack([across, up], axis=-1), -0.8, 0.8))
