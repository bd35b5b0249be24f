"""A lane on the real command line: it begins with what two have signed, after what the log says it began with, and with nothing else."""

from __future__ import annotations

import asyncio
import secrets
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from document_fakes.master_lists import NOW, party
from fakes.approvals import approve
from fakes.small_gate import small_gate, started

from gate.channel import log_messages
from gate.channel.sockets import connect
from gate.channel.table import CHANNELS
from gate.passage.events import Event
from gate.programs.lane.clients import LogClient, left_behind
from gate.programs.lane.record_outbox import RecordOutbox
from gate.programs.lane.rules import start_of
from gate.programs.log.server import NO_APPROVAL
from gate.programs.shared.approval import approved
from gate.programs.shared.config import Config, load
from gate.trust.list_import import import_sources
from gate.trust.sources import read_source
from gate_core.audit_format import keys
from gate_core.programs import clock

pytestmark = pytest.mark.long
LIMIT_S = 60


def trial(folder: Path) -> Config:
    """A small gate on trial, whose log has a key of its own."""
    small_gate(folder)
    path = folder / "gate.toml"
    table: dict[str, Any] = tomllib.loads(path.read_text())
    table["paths"] |= {"approval": str(folder), "models": str(folder)}
    path.write_text(tomli_w.dumps({**table, "purpose": "trial"}))
    config = load(path)
    (folder / "keys" / "log.key").unlink()
    keys.generate(folder / "keys" / "log.key", config.origin)
    lists = read_source("the country's own", party("CSCA").der)
    import_sources(Path(config.paths.trust), [lists], signer=None, test=False, now=NOW)
    return config


def begun(folder: Path, program: str = "lane") -> tuple[int, str]:
    """What became of a program that cannot begin: its exit code and its one line."""
    done = subprocess.run(
        [sys.executable, "-m", "gate.cli", "run", program, "--config", str(folder / "gate.toml")],
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    (line,) = (one for one in done.stderr.splitlines() if one.startswith("gate: "))
    return done.returncode, line


async def record_start(config: Config) -> log_messages.OpenCrossings:
    """Have the log write that a lane began with what is approved now; returns what it says then."""
    events: list[Event] = []
    client = LogClient(config.socket("log"), post=events.append, monotonic_ms=clock.monotonic_ms)
    running = asyncio.ensure_future(client.run())
    client.append(start_of(config, approved(config)), awaited=False)
    await client.drain(5.0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert client.owed == 0
    return await left_behind(config.socket("log"))


async def refused_start(config: Config) -> log_messages.NotRecorded:
    """What the log answers a lane that names no approval."""
    sent = RecordOutbox(lambda: secrets.token_bytes(16))
    sent.add(start_of(config, None), clock.monotonic_ms(), awaited=False, reachable=True)
    connection = await connect(CHANNELS.log, config.socket("log"))
    try:
        await connection.send(log_messages.Append(sent.offer(clock.monotonic_ms())))
        answer = await connection.receive()
    finally:
        connection.close()
    assert isinstance(answer, log_messages.Appended)
    (outcome,) = answer.outcomes
    assert isinstance(outcome, log_messages.NotRecorded)
    return outcome


async def test_a_lane_begins_with_nothing_that_was_not_approved_or_is_older(short_path: Path) -> None:
    config = trial(short_path)
    async with started(short_path, config, "log"):
        code, line = await asyncio.to_thread(begun, short_path)
        assert code == 78
        assert "approvers.toml: cannot be read" in line
        assert (await asyncio.to_thread(begun, short_path, "vision"))[0] == 78
        approve(config, serial=1)
        older = (short_path / "approval.note").read_bytes()
        approve(config, serial=2)
        left = await record_start(config)
        assert left.approved is not None
        assert left.approved.serial == 2
        assert (await refused_start(config)).reason == NO_APPROVAL
        (short_path / "approval.note").write_bytes(older)
        code, line = await asyncio.to_thread(begun, short_path)
        assert code == 78
        assert "is older than what the gate began with before: serial 1, after 2" in line
        assert "must sign: gate o/g/trial, serial 3, digest " in line
