"""A morph is halfway between two pictures, in shape and in texture."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from fakes.portraits import as_file, astronaut, before_the_camera
from fakes.tiny_models import real_models

from gate.face.values import Template
from gate_lab.evaluate.morphs import Person, main, morph, pairs_of

SIZE = (300, 240)


def face(x: int, y: int, grey: int) -> tuple[np.ndarray, np.ndarray]:
    """A disc on a plain ground, and 24 points on its edge."""
    picture = np.full((*SIZE, 3), 40, np.uint8)
    cv2.circle(picture, (x, y), 40, (grey, grey, grey), -1)
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return picture, np.stack((x + 40 * np.cos(turn), y + 40 * np.sin(turn)), axis=1)


def test_a_picture_with_itself_is_itself() -> None:
    picture, points = face(110, 140, 200)
    made = morph(picture, picture, points, points)
    assert float(np.abs(made.astype(int) - picture).mean()) < 1.0


def test_shape_and_texture_are_halfway() -> None:
    one, points = face(90, 140, 200)
    other, others = face(150, 160, 100)
    made = morph(one, other, points, others).astype(int)
    assert made[150, 120].tolist() == pytest.approx([150] * 3, abs=2)
    assert made[150, 120 - 34].tolist() == pytest.approx([150] * 3, abs=6)
    assert made[150, 120 + 34].tolist() == pytest.approx([150] * 3, abs=6)
    assert made[150, 40].tolist() == pytest.approx([40] * 3, abs=2)
    assert made.min() >= 38  # no hole between two triangles


def test_everybody_is_paired_once_with_whoever_is_most_alike() -> None:
    def one(*direction: float) -> Person:
        vector = np.array(direction, np.float32)
        return Person(
            np.empty((0, 0, 3), np.uint8), np.empty((0, 2)), (Template(vector / np.linalg.norm(vector), "test"),), ()
        )

    people = [one(1, 0, 0), one(1, 0.2, 0), one(0, 1, 0), one(0, 1, 0.4)]
    assert pairs_of(people, 10) == [(0, 1), (2, 3)]
    assert pairs_of(people, 1) == [(0, 1)]


def test_nobody_is_paired_with_themselves() -> None:
    alone = Person(
        np.empty((0, 0, 3), np.uint8), np.empty((0, 2)), (Template(np.array([1.0], np.float32), "test"),), ()
    )
    assert pairs_of([], 10) == []
    assert pairs_of([alone], 10) == []


def test_pictures_that_are_none_are_left_aside_and_too_few_people_end_it_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    models = real_models()
    content = as_file(before_the_camera(astronaut()), ".png")
    for name, pictures in {"ann": [content] * 2, "bob": [b"no picture", content], "cyd": [content]}.items():
        (tmp_path / name).mkdir()
        for number, picture in enumerate(pictures):
            (tmp_path / name / f"{number}.png").write_bytes(picture)
    monkeypatch.setattr("gate_lab.evaluate.morphs.PROFILES", ("standard",))
    monkeypatch.setattr("sys.argv", ["morphs", str(tmp_path), "--models", str(models)])
    assert main() == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        "bob: neither JPEG, JPEG 2000 nor PNG",
        "1 people with two pictures that show a face: a morph takes two",
    ]
