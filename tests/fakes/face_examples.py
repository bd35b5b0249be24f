"""Made-up templates and observations for the pure parts of the face room."""

from __future__ import annotations

import numpy as np

from gate.face.chain import Observation
from gate.face.quality import Hint, Pose, Quality
from gate.face.track import TrackRules
from gate.face.values import Box, Template

BOX = Box(200, 100, 400, 350)
RULES = TrackRules(same_min=0.36)
ELSEWHERE = Box(20, 20, 120, 140)


def template(person: int, *, alike: float = 1.0, model: str = "fr_feature") -> Template:
    """A template of `person`; two people's are orthogonal. `alike` is its cosine to the person's own direction."""
    vector = np.zeros(512, np.float32)
    vector[person] = alike
    vector[300 + person] = np.sqrt(1 - alike**2)
    return Template(vector, model)


def quality(*hints: Hint) -> Quality:
    return Quality(eye_distance_px=60, brightness=120, sharpness=100, pose=Pose(0, 0.6, 0), hints=hints)


def one_face(
    at_ms: int, person: int = 0, *, alike: float = 0.9, liveness: float | None = 0.8, box: Box = BOX
) -> Observation:
    """A usable frame."""
    return Observation(at_ms, 1, box, quality(), template(person, alike=alike), liveness)


def turned_face(at_ms: int, person: int = 0, *, box: Box = BOX) -> Observation:
    """A face that cannot be compared."""
    return Observation(at_ms, 1, box, quality(Hint.FACE_FORWARD), template(person))


def nobody(at_ms: int) -> Observation:
    return Observation(at_ms, 0)


def two_faces(at_ms: int, person: int = 0) -> Observation:
    return Observation(at_ms, 2, BOX, quality(), template(person))
