"""Frames and portrait meet in any order; one comparison comes of it, with everything that could not be had."""

from dataclasses import replace
from typing import Any

import pytest
from fakes.face_examples import ALIVE, BOX, RULES, face, nobody, one_face, template, turned_face, two_faces

from gate.face.capture import (
    GOOD_FRAMES_MAX,
    GOOD_FRAMES_MIN,
    LIVE_WAIT_MS,
    PATIENCE_MS,
    Capture,
    Changed,
    Compared,
    Event,
    Guided,
    PortraitProblem,
)
from gate.face.quality import Observation
from gate.face.track import TrackState
from gate.face.values import LiveEvidence
from gate_core.evidence.screen import Guidance

PORTRAIT = template(0)


def frames(count: int, *, start: int = 0, person: int = 0, alike: float = 0.9) -> list[Observation]:
    return [one_face(start + 80 * number, person, alike=alike) for number in range(count)]


def run(capture: Capture, *steps: object) -> list[Event]:
    events: list[Event] = []
    for step in steps:
        events += capture.see(step, ALIVE) if isinstance(step, Observation) else capture.take_portrait(step)  # type: ignore[arg-type]
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


def test_the_best_frames_count_not_the_newest() -> None:
    blurred = [face(80 * n, alike=0.5, sharpness=40.0) for n in range(20, 30)]
    sharp = [face(80 * n, alike=0.9, sharpness=400.0) for n in range(GOOD_FRAMES_MAX)]
    compared = only_comparison(run(Capture(RULES), *sharp, *blurred, PORTRAIT))
    assert compared.frames == GOOD_FRAMES_MAX
    assert compared.match == pytest.approx(0.9)


def test_a_sharper_frame_weighs_more_in_the_template() -> None:
    def match(first: float, others: float) -> float:
        frames_seen = [face(0, alike=0.9, sharpness=first)]
        frames_seen += [face(80 * n, alike=0.5, sharpness=others) for n in (1, 2)]
        return only_comparison(run(Capture(RULES), *frames_seen, PORTRAIT)).match or 0.0

    assert match(400.0, 30.0) > match(30.0, 400.0) + 0.05


def test_a_frame_that_would_not_be_among_the_best_is_not_embedded_but_now_and_then() -> None:
    capture = Capture(RULES)
    run(capture, *frames(GOOD_FRAMES_MAX))
    poorer = {at_ms: face(at_ms, sharpness=30.0) for at_ms in (400, 480, 560)}
    assert not capture.wants_template(poorer[400])
    assert capture.wants_template(poorer[560])  # the track must be proved
    assert not capture.wants_template(nobody(560))
    assert capture.wants_template(two_faces(560))  # among several, too, or the traveller would be lost


def test_after_the_comparison_frames_are_embedded_to_prove_the_track_only() -> None:
    capture = Capture(RULES)
    run(capture, *frames(3), PORTRAIT)
    assert not capture.wants_template(one_face(240))
    assert capture.wants_template(one_face(400))


@pytest.mark.parametrize("wish", [{"eyes_open": 0.1}, {"mouth_open": 0.6}, {"brightness": 40.0}, {"y_part": 0.9}])
def test_a_wish_that_is_never_fulfilled_delays_the_comparison_and_does_not_prevent_it(wish: dict[str, Any]) -> None:
    capture = Capture(RULES)
    early = run(capture, PORTRAIT, *(face(at_ms, **wish) for at_ms in range(0, PATIENCE_MS, 80)))
    assert not any(isinstance(event, Compared) for event in early)
    later = run(capture, *(face(PATIENCE_MS + 80 * n, **wish) for n in range(5)))
    assert only_comparison(later).match == pytest.approx(0.9)


def test_clean_frames_come_before_excused_ones() -> None:
    shut = [face(at_ms, alike=0.5, eyes_open=0.1) for at_ms in range(0, PATIENCE_MS + 800, 80)]
    clean = [one_face(PATIENCE_MS + 800 + 80 * n) for n in range(GOOD_FRAMES_MAX)]
    assert only_comparison(run(Capture(RULES), *shut, *clean, PORTRAIT)).match == pytest.approx(0.9)


def test_the_comparison_waits_for_liveness_that_is_not_ready_but_not_for_ever() -> None:
    looking = LiveEvidence(0.3, ("two_cues_of_five",), ready=False)
    capture = Capture(RULES)
    run(capture, PORTRAIT)
    events = [event for n in range(10) for event in capture.see(one_face(80 * n), looking)]
    assert not any(isinstance(event, Compared) for event in events)
    (compared,) = [event for event in capture.see(one_face(LIVE_WAIT_MS + 160), looking) if isinstance(event, Compared)]
    assert compared.liveness == pytest.approx(0.3)
    assert compared.reasons == ("two_cues_of_five",)


@pytest.mark.parametrize("problem", list(PortraitProblem))
def test_an_unusable_portrait_is_told_with_the_liveness_that_was_had(problem: PortraitProblem) -> None:
    compared = only_comparison(run(Capture(RULES), problem, *frames(3)))
    assert (compared.match, compared.portrait_usable, compared.reasons) == (None, False, (problem.value,))
    assert compared.liveness == pytest.approx(0.8)


