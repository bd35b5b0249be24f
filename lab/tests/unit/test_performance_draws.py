"""Random checks, drawn again from the records: each way in which somebody may have had a hand in it is told."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

import pytest
from fakes.passage_examples import decided_record

from gate.passage.draws import Draw
from gate.passage.policy import Verdict
from gate.passage.records import Decided, DrawCommitted, DrawRevealed, Opened, Record, crossing_of
from gate.programs.lane.records import encode
from gate_core.evidence.reasons import Objection, Reason
from gate_verify.audit_record import AuditRecord
from gate_verify.report import draws
from gate_verify.report.draws import Draws, Found

DAY = Draw("2026-12-05", 3_000, b"a" * 32)
NEXT = Draw("2026-12-06", 3_000, b"b" * 32)
BY = Objection(Reason.RANDOM_CHECK)


def committed(draw: Draw = DAY) -> DrawCommitted:
    return DrawCommitted(draw.day, draw.per_10000, draw.sha256, draw)


def revealed(draw: Draw = DAY) -> DrawRevealed:
    return DrawRevealed(draw.day, draw.sha256, draw.secret.hex())


def decided(name: str, draw: Draw = DAY, *, drawn: bool | None = None) -> Decided:
    """A decision by a draw, or by what somebody made of it."""
    is_drawn = draw.draws(name) if drawn is None else drawn
    found = decided_record()
    return replace(
        found,
        crossing=name,
        decision=Verdict.REFER if is_drawn else Verdict.ADMIT,
        reasons=(BY,) if is_drawn else (),
        evidence=replace(found.evidence, drawn=is_drawn),
        policy=replace(found.policy, random_checks_per_10000=draw.per_10000),
    )


def crossings(numbers: range, draw: Draw = DAY) -> list[Record]:
    return [record for number in numbers for record in (Opened(f"c{number}"), decided(f"c{number}", draw))]


def found(records: Iterable[Record], since: int = 0) -> Found:
    """What the records come to, as an auditor has them."""
    taker = Draws()
    for index, record in enumerate(records, start=since):
        body = json.loads(encode(record))
        taker.take(AuditRecord(index, "", "", "", kind=record.kind.value, crossing=crossing_of(record), body=body))
    return taker.found()


def said(records: Iterable[Record], since: int = 0) -> list[str]:
    return [one.what for one in found(records, since).problems]


def one_that_is(drawn: bool) -> str:  # noqa: FBT001 - a test's own
    return next(f"c{number}" for number in range(100) if DAY.draws(f"c{number}") is drawn)


def test_days_that_were_drawn_as_they_should_be_have_no_problem() -> None:
    records: list[Record] = [
        committed(),
        *crossings(range(200)),
        revealed(),
        committed(NEXT),
        *crossings(range(200, 300), NEXT),
    ]
    result = found(records)
    assert result.problems == []
    assert len(result.presented) == 300
    assert len(result.known) == 200
    assert result.drawn == [1 + 2 * number for number in range(200) if DAY.draws(f"c{number}")]
    assert result.unrevealed == [402], "the last day is not over"


def test_the_written_record_of_a_draw_does_not_hold_its_secret() -> None:
    assert DAY.secret.hex() not in encode(committed()).decode()
    assert "kept" not in json.loads(encode(committed()))


def test_a_start_within_the_day_states_it_anew_and_changes_nothing() -> None:
    half: list[Record] = [committed(), *crossings(range(50)), committed(), *crossings(range(50, 100)), revealed()]
    assert found(half).problems == []
    assert len(found(half).known) == 100


def test_one_who_was_drawn_and_let_pass_and_one_who_was_sent_without_are_told() -> None:
    drawn, spared = one_that_is(True), one_that_is(False)
    records: list[Record] = [
        committed(),
        Opened(drawn),
        decided(drawn, drawn=False),
        Opened(spared),
        decided(spared, drawn=True),
        revealed(),
    ]
    assert said(records) == [
        f"crossing {drawn} was drawn, and no officer was called for that",
        f"crossing {spared} was not drawn, and is said to be",
    ]
    assert [one.entries for one in found(records).problems] == [[2], [4]]


def test_a_secret_that_is_not_revealed_or_is_another_one_is_told() -> None:
    assert said([committed(), *crossings(range(5)), committed(NEXT)]) == [
        "the secret of 2026-12-05 is in no record, and its draw is over"
    ]
    forged = replace(revealed(), secret=NEXT.secret.hex())
    for secret in (forged.secret, "no hex"):
        assert said([committed(), replace(forged, secret=secret)]) == [
            "what is revealed of 2026-12-05 is not the secret whose hash was stated"
        ]


def test_crossings_whose_names_were_chosen_are_told_by_their_share() -> None:
    chosen = [f"c{number}" for number in range(400) if not DAY.draws(f"c{number}")][:100]
    records: list[Record] = [record for name in chosen for record in (Opened(name), decided(name))]
    (problem,) = said([committed(), *records, revealed()])
    assert problem.startswith("0 of 100 crossings of 2026-12-05 are drawn, where 3000 of 10,000 were stated")


def test_who_gives_up_before_a_decision_is_counted_and_the_drawn_among_them() -> None:
    result = found(
        [
            committed(),
            Opened(one_that_is(True)),
            Opened(one_that_is(False)),
            Opened("called", document=False),
            revealed(),
        ]
    )
    assert (result.given_up, result.given_up_drawn, result.problems) == ([1, 2], [1], [])


def test_what_was_drawn_by_no_stated_secret_is_told_but_not_where_the_log_begins_later() -> None:
    alone = crossings(range(1))
    assert said(alone) == ["crossing c0 was drawn by a secret of which no hash stood in the log"]
    assert said(alone, since=9) == []
    assert said([committed(), revealed(), *alone]) == ["crossing c0 was drawn by a secret that was out already"]
    assert said([revealed()], since=9) == []


def test_who_is_drawn_by_a_secret_that_was_out_already_is_told_wherever_the_log_begins() -> None:
    records: list[Record] = [committed(), *crossings(range(200)), revealed(), *crossings(range(200, 202))]
    for since in (0, 5):
        assert len([one for one in said(records, since) if "a secret that was out already" in one]) == 2


def test_a_share_other_than_the_stated_one_is_told() -> None:
    name = one_that_is(False)
    other = replace(decided(name), policy=replace(decided(name).policy, random_checks_per_10000=1))
    assert said([committed(), Opened(name), other]) == [f"{name} was decided by 1 of 10,000, and 3000 were stated"]


def test_a_secret_that_is_stated_twice_and_what_is_no_draw_are_told() -> None:
    assert said([committed(), revealed(), committed()]) == ["the secret of 2026-12-05 is stated again"]
    assert said([replace(committed(), per_10000=0)]) == ["what is stated as a draw is none"]


def test_what_a_captured_lane_writes_without_end_is_told_in_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draws, "PERIODS_MAX", 3)
    monkeypatch.setattr(draws, "PROBLEMS_MAX", 5)
    many = [committed(Draw("d", 100, number.to_bytes(32))) for number in range(20)]
    told = said(many)
    assert told[0] == "a draw beyond the 3 that are looked at"
    assert told[-1] == "and 14 more"


def test_a_record_of_any_shape_breaks_nothing() -> None:
    taker = Draws()
    for body in ({}, {"reasons": 1, "evidence": 2, "policy": 3}, {"reasons": [1]}, None):
        for kind in ("draw_committed", "draw_revealed", "opened", "decided", None):
            taker.take(AuditRecord(0, "", "", "", kind=kind, crossing="c", body=body))
    assert {one.what for one in taker.found().problems} == {"what is stated as a draw is none"}
