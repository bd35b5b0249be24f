"""The pictures of one person: a passport portrait and the loop of live frames before the kiosk.

Says where the person stands, how the head moves and what light falls; `faces.studio` says what the sensor adds. Pure: a head
always gives the same pictures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from hardware_sim.faces.hall import hall
from hardware_sim.faces.studio import FRAME_SIZE, FRAMES, PORTRAIT_SIZE, jpeg, with_noise
from hardware_sim.faces.vectors import Floats, floats
from hardware_sim.sequences.poses import Light
from renderer.optics import Viewpoint
from renderer.render import Picture, render

if TYPE_CHECKING:
    from hardware_sim.faces.hall import Picture as Image
    from renderer.head import Head

PORTRAIT_BYTES_MAX = 18_000  # what issuers allow a portrait in the chip

_FRAMES_A_POSE = 2
_FACE_BRIGHTNESS_MIN = 0.16  # mean of the face in linear light, from 0 to 1
_LAMP_GAIN_MAX = 2.5
_PX_PER_DM = 128.0
_PORTRAIT_GREY = 205
_PORTRAIT_LIGHT = Light(
    key_from=(0.15, 0.45, 0.9),
    key=(0.85, 0.84, 0.82),
    fill_from=(-0.6, 0.1, 0.7),
    fill=(0.40, 0.40, 0.41),
    sky=(0.34, 0.35, 0.37),
    ground=(0.26, 0.25, 0.24),
)
_WINDOW_LIGHT = Light()
_LAMP_LIGHT = Light(
    key_from=(0.5, 0.75, 0.65),
    key=(1.0, 0.93, 0.82),
    fill_from=(-0.7, 0.0, 0.6),
    fill=(0.30, 0.32, 0.36),
    sky=(0.36, 0.35, 0.34),
    ground=(0.20, 0.19, 0.18),
)


def portrait(head: Head) -> Image:
    """Return the portrait: frontal, neutral, even light, plain background."""
    width, height = PORTRAIT_SIZE
    view = Viewpoint(width, height, (width / 2, height * 0.45), px_per_dm=153, distance_dm=12)
    background = np.full((height, width, 3), _PORTRAIT_GREY, np.uint8)
    return with_noise(_composed(_taken(head, view, _PORTRAIT_LIGHT), background), seed=0, sigma=1.0)


def frames(head: Head) -> list[Image]:
    """Return the loop: the person sways and looks about a little while the light changes from window to lamp.

    The head turns at every `_FRAMES_A_POSE`th frame, for rendering is dear; the sway, which moves the whole person,
    is there in each.
    """
    turns = [2 * np.pi * index / FRAMES for index in range(FRAMES)]
    poses = [
        _taken(head, _pose(turn), _between(_WINDOW_LIGHT, _LAMP_LIGHT, float(0.5 - 0.5 * np.cos(turn))))
        for turn in turns[::_FRAMES_A_POSE]
    ]
    out = []
    for index, turn in enumerate(turns):
        person = poses[index // _FRAMES_A_POSE]
        sway = floats([[1, 0, 7 * np.sin(turn + 0.6)], [0, 1, 3 * np.sin(2 * turn)]])
        out.append(with_noise(_composed(_moved(person, sway), hall(*FRAME_SIZE)), seed=index))
    return out


def _pose(turn: float) -> Viewpoint:
    """Return how the head is held at a point of the loop: within ten degrees of frontal."""
    width, height = FRAME_SIZE
    return Viewpoint(
        width,
        height,
        eyes_px=(width / 2, height * 0.46),
        px_per_dm=float(_PX_PER_DM * (1 + 0.015 * np.cos(turn))),
        yaw=float(7.0 * np.sin(turn)),
        pitch=float(1.0 + 3.0 * np.sin(turn + 2.0)),
        roll=float(2.0 * np.sin(turn + 1.0)),
    )


def _taken(head: Head, view: Viewpoint, light: Light) -> Picture:
    """Render the head with the lamp turned up when the face would come out dark."""
    person = render(head, view, light)
    x, y, half = int(view.eyes_px[0]), int(view.eyes_px[1]), int(0.4 * view.px_per_dm)
    brightness = float(person.colour[y - half : y + 2 * half, x - half : x + half].mean())
    gain = min(max(_FACE_BRIGHTNESS_MIN / brightness, 1.0), _LAMP_GAIN_MAX)
    return Picture(floats(person.colour * gain), person.cover)


def _moved(person: Picture, transform: Floats) -> Picture:
    """Return the person moved in the picture; the lowest and outermost pixels repeat where there are none."""

    def warped(layer: Floats) -> Floats:
        moved = cv2.warpAffine(layer, transform, layer.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
        return floats(moved)

    return Picture(warped(person.colour), warped(person.cover))


def _between(one: Light, other: Light, share: float) -> Light:
    def mixed(a: tuple[float, float, float], b: tuple[float, float, float]) -> tuple[float, float, float]:
        x, y, z = (float(p + (q - p) * share) for p, q in zip(a, b, strict=True))
        return x, y, z

    return Light(
        key_from=mixed(one.key_from, other.key_from),
        key=mixed(one.key, other.key),
        fill_from=mixed(one.fill_from, other.fill_from),
        fill=mixed(one.fill, other.fill),
        sky=mixed(one.sky, other.sky),
        ground=mixed(one.ground, other.ground),
    )


def _composed(person: Picture, background: Image) -> Image:
    """Put the person before the background and develop: a soft shoulder keeps highlights from clipping."""
    behind = (background[..., ::-1].astype(np.float32) / 255) ** 2.2
    light = _developed(person.colour) + behind * (1 - person.cover[..., None])
    return (np.clip(light, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)[..., ::-1]


def _developed(light: Floats, knee: float = 0.6) -> Floats:
    over = np.maximum(light - knee, 0)
    return floats(np.minimum(light, knee) + over / (1 + over / (1 - knee)))


def portrait_jpeg(picture: Image) -> bytes:
    """Encode a portrait as well as fits PORTRAIT_BYTES_MAX."""
    for quality in range(92, 30, -3):
        encoded = jpeg(picture, quality)
        if len(encoded) <= PORTRAIT_BYTES_MAX:
            return encoded
    raise RuntimeError(f"the portrait does not fit {PORTRAIT_BYTES_MAX} bytes")
