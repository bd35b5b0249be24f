"""A compromised lane writes any JSON into any field of a record: whatever judges and counts records takes it.

Each field of each kind that docs/protocols/audit-log.md names holds, one after the other, each type of JSON value, in a whole log.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from core_fakes.sealed_log import plain_record
from typer.testing import CliRunner
from verify_fakes.audit_logs import OWN_KINDS, StoredLog, Wanted

from gate_verify.accounts import Accounts
from gate_verify.audit_record import AuditRecord
from gate_verify.commands.audit import app
from gate_verify.findings import Held, Ledger, Report
from gate_verify.record_invariants import Story
from gate_verify.records import fields_of
from gate_verify.report.account import Account
from gate_verify.report.tables import sections
from gate_verify.report_files import render, write_tables

PROTOCOL = Path(__file__).parents[3] / "docs/protocols/audit-log.md"
# More levels than `str` can write where the stack is a little deeper than where the record was parsed.
DEEP: Any = json.loads("[" * 900 + "]" * 900)
VALUES: dict[str, object] = {
    "null": None, "true": True, "false": False, "0": 0, "-1": -1, "2**64": 2**64, "huge": 10**4300 - 1, "-huge": 1 - 10**4300, "0.5": 0.5,
    "1e308": 1e308, "inf": float("inf"), "nan": float("nan"), "''": "", "text": "x", "long": "x" * 40_000, "half": "\x1b\ud800", "[]": [],
    "[[]]": [[]], "[{}]": [{}], "[null]": [None], "[5, text]": [5, "x"], "[huge]": [10**4300 - 1], "{}": {}, "{'': []}": {"": []},
    "{a: {}}": {"a": {"reason": []}}, "deep": DEEP, "[deep]": [DEEP], "{deep}": {"reason": DEEP, "entry": DEEP, "keys": DEEP},
}  # fmt: skip
OFFICER = {"officer": "o1"}
WHY = [{"reason": "random_check", "detail": ""}]
COUNTERS = {"entry": 1, "exit": 0}
EVIDENCE = {
    "drawn": True,
    "document": {"issuer": "D", "document_type": "P", "nationality": "D", "access": {"protocol": "PACE"}},
    "registers": [{"register": "r", "answer": "hit", "cause": "c"}],
}
DECIDED: dict[str, object] = {
    "decision": "refer", "reasons": WHY, "evidence": EVIDENCE, "policy": {"random_checks_per_10000": 5_000, "registers": {}},
}  # fmt: skip
KEY = "ab" * 32
# A log in which each kind stands once at least. Those of no field that the verifier reads have the fields of the protocol's table.
RECORDS: list[tuple[str, dict[str, object]]] = [
    ("started", {"approval": {"keys": {"a": "a+00000000+AA=="}}, "rules": {"two_officers_for": ["random_check"]}, "recipients": [KEY], "lists": "x", "purpose": "demo", "mode": "gate"}),
    ("rules_stated", {"text": '"officers":2', "part": 1, "parts": 1, "sha256": KEY, "version": 1}),
    ("counted", {"counters": {"entry": 0, "exit": 0}, "before": None, "door": "last"}),
    ("draw_committed", {"day": "2026-11-25", "per_10000": 5_000, "sha256": KEY}),
    ("opened", {"direction": "entry", "document": True}),
    ("entry_decided", DECIDED),
    ("decided", DECIDED),
    ("closed", {"verdict": "referred", "reasons": WHY, "stages_ms": {"closed": 5, "granted": 4}}),
    ("viewed", {"order": OFFICER}),
    ("would_admit", {"order": OFFICER, "reasons": WHY}),
    ("overruled", {"order": {"officer": "o2"}, "reasons": WHY, "first": {"officer": "o1"}}),
    ("granted", {"ttl_ms": 1, "direction": "entry", "door": "last"}),
    ("passed", {"how": "grant", "count": 1, "direction": "entry", "door": "last", "counters": COUNTERS}),
    ("revoked", {"reasons": WHY}),
    ("grant_ended", {"how": "passage", "door": "last"}),
    ("asked", {"wish": "help"}),
    ("closed", {"verdict": "admitted", "reasons": WHY, "stages_ms": {"closed": 5, "granted": 4}}),
    ("disposition", {"order": OFFICER, "disposition": "admitted_by_officer"}),
    ("incident", {"incident": "records_lost", "count": 1, "waits": False, "door": "last", "order": OFFICER}),
    ("obeyed", {"order": OFFICER, "verb": "refer", "alarms": [], "before": "", "after": ""}),
    ("flagged", {"order": OFFICER, "concern": "x"}),
    ("groups_counted", {"since": "a", "until": "b", "basis": "x", "cells": [{"attribute": "sex", "value": "F", "crossings": 4, "timed": 1}]}),
    ("clock_stepped", {"before": "2026-11-25T11:00:00.000Z", "after": "2026-11-25T10:00:00.000Z", "step_ms": -3_600_000}),
    ("keys_erased", {"keys": [KEY], "note": KEY, "by": ["a"], "signatures": ["x"]}),
    ("keys_erased_at_mirror", {"note": KEY, "mirror": "m"}),
    ("keys_expired", {"class": "crossing", "day": "2026-11-20", "keys": 1}),
    ("keys_expired", {"class": "crossing", "day": "2026-11-21", "keys": 1}),
    ("draw_revealed", {"day": "2026-11-25", "sha256": KEY, "secret": KEY}),
]  # fmt: skip
CROSSINGS = {"opened", "entry_decided", "decided", "would_admit", "overruled", "granted", "passed", "revoked", "grant_ended", "closed", "asked"} | {
    "disposition", "viewed",
}  # fmt: skip
NOTHING = Report(1, 0, "00", True, True, 1, (), None, None, 1, 1, 0, (), (), False, False, ())


def protocol() -> dict[str, set[str]]:
    """The kinds and fields of the protocol's table."""
    _, _, after = PROTOCOL.read_text().partition("| kind | class without a crossing |")
    rows = (line.split("|")[1:-1] for line in after.partition("\n\n")[0].split("\n")[2:])
    return {row[0].strip(" `"): set(re.findall("`([a-z_0-9]+)`", row[-1])) for row in rows}


