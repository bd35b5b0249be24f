"""A captured lane writes whatever it likes into a record: what judges and counts records takes it, and a page comes of it."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.audited_days import Day

from gate_verify.audit_record import AuditRecord
from gate_verify.findings import Report
from gate_verify.record_invariants import Story
from gate_verify.report.account import LONGEST_MS, Account
from gate_verify.report_files import render, taken_again, write_tables

STRANGE: tuple[object, ...] = (
    None, True, False, 0, -1, 2**53 + 1, 2**64, 10**4299, -(10**4299), 1e308, float("inf"), float("nan"), "", "x" * 50_000,
    "\x1b[2J\ud800", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "2026-11-25T10:00:00", "0001-01-01T00:00:00+14:00",
    [], {}, [[[]]], {"a": 1}, [{"reason": 5}], "\u0661\u0662",
)  # fmt: skip
WORDS = tuple(one for one in STRANGE if isinstance(one, str))
NOTHING = Report(1, 0, "00", True, True, 1, (), None, None, 1, 1, 0, (), (), False, False, ())


def day() -> list[AuditRecord]:
    day = Day()
    found = []
    for index, record in enumerate([*day.begun(), *day.admitted(), *day.overruled(), *day.taken_over()]):
        one = record.happening
        body = json.loads(record.plain.split(b"\n")[1])
        found.append(
            AuditRecord(
                index,
                one.hour,
                one.about,
                "k",
                one.kind,
                one.crossing,
                one.time,
                one.monotonic_ms,
                one.boot,
                one.id.hex(),
                body,
            )
        )
    return found


def strange(told: AuditRecord, dice: random.Random) -> AuditRecord:
    match dice.randrange(8):
        case 0:
            return replace(told, time=dice.choice(WORDS), monotonic_ms=dice.choice((0, -(2**63), 2**63 - 1)))
        case 1:
            return replace(
                told, crossing=dice.choice(("x" * 50_000, "\x1b", None)), kind=dice.choice(("passed", "zzz" * 20_000))
            )
        case _:
            return replace(told, body={key: twisted(value, dice) for key, value in (told.body or {}).items()})


def twisted(value: object, dice: random.Random) -> object:
    if isinstance(value, dict) and value and dice.random() < 0.9:
        at = dice.choice(list(value))
        return {**value, at: twisted(value[at], dice)}
    if isinstance(value, list) and value and dice.random() < 0.8:
        at = dice.randrange(len(value))
        return [*value[:at], twisted(value[at], dice), *value[at + 1 :]]
    return dice.choice(STRANGE) if dice.random() < 0.5 else value


@pytest.mark.parametrize("seed", range(12))
def test_whatever_records_hold_a_page_and_tables_come_of_them(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    account, story = Account(), Story()
    again = taken_again(account)
    for _ in range(4):
        for told in day():
            for take in (story.take, account.take, again):
                take(strange(told, dice))
    assert story.contradictions()
    story.unsure()
    page = render(NOTHING, account, name="n", files=["a"], tables="t", made="m")
    assert len(page) < 4_000_000
    write_tables(tmp_path, account)


def test_times_that_nobody_waited_and_passages_beyond_a_counter_are_none() -> None:
    account = Account()
    for number, stages in enumerate(
        ({"closed": 10**400}, {"closed": float("nan")}, {"closed": -1}, {"closed": LONGEST_MS})
    ):
        body = {"verdict": "admitted", "reasons": [], "stages_ms": stages}
        account.take(
            AuditRecord(
                number,
                "",
                "crossing",
                "k",
                "closed",
                str(number),
                "2026-11-25T10:00:00.000Z",
                1,
                "b",
                str(number),
                body,
            )
        )
    spread = account.spreads()["closed"]
    assert spread is not None
    assert (spread.n, spread.longest) == (1, LONGEST_MS / 1000)
    for count in (2**32, -1, 10**4299):
        account.take(
            AuditRecord(9, "", "device", "k", "passed", None, "2026-11-25T10:00:00.000Z", 1, "b", "9", {"count": count})
        )
    assert account.passages["last", "entry", "grant"] == 3
