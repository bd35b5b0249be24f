"""Of whom officers are shown something: of a traveller who was referred, and of nobody else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes.passage_examples import (
    AT_REST,
    CROSSING,
    SAME_FACE,
    Run,
    granted,
    granted_by_officer,
    inspecting,
    looking,
    recording,
    said,
)

from gate.passage import states
from gate.passage.crossing_end import refer, revoke
from gate.passage.effects import Erase, Shown
from gate.passage.events import Part, PartLost, Recorded, RecordKind, VideoDoubted
from gate.passage.orders import Hold, LaneOrder
from gate.passage.states import Admission
from gate_core.evidence.crossing import CameraTrouble, Score
from gate_core.evidence.reasons import Objection, Reason


def erased(run: Run) -> list[Shown]:
    return [effect.shown for effect in run.effects if isinstance(effect, Erase)]


def test_of_whoever_is_referred_pictures_are_shown() -> None:
    run = recording(face=replace(SAME_FACE, match=Score(0.1)))
    run.feed(Recorded(CROSSING, RecordKind.DECIDED))
    assert erased(run) == [Shown.PICTURES]
    run = inspecting()
    run.order(Hold(CROSSING))
    assert erased(run) == [Shown.PICTURES]


@pytest.mark.parametrize("face", [replace(SAME_FACE, liveness=Score(0.1)), replace(SAME_FACE, liveness=Score(0.0))])
def test_where_it_may_be_no_persons_face_the_moments_of_the_look_are_shown_too(face: object) -> None:
    run = recording(face=face)  # type: ignore[arg-type]
    run.feed(Recorded(CROSSING, RecordKind.DECIDED))
    assert erased(run) == [Shown.ALARM]


def test_where_the_video_is_doubted_the_moments_of_the_look_are_shown_too() -> None:
    run = granted()
    run.feed(VideoDoubted(CROSSING, CameraTrouble.LOOPED))
    assert erased(run) == [Shown.ALARM]


def test_of_whoever_is_let_through_nothing_is_shown() -> None:
    run = granted()
    run.feed(replace(AT_REST, closed=False, passages_entry=1), after_ms=100)
    assert isinstance(run.state, states.Passing)
    assert erased(run) == [Shown.NOTHING]


@pytest.mark.parametrize("lane", [inspecting, recording, looking, granted])
def test_in_an_emergency_nothing_is_shown(lane: Callable[[], Run]) -> None:
    begins: tuple[Callable[[Run], object], ...] = (
        lambda run: run.feed(replace(AT_REST, fire=True)),
        lambda run: run.order(LaneOrder.OPEN_EMERGENCY),
    )
    for begin in begins:
        run = lane()
        begin(run)
        assert isinstance(run.state, states.Emergency)
        assert erased(run) == [Shown.NOTHING]


def test_of_whom_a_gate_that_only_watches_would_admit_nothing_is_shown() -> None:
    def shown(*reasons: Reason) -> list[Shown]:
        _, effects = refer(states.Looking(CROSSING, 0), tuple(map(Objection, reasons)))
        return [effect.shown for effect in effects if isinstance(effect, Erase)]

    assert shown(Reason.SHADOW_MODE) == [Shown.NOTHING]
    assert shown(Reason.SHADOW_MODE, Reason.HELP_CALLED) == [Shown.PICTURES]
    assert shown(Reason.NOT_SERVED) == [Shown.PICTURES]
    assert shown(Reason.LIVENESS_NOT_RUN) == [Shown.PICTURES]
    assert shown(Reason.HELP_CALLED, Reason.CAMERA_TAMPERED) == [Shown.ALARM]


def test_what_was_sealed_at_the_referral_is_not_sealed_again_when_an_officers_admission_fails() -> None:
    run = granted_by_officer()
    assert erased(run) == [Shown.PICTURES]
    run.feed(PartLost(Part.LOG), replace(AT_REST, bodies=2, closed=False))
    assert isinstance(run.state, states.Referred)
    assert erased(run) == [Shown.PICTURES]
    admission = Admission(states.Referred(CROSSING, ()), said())
    _, effects = revoke(states.Granted(CROSSING, 0, officers=admission), (Objection(Reason.BODIES_SEVERAL),))
    assert not [effect for effect in effects if isinstance(effect, Erase)]
