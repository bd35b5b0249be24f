"""The traveller is chosen by rule: who moves, who is large, who stays; never a poster, a shirt, or the hall."""

from functools import cache

import cv2
import numpy as np
import pytest

from gate.face.subject import FORGET_MS, LARGER, MOVING_FRAMES_OF_PICTURE, PROVE_MS, STATUE_MS, Choice, Chooser, Zone
from gate.face.values import Box, Face

FRAME_MS = 67
SIZE = (480, 640)


def head(x: float, y: float, side: float) -> Box:
    return Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)


@cache
def sensor_noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((*SIZE, 3), np.float32)


class Room:
    """Draws heads before a wall with sensor noise and shows them to a chooser. A head is a place, or None when it is away."""

    def __init__(self, *, zone: Zone = Zone(), frame_ms: int = FRAME_MS) -> None:  # noqa: B008 - frozen
        self.chooser = Chooser(zone)
        self.frames = 0
        self._frame_ms = frame_ms
        self._texture = np.random.default_rng(5).integers(60, 200, (64, 64, 3), dtype=np.uint8)

    def show(self, *heads: Box, noise: float = 1.0, light: float = 1.0) -> Choice:
        picture = np.full((*SIZE, 3), 120, np.float32)
        for box in heads:
            left, top, right, bottom = (round(value) for value in (box.left, box.top, box.right, box.bottom))
            face = cv2.resize(self._texture, (right - left, bottom - top))
            top_seen, left_seen = max(0, top), max(0, left)
            room = picture[top_seen:bottom, left_seen:right]
            room[:] = face[top_seen - top :, left_seen - left :][: room.shape[0], : room.shape[1]]
        lit = picture * light + noise * sensor_noise(self.frames % 8)
        frame = np.clip(lit, 0, 255).astype(np.uint8)
        faces = tuple(Face(box, 0.99) for box in heads)
        at_ms = self.frames * self._frame_ms
        self.frames += 1
        return self.chooser.choose(faces, frame, at_ms=at_ms)

    def sway(self, box: Box) -> Box:
        """Where a living head is now."""
        x, y = box.centre
        turn = self.frames / 4
        return head(x + 4 * np.sin(turn), y + 2 * np.cos(turn), box.width)


MAN, CHILD = head(320, 220, 160), head(320, 380, 120)
POSTER = head(520, 150, 170)


def shown(room: Room, count: int, *, living: tuple[Box, ...] = (), still: tuple[Box, ...] = ()) -> list[Choice]:
    return [room.show(*(room.sway(box) for box in living), *still) for _ in range(count)]


def test_one_who_stands_there_is_the_traveller_after_a_moment_and_keeps_the_number() -> None:
    choices = shown(Room(), 20, living=(MAN,))
    assert choices[0] == Choice(0)
    subjects = {choice.subject for choice in choices[6:]}
    assert len(subjects) == 1
    assert {choice.faces for choice in choices[6:]} == {1}


def test_nobody_is_nobody() -> None:
    assert set(shown(Room(), 5)) == {Choice(0)}


def test_a_poster_larger_than_the_traveller_neither_wins_nor_counts() -> None:
    choices = shown(Room(), 40, living=(MAN,), still=(POSTER,))
    assert {choice.faces for choice in choices} <= {0, 1}
    assert all(choice.face is None or choice.face.box.overlap(POSTER) == 0 for choice in choices)
    assert choices[-1].faces == 1


def test_a_poster_alone_is_nobody_however_long_and_however_noisy() -> None:
    room = Room()
    assert {room.show(POSTER, noise=1.0 + number % 3).faces for number in range(60)} == {0}


def test_light_that_goes_up_and_down_does_not_make_a_poster_move() -> None:
    room = Room()
    assert {room.show(POSTER, light=0.8 + 0.02 * (number % 7)).faces for number in range(60)} == {0}


def test_a_camera_whose_exposure_is_challenged_sees_who_moves_as_soon_and_no_poster() -> None:
    exposures = np.repeat(np.random.default_rng(3).choice([1.0, 0.93, 0.87, 0.8], 30), 2)
    room = Room()
    choices = [room.show(room.sway(MAN), POSTER, light=float(light)) for light in exposures]
    assert next(number for number, choice in enumerate(choices) if choice.face) <= 7
    assert all(choice.face is None or choice.face.box.width == MAN.width for choice in choices)
    assert {choice.faces for choice in choices[-20:]} == {1}


