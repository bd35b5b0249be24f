"""Error rates of attack detection are counted a species, with non-responses apart, and the recipe is applied as written."""

from __future__ import annotations

import pytest

from gate.performance.pad import Presentation, Rate, at_bound, bound_at_bpcer, recipe


def shown(species: str | None, source: str, *scores: float | None) -> list[Presentation]:
    return [Presentation(species, source, f"{n}", score, {}) for n, score in enumerate(scores)]


PEOPLE = [*shown(None, "ada", 0.9, 0.8, 0.4), *shown(None, "bo", 0.95, None)]
ATTACKS = [*shown("print", "a", 0.1, 0.6), *shown("print", "b", 0.2, 0.3), *shown("mask", "m", None, 0.7)]


def test_every_species_has_its_rate_and_the_worst_one_is_stated() -> None:
    found = at_bound([*PEOPLE, *ATTACKS], 0.5)
    rates = {row.name: (row.error and (row.error.errors, row.error.of), row.sources) for row in found.species}
    assert rates == {"mask": ((1, 1), 1), "print": ((1, 4), 2)}
    assert found.apcer_max == 1.0


def test_a_non_response_is_neither_an_error_nor_a_detection() -> None:
    found = at_bound([*PEOPLE, *ATTACKS], 0.5)
    assert (found.bona_fide.error, found.bona_fide.non_response) == (Rate(1, 4), Rate(1, 5))
    assert found.species[0].non_response == Rate(1, 2)


def test_a_species_without_any_score_has_no_rate() -> None:
    found = at_bound([*PEOPLE, *shown("mask", "m", None)], 0.5)
    assert (found.species[0].error, found.apcer_max) == (None, None)


def test_a_score_on_the_bound_is_a_person() -> None:
    found = at_bound([*shown(None, "ada", 0.5), *shown("print", "a", 0.5)], 0.5)
    assert found.bona_fide.error == Rate(0, 1)
    assert found.species[0].error == Rate(1, 1)


def test_wilsons_interval_is_the_published_one() -> None:
    assert Rate(1, 10).interval == pytest.approx((0.0179, 0.4042), abs=1e-4)  # Newcombe 1998
    assert Rate(0, 30).interval[0] == 0.0
    assert Rate(30, 30).interval[1] == 1.0


def test_the_bound_at_a_bpcer_flags_at_most_that_share() -> None:
    people = shown(None, "ada", *(n / 100 for n in range(100)))
    bound = bound_at_bpcer(people, 0.05)
    assert bound == 0.05
    assert sum(1 for one in people if one.score is not None and one.score < bound) == 5
    assert bound_at_bpcer(ATTACKS, 0.05) is None


@pytest.mark.parametrize("only", [PEOPLE, ATTACKS])
def test_one_side_alone_measures_nothing(only: list[Presentation]) -> None:
    with pytest.raises(ValueError, match="missing"):
        at_bound(only, 0.5)
    with pytest.raises(ValueError, match="missing"):
        recipe(only, 0.5)


def full(*, missed: int = 0, silent: bool = False, flagged: int = 0) -> list[Presentation]:
    """The recipe's own sizes: 8 classes of 4 artefacts, 10 times each; 3 people, 20 times each."""
    attacks = [
        one
        for kind in range(8)
        for artefact in range(4)
        for one in shown(
            f"class{kind}",
            f"artefact{artefact}",
            *[0.9 if 4 * kind + artefact < missed or (silent and kind == 7) else 0.1] * 10,
        )
    ]
    scores = [0.1] * flagged + [0.9] * (60 - flagged)
    people = [one for n in range(3) for one in shown(None, f"p{n}", *scores[20 * n : 20 * n + 20])]
    return [*attacks, *people]


@pytest.mark.parametrize(
    ("case", "passed"),
    [
        (full(), True),
        (full(flagged=3), True),
        (full(flagged=4), False),
        (full(missed=3), True),
        (full(missed=9), False),
        (full(silent=True), False),
    ],
)
def test_the_recipe_fails_for_a_silent_class_many_artefacts_or_many_people(
    case: list[Presentation],
    passed: bool,  # noqa: FBT001 - a parameter of pytest
) -> None:
    found = recipe(case, 0.5)
    assert found.sized
    assert found.passed is passed


def test_an_artefact_is_detected_by_six_alarms_of_ten_and_a_missing_score_is_an_alarm() -> None:
    six, five = shown("print", "six", *[0.1] * 5, None, *[0.9] * 4), shown("print", "five", *[0.1] * 5, *[0.9] * 5)
    found = recipe([*PEOPLE, *six, *five], 0.5)
    assert found.undetected == ("print/five",)
    assert not found.sized
