"""Sheets and screens in space, what they are made of, and what is true of the faces that they show."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from fakes.sheets import pretended
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware_sim.faces.hall import Picture
from hardware_sim.faces.vectors import floats
from hardware_sim.sequences import KIOSK, Lighting, Look, Sequence, people
from hardware_sim.sequences.artefacts import Attack, Display, Sheet
from hardware_sim.sequences.attacks import PRESENTATIONS, UnknownPresentationError, presentation, variants
from hardware_sim.sequences.materials import MONITOR, TABLET, Cut, Paper, Print
from hardware_sim.sequences.surface import Hold, Shape, Surface
from hardware_sim.sequences.values import still

ONE, OTHER = people()[:2]
A4 = Paper(ONE, 21.0, 29.7)


@pytest.fixture(scope="module", autouse=True)
def _people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, pretended(tmp_path_factory.mktemp("data"), patch):
        yield


def held(paper: Paper = A4, hold: Hold = Hold(56.0), radius_cm: float | None = None) -> Sequence:  # noqa: B008 - frozen
    return Sequence("test", 1.0, (Sheet(paper, still(hold), radius_cm, tremble=None),), noise_sigma=0.0)


def shown(hold: Hold = Hold(39.0), **more: Sequence) -> Sequence:  # noqa: B008 - frozen
    return Sequence("test", 1.0, (Display(TABLET, ONE, still(hold), tremble=None, **more),), noise_sigma=0.0)


def face_of(made: Sequence, picture: Picture) -> Picture:
    left, top, right, bottom = (round(place) for place in made.truth(0.0).people[0].box_px)
    inset = (right - left) // 4
    return picture[top + inset : bottom - inset, left + inset : right - inset]


# ── geometry ─────────────────────────────────────────────────────────────────────────────────────────────────────


HOLDS = st.builds(
    Hold,
    distance_cm=st.floats(35, 120),
    sideways_cm=st.floats(-8, 8),
    above_floor_cm=st.floats(150, 164),
    yaw_deg=st.floats(-35, 35),
    pitch_deg=st.floats(-25, 25),
    roll_deg=st.floats(-30, 30),
)


@settings(max_examples=40)
@given(hold=HOLDS, radius=st.none() | st.floats(10, 40))
def test_a_pixel_sees_the_point_of_the_sheet_that_lies_there(hold: Hold, radius: float | None) -> None:
    surface = Surface(Shape(16.0, 22.0, radius), hold, KIOSK)
    spot = surface.spot()
    assert spot is not None
    rows, columns = np.nonzero(spot.cover > 0.99)
    some = slice(None, None, max(len(rows) // 50, 1))
    rows, columns = rows[some], columns[some]
    seen = surface.pixels(floats(np.stack([spot.u[rows, columns], spot.v[rows, columns]], axis=1)))
    where = np.stack([columns + spot.corner[0], rows + spot.corner[1]], axis=1) + 0.5
    off = np.abs(seen - where).max(axis=1)
    # Rays are cast every fourth pixel: what lies between is worst at the edge of a strongly bent sheet.
    assert np.quantile(off, 0.9) < 0.25
    assert off.max() < 1.0


def test_a_sheet_beside_the_picture_is_not_seen() -> None:
    assert Surface(Shape(10, 10), Hold(50.0, 90.0), KIOSK).spot() is None
    away = held(hold=Hold(50.0, 90.0))
    assert away.truth(0.0).people == ()
    assert away.frame(0.0).shape == (480, 640, 3)
    assert shown(Hold(50.0, 90.0)).truth(0.0).people == ()


def test_a_sheet_is_not_bent_round_the_back() -> None:
    with pytest.raises(ValueError, match="bent"):
        Shape(40.0, 20.0, 10.0)


def test_what_is_worn_lies_on_the_line_from_the_eyes_to_the_lens() -> None:
    look = Look(sideways_cm=10.0, height_cm=180.0)
    hold = Hold.before(look, KIOSK, gap_cm=5.0)
    assert hold.distance_cm == pytest.approx(70.0)
    places = [
        KIOSK.place_px(sideways_cm=at.sideways_cm, above_floor_cm=height, distance_cm=at.distance_cm)
        for at, height in ((look, look.eyes_above_floor_cm), (hold, hold.above_floor_cm))
    ]
    assert places[0] == pytest.approx(places[1])


# ── materials ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("process", list(Print))
def test_paper_takes_the_colour_of_the_display_evenly_and_a_screen_does_not(process: Print) -> None:
    made = held(replace(A4, process=process))
    rise = face_of(made, made.frame(0.0, display=(1, 0, 0))).astype(int) - face_of(made, made.frame(0.0))
    assert rise[..., 2].mean() > 10
    assert abs(rise[..., 0].mean()) < 1
    screen = shown()
    glow = face_of(screen, screen.frame(0.0, display=(1, 0, 0))).astype(int) - face_of(screen, screen.frame(0.0))
    assert glow[..., 2].mean() < 0.35 * rise[..., 2].mean()


def test_paper_is_dark_in_the_dark_and_a_screen_shines() -> None:
    night = still(Lighting(level=0.02))
    paper, screen = (replace(made, lighting=night) for made in (held(), shown()))
    assert face_of(paper, paper.frame(0.0)).mean() < 40
    assert face_of(screen, screen.frame(0.0)).mean() > 70


def test_processes_print_differently_and_a_photo_is_the_smoothest() -> None:
    roughness = {}
    for process in Print:
        made = held(replace(A4, process=process), Hold(34.0))
        face = face_of(made, made.frame(0.0))[..., 1].astype(float)
        roughness[process] = np.abs(np.diff(face, axis=1)).mean()
    assert roughness[Print.PHOTO] < roughness[Print.INKJET]
    assert roughness[Print.PHOTO] < roughness[Print.LASER]


def test_a_bent_sheet_is_shaded_across_and_a_flat_one_is_not() -> None:
    def shading(radius_cm: float | None) -> float:
        made = held(replace(A4, process=Print.PHOTO), radius_cm=radius_cm)
        picture = made.frame(0.0).astype(float)
        row = picture[430:440, :, 1].mean(0)
        inside = row[260:380]
        return float(abs(inside[:20].mean() - inside[-20:].mean()))

    assert shading(11.0) > shading(None) + 4


def test_a_panels_stripes_beat_with_the_sensor_and_its_lamp_leaves_moving_bands() -> None:
    plain = np.full((40, 30, 3), 180, np.uint8)
    spot = Surface(Shape(MONITOR.width_cm, MONITOR.height_cm), Hold(68.0), KIOSK).spot()
    assert spot is not None
    now, later = (MONITOR.radiance(plain, spot, at_s, Lighting(level=0.0)) for at_s in (0.0, 0.004))
    middle = np.s_[100:300, 100:200]
    assert now[middle].std(axis=1).mean() > 0.005  # moire along each row
    assert np.abs(now[middle].mean(axis=(1, 2)) - later[middle].mean(axis=(1, 2))).max() > 0.01
    steady = replace(MONITOR, flicker_depth=0.0)
    first, second = (steady.radiance(plain, spot, at_s, Lighting()) for at_s in (0.0, 0.004))
    assert np.allclose(first, second)


def test_eyes_are_cut_out_of_a_print_and_the_face_along_its_edge() -> None:
    spot = Surface(Shape(21.0, 29.7), Hold(50.0), KIOSK).spot()
    assert spot is not None
    assert A4.opacity(spot) is None
    eyes, face = (replace(A4, cut=cut).opacity(spot) for cut in Cut)
    assert eyes is not None
    assert face is not None
    assert 0.002 < (eyes < 0.5).mean() < 0.05
    assert (face <= eyes + 1e-6).all()
    assert (face < 0.5).mean() > 0.3


# ── presentations ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("attack", list(Attack))
@pytest.mark.parametrize("name", PRESENTATIONS)
def test_every_artefact_shows_one_face_of_its_class_in_every_frame(attack: Attack, name: str) -> None:
    for seed, variant in enumerate(variants(attack)):
        made = presentation(attack, name, ONE, OTHER, variant=variant, seed=seed)
        for index in range(0, made.length, 6):
            (face,) = made.truth(index / 15).people
            assert (face.identity, face.attack) == (ONE, attack.value)
            assert face.visible > 0.9
            assert 40 < face.eye_distance_px < 110
        assert made.frame(0.3).shape == (480, 640, 3)
        assert hash(made) == hash(presentation(attack, name, ONE, OTHER, variant=variant, seed=seed))


def test_the_printed_eyes_are_where_the_truth_says() -> None:
    for made in (held(hold=Hold(56.0, 3.0, 155.0, yaw_deg=12.0, roll_deg=8.0)), held(radius_cm=12.0), shown()):
        (face,) = made.truth(0.0).people
        picture = made.frame(0.0).max(axis=2).astype(int)
        roll = np.radians(face.roll_deg)
        half = face.eye_distance_px / 2 * np.array([np.cos(roll), np.sin(roll)])
        for side in (-1, 1):
            x, y = np.round(np.array(face.eyes_px) + side * half).astype(int)
            assert picture[y - 2 : y + 3, x - 2 : x + 3].mean() < picture[y + 30, x] - 25


def test_a_replay_runs_round_and_its_truth_is_that_of_the_recording() -> None:
    made = presentation(Attack.REPLAY, "held", ONE, OTHER, variant="tablet", seed=0)
    (screen,) = made.things
    assert isinstance(screen, Display)
    assert screen.recording is not None
    blinks = [
        face.closed_left
        for index in range(screen.recording.length)
        for face in screen.recording.truth(index / 15).people
    ]
    assert set(blinks) >= {0.0, 1.0}
    replayed = [made.truth(index / 15).people[0].closed_left for index in range(2 * len(blinks))]
    assert replayed == blinks + blinks


def test_a_wearer_blinks_through_the_holes() -> None:
    made = presentation(Attack.CUTOUT, "held", ONE, OTHER, variant="photo", seed=0)
    assert {made.truth(index / 15).people[0].closed_right for index in range(made.length)} >= {0.0, 1.0}
    (face,) = made.truth(0.85).people
    x, y = (round(place) for place in face.eyes_px)
    half = round(face.eye_distance_px / 2)
    eye = np.s_[y - 3 : y + 4, x - half - 4 : x - half + 5]
    assert made.frame(0.85)[eye].astype(int).mean() > made.frame(0.2)[eye].astype(int).mean() + 15


def test_a_hand_trembles_and_a_stand_does_not() -> None:
    hold = Hold(50.0)
    assert len({hold.trembling(at_s / 7, 3) for at_s in range(5)}) == 5
    assert hold.towards(Hold(70.0, yaw_deg=10.0), 0.5) == Hold(60.0, yaw_deg=5.0)


def test_unknown_presentations_are_refused() -> None:
    with pytest.raises(UnknownPresentationError):
        presentation(Attack.PRINT, "thrown", ONE, OTHER)
    with pytest.raises(UnknownPresentationError):
        presentation(Attack.PRINT, "held", ONE, OTHER, variant="tablet")
