"""The pictures that the camera sends: a scene under the present settings. The world may call it from any thread.

Pictures of a loop are encoded when first due and kept while the settings are the usual ones. Live scenes, and all
scenes under other settings, are drawn for each picture.
"""

from __future__ import annotations

import enum
import random
import threading
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hardware_sim.camera.scenes import Empty, Injected, Live, Scene, Shone
from hardware_sim.camera.settings import Settings
from hardware_sim.faces import studio
from hardware_sim.faces.hall import Picture

if TYPE_CHECKING:
    from collections.abc import Callable

JPEG_QUALITY = 88
SCENES_KEPT_MAX = 32  # encoded scenes, about 2 MB each; the least recently shown is dropped first
_GARBAGE_BYTES = 20_000
_USUAL = Settings()


class _Mode(enum.Enum):
    PLAYING = enum.auto()
    STALLED = enum.auto()
    GARBAGE = enum.auto()


class Player:
    """Plays `Empty` until another scene is set: pictures of `size`, one each period."""

    def __init__(self, *, size: tuple[int, int], period_s: float) -> None:
        self._size = size
        self._period_s = period_s
        self._lock = threading.Lock()
        self._scene: Scene | Live = Empty()
        self._index = 0
        self._mode = _Mode.PLAYING
        self._settings = _USUAL
        self._encoded: dict[Scene, dict[int, bytes]] = {}
        self._noise = random.Random(0)

    # ── from any thread ──────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def settings(self) -> Settings:
        """Return the camera's settings."""
        with self._lock:
            return self._settings

    def adjust(self, change: Callable[[Settings], Settings]) -> None:
        """Change the settings from the next picture on. An error from `change` keeps the settings as they are."""
        with self._lock:
            self._settings = change(self._settings)

    def show(self, scene: Scene | Live) -> None:
        """Play a scene from its beginning; ends a stall and garbage."""
        with self._lock:
            self._scene, self._index, self._mode = scene, 0, _Mode.PLAYING

    def stall(self) -> None:
        """Send no pictures until the next scene."""
        with self._lock:
            self._mode = _Mode.STALLED

    def garbage(self) -> None:
        """Send noise instead of pictures until the next scene."""
        with self._lock:
            self._mode = _Mode.GARBAGE

    # ── from the camera's thread ─────────────────────────────────────────────────────────────────────────────────────

    def take(self, *, watched: bool) -> bytes | None:
        """Return the bytes that are due now and advance; None when nothing is sent."""
        with self._lock:
            mode, scene, index, settings = self._mode, self._scene, self._index, self._settings
            self._index = index + 1
        if mode is _Mode.STALLED or not watched:
            return None
        if mode is _Mode.GARBAGE:
            return self._noise.randbytes(_GARBAGE_BYTES)
        return self._jpeg(scene, index, settings)

    def _jpeg(self, scene: Scene | Live, index: int, settings: Settings) -> bytes:
        if isinstance(scene, Live) or (settings != _USUAL and not isinstance(scene, Injected)):
            return studio.jpeg(self._picture(scene, index, settings), JPEG_QUALITY)
        index %= scene.loop_length
        loop = self._encoded.pop(scene, {})
        self._encoded[scene] = loop  # the most recently shown is last
        while len(self._encoded) > SCENES_KEPT_MAX:
            del self._encoded[next(iter(self._encoded))]
        if index not in loop:
            loop[index] = encoded(scene, index, self._size)
        return loop[index]

    def _picture(self, scene: Scene | Live, index: int, settings: Settings) -> Picture:
        if isinstance(scene, Live):
            picture = scene.picture_at(
                index * self._period_s, display=settings.display, exposure=settings.exposure, gain=settings.gain
            )
            return fitted(picture, self._size)
        index %= scene.loop_length
        if isinstance(scene, Injected):
            return fitted(scene.picture(index), self._size)
        picture = scene.picture_under(index, settings.display) if isinstance(scene, Shone) else scene.picture(index)
        return settings.sensed(fitted(picture, self._size), seed=index)


def encoded(scene: Scene, index: int, size: tuple[int, int] = (640, 480)) -> bytes:
    """Return picture `index` of the scene's loop as the JPEG that the camera sends."""
    return studio.jpeg(fitted(scene.picture(index), size), JPEG_QUALITY)


def fitted(picture: Picture, size: tuple[int, int]) -> Picture:
    """Return a picture in the camera's size, with black margins when its aspect ratio differs."""
    height, width = picture.shape[:2]
    if (width, height) == size:
        return picture
    scale = min(size[0] / width, size[1] / height)
    inner = round(width * scale), round(height * scale)
    scaled = cv2.resize(picture, inner, interpolation=cv2.INTER_AREA).astype(np.uint8)
    if inner == size:
        return scaled
    out = np.zeros((size[1], size[0], 3), np.uint8)
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    out[top : top + inner[1], left : left + inner[0]] = scaled
    return out
