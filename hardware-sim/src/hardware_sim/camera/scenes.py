"""Scenes before the camera: a loop of pictures that repeats, or a live scene, drawn for each time.

Scenes are small frozen values, so that a camera can cache encoded pictures. `hardware_sim.faces` and
`hardware_sim.sequences` provide the people; this module composes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import cv2
import numpy as np

from hardware_sim.faces import studio
from hardware_sim.faces.hall import Picture, hall
from hardware_sim.faces.vectors import Floats, floats

if TYPE_CHECKING:
    from hardware_sim.camera.settings import Rgb
    from hardware_sim.faces import Identity
    from hardware_sim.faces.hall import Picture
    from hardware_sim.sequences import Sequence


_PAPER_BLACK, _PAPER_WHITE = 38.0, 226.0  # grey levels of ink and paper under the kiosk's light
_DOT_PX = 3.2  # pitch of the printer's raster, in pixels of the portrait
_BORDER_PX = 22
_SCREEN_ANGLES = (15.0, 75.0, 45.0)  # degrees, one for each colour, as in printing
SHARE = 0.55  # light of a bright display at arm's length, relative to the hall's key light
_EYES = (0.5, 0.46)  # relative to width and height of a live frame
_FRONT = 0.62  # share of the display's light that counts in the middle of a face
_SLOPE = 3.0  # increase away from the window, for each frame's height
_LINEAR = floats((np.arange(256) / 255) ** 2.2)
_STEPS = 1024
_GAMMA = np.round((np.arange(_STEPS) / (_STEPS - 1)) ** (1 / 2.2) * 255).astype(np.uint8)
_EMPTY_LOOP_LENGTH = 8
_SEAM_PX = 24
_COVERED_LEVEL = 5


def printed(portrait: Picture) -> Picture:
    """Return a printed picture of a face, the simplest attack on a gate: the portrait in ink on paper, with a border.

    Simulates printing: few and flat colours, a raster of dots, paper that is neither black nor white, one flat sheet.
    """
    ink = portrait.astype(np.float32) / 255
    height, width = ink.shape[:2]
    row, column = np.mgrid[0:height, 0:width].astype(np.float32)
    dotted = np.empty_like(ink)
    for channel, angle in enumerate(np.radians(_SCREEN_ANGLES)):
        u = (column * np.cos(angle) + row * np.sin(angle)) * (2 * np.pi / _DOT_PX)
        v = (-column * np.sin(angle) + row * np.cos(angle)) * (2 * np.pi / _DOT_PX)
        threshold = 0.5 + 0.25 * (np.cos(u) + np.cos(v))
        dotted[..., channel] = np.clip((ink[..., channel] - threshold) * 2.5 + 0.5, 0, 1)
    flat = cv2.GaussianBlur(0.45 * ink + 0.55 * dotted, (0, 0), 0.7)
    grey = flat.mean(axis=2, keepdims=True)
    faded = grey + (flat - grey) * 0.72
    sheet = np.full((height + 2 * _BORDER_PX, width + 2 * _BORDER_PX, 3), _PAPER_WHITE, np.float32)
    sheet[_BORDER_PX:-_BORDER_PX, _BORDER_PX:-_BORDER_PX] = _PAPER_BLACK + faded * (_PAPER_WHITE - _PAPER_BLACK)
    return np.clip(sheet, 0, 255).astype(np.uint8)


def held_print(sheet: Picture, scene: Picture, *, centre_px: tuple[float, float], scale: float, tilt: float) -> Picture:
    """Return `scene` with the sheet before it, turned by `tilt` radians in the plane and slightly out of it."""
    height, width = sheet.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    offset = (corners - [width / 2, height / 2]) * scale
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    turned = offset @ turn.T
    turned *= 1 + 0.0002 * offset[:, 1:] + 0.6 * tilt * offset[:, :1] / width  # the upper edge leans back
    target = (turned + centre_px).astype(np.float32)
    transform = cv2.getPerspectiveTransform(corners, target)
    size = scene.shape[1::-1]
    flat = cv2.warpPerspective(sheet, transform, size, flags=cv2.INTER_AREA)
    mask = cv2.warpPerspective(np.full((height, width), 255, np.uint8), transform, size, flags=cv2.INTER_LINEAR)
    gloss = np.linspace(1.06, 0.92, size[0], dtype=np.float32)[None, :, None]
    cover = (mask.astype(np.float32) / 255)[..., None]
    return np.clip(scene * (1 - cover) + flat * gloss * cover, 0, 255).astype(np.uint8)


def shone_at_person(picture: Picture, display: Rgb) -> Picture:
    """Return a live frame with the display's light on the person: an approximation.

    A pixel's colour is taken as its reflectance, so added frontal light brightens it in its own colour. On a person the
    light falls off as on a dome over the head and shoulders, and counts less on the side of the hall's window; paper
    reflects it evenly. Sequences are more exact, because they have the face's shape (`hardware_sim.sequences`). The
    slope follows their faces: 0.17 more light on one cheek, 0.35 on the other.
    """
    return shone_at(picture, display, _dome(picture.shape[1], picture.shape[0]))


def shone_at(picture: Picture, display: Rgb, share: Floats | np.float32) -> Picture:
    """Return a picture with the display's light; `share` of it reaches each pixel."""
    if not any(display):
        return picture
    added = 1 + np.float32(SHARE) * floats(display[::-1]) * share
    light = np.minimum(cv2.LUT(picture, _LINEAR) * added, 1)
    return _GAMMA[(light * (_STEPS - 1)).astype(np.int16)]


