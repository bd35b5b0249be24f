"""Where the printed portrait must be, from where the MRZ is, and the picture of that part of the page, upright.

ICAO 9303-3 §3 puts the portrait (zone V) at the left, above the MRZ (zone VII), in TD2, TD3, MRV-A and MRV-B; a TD1 card has it on the other side. The crop is
generous, since issuers differ by millimetres.
"""

import cv2
import numpy as np

from gate.page.values import MrzFormat, Pixels, Quad, Reading

MM_A_PITCH = 2.54
CROP_HEIGHT_PX = 480
# Left, top, right and bottom in millimetres from the middle of the first line's first character, as 9303-3 figures 1 to 3,
# 9303-4 figure 3 and 9303-7 figure 3 place zone V, and five millimetres more.
_LEFT_MM, _RIGHT_MM, _BOTTOM_MM = -7.0, 45.0, -4.0
_TOP_MM = {MrzFormat.TD2: -52.0, MrzFormat.TD3: -62.0, MrzFormat.MRV_A: -60.0, MrzFormat.MRV_B: -52.0}


def portrait_quad(reading: Reading) -> Quad | None:
    """The corners of the portrait's part of the page, None for a size without a portrait beside its MRZ."""
    top_mm = _TOP_MM.get(reading.format)
    if top_mm is None:
        return None
    first = reading.geometry.lines[0]
    across = np.subtract(first.end, first.start) / (len(reading.lines[0]) - 1) / MM_A_PITCH
    down = np.array((-across[1], across[0]))
    origin = np.array(first.start)

    def at(right_mm: float, down_mm: float) -> tuple[float, float]:
        x, y = origin + right_mm * across + down_mm * down
        return float(x), float(y)

    return at(_LEFT_MM, top_mm), at(_RIGHT_MM, top_mm), at(_RIGHT_MM, _BOTTOM_MM), at(_LEFT_MM, _BOTTOM_MM)


def crop_portrait(picture: Pixels, reading: Reading) -> Pixels | None:
    """The portrait's part of the picture, upright and at most `CROP_HEIGHT_PX` high; None when it is not in the picture."""
    quad = portrait_quad(reading)
    if quad is None:
        return None
    height, width = picture.shape[:2]
    middle_x, middle_y = np.mean(quad, axis=0)
    if not (0 <= middle_x < width and 0 <= middle_y < height):
        return None
    corners = np.array(quad, np.float32)
    wide, high = (float(np.linalg.norm(corners[1] - corners[0])), float(np.linalg.norm(corners[3] - corners[0])))
    scale = min(1.0, CROP_HEIGHT_PX / max(high, 1.0))
    size = (max(1, round(wide * scale)), max(1, round(high * scale)))
    target = np.array([(0, 0), (size[0], 0), (size[0], size[1])], np.float32)
    matrix = cv2.getAffineTransform(corners[:3], target)
    soft = cv2.GaussianBlur(picture, (0, 0), 0.45 / scale) if scale < 0.8 else picture
    cut = cv2.warpAffine(soft, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cut.astype(np.uint8, copy=False)
