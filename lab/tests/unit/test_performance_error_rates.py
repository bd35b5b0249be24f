"""Error rates, their intervals and groups, against counting by hand."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from gate.face.values import Template
from gate_lab.error_rates import TOP_PAIRS, Comparisons, compare_all, det_curve, rates
from gate_lab.exact_rates import trials_for
from gate_lab.face_evaluation import claimed
from gate_lab.groups import ALIKE, by_group, look_alikes, worst_over_mean
from gate_lab.intervals import Interval, draw_weights, fnmr_intervals
from gate_verify.report.rates import clopper_pearson


def template(direction: npt.NDArray[np.float64]) -> Template:
    return Template((direction / np.linalg.norm(direction)).astype(np.float32), "test")


def axis(number: int, *, alike: float = 1.0) -> Template:
    """A template this much alike to the plain one of its axis, and to no other."""
    vector = np.zeros(64)
    vector[2 * number], vector[2 * number + 1] = alike, np.sqrt(1 - alike**2)
    return template(vector)


def compared(genuine: npt.NDArray[np.float32], impostor: npt.NDArray[np.float32]) -> Comparisons:
    """Scores as they are, of people who are nobody in particular."""
    falling = np.sort(impostor)[::-1]
    return Comparisons(
        genuine,
        np.zeros(genuine.size, np.intp),
        falling,
        falling,
        np.zeros((falling.size, 2), np.intp),
        np.ones(2, int),
    )


def crowd(seed: int = 1, *, people: int = 60, blurred: int = 0) -> tuple[list[Template], list[str]]:
    """Three pictures each of some people; the first `blurred` people's last picture is nobody's."""
    random = np.random.default_rng(seed)
    faces, names = [], []
    for person in range(people):
        face = random.normal(size=32)
        for picture in range(3):
            lost = person < blurred and picture == 2
            faces.append(template(random.normal(size=32) if lost else face + 0.3 * random.normal(size=32)))
            names.append(f"p{person:02}")
    return faces, names


# ── rates ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_pair_is_scored_once_as_genuine_or_impostor() -> None:
    templates = [axis(0), axis(0, alike=0.9), axis(1), axis(2)]
    found = compare_all(templates, templates, ["a", "a", "b", "c"])
    assert found.genuine.tolist() == pytest.approx([0.9])
    assert found.genuine_of.tolist() == [0]
    assert found.impostor.size == 5
    assert not found.impostor.any()
    assert found.pictures.tolist() == [2, 1, 1]


def test_the_earlier_picture_of_a_pair_is_the_portrait() -> None:
    portraits, frames = [axis(0), axis(5), axis(1)], [axis(6), axis(0, alike=0.8), axis(5)]
    found = compare_all(portraits, frames, ["a", "a", "b"])
    assert found.genuine.tolist() == pytest.approx([0.8])
    assert sorted(found.impostor.tolist()) == pytest.approx([0.0, 1.0])
    assert found.tail_of[0].tolist() == [0, 1]


def test_the_tail_is_the_top_of_the_impostors_with_their_identities() -> None:
    faces, names = crowd()
    found = compare_all(faces, faces, names)
    assert np.array_equal(found.tail, found.impostor[: found.tail.size])
    for (one, other), score, of in zip(found.top, found.tail, found.tail_of, strict=False):
        assert one < other
        assert float(faces[one].vector @ faces[other].vector) == pytest.approx(float(score), abs=1e-5)
        assert [names[one], names[other]] == [sorted(set(names))[number] for number in of]
    assert len(found.top) == min(TOP_PAIRS, found.tail.size)
    assert found.tail.size == pytest.approx(0.03 * found.impostor.size, abs=2)
    by_pair: dict[tuple[str, str], list[float]] = {}
    for (one, first), (other, second) in itertools.combinations(zip(names, faces, strict=True), 2):
        by_pair.setdefault((one, other), []).append(float(first.vector @ second.vector))
    known = sorted(set(names))
    for score, (one, other) in zip(found.tail, found.tail_of, strict=True):
        assert min(abs(score - expected) for expected in by_pair[known[one], known[other]]) < 1e-5


def test_error_rates_are_those_counted_by_hand() -> None:
    impostor = np.linspace(0.0, 0.5, 1000, dtype=np.float32)
    found = rates(compared(np.array([0.3, 0.6, 0.7, 0.8], np.float32), impostor))
    assert (found.genuine, found.impostor) == (4, 1000)
    at_percent, at_permille, at_tenth = found.threshold
    assert at_percent is not None
    assert (impostor >= at_percent).sum() == 10
    assert at_permille is not None
    assert (impostor >= at_permille).sum() == 1
    assert at_tenth is None  # a thousand pairs cannot show one in ten thousand
    assert found.fnmr == (0.25, 0.25, None)


def test_equal_error_rate_lies_where_the_rates_cross() -> None:
    rising = np.linspace(0, 1, 1001, dtype=np.float32)
    assert rates(compared(rising, rising - np.float32(0.5))).eer == pytest.approx(0.25, abs=0.002)


def test_separable_scores_have_no_errors() -> None:
    found = rates(compared(np.full(10, 0.9, np.float32), np.zeros(200, np.float32)))
    assert found.eer == 0.0
    assert found.fnmr[0] == 0.0


@pytest.mark.parametrize("names", [["a", "a", "a"], ["a", "b", "c"], []])
def test_error_rates_need_both_kinds_of_pairs(names: list[str]) -> None:
    templates = [axis(number) for number in range(len(names))]
    with pytest.raises(ValueError, match="two identities"):
        compare_all(templates, templates, names)


def test_the_curve_falls_from_no_false_match_to_nothing_but() -> None:
    faces, names = crowd(blurred=10)
    fmr, fnmr = det_curve(compare_all(faces, faces, names))
    assert fmr[-1] == 1.0
    assert (np.diff(fmr) > 0).all()
    assert (np.diff(fnmr) <= 0).all()


# ── intervals ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_interval_holds_the_rate_and_is_the_same_twice() -> None:
    faces, names = crowd(blurred=6)
    found = compare_all(faces, faces, names)
    fnmr = rates(found).fnmr[0]
    weights = draw_weights(len(found.pictures))
    interval = fnmr_intervals(found, weights)[0]
    assert interval is not None
    assert fnmr is not None
    assert interval.low < fnmr < interval.high
    assert fnmr_intervals(found, draw_weights(len(found.pictures)))[0] == interval


def test_drawing_people_gives_a_wider_interval_than_drawing_pairs_would() -> None:
    faces, names = crowd(blurred=6)
    found = compare_all(faces, faces, names)
    interval = fnmr_intervals(found, draw_weights(len(found.pictures)))[0]
    fnmr = rates(found).fnmr[0]
    assert interval is not None
    assert fnmr is not None
    of_pairs = 2 * 1.96 * np.sqrt(fnmr * (1 - fnmr) / found.genuine.size)
    assert interval.high - interval.low > 1.2 * of_pairs


def test_too_few_pairs_have_no_interval() -> None:
    templates = [axis(0), axis(0, alike=0.9), axis(1), axis(2)]
    found = compare_all(templates, templates, ["a", "a", "b", "c"])
    assert fnmr_intervals(found, draw_weights(3)) == (None, None, None)
    assert Interval.of(0.1, [np.nan, np.nan, 0.1], 3) is None


def test_a_rate_without_an_error_has_the_exact_interval_of_its_people_and_not_none() -> None:
    faces, names = crowd()
    found = compare_all(faces, faces, names)
    assert rates(found).fnmr[:2] == (0.0, 0.0)
    interval = fnmr_intervals(found, draw_weights(60))[0]
    assert interval is not None
    assert (interval.low, interval.high) == clopper_pearson(0, 60, 0.95)  # 60 people, although there are 180 pairs
    assert interval.high > 0.05


def test_a_rate_of_nothing_but_errors_has_the_exact_interval_of_its_people_too() -> None:
    faces, names = crowd(people=20)
    strangers, _ = crowd(seed=9, people=20)
    found = compare_all(faces, strangers, [name[::-1] for name in names])
    (group,) = by_group(found, [{"issuer": "D"}] * 20, 1.0, draw_weights(20))
    assert group.fnmr == 1.0
    assert group.fnmr_interval is not None
    assert (group.fnmr_interval.low, group.fnmr_interval.high) == clopper_pearson(20, 20, 0.95)
    missed = compared(np.full(4, 0.1, np.float32), np.linspace(0.2, 0.9, 230, dtype=np.float32))
    of_all = fnmr_intervals(missed, draw_weights(2))[0]
    assert of_all is not None
    assert (of_all.low, of_all.high) == clopper_pearson(1, 1, 0.95)  # all four pairs are of one person


def test_one_person_whose_pairs_differ_says_nothing_of_how_sure_the_rate_is() -> None:
    faces, names = crowd(people=20, blurred=1)
    found = compare_all(faces, faces, names)
    threshold = rates(found).threshold[0]
    assert threshold is not None
    blurred, _ = by_group(found, [{"issuer": "D"}] + [{"issuer": "UTO"}] * 19, threshold, draw_weights(20))
    assert blurred.fnmr == pytest.approx(2 / 3)
    assert blurred.fnmr_interval is None  # all sets that hold the person say the same


def test_a_claim_takes_so_many_comparisons_and_no_smaller_rate_is_given() -> None:
    assert [trials_for(rate, 0.90) for rate in (1e-2, 1e-3, 1e-4, 1 / 33_333)] == [230, 2302, 23_025, 76_751]
    for rate in (0.0, 1.0):
        with pytest.raises(ValueError, match="no rate"):
            trials_for(rate, 0.9)
    genuine = np.full(10, 0.9, np.float32)
    for pairs, known in ((229, 0), (230, 1), (2301, 1), (2302, 2), (23_024, 2), (23_025, 3)):
        found = claimed(rates(compared(genuine, np.linspace(0.0, 0.5, pairs, dtype=np.float32))))
        assert [rate is not None for rate in found.fnmr] == [number < known for number in range(3)]
        assert [bound is not None for bound in found.threshold] == [number < known for number in range(3)]


# ── groups ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_groups_are_judged_by_their_own_pairs_at_one_threshold() -> None:
    faces, names = crowd(blurred=15)
    found = compare_all(faces, faces, names)
    threshold = rates(found).threshold[0]
    assert threshold is not None
    labels = [{"camera": "old" if number < 30 else "new"} for number in range(60)]
    new, old = by_group(found, labels, threshold, draw_weights(60))
    assert (new.value, old.value) == ("new", "old")
    assert old.fnmr is not None
    assert new.fnmr is not None
    # Two of three pairs of each of fifteen people are with the lost picture.
    assert old.fnmr == pytest.approx((found.genuine[found.genuine_of < 30] < np.float32(threshold)).mean())
    assert old.fnmr > 0.2 > new.fnmr
    assert (old.identities, old.genuine, old.impostor) == (30, 90, 30 * 29 // 2 * 9)
    inside = (found.tail_of < 30).all(axis=1) & (found.tail >= threshold)
    assert old.fmr == pytest.approx(inside.sum() / old.impostor)
    assert old.fnmr_interval is not None
    assert old.fnmr_interval.low < old.fnmr < old.fnmr_interval.high


def test_people_alike_in_everything_labelled_are_a_group_of_their_own() -> None:
    faces, names = crowd()
    found = compare_all(faces, faces, names)
    threshold = rates(found).threshold[0]
    assert threshold is not None
    labels = [{"sex": "FM"[number % 2], "age": ("20-29", "60-69")[number % 3 == 0]} for number in range(59)] + [{}]
    groups = by_group(found, labels, threshold, draw_weights(60))
    assert {group.attribute for group in groups} == {"age", "sex", ALIKE}
    assert sum(group.identities for group in groups if group.attribute == ALIKE) == 59


def test_look_alikes_are_all_pairs_that_share_every_label() -> None:
    faces, names = crowd(blurred=6)
    found = compare_all(faces, faces, names)
    threshold = rates(found).threshold[0]
    assert threshold is not None
    labels = [{"sex": "FM"[number % 2], "age": ("20-29", "60-69")[number % 3 == 0]} for number in range(59)] + [
        {"sex": "F"}
    ]
    alike = look_alikes(found, labels, threshold, draw_weights(60))
    assert alike is not None
    strata = [group for group in by_group(found, labels, threshold, draw_weights(60)) if group.attribute == ALIKE]
    assert alike.impostor == sum(group.impostor for group in strata)
    assert alike.fmr == pytest.approx(sum((group.fmr or 0.0) * group.impostor for group in strata) / alike.impostor)
    assert alike.fmr_interval is not None
    assert alike.fmr is not None
    assert alike.fmr_interval.low < alike.fmr < alike.fmr_interval.high
    assert look_alikes(found, [{}] * 60, threshold, draw_weights(60)) is None
    assert look_alikes(found, [{"sex": "F"}] + [{"age": "60-69"}] * 59, threshold, draw_weights(60)) is None


def test_a_group_without_an_error_has_exact_intervals() -> None:
    faces, names = crowd(people=20)
    found = compare_all(faces, faces, names)
    (group,) = by_group(found, [{"issuer": "D"}] * 20, 1.0, draw_weights(20))
    assert group.fmr == 0.0
    assert group.fmr_interval is not None
    assert (group.fmr_interval.low, group.fmr_interval.high) == clopper_pearson(0, 190, 0.95)


def test_a_group_without_pairs_has_no_rates() -> None:
    faces, names = crowd(people=20)
    found = compare_all(faces[:-2], faces[:-2], names[:-2])
    threshold = rates(found).threshold[0]
    assert threshold is not None
    labels = [{"issuer": "D"}] * 19 + [{"issuer": "UTO"}]
    _, lonely = by_group(found, labels, threshold, draw_weights(20))
    assert (lonely.fnmr, lonely.fmr, lonely.fnmr_interval, lonely.fmr_interval) == (None, None, None, None)


def test_groups_are_limited_and_want_a_threshold_that_is_high_enough() -> None:
    faces, names = crowd(people=20)
    found = compare_all(faces, faces, names)
    with pytest.raises(ValueError, match="too low"):
        by_group(found, [{}] * 20, -0.9, draw_weights(20))
    alike = [axis(0, alike=1 - number / 1000) for number in range(404)]
    many = compare_all(alike, alike, [str(number // 2) for number in range(404)])
    with pytest.raises(ValueError, match="202 groups"):
        by_group(many, [{"name": str(number)} for number in range(202)], 1.0, draw_weights(202))


def test_equal_groups_differ_by_a_factor_of_one() -> None:
    assert worst_over_mean([0.1, 0.1]) == pytest.approx(1.0)
    assert worst_over_mean([0.01, 0.04]) == pytest.approx(2.0)
    assert worst_over_mean([0.1, 0.0, None]) is None
