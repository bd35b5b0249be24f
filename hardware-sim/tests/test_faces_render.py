"""The renderer from the triangle up: coverage and depth, targets, hair, light."""

from typing import Any

import numpy as np
import pytest

from hardware_sim.faces import FaceDataMissingError, mesh, raster, skin, studio
from hardware_sim.faces.head import Head
from hardware_sim.faces.optics import SUPERSAMPLING, Camera, Light, View
from hardware_sim.faces.people import Person, people
from hardware_sim.faces.render import Picture, render
from hardware_sim.faces.strands import Grower
from hardware_sim.faces.styles import Style, beard_area, scalp_density
from hardware_sim.faces.vectors import floats, ramp, unit

BEARDED, LONG_HAIRED, DARK = "jonas", "daiyu", "chidi"
SQUARE = floats([[1, 1, 5], [1, 5, 5], [5, 5, 5], [5, 1, 5]])  # seen from the front: anticlockwise on the screen
FACING = np.array([[0, 1, 2], [0, 2, 3]])


def named(name: str) -> Person:
    return next(person for person in people() if person.name == name)


@pytest.fixture(scope="module")
def bearded() -> Head:
    return Head(named(BEARDED))


def seen(head: Head, light: Light | None = None) -> Picture:
    return render(head, View(160, 120, (80, 55), px_per_dm=30), light or Light())


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


# ── shapes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_target_moves_its_vertices_by_its_weight_and_no_others() -> None:
    rest = mesh.base_mesh().rest
    half = mesh.deformed({"nose/nose-hump-incr": 0.5}) - rest
    whole = mesh.deformed({"nose/nose-hump-incr": 1.0}) - rest
    moved = np.abs(whole).max(1) > 0
    assert 0 < moved.sum() < 1000
    assert np.allclose(half * 2, whole, atol=1e-5)


def test_a_target_that_the_data_lacks_is_named() -> None:
    with pytest.raises(FaceDataMissingError, match="nose/nose-of-wax"):
        mesh.deformed({"nose/nose-of-wax": 1.0})


def test_normals_of_the_skin_have_unit_length_and_those_of_the_face_look_ahead() -> None:
    base = mesh.base_mesh()
    normals = mesh.normals(base.rest, base.skin)
    used = np.unique(base.skin)
    assert np.allclose(np.linalg.norm(normals[used], axis=1), 1, atol=1e-4)
    tip_of_the_nose = used[base.rest[used, 2].argmax()]
    assert normals[tip_of_the_nose, 2] > 0.5


def test_everybody_can_be_shaped_from_the_data() -> None:
    for person in people():
        assert np.isfinite(mesh.deformed(person.shape)).all(), person.name


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


def test_a_person_grows_the_same_hair_every_time_and_another_seed_grows_other_hair() -> None:
    positions = mesh.base_mesh().rest
    style = Style(0.5, count=200)
    one, same, other = (Grower(positions, seed=seed).scalp(style).points for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_hair_stays_out_of_the_head_and_long_hair_hangs() -> None:
    positions = mesh.base_mesh().rest
    points = Grower(positions, seed=1).scalp(Style(2.0, count=300, parting=0.8, drop=2.0)).points
    distance = np.linalg.norm(points - floats([0, 7.45, 0.45]), axis=2)
    assert distance.min() > 0.5
    assert (points[:, -1, 1] < points[:, 0, 1] - 0.5).mean() > 0.9


# ── pictures ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_head_covers_the_middle_of_the_picture_and_not_its_corners(bearded: Head) -> None:
    picture = seen(bearded)
    assert picture.cover[55, 80] == 1
    assert picture.cover[0, 0] == picture.cover[0, -1] == 0
    assert picture.colour[picture.cover == 0].max() == 0
    assert np.isfinite(picture.colour).all()


def test_the_same_pose_and_light_give_the_same_picture(bearded: Head) -> None:
    assert np.array_equal(seen(bearded).colour, seen(bearded).colour)


@pytest.mark.parametrize(
    ("pose", "axis", "moves"),
    [({"yaw": 10}, 0, 1), ({"yaw": -10}, 0, -1), ({"pitch": 10}, 1, -1), ({"pitch": -10}, 1, 1)],
    ids=["to the right", "to the left", "up", "down"],
)
def test_the_nose_moves_against_the_eyes_as_the_head_is_turned(pose: dict[str, Any], axis: int, moves: int) -> None:
    base = mesh.base_mesh()
    nose = base.rest[base.skin].reshape(-1, 3)[base.rest[base.skin].reshape(-1, 3)[:, 2].argmax()]
    eyes = base.rest[np.unique(base.eyes)].mean(0)

    def on_screen(view: View) -> np.ndarray:
        camera = Camera.before(eyes, view)
        seen_eyes, seen_nose = camera.screen(camera.world(np.stack([eyes, nose])))
        assert np.allclose(seen_eyes[:2] / SUPERSAMPLING, (80, 55), atol=1e-3)
        return floats(seen_nose)

    straight = on_screen(View(160, 120, (80, 55), px_per_dm=30))
    turned = on_screen(View(160, 120, (80, 55), px_per_dm=30, **pose))
    assert (turned - straight)[axis] * moves > 2


def test_the_side_that_the_light_comes_from_is_the_brighter_one(bearded: Head) -> None:
    def left_to_right(side: float) -> float:
        colour = seen(bearded, Light(key_from=(side, 0.2, 0.4), fill=(0, 0, 0))).colour[45:75]
        return float(colour[:, 62:78].mean() / colour[:, 82:98].mean())

    assert left_to_right(-1) > 1.3
    assert left_to_right(1) < 0.8


def test_a_portrait_is_plain_around_the_head_and_a_dark_face_gets_more_light(bearded: Head) -> None:
    def face(picture: np.ndarray) -> float:
        return float(picture[240:330, 170:245].mean())

    picture = studio.portrait(bearded)
    assert picture.shape == (531, 413, 3)
    assert np.abs(picture[:60, :60].astype(int) - 205).max() < 8
    dark = Head(named(DARK))
    raw = render(dark, View(413, 531, (206.5, 239), px_per_dm=153, distance_dm=12), Light())
    assert face(studio.portrait(dark)) / 255 > float(raw.colour[240:330, 170:245].mean()) ** (1 / 2.2)
    assert 80 < face(studio.portrait(dark)) < face(picture)


def test_hair_is_drawn_where_the_head_alone_is_not(bearded: Head) -> None:
    long_haired = Head(named(LONG_HAIRED))
    assert seen(long_haired).cover[70:80].sum() > seen(bearded).cover[70:80].sum() * 1.2


def test_maps_hold_no_more_than_light_can_return() -> None:
    person = named(BEARDED)
    nowhere = np.zeros((skin.HEIGHT_PX, skin.WIDTH_PX), np.float32)
    drawn = skin.maps(person.skin, hair_colour=person.hair_colour, scalp=nowhere, seed=person.seed)
    assert drawn.albedo.min() >= 0
    assert drawn.albedo.max() <= 1
    assert np.abs(drawn.slope).max() <= 0.8


# ── vectors ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_unit_vectors_have_length_one_and_nothing_stays_nothing() -> None:
    assert unit([[3, 4, 0], [0, 0, 0]]).ravel().tolist() == pytest.approx([0.6, 0.8, 0, 0, 0, 0])


def test_a_ramp_is_flat_at_its_ends_and_half_way_in_the_middle() -> None:
    assert ramp([0, 1, 1.5, 2, 9], 1, 2).tolist() == [0, 0, 0.5, 1, 1]
