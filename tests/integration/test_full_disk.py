"""A lane and its log on a file system that is really full: no loop, and people are still freed on record."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from fakes.passage_examples import AT_REST, Run, ordered
from fakes.small_gate import small_gate, started

from gate.channel import log_messages
from gate.channel.sockets import connect
from gate.channel.table import CHANNELS
from gate.passage import states
from gate.passage.effects import Show, Write
from gate.passage.events import DocumentPresented, Event, Part, PartBack, PartLost, SiteSeen
from gate.passage.names import RecordClass, RecordKind
from gate.passage.orders import BePresent, Command, LaneOrder
from gate.passage.records import Released
from gate.programs.lane.clients import LogClient, left_behind
from gate.programs.shared.config import Config
from gate.programs.shared.runner import status_of
from gate_core.evidence.screen import Screen
from gate_core.programs import clock
from gate_demo.disk import DiskKind, LogDisk, log_disk

PATIENCE_S = 30
OPENED = log_messages.NewRecord(
    id=bytes(16),
    kind=RecordKind.OPENED,
    about=RecordClass.CROSSING,
    crossing="c1",
    monotonic_ms=1,
    leads_to_admission=True,
    ends_crossing=False,
    bytes_min=0,
    body=b"{}",
)


@dataclass
class Gate:
    """A log on a small disk, and a lane of the real machine and the real client."""

    folder: Path
    config: Config
    disk: LogDisk

    def started(self) -> contextlib.AbstractAsyncContextManager[asyncio.subprocess.Process]:
        return started(self.folder, self.config, "log", prefix=self.disk.prefix)

    async def entries(self) -> int:
        status = await status_of(self.config, "log")
        assert status is not None
        entries = status.detail["entries"]
        assert isinstance(entries, int)
        return entries

    async def left(self) -> log_messages.OpenCrossings:
        return await left_behind(self.config.socket("log"))


class Lane:
    """The machine, fed with whatever the client posts."""

    def __init__(self, config: Config) -> None:
        self.run = Run(now_ms=clock.monotonic_ms())
        self.run.lane = replace(self.run.lane, lost=frozenset({Part.LOG}))
        self.heard: list[Event] = []
        self.client = LogClient(config.socket("log"), post=self.post, monotonic_ms=clock.monotonic_ms)

    def post(self, event: Event) -> None:
        self.heard.append(event)
        self.run.now_ms = clock.monotonic_ms()
        for effect in self.run.feed(event):
            if isinstance(effect, Write):
                self.client.append(effect.record, awaited=effect.awaited)

    def order(self, command: Command) -> None:
        self.post(ordered(command, version=self.run.lane.version))

    async def until(self, there: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not there():
                await asyncio.sleep(0.02)
                self.post(AT_REST)


@contextlib.asynccontextmanager
async def serving(gate: Gate) -> AsyncIterator[Lane]:
    """A lane that invites travellers."""
    lane = Lane(gate.config)
    task = asyncio.ensure_future(lane.client.run())
    try:
        lane.post(SiteSeen(1.0, clock_sure=True))
        lane.order(BePresent())
        await lane.until(lambda: lane.run.state == states.Idle(Screen.WELCOME) and not lane.client.owed)
        yield lane
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def gate_of(tmp_path: Path) -> AsyncIterator[Gate]:
    async with log_disk(tmp_path / "state", travellers=1) as disk:
        if disk.kind is not DiskKind.MOUNTED:
            pytest.skip("nobody may mount a file system here")
        config = small_gate(tmp_path)
        yield Gate(tmp_path, config, disk)


async def test_on_a_full_disk_the_log_is_lost_once_and_a_release_is_written(tmp_path: Path) -> None:
    """The lane told of the log's loss, took its receipt for the log's return, and so on until the reserve was gone."""
    async with gate_of(tmp_path) as gate, gate.started() as process, serving(gate) as lane:
        before = await gate.entries()
        gate.disk.fill(process.pid)
        lane.heard.clear()
        lane.run.lane = replace(lane.run.lane, recorded=())
        lane.order(BePresent())
        await lane.until(lambda: PartLost(Part.LOG) in lane.heard)
        end_s = asyncio.get_running_loop().time() + 3
        await lane.until(lambda: asyncio.get_running_loop().time() > end_s)
        assert lane.heard.count(PartLost(Part.LOG)) == 1
        assert PartBack(Part.LOG) not in lane.heard
        assert await gate.entries() - before <= 1, "one incident"
        assert lane.run.state == states.Idle(Screen.CLOSED), "nobody is invited whom the log could not admit"
        lane.post(DocumentPresented("c1"))
        lane.order(LaneOrder.RELEASE)
        await lane.until(lambda: lane.client.owed == 1)
        assert gate.disk.free_bytes < 10 * 1024 * 1024, "the log lives of its reserve"
        gate.disk.free(process.pid)
        await lane.until(lambda: lane.client.owed == 0 and lane.run.state != states.Idle(Screen.CLOSED))
        kinds = [effect.record.kind for effect in lane.run.effects if isinstance(effect, Write)]
        assert await gate.entries() == len([kind for kind in kinds if kind is not RecordKind.OPENED])
        assert any(isinstance(effect.record, Released) for effect in lane.run.effects if isinstance(effect, Write))
        assert Show(Screen.CLOSED) in lane.run.effects


@pytest.mark.parametrize("reserves", [True, False], ids=["with its reserves", "without any room"])
async def test_at_a_start_on_a_full_disk_the_log_tells_the_crossings_that_were_left_open(
    tmp_path: Path, *, reserves: bool
) -> None:
    async with gate_of(tmp_path) as gate:
        async with gate.started() as process:
            connection = await connect(CHANNELS.log, gate.config.socket("log"))
            await connection.send(log_messages.Append([OPENED]))
            assert isinstance(await connection.receive(), log_messages.Appended)
            connection.close()
            gate.disk.fill(process.pid)
            process.kill()
        if not reserves:
            for name in ("reserve", "reserve-last"):
                (gate.disk.seen_at / "audit" / name).unlink()
            gate.disk.fill(process.pid)
            assert gate.disk.free_bytes == 0
        async with gate.started() as process:
            assert (await gate.left()).crossings == ["c1"]
            gate.disk.free(process.pid)
            assert (await gate.left()).crossings == ["c1"]
