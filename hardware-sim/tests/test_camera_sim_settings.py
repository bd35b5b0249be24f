"""What the simulated camera can be told, and what it does to a picture."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware_sim.camera import Settings, SettingsError
from hardware_sim.camera.scenes import shone_at, shone_at_person
from hardware_sim.faces.hall import Picture

GREY: Picture = np.full((48, 64, 3), 120, np.uint8)


def body(value: object) -> bytes:
    return json.dumps(value).encode()


def test_exposure_and_gain_are_set_each_or_both_and_the_display_stays() -> None:
    shone = Settings().shone_at(body({"rgb": [1, 0, 0.5]}))
    assert shone == Settings(display=(1.0, 0.0, 0.5))
    assert shone.controlled(body({"exposure": 2})) == Settings(exposure=2.0, display=(1.0, 0.0, 0.5))
    both = shone.controlled(body({"exposure": 0.5, "gain": 3.5}))
    assert (both.exposure, both.gain, both.display) == (0.5, 3.5, shone.display)


@pytest.mark.parametrize(
    "wrong",
    [
        b"{",
        b"[" * 5000,
        b"\xff\xfe",
        body([1]),
        body({}),
        body({"iso": 100}),
        body({"exposure": 0}),
        body({"exposure": "1"}),
        body({"gain": True}),
        body({"gain": 17}),
        b'{"gain": NaN}',
        b'{"gain": 1e999}',
    ],
)
def test_what_cannot_be_controlled_is_refused(wrong: bytes) -> None:
    with pytest.raises(SettingsError):
        Settings().controlled(wrong)


@pytest.mark.parametrize(
    "wrong",
    [body({}), body({"rgb": [1, 1]}), body({"rgb": 1}), body({"rgb": [0, 0, 2]}), body({"rgb": [0, 0, 0], "x": 1})],
)
def test_a_light_that_is_no_colour_is_refused(wrong: bytes) -> None:
    with pytest.raises(SettingsError):
        Settings().shone_at(wrong)


@given(noise=st.binary(max_size=100))
def test_noise_sets_nothing(noise: bytes) -> None:
    with pytest.raises(SettingsError):
        Settings().controlled(noise)


def test_usual_settings_leave_the_picture_alone() -> None:
    assert Settings().sensed(GREY, seed=1) is GREY


def test_twice_the_exposure_is_twice_the_light() -> None:
    brighter = Settings(exposure=2.0).sensed(GREY, seed=1)
    assert (brighter[0, 0, 0] / 120) ** 2.2 == pytest.approx(2.0, rel=0.03)
    assert brighter.std() == 0


def test_gain_brings_light_and_noise() -> None:
    gained = Settings(exposure=0.25, gain=4.0).sensed(GREY, seed=1)
    assert gained.mean() == pytest.approx(120, abs=1)
    assert 2.0 < gained.std() < 4.0


def test_a_display_tints_what_it_reaches_and_most_what_stands_out_and_no_window_lights() -> None:
    red = shone_at_person(GREY, (1.0, 0.0, 0.0))
    assert np.array_equal(red[..., :2], GREY[..., :2])
    away, middle, window = red[24, 35, 2], red[24, 32, 2], red[24, 29, 2]
    assert away > middle > window > red[2, 2, 2] == 120
    assert red[24, 41, 2] < away


def test_a_dark_display_changes_nothing_and_white_tints_nothing() -> None:
    assert shone_at(GREY, (0.0, 0.0, 0.0), np.float32(1)) is GREY
    white = shone_at(GREY, (1.0, 1.0, 1.0), np.float32(1))
    assert len(np.unique(white)) == 1
    assert white[0, 0, 0] > 140
