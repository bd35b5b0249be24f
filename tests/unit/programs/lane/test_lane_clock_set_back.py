"""The lane program's floor of the clock: what it is known by, and that a wall clock which is set back revives no shift."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from core_fakes.shifts import GATE, PUBLIC, shift
from fakes.document_children import Nursery
from fakes.read_clock import clock_reads
from msgspec.structs import replace

from gate.channel import log_messages
from gate.passage.names import Outcome
from gate.programs.lane.lane import Lane
from gate.programs.lane.list_renewal import CurrentLists
from gate.programs.lane.rules import start_of
from gate.programs.shared.config import parse
from gate.programs.shared.program_status import LogTimes
from gate_core.evidence.screen import Purpose
from gate_core.orders.order import Shift
from gate_core.orders.verbs import VERBS, Verb

NOW = datetime(2026, 12, 5, 12, 50, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Gate:
    """A lane in trial, whose clocks are the test's and whose log said at the start that its latest record is of that hour."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, written: datetime | None = None) -> None:
        self.now, self.monotonic_ms, self.synchronised = NOW, 10_000_000, True
        clock_reads(
            monkeypatch,
            now=lambda: self.now,
            monotonic_ms=lambda: self.monotonic_ms,
            is_synchronised=lambda *_: self.synchronised,
            built=lambda: NOW - 365 * 24 * HOUR,
        )
        table = {
            "purpose": "trial",
            "gate_id": GATE,
            "operator": "border.example",
            "paths": {"trust": str(folder / "trust.sqlite"), "run": str(folder)},
            "barrier": {"port": "none", "profile": "portcullis-sim"},
            "swipe": {"port": "nothing"},
            "chip": {"driver": "direct", "socket": str(folder / "chip")},
            "camera": {"address": "http://127.0.0.1:9/"},
            "audit": {"recipients": ["age1a", "age1b"]},
            "officers": {"authority": b64encode(PUBLIC).decode()},
        }
        config = parse(table)
        (folder / "run").mkdir()
        lists = CurrentLists(config, folder=folder / "run", start=Nursery().start)
        written_s = 0 if written is None else int(written.timestamp())
        left = log_messages.OpenCrossings([], written_s=written_s)
        self.lane = Lane(config, lists=lists, left=left, start=start_of(config, None), state_folder=folder)
        self.desk = self.lane._officers
        self.desk.clock_ms = self.lane.engine._clock_ms = lambda: float(self.monotonic_ms)

    def hears(self, **times: datetime) -> None:
        """The log says its times."""
        self.lane._log.times = LogTimes(**times)

    def lacks(self, verb: Verb, by: Shift) -> str:
        """Whether such an order is obeyed now, and what it lacks for which it is refused or that stands in its record."""
        order = by.sign(
            verb,
            gate=GATE,
            challenge=self.desk._challenger.issue(0, self.monotonic_ms),
            crossing="c1" if VERBS[verb].crossing else None,
            reason="I know her" if VERBS[verb].reason else "",
        )
        judged = self.desk._judge(order)
        if isinstance(judged, tuple):
            assert judged[0] is Outcome.FORBIDDEN
            return f"refused: {judged[1].partition(': ')[2]}"
        return f"obeyed: {', '.join(one.value for one in judged.lacking)}"


def until(moment: datetime, **changes: Any) -> Shift:
    until_s = int(moment.timestamp())
    return shift(not_before=until_s - 8 * 3600, until=until_s, **changes)


GIVING = pytest.mark.parametrize("verb", [Verb.PRESENT, Verb.ADMIT])


@GIVING
def test_a_clock_that_is_set_back_before_the_start_revives_no_shift(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: Verb
) -> None:
    gate = Gate(tmp_path, monkeypatch, written=NOW.replace(minute=0))
    gate.now = NOW - 5 * HOUR
    assert gate.lane._site.wall_s() is not None, "the time service has the word, and the clock is sure"
    assert gate.lacks(verb, until(NOW - HOUR)) == "refused: shift_over"
    assert gate.lacks(Verb.RELEASE, until(NOW - HOUR)) == "obeyed: shift_over"
    assert gate.lacks(Verb.RELEASE, until(NOW - 26 * HOUR)) == "refused: shift_long_over"


