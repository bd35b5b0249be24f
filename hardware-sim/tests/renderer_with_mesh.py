"""The renderer from the mesh up: targets, hair, light, and the pictures that sequences are composed of.

These need the data package of requirements/faces.txt, so `scripts/faces` runs them before it draws, and `scripts/test` does not.
"""

from typing import Any

import numpy as np
import pytest
from renderer import mesh, portraits, sheets, skin
from renderer.head import Head
from renderer.mesh import FaceDataMissingError
from renderer.optics import SUPERSAMPLING, Camera, Viewpoint
from renderer.people import Person, people
from renderer.render import Picture, render
from renderer.strands import Grower
from renderer.styles import Style

from hardware_sim.faces.vectors import floats
from hardware_sim.sequences import poses
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
    Light,
    Sheet,
)

X, Y = EYES_PX
BEARDED, LONG_HAIRED, DARK = "jonas", "daiyu", "chidi"


def named(name: str) -> Person:
    return next(person for person in people() if person.name == name)


@pytest.fixture(scope="module")
def bearded() -> Head:
    return Head(named(BEARDED))


def seen(head: Head, light: Light | None = None) -> Picture:
    return render(head, Viewpoint(160, 120, (80, 55), px_per_dm=30), light or Light())


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

    def on_screen(view: Viewpoint) -> np.ndarray:
        camera = Camera.before(eyes, view)
        seen_eyes, seen_nose = camera.screen(camera.world(np.stack([eyes, nose])))
        assert np.allclose(seen_eyes[:2] / SUPERSAMPLING, (80, 55), atol=1e-3)
        return floats(seen_nose)

    straight = on_screen(Viewpoint(160, 120, (80, 55), px_per_dm=30))
    turned = on_screen(Viewpoint(160, 120, (80, 55), px_per_dm=30, **pose))
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

    picture = portraits.portrait(bearded)
    assert picture.shape == (531, 413, 3)
    assert np.abs(picture[:60, :60].astype(int) - 205).max() < 8
    dark = Head(named(DARK))
    raw = render(dark, Viewpoint(413, 531, (206.5, 239), px_per_dm=153, distance_dm=12), Light())
    assert face(portraits.portrait(dark)) / 255 > float(raw.colour[240:330, 170:245].mean()) ** (1 / 2.2)
    assert 80 < face(portraits.portrait(dark)) < face(picture)


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


# ── sheets ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def head() -> Head:
    return Head(people()[0])


@pytest.fixture(scope="module")
def frontal(head: Head) -> Sheet:
    return sheets.photographed(head, EXPRESSIVE[0])


@pytest.fixture(scope="module")
def body(head: Head) -> Anatomy:
    return sheets.anatomy(head, people()[0])


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


def test_a_head_that_is_turned_aside_is_photographed_without_expressions(head: Head) -> None:
    assert sheets.photographed(head, (32.0, 0.0)).expressions is None
