"""Frames and portrait meet in any order; one comparison comes of it, with everything that could not be had."""

import pytest
from fakes.face_examples import RULES, nobody, one_face, template, turned_face, two_faces

from gate.face.capture import (
    GOOD_FRAMES_MAX,
    GOOD_FRAMES_MIN,
    Capture,
    Changed,
    Compared,
    Event,
    Guided,
    PortraitProblem,
)
from gate.face.chain import Observation
from gate.face.quality import Hint
from gate.face.track import TrackState

PORTRAIT = template(0)


def frames(count: int, *, start: int = 0, person: int = 0, alike: float = 0.9) -> list[Observation]:
    return [one_face(start + 80 * number, person, alike=alike) for number in range(count)]


def run(capture: Capture, *steps: object) -> list[Event]:
    events: list[Event] = []
    for step in steps:
        events += capture.see(step) if isinstance(step, Observation) else capture.take_portrait(step)  # type: ignore[arg-type]
    return events


def only_comparison(events: list[Event]) -> Compared:
    (compared,) = [event for event in events if isinstance(event, Compared)]
    return compared


def test_the_portrait_after_the_frames_is_compared_at_once() -> None:
    capture = Capture(RULES)
    run(capture, *frames(GOOD_FRAMES_MIN, start=1000))
    (compared,) = capture.take_portrait(PORTRAIT)
    assert isinstance(compared, Compared)
    assert compared.match == pytest.approx(0.9)
    assert compared.liveness == pytest.approx(0.8)
    assert (compared.faces, compared.frames, compared.good_frame_ms) == (1, GOOD_FRAMES_MIN, 1160)
    assert (compared.portrait_usable, compared.model, compared.reasons) == (True, "fr_feature", ())
    assert capture.compared


def test_the_portrait_before_the_frames_waits_for_enough_of_them() -> None:
    events = run(Capture(RULES), PORTRAIT, *frames(GOOD_FRAMES_MIN - 1))
    assert not any(isinstance(event, Compared) for event in events)
    assert only_comparison(run(Capture(RULES), PORTRAIT, *frames(GOOD_FRAMES_MIN))).match == pytest.approx(0.9)


def test_there_is_one_comparison_and_one_portrait() -> None:
    events = run(Capture(RULES), PORTRAIT, *frames(3), template(1), *frames(3, start=400))
    assert only_comparison(events).match == pytest.approx(0.9)


def test_the_score_is_the_median_over_the_newest_frames() -> None:
    mixed = [
        one_face(80 * n, alike=alike, liveness=alike) for n, alike in enumerate((0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95))
    ]
    compared = only_comparison(run(Capture(RULES), *mixed, PORTRAIT))
    assert compared.frames == GOOD_FRAMES_MAX
    assert compared.match == pytest.approx(0.8)
    assert compared.liveness == pytest.approx(0.8)


@pytest.mark.parametrize("problem", list(PortraitProblem))
def test_an_unusable_portrait_is_told_with_the_liveness_that_was_had(problem: PortraitProblem) -> None:
    compared = only_comparison(run(Capture(RULES), problem, *frames(3)))
    assert (compared.match, compared.portrait_usable, compared.reasons) == (None, False, (problem.value,))
    assert compared.liveness == pytest.approx(0.8)


def test_liveness_that_was_not_run_is_none_and_said() -> None:
    blind = [one_face(80 * number, liveness=None) for number in range(3)]
    compared = only_comparison(run(Capture(RULES), PORTRAIT, *blind))
    assert compared.liveness is None
    assert compared.reasons == ("liveness_not_run",)


def test_frames_of_a_person_who_left_do_not_count_for_the_next() -> None:
    events = run(Capture(RULES), *frames(3), nobody(300), nobody(900), *frames(2, start=1000, person=1), PORTRAIT)
    assert not any(isinstance(event, Compared) for event in events)
    events = run(Capture(RULES), *frames(3), nobody(300), nobody(900), *frames(3, start=1000, person=1), PORTRAIT)
    compared = only_comparison(events)
    assert compared.match == pytest.approx(0.0)
    assert compared.good_frame_ms == 1160


def test_frames_of_a_person_who_was_replaced_do_not_count_either() -> None:
    events = run(Capture(RULES), *frames(3), *frames(5, start=240, person=1), PORTRAIT)
    compared = only_comparison(events)
    assert compared.match == pytest.approx(0.0)
    assert compared.frames == 4  # the frame that showed the switch belongs to the new person already


@pytest.mark.parametrize("last", [nobody(400), two_faces(400)])
def test_nothing_is_compared_while_the_person_is_not_alone_in_the_picture(last: Observation) -> None:
    capture = Capture(RULES)
    run(capture, *frames(3), last)
    assert capture.take_portrait(PORTRAIT) == ()


def test_several_faces_that_stay_are_told_and_not_compared() -> None:
    capture = Capture(RULES)
    crowd = [two_faces(80 * number) for number in range(40)]
    compared = only_comparison(run(capture, PORTRAIT, *crowd))
    assert (compared.faces, compared.match, compared.liveness, compared.frames) == (2, None, None, 0)
    assert compared.reasons == ("several_faces_stay",)
    assert capture.compared


def test_several_faces_that_pass_are_forgotten() -> None:
    passing = [two_faces(80 * number) for number in range(10)]
    assert only_comparison(run(Capture(RULES), PORTRAIT, *passing, *frames(3, start=1000))).faces == 1


def test_faces_that_cannot_be_compared_claim_nothing() -> None:
    events = run(Capture(RULES), PORTRAIT, *(turned_face(80 * number) for number in range(50)))
    assert [event for event in events if not isinstance(event, Guided)] == []


@pytest.mark.parametrize(
    ("after", "change"),
    [
        ([nobody(1000), nobody(1700)], TrackState.LOST),
        (frames(3, start=1000, person=1), TrackState.SWITCHED),
        ([two_faces(1000 + 80 * number) for number in range(4)], TrackState.SEVERAL),
    ],
)
def test_what_happens_after_the_comparison_is_told_once(after: list[Observation], change: TrackState) -> None:
    capture = Capture(RULES)
    run(capture, PORTRAIT, *frames(3))
    events = [event for event in run(capture, *after, *after) if not isinstance(event, Guided)]
    assert events == [Changed(change)]


def test_before_the_comparison_no_change_is_told() -> None:
    events = run(Capture(RULES), *frames(3), nobody(300), nobody(900), *frames(1, start=1000, person=1))
    assert not any(isinstance(event, Changed) for event in events)


def test_guidance_is_told_when_it_changes_and_holds() -> None:
    capture = Capture(RULES)
    assert run(capture, nobody(0)) == [Guided(0, None)]
    assert run(capture, nobody(80)) == []
    assert run(capture, turned_face(160)) == []  # it may be one frame only
    assert run(capture, turned_face(240)) == [Guided(1, Hint.FACE_FORWARD)]
    assert run(capture, nobody(320), turned_face(400), turned_face(480)) == []
    assert run(capture, two_faces(560), two_faces(640)) == [Guided(2, Hint.ONE_PERSON)]


def test_wiping_zeroes_every_template() -> None:
    capture = Capture(RULES)
    seen = frames(3)
    portrait = template(0)
    run(capture, portrait, *seen)
    capture.wipe()
    assert not portrait.vector.any()
    assert not any(frame.template.vector.any() for frame in seen if frame.template is not None)


def test_events_show_no_template() -> None:
    text = repr(only_comparison(run(Capture(RULES), PORTRAIT, *frames(3))))
    assert "array" not in text
