"""What vision says becomes evidence; what it cannot have measured counts as not run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import msgspec

from gate.channel import vision_messages
from gate.passage.events import TrackChanged
from gate.passage.names import TrackChange
from gate.programs.lane.vision_events import CUES_MAX, VisionEvents, face_evidence
from gate_core.evidence.crossing import CueEvidence, PadEvidence, PadResult, Score


def compared(**cues: float | None) -> vision_messages.FaceCompared:
    return vision_messages.FaceCompared(
        crossing="c",
        faces=1,
        match=0.8,
        liveness=0.7,
        portrait_usable=True,
        model="m",
        frames=5,
        good_frame_ms=1,
        reasons=[],
        cues=cues,
    )


def test_cues_are_named_with_their_values_and_those_not_run() -> None:
    found = face_evidence(compared(motion=-1.2, light=None)).cues
    assert found == (CueEvidence("motion", -1.2), CueEvidence("light", None))


def test_no_number_is_a_cue_that_was_not_run() -> None:
    found = face_evidence(compared(motion=float("nan"), light=float("inf"))).cues
    assert [cue.value for cue in found] == [None, None]


def test_a_sensors_verdict_comes_with_who_gave_it() -> None:
    assert face_evidence(compared()).pad is None
    said = vision_messages.PadSaid("Depth 3", "2.1", 0.5, PadResult.LIVE, 0.8, 120)
    found = face_evidence(msgspec.structs.replace(compared(), pad=said)).pad
    assert found == PadEvidence("Depth 3", "2.1", Score(0.5), PadResult.LIVE, Score(0.8), 120)


def test_more_cues_than_there_can_be_are_left_out() -> None:
    assert len(face_evidence(compared(**{f"c{n}": 1.0 for n in range(100)})).cues) == CUES_MAX


def test_how_long_ago_a_lost_face_was_proved_reaches_the_machine() -> None:
    posted: list[object] = []
    engine = cast("Any", SimpleNamespace(post=posted.append, mark=None))
    nobody = cast("Any", None)
    vision = VisionEvents(engine, documents=nobody, views=nobody, tally=nobody, spare=nobody, take_sealed=nobody)
    vision.hear(vision_messages.TrackChanged("c", TrackChange.LOST, 7, 650, 1.5))
    vision.hear(vision_messages.TrackChanged("c", TrackChange.SWITCHED, 7))
    assert posted == [
        TrackChanged("c", TrackChange.LOST, 7, 650, 1.5),
        TrackChanged("c", TrackChange.SWITCHED, 7, None),
    ]
