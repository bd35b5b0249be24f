"""What the renderer needs no mesh for: coverage and depth, where hair grows, vectors, the photographed person, a portrait that fits."""

import numpy as np
import pytest
from renderer import astronaut, portraits, raster
from renderer.styles import Style, beard_area, scalp_density

from hardware_sim.faces import studio
from hardware_sim.faces.vectors import floats, ramp, unit

SQUARE = floats([[1, 1, 5], [1, 5, 5], [5, 5, 5], [5, 1, 5]])  # seen from the front: anticlockwise on the screen
FACING = np.array([[0, 1, 2], [0, 2, 3]])


# ── triangles ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_two_triangles_of_a_square_cover_each_of_its_pixels_once() -> None:
    found = raster.fragments(SQUARE, FACING, width_px=8, height_px=8)
    assert sorted(set(found.pixel)) == [8 * y + x for y in range(1, 5) for x in range(1, 5)]
    assert np.allclose(found.weights.sum(1), 1)
    assert np.allclose(found.depth, 5)


def test_a_triangle_seen_from_behind_is_dropped_unless_it_is_wanted() -> None:
    behind = FACING[:, ::-1]
    assert len(raster.fragments(SQUARE, behind, width_px=8, height_px=8).pixel) == 0
    assert len(raster.fragments(SQUARE, behind, width_px=8, height_px=8, cull=False).pixel) >= 16


def test_what_lies_outside_the_picture_is_cut_off() -> None:
    found = raster.fragments(SQUARE - floats([3, 3, 0]), FACING, width_px=8, height_px=8)
    assert sorted(set(found.pixel)) == [0, 1, 8, 9]


def test_the_nearest_fragment_wins_its_pixel() -> None:
    winner = raster.nearest(np.array([2, 2, 2, 0]), floats([3, 1, 2, 9]), pixels=4)
    assert winner.tolist() == [3, -1, 1, -1]


def test_values_at_the_corners_are_interpolated_between_them() -> None:
    found = raster.fragments(SQUARE, FACING, width_px=8, height_px=8)
    places = found.interpolate(SQUARE[FACING])
    assert np.allclose(places[:, 0], found.pixel % 8 + 0.5)
    assert np.allclose(places[:, 1], found.pixel // 8 + 0.5)


# ── where hair grows ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("place", "grows"),
    [((0, 8.4, 0.6), True), ((0, 7.6, 1.5), False), ((0, 7.3, -0.3), True), ((0.8, 7.1, 0.5), False)],
    ids=["crown", "forehead", "back", "ear"],
)
def test_hair_grows_on_the_scalp_only(place: tuple[float, float, float], grows: bool) -> None:  # noqa: FBT001 - a table
    assert bool(scalp_density(Style(1.0), floats([place]))[0] > 0.5) is grows


def test_a_bald_crown_has_no_hair_and_keeps_the_sides() -> None:
    crown, side = scalp_density(Style(0.3, crown=1.0), floats([[0, 8.45, 0.55], [0.7, 7.9, 0.4]]))
    assert crown < 0.1
    assert side > 0.9


def test_a_beard_grows_on_the_chin_and_not_on_the_nose() -> None:
    chin, nose = beard_area(floats([[0.1, 6.3, 1.4], [0, 7.0, 1.65]]))
    assert chin > 0.9
    assert nose == 0


# ── photographs ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_photographed_person_has_a_portrait_for_a_chip_and_a_whole_loop() -> None:
    assert len(portraits.portrait_jpeg(astronaut.portrait())) <= portraits.PORTRAIT_BYTES_MAX
    frames = astronaut.frames()
    assert len({frame.tobytes() for frame in frames}) == len(frames) == studio.FRAMES


def test_a_portrait_that_no_quality_makes_small_enough_is_refused() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (531, 413, 3), np.uint8)
    with pytest.raises(RuntimeError, match="does not fit"):
        portraits.portrait_jpeg(noise)


# ── vectors ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_unit_vectors_have_length_one_and_nothing_stays_nothing() -> None:
    assert unit([[3, 4, 0], [0, 0, 0]]).ravel().tolist() == pytest.approx([0.6, 0.8, 0, 0, 0, 0])


def test_a_ramp_is_flat_at_its_ends_and_half_way_in_the_middle() -> None:
    assert ramp([0, 1, 1.5, 2, 9], 1, 2).tolist() == [0, 0, 0.5, 1, 1]