def log() -> list[AuditRecord]:
    known = {kind for kind, _ in RECORDS}
    others = {**protocol(), **{kind: {"since", "until", "vkey"} for kind in OWN_KINDS}}
    rest: list[tuple[str, dict[str, object]]] = [
        (kind, dict.fromkeys(fields, "x")) for kind, fields in others.items() if kind not in known
    ]
    found = []
    for index, (kind, body) in enumerate([*RECORDS, *rest]):
        about = "crossing" if kind in CROSSINGS else "administration"
        about = "device" if kind in {"started", "counted", "incident"} else about
        whole: dict[str, object] = {**dict[str, object].fromkeys(protocol().get(kind, ()), "x"), **body}
        time, name = "2026-11-25T10:07:30.000Z", "c" if about == "crossing" else None
        found.append(
            AuditRecord(
                index, "2026-11-25T10:00:00Z", about, KEY, kind, name, time, 1, "b", str(index), whole, None, KEY
            )
        )
    return found


def places(value: object) -> Iterator[tuple[object, ...]]:
    """Every place in a body, in depth."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for at, one in inside:
        yield (at,)
        yield from ((at, *below) for below in places(one))


def put(body: Any, place: tuple[Any, ...], value: object) -> Any:
    if not place:
        return value
    inside = put(body[place[0]], place[1:], value)
    if isinstance(body, list):
        return [*body[: place[0]], inside, *body[place[0] + 1 :]]
    return {**body, place[0]: inside}


def judged(records: list[AuditRecord]) -> Account:
    """Everything that `gate audit verify` and `gate audit report` make of records, as text."""
    story, accounts, account = Story(), Accounts("border.example/gate-0001"), Account()
    copies = tuple(Held(f"{n}", 99, frozenset(keys), frozenset({KEY}), True) for n, keys in enumerate(((KEY,), ())))
    ledger = Ledger({KEY: 9}, copies, True, False)
    for told in records:
        for take in (story.take, accounts.take, account.take):
            take(told)
        fields_of(told)
    found = [*story.contradictions(), *story.unsure(), *accounts.contradictions(ledger), *accounts.unsigned(ledger)]
    found += [*accounts.kept_longer(ledger), *ledger.unaccounted(accounts.gone), str(accounts.erasures(ledger))]
    found += [repr(sections(account, str))]
    assert all(isinstance(one, str) for one in found)
    return account


def test_the_log_of_this_test_has_every_kind_with_its_fields() -> None:
    for kind, fields in protocol().items():
        assert any(told.kind == kind and fields <= set(told.body or {}) for told in log()), kind


@pytest.mark.parametrize("kind", sorted({*protocol(), *OWN_KINDS}))
def test_each_field_takes_each_json_value(kind: str) -> None:
    records = log()
    for place in dict.fromkeys(place for told in records if told.kind == kind for place in places(told.body)):
        for name, value in VALUES.items():
            changed = []
            for told in records:
                is_here = told.kind == kind and place in set(places(told.body))
                changed.append(replace(told, body=put(told.body, place, value)) if is_here else told)
            try:
                judged(changed)
            except Exception as error:
                raise AssertionError(f"{kind} {place} {name}: {error!r}") from error


def test_a_page_and_tables_come_of_a_log_of_wrong_values(tmp_path: Path) -> None:
    records = log()
    for number, value in enumerate(VALUES.values()):
        account = judged([replace(told, body=dict.fromkeys(told.body or {}, value)) for told in records])
        assert "<html" in render(NOTHING, account, name="n", files=["a"], tables="t", made="m")
        (tmp_path / f"{number}").mkdir()
        write_tables(tmp_path / f"{number}", account)


def judged_by_the_command(log: StoredLog) -> tuple[int, str]:
    identity = log.folder / "auditor.identity"
    identity.write_text(f"{log.auditors[0]}\n")
    command = ["verify", str(log.spool), "--vkey", log.vkey, "--identity", str(identity)]
    result = CliRunner().invoke(app, command)
    return result.exit_code, result.output


@pytest.mark.parametrize("value", ["[]", "{}", "[[{}]]", "9" * 4300, "null", "1e999", "[" * 700 + "]" * 700])
def test_the_command_judges_an_incident_that_is_no_text(tmp_path: Path, value: str) -> None:
    log = StoredLog(tmp_path)
    log.write([Wanted.of(plain_record("incident").happening, b'{"incident":%s}' % value.encode())])
    code, said = judged_by_the_command(log)
    assert (code, "VERIFIED" in said) == (0, True), said


@pytest.mark.parametrize("value", ["9" * 4300, "-1", str(2**53)])
def test_a_record_whose_time_since_the_start_is_no_such_number_does_not_open(tmp_path: Path, value: str) -> None:
    log = StoredLog(tmp_path)
    happening = plain_record("incident").happening
    envelope = happening.envelope().replace(
        b'"monotonic_ms":%d' % happening.monotonic_ms, b'"monotonic_ms":%s' % value.encode()
    )
    log.write([Wanted(happening, (envelope + b"\n{}").ljust(8192))])
    code, said = judged_by_the_command(log)
    assert (code, "does not open with its key" in said) == (1, True), said


@pytest.mark.parametrize("door", [None, [], 5, {}])
def test_a_door_that_is_no_text_is_not_the_last_door(door: object) -> None:
    """Only a record from before doors had names is of the last one."""
    records = [told for told in log() if told.kind in {"started", "opened", "decided", "granted"}]
    admit = {"decision": "admit", "reasons": []}
    for body, wrong in (({"door": door}, True), ({}, False)):
        story = Story()
        for told in records:
            story.take(
                replace(told, body=body if told.kind == "granted" else admit if told.kind == "decided" else told.body)
            )
        assert any("without a decision that opens" in one for one in story.contradictions()) is wrong
