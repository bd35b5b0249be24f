"""Materials of artefacts: paper, which reflects light, and screens, which emit it.

A material returns the linear light of the part of a sheet that the frame sees (`surface.Spot`). Paper reflects a screen
beside the lens evenly, without a face's shading; a screen reflects only a little of it on its glass.
Pictures are passport portraits, as an attacker could have them, or frames of a recorded sequence.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hardware_sim.faces.identity import identities
from hardware_sim.faces.vectors import Floats, floats, unit
from hardware_sim.sequences import poses, relight
from hardware_sim.sequences.values import EXPOSURE_S, Lighting

if TYPE_CHECKING:
    from hardware_sim.faces.hall import Picture
    from hardware_sim.sequences.surface import Spot

TEXTURES_KEPT = 4  # 6 MB each
PORTRAIT_PX_PER_DM = 153.0
PORTRAIT_EYES = (0.5, 0.45)  # share of width and height

_TEXTURE_PX_PER_CM = 28.0
_INK_BLACK, _PAPER_WHITE = 0.035, 0.80
_SCREEN_WHITE = floats([0.80, 0.74, 0.68])  # BGR: screens are bluer than the lamps here
_SCREEN_BLACK = 0.012
_BEZEL = 0.012
_HAZE = 0.012  # share of the incoming light that the glass scatters evenly
_GLARE = 0.02  # share of a lamp's light that the coated glass mirrors
_LINE_S = 1 / 30 / 480  # rolling shutter: time from one sensor line to the next


class Print(enum.Enum):
    """How a picture is printed."""

    LASER = "laser"  # visible raster of dots, on dull paper
    INKJET = "inkjet"  # random droplets
    PHOTO = "photo"  # fine, on glossy paper


class Cut(enum.Enum):
    """Where a print is cut."""

    EYES = "eyes"
    FACE = "face"  # along the head, and around the eyes


@dataclass(frozen=True, slots=True)
class Paper:
    """A print of a portrait that fills the sheet except for a white border; `life` is the face's scale, 1 in life."""

    identity: str
    width_cm: float
    height_cm: float
    process: Print = Print.LASER
    life: float = 0.8
    border_cm: float = 0.8
    cut: Cut | None = None

    def radiance(self, spot: Spot, at_s: float, lighting: Lighting) -> Floats:
        """Return the reflected light, (h, w, 3) linear BGR."""
        del at_s  # paper does not change
        texture, scale = _printed(self), _TEXTURE_PX_PER_CM
        if spot.px_per_cm < 0.6 * scale:
            texture, scale = _halved(self), scale / 2
        albedo = _sampled(texture, spot, scale, self.width_cm, self.height_cm)
        matt, shine = falling(spot, lighting, sharpness=60 if self.process is Print.PHOTO else 14)
        gloss = 0.10 if self.process is Print.PHOTO else 0.03
        return floats(albedo * spot.spread(matt) + gloss * spot.spread(shine))

    def opacity(self, spot: Spot) -> Floats | None:
        """Return the share of paper at each pixel, (h, w); None for an uncut sheet."""
        if self.cut is None:
            return None
        dm = self.life * 10  # centimetres on the sheet for a decimetre of the face
        x, y = floats(spot.u / dm), floats((spot.v - self.eyes_cm[1]) / dm)
        soft = spot.px_per_cm * dm
        holes: Floats = np.ones(x.shape, np.float32)
        for side in (-1, 1):
            holes = floats(
                holes * np.clip((np.hypot((x - side * 0.31) / 0.21, y / 0.12) - 1) * 0.14 * soft + 0.5, 0, 1)
            )
        if self.cut is Cut.FACE:
            holes = floats(holes * np.clip((1 - np.hypot(x / 0.78, (y - 0.18) / 1.18)) * 0.8 * soft + 0.5, 0, 1))
        return holes

    @property
    def eyes_cm(self) -> tuple[float, float]:
        """Return the point between the eyes, in centimetres from the sheet's centre."""
        return 0.0, (PORTRAIT_EYES[1] - 0.5) * self.height_cm

    @property
    def cm_per_dm(self) -> float:
        """Return the centimetres on the sheet for a decimetre of the face."""
        return 10 * self.life


