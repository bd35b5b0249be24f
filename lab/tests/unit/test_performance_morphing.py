"""How many morphs match both their people, against counting by hand."""

import numpy as np
import pytest

from gate_lab.morphing import Morphs, attack_potential, potential, spoken
from gate_verify.report.rates import clopper_pearson

NONE = np.nan


def morphs(fused: list[list[float]], attempts: list[list[list[float]]], *, name: str = "one") -> Morphs:
    return Morphs(
        name,
        0.5,
        np.array(attempts),
        np.array(fused),
        np.array([(2 * number, 2 * number + 1) for number in range(len(fused))]),
        np.array([0.9, 0.4]),
    )


def test_a_morph_counts_when_both_of_its_people_match_it() -> None:
    attempts = [[[0.6, 0.6], [0.6, NONE]]] * 4
    found = potential(morphs([[0.5, 0.9], [0.9, 0.49], [0.1, 0.1], [0.7, 0.6]], attempts))
    assert (found.morphs, found.both, found.genuine) == (4, 0.5, 0.5)
    assert found.interval is not None
    assert found.interval.low < 0.5 < found.interval.high
    assert "50.0%" in spoken(found)


def test_no_morph_that_matches_has_an_exact_interval_and_not_none() -> None:
    found = potential(morphs([[0.5, 0.1]] * 20, [[[0.6], [0.6]]] * 20))
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == clopper_pearson(0, 20, 0.95)


def test_no_morph_that_does_not_match_has_an_exact_interval_either() -> None:
    found = potential(morphs([[0.5, 0.9]] * 20, [[[0.6], [0.9]]] * 20))
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == clopper_pearson(20, 20, 0.95)


def test_without_a_morph_nothing_is_said() -> None:
    with pytest.raises(ValueError, match="nothing was morphed"):
        potential(morphs([], []))


def test_the_potential_counts_attempts_and_algorithms() -> None:
    strict = morphs([[0, 0]] * 3, [[[0.6, 0.1], [0.6, 0.6]], [[0.6, 0.6], [0.6, NONE]], [[0.1, 0.1], [0.9, 0.9]]])
    lenient = morphs([[0, 0]] * 3, [[[0.6, 0.6], [0.6, 0.6]], [[0.1, NONE], [0.6, NONE]], [[0.1, 0.1], [0.9, 0.9]]])
    # Once: the first by both, the second by one. Twice: the first by one alone; the second's other person has one frame.
    assert attack_potential([strict, lenient]).tolist() == [
        [pytest.approx(2 / 3), pytest.approx(1 / 3)],
        [pytest.approx(1 / 3), 0.0],
    ]