def test_who_walks_by_in_front_of_a_poster_does_not_bring_it_to_life() -> None:
    room = Room()
    shown(room, 20, still=(POSTER,))
    for number in range(MOVING_FRAMES_OF_PICTURE - 2):
        passing = head(430 + 40 * number, 330, 130)
        choice = room.show(passing, POSTER)
        assert choice.face is None or choice.face.box == passing
    assert all(choice == Choice(0) for choice in shown(room, 40, still=(POSTER,))[12:])


def test_a_picture_that_moves_for_a_while_was_a_person_after_all() -> None:
    room = Room()
    shown(room, 20, still=(MAN,))
    assert shown(room, 20, living=(MAN,))[-1].faces == 1


def test_who_has_moved_may_stand_still_for_a_while_and_no_longer() -> None:
    room = Room()
    shown(room, 10, living=(MAN,))
    still_for = MAN
    patient = shown(room, (STATUE_MS - 800) // FRAME_MS, still=(still_for,))
    assert {choice.faces for choice in patient} == {1}
    assert shown(room, 30, still=(still_for,))[-1].faces == 0
    assert PROVE_MS < STATUE_MS


def test_a_face_on_the_chest_never_wins_even_when_larger_but_counts() -> None:
    room = Room()
    face, shirt = head(320, 120, 110), head(330, 300, 150)
    choices = shown(room, 30, living=(face, shirt))
    assert all(choice.face is None or choice.face.box.centre[1] < 200 for choice in choices)
    assert choices[-1].faces == 2  # it may be a child


def test_a_small_face_in_the_hall_is_not_counted_and_one_beside_is() -> None:
    assert shown(Room(), 20, living=(MAN, head(560, 100, 60)))[-1].faces == 1
    assert shown(Room(), 20, living=(MAN, head(520, 230, 150)))[-1].faces == 2


def test_the_traveller_stays_the_same_when_a_slightly_larger_face_comes() -> None:
    room = Room()
    first = shown(room, 15, living=(MAN,))[-1].subject
    larger = head(530, 240, 160 * (LARGER - 0.1))
    assert {choice.subject for choice in shown(room, 20, living=(MAN, larger))} == {first}


def test_a_much_larger_face_takes_over_with_a_number_of_its_own() -> None:
    room = Room()
    small = head(150, 200, 90)
    first = shown(room, 15, living=(small,))[-1].subject
    last = shown(room, 20, living=(small, head(450, 240, 220)))[-1]
    assert last.subject != first
    assert last.face is not None
    assert last.face.box.width > 200


def test_a_face_that_was_away_for_long_comes_back_as_another() -> None:
    room = Room()
    first = shown(room, 15, living=(MAN,))[-1].subject
    shown(room, FORGET_MS // FRAME_MS + 2)
    assert shown(room, 15, living=(MAN,))[-1].subject not in {0, first}


def test_faces_too_small_or_below_the_zone_are_no_travellers() -> None:
    assert shown(Room(), 20, living=(head(320, 200, 40),))[-1] == Choice(0)
    assert shown(Room(zone=Zone(bottom=0.6)), 20, living=(head(320, 380, 160),))[-1] == Choice(0)
    assert shown(Room(zone=Zone(bottom=0.9)), 20, living=(head(320, 380, 160),))[-1].faces == 1


def test_a_frame_of_another_size_begins_the_comparison_of_pictures_anew() -> None:
    chooser = Chooser()
    for at_ms, width in ((0, 640), (67, 480), (134, 480)):
        frame = np.zeros((480, width, 3), np.uint8)
        assert chooser.choose((Face(MAN, 0.9),), frame, at_ms=at_ms) == Choice(0)


@pytest.mark.parametrize("frame_ms", [FRAME_MS, 300, 500, 1100])
def test_a_person_is_followed_however_seldom_frames_come_and_a_poster_is_none(frame_ms: int) -> None:
    room = Room(frame_ms=frame_ms)
    frames = 4 + 2 * STATUE_MS // frame_ms
    choices = shown(room, frames, living=(MAN,), still=(POSTER,))[3:]
    assert {choice.subject for choice in choices} == {1}
    room = Room(frame_ms=frame_ms)
    assert shown(room, frames, still=(POSTER,))[-1].face is None


def test_a_pause_between_two_frames_makes_nobody_a_picture() -> None:
    room = Room()
    shown(room, 1, living=(MAN,))
    room.frames += 2 * PROVE_MS // FRAME_MS
    choices = shown(room, 3, living=(MAN,))
    assert choices[-1].faces == 1
    room.frames += 2 * STATUE_MS // FRAME_MS
    assert all(choice.faces == 1 for choice in shown(room, 4, living=(MAN,)))
