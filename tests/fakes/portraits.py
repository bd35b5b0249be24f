"""A real face that tests may use: the public-domain portrait that one of the simulated people is made of."""

from __future__ import annotations

import cv2
import numpy as np
from renderer.astronaut import photograph


def astronaut() -> np.ndarray:
    """The portrait, (512, 512, 3) BGR."""
    return photograph()


def before_the_camera(portrait: np.ndarray) -> np.ndarray:
    """The portrait as a 640x480 frame."""
    return cv2.resize(portrait, (640, 640))[:480]


def as_file(picture: np.ndarray, extension: str = ".jpg") -> bytes:
    """The picture encoded."""
    fine, content = cv2.imencode(extension, picture)
    assert fine
    return content.tobytes()


def swaying(picture: np.ndarray, number: int) -> np.ndarray:
    """Frame `number` of somebody who stands before the camera: a face that moves a little before a room that does not."""
    x, y = 5 * np.sin(number / 3), 2 * np.sin(number / 2)
    height, width = picture.shape[:2]
    moved = cv2.warpAffine(picture, np.array([[1, 0, x], [0, 1, y]]), (width, height), borderMode=cv2.BORDER_REPLICATE)
    noise = np.random.default_rng(number).normal(0, 1, picture.shape)
    return np.clip(moved + noise, 0, 255).astype(np.uint8)