@lru_cache(maxsize=4)
def _dome(width: int, height: int) -> Floats:
    """Return the share of frontal light that reaches each pixel of a live frame, (h, w, 1)."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = (x / width - _EYES[0]) * width / height, y / height - _EYES[1]
    head = np.sqrt(np.maximum(1 - (x / 0.23) ** 2 - ((y - 0.03) / 0.36) ** 2, 0))
    body = 0.7 * np.sqrt(np.maximum(1 - (x / 0.62) ** 2, 0)) * (y > 0.3 + 0.2 * np.abs(x))
    away = np.clip(_FRONT + _SLOPE * x, 0.3, 1.0)
    return floats(cv2.GaussianBlur(floats(np.maximum(head, body) * away), (0, 0), 4))[..., None]


class Scene(Protocol):
    """A loop of pictures, (480, 640, 3) BGR each. Hashable: equal scenes have equal pictures."""

    def __hash__(self) -> int:
        """Return the same value for equal scenes."""

    @property
    def loop_length(self) -> int:
        """Return the number of pictures in the loop."""

    def picture(self, index: int) -> Picture:
        """Return the picture at `index` of the loop."""


@runtime_checkable
class Shone(Protocol):
    """A loop that shows the light of the traveller's display, approximately."""

    def picture_under(self, index: int, display: Rgb) -> Picture:
        """Return the picture at `index` of the loop under the display's light, linear, 0 to 1."""


@runtime_checkable
class Live(Protocol):
    """A scene without repetition: drawn for each time, under the camera's settings."""

    def picture_at(self, at_s: float, *, display: Rgb, exposure: float, gain: float) -> Picture:
        """Return the picture at this time after the scene's beginning."""


@dataclass(frozen=True, slots=True)
class Playing:
    """A sequence, played once; at the end people remain as they are."""

    sequence: Sequence

    def picture_at(self, at_s: float, *, display: Rgb, exposure: float, gain: float) -> Picture:
        """Return the sequence's frame."""
        return self.sequence.frame(at_s, display=display, exposure=exposure, gain=gain)


@dataclass(frozen=True, slots=True)
class Injected:
    """Recorded video fed in behind the lens: a scene's loop, whatever the camera's settings or the display's light."""

    scene: Scene

    @property
    def loop_length(self) -> int:
        """Return the loop length of the recorded scene."""
        return self.scene.loop_length

    def picture(self, index: int) -> Picture:
        """Return the recorded picture."""
        return self.scene.picture(index)


