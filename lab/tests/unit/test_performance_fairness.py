"""How groups fare: rates with intervals or none, false matches from trials alone, and an alarm that a planted bias raises and chance does not."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from lab_fakes.planted_bias import alarmed

from gate.passage.records import GroupCell, GroupsCounted
from gate.programs.lane.records import encode
from gate_lab import trials as trial_tables
from gate_lab.trials import Trials, TrialsError, read_trials
from gate_verify.report import fairness
from gate_verify.report.fairness import Estimate, Fairness, Group, raised


def added(*cells: GroupCell) -> Fairness:
    found = Fairness()
    for index in range(2):  # two shifts
        body = json.loads(encode(GroupsCounted(f"2026-12-0{index + 1}", f"2026-12-0{index + 2}", "Act 1", cells)))
        found.take(index, body)
    return found


def cell(attribute: str, value: str, crossings: int, referred: int = 0) -> GroupCell:
    return GroupCell(attribute, value, crossings, referred)


def test_shifts_are_added_up_with_their_span() -> None:
    found = added(cell("everybody", "", 50, 5), cell("sex", "F", 20, 1), cell("sex", "M", 30, 4))
    assert (found.since, found.until, found.shifts) == ("2026-12-01", "2026-12-03", [0, 1])
    assert [(one.attribute, one.value, one.counts["crossings"]) for one in found.groups()] == [
        ("everybody", "", 100),
        ("sex", "M", 60),
        ("sex", "F", 40),
    ]
    assert dict(found.bases) == {"Act 1": 2}


def test_a_rate_of_few_is_not_estimable_and_one_of_few_errors_has_the_exact_interval() -> None:
    few = Estimate(1, 29)
    assert few.fields() == {"errors": 1, "of": 29, "estimable": False}
    assert Estimate(0, 30).fields() == {
        "errors": 0, "of": 30, "estimable": True, "value": 0.0, "low": 0.0, "high": pytest.approx(0.1157, abs=1e-4),
        "method": "Clopper-Pearson",
    }  # fmt: skip
    assert (Estimate(50, 1000).method, Estimate(50, 1000).interval) == (
        "Wilson",
        pytest.approx((0.0381, 0.0653), abs=1e-4),
    )


def test_false_non_matches_are_those_that_an_officer_confirmed_of_all_known_owners() -> None:
    (group,) = added(GroupCell("sex", "F", 100, 30, 100, 2, 98, 8, 3, 98, 4, 1)).groups()
    assert group.estimate("fnmr") == Estimate(6, 2 * (98 - 8 + 3))
    assert group.estimate("not_acquired") == Estimate(4, 200)
    assert group.estimate("alarms") == Estimate(8, 196)
    assert group.mean_s is None


def test_times_have_a_mean_and_how_sure_it_is() -> None:
    (group,) = added(GroupCell("sex", "F", timed=50, time_s=200.0, time_s2=850.0)).groups()
    assert group.mean_s == pytest.approx((4.0, 0.1970), abs=1e-3)


def test_one_who_fares_worse_raises_the_alarm_and_the_others_do_not() -> None:
    fair = [cell("sex", "F", 5_000, 250), cell("sex", "M", 5_000, 250)]
    assert added(*fair).alarms() == []
    (alarm,) = added(cell("sex", "F", 5_000, 500), cell("sex", "M", 5_000, 250)).alarms()
    assert (alarm.attribute, alarm.value, alarm.rate) == ("sex", "F", "referred")
    assert (alarm.of_group, alarm.of_others) == (Estimate(1000, 10_000), Estimate(500, 10_000))
    assert alarm.fields()["p"] == alarm.p < 1e-9


@pytest.mark.parametrize("value", ["others", "unknown"])
def test_what_is_put_together_raises_none_and_is_still_among_the_others(value: str) -> None:
    found = added(cell("issuer", value, 5_000, 2_000), cell("issuer", "UTO", 5_000, 100))
    assert found.alarms() == []


def test_one_who_fares_far_better_raises_none() -> None:
    assert [one.value for one in added(cell("sex", "F", 50_000, 20_000), cell("sex", "M", 50_000, 100)).alarms()] == [
        "F"
    ]


def test_a_small_group_and_everybody_raise_none() -> None:
    assert added(cell("sex", "F", 40, 40), cell("sex", "M", 5_000, 50)).alarms() == []
    assert added(cell("everybody", "", 5_000, 5_000)).alarms() == []


@pytest.mark.parametrize(("gap", "days", "least"), [(0.05, 7, 0.99), (0.02, 7, 0.7), (0.01, 30, 0.8)])
def test_a_planted_bias_raises_an_alarm(gap: float, days: int, least: float) -> None:
    assert alarmed(days, gap, 200, seed=7)[0] >= least


@pytest.mark.parametrize("days", [1, 7, 30])
def test_chance_raises_hardly_any(days: int) -> None:
    planted, others = alarmed(days, 0.0, 500, seed=days)
    assert planted + others <= 0.02  # the correction promises 0.01


@pytest.mark.parametrize(("mine", "others"), [((3, 10), (1, 12)), ((0, 5), (4, 6)), ((5, 5), (2, 9))])
def test_the_test_is_fishers(mine: tuple[int, int], others: tuple[int, int]) -> None:
    """Counted out: of all ways to share the errors out, those that give this group as many or more."""
    from math import comb

    errors, of = mine[0] + others[0], mine[1] + others[1]
    ways = sum(comb(mine[1], k) * comb(others[1], errors - k) for k in range(mine[0], min(errors, mine[1]) + 1))
    assert fairness._one_sided(Estimate(*mine), Estimate(*others)) == pytest.approx(ways / comb(of, errors))


def test_a_lane_that_was_captured_writes_what_it_likes_and_breaks_nothing() -> None:
    found = Fairness()
    strange: list[object] = [
        1,
        {"attribute": "sex", "value": "F", "crossings": -5, "referred": "many", "time_s": 1e300},
        {"attribute": "height", "value": "tall", "crossings": 10},
        {"attribute": "sex", "value": 7, "crossings": True},
        *({"attribute": "issuer", "value": f"{number}", "crossings": 1} for number in range(2_000)),
    ]
    for body in ({"cells": strange}, {"cells": 5}, {}):
        found.take(0, body)
    assert len(found.groups()) <= fairness.VALUES_MAX
    assert found.alarms() == []
    more_than_all = Group("sex", "F", dict.fromkeys(fairness._COUNTS, 0.0) | {"referred": 9.0, "crossings": 1.0})
    assert more_than_all.estimate("referred") == Estimate(1, 1)
    assert raised([more_than_all]) == []


# ── trials ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def decided(match: float | None, *reasons: str) -> dict[str, object]:
    return {"evidence": {"face": {"match": {"value": match}}}, "reasons": [{"reason": one} for one in reasons]}


def test_false_matches_are_those_of_trials_whose_faces_were_compared() -> None:
    trials = Trials(read_trials("crossing,sex\na,F\nb,F\nc,M\nd,\n"))
    trials.take("a", "decided", decided(0.8, "liveness_below_bound"))
    trials.take("b", "decided", decided(0.1, "face_below_threshold"))
    trials.take("c", "decided", decided(None, "face_not_compared"))
    trials.take("e", "decided", decided(0.8))
    trials.take("d", "closed", {})
    trials.take(None, "decided", decided(0.8))
    assert trials.fmr() == {("everybody", ""): Estimate(1, 2), ("sex", "F"): Estimate(1, 2)}
    assert trials.missing == ["c", "d"]


def strange_tables() -> Iterator[tuple[str, str]]:
    yield "", "line 1: the columns are crossing"
    yield "name\na\n", "line 1: the columns are crossing"
    yield "crossing,height\na,b\n", "line 1: the columns are crossing"
    yield "crossing,crossing\na,b\n", "line 1: the columns are crossing"
    yield "crossing\na\na\n", "line 3: a stands there twice"
    yield "crossing,sex\na\n", "line 2: is no row"
    yield "crossing,sex\n,F\n", "line 2: is no row"
    yield 'crossing\n"a\n', "line 2: "


@pytest.mark.parametrize(("text", "problem"), list(strange_tables()))
def test_a_table_that_is_none_has_one_line_that_says_why(text: str, problem: str) -> None:
    with pytest.raises(TrialsError, match=problem):
        read_trials(text)


def test_more_trials_than_anybody_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_tables, "TRIALS_MAX", 2)
    with pytest.raises(TrialsError, match="line 4: more than 2 trials"):
        read_trials("crossing\na\nb\nc\n")
