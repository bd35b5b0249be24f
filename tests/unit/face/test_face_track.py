"""One person is followed by evidence; leaving, being replaced and being joined are three different things."""

import pytest
from fakes.face_examples import BOX, ELSEWHERE, RULES, nobody, one_face, template, turned_face, two_faces

from gate.face.quality import Observation
from gate.face.track import Track, TrackState
from models.manifest import load

FRAME_MS = 80


def followed(*frames: Observation) -> Track:
    track = Track(RULES)
    for frame in frames:
        track.follow(frame)
    return track


def test_a_track_begins_with_a_usable_face() -> None:
    assert followed(nobody(0)).state is TrackState.EMPTY
    assert followed(turned_face(0)).state is TrackState.EMPTY
    assert followed(one_face(0)).state is TrackState.HELD


def test_a_short_absence_is_not_a_loss_and_a_long_one_is() -> None:
    track = followed(one_face(0), nobody(100), nobody(500))
    assert track.state is TrackState.HELD
    assert track.follow(nobody(600)) is TrackState.LOST


def test_someone_elses_face_in_two_usable_frames_is_a_switch() -> None:
    track = followed(one_face(0), one_face(80, person=1))
    assert track.state is TrackState.HELD
    assert track.follow(one_face(160, person=1)) is TrackState.SWITCHED


def test_one_bad_frame_of_the_same_person_is_forgiven() -> None:
    track = followed(one_face(0), one_face(80, alike=0.1), one_face(160), one_face(240, alike=0.1))
    assert track.state is TrackState.HELD


def test_a_switch_is_seen_through_turned_frames_in_between() -> None:
    track = followed(one_face(0), one_face(80, person=1), turned_face(160, person=1), one_face(240, person=1))
    assert track.state is TrackState.SWITCHED


def test_a_traveller_who_walks_off_is_lost_not_switched() -> None:
    walking = [turned_face(80 + 80 * n, box=ELSEWHERE) for n in range(6)]
    gone = [nobody(600 + 80 * n) for n in range(9)]
    track = followed(one_face(0), *walking, *gone)
    assert track.state is TrackState.LOST


def test_a_face_that_cannot_be_verified_holds_the_track_only_for_a_while() -> None:
    frames = [turned_face(FRAME_MS * n) for n in range(1, 18)]
    track = followed(one_face(0), *frames)
    assert track.state is TrackState.HELD
    assert track.follow(turned_face(1500)) is TrackState.LOST


def test_a_verified_face_starts_the_while_again() -> None:
    track = followed(one_face(0), turned_face(1000), one_face(1400), turned_face(2400))
    assert track.state is TrackState.HELD


def test_a_second_person_must_stay_to_count() -> None:
    track = followed(one_face(0), two_faces(80), two_faces(160), one_face(240), two_faces(320), two_faces(400))
    assert track.state is TrackState.HELD
    assert track.follow(two_faces(480)) is TrackState.SEVERAL


def test_who_is_alone_again_is_held_again_and_a_stranger_is_still_found() -> None:
    together = [two_faces(80 * n) for n in range(1, 4)]
    assert followed(one_face(0), *together, one_face(400)).state is TrackState.HELD
    assert followed(one_face(0), *together, one_face(400, 1), one_face(480, 1)).state is TrackState.SWITCHED


def test_several_faces_that_are_not_shown_to_be_theirs_hold_the_track_only_for_a_while() -> None:
    """Two people step up behind a traveller who has walked on."""
    track = followed(one_face(0), *(two_faces(80 * n, person=1) for n in range(1, 18)))
    assert track.state is TrackState.SEVERAL
    assert track.follow(two_faces(1500, person=1)) is TrackState.LOST


def test_among_several_faces_the_persons_own_is_proved_and_holds_the_track() -> None:
    track = followed(one_face(0), *(two_faces(80 * n) for n in range(1, 60)))
    assert track.state is TrackState.SEVERAL
    assert track.proved_ms == 80 * 59
    assert not track.wants_proof(two_faces(80 * 59 + 80))
    assert track.wants_proof(two_faces(80 * 59 + RULES.verify_every_ms))


def test_it_says_when_the_person_was_proved_for_the_last_time() -> None:
    track = followed(one_face(0), one_face(80), turned_face(160), nobody(240), nobody(800))
    assert (track.state, track.proved_ms) == (TrackState.LOST, 80)


@pytest.mark.parametrize("ending", [(nobody(600),), (one_face(80, 1), one_face(160, 1))])
def test_a_track_that_ended_stays_ended(ending: tuple[Observation, ...]) -> None:
    track = followed(one_face(0), *ending)
    ended = track.state
    assert ended in {TrackState.LOST, TrackState.SWITCHED}
    assert track.follow(one_face(900)) is ended


def test_the_bound_for_the_same_person_lies_below_the_match_threshold() -> None:
    for model in (model for model in load().models if model.role == "embed"):
        assert model.threshold is not None
        assert model.threshold.same_min is not None
        assert model.threshold.same_min < model.threshold.value


def test_wiping_zeroes_what_was_seen() -> None:
    seen = template(0)
    track = followed(Observation(0, 1, BOX, quality=one_face(0).quality, template=seen))
    track.wipe()
    assert not seen.vector.any()
