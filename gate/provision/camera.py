"""Measures the camera when a gate is set up: its exposure, and its delay after a change of exposure.

No face is kept: pictures for the report have their faces painted over. A measurement raises StepError when the camera, or the scene before it,
is not as it must be.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
import numpy as np

from drivers.camera.newest import NewestFrame
from drivers.camera.settings import Calibration, CameraSettings, V4l2
from drivers.camera.v4l2 import SETTLING_FRAMES, V4l2Camera
from gate.face.chain import FaceModels
from gate.face.injection import CHALLENGE_CORRELATION_MIN, CHALLENGE_GAIN_MIN, Feed
from gate.face.values import Box
from gate.picture import Picture, preview
from gate.programs.shared.devices.cameras import camera_for
from gate.programs.vision.witnesses import LEVELS
from gate.provision.simulation import of_camera
from gate.provision.steps import Figure, Finding, StepError, step_errors
from gate_core.errors import DriverError, RefusedError
from gate_core.ports.values import CameraControls, Frame

WAIT_S: Final = 3.0
FRAMES: Final = 45
PICTURE_WIDTH_MAX, PICTURE_BYTES_MAX = 640, 60_000
GREY_OF_BGR: Final = np.array((0.114, 0.587, 0.299))  # ITU-R BT.601
BRIGHTNESS: Final = range(35, 221)  # mean grey level of a hall that shows anything
CLIPPED_MAX: Final = 0.10
FRAMES_A_SECOND_MIN: Final = 8.0
CHANGES: Final = 24
HOLD_MS: Final = (220, 420)
EYES_AT: Final = (0.25, 0.65)  # where eyes are to be, in parts of the picture's height

OpenCamera = Callable[[CameraSettings], NewestFrame]


@contextmanager
def camera_opened(settings: CameraSettings, made: OpenCamera = camera_for) -> Iterator[NewestFrame]:
    """The camera, open as long as the block lasts. Raises StepError for whatever a driver raises in it."""
    with step_errors(DriverError, doing="camera"):
        camera = made(settings)
        camera.open()
        try:
            yield camera
        finally:
            camera.close()


def frames_of(camera: NewestFrame) -> Iterator[Frame]:
    """Frame after frame. Raises StepError when none comes for WAIT_S, and DriverError."""
    seq = 0
    while True:
        frame = camera.newest(after=seq, wait_s=WAIT_S)
        if frame is None:
            raise StepError(f"camera: no picture within {WAIT_S:.0f} s")
        seq = frame.seq
        yield frame


def painted_over(picture: Picture, faces: list[Box]) -> Picture:
    """The picture with a grey field in the place of each face, and the line of the eyes' band at both ends of the picture."""
    out = picture.copy()
    tall, wide = out.shape[:2]
    for box in faces:
        left, top = max(0, round(box.left)), max(0, round(box.top))
        out[top : round(box.bottom) + 1, left : round(box.right) + 1] = 127
    for part in EYES_AT:
        y = round(part * tall)
        out[y - 1 : y + 1, [*range(wide // 12), *range(wide - wide // 12, wide)]] = 255
    return out


def photograph(caption: str, picture: Picture) -> tuple[str, bytes]:
    """A picture for the report."""
    jpeg = preview(picture, width_max=PICTURE_WIDTH_MAX, bytes_max=PICTURE_BYTES_MAX)
    return caption, jpeg or b""


# ── exposure ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def exposure(
    settings: CameraSettings, models: FaceModels, made: OpenCamera = camera_for
) -> tuple[Finding, Calibration | None]:
    """Let the camera's exposure come to rest on the hall, whatever it was fixed to before, and measure it. Returns the values to fix it to,
    of a camera that takes them. Raises StepError.
    """
    if isinstance(settings, V4l2):
        settings = msgspec.structs.replace(settings, calibration=None)
    with camera_opened(settings, made) as camera:
        seen, times_s = [], []
        for frame in frames_of(camera):
            seen.append(frame.pixels)
            times_s.append(frame.at_s)
            if len(seen) >= max(FRAMES, SETTLING_FRAMES + 10):
                break
        calibration = camera.calibration if isinstance(camera, V4l2Camera) else None
    last = seen[-1]
    grey = last @ GREY_OF_BGR
    brightness, clipped = float(grey.mean()), float(((grey >= 250) | (grey <= 5)).mean())
    rate = (len(times_s) - 1) / (times_s[-1] - times_s[0])
    if round(brightness) not in BRIGHTNESS:
        raise StepError(
            f"the picture is too {'dark' if brightness < BRIGHTNESS.start else 'bright'}: mean level {brightness:.0f} of 255"
        )
    if clipped > CLIPPED_MAX:
        raise StepError(
            f"{clipped:.0%} of the picture is black or white through: a lamp or window in sight, or no light"
        )
    if rate < FRAMES_A_SECOND_MIN:
        raise StepError(f"{rate:.1f} pictures a second, {FRAMES_A_SECOND_MIN:.0f} at least are wanted")
    height, width = last.shape[:2]
    figures: dict[str, Figure] = {
        "width_px": width,
        "height_px": height,
        "frames_per_second": round(rate, 1),
        "mean_level": round(brightness, 1),
        "clipped_part": round(clipped, 4),
    }
    if calibration is not None:
        figures |= {
            "exposure_100us": calibration.exposure,
            "gain": calibration.gain,
            "white_balance_k": calibration.white_balance,
        }
    found_faces = [face.box for face in models.finder.find(last)]
    fixed = "fixed where it came to rest" if calibration is not None else "the camera's own"
    found = Finding(
        f"{width} x {height} at {rate:.1f} a second, mean level {brightness:.0f} of 255; exposure {fixed}",
        figures,
        of_camera(settings),
        (photograph("The hall as the camera sees it", painted_over(last, found_faces)),),
    )
    return found, calibration


def control_lag(settings: CameraSettings, dice: random.Random) -> tuple[Finding, int | None]:
    """Change the exposure at random moments and measure how late the pictures follow; None for a camera that takes no controls."""
    feed = Feed()
    with camera_opened(settings) as camera:
        try:
            _change_exposure(camera, feed, dice)
        except RefusedError as error:
            detail = f"{error}: it is not challenged to change its exposure"
            return Finding(detail, {}, of_camera(settings)), None
    found = feed.lag
    if found is None:
        raise StepError("too few pictures came to measure by")
    if found.best.correlation < CHALLENGE_CORRELATION_MIN or found.best.gain < CHALLENGE_GAIN_MIN:
        raise StepError(
            f"the pictures do not follow the exposure well enough (correlation {found.best.correlation:.2f}, gain {found.best.gain:.2f}): "
            "something moves before the camera, or it corrects by itself"
        )
    figures: dict[str, Figure] = {
        "control_lag_ms": found.lag_ms,
        "spread_ms": found.spread_ms,
        "correlation": round(found.best.correlation, 3),
        "gain": round(found.best.gain, 2),
    }
    detail = f"the picture follows its exposure after {found.lag_ms} ms (correlation {found.best.correlation:.2f})"
    return Finding(detail, figures, of_camera(settings)), found.lag_ms


def _change_exposure(camera: NewestFrame, feed: Feed, dice: random.Random) -> None:
    """Raises RefusedError from a camera without controls. The exposure is left as it was calibrated."""
    due_ms, left, factor, settling = 0, CHANGES, 1.0, SETTLING_FRAMES + 5
    try:
        for frame in frames_of(camera):
            at_ms = int(frame.at_s * 1000)
            if frame.seq < settling:
                continue
            feed.see(frame.pixels, at_ms=at_ms)
            if at_ms < due_ms:
                continue
            if not left:
                return
            left -= 1
            factor = dice.choice([level for level in LEVELS if level != factor])
            sent_ms = _now_ms()
            camera.set_controls(CameraControls(exposure=factor))
            feed.command(factor, at_ms=sent_ms, taken_ms=_now_ms())
            due_ms = _now_ms() + dice.randint(*HOLD_MS)
    finally:
        if left < CHANGES - 1:
            camera.set_controls(CameraControls())


def _now_ms() -> int:
    return int(time.monotonic() * 1000)
