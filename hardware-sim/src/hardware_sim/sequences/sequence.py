"""A sequence: the people and objects before the lens, the light, and the duration. A value; its frames are pure.

`frame(at_s)` draws any moment, `truth(at_s)` returns its ground truth. The caller may give the display's light, as a
screen beside the lens does in service.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from hardware_sim.faces.hall import hall
from hardware_sim.faces.vectors import Floats, floats
from hardware_sim.sequences.values import FPS, KIOSK, FrameTruth, Lens, Lighting, PersonTruth, Rgb, Timeline, still

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hardware_sim.faces.hall import Picture
    from hardware_sim.sequences.actor import Layer


LENS_BLUR_PX = 0.6
_KNEE = 0.6
_STEPS = 4096
_GAMMA = np.round((np.arange(_STEPS) / (_STEPS - 1)) ** (1 / 2.2) * 255).astype(np.uint8)
_NOISE_SHIFT_PX = 64
DURATION_S_MAX = 60.0
THINGS_MAX = 8
_LIT = still(Lighting())
NOISE_SIGMA = 0.9  # grey levels; a good sensor at a lit kiosk


@lru_cache(maxsize=8)
def background(lens: Lens, seed: int, level: float, backlit: float) -> Floats:
    """Return the hall in linear light, BGR, (h, w, 3). Read-only by convention: the array is cached."""
    picture = hall(lens.width_px, lens.height_px, seed)
    brightness = np.float32(level**0.8 * (1 + 2.2 * backlit))
    return floats((picture.astype(np.float32) / 255) ** 2.2 * brightness)


def behind(lens: Lens, seed: int, lighting: Lighting) -> Floats:
    """Return a copy of the hall under a light; the level is rounded to a fiftieth."""
    return background(lens, seed, round(lighting.level * 50) / 50, round(lighting.backlit * 50) / 50).copy()


def lay(frame: Floats, layer: Floats, corner: tuple[int, int]) -> None:
    """Draw a layer over the frame, in place. A soft shoulder keeps its highlights from clipping."""
    height, width = layer.shape[:2]
    if not layer.size:
        return
    left, top = corner
    part = frame[top : top + height, left : left + width]
    over = np.maximum(layer[..., :3] - _KNEE, 0)
    part *= 1 - layer[..., 3:]
    part += np.minimum(layer[..., :3], _KNEE) + over / (1 + over / (1 - _KNEE))


def developed(frame: Floats, *, seed: int, sigma: float) -> Picture:
    """Return the frame as BGR bytes with noise; `sigma` is in grey levels."""
    steps = np.clip(frame * (_STEPS - 1), 0, _STEPS - 1).astype(np.uint16)
    picture = cv2.GaussianBlur(_GAMMA[steps], (0, 0), LENS_BLUR_PX)
    if not sigma:
        return picture.astype(np.uint8)
    return cv2.add(picture, _noise(picture.shape[:2], seed, sigma), dtype=cv2.CV_8U).astype(np.uint8)


def _noise(shape: tuple[int, int], seed: int, sigma: float) -> NDArray[np.int16]:
    """Return the noise of one frame, cut from a larger sheet."""
    right, down = np.random.default_rng(seed).integers(0, _NOISE_SHIFT_PX, 2)
    sheet = _noise_sheet(shape, seed % 4, round(sigma, 1))
    return np.ascontiguousarray(sheet[down : down + shape[0], right : right + shape[1]])


@lru_cache(maxsize=8)
def _noise_sheet(shape: tuple[int, int], seed: int, sigma: float) -> NDArray[np.int16]:
    size = (shape[0] + _NOISE_SHIFT_PX, shape[1] + _NOISE_SHIFT_PX, 3)
    noise = np.random.default_rng(seed).standard_normal(size, np.float32) * np.float32(sigma)
    return np.round(noise).astype(np.int16)


class Thing(Protocol):
    """An object or person before the lens. Hashable: equal things look alike."""

    def __hash__(self) -> int:
        """Return the same value for equal things."""

    def distance_cm(self, at_s: float) -> float:
        """Return the distance from the lens; nearer things hide farther ones."""

    def layer(self, at_s: float, lens: Lens, lighting: Lighting) -> Layer:
        """Return the drawn thing."""

    def truths(self, at_s: float, lens: Lens) -> tuple[PersonTruth, ...]:
        """Return the truth of the faces that it shows."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence by `name`; `hall` seeds the background."""

    name: str
    duration_s: float
    things: tuple[Thing, ...]
    lighting: Timeline[Lighting] = _LIT
    lens: Lens = KIOSK
    hall: int = 0
    noise_sigma: float = NOISE_SIGMA

    def __post_init__(self) -> None:
        if not 0 < self.duration_s <= DURATION_S_MAX:
            raise ValueError(f"duration out of range: {self.duration_s}")
        if len(self.things) > THINGS_MAX:
            raise ValueError(f"more than {THINGS_MAX} things before the lens")

    @property
    def length(self) -> int:
        """Return the number of frames, at FPS frames a second."""
        return max(1, round(self.duration_s * FPS))

    def light(self, at_s: float, display: Rgb | None = None) -> Lighting:
        """Return the light at a time; `display` None means the sequence's own display light."""
        lighting = self.lighting.at(at_s)
        return lighting if display is None else replace(lighting, display=display)

    def frame(self, at_s: float, *, display: Rgb | None = None, exposure: float = 1.0, gain: float = 1.0) -> Picture:
        """Return the frame at a time, (h, w, 3) BGR. `exposure` and `gain` multiply the light; gain adds noise."""
        lighting = self.light(at_s, display)
        light = behind(self.lens, self.hall, lighting)
        for thing in sorted(self.things, key=lambda thing: -thing.distance_cm(at_s)):
            lay(light, *thing.layer(at_s, self.lens, lighting))
        if exposure * gain != 1:
            light *= np.float32(exposure * gain)
        return developed(light, seed=round(at_s * 1000), sigma=self.noise_sigma * max(gain, 1.0))

    def truth(self, at_s: float, *, display: Rgb | None = None) -> FrameTruth:
        """Return the truth of the frame at a time. People out of the picture are left out."""
        things = sorted(self.things, key=lambda thing: thing.distance_cm(at_s))
        faces = [face for thing in things for face in thing.truths(at_s, self.lens) if face.visible > 0]
        return FrameTruth(at_s, tuple(faces), self.light(at_s, display))
