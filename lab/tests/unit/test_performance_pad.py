"""Error rates of attack detection are counted a species, with non-responses apart, and the recipe is applied as written."""

from __future__ import annotations

import pytest

from gate_lab.conditions import Condition
from gate_lab.exact_rates import ExactRate
from gate_lab.pad import Presentation, at_bound, bound_at_bpcer, by_condition, for_frames, for_service, recipe
from models.liveness_evidence import Counted


def shown(species: str | None, source: str, *scores: float | None, grey: float | None = None) -> list[Presentation]:
    known = {} if grey is None else {Condition.BRIGHTNESS: grey}
    return [Presentation(species, source, f"{n}", score, {}, conditions=known) for n, score in enumerate(scores)]


PEOPLE = [*shown(None, "ada", 0.9, 0.8, 0.4), *shown(None, "bo", 0.95, None)]
ATTACKS = [*shown("print", "a", 0.1, 0.6), *shown("print", "b", 0.2, 0.3), *shown("mask", "m", None, 0.7)]


def test_every_species_has_its_rate_and_the_worst_one_is_stated() -> None:
    found = at_bound([*PEOPLE, *ATTACKS], 0.5)
    rates = {row.name: (row.error and (row.error.errors, row.error.of), row.sources) for row in found.species}
    assert rates == {"mask": ((1, 1), 1), "print": ((1, 4), 2)}
    assert found.apcer_max == 1.0


def test_a_non_response_is_neither_an_error_nor_a_detection() -> None:
    found = at_bound([*PEOPLE, *ATTACKS], 0.5)
    assert (found.bona_fide.error, found.bona_fide.non_response) == (ExactRate(1, 4), ExactRate(1, 5))
    assert found.species[0].non_response == ExactRate(1, 2)


def test_a_species_without_any_score_has_no_rate() -> None:
    found = at_bound([*PEOPLE, *shown("mask", "m", None)], 0.5)
    assert (found.species[0].error, found.apcer_max) == (None, None)


def test_a_score_on_the_bound_is_a_person() -> None:
    found = at_bound([*shown(None, "ada", 0.5), *shown("print", "a", 0.5)], 0.5)
    assert found.bona_fide.error == ExactRate(0, 1)
    assert found.species[0].error == ExactRate(1, 1)


def test_the_interval_is_clopper_and_pearsons_also_where_nothing_went_wrong() -> None:
    assert ExactRate(1, 10).interval == pytest.approx((0.0025, 0.4450), abs=1e-4)  # Clopper and Pearson 1934
    assert ExactRate(0, 60).interval == pytest.approx((0.0, 0.0596), abs=1e-4)  # 1 - 0.025 ** (1 / 60), and not 0 to 0
    assert ExactRate(30, 30).interval[1] == 1.0


def test_the_worst_artefact_of_a_class_is_named() -> None:
    found = at_bound([*PEOPLE, *ATTACKS], 0.5)
    worst = found.worst_of("print")
    assert worst is not None
    assert (worst.name, worst.error) == ("print/a", ExactRate(1, 2))
    assert [row.name for row in found.artefacts] == ["mask/m", "print/a", "print/b"]
    assert found.worst_of("prin") is None


def test_fifths_go_by_brightness_and_a_person_without_a_score_is_flagged_in_theirs() -> None:
    people = [
        one
        for grey in range(10)
        for one in shown(None, f"p{grey}", 0.1 if grey >= 8 else None if grey == 0 else 0.9, grey=100.0 - grey)
    ]
    found = for_service([*people, *shown(None, "unseen", None), *ATTACKS], 0.5)
    assert [(one.errors, one.of, one.darkest, one.brightest) for one in found.fifths] == [
        (2, 2, 91.0, 92.0), (0, 2, 93.0, 94.0), (0, 2, 95.0, 96.0), (0, 2, 97.0, 98.0), (1, 2, 99.0, 100.0),
    ]  # fmt: skip
    assert (found.flagged, found.people) == (Counted(4, 11), 11)  # whose face was never measured counts in the whole
    assert found.passed == {"mask": Counted(1, 2), "print": Counted(1, 4)}
    assert found.worst == ("mask", Counted(1, 2))
    # What a gate refers for want of a score was no attempt on the model: it says nothing of what that detects.
    assert found.apcer == {"mask": Counted(1, 1), "print": Counted(1, 4)}


