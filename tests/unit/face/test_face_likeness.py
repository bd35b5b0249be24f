"""Pictures for officers: one crop for both faces, the best frame before the comparison, and nobody else's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import cv2
import numpy as np
import pytest
from fakes.face_examples import face, nobody

from gate.face.align import ARCFACE
from gate.face.chain import FaceModels
from gate.face.likeness import (
    HEAD_EYES,
    HEIGHT,
    MOMENT_EVERY_MS,
    MOMENTS_MAX,
    WIDTH,
    Geometry,
    Likeness,
    cut_out,
    of_portrait,
)
from gate.face.quality import Observation, Quality
from gate.face.values import Box, Face, Landmarks, NoFaceError
from gate.picture import Picture

FIVE = ARCFACE * 2 + np.array((250.0, 120.0))


def picture(value: int = 90, *, height: int = 480, width: int = 640) -> Picture:
    """A plain picture with a dot at each eye."""
    made = np.full((height, width, 3), value, np.uint8)
    for x, y in FIVE[:2]:
        cv2.circle(made, (round(x), round(y)), 4, (255, 255, 255), -1)
    return made


def seen(at_ms: int, *, subject: int = 1, faces: int = 1, **measured: object) -> Observation:
    return replace(face(at_ms, **measured), points=Landmarks(FIVE), subject=subject, faces=faces)  # type: ignore[arg-type]


def brightness(cut: Picture | None) -> int:
    assert cut is not None
    return int(np.median(cut))


def test_both_eyes_are_at_the_same_places_in_every_cut_out() -> None:
    for turn in (0.0, 0.3):
        turned = np.array([(np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))])
        five = (FIVE - FIVE.mean(axis=0)) @ turned.T + FIVE.mean(axis=0)
        made = np.zeros((480, 640, 3), np.uint8)
        for x, y in five[:2]:
            cv2.circle(made, (round(x), round(y)), 5, (255, 255, 255), -1)
        cut = cut_out(made, five)
        assert cut.shape == (HEIGHT, WIDTH, 3) == (600, 480, 3)
        assert cut[270, 180].mean() > 200
        assert cut[270, 300].mean() > 200
        assert cut[270, 240].mean() < 50


def test_a_site_s_geometry_is_as_large_as_the_picture_has_it_and_nothing_is_enlarged() -> None:
    wanted = Geometry(600, 800, 0.7)
    eyes = 0.7 * 800 / HEAD_EYES
    five = (ARCFACE - ARCFACE[:2].mean(axis=0)) * (2 * eyes / (ARCFACE[1, 0] - ARCFACE[0, 0])) + np.array(
        (900.0, 800.0)
    )
    made = np.zeros((2000, 1800, 3), np.uint8)
    for x, y in five[:2]:
        cv2.circle(made, (round(x), round(y)), 12, (255, 255, 255), -1)
    cut = cut_out(made, five, wanted)
    assert cut.shape == (800, 600, 3)
    for side in (-1, 1):
        assert cut[360, round(300 + side * eyes / 2)].mean() > 200
    # Eyes that are a tenth nearer than the geometry wants them make a crop a tenth smaller, and those far away the usual one.
    assert cut_out(made, (five - five.mean(axis=0)) * 0.45 + five.mean(axis=0), wanted).shape == (720, 540, 3)
    assert cut_out(made, (five - five.mean(axis=0)) * 0.2 + five.mean(axis=0), wanted).shape == (HEIGHT, WIDTH, 3)


def test_only_the_best_frame_has_the_site_s_geometry() -> None:
    likeness = Likeness(Geometry(600, 800, 0.6))
    points = Landmarks(ARCFACE * 6)
    likeness.see(np.zeros((1200, 1200, 3), np.uint8), replace(seen(0), points=points))
    assert likeness.live is not None
    assert likeness.live.shape == (800, 600, 3)
    assert [moment.shape for moment in likeness.moments] == [(HEIGHT, WIDTH, 3)]


def test_points_that_fall_together_cut_out_nothing() -> None:
    with pytest.raises(NoFaceError):
        cut_out(picture(), np.ones((5, 2)))
    likeness = Likeness()
    likeness.see(picture(), replace(seen(0), points=Landmarks(np.ones((5, 2)))))
    assert (likeness.live, likeness.moments) == (None, [])


def test_the_best_frame_is_kept() -> None:
    likeness = Likeness()
    for at_ms, (value, sharpness) in enumerate(((50, 300), (90, 600), (130, 200))):
        likeness.see(picture(value), seen(at_ms, sharpness=sharpness))
    assert brightness(likeness.live) == 90
    worth = [Quality.of(cast("Any", face(0, sharpness=s).quality).measures).worth for s in (300, 600, 200)]
    assert worth[1] == max(worth), "the control of this test"


def test_a_usable_frame_is_better_than_one_that_is_not_however_sharp() -> None:
    likeness = Likeness()
    likeness.see(picture(50), seen(0, sharpness=300))
    likeness.see(picture(90), seen(1, sharpness=900, eyes_open=0.0, mouth_open=1.0))
    assert brightness(likeness.live) == 50


@pytest.mark.parametrize(
    "other",
    [nobody(1), seen(1, faces=2), replace(seen(1), points=None), replace(seen(1), quality=None)],
    ids=["nobody", "two faces", "no points", "no quality"],
)
def test_of_what_is_not_one_face_alone_nothing_is_kept(other: Observation) -> None:
    likeness = Likeness()
    likeness.see(picture(), other)
    assert (likeness.live, likeness.moments) == (None, [])


def test_another_subject_is_another_face_and_the_one_before_is_wiped() -> None:
    likeness = Likeness()
    likeness.see(picture(90), seen(0, sharpness=900))
    (first,) = likeness.moments
    live = likeness.live
    likeness.see(picture(50), seen(1, subject=2, sharpness=300))
    assert brightness(likeness.live) == 50
    assert len(likeness.moments) == 1
    assert live is not None
    assert (live.max(), first.max()) == (0, 0)


def test_moments_are_the_newest_few_and_apart() -> None:
    likeness = Likeness()
    for number in range(10):
        likeness.see(picture(10 * number), seen(number * MOMENT_EVERY_MS // 2))
    assert [brightness(one) for one in likeness.moments] == [40, 60, 80]
    assert MOMENTS_MAX == 3


def test_wiping_zeroes_what_is_kept() -> None:
    likeness = Likeness()
    likeness.see(picture(), seen(0))
    live, (moment,) = likeness.live, likeness.moments
    likeness.wipe()
    assert live is not None
    assert (live.max(), moment.max()) == (0, 0)
    assert (likeness.live, likeness.moments) == (None, [])


class Finder:
    """Finds these faces in every picture."""

    def __init__(self, *faces: Face, points: bool = True) -> None:
        self._faces, self._points = faces, points

    def find(self, _: Picture) -> tuple[Face, ...]:
        return self._faces

    def points(self, _: Picture, __: Face) -> Landmarks:
        if not self._points:
            raise NoFaceError("outside")
        return Landmarks(FIVE)


def models(finder: Finder) -> FaceModels:
    return FaceModels(finder, cast("Any", None), None, None, None, ())


def as_jpeg(made: Picture) -> bytes:
    return cv2.imencode(".jpg", made)[1].tobytes()


def test_a_portrait_is_cut_out_as_the_live_face_is_and_whole_where_no_face_is_found() -> None:
    somebody = Face(Box(250, 120, 480, 350), 0.9)
    cut = of_portrait(models(Finder(somebody)), as_jpeg(picture()))
    assert cut is not None
    assert cut[270, 180].mean() > 180
    for finder in (Finder(), Finder(somebody, points=False)):
        whole = of_portrait(models(finder), as_jpeg(picture(90, height=300, width=600)))
        assert whole is not None
        assert whole.shape == (HEIGHT, WIDTH, 3)
        assert (int(whole[10, 240, 0]), int(whole[300, 10, 0])) == (128, pytest.approx(90, abs=3))


def test_what_is_no_picture_is_none() -> None:
    assert of_portrait(models(Finder()), b"no picture") is None
