"""The one real face: the portrait of an astronaut, in the public domain as a work of NASA (`astronaut.png` in scikit-image).

There is one photograph only, so the portrait and the live frames are parts of the same picture: turned, shifted, tilted as a
flat sheet would be, under changing light. A comparison of the two says nothing about an embedder; the person is here because
rendered faces are not.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hardware_sim.faces import studio

if TYPE_CHECKING:
    from hardware_sim.faces.hall import Picture

NAME = "eileen"

_PHOTOGRAPH = Path(__file__).with_name("astronaut.webp")  # lossless
_EYES_PX = (222.0, 105.0)  # the point between the eyes in the photograph
_EYE_DISTANCE_PX = 42.0


def photograph() -> Picture:
    """Read the photograph, (512, 512, 3) BGR."""
    picture = cv2.imread(str(_PHOTOGRAPH))
    assert picture is not None, "a picture of ours"
    return picture.astype(np.uint8)


def portrait() -> Picture:
    """Return the passport portrait."""
    width, height = studio.PORTRAIT_SIZE
    return _cut(studio.PORTRAIT_SIZE, eyes_px=(width / 2, height * 0.40), eye_distance_px=92)


def frames() -> list[Picture]:
    """Return the loop of live frames."""
    width, _ = studio.FRAME_SIZE
    out = []
    for index in range(studio.FRAMES):
        turn = 2 * np.pi * index / studio.FRAMES
        picture = _cut(
            studio.FRAME_SIZE,
            eyes_px=(width / 2 + 7 * np.sin(turn + 0.6), 172 + 3 * np.sin(2 * turn)),
            eye_distance_px=70 * (1 + 0.015 * np.cos(turn)),
            roll=np.radians(2.0) * np.sin(turn + 1.0),
            lean=0.00012 * np.sin(turn),
        )
        across = np.linspace(-1, 1, width, dtype=np.float32)[None, :, None]
        light = 0.95 + 0.05 * np.cos(turn) * across
        out.append(studio.with_noise(np.clip(picture * light, 0, 255).astype(np.uint8), seed=index))
    return out


def _cut(
    size: tuple[int, int], *, eyes_px: tuple[float, float], eye_distance_px: float, roll: float = 0, lean: float = 0
) -> Picture:
    """Return the photograph scaled so that the eyes lie where they are wanted; `lean` tilts the sheet sideways."""
    scale = eye_distance_px / _EYE_DISTANCE_PX
    cos, sin = scale * np.cos(roll), scale * np.sin(roll)
    x, y = _EYES_PX
    place = np.array([[cos, -sin, -cos * x + sin * y], [sin, cos, -sin * x - cos * y], [0, 0, 1]])
    tilt = np.array([[1, 0, 0], [0, 1, 0], [lean, 0, 1]])
    shift = np.array([[1, 0, eyes_px[0]], [0, 1, eyes_px[1]], [0, 0, 1]])
    transform = shift @ tilt @ place
    cut = cv2.warpPerspective(photograph(), transform, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return cut.astype(np.uint8)
