"""Properties that all simulated camera pictures share: sizes, blur of the lens, noise of the sensor, encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from hardware_sim.faces.hall import Picture

FRAME_SIZE = (640, 480)
FRAMES = 24  # 1.6 seconds at 15 frames a second
PORTRAIT_SIZE = (413, 531)  # 35 x 45 mm at 300 dots an inch
NOISE_SIGMA = 0.9  # grey levels; a good sensor at a lit kiosk

_LENS_BLUR_PX = 0.6


def jpeg(picture: Picture, quality: int) -> bytes:
    """Return the picture as a JPEG; `quality` is 0 to 100."""
    ok, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not ok:
        raise RuntimeError("the picture cannot be encoded")
    return encoded.tobytes()


def with_noise(picture: Picture, *, seed: int, sigma: float = NOISE_SIGMA) -> Picture:
    """Return the picture with the lens's blur and the sensor's noise; `sigma` is in grey levels."""
    noise = np.random.default_rng(seed).standard_normal(picture.shape, np.float32) * np.float32(sigma)
    return np.clip(cv2.GaussianBlur(picture, (0, 0), _LENS_BLUR_PX) + noise, 0, 255).astype(np.uint8)


def animation(content: bytes) -> tuple[Picture, ...]:
    """Return the pictures of an animated AVIF file, each (h, w, 3) BGR. The arrays are shared and read-only."""
    found, read = cv2.imdecodeanimation(np.frombuffer(content, np.uint8))
    if not found:
        raise RuntimeError("no animation that can be decoded")
    pictures = tuple(picture.astype(np.uint8) for picture in read.frames)
    for picture in pictures:
        picture.flags.writeable = False
    return pictures
