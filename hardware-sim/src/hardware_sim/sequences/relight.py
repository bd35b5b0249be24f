"""A person's picture under a light, in a pose and with an expression: the sum of the sheet's layers, linear light.

The lighting determines the layers' weights. A dark face gets a brighter lamp, as with a metering camera. The last
pictures are cached, because light rarely changes between frames. `person` decides the position in the frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypedDict

import cv2
import numpy as np

from hardware_sim.faces.vectors import Floats, floats, ramp
from hardware_sim.sequences import poses, store
from hardware_sim.sequences.poses import AMBIENT, FRONT, HALF, LAMP, SMILE, WIDE, WINDOW, Pose
from hardware_sim.sequences.values import Lighting, Look

DISPLAY_GAIN = 0.55  # light of a bright display at arm's length, relative to the hall's key light
PICTURES_KEPT = 8  # 4 MB each

_FILL = 0.30
_FACE_BRIGHTNESS_MIN = 0.16
_LAMP_GAIN_MAX = 2.5
_SEAM_PX = 8.0
_LINEAR = floats((np.arange(256) / 255) ** 2.2 * poses.LIGHT_MAX)


class Drawn(TypedDict):
    """The drawn state of eyes and mouth, with a look's field names."""

    closed_left: float
    closed_right: float
    mouth_open: float
    smile: float


@dataclass(frozen=True, slots=True)
class Expression:
    """The drawn state of eyes and mouth: None for the neutral picture, otherwise a cut-out."""

    left: int | None = None
    right: int | None = None
    mouth: int | None = None

    @property
    def drawn(self) -> Drawn:
        """Return the shares that this expression shows."""
        share = {None: 0.0, HALF: 0.5, WIDE: 1.0, SMILE: 0.0}
        return Drawn(
            closed_left=share[self.left],
            closed_right=share[self.right],
            mouth_open=share[self.mouth],
            smile=1.0 if self.mouth == SMILE else 0.0,
        )


NEUTRAL = Expression()


def expression(look: Look, pose: Pose) -> Expression:
    """Return the drawable expression nearest to a look: neutral at poses without cut-outs."""
    if pose not in poses.EXPRESSIVE:
        return NEUTRAL
    mouth = _step(look.mouth_open)
    if mouth is None and look.smile >= 0.5:
        mouth = SMILE
    return Expression(_step(look.closed_left), _step(look.closed_right), mouth)


def _step(share: float) -> int | None:
    if share < 0.25:
        return None
    return HALF if share < 0.75 else WIDE


def weights(lighting: Lighting) -> Floats:
    """Return the weight of each layer, (4, 3) BGR."""
    direct = lighting.level * (1 - lighting.backlit)
    everywhere = lighting.level * (1 - 0.6 * lighting.backlit)
    out = np.zeros((len(poses.LIGHTS), 3), np.float32)
    out[AMBIENT] = everywhere
    out[WINDOW] = direct * (0.5 - lighting.side / 2)
    out[LAMP] = direct * (0.5 + lighting.side / 2)
    out[FRONT] = everywhere * _FILL + DISPLAY_GAIN * floats(lighting.display[::-1])
    return out


@lru_cache(maxsize=PICTURES_KEPT)
def lit(name: str, pose: Pose, shown: Expression, lighting: Lighting) -> Floats:
    """Return the picture, (h, w, 4): linear BGR premultiplied by cover, and cover. Read-only by convention."""
    sheet = store.sheet(name, pose)
    layers = sheet.layers
    if shown != NEUTRAL:
        layers = layers.copy()
        left, top, width, height = poses.CUTOUT_PX
        assert sheet.expressions is not None, "expression() leaves poses without cut-outs neutral"
        part = layers[:, top : top + height, left : left + width]
        for kind, mask in _masks(shown):
            part[:] = part + (sheet.expressions[kind].astype(np.float32) - part) * mask
    colour = _sum(layers, weights(lighting) * gain(name))
    return np.dstack([colour, sheet.cover.astype(np.float32) / 255])


def _sum(layers: poses.Bytes, weighing: Floats) -> Floats:
    total = np.zeros(layers.shape[1:], np.float32)
    for layer, weight in zip(layers, weighing, strict=True):
        if weight.any():
            table = _LINEAR[:, None] * weight
            total += cv2.LUT(layer, table[None].astype(np.float32))
    return total


@lru_cache(maxsize=64)
def gain(name: str) -> float:
    """Return the factor by which the lamp is brighter for a person."""
    sheet = store.sheet(name, poses.POSES[0])
    (x, y), half = poses.EYES_PX, int(0.4 * poses.PX_PER_DM)
    face = sheet.layers[:, y - half : y + 2 * half, x - half : x + half]
    brightness = float(_sum(face, weights(Lighting())).mean())
    return min(max(_FACE_BRIGHTNESS_MIN / brightness, 1.0), _LAMP_GAIN_MAX)


def _masks(shown: Expression) -> list[tuple[int, Floats]]:
    regions = _regions()
    chosen = ((shown.left, regions[0]), (shown.right, regions[1]), (shown.mouth, regions[2]))
    return [(kind, region) for kind, region in chosen if kind is not None]


@lru_cache(maxsize=1)
def _regions() -> tuple[Floats, Floats, Floats]:
    """Return the areas of a cut-out's left eye, right eye and mouth, with soft edges, (h, w, 1) each."""
    left, top, width, height = poses.CUTOUT_PX
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    border = ramp(np.minimum(x, width - 1 - x), 0, _SEAM_PX) * ramp(np.minimum(y, height - 1 - y), 0, _SEAM_PX)
    middle = poses.EYES_PX[0] - left
    split = poses.EYES_PX[1] - top + poses.EYES_BELOW_DM * poses.PX_PER_DM
    right = ramp(x - middle, -_SEAM_PX / 2, _SEAM_PX / 2)
    below = ramp(y - split, -_SEAM_PX / 2, _SEAM_PX / 2)
    return tuple((border * part)[..., None] for part in ((1 - below) * (1 - right), (1 - below) * right, below))  # type: ignore[return-value]
