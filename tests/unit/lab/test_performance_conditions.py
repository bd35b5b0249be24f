"""What frames say of the light, the noise and the background, on pictures whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest
from fakes.portraits import astronaut, before_the_camera
from fakes.tiny_models import real_models

from gate.face.chain import FaceModels, observe, open_models
from gate.face.quality import Observation
from gate_lab.conditions import Condition, conditions_of, noise

FRAME = before_the_camera(astronaut())


@pytest.fixture(scope="module")
def chain() -> FaceModels:
    return open_models(real_models())


@pytest.mark.parametrize("deviation", [1.0, 5.0, 20.0])
def test_noise_is_measured_in_grey_levels_whatever_the_picture(deviation: float) -> None:
    random = np.random.default_rng(1)
    y, x = np.mgrid[0:200, 0:200]
    for scene in (np.full((200, 200), 128.0), 60 + 0.5 * x, 100 + 60 * np.sin(x / 20) * np.cos(y / 30)):
        noisy = np.clip(scene + random.normal(0, deviation, scene.shape), 0, 255).astype(np.uint8)
        assert noise(noisy) == pytest.approx(deviation, rel=0.1, abs=0.1)


def test_each_condition_follows_what_it_is_named_after(chain: FaceModels) -> None:
    seen = observe(chain, FRAME)
    plain = conditions_of(FRAME, seen)
    assert set(plain) == set(Condition)
    warm = np.clip(FRAME * np.array((0.7, 0.9, 1.1)), 0, 255).astype(np.uint8)
    assert conditions_of(warm, seen)[Condition.LIGHT] > 1.3 * plain[Condition.LIGHT]
    grainy = np.clip(FRAME + np.random.default_rng(2).normal(0, 10, FRAME.shape), 0, 255).astype(np.uint8)
    assert conditions_of(grainy, seen)[Condition.NOISE] > plain[Condition.NOISE] + 3
    dark = (FRAME * 0.5).astype(np.uint8)
    assert conditions_of(dark, observe(chain, dark))[Condition.BRIGHTNESS] < 0.6 * plain[Condition.BRIGHTNESS]
    assert seen.box is not None
    wall = FRAME.copy()
    wall[:, : round(seen.box.left)] = wall[:, round(seen.box.right) :] = 128
    assert conditions_of(wall, observe(chain, wall))[Condition.BACKGROUND] < 2


def test_of_whom_no_face_was_measured_nothing_is_said(chain: FaceModels) -> None:
    assert conditions_of(FRAME, Observation(at_ms=0, faces=0)) == {}
    seen = observe(chain, FRAME)
    assert conditions_of(FRAME[:, :4].copy(), seen).keys() <= {Condition.BRIGHTNESS, Condition.BACKGROUND}
    assert conditions_of(FRAME, replace(seen, quality=None)) == {}
