"""A printed picture of a face, held before the camera: the plainest attack on a gate.

Starts from the passport portrait and adds what printing does: few and flat colours, a raster of dots, paper that is
neither black nor white, a white border, and one flat sheet that moves as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from hardware_sim.faces.hall import Picture

_PAPER_BLACK, _PAPER_WHITE = 38.0, 226.0  # grey levels of ink and of paper under the kiosk's light
_DOT_PX = 3.2  # pitch of the printer's raster, in pixels of the portrait
_BORDER_PX = 22
_SCREEN_ANGLES = (15.0, 75.0, 45.0)  # degrees, one a colour, as printers turn them against each other


def printed(portrait: Picture) -> Picture:
    """Return the sheet: the portrait as ink on paper, with its border."""
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


def held(sheet: Picture, scene: Picture, *, centre_px: tuple[float, float], scale: float, tilt: float) -> Picture:
    """Return `scene` with the sheet before it, turned by `tilt` radians in the plane and a little out of it."""
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
