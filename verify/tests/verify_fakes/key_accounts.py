"""Logs of three crossings, and records that say that keys went: what the verifier's accounts of keys are tested with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from core_fakes.approvals import approvers, signer
from core_fakes.sealed_log import ORIGIN, GateLog, crossing, happening
from core_fakes.sealed_log import plain_record as wanted
from verify_fakes.audit_logs import StoredLog, Wanted

from gate_core.approval.erasure import Erasure, SignedErasure
from gate_core.audit_format.note import Signer
from gate_core.audit_format.record import Header, canonical_json
from gate_core.audit_format.spool import key_path
from gate_core.audit_format.unsealer import Unsealer
from gate_verify.bundle import EntryLine
from gate_verify.findings import Report
from gate_verify.records import with_story
from gate_verify.verify import contents, verify

DAY, LATER = "2026-11-25", "2026-12-27"
NOTE = sha256(b"an order").hexdigest()
KEYS = 3  # one a crossing


def approval() -> dict[str, object]:
    """What a start says of those who may approve."""
    return {"keys": {key.name: key.vkey for key in approvers().keys}}


def own(kind: str, *, on: object = LATER, **body: object) -> Wanted:
    """A record of the log program's own."""
    moment = replace(happening(kind), about="administration", time=f"{on}T10:00:00.000Z")
    return Wanted.of(moment, canonical_json(body))


def opened(name: str, day: str) -> Wanted:
    return Wanted.of(replace(happening("opened", name), time=f"{day}T10:00:00.000Z"), canonical_json({}))


def keys_of(log: GateLog) -> list[str]:
    """Those of crossings, the oldest first."""
    headers = [Header.parse(line.leaf) for line in contents(log.spool) if isinstance(line, EntryLine)]
    return list(dict.fromkeys(one.key for one in headers if one.about == "crossing"))


def begun(folder: Path) -> StoredLog:
    """A log in which a lane started, with whose approval it says."""
    log = StoredLog(folder)
    log.write([wanted("started", body={"recipients": list(log.recipients), "approval": approval()})])
    return log


def made(folder: Path) -> tuple[StoredLog, list[str]]:
    """A log of three crossings, and the key of each."""
    log = begun(folder)
    log.write(*(crossing(f"c{number}") for number in range(KEYS)))
    return log, keys_of(log)


def ordered(*keys: str, by: Sequence[Signer] = (signer("anna"), signer("ben")), **other: object) -> Wanted:
    order = SignedErasure.new(Erasure(ORIGIN, tuple(sorted(keys))))
    for one in by:
        order = order.signed_by(one)
    signatures = [one.line for one in order.note.signatures]
    said = {"keys": sorted(keys), "note": sha256(order.note.to_bytes()).hexdigest(), "signatures": signatures}
    return own("keys_erased", by=["anna.example", "ben.example"], **(said | other))


def expired(count: int, *, day: str = DAY, about: str = "crossing") -> Wanted:
    return own("keys_expired", **{"class": about, "day": day, "keys": count})


def without(log: GateLog, keys: Iterable[str]) -> None:
    for key in keys:
        (log.spool / key_path(key)).unlink()


def judged(log: GateLog, *others: Path) -> Report:
    return with_story(verify(log.spool, log.vkey, *others), [log.spool, *others], Unsealer(log.auditors[:1]))


def wrong(report: Report) -> list[str]:
    """What is told of keys; the short crossings of these logs contradict themselves besides."""
    return [one for one in report.problems if "keys" in one]