@GIVING
def test_without_the_logs_word_it_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: Verb) -> None:
    gate = Gate(tmp_path, monkeypatch)
    gate.now = NOW - 5 * HOUR
    assert gate.lacks(verb, until(NOW - HOUR)) == "obeyed: "


@GIVING
def test_a_clock_that_is_set_back_within_the_hour_or_stands_still_revives_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: Verb
) -> None:
    """The log says the hour; the lane has seen the minute, and counts on while the wall clock stays behind."""
    gate = Gate(tmp_path, monkeypatch, written=NOW.replace(minute=0))
    gate.lane._site.seen()
    gate.now = NOW - timedelta(minutes=40)
    assert gate.lacks(verb, until(NOW - timedelta(minutes=20))) == "refused: shift_over"
    assert gate.lacks(verb, until(NOW + HOUR)) == "obeyed: "
    gate.monotonic_ms += 3_601_000
    assert gate.lacks(verb, until(NOW + HOUR)) == "refused: shift_over"


def test_what_the_log_said_counts_while_it_is_away_and_while_the_clock_is_unsure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(tmp_path, monkeypatch)
    gate.hears(written=NOW)
    assert gate.lacks(Verb.PRESENT, until(NOW + HOUR)) == "obeyed: "
    gate.hears()  # as after another start of the log, before it has said anything
    gate.synchronised, gate.now = False, NOW - 365 * 24 * HOUR - HOUR
    assert gate.lane._site.wall_s() is None
    assert gate.lacks(Verb.RELEASE, until(NOW + HOUR)) == "obeyed: clock_unsure"
    assert gate.lacks(Verb.RELEASE, until(NOW - 23 * HOUR)) == "obeyed: clock_unsure, shift_over"
    assert gate.lacks(Verb.RELEASE, until(NOW - 25 * HOUR)) == "refused: shift_long_over"
    gate.now = NOW + 1000 * HOUR  # an unsure clock that runs ahead forbids nothing, either
    monkeypatch.setattr(gate.lane._site, "clock_is_sure", lambda: False)
    assert gate.lacks(Verb.RELEASE, until(NOW - 23 * HOUR)) == "obeyed: clock_unsure, shift_over"


def test_a_gate_that_knows_nothing_else_knows_when_its_program_was_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(tmp_path, monkeypatch)
    gate.now = NOW - 20 * 365 * 24 * HOUR
    assert gate.lane._site.wall_s() is None
    assert gate.lacks(Verb.RELEASE, until(NOW - 10 * 365 * 24 * HOUR)) == "refused: shift_long_over"


def test_a_mirror_that_says_a_time_to_come_keeps_no_officer_from_freeing_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(tmp_path, monkeypatch)
    gate.hears(written=NOW, cosigned=NOW + 1000 * HOUR)
    assert gate.lacks(Verb.RELEASE, until(NOW + HOUR)) == "obeyed: clock_unsure"
    assert gate.lacks(Verb.PRESENT, until(NOW + HOUR)) == "refused: clock_unsure"


@GIVING
def test_what_the_log_says_while_the_lane_runs_counts_while_the_time_service_has_the_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: Verb
) -> None:
    gate = Gate(tmp_path, monkeypatch)
    gate.now = NOW - 5 * HOUR
    gate.hears(written=NOW)
    assert gate.lacks(verb, until(NOW - HOUR)) == "refused: shift_over"
    assert gate.lacks(Verb.RELEASE, until(NOW - 25 * HOUR)) == "refused: shift_long_over"


@pytest.mark.parametrize("unsure_by", ["time service", "mirror"])
def test_a_clock_that_ran_ahead_while_it_was_unsure_keeps_no_officer_from_freeing_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unsure_by: str
) -> None:
    gate = Gate(tmp_path, monkeypatch)
    gate.hears(written=NOW, **({} if unsure_by == "time service" else {"cosigned": NOW + 2000 * HOUR}))
    if unsure_by == "time service":
        gate.synchronised, gate.lane._site._config = False, replace(gate.lane._site._config, purpose=Purpose.SERVICE)
    gate.now = NOW + 1000 * HOUR
    assert gate.lane._site.wall_s() is None
    gate.now = NOW
    assert gate.lacks(Verb.RELEASE, until(NOW - 23 * HOUR)) == "obeyed: clock_unsure, shift_over"
