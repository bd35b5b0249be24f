"""What records add up to: each figure, with the entries that it rests on."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from fakes.audited_days import Day
from fakes.passage_examples import said

from gate.audit.writer import Wanted
from gate.passage.names import Disposition
from gate.passage.records import Released
from gate_core.evidence.registers import RegisterAnswer, RegisterCause, RegisterFinding
from gate_verify.audit_record import AuditRecord
from gate_verify.clock import ms as _ms
from gate_verify.report.account import FEWER, GROUP_MIN, NAMES_MAX, OTHERS, WORD_MAX, Account


def told(index: int, record: Wanted) -> AuditRecord:
    happening = record.happening
    body = json.loads(record.plain.split(b"\n")[1])
    return AuditRecord(
        index, happening.hour, happening.about, "k", happening.kind, happening.crossing, happening.time,
        happening.monotonic_ms, happening.boot, happening.id.hex(), body,
    )  # fmt: skip


def counted(records: list[Wanted]) -> Account:
    account = Account()
    for index, record in enumerate(records):
        account.take(told(index, record))
    return account


def test_crossings_reasons_officers_and_passages_are_counted_with_their_entries() -> None:
    day = Day()
    account = counted([*day.begun(), *day.admitted(), *day.overruled(), *day.taken_over(), *day.overruled("ben.c")])
    numbers = {figure: list(entries) for figure, entries in account.figures.items()}
    assert numbers["crossings", "admitted"] == [7]
    assert numbers["crossings", "referred"] == [10, 18, 22]
    assert numbers["reasons", "face_below_threshold"] == [10, 18, 22]
    assert numbers["overruled", "liveness_below_bound"] == [11, 23]
    assert numbers["dispositions", "admitted_by_officer"] == [15, 27]
    assert account.officers() == ["Officer 1", "Officer 2"], "numbers, not names"
    assert (numbers["Officer 1", "overruled"], numbers["Officer 2", "disposition"]) == ([11], [19, 27])
    assert account.passages["last", "entry", "grant"] == 3
    assert account.reconciliation.gaps() == ()
    assert account.reconciliation.counted["last", "entry"] == 3
    assert account.shown[11].what == "Officer 1"
    assert "anna" not in repr([*account.shown.values(), *account.crossings.values()])


def test_answers_of_lists_are_counted_and_what_became_of_their_hits() -> None:
    hit = RegisterFinding("stolen", RegisterAnswer.HIT, RegisterCause.NUMBER_LISTED, handle="h")
    none, away = (RegisterFinding("ees", one) for one in (RegisterAnswer.NONE, RegisterAnswer.UNKNOWN))
    day = Day()
    records = [
        *day.begun(),
        *day.listed(hit, none, became=Disposition.TAKEN_OVER),
        *day.listed(hit, away, became=Disposition.ADMITTED_BY_OFFICER),
    ]
    numbers = {figure: list(entries) for figure, entries in counted(records).figures.items()}
    asked = {name: found for (group, name), found in numbers.items() if group == "asked"}
    assert asked == {"stolen: hit": [3, 7], "ees: none": [3], "ees: unknown": [7]}
    hits = {name: found for (group, name), found in numbers.items() if group == "hits"}
    assert hits == {"stolen: taken_over": [5], "stolen: admitted_by_officer": [9]}


def test_times_are_those_of_the_stages_and_of_the_officers_word() -> None:
    day = Day()
    spreads = counted([*day.begun(), *day.admitted(), *day.taken_over()]).spreads()
    assert {name: one.p50 for name, one in spreads.items() if one} == {"granted": 4.0, "closed": 6.0, "waited": 1.0}


def test_who_waits_and_what_has_no_verdict_is_told() -> None:
    day = Day()
    account = counted([*day.begun(), *day.taken_over()[:-1], *day.admitted()[:2]])
    assert [one.name for one in account.waiting()] == ["c1"]
    assert [one.name for one in account.unended()] == ["c2"]


def test_a_group_that_could_name_a_traveller_is_counted_with_the_others_that_could() -> None:
    day = Day()
    records = [*day.begun(), *(one for _ in range(GROUP_MIN) for one in day.admitted()), *day.taken_over()]
    account = counted(records)
    (issuer,) = account.by_group("issuer")
    assert (issuer[0], issuer[1].errors, issuer[1].of, issuer[2]) == ("UTO", 1, GROUP_MIN + 1, [len(records) - 2])
    account.crossings["c1"].groups["issuer"] = "XXA"
    account.crossings["c2"].groups["issuer"] = "XXB"
    assert [(name, rate.of) for name, rate, _ in account.by_group("issuer")] == [(FEWER, 11)], "9 are few, too"
    account.crossings["c2"].groups["issuer"] = "UTO"
    assert [(name, rate.of) for name, rate, _ in account.by_group("issuer")] == [("UTO", 10), (FEWER, 1)]


def test_a_clock_that_was_set_shows_at_the_record_where_it_was() -> None:
    for ahead, seconds in ((timedelta(hours=-1), -3600), (timedelta(seconds=90), 90)):
        day = Day()
        records = [*day.begun(), *day.admitted()]
        day.clock_ahead = ahead
        records += [*day.admitted(), *day.admitted()]
        (step,) = counted(records).steps
        assert (step.index, step.by_ms) == (8, 1000 * seconds)


def test_a_record_that_was_written_late_is_no_step_of_the_clock() -> None:
    day = Day(seconds=1000)
    records = [*day.begun(), *day.admitted(), *day.admitted()]
    for at in (3, 4, 9):
        late = replace(records[at].happening, monotonic_ms=records[at].happening.monotonic_ms - 60_000)
        records[at] = replace(records[at], happening=late)
    assert counted(records).steps == []


def test_another_start_of_the_machine_is_no_step_unless_time_went_back() -> None:
    day = Day()
    records = [*day.begun(), *day.admitted()]
    for ahead, steps in ((timedelta(), 0), (timedelta(minutes=-5), 1)):
        later = Day(seconds=day.seconds, passages=1, clock_ahead=ahead)
        again = [
            replace(one, happening=replace(one.happening, boot="b", monotonic_ms=5)) for one in later.admitted()[:1]
        ]
        assert len(counted([*records, *again]).steps) == steps


def test_what_does_not_open_is_counted_by_why() -> None:
    account = Account()
    account.take(
        AuditRecord(0, "2026-11-25T10:00:00Z", "crossing", "k", note="the key was erased; the time is the hour")
    )
    ((figure, entries),) = account.figures.items()
    assert (figure[0], list(entries)) == ("closed records", [0])


def test_what_happened_to_the_gate_is_counted_by_its_kind_also_one_that_is_newer() -> None:
    kinds = ("keys_expired", "clock_stepped", "stopped", "presence", "counted", "some_newer_kind")
    account, any_record = Account(), told(0, Day().wanted(Released(None, said())))
    for index, kind in enumerate(kinds):
        account.take(replace(any_record, index=index, kind=kind, body={}))
    found = {name: list(entries) for (group, name), entries in account.figures.items() if group == "happened"}
    assert found == {"keys_expired": [0], "clock_stepped": [1], "stopped": [2], "some_newer_kind": [5]}


def test_a_thousand_words_and_officers_of_a_captured_lane_are_as_many_lines_as_there_is_room_for() -> None:
    account, release = Account(), told(0, Day().wanted(Released(None, said())))
    for index in range(1000):
        body = {"reasons": [{"reason": f"r{index}"}], "order": {"officer": f"o{index}"}, "incident": f"i{index}" * 90}
        for kind in ("incident", "passed", "release"):
            account.take(
                replace(release, index=index, kind=kind, body={**body, "door": f"d{index}", "how": f"h{index}"})
            )
    assert len(account.officers()) == NAMES_MAX
    for group in ("incidents", f"passages {OTHERS} entry"):
        lines = [name for one, name in account.figures if one == group]
        assert len(lines) == NAMES_MAX + 1, group
        assert max(map(len, lines)) <= WORD_MAX
        assert len(account.figures[group, OTHERS]) == 1000 - NAMES_MAX


def test_whatever_a_captured_lane_wrote_is_counted_and_breaks_nothing() -> None:
    day = Day()
    for record in day.admitted():
        odd = told(0, record)
        for body in (
            {},
            {"reasons": 7, "decision": [], "stages_ms": "x", "count": "2", "counters": 5, "order": "x", "door": 1},
        ):
            account = Account()
            account.take(replace(odd, body=body, time="nonsense"))
            assert account.entries == 1


def test_a_time_without_its_zone_is_no_time_and_not_one_of_the_auditors_own_zone() -> None:
    assert _ms("2026-11-28T02:00:00") == _ms("soon") == 0
    assert _ms("2026-11-28T02:00:00Z") == _ms("2026-11-28T03:00:00+01:00") > 0
