"""People in sequences: where they are seen, how light and expression show, what they wear. Drawn with ellipses."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from fakes.sheets import pretended
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware_sim.faces.hall import Picture
from hardware_sim.sequences import (
    KIOSK,
    NAMES,
    Actor,
    Lighting,
    Look,
    Sequence,
    UnknownSequenceError,
    Wears,
    conditions,
    people,
    relight,
    sequence,
)
from hardware_sim.sequences.actor import smeared
from hardware_sim.sequences.conditions import condition
from hardware_sim.sequences.sequence import THINGS_MAX, lay
from hardware_sim.sequences.values import Key, PersonTruth, Timeline, still

ONE, OTHER = people()[:2]


@pytest.fixture(scope="module", autouse=True)
def _people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, pretended(tmp_path_factory.mktemp("data"), patch):
        yield


def standing(look: Look = Look(), lighting: Lighting = Lighting(), wears: frozenset[Wears] = frozenset()) -> Sequence:  # noqa: B008 - frozen
    return Sequence("test", 1.0, (Actor(ONE, still(look), wears, sway=None),), still(lighting), noise_sigma=0.0)


def only(made: Sequence, at_s: float = 0.0) -> PersonTruth:
    (face,) = made.truth(at_s).people
    return face


def dark_middle(picture: Picture, near: tuple[float, float], reach: int) -> tuple[float, float]:
    """Return the middle of the extent of the dark pixels, which only eyes have, round a place."""
    x, y = round(near[0]), round(near[1])
    part = picture[y - reach // 2 : y + reach // 2, x - reach : x + reach].max(axis=2)
    rows, columns = np.nonzero(part < 45)
    return (columns.min() + columns.max()) / 2 + x - reach, (rows.min() + rows.max()) / 2 + y - reach // 2


@settings(max_examples=15)
@given(
    yaw=st.floats(-24, 24),
    pitch=st.floats(-14, 14),
    roll=st.floats(-15, 15),
    distance=st.floats(60, 130),
    sideways=st.floats(-8, 8),
)
def test_the_eyes_are_seen_where_the_truth_says(
    yaw: float, pitch: float, roll: float, distance: float, sideways: float
) -> None:
    look = Look(yaw_deg=yaw, pitch_deg=pitch, roll_deg=roll, distance_cm=distance, sideways_cm=sideways)
    made = standing(look)
    face = only(made)
    seen = dark_middle(made.frame(0.0), face.eyes_px, reach=round(0.95 * face.eye_distance_px))
    assert seen == pytest.approx(face.eyes_px, abs=3.0)


def test_who_is_nearer_is_larger_and_the_box_holds_the_eyes() -> None:
    near, far = only(standing(Look(distance_cm=60.0))), only(standing(Look(distance_cm=120.0)))
    assert near.eye_distance_px == pytest.approx(2 * far.eye_distance_px, rel=1e-3)
    left, top, right, bottom = near.box_px
    assert left < near.eyes_px[0] < right
    assert top < near.eyes_px[1] < bottom


def test_a_tall_person_stands_higher_and_one_who_is_out_of_the_picture_is_not_in_its_truth() -> None:
    assert only(standing(Look(height_cm=178.0))).eyes_px[1] < only(standing()).eyes_px[1] < 240
    gone = standing(Look(sideways_cm=80.0))
    assert gone.truth(0.0).people == ()
    assert np.array_equal(gone.frame(0.0), Sequence("empty", 1.0, (), noise_sigma=0.0).frame(0.0))


def test_half_a_face_in_the_picture_is_half_visible() -> None:
    edge = only(standing(Look(sideways_cm=320 / KIOSK.px_per_cm(75.0))))
    assert edge.visible == pytest.approx(0.5, abs=0.1)


def test_frames_are_the_same_at_every_call_and_noise_differs_from_frame_to_frame() -> None:
    made = sequence("stand", ONE, OTHER, seed=4)
    assert np.array_equal(made.frame(0.4), made.frame(0.4))
    empty = Sequence("empty", 1.0, ())
    assert not np.array_equal(empty.frame(0.0), empty.frame(0.1))


# ── light ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_light_adds_up() -> None:
    look, pose = Look(), (0.0, 0.0)
    assert look.yaw_deg == pose[0]
    dark = Lighting(level=0.0, display=(0.0, 0.0, 0.0))
    hall, display = Lighting(level=1.0), replace(dark, display=(1.0, 0.5, 0.0))
    both = replace(hall, display=display.display)
    parts = [relight.lit(ONE, pose, relight.NEUTRAL, light)[..., :3] for light in (hall, display)]
    assert np.allclose(parts[0] + parts[1], relight.lit(ONE, pose, relight.NEUTRAL, both)[..., :3], atol=1e-4)
    assert not relight.lit(ONE, pose, relight.NEUTRAL, dark)[..., :3].any()


def test_a_red_display_reddens_the_face_and_nothing_behind_it() -> None:
    made = standing()
    face = only(made)
    plain, red = (made.frame(0.0, display=display).astype(int) for display in ((0, 0, 0), (1, 0, 0)))
    x, y = (round(place) for place in face.eyes_px)
    cheek, hall = np.s_[y + 25 : y + 45, x - 10 : x + 10], np.s_[20:60, 20:60]
    assert (red - plain)[cheek][..., 2].mean() > 12
    assert abs((red - plain)[cheek][..., 0].mean()) < 2
    assert not (red - plain)[hall].any()


def test_backlight_darkens_the_face_and_brightens_the_hall() -> None:
    plain, backlit = (standing(lighting=light).frame(0.0).astype(int) for light in (Lighting(), Lighting(backlit=1.0)))
    x, y = (round(place) for place in only(standing()).eyes_px)
    assert (backlit - plain)[y + 30, x].mean() < -40
    assert (backlit - plain)[20:60, 20:60].mean() > 20


def test_exposure_brightens_and_gain_adds_noise() -> None:
    made = replace(standing(), noise_sigma=1.0)
    dark, bright = made.frame(0.0, exposure=0.5), made.frame(0.0, exposure=2.0)
    assert dark.mean() < made.frame(0.0).mean() < bright.mean()
    empty = Sequence("empty", 1.0, (), noise_sigma=1.0)
    still_frames = [empty.frame(0.0, exposure=1 / gain, gain=gain)[..., 0].astype(float) for gain in (1.0, 8.0)]
    smooth = Sequence("empty", 1.0, (), noise_sigma=0.0).frame(0.0)[..., 0].astype(float)
    assert (still_frames[1] - smooth).std() > 4 * (still_frames[0] - smooth).std()


# ── faces ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_closed_eye_is_one_eye_and_an_open_mouth_the_mouth() -> None:
    plain = standing().frame(0.0).astype(int)
    face = only(standing())
    x, y, half = *(round(place) for place in face.eyes_px), round(face.eye_distance_px / 2)
    left, right, mouth = (
        np.s_[y - 8 : y + 8, x - half - 8 : x - half + 8],
        np.s_[y - 8 : y + 8, x + half - 8 : x + half + 8],
        np.s_[y + 80 : y + 100, x - 10 : x + 10],
    )
    winks, talks = (
        standing(look).frame(0.0).astype(int) - plain for look in (Look(closed_left=1.0), Look(mouth_open=1.0))
    )
    assert winks[left].mean() > 30
    assert abs(winks[right]).mean() < 2
    assert talks[mouth].mean() < -60
    assert abs(talks[left]).mean() < 2


def test_the_truth_says_what_is_drawn() -> None:
    drawn = only(standing(Look(closed_left=0.6, closed_right=0.9, mouth_open=0.1, smile=0.9)))
    assert (drawn.closed_left, drawn.closed_right, drawn.mouth_open, drawn.smile) == (0.5, 1.0, 0.0, 1.0)
    aside = only(standing(Look(yaw_deg=30.0, closed_left=1.0, mouth_open=1.0)))
    assert (aside.closed_left, aside.mouth_open) == (0.0, 0.0)


@pytest.mark.parametrize("thing", list(Wears))
def test_what_is_worn_shows_and_is_told_and_leaves_the_bare_face_as_it_was(thing: Wears) -> None:
    for look in (Look(), Look(yaw_deg=25.0), Look(yaw_deg=-25.0)):
        bare = standing(look).frame(0.0)
        dressed = standing(look, wears=frozenset({thing}))
        changed = np.abs(dressed.frame(0.0).astype(int) - bare).max(axis=2) > 12
        assert changed.sum() > 30
        assert only(dressed).wears == (thing.value,)
        assert np.array_equal(standing(look).frame(0.0), bare)


def test_nobody_wears_anything_outside_the_picture() -> None:
    away = standing(Look(sideways_cm=100.0), wears=frozenset({Wears.HAT}))
    assert away.truth(0.0).people == ()
    assert away.frame(0.0).shape == (480, 640, 3)


# ── movement ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_moves_while_the_shutter_is_open_is_smeared_along_its_way() -> None:
    point = np.zeros((41, 41, 4), np.float32)
    point[20, 20] = 1
    smear = smeared(point, 8.0, 0.0)[..., 3]
    assert smear.sum() == pytest.approx(1.0)
    assert (smear[20] > 0).sum() in {9, 10, 11}
    assert not smear[:20].any()
    assert smeared(point, 0.3, 0.3) is point


def test_one_who_stands_is_never_quite_still_and_a_statue_is() -> None:
    alive, statue = Actor(ONE, still(Look()), sway=1), Actor(ONE, still(Look()), sway=None)
    assert len({alive.look(at_s / 5) for at_s in range(5)}) == 5
    assert len({statue.look(at_s / 5) for at_s in range(5)}) == 1
    turned = Actor(ONE, still(Look(yaw_deg=40.0, pitch_deg=-30.0, roll_deg=45.0)), sway=2)
    assert all(abs(turned.look(at_s / 5).yaw_deg) <= 39 for at_s in range(20))


# ── the library ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", NAMES)
def test_every_sequence_has_its_subject_in_it_and_differs_with_the_seed_or_sways(name: str) -> None:
    made = sequence(name, ONE, OTHER, seed=1)
    assert made.name == name
    middle = made.duration_s / 2
    assert made.frame(middle).shape == (made.lens.height_px, made.lens.width_px, 3)
    shown = {
        face.identity for index in range(made.length) for face in made.truth(index / 15).people if face.attack is None
    }
    assert ONE in shown
    assert made != sequence(name, ONE, OTHER, seed=2)
    assert hash(made) == hash(sequence(name, ONE, OTHER, seed=1))


def test_sequences_tell_what_their_names_say() -> None:
    def track(name: str) -> list[tuple[PersonTruth, ...]]:
        made = sequence(name, ONE, OTHER, seed=1)
        return [made.truth(index / 15).people for index in range(made.length)]

    approach = track("approach")
    assert approach[0][0].distance_cm > 2 * approach[-1][0].distance_cm
    assert max(abs(faces[0].yaw_deg) for faces in track("turn_head")) > 24
    assert {faces[0].closed_left for faces in track("blink")} >= {0.0, 1.0}
    assert {faces[0].mouth_open for faces in track("talk")} >= {0.0, 0.5}
    assert min(faces[0].pitch_deg for faces in track("look_down")) < -15
    assert {len(faces) for faces in track("two_people")} == {2}
    assert [faces[0].identity for faces in (track("swap")[0], track("swap")[-1])] == [ONE, OTHER]
    assert all(faces[0].identity == ONE for faces in track("bystander_behind"))
    assert [face.attack for face in track("poster_behind")[5]] == [None, "print"]
    assert {face.attack for face in track("t_shirt")[5]} == {None, "bent_print"}
    assert track("short")[-1][0].height_cm == 140
    assert track("tall")[-1][0].visible == 1


@pytest.mark.parametrize("name", conditions.NAMES)
def test_every_condition_is_about_its_subject_and_only_well_is_like_standing(name: str) -> None:
    made = condition(name, ONE, OTHER, seed=3)
    assert made.name == name
    assert ONE in {face.identity for face in made.truth(0.5).people}
    well = replace(condition("well", ONE, OTHER, seed=3), name=name)
    assert (made == well) == (name == "well")


def test_unknown_names_are_refused_with_those_that_there_are() -> None:
    with pytest.raises(UnknownSequenceError, match="approach"):
        sequence("flies", ONE, OTHER)
    with pytest.raises(UnknownSequenceError, match="too_close"):
        condition("invisible", ONE, OTHER)


def test_a_sequence_has_a_length_and_a_limit() -> None:
    assert Sequence("x", 2.0, ()).length == 30
    with pytest.raises(ValueError, match="duration"):
        Sequence("x", 0.0, ())
    with pytest.raises(ValueError, match="things"):
        Sequence("x", 1.0, (Actor(ONE, still(Look())),) * (THINGS_MAX + 1))


def test_the_light_can_change_on_a_line_of_time() -> None:
    line = Timeline((Key(0.0, Lighting(level=0.1)), Key(1.0, Lighting(level=2.0))), even=True)
    made = Sequence("dawn", 1.0, (Actor(ONE, still(Look())),), line)
    assert made.frame(0.0).mean() < made.frame(0.5).mean() < made.frame(1.0).mean()
    assert made.truth(0.5, display=(0, 0, 1)).light.level == pytest.approx(1.05)
    assert made.truth(0.5, display=(0, 0, 1)).light.display == (0, 0, 1)


def test_highlights_are_bent_not_cut() -> None:
    frame = np.zeros((2, 2, 3), np.float32)
    layer = np.ones((1, 2, 4), np.float32) * np.array([[[0.5], [3.0]]], np.float32)
    layer[..., 3] = 1
    lay(frame, layer, (0, 1))
    assert frame[1, 0, 0] == pytest.approx(0.5)
    assert 0.9 < frame[1, 1, 0] < 1.0
    assert not frame[0].any()
