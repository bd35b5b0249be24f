"""The simulated people as their users see them: an order, pictures, and a cache that mends itself."""

from pathlib import Path

import numpy as np
import pytest

from hardware_sim.faces import FacesNotRenderedError, Identity, album, identities, studio
from hardware_sim.faces.album import Album
from hardware_sim.faces.astronaut import NAME as PHOTOGRAPHED
from hardware_sim.faces.develop import developed
from hardware_sim.faces.hall import hall
from hardware_sim.faces.identity import names


def grey(level: int, size: tuple[int, int] = studio.FRAME_SIZE) -> bytes:
    return studio.jpeg(np.full((size[1], size[0], 3), level, np.uint8), 90)


@pytest.fixture
def full_cache(tmp_path: Path) -> Path:
    for number, name in enumerate(names()):
        portrait = grey(10 * number, studio.PORTRAIT_SIZE)
        album.write(tmp_path / f"{name}.album", Album(portrait, (grey(10 * number), grey(10 * number + 5))))
    return tmp_path


def test_the_identities_come_in_the_order_of_their_names_with_their_own_pictures(full_cache: Path) -> None:
    people = identities(full_cache)
    assert tuple(person.name for person in people) == names()
    third = people[2]
    assert third.portrait_jpeg() == grey(20, studio.PORTRAIT_SIZE)
    assert third.portrait().shape == (531, 413, 3)
    assert [frame.shape for frame in third.frames()] == [(480, 640, 3)] * 2
    assert [round(float(frame.mean())) for frame in third.frames()] == [20, 25]


def test_a_full_cache_is_not_written_to(full_cache: Path) -> None:
    identities(full_cache)
    assert {path.suffix for path in full_cache.iterdir()} == {".album"}


def test_one_damaged_album_is_made_again_and_the_others_are_left(
    full_cache: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    damaged = full_cache / f"{PHOTOGRAPHED}.album"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    before = {path: path.stat().st_mtime_ns for path in full_cache.iterdir() if path != damaged}
    mended = identities(full_cache)[-1]
    assert mended.loop_length == studio.FRAMES
    assert {path: path.stat().st_mtime_ns for path in before} == before
    out, err = capfd.readouterr()
    assert (out, "1 of 1" in err) == ("", True)


def test_a_renderer_that_fails_says_what_and_why(full_cache: Path) -> None:
    blocked = full_cache / f"{PHOTOGRAPHED}.album"
    blocked.unlink()
    blocked.mkdir()
    with pytest.raises(FacesNotRenderedError, match=rf"{PHOTOGRAPHED} cannot be rendered: .*Is a directory"):
        identities(full_cache)


def test_the_same_name_in_the_same_place_is_the_same_person(full_cache: Path) -> None:
    one, other = identities(full_cache)[:2]
    assert len({one, other, Identity(one.name, full_cache / f"{one.name}.album")}) == 2


@pytest.fixture(scope="module")
def photographed() -> Album:
    return developed(PHOTOGRAPHED)


def test_the_photographed_person_has_a_portrait_for_a_chip_and_a_whole_loop(photographed: Album) -> None:
    assert len(photographed.portrait) <= studio.PORTRAIT_BYTES_MAX
    assert len(photographed.frames) == studio.FRAMES
    assert len(set(photographed.frames)) == studio.FRAMES


def test_nobody_of_an_unknown_name_is_developed() -> None:
    with pytest.raises(KeyError):
        developed("nobody")


def test_a_portrait_that_no_quality_makes_small_enough_is_refused() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (531, 413, 3), np.uint8)
    with pytest.raises(RuntimeError, match="does not fit"):
        studio.portrait_jpeg(noise)


def test_the_hall_is_shared_and_cannot_be_drawn_on() -> None:
    assert hall() is hall()
    assert hall(320, 240).shape == (240, 320, 3)
    with pytest.raises(ValueError, match="read-only"):
        hall()[0, 0] = 0
