"""Log, sync and the central server as programs, through nine days on a clock that is set: what central has held for a week goes from the gate's disk.

Nothing is lost by it: the gate's own log verifies with the hashes of what went, and central's copy holds every record that was acknowledged.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyrage
import pytest
import tomli_w
from central_fakes.process import KEPT
from fakes.log_process import incident
from fakes.set_clock import LIBRARY, SetClock
from fakes.small_gate import NOTICE

from gate.audit.writer import APPENDS_REMEMBERED
from gate.channel.errors import ChannelClosedError
from gate.channel.log_messages import Append, Appended, FromLog, Recorded
from gate.channel.message import Status
from gate.channel.sockets import Connection, connect
from gate.channel.table import CHANNELS
from gate.passage.names import RecordClass
from gate.programs.shared.config import load
from gate.programs.shared.status import hear
from gate_core.audit_format import keys
from gate_core.audit_format.tiles import TILE_WIDTH

pytestmark = [pytest.mark.e2e, pytest.mark.long]
DEADLINE_S = 120.0
HELD_S = 20.0
ORIGIN = "border.example/gate-0001/demo"
A_BATCH = 50
PIECES = 2
BEFORE = APPENDS_REMEMBERED + PIECES * TILE_WIDTH + A_BATCH  # the newest stay, and the part of a piece
A_DAY = 3
DAYS, KEPT_DAYS = 9, 7


class Machine:
    """A gate's folders and a central server beside, all on one clock."""

    def __init__(self, folder: Path, identity: pyrage.x25519.Identity) -> None:
        self.folder = folder
        self.clock = SetClock(folder / "clock")
        self.central = folder / "central"
        self.file = folder / "gate.toml"
        names = ("run", "keys", "inbox", "spool", "state", "identity")
        for name in names[:4]:
            (folder / name).mkdir()
        table = {
            "purpose": "demo",
            "gate_id": "gate-0001",
            "operator": "border.example",
            "paths": {name: str(folder / name) for name in names},
            "barrier": {"port": "none"},
            "swipe": {"port": "nothing"},
            "camera": {"address": "http://127.0.0.1:9/"},
            "audit": {"recipients": [str(identity.to_public())], "mirrored_kept_days": KEPT_DAYS},
        }
        self.file.write_bytes(tomli_w.dumps(table).encode())
        keys.generate(folder / "keys/log.key", ORIGIN)

    def gate(self, *arguments: str, told: str = "", code: int = 0) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "gate.cli", *arguments, "--json"],
            capture_output=True,
            text=True,
            input=told,
            timeout=DEADLINE_S,
            check=False,
            env={**os.environ, **self.clock.environment},
        )
        assert done.returncode == code, (arguments, done.stderr)
        return dict(json.loads(done.stdout)) if done.stdout else {}

    @contextlib.contextmanager
    def process(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        with (
            (self.folder / f"{arguments[1]}.log").open("a") as output,
            subprocess.Popen(
                [sys.executable, "-m", "gate.cli", *arguments],
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
                env={**os.environ, **self.clock.environment},
            ) as started,
        ):
            try:
                yield started
            finally:
                started.kill()

    @contextlib.contextmanager
    def at_central(self) -> Iterator[None]:
        """A central server that runs, and the gate enrolled there."""
        self.gate("central", "init", "--dir", str(self.central), "--name", "127.0.0.1", *KEPT)
        token = self.gate("central", "token", "gate-0001", "--dir", str(self.central))["token"]
        with self.process("central", "serve", "--dir", str(self.central), "--port", "0") as server:
            assert server.stdout is not None
            port = json.loads(server.stdout.readline())["port"]
            self.gate(
                *("provision", "enrol", "--central", f"127.0.0.1:{port}"),
                *("--ca", str(self.central / "ca.pem"), "--config", str(self.file)),
                told=token,
            )
            yield

    def held(self) -> tuple[int, int]:
        """Entries and bodies at central."""
        (only,) = self.gate("central", "fleet", "--dir", str(self.central), "--quick")["gates"]
        return only["entries"], only["bodies"]


async def until(question: Callable[[], bool]) -> None:
    ends = time.monotonic() + DEADLINE_S
    while not await asyncio.to_thread(question):
        assert time.monotonic() < ends, "it did not happen in time"
        await asyncio.sleep(0.2)


async def append(log: Connection[FromLog], count: int) -> list[int]:
    """Records, each acknowledged: their indices."""
    found: list[int] = []
    while len(found) < count:
        batch = [incident() for _ in range(min(A_BATCH, count - len(found)))]
        await log.send(Append(batch))
        told = await log.receive()
        assert isinstance(told, Appended)
        found += [one.index for one in told.outcomes if isinstance(one, Recorded)]
    return found


@pytest.mark.skipif(LIBRARY is None, reason="no libfaketime here")
async def test_what_central_held_for_a_week_goes_from_the_gate_and_nothing_is_lost(short_path: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    machine = Machine(short_path, identity)
    with machine.at_central():
        written: list[int] = []
        firsts = [await a_day(machine, written, A_DAY if day else BEFORE) for day in range(DAYS)]
        # Sound, but not all of it is here: 3.
        spool = machine.gate("audit", "verify", str(short_path / "spool"), "--vkey", vkey(short_path), code=3)
    assert firsts[: KEPT_DAYS - 1] == [0] * (KEPT_DAYS - 1), "nothing goes before its time"
    assert firsts[-1] == PIECES * TILE_WIDTH, "whole pieces go, the part of one stays"
    assert spool["verified"], spool
    assert spool["since"] == firsts[-1]
    exported = short_path / "exported"
    machine.gate("central", "export", "gate-0001", "--dir", str(machine.central), "--out", str(exported))
    assert machine.gate("audit", "verify", str(exported), "--vkey", vkey(short_path))["verified"]
    assert set(written) <= opened(machine, exported, identity)


@pytest.mark.skipif(LIBRARY is None, reason="no libfaketime here")
async def test_what_a_gate_forgets_after_its_time_central_forgets_too(short_path: Path) -> None:
    """Central keeps keys for ten years by its own settings, the gate for two days."""
    machine = Machine(short_path, pyrage.x25519.Identity.generate())
    table = tomllib.loads(machine.file.read_text())
    machine.file.write_text(tomli_w.dumps({**table, "notice": {**NOTICE, "results_kept_days": 2}}))

    def forgotten() -> list[dict[str, Any]]:
        acts = machine.gate("central", "acts", "--dir", str(machine.central))["acts"]
        return [one["fields"] for one in acts if one["kind"] == "keys_expired"]

    with machine.at_central():
        async with log_program(machine) as log:
            seen = msgspec.structs.replace(incident(), about=RecordClass.CROSSING, crossing="c1", ends_crossing=True)
            await log.send(Append([seen, incident()]))
            assert isinstance(await log.receive(), Appended)
            with machine.process("run", "sync", "--config", str(machine.file)):
                await until(lambda: machine.held() == (2, 2))
        assert forgotten() == []
        machine.clock.set(timedelta(days=4))
        async with log_program(machine) as log:
            await append(log, 1)
            with machine.process("run", "sync", "--config", str(machine.file)):
                await until(lambda: machine.held()[1] >= 3)  # its answer bears the day out
                await until(lambda: not list((short_path / "inbox").glob("receipt-*")))
        async with log_program(machine):  # looks when it starts, else once an hour
            with machine.process("run", "sync", "--config", str(machine.file)):
                await until(lambda: len(forgotten()) == 1)
    (told,) = forgotten()
    assert (told["gate"], told["keys"], told["by"]) == ("gate-0001", 1, ORIGIN)


async def a_day(machine: Machine, written: list[int], count: int) -> int:
    """Write, let central have all, and hear its word for it; then the next day dawns. The first entry that is on the gate, before."""
    held = machine.folder / "inbox/held.note"
    async with log_program(machine) as log:
        with machine.process("run", "sync", "--config", str(machine.file)):  # asks when it starts, else once an hour
            written += await append(log, count)
            await until(lambda: min(machine.held()) > written[-1])
            with contextlib.suppress(
                TimeoutError
            ):  # a log that looks only now has taken it already: what goes in the end tells
                async with asyncio.timeout(HELD_S):
                    await until(held.exists)
    async with log_program(machine):  # looks when it starts, else once an hour
        await until(lambda: not held.exists())
        await asyncio.sleep(2.0)  # what is to go goes in the same look
        status = await told_by_the_log(machine)
    machine.clock.set(timedelta(days=1))
    kept: Any = status.detail["kept"]
    assert kept["problem"] is None
    return int(kept["first"])


async def told_by_the_log(machine: Machine) -> Status:
    """What it says of itself, asked again while it has too much to do."""
    ends = time.monotonic() + DEADLINE_S
    while not isinstance(status := await hear(load(machine.file), "log"), Status):
        assert time.monotonic() < ends, status
    return status


@contextlib.asynccontextmanager
async def log_program(machine: Machine) -> AsyncIterator[Connection[FromLog]]:
    """The program, and a channel to it."""
    config = load(machine.file)
    with machine.process("run", "log", "--config", str(machine.file)):
        ends = time.monotonic() + DEADLINE_S
        while True:
            try:
                log = await connect(CHANNELS.log, config.socket("log"))
                break
            except ChannelClosedError:
                assert time.monotonic() < ends, (machine.folder / "log.log").read_text()
                await asyncio.sleep(0.1)
        with contextlib.closing(log):
            yield log


def vkey(folder: Path) -> str:
    return keys.load(folder / "keys/log.key", ORIGIN).verifier.vkey


def opened(machine: Machine, folder: Path, identity: pyrage.x25519.Identity) -> set[int]:
    """The indices of what an auditor reads in it."""
    key = machine.folder / "auditor.identity"
    key.touch(mode=0o600)
    key.write_text(str(identity))
    purpose = ("--purpose", "a test", "--case", "1")
    done = subprocess.run(
        [sys.executable, "-m", "gate.cli", "audit", "decrypt", str(folder), "--identity", str(key), *purpose],
        capture_output=True,
        text=True,
        check=False,
        cwd=machine.folder,  # where the access note goes
        env={**os.environ, **machine.clock.environment},
    )
    assert done.returncode == 0, done.stderr
    return {json.loads(line)["index"] for line in done.stdout.splitlines() if line.startswith("{")}
