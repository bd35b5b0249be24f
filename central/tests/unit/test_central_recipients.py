"""Whom a gate seals for, and how long it has been silent: what central compares with what was approved and set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from central_fakes.folder import make_context
from central_fakes.server import GATE_ID, NOW, Bench
from typer.testing import CliRunner

from gate_central.append_verification import unknown_sets
from gate_central.commands.central import app
from gate_central.mirror import Mirror
from gate_central.settings import Hold, Kept, Recipients, Settings
from gate_core.audit_format.record import recipients_digest

A, B = "a" * 64, "b" * 64


@dataclass
class Named:
    """A header that names a set."""

    index: int
    recipients: str


def headers(*sets: str) -> Any:
    return [Named(index, one) for index, one in enumerate(sets, 7)]


def test_a_set_that_nobody_approved_is_told_with_the_first_entry_that_names_it() -> None:
    assert unknown_sets(headers(A, A, B, B, A), frozenset({A})) == {B: 9}
    assert unknown_sets(headers(A, B), frozenset({A, B})) == {}
    assert unknown_sets(headers(A), frozenset()) == {A: 7}


def test_an_older_header_names_none_and_a_gate_of_which_nothing_is_known_is_not_judged() -> None:
    assert unknown_sets(headers("", ""), frozenset({A})) == {}
    assert unknown_sets(headers(A, B), None) == {}


def told(bench: Bench, approved: frozenset[str] | None) -> None:
    """Start the server anew, told of these sets."""
    parts = bench.server
    parts.mirror = Mirror(parts.ledger, parts.evidence, parts.signer, parts.clock, approved=lambda _: approved)
    parts.show([parts.authority.certificate])


async def test_a_gate_that_seals_for_others_than_approved_is_one_alarm_a_set_and_its_log_is_kept(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    right, _ = recipients_digest([str(one.to_public()) for one in bench.log.auditors])
    for approved, kinds in ((None, []), (frozenset({right}), []), (frozenset({A}), ["unknown_recipients"])):
        told(bench, approved)
        for _ in range(3):
            size = bench.grow(2)
            receipt = await bench.round()
            assert receipt is not None
            assert receipt.checkpoint.size == size
        assert [one.kind for one in bench.server.evidence.alarms(GATE_ID)] == kinds
    (alarm,) = bench.server.evidence.alarms(GATE_ID)
    assert alarm.shown == f"{bench.origin}\nrecipients {right}\n".encode()
    assert f'"recipients":"{right}"'.encode() in alarm.against


def test_sets_are_approved_for_a_gate_or_for_all() -> None:
    settings = Settings(recipients=(Recipients(approved=(A,)), Recipients(approved=(B,), gate="gate-0002")))
    assert settings.approved_for("gate-0001") == {A}
    assert settings.approved_for("gate-0002") == {A, B}
    assert Settings(recipients=(Recipients(approved=(B,), gate="gate-0002"),)).approved_for("gate-0001") is None


@pytest.mark.parametrize(("after_minutes", "silent"), [(None, False), (59, True), (60, False), (61, False)])
def test_a_gate_is_silent_when_it_has_said_nothing_for_longer_than_was_set(
    after_minutes: int | None, *, silent: bool
) -> None:
    now = datetime(2026, 11, 25, 11, tzinfo=UTC)
    last_word = "2026-11-25T10:00:00.000Z"
    since = Settings(silent_after_minutes=after_minutes).silent_since(last_word, now)
    assert since == (last_word if silent else None)


def test_settings_have_one_digest_whatever_their_spelling() -> None:
    one = Settings(kept=Kept(crossings_days=30), holds=(Hold(first=NOW.date(), last=NOW.date(), case="K"),))
    text = b"[[holds]]\ncase='K'\nlast=2026-11-25\nfirst=2026-11-25\n[kept]\ncrossings_days=30"
    assert one.digest == msgspec.toml.decode(text, type=Settings).digest
    assert one.digest != Settings().digest


async def test_a_silent_gate_is_an_alarm_that_its_next_word_ends(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "log")
    context = make_context(bench, tmp_path / "server", "silent_after_minutes = 60\n")
    opened = ["--dir", str(tmp_path / "server"), "--database", f"sqlite:///{tmp_path / 'log' / 'central.sqlite'}"]
    done = CliRunner().invoke(app, ["alarms", GATE_ID, *opened])
    assert (done.exit_code, "silent" in done.stdout) == (1, True), "it was enrolled long ago, and has said nothing"
    fleet = CliRunner().invoke(app, ["fleet", "--quick", *opened])
    assert (fleet.exit_code, "ALARM silent silent since 2026-11-25" in fleet.stdout) == (1, True)
    bench.server.clock.now = datetime.now(UTC) - timedelta(minutes=1)
    bench.grow()
    await bench.round()
    assert CliRunner().invoke(app, ["alarms", GATE_ID, *opened]).exit_code == 0
    context.roster.revoke(GATE_ID)
    bench.server.clock.now = NOW
    bench.server.roster.seen(GATE_ID, "2026-11-25T10:00:00.000Z")
    assert CliRunner().invoke(app, ["alarms", GATE_ID, *opened]).exit_code == 0, "who was revoked is to be silent"
