"""The lane's client against the real log program, which is killed at random: each event is in the log once, in its order, or surely not.

What the client tells the machine is held against what an auditor reads at the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pyrage
import pytest
import tomli_w
from fakes.disks import fill, mounted
from fakes.tiers import quick_or_long

from drivers.barrier.settings import Modbus
from drivers.camera.settings import Network
from drivers.reader.settings import Elyctis
from gate.channel.errors import ChannelError
from gate.channel.log_messages import Appended, FromLog
from gate.channel.message import Status, StatusRequest
from gate.channel.sockets import Connection, connect
from gate.channel.table import CHANNELS
from gate.passage.events import Event, NotRecorded, Part, PartLost, Recorded
from gate.passage.records import Granted, Opened
from gate.programs.lane.clients import LogClient
from gate.programs.lane.record_outbox import RecordOutbox
from gate.programs.shared.config import Audit, Config, Paths
from gate_core.audit_format import keys
from gate_core.audit_format.export import Outlet, bundle
from gate_core.audit_format.record import Header
from gate_core.audit_format.unsealer import OpenedRecord, Unsealer
from gate_core.evidence.screen import Purpose
from gate_verify.bundle import EntryLine, KeyLine, lines
from gate_verify.verify import verify

ROOT = Path(__file__).resolve().parents[2]
AUDITOR = pyrage.x25519.Identity.generate()
PROGRAM = """
import asyncio, pathlib, sys
from gate.programs.log import program as log
from gate.programs.shared.config import load
asyncio.run(log.run(load(pathlib.Path(sys.argv[1])), stop=asyncio.Event()))
"""


def config_in(folder: Path, state: Path) -> Config:
    for name in ("inbox", "keys", "spool"):
        (folder / name).mkdir()
    names = {name: str(folder / name) for name in ("run", "spool", "inbox", "keys")}
    config = Config(
        purpose=Purpose.DEMO,
        gate_id="gate-0001",
        operator="border.example",
        paths=Paths(**names, state=str(state)),
        barrier=Modbus(port="none"),
        swipe=Elyctis(port="nothing"),
        camera=Network(address="http://192.0.2.7/stream"),
        audit=Audit(recipients=(str(AUDITOR.to_public()),)),
    )
    keys.generate(folder / "keys" / "log.key", config.origin)
    table = msgspec.to_builtins(config)
    (folder / "gate.toml").write_text(tomli_w.dumps(without_nothing(table)))
    return config


def without_nothing(table: dict[str, object]) -> dict[str, object]:
    """A table as TOML can hold it: what is None is left out."""
    return {
        name: without_nothing(value) if isinstance(value, dict) else value
        for name, value in table.items()
        if value is not None
    }


@dataclass
class Lane:
    """A client of the log, the events that it appended (whether each was awaited), and what it was told of them.

    Events are numbered; the number is their monotonic time, and of one that is awaited the crossing.
    """

    config: Config
    appended: list[bool] = field(default_factory=list)
    told: dict[int, list[type]] = field(default_factory=dict)
    losses: int = 0

    def __post_init__(self) -> None:
        self.client = LogClient(self.config.socket("log"), post=self.hear, monotonic_ms=lambda: len(self.appended))

    def hear(self, event: Event) -> None:
        if isinstance(event, Recorded | NotRecorded):
            self.told.setdefault(int(event.crossing), []).append(type(event))
        self.losses += event == PartLost(Part.LOG)

    def append(self, *, awaited: bool) -> None:
        record = Opened(str(len(self.appended))) if awaited else Granted("other", 1)
        self.client.append(record, awaited=awaited)
        self.appended.append(awaited)


@contextlib.asynccontextmanager
async def kept_alive_and_killed(
    folder: Path, chance: random.Random, kills: int, lane: Lane
) -> AsyncIterator[Callable[[], bool]]:
    """The log program, killed so many times at random moments, half of them at least with the lane connected.

    Says whether the killing is over.
    """
    done = 0

    def over() -> bool:
        return done >= kills and lane.losses >= kills // 2

    async def keep() -> None:
        nonlocal done
        while True:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", PROGRAM, str(folder / "gate.toml"), cwd=ROOT
            )
            try:
                # It takes a second or more to start: some are killed before they listen, on a slow machine too many.
                async with asyncio.timeout(None if over() else chance.uniform(0.3, 2.5 + max(0, done - kills))):
                    await process.wait()
            except TimeoutError:
                process.send_signal(signal.SIGKILL)
                await process.wait()
                done += 1
            except asyncio.CancelledError:
                process.kill()
                await process.wait()
                raise

    task = asyncio.ensure_future(keep())
    try:
        yield over
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def read_back(config: Config) -> list[OpenedRecord]:
    """Every record, as an auditor reads it once the log has published it."""
    vkey = keys.load(Path(config.paths.keys) / "log.key", config.origin).verifier.vkey
    assert verify(Path(config.paths.spool), vkey).problems == ()
    out = io.BytesIO()
    bundle(Outlet(Path(config.paths.spool)), out)
    out.seek(0)
    unsealer, found = Unsealer([AUDITOR]), []
    for line in lines(out):
        match line:
            case KeyLine(wrapped):
                unsealer.learn(wrapped)
            case EntryLine(leaf, sealed):
                record = unsealer.open(Header.parse(leaf), sealed)
                assert isinstance(record, OpenedRecord)
                found.append(record)
            case _:
                pass
    return found


async def until_published(lane: Lane) -> None:
    """Wait until everything is in the log and in the spool."""
    await lane.client.drain(60)
    assert lane.client.owed == 0
    async with asyncio.timeout(60):
        while not await is_published(lane):  # noqa: ASYNC110 - the other process has no event to wait for
            await asyncio.sleep(0.05)


async def is_published(lane: Lane) -> bool:
    """Whether the log says so; a log that was killed a moment ago says nothing."""
    try:
        connection = await connect(CHANNELS.log, lane.config.socket("log"))
    except ChannelError:
        return False
    try:
        await connection.send(StatusRequest())
        status = await connection.receive()
    except ChannelError:
        return False
    finally:
        connection.close()
    assert isinstance(status, Status)
    return bool(status.detail["published"] == status.detail["entries"])


def judge(lane: Lane, found: list[OpenedRecord], *, was_full: bool) -> None:
    written = [record.monotonic_ms for record in found]
    assert len(set(written)) == len(written), "an event was doubled"
    assert {len(answers) for answers in lane.told.values()} <= {1}, "somebody was told twice"
    refused = {number for number, answers in lane.told.items() if answers == [NotRecorded]}
    assert not refused & set(written), "what was refused is in the log"
    assert set(written) == set(range(len(lane.appended))) - refused
    assert set(lane.told) == {number for number, awaited in enumerate(lane.appended) if awaited}
    order = [record.monotonic_ms for record in found if not was_full or record.kind == "granted"]
    assert order == sorted(order), "the log's order is not the order of events"


async def play(lane: Lane, chance: random.Random, over: Callable[[], bool], disk: Callable[[], None]) -> None:
    """Append events until the killing is over, a few at a time as a machine does, and then a few more."""
    more = 50
    while more:
        more -= over()
        for _ in range(chance.choice((1, 1, 1, 3, 5))):
            lane.append(awaited=chance.random() < 0.3)
        if chance.random() < 0.02:
            disk()
        await asyncio.sleep(chance.choice((0, 0.001, 0.005, 0.02)))
        waits = 0
        while lane.client.owed > 500:
            await asyncio.sleep(0.05)
            waits += 1
            if waits % 40 == 0:  # nothing goes to a full disk, and nobody else frees it
                disk()


@pytest.mark.parametrize("kills", quick_or_long((2, 40), quick=(2,)))
async def test_killed_at_random_the_log_holds_each_event_once_in_order_or_surely_not(
    tmp_path: Path, kills: int
) -> None:
    chance = random.Random(kills)
    lane = Lane(config_in(tmp_path, tmp_path / "state"))
    async with kept_alive_and_killed(tmp_path, chance, kills, lane) as over:
        running = asyncio.ensure_future(lane.client.run())
        await play(lane, chance, over, lambda: None)
        await until_published(lane)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    judge(lane, await read_back(lane.config), was_full=False)


@pytest.mark.long
async def test_killed_on_a_disk_that_is_full_now_and_then_the_same_holds(tmp_path: Path) -> None:
    chance = random.Random(7)
    with mounted("-t", "tmpfs", "-o", "size=64m", "tmpfs", at=tmp_path / "small") as state:
        lane = Lane(config_in(tmp_path, state))
        filler = state / "filler"
        fills = 0

        def disk() -> None:
            nonlocal fills
            if filler.exists():
                filler.unlink()
            else:
                fill(filler)
                fills += 1

        async with kept_alive_and_killed(tmp_path, chance, 20, lane) as over:
            running = asyncio.ensure_future(lane.client.run())
            await play(lane, chance, over, disk)
            filler.unlink(missing_ok=True)
            await until_published(lane)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        refused = [answers for answers in lane.told.values() if answers == [NotRecorded]]
        assert refused
        assert fills > 5
        judge(lane, await read_back(lane.config), was_full=True)


async def test_without_ids_that_are_remembered_a_kill_doubles_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control, switched off: each offer has another id, as if the log knew none."""
    offer = RecordOutbox.offer

    def nameless(self: RecordOutbox, monotonic_ms: int, *, has_room: bool) -> list[object]:
        offered = offer(self, monotonic_ms, has_room=has_room)
        return [msgspec.structs.replace(new, id=random.randbytes(16)) for new in offered]

    monkeypatch.setattr(RecordOutbox, "offer", nameless)
    lane = Lane(config_in(tmp_path, tmp_path / "state"))
    async with silenced(lane):
        pass
    written = [record.monotonic_ms for record in await read_back(lane.config)]
    assert len(written) > len(set(written))


async def test_an_answer_that_is_lost_doubles_nothing(tmp_path: Path) -> None:
    lane = Lane(config_in(tmp_path, tmp_path / "state"))
    async with silenced(lane):
        pass
    judge(lane, await read_back(lane.config), was_full=False)


@contextlib.asynccontextmanager
async def silenced(lane: Lane) -> AsyncIterator[None]:
    """The log takes one append, and its answer never reaches the lane; then all is well."""
    folder = Path(lane.config.paths.keys).parent
    lost = [True]

    async def deaf(self: LogClient, connection: Connection[FromLog]) -> None:
        async for message in connection:
            if isinstance(message, Appended) and lost:
                lost.clear()
                raise ChannelError("the answer is lost")
            if isinstance(message, Appended):
                self._outcomes.put_nowait(message)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(LogClient, "_receive", deaf)
        async with kept_alive_and_killed(folder, random.Random(1), 0, lane):
            running = asyncio.ensure_future(lane.client.run())
            async with asyncio.timeout(20):
                while lane.client._connection is None:  # noqa: ASYNC110 - the client tells nobody
                    await asyncio.sleep(0.01)
            for awaited in (True, False, False):
                lane.append(awaited=awaited)
            await until_published(lane)
            yield
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    assert not lost
