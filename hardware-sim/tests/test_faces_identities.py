"""The simulated people as their users see them: an order and pictures."""

from pathlib import Path

import numpy as np
import pytest
from renderer import files, portraits

from hardware_sim.faces import Identity, identities, studio
from hardware_sim.faces.hall import hall
from hardware_sim.faces.identity import names


def grey(level: int, size: tuple[int, int] = studio.FRAME_SIZE) -> np.ndarray:
    return np.full((size[1], size[0], 3), level, np.uint8)


@pytest.fixture
def ada(tmp_path: Path) -> Identity:
    (tmp_path / "ada.jpg").write_bytes(studio.jpeg(grey(20, studio.PORTRAIT_SIZE), 90))
    (tmp_path / "ada.avif").write_bytes(files.loop([grey(20), grey(25)]))
    return Identity("ada", tmp_path)


def test_a_person_has_their_own_pictures(ada: Identity) -> None:
    assert ada.portrait_jpeg() == studio.jpeg(grey(20, studio.PORTRAIT_SIZE), 90)
    assert ada.portrait().shape == (531, 413, 3)
    assert [frame.shape for frame in ada.frames()] == [(480, 640, 3)] * ada.loop_length
    assert [round(float(frame.mean())) for frame in ada.frames()] == [20, 25]
    assert ada.frame(1) is ada.frames()[1]


def test_a_frame_is_shared_and_cannot_be_drawn_on(ada: Identity) -> None:
    with pytest.raises(ValueError, match="read-only"):
        ada.frame(0)[0, 0] = 0


def test_what_is_no_animation_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ada.avif").write_bytes(b"noise" * 100)
    with pytest.raises(RuntimeError, match="no animation"):
        Identity("ada", tmp_path).frames()


def test_the_identities_come_in_the_order_of_their_names_each_whole() -> None:
    people = identities()
    assert tuple(person.name for person in people) == names()
    for person in people:
        assert person.portrait().shape == (531, 413, 3)
        assert len(person.portrait_jpeg()) <= portraits.PORTRAIT_BYTES_MAX
        assert {frame.shape for frame in person.frames()} == {(480, 640, 3)}
        assert person.loop_length == studio.FRAMES


def test_the_same_name_in_the_same_place_is_the_same_person(ada: Identity, tmp_path: Path) -> None:
    assert len({ada, Identity("ada", tmp_path), Identity("ada"), Identity("bea", tmp_path)}) == 3


def test_the_hall_is_shared_and_cannot_be_drawn_on() -> None:
    assert hall() is hall()
    assert hall(320, 240).shape == (240, 320, 3)
    with pytest.raises(ValueError, match="read-only"):
        hall()[0, 0] = 0
