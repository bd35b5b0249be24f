"""The vision program's comparison as passage's face evidence."""

from __future__ import annotations

import math
from itertools import islice

from gate.channel import messages
from gate.programs.lane.stages.page import page_checks
from gate_core.evidence.evidence import CueEvidence, FaceEvidence, PadEvidence, Score

CUES_MAX = 16
CUE_CHARACTERS_MAX = 32


def face_evidence(compared: messages.FaceCompared) -> FaceEvidence:
    """Out-of-range or missing scores count as not run; more cues than there can be are left out."""
    return FaceEvidence(
        faces=compared.faces,
        match=_score(compared.match),
        liveness=_score(compared.liveness),
        portrait_usable=compared.portrait_usable,
        track_held=True,
        model=compared.model,
        cues=tuple(
            CueEvidence(cue[:CUE_CHARACTERS_MAX], value if value is not None and math.isfinite(value) else None)
            for cue, value in islice(compared.cues.items(), CUES_MAX)
        ),
        page_checks=page_checks(compared.page),
        swap=compared.swap,
        pad=None if compared.pad is None else _pad(compared.pad),
    )


def _pad(said: messages.PadSaid) -> PadEvidence:
    return PadEvidence(said.name, said.version, Score(said.bound), said.result, _score(said.score), said.age_ms)


def _score(value: float | None) -> Score | None:
    if value is None or not -1.0 <= value <= 1.0:
        return None
    return Score(value)
