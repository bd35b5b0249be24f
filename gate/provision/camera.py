"""Measures the camera when a gate is set up: its exposure, its delay after a change of exposure, and how a traveller appears to it.

No face is stored: in the report's pictures faces are painted over. Each function raises StepError if the camera, or the scene
before it, is unsuitable.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np

from drivers.camera.newest import NewestFrame
from drivers.camera.settings import Calibration, CameraSettings, V4l2
from drivers.camera.v4l2 import SETTLING_FRAMES, V4l2Camera
from gate.face.chain import FaceModels, look
from gate.face.injection import CHALLENGE_CORRELATION_MIN, CHALLENGE_GAIN_MIN, Feed
from gate.face.liveness.frame_features import FrameFeatures, extract_features
from gate.face.values import Box, Measures, NoFaceError
from gate.picture import Picture, preview
from gate.programs.shared.devices.cameras import camera_for
from gate.programs.vision.liveness_checks import LEVELS
from gate.provision.simulation import of_camera
from gate.provision.steps import Figure, Finding, StepError, step_errors
from gate_core.errors import DriverError, RefusedError
from gate_core.ports.values import CameraControls, Frame
from gate_core.programs import clock

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
FACES: Final = 12  # frames with one face, of which the middle is taken
EYE_DISTANCE_PX_MIN: Final = 45.0
EYES_APART_MM: Final = 63.0  # of grown-ups, in the middle
COVERED_CM: Final = (145, 195)  # eye heights that a lane must serve without kneeling or stretching
FACE_BRIGHTNESS: Final = range(60, 211)
EVENNESS_MIN: Final = 0.45  # the darkest part of the middle of a face against the brightest, linear
BACKLIGHT_MAX: Final = 3.0  # the hall beside a face against the face, linear
# An incident light meter's constant, the aperture and the sensitivity that a lane's camera usually has (ISO 2720).
METER_C, APERTURE_F, SENSITIVITY_ISO, SKIN = 250.0, 2.0, 100.0, 0.35


OpenCamera = Callable[[CameraSettings], NewestFrame]


@contextmanager
def camera_opened(settings: CameraSettings, made: OpenCamera = camera_for) -> Iterator[NewestFrame]:
    """Open the camera for the block. Raises StepError for a driver's errors in it."""
    with step_errors(DriverError, doing="camera"):
        camera = made(settings)
        camera.open()
        try:
            yield camera
        finally:
            camera.close()


def frames_of(camera: NewestFrame) -> Iterator[Frame]:
    """Yield frames. Raises StepError if there is none for WAIT_S, and DriverError."""
    seq = 0
    while True:
        frame = camera.newest(after=seq, wait_s=WAIT_S)
        if frame is None:
            raise StepError(f"camera: no picture within {WAIT_S:.0f} s")
        seq = frame.seq
        yield frame


def painted_over(picture: Picture, faces: list[Box]) -> Picture:
    """Return the picture with faces covered in grey, and the band of the eyes marked at both sides."""
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
    """Return a picture for the report."""
    jpeg = preview(picture, width_max=PICTURE_WIDTH_MAX, bytes_max=PICTURE_BYTES_MAX)
    return caption, jpeg or b""


# ── exposure ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def exposure(
    settings: CameraSettings, models: FaceModels, made: OpenCamera = camera_for
) -> tuple[Finding, Calibration | None]:
    """Let the camera's exposure settle on the hall, whatever it was fixed to before, and measure it. Returns the values
    to fix it to, for a controllable camera. Raises StepError.
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
    """Change the exposure at random moments and measure the pictures' delay; None for a camera without controls."""
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
    """Raises RefusedError from a camera without controls. Restores the calibrated exposure."""
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
            sent_ms = clock.monotonic_ms()
            camera.set_controls(CameraControls(exposure=factor))
            feed.command(factor, at_ms=sent_ms, taken_ms=clock.monotonic_ms())
            due_ms = clock.monotonic_ms() + dice.randint(*HOLD_MS)
    finally:
        if left < CHANGES - 1:
            camera.set_controls(CameraControls())


# ── how a traveller appears: height and size of the face, and the light on it ─────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Stood:
    """The faces of one person who stood before the camera for a moment."""

    measures: list[Measures]
    features: list[FrameFeatures]
    picture: Picture
    height_px: int


