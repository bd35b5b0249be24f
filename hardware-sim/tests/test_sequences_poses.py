"""One person really photographed: light, depth and expressions of a sheet."""

import numpy as np
import pytest

from hardware_sim.faces.head import Head
from hardware_sim.faces.people import people
from hardware_sim.sequences import poses, store
from hardware_sim.sequences.poses import (
    AMBIENT,
    EXPRESSIVE,
    EYES_PX,
    FRONT,
    HALF,
    LAMP,
    SMILE,
    WIDE,
    WINDOW,
    Anatomy,
    Sheet,
)

X, Y = EYES_PX


@pytest.fixture(scope="module")
def head() -> Head:
    return Head(people()[0])


@pytest.fixture(scope="module")
def frontal(head: Head) -> Sheet:
    return poses.photographed(head, EXPRESSIVE[0])


@pytest.fixture(scope="module")
def body(head: Head) -> Anatomy:
    return poses.anatomy(head, seed=1)


def test_the_person_is_in_the_middle_and_the_corners_are_empty(frontal: Sheet) -> None:
    # Strands of hair hang beside it, and where each one ends depends on how a processor rounds.
    assert (frontal.cover[Y - 50 : Y + 100, X - 40 : X + 40] == 255).all()
    assert not frontal.cover[:20, :100].any()
    assert not frontal.layers[:, :20, :100].any()


def test_each_light_comes_from_its_side(frontal: Sheet) -> None:
    cheeks = [
        frontal.layers[:, Y + 30 : Y + 60, X + side - 8 : X + side + 8].mean(axis=(1, 2, 3)) for side in (-40, 40)
    ]
    left, right = cheeks
    assert left[WINDOW] > 1.2 * right[WINDOW]
    assert right[LAMP] > 1.2 * left[LAMP]
    for even in (AMBIENT, FRONT):
        assert left[even] == pytest.approx(right[even], rel=0.15)


def test_the_nose_lies_before_the_eyes_and_the_ears_behind(frontal: Sheet) -> None:
    forward = poses.forward_dm(frontal.forward)
    assert forward[Y + 45, X] > forward[Y, X - 35] + 0.2
    assert forward[Y, X - 35] > forward[Y + 10, X - 75] + 0.2


def test_closed_eyes_and_an_open_mouth_are_where_they_belong_and_the_seam_is_not_seen(frontal: Sheet) -> None:
    left, top, width, height = poses.CUTOUT_PX
    assert frontal.expressions is not None
    neutral = frontal.layers[FRONT, top : top + height, left : left + width].astype(int)
    change = {
        kind: np.abs(frontal.expressions[kind, FRONT].astype(int) - neutral).max(axis=2) for kind in (WIDE, HALF, SMILE)
    }
    eyes, mouth = (
        np.s_[Y - top - 8 : Y - top + 8, X - left - 50 : X - left + 50],
        np.s_[Y - top + 85 : Y - top + 110, X - left - 20 : X - left + 20],
    )
    assert (change[WIDE][eyes] > 30).sum() > (change[HALF][eyes] > 30).sum() > 40
    assert (change[WIDE][mouth] > 30).sum() > (change[HALF][mouth] > 30).sum() > 40
    # A smile leaves the eyes open; the light's reflection in them may lie a pixel elsewhere.
    assert (change[SMILE][eyes] > 30).sum() < (change[HALF][eyes] > 30).sum() / 4
    edge = np.concatenate([change[WIDE][0], change[WIDE][:, 0], change[WIDE][:, -1]])
    assert np.median(edge) <= 2


def test_the_anatomy_spans_the_face(body: Anatomy) -> None:
    assert body.eyes[0, 0] < -0.2 < 0.2 < body.eyes[1, 0]
    assert body.face[:, 1].max() > 0.4
    assert body.face[:, 1].min() < -0.8
    assert body.lower_face[:, 1].max() < 0
    assert body.beard.shape[1:] == (4, 3)
    assert 1.0 < body.crown_dm < 1.8
    assert len(body.face) <= 160


def test_a_head_that_is_turned_aside_is_photographed_without_expressions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poses, "POSES", ((32.0, 0.0),))
    content = store.rendered(people()[1])
    assert len(content) < 1_000_000
