"""The variation that a real lens adds to a loop: no repetition is exactly like another.

People and papers are loops of a second or two (`scenes`). A real camera never repeats a picture exactly, and a gate may
treat an exact repetition as a recording. Therefore the picture drifts by some pixels, the lamps flicker by a percent,
and the noise is always new. Video that is fed in behind the lens has none of this. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from hardware_sim.camera.scenes import Injected, Live, Scene, Shone
from hardware_sim.camera.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware_sim.camera.settings import Rgb
    from hardware_sim.faces.hall import Picture

FPS = 15
DRIFT_PX = 3.0  # whole pixels: fractions would soften a print's raster
WAVER = 0.012
GRAIN = 1  # grey levels, in addition to the loop's own noise

_RATES_HZ = (0.173, 0.291, 0.117)  # without a common multiple, so that the combination does not repeat


class Camera(Protocol):
    """The camera that plays the scenes."""

    def show(self, scene: Scene | Live) -> None:
        """Play a scene from its beginning."""


@dataclass(frozen=True, slots=True)
class LensScene:
    """A loop before a real lens."""

    scene: Scene
    nearness: Callable[[], float] = field(default=lambda: 1.0, compare=False)  # how much nearer the person appears

    def picture_at(self, at_s: float, *, display: Rgb, exposure: float, gain: float) -> Picture:
        """Return the loop's picture at this time, with variation, (h, w, 3) BGR."""
        index = round(at_s * FPS) % self.scene.loop_length
        scene = self.scene
        picture = scene.picture_under(index, display) if isinstance(scene, Shone) else scene.picture(index)
        if (nearness := self.nearness()) > 1.0:
            picture = _enlarged(picture, nearness)
        right, down, light = (np.sin(2 * np.pi * rate * at_s + phase) for phase, rate in enumerate(_RATES_HZ))
        drifted = np.roll(picture, (round(DRIFT_PX * float(down)), round(DRIFT_PX * float(right))), axis=(0, 1))
        dice = np.random.default_rng(round(at_s * 1000))
        lit = Settings(exposure=exposure * float(1 + WAVER * light), gain=gain).sensed(drifted, seed=index)
        grain = dice.integers(-GRAIN, GRAIN + 1, lit.shape, np.int8)
        return cv2.add(lit, grain, dtype=cv2.CV_8U).astype(np.uint8)


def _enlarged(picture: Picture, times: float) -> Picture:
    """Return the middle of a picture, enlarged by this factor."""
    height, width = picture.shape[:2]
    middle = cv2.getRotationMatrix2D((width / 2, height / 2), 0.0, times)
    return cv2.warpAffine(picture, middle, (width, height)).astype(np.uint8)


class Lens:
    """Shows scenes on a camera through a lens. Loops get variation; live scenes and fed-in video are not changed."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._nearness: Callable[[], float] = lambda: 1.0

    def show(self, scene: Scene | Live) -> None:
        """Play a scene from its beginning, with people at their normal distance."""
        self._nearness = lambda: 1.0
        self._camera.show(scene if isinstance(scene, Injected | Live) else LensScene(scene, self._near))

    def follow(self, nearness: Callable[[], float]) -> None:
        """Let the person in the scene appear nearer by the returned factor, until the next scene."""
        self._nearness = nearness

    def _near(self) -> float:
        return self._nearness()
