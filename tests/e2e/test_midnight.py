"""A whole gate over its site's midnight: each day draws by its own secret, and the log bears every draw out.

The lane's clock is libfaketime's, less than an hour ahead of the machine's, in a zone where it is nearly midnight; everything else is as ever.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fakes.set_clock import LIBRARY
from fakes.whole_gate import PROGRAMS, running

from gate_core.audit_format.unsealer import Unsealer
from gate_core.evidence.screen import Screen
from gate_core.programs import clock
from gate_verify.audit_record import AuditRecord
from gate_verify.records import Reading
from gate_verify.report.draws import Draws

pytestmark = [pytest.mark.e2e, pytest.mark.long]

BEFORE = timedelta(seconds=90)  # from the start of the gate to midnight: it starts, and somebody comes
LOOKED = 7  # seconds, after which the lane has looked at the day again


def nearly_midnight(now: datetime) -> tuple[str, timedelta]:
    """A zone in which it is between 23 and 24 h now, and how far ahead of it a clock is that has BEFORE left of the day."""
    behind = (now.hour - 23) % 24  # hours west of Greenwich
    zone = f"Etc/GMT+{behind}" if behind <= 12 else f"Etc/GMT-{24 - behind}"
    left = timedelta(hours=1) - timedelta(minutes=now.minute, seconds=now.second)
    return zone, left - BEFORE


async def test_a_gate_draws_by_a_new_secret_after_midnight_and_reveals_the_old_one(short_path: Path) -> None:
    assert LIBRARY is not None, "libfaketime is not installed"
    zone, ahead = nearly_midnight(clock.now())
    midnight = clock.now() + BEFORE
    seconds = round(ahead.total_seconds())
    faked = ("env", f"LD_PRELOAD={LIBRARY}", f"FAKETIME={seconds:+d}s", "FAKETIME_DONT_FAKE_MONOTONIC=1")
    tables = {"time_zone": zone, "rules": {"random_checks_per_10000": 5000}}
    travellers = 0
    async with running(short_path, programs=PROGRAMS, tables=tables, prefixes={"lane": faked}) as gate:
        await gate.until(Screen.WELCOME)
        while not travellers or clock.now() < midnight:
            await gate.visit("genuine")
            travellers += 1
        await asyncio.sleep(LOOKED)
        for _ in range(3):
            await gate.visit("genuine")
            travellers += 1
        await gate.family.stop("lane")
        await gate.family.stop("log")
        draws, kinds = Draws(), list[AuditRecord]()
        for told in Reading((gate.stage.spool,), Unsealer.from_file(gate.stage.identities[0])).told():
            draws.take(told)
            kinds.append(told)
    days = [one.body["day"] for one in kinds if one.kind == "draw_committed" and one.body is not None]
    local = (midnight.astimezone(UTC) + ahead).date()
    assert len(set(days)) == 2, (days, local)
    assert [one.kind for one in kinds].index("draw_revealed") > [one.kind for one in kinds].index("draw_committed")
    found = draws.found()
    assert found.problems == []
    assert len(found.unrevealed) == 1, "today's secret is one"
    # A visit on a late machine may end before its document is laid.
    opened = [one.index for one in kinds if one.kind == "opened" and (one.body or {}).get("document") is not False]
    assert found.presented == opened
    assert 0 < len(found.known) < len(opened) <= travellers
