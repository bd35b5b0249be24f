"""A companion goes on the holder's grant, and the holder leaves the picture with their passage or after it: never admitted."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest
from fakes.tiers import quick_or_long

from gate.passage import passage_stage
from gate_demo.simulate import lane
from gate_demo.simulate.report import Report
from gate_demo.simulate.run import Wishes, run
from hardware_sim.hall.plan import Intention, crossing

FRESH = secrets.randbits(32)
A_RUN = 100
RUNS = range(0, 1_000, A_RUN)


def companions(seed: int, begin: int, count: int) -> tuple[int, ...]:
    """So many crossings of a seed whose travellers send somebody else, after the first of them."""
    numbers = (n for n in range(1_000_000) if crossing(seed, n, faults=True).intention is Intention.COMPANION)
    return tuple(number for number, _ in zip(numbers, range(begin + count), strict=False))[begin:]


@pytest.mark.no_cover
@pytest.mark.parametrize("faults", [False, True])
@pytest.mark.parametrize("begin", quick_or_long(RUNS, quick=RUNS[:1]))
def test_of_a_thousand_companions_none_is_admitted(begin: int, *, faults: bool) -> None:
    result = run(Wishes(FRESH, companions(FRESH, begin, A_RUN), faults=faults))
    assert result.violation is None, (FRESH, begin, result.violation, result.lines)
    tally = result.tally
    assert (tally.companions, tally.companions_admitted, tally.admitted) == (A_RUN, 0, 0), FRESH
    assert tally.companions_through > 0.8 * A_RUN, "or nobody was tempted"
    assert Report(result).fields()["companions"] == {
        "total": A_RUN,
        "admitted": 0,
        "through": tally.companions_through,
    }


@pytest.mark.parametrize(
    ("where", "name", "value"),
    [
        (lane, "RULES", replace(lane.RULES, policy=replace(lane.RULES.policy, camera_sees_zone=False))),
        (passage_stage, "NEARER_MIN", 0.5),
        (passage_stage, "PROVED_EVERY_MS", -100_000),
    ],
    ids=["nobody looks", "nobody asks whether the face came nearer", "nor beside the passage"],
)
def test_the_control_with_the_rule_switched_off_a_companion_is_admitted(
    monkeypatch: pytest.MonkeyPatch, where: object, name: str, value: object
) -> None:
    monkeypatch.setattr(where, name, value)
    result = run(Wishes(5, companions(5, 0, 20)))
    assert result.violation is not None
    assert result.violation.kind == "wrong_opening"
    assert "companion went through on" in result.violation.why
    assert result.violation.why.endswith("that crossing is admitted")
    assert result.tally.companions_admitted == 1
    assert not Report(result).ok