def test_liveness_that_was_not_run_is_none_and_said() -> None:
    capture = Capture(RULES)
    for frame in frames(3):
        capture.see(frame)
    (compared,) = [event for event in capture.take_portrait(PORTRAIT) if isinstance(event, Compared)]
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
        ([two_faces(400 + 80 * number, person=1) for number in range(4)], TrackState.SEVERAL),
    ],
)
def test_what_happens_after_the_comparison_is_told_once(after: list[Observation], change: TrackState) -> None:
    capture = Capture(RULES)
    run(capture, PORTRAIT, *frames(3))
    events = [event for event in run(capture, *after, *after) if not isinstance(event, Guided)]
    assert events == [Changed(change, proved_ms=160, grown=1.0)]


def test_a_traveller_behind_whom_two_people_step_up_is_told_to_be_gone() -> None:
    capture = Capture(RULES)
    run(capture, PORTRAIT, *frames(3))
    behind = [two_faces(1000 + 80 * number, person=1) for number in range(20)]
    events = [event for event in run(capture, *behind) if not isinstance(event, Guided)]
    assert events == [
        Changed(TrackState.SEVERAL, proved_ms=160, grown=1.0),
        Changed(TrackState.LOST, proved_ms=160, grown=1.0),
    ]
    assert capture.wants_template(two_faces(9_000))  # or the traveller among them would never be proved


def test_how_much_taller_the_face_was_when_last_proved_is_told() -> None:
    capture = Capture(RULES)
    run(capture, PORTRAIT, *frames(3))
    near = replace(BOX, top=BOX.bottom - 2.5 * BOX.height)
    hidden = replace(BOX, top=BOX.bottom - 4 * BOX.height)
    events = run(capture, one_face(500, box=near), turned_face(700, box=hidden), nobody(800), nobody(1_500))
    assert [event for event in events if isinstance(event, Changed)] == [Changed(TrackState.LOST, 500, 2.5)]


def test_the_size_at_the_comparison_is_the_measure() -> None:
    capture = Capture(RULES)
    small = replace(BOX, top=BOX.bottom - BOX.height / 2)
    run(capture, PORTRAIT, *(one_face(80 * number, box=small) for number in range(3)))
    events = run(capture, one_face(500), one_face(800, box=small), nobody(900), nobody(1_500))
    assert [event for event in events if isinstance(event, Changed)] == [Changed(TrackState.LOST, 800, 1.0)]


def test_who_was_lost_and_is_seen_again_is_told_to_be_lost_again() -> None:
    capture = Capture(RULES)
    run(capture, PORTRAIT, *frames(3))
    events = run(
        capture, nobody(300), nobody(1_000), one_face(1_100, 1), one_face(1_200), nobody(1_300), one_face(1_500)
    )
    assert [event for event in events if isinstance(event, Changed)] == [
        Changed(TrackState.LOST, 160, 1.0),
        Changed(TrackState.LOST, 1_200, 1.0),
        Changed(TrackState.LOST, 1_500, 1.0),
    ]


def test_among_several_faces_the_size_is_told_of_theirs() -> None:
    capture = Capture(RULES)
    run(capture, PORTRAIT, *frames(3))
    near = replace(BOX, top=BOX.bottom - 2 * BOX.height)
    events = run(capture, replace(one_face(500, box=near), faces=2), nobody(600), nobody(1_300))
    assert [event for event in events if isinstance(event, Changed)] == [Changed(TrackState.LOST, 500, 2.0)]


def test_before_the_comparison_no_change_is_told() -> None:
    events = run(Capture(RULES), *frames(3), nobody(300), nobody(900), *frames(1, start=1000, person=1))
    assert not any(isinstance(event, Changed) for event in events)


def test_guidance_is_told_when_it_changes_and_holds() -> None:
    capture = Capture(RULES)
    assert run(capture, nobody(0)) == [Guided(0, None)]
    assert run(capture, nobody(80)) == []
    assert run(capture, turned_face(160)) == []  # it may be one frame only
    assert run(capture, turned_face(240)) == [Guided(1, Guidance.FACE_FORWARD)]
    assert run(capture, nobody(320), turned_face(400), turned_face(480)) == []
    assert run(capture, two_faces(560), two_faces(640)) == [Guided(2, Guidance.ONE_PERSON)]


def test_the_look_fills_as_frames_count_and_empties_when_the_person_changes() -> None:
    capture = Capture(RULES)
    told = [event.progress for event in run(capture, *frames(6)) if isinstance(event, Guided)]
    assert told == [3, 7, 10]  # said once each, and no more when all are there
    assert run(capture, nobody(2000), nobody(2080))[-1] == Guided(0, None, progress=0)


def test_a_blink_and_a_word_are_not_told_and_shut_eyes_are() -> None:
    capture = Capture(RULES)
    run(capture, *frames(5))
    blink = [face(80 * n, eyes_open=0.0) for n in range(5, 9)]
    assert run(capture, *blink, *frames(3, start=720)) == []
    shut = [face(960 + 80 * n, eyes_open=0.0) for n in range(8)]
    assert run(capture, *shut) == [Guided(1, Guidance.OPEN_EYES, progress=10)]


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
