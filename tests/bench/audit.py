"""The auditor's work on the log of a busy gate: entries verified a second on one core, in each form that a log is carried away in."""

from __future__ import annotations

import functools
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from fakes.audit_logs import SmallLog, wanted

from bench.rows import Bench, Row
from gate.audit.record import canonical_json
from gate.audit.writer import Wanted
from gate.passage.records import Decided
from gate.verify.verify import verify

CROSSINGS = 2_000
VERIFIED_FLOOR_S = 60_000  # entries
ROUNDS_MAX = 5
_TOGETHER = 10  # crossings in an append
_KINDS = ("opened", "decided", "granted", "passed", "grant_ended", "closed")  # of an admission


def verified(bench: Bench) -> list[Row]:
    """Entries verified in a second of processor time: a bundle, a spool, a copy of the database. A row's `peer` is the least that must be."""
    with tempfile.TemporaryDirectory() as folder:
        log = _busy(Path(folder))
        bundle = log.folder / "a.bundle"
        bundle.write_bytes(log.bundle())
        forms = {"bundle": bundle, "spool": log.spool, "database": log.database}
        return [_row(form, path, log.vkey, min(bench.rounds, ROUNDS_MAX)) for form, path in forms.items()]


def _row(form: str, path: Path, vkey: str, rounds: int) -> Row:
    took_s = min(_cpu_s(functools.partial(_verify, path, vkey)) for _ in range(rounds))
    entries_us = 1e6 * took_s / (CROSSINGS * len(_KINDS))
    floor_us = 1e6 / VERIFIED_FLOOR_S
    return Row(f"verified_{form}", entries_us, "us an entry", peer=floor_us, peer_name="the floor", floor=1.0)


def _verify(path: Path, vkey: str) -> None:
    report = verify(path, vkey)
    assert report.verified, report.problems
    assert report.bodies == CROSSINGS * len(_KINDS)


def _cpu_s(work: Callable[[], None]) -> float:
    start_s = time.process_time()
    work()
    return time.process_time() - start_s


def _busy(folder: Path) -> SmallLog:
    """A log of admissions, each with the lengths that a gate's have."""
    log = SmallLog(folder)
    for start in range(0, CROSSINGS, _TOGETHER):
        crossings = range(start, start + _TOGETHER)
        log.write(
            [_record(kind, f"c{n}") for n in crossings for kind in _KINDS], publish=start + _TOGETHER == CROSSINGS
        )
    return log


def _record(kind: str, crossing: str) -> Wanted:
    made = wanted(kind, crossing)
    return Wanted.of(made.happening, canonical_json({}), Decided.bytes_min if kind == "decided" else 0)
