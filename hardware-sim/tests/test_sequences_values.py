"""The numbers of a frame and their lines of time."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware_sim.sequences import KIOSK, UPRIGHT, FrameTruth, Lighting, Look, PersonTruth
from hardware_sim.sequences.values import KEYS_MAX, Key, Timeline, still

NEAR, FAR = Look(distance_cm=60.0), Look(distance_cm=160.0, yaw_deg=20.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"yaw_deg": 41.0},
        {"pitch_deg": -31.0},
        {"roll_deg": 50.0},
        {"smile": 1.1},
        {"distance_cm": 10.0},
        {"height_cm": 20},
    ],
)
def test_a_look_that_nobody_has_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="out of range"):
        Look(**wrong)


@pytest.mark.parametrize(
    ("level", "side", "backlit", "blue"), [(-1, 0, 0, 0), (1, 2, 0, 0), (1, 0, 1.5, 0), (1, 0, 0, 1.1)]
)
def test_a_light_that_cannot_be_is_refused(level: float, side: float, backlit: float, blue: float) -> None:
    with pytest.raises(ValueError, match="out of range"):
        Lighting(level, side, backlit, (0.0, 0.0, blue))


def test_between_two_looks_and_two_lights_everything_moves() -> None:
    assert NEAR.towards(FAR, 0.5) == Look(distance_cm=110.0, yaw_deg=10.0)
    red = Lighting(level=2.0, side=1.0, display=(1.0, 0.0, 0.0))
    assert Lighting().towards(red, 0.5) == Lighting(level=1.5, side=0.0, display=(0.5, 0.0, 0.0))


def test_a_line_of_time_stands_still_before_and_after_its_keys() -> None:
    line = Timeline((Key(1.0, NEAR), Key(2.0, FAR)))
    assert (line.at(0.0), line.at(1.0), line.at(2.0), line.at(99.0)) == (NEAR, NEAR, FAR, FAR)
    assert still(NEAR).at(5.0) == NEAR


def test_people_start_slowly_and_walk_evenly_when_told_to() -> None:
    keys = (Key(0.0, NEAR), Key(1.0, FAR))
    assert Timeline(keys, even=True).at(0.25).distance_cm == pytest.approx(85)
    assert Timeline(keys).at(0.25).distance_cm == pytest.approx(75.625)


@given(at_s=st.floats(-1, 5))
def test_a_value_on_a_line_never_leaves_the_span_of_its_keys(at_s: float) -> None:
    distance = Timeline((Key(0.0, NEAR), Key(1.0, FAR), Key(3.0, NEAR))).at(at_s).distance_cm
    assert 60.0 <= distance <= 160.0


def test_keys_out_of_order_and_lines_without_keys_or_with_too_many_are_refused() -> None:
    with pytest.raises(ValueError, match="follow"):
        Timeline((Key(1.0, NEAR), Key(1.0, FAR)))
    with pytest.raises(ValueError, match="keys"):
        Timeline(())
    with pytest.raises(ValueError, match="keys"):
        Timeline(tuple(Key(float(at), NEAR) for at in range(KEYS_MAX + 1)))


def test_the_upright_lens_sees_the_eyes_of_140_and_of_200_cm_with_room_for_the_head() -> None:
    for height_cm in (140.0, 200.0):
        look = Look(height_cm=height_cm, distance_cm=85.0)
        x, y = UPRIGHT.place_px(sideways_cm=0, above_floor_cm=look.eyes_above_floor_cm, distance_cm=85.0)
        head_px = 15.0 * UPRIGHT.px_per_cm(85.0)
        assert x == UPRIGHT.width_px / 2
        assert head_px < y < UPRIGHT.height_px - head_px


def test_what_is_farther_is_smaller_and_nearer_to_the_middle() -> None:
    near = KIOSK.place_px(sideways_cm=10, above_floor_cm=170, distance_cm=70)
    far = KIOSK.place_px(sideways_cm=10, above_floor_cm=170, distance_cm=140)
    assert (near[0] - 320) == pytest.approx(2 * (far[0] - 320))
    assert (240 - near[1]) == pytest.approx(2 * (240 - far[1]))


def test_a_truth_is_plain_json() -> None:
    face = PersonTruth(
        "elena", None, (1.0, 2.0, 3.0, 4.0), (2.0, 3.0), 60.12345, 1, 2, 3, 0, 1, 0, 0, 75.0, 170.0, 1.0, ("hat",)
    )
    line = json.loads(json.dumps(FrameTruth(0.2, (face,), Lighting()).as_json()))
    assert line["people"][0] | {} == {
        "identity": "elena",
        "attack": None,
        "box_px": [1.0, 2.0, 3.0, 4.0],
        "eyes_px": [2.0, 3.0],
        "eye_distance_px": 60.123,
        "yaw_deg": 1,
        "pitch_deg": 2,
        "roll_deg": 3,
        "closed_left": 0,
        "closed_right": 1,
        "mouth_open": 0,
        "smile": 0,
        "distance_cm": 75.0,
        "height_cm": 170.0,
        "visible": 1.0,
        "wears": ["hat"],
    }
    assert line["light"] == {"level": 1.0, "side": -1.0, "backlit": 0.0, "display": [0.0, 0.0, 0.0]}
