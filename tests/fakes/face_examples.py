"""Made-up templates and observations for the pure parts of the face room."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gate.face.quality import Observation, Quality
from gate.face.track import TrackRules
from gate.face.values import Box, LiveEvidence, Measures, Pose, Template

BOX = Box(200, 100, 400, 350)
RULES = TrackRules(same_min=0.36)
ELSEWHERE = Box(20, 20, 120, 140)
ALIVE = LiveEvidence(0.8)

GOOD = Measures(
    eye_distance_px=80,
    height_part=0.5,
    x_part=0.5,
    y_part=0.45,
    pose=Pose(0.0, 0.55, 0.0),
    brightness=120,
    contrast=40,
    balance=0.1,
    clipped=0.0,
    sharpness=400,
    covered=0.1,
    background=20,
    motion=0.2,
    eyes_open=0.95,
    mouth_open=0.05,
    yaw_degrees=-2.0,
    pitch_degrees=-9.0,
)


def measures(**changes: object) -> Measures:
    """A good face, but for what is named."""
    return replace(GOOD, **changes)  # type: ignore[arg-type]


def template(person: int, *, alike: float = 1.0, model: str = "fr_feature") -> Template:
    """A template of `person`; two people's are orthogonal. `alike` is its cosine to the person's own direction."""
    vector = np.zeros(512, np.float32)
    vector[person] = alike
    vector[300 + person] = np.sqrt(1 - alike**2)
    return Template(vector, model)


def face(at_ms: int, person: int = 0, *, alike: float = 0.9, box: Box = BOX, **changes: object) -> Observation:
    """One face, alone, embedded; good but for what is named."""
    quality = Quality.of(measures(**changes))
    return Observation(at_ms, 1, box, None, quality, template(person, alike=alike), subject=1)


def one_face(at_ms: int, person: int = 0, *, alike: float = 0.9, box: Box = BOX) -> Observation:
    """A usable frame."""
    return face(at_ms, person, alike=alike, box=box)


def turned_face(at_ms: int, person: int = 0, *, box: Box = BOX) -> Observation:
    """A face that cannot be compared."""
    return face(at_ms, person, box=box, pose=Pose(0.6, 0.55, 0.0))


def nobody(at_ms: int) -> Observation:
    return Observation(at_ms, 0)


def two_faces(at_ms: int, person: int = 0) -> Observation:
    return replace(one_face(at_ms, person), faces=2)
