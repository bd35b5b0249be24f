"""What the simulated camera can be shown."""

from pathlib import Path

import numpy as np
import pytest
from renderer import files

from hardware_sim.camera import Empty, Person, Persons, PrintedPicture, Scene
from hardware_sim.camera.scenes import held_print, printed
from hardware_sim.faces import Identity, studio
from hardware_sim.faces.hall import hall


def somebody(folder: Path, name: str, levels: list[int]) -> Identity:
    """An identity whose frames are evenly grey, one a level; the portrait has the first."""
    width, height = studio.FRAME_SIZE
    (folder / f"{name}.avif").write_bytes(
        files.loop([np.full((height, width, 3), level, np.uint8) for level in levels])
    )
    portrait = np.full((studio.PORTRAIT_SIZE[1], studio.PORTRAIT_SIZE[0], 3), levels[0], np.uint8)
    (folder / f"{name}.jpg").write_bytes(studio.jpeg(portrait, 95))
    return Identity(name, folder)


@pytest.fixture
def dark(tmp_path: Path) -> Identity:
    return somebody(tmp_path, "dark", [20, 30, 40, 50])


@pytest.fixture
def light(tmp_path: Path) -> Identity:
    return somebody(tmp_path, "light", [200, 210, 220])


def brightness(picture: np.ndarray) -> float:
    return float(picture.mean())


def test_every_scene_is_a_loop_of_camera_pictures_and_a_value(dark: Identity, light: Identity) -> None:
    scenes: list[Scene] = [Empty(), Person(dark), Persons(dark, light), PrintedPicture(dark)]
    for scene in scenes:
        for index in (0, scene.loop_length - 1):
            picture = scene.picture(index)
            assert picture.shape == (480, 640, 3)
            assert picture.dtype == np.uint8
    assert len({*scenes, Empty(), Person(dark), Persons(dark, light), PrintedPicture(dark)}) == len(scenes)
    assert Persons(dark, light) != Persons(light, dark)


def test_a_person_is_shown_by_the_identitys_own_frames(dark: Identity) -> None:
    assert [round(brightness(Person(dark).picture(index))) for index in range(4)] == [20, 30, 40, 50]


def test_an_empty_hall_differs_from_picture_to_picture_by_noise_only() -> None:
    first, second = (Empty().picture(index).astype(int) for index in (0, 1))
    assert (first != second).any()
    assert np.abs(first - second).max() < 12
    assert abs(brightness(first) - brightness(hall())) < 1


def test_two_people_share_the_picture_and_move_out_of_step(dark: Identity, light: Identity) -> None:
    scene = Persons(dark, light)
    assert scene.loop_length == 3
    picture = scene.picture(0)
    assert round(brightness(picture[:, :300])) == 20
    assert round(brightness(picture[:, 340:])) == 210
    seam = picture[240, 300:340, 0].astype(int)
    assert (np.diff(seam) >= -2).all()


def test_a_print_is_paler_than_its_portrait_dotted_and_has_a_white_border() -> None:
    row = np.linspace(0, 255, 413).astype(np.uint8)
    portrait = np.repeat(np.tile(row, (531, 1))[..., None], 3, axis=2)
    sheet = printed(portrait)
    inside = sheet[22:-22, 22:-22]
    assert sheet[0].min() == sheet[:, 0].min() > 220
    assert inside.min() >= 30
    assert inside.max() <= 230
    assert inside[:, 206].std() > 3


def test_a_held_print_hides_the_hall_where_it_is_and_moves_with_the_hand(dark: Identity) -> None:
    scene = PrintedPicture(dark)
    first, later = scene.picture(0).astype(int), scene.picture(scene.loop_length // 3).astype(int)
    assert np.abs(first[240, 320] - hall()[240, 320]).max() > 60
    assert np.abs(first[:40, :40] - hall()[:40, :40]).max() < 12
    assert (np.abs(first - later).max(2) > 40).sum() > 200


def test_a_print_held_straight_is_as_large_as_its_scale_says() -> None:
    sheet = np.full((100, 80, 3), 255, np.uint8)
    scene = np.zeros((480, 640, 3), np.uint8)
    covered = held_print(sheet, scene, centre_px=(320, 240), scale=2.0, tilt=0.0)[..., 0] > 128
    rows, columns = np.flatnonzero(covered.any(1)), np.flatnonzero(covered.any(0))
    assert abs(len(rows) - 200) <= 6
    assert abs(len(columns) - 160) <= 6
