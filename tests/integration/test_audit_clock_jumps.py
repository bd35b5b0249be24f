"""The whole log program while the machine's clock is set about: everything is written, each jump has its record, and the log verifies.

The clock is libfaketime's, set from outside while the program runs; CLOCK_MONOTONIC is the machine's own, as where somebody sets a clock.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyrage
import pytest
from fakes.log_process import config_of, log_process, vkey_of
from fakes.set_clock import LIBRARY, SetClock
from typer.testing import CliRunner

from gate_core.audit_format.record import time_text
from gate_core.audit_format.unsealer import Unsealer
from gate_core.programs import clock
from gate_verify.commands import audit
from gate_verify.records import with_story
from gate_verify.verify import Known, verify

pytestmark = pytest.mark.long

DAY = timedelta(days=1)
# One after the other, from what the clock showed last: a battery that was empty, a time service that lies, hours of drift, and back.
JUMPS = (400 * DAY, -300 * DAY, -100 * DAY, timedelta(hours=3), timedelta(hours=-3), timedelta(seconds=2))
A_JUMP = 25  # records before each, and after the last


@contextmanager
def writing(tmp_path: Path, set_clock: SetClock) -> Iterator[Iterator[int]]:
    """The program, and the indices of what it has written, as it says them."""
    under = ("env", *(f"{name}={value}" for name, value in set_clock.environment.items()))
    with log_process(tmp_path / "state", tmp_path / "beside", under=under) as process:
        assert process.stdout is not None
        yield (int(line) for line in process.stdout)


def opened(tmp_path: Path, identity: pyrage.x25519.Identity) -> list[dict[str, Any]]:
    """What the log says, as an auditor reads it."""
    key = tmp_path / "auditor.identity"
    key.touch(mode=0o600)
    key.write_text(str(identity))
    spool = tmp_path / "state/spool"
    why = ("--purpose", "a test", "--case", "1", "--access-note", str(tmp_path / f"{secrets.token_hex(4)}.note"))
    done = CliRunner().invoke(audit.app, ["decrypt", str(spool), "--identity", str(key), *why])
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


class Written:
    """What the program acknowledges. The log's own records lie between: an index that is missing is one of its own."""

    def __init__(self) -> None:
        self.indices: list[int] = []

    def take(self, lines: Iterator[int], count: int) -> None:
        self.indices += [next(lines) for _ in range(count)]

    def take_until_the_log_writes_one_itself(self, lines: Iterator[int]) -> None:
        last = self.indices[-1]
        self.take(lines, 1)
        while self.indices[-1] == last + 1:
            last = self.indices[-1]
            self.take(lines, 1)


@pytest.mark.skipif(LIBRARY is None, reason="no libfaketime here")
def test_a_clock_that_jumps_costs_no_record_and_leaves_one_of_each_jump(tmp_path: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside/auditor").write_text(str(identity.to_public()))
    config = config_of(tmp_path / "state", tmp_path / "beside")
    set_clock, written = SetClock(tmp_path / "clock"), Written()
    with writing(tmp_path, set_clock) as lines:
        written.take(lines, A_JUMP)
        for jump in JUMPS:
            set_clock.set(jump)
            written.take_until_the_log_writes_one_itself(lines)
            written.take(lines, A_JUMP)
    set_clock.set(-DAY)  # while it does not run
    with writing(tmp_path, set_clock) as lines:
        written.take(lines, A_JUMP)
        wait_until_published(tmp_path, written.indices[-1])
    records = opened(tmp_path, identity)
    assert [one["index"] for one in records] == list(range(len(records)))
    assert set(written.indices) <= {one["index"] for one in records if one["kind"] == "incident"}
    steps = [one["body"] for one in records if one["kind"] == "clock_stepped"]
    assert [one["running"] for one in steps] == [True] * len(JUMPS) + [False]
    for found, jump in zip(steps, JUMPS, strict=False):
        assert abs(timedelta(milliseconds=found["step_ms"]) - jump) < timedelta(seconds=1), found
    for latest, verified in ((max(accumulate(JUMPS)) + DAY, True), (DAY, False)):
        known = Known(hour_max=f"{time_text(clock.now() + latest)[:13]}:00:00Z")
        report = verify(tmp_path / "state/spool", vkey_of(config), known=known)
        assert report.verified is verified, report.problems
        told = with_story(report, [tmp_path / "state/spool"], Unsealer([identity]))
        clocks = [one for one in (*told.problems, *told.unknown) if "the clock" in one]
        assert (told.verified, clocks) == (verified, []), told.problems


def wait_until_published(tmp_path: Path, index: int) -> None:
    deadline_s = time.monotonic() + 30
    while int((tmp_path / "state/spool/checkpoint").read_text().split("\n")[1]) <= index:
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