@dataclass(frozen=True, slots=True)
class Covered:
    """A hand or tape on the lens: black, with the sensor's noise."""

    def picture_at(self, at_s: float, *, display: Rgb, exposure: float, gain: float) -> Picture:
        """Return the small rest of light that comes through."""
        del display, exposure, gain
        width, height = studio.FRAME_SIZE
        dark = np.full((height, width, 3), _COVERED_LEVEL, np.uint8)
        return studio.with_noise(dark, seed=round(at_s * 1000), sigma=1.5)


@dataclass(frozen=True, slots=True)
class Empty:
    """The hall without a person in front of the camera."""

    @property
    def loop_length(self) -> int:
        """Return the number of pictures: enough that the noise visibly changes."""
        return _EMPTY_LOOP_LENGTH

    def picture(self, index: int) -> Picture:
        """Return the hall with fresh sensor noise."""
        return studio.with_noise(hall(), seed=index)


@dataclass(frozen=True, slots=True)
class Person:
    """One traveller at the kiosk, swaying slightly."""

    identity: Identity

    @property
    def loop_length(self) -> int:
        """Return the identity's own loop."""
        return self.identity.loop_length

    def picture(self, index: int) -> Picture:
        """Return the identity's live frame."""
        return self.identity.frame(index)

    def picture_under(self, index: int, display: Rgb) -> Picture:
        """Return the live frame with the display's light on the person."""
        return shone_at_person(self.picture(index), display)


@dataclass(frozen=True, slots=True)
class Persons:
    """Two people side by side, `left` and `right` in the picture, with independent movement."""

    left: Identity
    right: Identity

    @property
    def loop_length(self) -> int:
        """Return the shorter of the two loops."""
        return min(self.left.loop_length, self.right.loop_length)

    def picture(self, index: int) -> Picture:
        """Join the middle of both live frames along a soft seam."""
        return self.picture_under(index, (0.0, 0.0, 0.0))

    def picture_under(self, index: int, display: Rgb) -> Picture:
        """Return the same with the display's light on both."""
        left = shone_at_person(self.left.frame(index), display)
        right = shone_at_person(self.right.frame((index + self.loop_length // 2) % self.loop_length), display)
        width = left.shape[1]
        quarter = width // 4
        share = np.clip((np.arange(width) - width / 2) / _SEAM_PX + 0.5, 0, 1)[None, :, None]
        joined = np.roll(left, -quarter, axis=1) * (1 - share) + np.roll(right, quarter, axis=1) * share
        picture: Picture = joined.astype(np.uint8)
        return picture


@dataclass(frozen=True, slots=True)
class PrintedPicture:
    """A print of the identity's passport portrait, held in a hand."""

    identity: Identity

    @property
    def loop_length(self) -> int:
        """Return the loop length of the person."""
        return studio.FRAMES

    def picture(self, index: int) -> Picture:
        """Return the print before the hall, moving as in a hand."""
        return self.picture_under(index, (0.0, 0.0, 0.0))

    def picture_under(self, index: int, display: Rgb) -> Picture:
        """Return the same with the display's light on the paper."""
        turn = 2 * np.pi * index / self.loop_length
        width, height = studio.FRAME_SIZE
        scene = held_print(
            shone_at(_sheet(self.identity), display, np.float32(1)),
            hall(width, height),
            centre_px=(width / 2 + 6 * np.sin(turn), height / 2 + 4 * np.sin(2 * turn + 0.4)),
            scale=0.8 + 0.015 * float(np.sin(turn + 1)),
            tilt=0.03 + 0.025 * float(np.sin(turn + 2)),
        )
        return studio.with_noise(scene, seed=index)


@lru_cache(maxsize=4)
def _sheet(identity: Identity) -> Picture:
    return printed(identity.portrait())