@lru_cache(maxsize=16)
def portrait(name: str) -> Picture:
    """Return a person's passport portrait, BGR."""
    return next(identity for identity in identities() if identity.name == name).portrait()


@lru_cache(maxsize=TEXTURES_KEPT)
def _printed(paper: Paper) -> Floats:
    """Return the sheet's albedo, linear BGR."""
    width, height = round(paper.width_cm * _TEXTURE_PX_PER_CM), round(paper.height_cm * _TEXTURE_PX_PER_CM)
    picture = portrait(paper.identity)
    scale = paper.life * 10 * _TEXTURE_PX_PER_CM / PORTRAIT_PX_PER_DM
    move = floats(
        [
            [scale, 0, width / 2 - scale * PORTRAIT_EYES[0] * picture.shape[1]],
            [0, scale, height * PORTRAIT_EYES[1] - scale * PORTRAIT_EYES[1] * picture.shape[0]],
        ]
    )
    large = cv2.warpAffine(picture, move, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    ink = floats(large.astype(np.float32) / 255)
    grey = ink.mean(axis=2, keepdims=True)
    ink = floats(_processed(floats(grey + (ink - grey) * 0.8), paper.process) ** 2.2)
    sheet = np.full((height, width, 3), _PAPER_WHITE, np.float32)
    edge = round(paper.border_cm * _TEXTURE_PX_PER_CM)
    inner = np.s_[edge : height - edge, edge : width - edge]
    sheet[inner] = _INK_BLACK + ink[inner] * (_PAPER_WHITE - _INK_BLACK)
    grain = np.random.default_rng(7).standard_normal((height, width, 1), np.float32)
    return floats(np.clip(sheet * (1 + 0.012 * grain), 0, 1))


@lru_cache(maxsize=TEXTURES_KEPT)
def _halved(paper: Paper) -> Floats:
    return floats(cv2.resize(_printed(paper), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))


def _processed(ink: Floats, process: Print) -> Floats:
    height, width = ink.shape[:2]
    if process is Print.PHOTO:
        return ink
    if process is Print.INKJET:
        random = np.random.default_rng(11).random((height, width, 3), np.float32)
        drops = np.clip((ink - random) * 3 + 0.5, 0, 1)
        return floats(cv2.GaussianBlur(floats(0.72 * ink + 0.28 * drops), (0, 0), 0.8))
    row, column = np.mgrid[0:height, 0:width].astype(np.float32)
    pitch = 0.085 * _TEXTURE_PX_PER_CM  # a coarse raster; 30 dots a centimetre are usual
    dotted = np.empty_like(ink)
    for channel, angle in enumerate(np.radians((15.0, 75.0, 45.0))):
        along = (column * np.cos(angle) + row * np.sin(angle)) * (2 * np.pi / pitch)
        across = (row * np.cos(angle) - column * np.sin(angle)) * (2 * np.pi / pitch)
        threshold = 0.5 + 0.25 * (np.cos(along) + np.cos(across))
        dotted[..., channel] = np.clip((ink[..., channel] - threshold) * 2.5 + 0.5, 0, 1)
    return floats(cv2.GaussianBlur(floats(0.5 * ink + 0.5 * dotted), (0, 0), 0.6))


def _sampled(texture: Floats, spot: Spot, px_per_cm: float, width_cm: float, height_cm: float) -> Floats:
    column = (spot.u + width_cm / 2) * px_per_cm - 0.5
    row = (spot.v + height_cm / 2) * px_per_cm - 0.5
    return floats(cv2.remap(texture, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def falling(spot: Spot, lighting: Lighting, *, sharpness: float) -> tuple[Floats, Floats]:
    """Return the light of a matt white sheet and the added light of a mirroring one, BGR, on the spot's coarse grid."""
    weights = relight.weights(lighting)
    up = (0.5 + 0.5 * spot.normal[..., 1])[..., None]
    ambient = poses.LIGHTS[poses.AMBIENT]
    matt = weights[poses.AMBIENT] * (up * floats(ambient.sky[::-1]) + (1 - up) * floats(ambient.ground[::-1]))
    shine = np.zeros_like(matt)
    for index in (poses.WINDOW, poses.LAMP, poses.FRONT):
        light = poses.LIGHTS[index]
        towards, colour = unit(light.key_from), weights[index] * floats(light.key[::-1])
        matt = matt + np.clip(spot.normal @ towards, 0, None)[..., None] * colour
        half = unit((spot.towards_lens + towards).reshape(-1, 3)).reshape(spot.normal.shape)
        glance = np.clip((spot.normal * half).sum(-1), 0, 1) ** sharpness
        shine += glance[..., None] * colour
    return floats(matt), floats(shine)


@dataclass(frozen=True, slots=True)
class Panel:
    """A display: its lit area, its bezel, the pitch of its pixels, and the frequency at which its lamp flickers."""

    width_cm: float
    height_cm: float
    bezel_cm: float
    pitch_cm: float
    flicker_hz: float
    flicker_depth: float

    def radiance(self, picture: Picture, spot: Spot, at_s: float, lighting: Lighting) -> Floats:
        """Return the light of a picture on the panel, (h, w, 3) linear BGR."""
        scale = picture.shape[1] / self.width_cm
        smaller = picture
        if spot.px_per_cm < 0.6 * scale:
            smaller = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).astype(np.uint8)
            scale /= 2
        shown = _sampled(_light_of(smaller), spot, scale, self.width_cm, self.height_cm)
        shown *= self._grid(spot) * self._flicker(spot, at_s)
        lit = np.minimum(self.width_cm / 2 - np.abs(spot.u), self.height_cm / 2 - np.abs(spot.v))
        lit = np.clip(lit * spot.px_per_cm + 0.5, 0, 1)[..., None]
        matt, shine = falling(spot, lighting, sharpness=220)
        glass = _HAZE * spot.spread(matt) + _GLARE * spot.spread(shine)
        return floats(shown * lit + _BEZEL * spot.spread(matt) * (1 - lit) + glass)

    def _grid(self, spot: Spot) -> Floats:
        """Return the moire between the stripes of red, green and blue and the sensor's grid.

        The stripes are sampled at the sensor's pixels. A pixel's width averages most of them out.
        """
        cycles = 1 / (spot.px_per_cm * self.pitch_cm)  # stripes for each pixel of the sensor
        left = 0.9 * abs(float(np.sinc(cycles * 0.9)))
        across = 2 * np.pi / self.pitch_cm * spot.u
        down = np.cos(2 * np.pi / self.pitch_cm * spot.v) * np.float32(0.6 * left)
        stripes = [np.cos(across + np.float32(2 * np.pi * channel / 3)) for channel in (0, 1, 2)]
        return floats(1 + np.float32(left) * np.stack(stripes, axis=-1) + down[..., None])

    def _flicker(self, spot: Spot, at_s: float) -> Floats:
        """Return the dark bands of a dimmed lamp on a rolling-shutter sensor, (h, 1, 1)."""
        rows = spot.corner[1] + np.arange(spot.u.shape[0], dtype=np.float32)
        left = self.flicker_depth * float(np.sinc(self.flicker_hz * EXPOSURE_S))
        return floats(1 + left * np.cos(2 * np.pi * self.flicker_hz * (at_s + rows * _LINE_S)))[:, None, None]


_EMITTED = floats((np.arange(256) / 255) ** 2.2)


def _light_of(picture: Picture) -> Floats:
    table = _SCREEN_BLACK + _EMITTED[:, None] * _SCREEN_WHITE
    return floats(cv2.LUT(picture, floats(table)[None]))


TABLET = Panel(15.0, 19.5, 1.1, pitch_cm=0.0115, flicker_hz=240.0, flicker_depth=0.25)
MONITOR = Panel(26.0, 33.8, 1.6, pitch_cm=0.0277, flicker_hz=110.0, flicker_depth=0.3)
PHONE = Panel(6.8, 14.2, 0.4, pitch_cm=0.0060, flicker_hz=96.0, flicker_depth=0.15)
