"""OCR-B's characters as tiles that `gate.page.picture.shape` lays over an MRZ: `python -m gate_lab.train.ocr_b gate/page/picture/ocr_b.png`.

One row of tiles in the order of the recogniser's alphabet, each one pitch wide, the middle of a capital's height in the middle row.
The font is Debian's fonts-ocr-b, which is in the public domain; the picture lies in the tree, so that a gate needs no font.
"""

from __future__ import annotations

import string
import sys
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

FONT: Final = Path("/usr/share/fonts/opentype/ocr-b/OCRB.otf")
ALPHABET: Final = string.digits + string.ascii_uppercase + "<"
TILE_PX: Final = (12, 17)  # width, which is a pitch, and height
_ZOOM: Final = 8


def tiles(font: Path = FONT) -> npt.NDArray[np.uint8]:
    """Return all characters side by side, 255 where there is ink."""
    face, probe = cv2.FontFace(str(font)), 200
    end, _ = cv2.putText(np.zeros((4, 4, 3), np.uint8), "0" * 20, (0, 0), (0, 0, 0), face, probe)
    size = round(TILE_PX[0] * _ZOOM * probe * 20 / end[0])
    drawn = [_drawn(character, face, size) for character in ALPHABET]
    rows = np.flatnonzero(drawn[ALPHABET.index("E")].max(axis=1) > 127)
    width, height = TILE_PX[0] * _ZOOM, TILE_PX[1] * _ZOOM
    top = round((rows[0] + rows[-1] + 1 - height) / 2)
    cut = [one[top : top + height, width // 2 : width // 2 + width] for one in drawn]
    return np.hstack([cv2.resize(one, TILE_PX, interpolation=cv2.INTER_AREA) for one in cut]).astype(np.uint8)


def _drawn(character: str, face: cv2.FontFace, size: int) -> npt.NDArray[np.uint8]:
    width, height = 2 * TILE_PX[0] * _ZOOM, 2 * TILE_PX[1] * _ZOOM
    end, _ = cv2.putText(np.zeros((4, 4, 3), np.uint8), character, (0, 0), (0, 0, 0), face, size)
    picture = np.zeros((height, width, 3), np.uint8)
    cv2.putText(picture, character, (round((width - end[0]) / 2), round(0.7 * height)), (255, 255, 255), face, size)
    return picture[:, :, 0]


if __name__ == "__main__":
    cv2.imwrite(sys.argv[1], tiles())
