"""One person is followed by evidence; leaving, being replaced and being joined are three different things."""

from collections.abc import Callable

import pytest
from fakes.face_examples import BOX, ELSEWHERE, RULES, nobody, one_face, template, turned_face, two_faces

from gate.face.quality import Observation
from gate.face.track import Track, TrackState
from models.manifest import load

FRAMES: dict[str, Callable[[int], Observation]] = {
    "one": one_face,
    "other": lambda at_ms: one_face(at_ms, person=1),
    "unlike": lambda at_ms: one_face(at_ms, alike=0.1),
    "turned": turned_face,
    "turned-other": lambda at_ms: turned_face(at_ms, person=1),
    "elsewhere": lambda at_ms: turned_face(at_ms, box=ELSEWHERE),
    "two": two_faces,
    "two-others": lambda at_ms: two_faces(at_ms, person=1),
    "nobody": nobody,
}
FRAME_MS = 80


def followed(*frames: Observation) -> Track:
    track = Track(RULES)
    for frame in frames:
        track.follow(frame)
    return track


# What is seen, when in milliseconds (or from when to when, every 80 ms), and what the track is then.
STORIES = {
    "a track does not begin with nobody": "0 nobody =empty",
    "nor with a face that cannot be used": "0 turned =empty",
    "it begins with a usable face": "0 one =held",
    "a short absence is no loss and a long one is": "0 one, 100 nobody, 500 nobody =held, 600 nobody =lost",
    "someone else's face in two usable frames is a switch": "0 one, 80 other =held, 160 other =switched",
    "one bad frame of the same person is forgiven": "0 one, 80 unlike, 160 one, 240 unlike =held",
    "a switch is seen through turned frames": "0 one, 80 other, 160 turned-other, 240 other =switched",
    "who walks off is lost, not switched": "0 one, 80-480 elsewhere, 600-1240 nobody =lost",
    "a face that cannot be verified holds it for a while": "0 one, 80-1360 turned =held, 1500 turned =lost",
    "a verified face starts the while again": "0 one, 1000 turned, 1400 one, 2400 turned =held",
    "a second person must stay to count": "0 one, 80-160 two, 240 one, 320-400 two =held, 480 two =several",
    "who is alone again is held again": "0 one, 80-240 two, 400 one =held",
    "and a stranger is still found": "0 one, 80-240 two, 400-480 other =switched",
    "two who step up behind a traveller hold it for a while": "0 one, 80-1360 two-others =several, 1500 two-others =lost",
    "what was lost stays so": "0 one, 600 nobody =lost, 900 one =lost",
    "what was switched stays so": "0 one, 80-160 other =switched, 900 one =switched",
}


@pytest.mark.parametrize("what", STORIES)
def test_a_track_is_what_was_seen(what: str) -> None:
    track = Track(RULES)
    for step in STORIES[what].split(", "):
        when, seen, *state = step.split()
        first, _, last = when.partition("-")
        for at_ms in range(int(first), int(last or first) + 1, FRAME_MS):
            assert track.follow(FRAMES[seen](at_ms)) is track.state
        assert not state or state == [f"={track.state.value}"]


def test_among_several_faces_the_persons_own_is_proved_and_holds_the_track() -> None:
    track = followed(one_face(0), *(two_faces(80 * n) for n in range(1, 60)))
    assert track.state is TrackState.SEVERAL
    assert track.proved_ms == 80 * 59
    assert not track.wants_proof(two_faces(80 * 59 + 80))
    assert track.wants_proof(two_faces(80 * 59 + RULES.verify_every_ms))


def test_it_says_when_the_person_was_proved_for_the_last_time() -> None:
    track = followed(one_face(0), one_face(80), turned_face(160), nobody(240), nobody(800))
    assert (track.state, track.proved_ms) == (TrackState.LOST, 80)


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
