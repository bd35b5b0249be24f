"""The vision program's comparison as passage's face evidence."""

from __future__ import annotations

from gate.channel import messages
from gate.passage.evidence import FaceEvidence, Score


def face_evidence(compared: messages.FaceCompared) -> FaceEvidence:
    """Out-of-range or missing scores count as not run."""
    return FaceEvidence(
        faces=compared.faces,
        match=_score(compared.match),
        liveness=_score(compared.liveness),
        portrait_usable=compared.portrait_usable,
        track_held=True,
        model=compared.model,
    )


def _score(value: float | None) -> Score | None:
    if value is None or not -1.0 <= value <= 1.0:
        return None
    return Score(value)
