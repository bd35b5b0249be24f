"""The auditor's work on the log of a busy gate: entries verified a second on one core, in each form that a log is carried away in, and the report."""

from __future__ import annotations

import functools
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from fakes.audit_logs import SmallLog
from fakes.audited_days import MORNING, Day

from bench.rows import Bench, Row
from gate_verify.report_files import make
from gate_verify.verify import Known, verify

CROSSINGS = 2_000
VERIFIED_FLOOR_S = 60_000  # entries
REPORT_FLOOR_S = 120.0
ROUNDS_MAX = 5
_TOGETHER = 10  # crossings in an append
_ENTRIES = 6 * CROSSINGS + 2
_REPORTED = 100_000  # crossings that the floor of a report is for


def verified(bench: Bench) -> list[Row]:
    """Entries verified in a second of processor time: a bundle, a spool, a copy of the database. A row's `peer` is the least that must be."""
    with tempfile.TemporaryDirectory() as folder:
        log = _busy(Path(folder))
        bundle = log.folder / "a.bundle"
        bundle.write_bytes(log.bundle())
        forms = {"bundle": bundle, "spool": log.spool, "database": log.database}
        return [_row(form, path, log.vkey, min(bench.rounds, ROUNDS_MAX)) for form, path in forms.items()]


def reported(_: Bench) -> Row:
    """A page and tables of 100,000 crossings from a bundle, in processor time: verified, opened, counted and written; scaled from fewer."""
    with tempfile.TemporaryDirectory() as name:
        log, folder = _busy(Path(name)), Path(name)
        (folder / "a.bundle").write_bytes(log.bundle())
        (folder / "one.identity").write_text(f"{log.auditors[0]}\n")
        work = functools.partial(
            make,
            [folder / "a.bundle"],
            identity=folder / "one.identity",
            vkey=log.vkey,
            known=Known(),
            out=folder / "r.html",
            tables=folder / "tables",
            now=MORNING,
        )
        took_s = _cpu_s(work) * _REPORTED / CROSSINGS
    return Row(
        "audit_reported", took_s, "s of 100,000 crossings", peer=REPORT_FLOOR_S, peer_name="the floor", floor=1.0
    )


def _row(form: str, path: Path, vkey: str, rounds: int) -> Row:
    took_s = min(_cpu_s(functools.partial(_verify, path, vkey)) for _ in range(rounds))
    entries_us = 1e6 * took_s / _ENTRIES
    floor_us = 1e6 / VERIFIED_FLOOR_S
    return Row(f"verified_{form}", entries_us, "us an entry", peer=floor_us, peer_name="the floor", floor=1.0)


def _verify(path: Path, vkey: str) -> None:
    report = verify(path, vkey)
    assert report.verified, report.problems
    assert report.bodies == _ENTRIES


def _cpu_s(work: Callable[[], object]) -> float:
    start_s = time.process_time()
    work()
    return time.process_time() - start_s


def _busy(folder: Path) -> SmallLog:
    """A log of a day of admissions."""
    log, day = SmallLog(folder), Day()
    log.write(day.begun(log.recipients), publish=False)
    for start in range(0, CROSSINGS, _TOGETHER):
        log.write([one for _ in range(_TOGETHER) for one in day.admitted()], publish=start + _TOGETHER == CROSSINGS)
    return log