def test_pictures_that_no_score_came_of_show_nothing_of_a_model() -> None:
    people = [one for n in range(75) for one in shown(None, f"p{n}", *[0.9] * 5, grey=float(n))]
    dark = shown("mask", "m", *[None] * 150)
    assert tuple(for_service([*people, *shown("mask", "m", *[0.1] * 150)], 0.5).shortfalls()) == ()
    assert tuple(for_service([*people, *dark], 0.5).shortfalls()) == (
        "mask: 0 attempts with a score, 150 wanted",
        "mask: APCER 100.0% (0 of 0), 7% at most",
    )
    assert for_service([*people, *dark, *shown("mask", "m", *[0.9] * 11)], 0.5).apcer == {"mask": Counted(11, 11)}


def test_a_person_whose_video_is_doubted_is_flagged_whatever_the_score() -> None:
    doubted = Presentation(None, "cy", "0", 0.9, {}, trouble=("video_looped",), conditions={Condition.BRIGHTNESS: 99.0})
    found = for_service([*shown(None, "ada", 0.9, 0.9, grey=90.0), doubted, *ATTACKS], 0.5)
    assert found.flagged == Counted(1, 3)
    assert [(one.errors, one.of) for one in found.fifths if one.darkest == 99.0] == [(1, 1)]
    assert recipe([*PEOPLE, doubted, *ATTACKS], 0.5).false_alarms == ExactRate(3, 6)
    # What an artefact is detected by is the score alone: nothing is said for a gate that happened to doubt its video.
    passing = Presentation("print", "a", "0", 0.9, {}, trouble=("video_looped",))
    assert for_service([*PEOPLE, passing], 0.5).passed == {"print": Counted(1, 1)}


def test_scores_after_fewer_frames_are_counted_as_if_they_had_been_the_last() -> None:
    people = [
        Presentation(
            None, "ada", "0", 0.9, {}, after={1: 0.2, 3: 0.8, 5: 0.9}, conditions={Condition.BRIGHTNESS: 90.0}
        ),
        Presentation(
            None, "bo", "0", 0.6, {}, after={1: 0.6, 2: 0.4, 3: 0.6}, conditions={Condition.BRIGHTNESS: 99.0}
        ),  # three frames and no more
        Presentation(None, "cy", "0", None, {}),
    ]
    attack = Presentation("print", "a", "0", 0.1, {}, after={1: 0.7, 3: 0.1})
    found = {frames: for_frames([*people, attack], 0.5, frames) for frames in (1, 3, 5)}
    assert {frames: one.flagged for frames, one in found.items()} == {
        1: Counted(2, 3), 3: Counted(1, 3), 5: Counted(1, 3),
    }  # fmt: skip
    assert [one.errors for one in found[1].fifths] == [1, 0]
    parts = by_condition([*people, attack], 0.5, (1, 3))
    assert list(parts) == [Condition.BRIGHTNESS]
    assert [(part.lowest, part.flagged, part.after) for part in parts[Condition.BRIGHTNESS]] == [
        (90.0, Counted(0, 1), {1: Counted(1, 1), 3: Counted(0, 1)}),
        (99.0, Counted(0, 1), {1: Counted(0, 1), 3: Counted(0, 1)}),
    ]
    assert {frames: one.passed["print"].errors for frames, one in found.items()} == {1: 1, 3: 0, 5: 0}


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
    assert (found.sized, found.missing) == (True, ())
    assert found.passed is passed


def test_an_artefact_is_detected_by_six_alarms_of_ten_and_a_missing_score_is_an_alarm() -> None:
    six, five = shown("print", "six", *[0.1] * 5, None, *[0.9] * 4), shown("print", "five", *[0.1] * 5, *[0.9] * 5)
    found = recipe([*PEOPLE, *six, *five], 0.5)
    assert found.undetected == ("print/five",)
    assert not found.sized


def test_the_recipe_says_everything_that_was_not_presented() -> None:
    held_back = {("class0", "artefact3"), ("class1", "artefact0")}
    short = [
        one
        for one in full()
        if (one.species, one.source) not in held_back or (one.species == "class1" and int(one.name) < 9)
        if one.species != "class7" and one.source != "p2"
    ]
    assert recipe(short, 0.5).missing == (
        "7 of 8 classes of artefacts",
        "class0: 3 of 4 artefacts",
        "class1/artefact0: 9 of 10 presentations",
        "2 of 3 people",
    )