def stand_before(settings: CameraSettings, models: FaceModels, *, wait_s: float, tell: Callable[[str], None]) -> Stood:
    """Look until one person alone has stood before the camera for FACES frames. Raises StepError."""
    tell("Stand on the travellers' mark, alone, and look into the camera")
    measures: list[Measures] = []
    features: list[FrameFeatures] = []
    why = "nobody stands before the camera"
    with camera_opened(settings) as camera:
        until_s = time.monotonic() + wait_s
        for frame in frames_of(camera):
            if time.monotonic() > until_s:
                raise StepError(f"{why}, for {wait_s:.0f} s")
            faces = models.finder.find(frame.pixels)
            why = "several people stand before the camera" if len(faces) > 1 else "nobody stands before the camera"
            if len(faces) != 1:
                continue
            try:
                seen = look(models, frame.pixels, faces[0], faces=1, at_ms=int(frame.at_s * 1000))
            except NoFaceError:
                continue
            piece = extract_features(frame.pixels, faces[0].box, at_ms=seen.at_ms)
            if seen.quality is None or piece is None:
                why = "the face is cut by the picture's edge"
                continue
            measures.append(seen.quality.measures)
            features.append(piece)
            piece.wipe()
            if len(measures) >= FACES:
                return Stood(measures, features, painted_over(frame.pixels, [faces[0].box]), frame.pixels.shape[0])
    raise AssertionError("unreachable")


def height(stood: Stood, settings: CameraSettings, *, eyes_cm: int) -> Finding:
    """Return the range of eye heights above the floor that the camera sees well, and the size there. Raises StepError."""
    eyes_px = statistics.median(one.eye_distance_px for one in stood.measures)
    at = statistics.median(one.y_part for one in stood.measures)
    cm_a_px = EYES_APART_MM / 10 / eyes_px
    top, bottom = (eyes_cm + (at - part) * stood.height_px * cm_a_px for part in EYES_AT)
    if eyes_px < EYE_DISTANCE_PX_MIN:
        raise StepError(
            f"the eyes are {eyes_px:.0f} pixels apart, {EYE_DISTANCE_PX_MIN:.0f} at least are wanted: mark or camera nearer"
        )
    if not bottom <= eyes_cm <= top:
        way = "higher" if eyes_cm > top else "lower"
        raise StepError(
            f"eyes {eyes_cm} cm above the floor are at {at:.0%} of the picture's height: mount the camera {way}"
        )
    missed = [f"{low}" for low in COVERED_CM if not bottom <= low <= top]
    wanted = " to ".join(map(str, COVERED_CM))
    said = (
        f"; a lane should serve {wanted} cm: eyes at {' and '.join(missed)} cm must bend or stretch" if missed else ""
    )
    figures: dict[str, Figure] = {
        "eye_distance_px": round(eyes_px, 1),
        "eyes_at_part": round(at, 3),
        "eyes_cm": eyes_cm,
        "serves_from_cm": round(bottom),
        "serves_to_cm": round(top),
    }
    return Finding(
        f"eyes {eyes_px:.0f} pixels apart; serves eyes from {bottom:.0f} to {top:.0f} cm above the floor, reckoned from yours at {eyes_cm}{said}",
        figures,
        of_camera(settings),
        (photograph("On the travellers' mark, the face painted over", stood.picture),),
    )


def lighting(stood: Stood, settings: CameraSettings) -> Finding:
    """Return the brightness and evenness of the light on a face. Raises StepError."""
    brightness = statistics.median(one.brightness for one in stood.measures)
    balance = statistics.median(one.balance for one in stood.measures)
    parts = np.median([piece.face_light.mean(axis=2) for piece in stood.features], axis=0)
    evenness = float(parts.min() / max(float(parts.max()), 1e-6))
    halls = [float(piece.hall_light.mean()) for piece in stood.features if piece.hall_light is not None]
    backlight = statistics.median(halls) / max(float(parts.mean()), 1e-6) if halls else None
    lux = _lux(settings, float(parts.mean()))
    if round(brightness) not in FACE_BRIGHTNESS:
        raise StepError(
            f"the face is too {'dark' if brightness < FACE_BRIGHTNESS.start else 'bright'}: level {brightness:.0f} of 255"
        )
    if evenness < EVENNESS_MIN:
        raise StepError(
            f"the light is uneven: the darkest part of the face has {evenness:.0%} of the brightest; lamps from both sides"
        )
    if backlight is not None and backlight > BACKLIGHT_MAX:
        raise StepError(
            f"the hall behind is {backlight:.1f} times as bright as the face: a window or lamp stands behind the traveller"
        )
    figures: dict[str, Figure] = {
        "face_level": round(brightness, 1),
        "evenness": round(evenness, 2),
        "left_right_difference": round(balance, 3),
        "hall_to_face": None if backlight is None else round(backlight, 2),
        "lux_about": None if lux is None else round(lux),
    }
    said = "" if lux is None else f", about {lux:.0f} lux by the camera's exposure"
    unknown = "; the camera does not tell its exposure, so no lux" if lux is None else ""
    return Finding(
        f"level {brightness:.0f} of 255, evenness {evenness:.0%}{said}{unknown}", figures, of_camera(settings)
    )


def _lux(settings: CameraSettings, linear: float) -> float | None:
    """Return an estimate in lux, for a lens of f/2 at ISO 100: correct within a factor of about two, and repeatable for one camera."""
    if not isinstance(settings, V4l2) or settings.calibration is None:
        return None
    exposure_s = settings.calibration.exposure / 10_000
    return METER_C * APERTURE_F**2 / (exposure_s * SENSITIVITY_ISO) * linear / SKIN
