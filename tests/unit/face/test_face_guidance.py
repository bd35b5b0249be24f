"""Each condition of guidance is proved by changing one measure at a time; each begins and ends at bounds of its own."""

import math

import pytest
from fakes.face_examples import GOOD, measures
from hypothesis import given
from hypothesis import strategies as st

from gate.face.quality import EXCUSABLE, HINTS, RULES, Component, Limit, Quality, components, conditions
from gate.face.values import Pose
from gate_core.evidence.screen import Guidance


def pose(**changes: float) -> Pose:
    values = {"yaw": 0.0, "pitch": 0.52, "roll_degrees": 0.0} | changes
    return Pose(**values)


DEGRADED = [
    ("eye_distance_px", 20.0, Guidance.COME_CLOSER),
    ("height_part", 0.9, Guidance.STEP_BACK),
    ("x_part", 0.1, Guidance.MOVE_LEFT),
    ("x_part", 0.9, Guidance.MOVE_RIGHT),
    ("y_part", 0.05, Guidance.MOVE_DOWN),
    ("y_part", 0.95, Guidance.MOVE_UP),
    ("motion", 3.0, Guidance.HOLD_STILL),
    ("sharpness", 5.0, Guidance.HOLD_STILL),
    ("pose", pose(yaw=-0.4), Guidance.FACE_FORWARD),
    ("pose", pose(pitch=0.2), Guidance.FACE_FORWARD),
    ("pose", pose(pitch=0.9), Guidance.FACE_FORWARD),
    ("pose", pose(roll_degrees=-30.0), Guidance.FACE_FORWARD),
    ("pose", pose(yaw=math.inf, pitch=math.inf), Guidance.FACE_FORWARD),
    ("yaw_degrees", -28.0, Guidance.FACE_FORWARD),
    ("pitch_degrees", -26.0, Guidance.FACE_FORWARD),
    ("pitch_degrees", 18.0, Guidance.FACE_FORWARD),
    ("eyes_open", 0.05, Guidance.OPEN_EYES),
    ("mouth_open", 0.5, Guidance.CLOSE_MOUTH),
    ("brightness", 30.0, Guidance.MORE_LIGHT),
    ("brightness", 240.0, Guidance.MORE_LIGHT),
    ("contrast", 4.0, Guidance.MORE_LIGHT),
]


def test_a_good_face_leaves_nothing_to_wish_for() -> None:
    assert conditions(GOOD) == frozenset()
    assert Quality.of(GOOD).usable


@pytest.mark.parametrize(("name", "value", "hint"), DEGRADED)
def test_one_thing_that_is_wrong_is_one_condition(name: str, value: object, hint: Guidance) -> None:
    assert conditions(measures(**{name: value})) == {hint}


def test_every_rule_and_every_hint_but_the_second_person_is_degraded_above() -> None:
    assert {hint for _, _, hint in DEGRADED} == set(HINTS) - {Guidance.ONE_PERSON}
    assert len(DEGRADED) >= len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=[f"{number} {rule.hint.value}" for number, rule in enumerate(RULES)])
def test_a_condition_that_began_ends_only_where_it_is_good_again(rule: object) -> None:
    limit = rule.limit  # type: ignore[attr-defined]
    between = (limit.bad + limit.good) / 2
    assert not limit.passed(between, held=False)
    assert limit.passed(between, held=True)
    beyond = limit.good + (limit.good - limit.bad)
    assert not limit.passed(beyond, held=True)


@given(bad=st.floats(0, 1), good=st.floats(0, 1), value=st.floats(0, 1))
def test_what_is_bad_at_first_sight_is_bad_when_held(bad: float, good: float, value: float) -> None:
    if bad == good:
        with pytest.raises(ValueError, match="room"):
            Limit(bad, good)
        return
    limit = Limit(bad, good)
    assert limit.passed(value, held=True) or not limit.passed(value, held=False)


def test_what_was_not_measured_is_no_condition_and_no_component() -> None:
    blind = measures(
        eyes_open=None, mouth_open=None, motion=None, background=None, yaw_degrees=None, pitch_degrees=None
    )
    assert conditions(blind) == frozenset()
    missing = {Component.EYES_OPEN, Component.MOUTH_CLOSED, Component.MOTION, Component.BACKGROUND_UNIFORMITY}
    assert set(components(blind)) == set(Component) - missing


def test_hints_come_with_the_most_useful_first() -> None:
    assert Quality.of(measures(mouth_open=0.9, eye_distance_px=10.0)).hints == (
        Guidance.COME_CLOSER,
        Guidance.CLOSE_MOUTH,
    )


@pytest.mark.parametrize("name", ["eyes_open", "mouth_open", "brightness", "pitch_degrees"])
def test_a_measure_that_may_be_wrong_about_a_person_is_passable(name: str) -> None:
    poor = next(Quality.of(measures(**{name: value})) for changed, value, _ in DEGRADED if changed == name)
    assert not poor.usable
    assert poor.passable
    assert EXCUSABLE.issuperset(poor.hints)


@pytest.mark.parametrize(
    "change", [{"eye_distance_px": 20.0}, {"sharpness": 5.0}, {"x_part": 0.05}, {"pose": pose(yaw=0.5)}]
)
def test_a_face_that_is_far_blurred_cut_off_or_turned_is_not(change: dict[str, object]) -> None:
    assert not Quality.of(measures(**change)).passable


# ── components and worth ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "component"),
    [
        ({"sharpness": 25.0}, Component.SHARPNESS),
        ({"eye_distance_px": 35.0}, Component.INTER_EYE_DISTANCE),
        ({"brightness": 60.0}, Component.LUMINANCE),
        ({"contrast": 15.0}, Component.DYNAMIC_RANGE),
        ({"balance": 0.5}, Component.ILLUMINATION_UNIFORMITY),
        ({"clipped": 0.2}, Component.EXPOSURE),
        ({"pose": pose(yaw=0.2)}, Component.POSE),
        ({"eyes_open": 0.6}, Component.EYES_OPEN),
        ({"mouth_open": 0.3}, Component.MOUTH_CLOSED),
        ({"covered": 0.4}, Component.OCCLUSION),
        ({"background": 50.0}, Component.BACKGROUND_UNIFORMITY),
        ({"motion": 1.5}, Component.MOTION),
    ],
)
def test_each_component_falls_with_its_measure_and_with_no_other(
    change: dict[str, object], component: Component
) -> None:
    before, after = components(GOOD), components(measures(**change))
    assert after[component] < before[component]
    assert {name for name in before if before[name] != after[name]} == {component}
    assert all(0.0 <= value <= 100.0 for value in after.values())


def test_the_poorest_component_of_the_face_decides_its_worth_and_the_room_does_not() -> None:
    good = Quality.of(GOOD).worth
    assert Quality.of(measures(sharpness=30.0)).worth < good
    assert Quality.of(measures(background=70.0)).worth == good
