"""Measures how a traveller appears to the camera when a gate is set up: height and size of the face in the picture, and the light on it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from drivers.camera.settings import CameraSettings, V4l2
from gate.face.chain import FaceModels, look
from gate.face.liveness.frame_features import Glimpse, glimpse
from gate.face.values import Measures, NoFaceError
from gate.picture import Picture
from gate.provision.camera import EYES_AT, camera_opened, frames_of, painted_over, photograph
from gate.provision.simulation import of_camera
from gate.provision.steps import Figure, Finding, StepError

FACES: Final = 12  # frames with one face, of which the middle is taken
EYE_DISTANCE_PX_MIN: Final = 45.0
EYES_APART_MM: Final = 63.0  # of grown-ups, in the middle
COVERED_CM: Final = (145, 195)  # eye heights that a lane must serve without anybody kneeling or stretching
FACE_BRIGHTNESS: Final = range(60, 211)
EVENNESS_MIN: Final = 0.45  # the darkest part of the middle of a face against the brightest, linear
BACKLIGHT_MAX: Final = 3.0  # the hall beside a face against the face, linear
# An incident light meter's constant, the aperture and the sensitivity that a lane's camera usually has (ISO 2720).
METER_C, APERTURE_F, SENSITIVITY_ISO, SKIN = 250.0, 2.0, 100.0, 0.35


@dataclass(frozen=True, slots=True)
class Stood:
    """The faces of one person who stood before the camera for a moment."""

    measures: list[Measures]
    glimpses: list[Glimpse]
    picture: Picture
    height_px: int


def stand_before(settings: CameraSettings, models: FaceModels, *, wait_s: float, tell: Callable[[str], None]) -> Stood:
    """Look until one person alone has stood before the camera for FACES frames. Raises StepError."""
    tell("Stand on the travellers' mark, alone, and look into the camera")
    measures: list[Measures] = []
    glimpses: list[Glimpse] = []
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
            piece = glimpse(frame.pixels, faces[0].box, at_ms=seen.at_ms)
            if seen.quality is None or piece is None:
                why = "the face is cut by the picture's edge"
                continue
            measures.append(seen.quality.measures)
            glimpses.append(piece)
            piece.wipe()
            if len(measures) >= FACES:
                return Stood(measures, glimpses, painted_over(frame.pixels, [faces[0].box]), frame.pixels.shape[0])
    raise AssertionError("unreachable")


def height(stood: Stood, settings: CameraSettings, *, eyes_cm: int) -> Finding:
    """Whose eyes, by their height above the floor, the camera sees well, and how large. Raises StepError."""
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
    """How bright and how even the light on a face is. Raises StepError."""
    brightness = statistics.median(one.brightness for one in stood.measures)
    balance = statistics.median(one.balance for one in stood.measures)
    parts = np.median([piece.face_light.mean(axis=2) for piece in stood.glimpses], axis=0)
    evenness = float(parts.min() / max(float(parts.max()), 1e-6))
    halls = [float(piece.hall_light.mean()) for piece in stood.glimpses if piece.hall_light is not None]
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
    """As an exposure meter would say it, for a lens of f/2 at ISO 100: right within a factor of two or so, the same camera always the same."""
    if not isinstance(settings, V4l2) or settings.calibration is None:
        return None
    exposure_s = settings.calibration.exposure / 10_000
    return METER_C * APERTURE_F**2 / (exposure_s * SENSITIVITY_ISO) * linear / SKIN
