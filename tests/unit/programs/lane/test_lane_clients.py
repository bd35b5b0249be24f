"""The lane's channel to the log: awaited records are answered at once, owed ones are written sooner or later."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from fakes.passage_examples import decided_record, said
from fakes.strangers import impostor, needs_root, open_folder

from gate.channel import log_messages, vision_messages
from gate.channel.message import Status, StatusRequest
from gate.channel.sockets import Connection, serve
from gate.channel.table import CHANNELS
from gate.passage import records
from gate.passage.events import Event, HeadSeen, NotRecorded, Part, PartBack, PartLost, Recorded, RecordReplaced
from gate.passage.names import ClosedAs, IncidentKind, RecordClass, RecordKind
from gate.programs.lane.clients import PULSE_S, LogClient, VisionClient, left_behind
from gate.programs.lane.record_outbox import OUTBOX_MAX, RecordOutbox
from gate_contract.virtual_time import in_virtual_time
from gate_core.evidence.names import Head


def count_in(new: log_messages.NewRecord) -> int:
    found: int = json.loads(new.body)["count"]
    return found


LOG_WELL = Status(program="log", state="ready", detail={"takes_admissions": True})
LOG_FULL = Status(program="log", state="degraded", detail={"takes_admissions": False})
DECIDED = decided_record()
VISION_WELL = Status(program="vision", state="ready", detail={})


def taken(written: list[log_messages.NewRecord], count: int) -> log_messages.Appended:
    """The answer for the newest records of a log that has written these."""
    return log_messages.Appended([log_messages.Recorded(at) for at in range(len(written) - count, len(written))])


class FakeLog:
    """A log that records in memory, or refuses while `full`."""

    def __init__(self) -> None:
        self.full = False
        self.written: list[log_messages.NewRecord] = []
        self._wrote = asyncio.Condition()

    async def until_written(self, count: int) -> None:
        async with asyncio.timeout(5), self._wrote:
            await self._wrote.wait_for(lambda: len(self.written) >= count)

    async def handle(self, connection: Connection[Any]) -> None:
        async for message in connection:
            match message:
                case log_messages.Append(offered) if self.full:
                    refused = log_messages.NotRecorded(reason="disk full", again=True)
                    await connection.send(log_messages.Appended([refused] * len(offered)))
                case log_messages.Append(offered):
                    self.written += offered
                    async with self._wrote:
                        self._wrote.notify_all()
                    await connection.send(taken(self.written, len(offered)))
                case StatusRequest():
                    await connection.send(LOG_FULL if self.full else LOG_WELL)
                case log_messages.OpenCrossingsRequest():
                    await connection.send(log_messages.OpenCrossings(crossings=["a"], referred=["b"]))
                case other:
                    raise AssertionError(other)


class Events:
    """Collects events and lets a test wait for one."""

    def __init__(self) -> None:
        self.seen: list[Event] = []
        self._new = asyncio.Event()

    def post(self, event: Event) -> None:
        self.seen.append(event)
        self._new.set()

    async def until(self, event: Event) -> None:
        async with asyncio.timeout(5):
            while event not in self.seen:
                self._new.clear()
                await self._new.wait()


def _log_client(path: Path, events: Events) -> LogClient:
    return LogClient(path, post=events.post, monotonic_ms=lambda: 42)


def _vision_client(path: Path, events: Events) -> VisionClient:
    return VisionClient(path, post=events.post, on_message=lambda _: None)


@contextlib.asynccontextmanager
async def running(client: LogClient | VisionClient) -> AsyncIterator[None]:
    task = asyncio.ensure_future(client.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def talking(
    folder: Path, handle: Callable[[Connection[Any]], Awaitable[None]], *owed: records.Record
) -> AsyncIterator[tuple[LogClient, Events]]:
    """A lane's client, which owes some records, and what it tells, before a log that handles its line so."""
    events = Events()
    client = _log_client(folder / "s", events)
    for record in owed:
        client.append(record, awaited=False)
    async with serve(CHANNELS.log, folder / "s", handle), running(client):
        yield client, events


async def paid(client: LogClient) -> None:
    """Until nothing is owed."""
    async with asyncio.timeout(5):
        while client.owed:  # noqa: ASYNC110 - the queue is the client's own
            await asyncio.sleep(0.01)


def answering(
    take: Callable[[Connection[Any], list[log_messages.NewRecord]], Awaitable[object]],
) -> Callable[[Connection[Any]], Awaitable[None]]:
    """A log that says that it is well, and does this with what it is offered."""

    async def handle(connection: Connection[Any]) -> None:
        async for message in connection:
            if isinstance(message, log_messages.Append):
                await take(connection, message.records)
            else:
                await connection.send(LOG_WELL)

    return handle


@in_virtual_time
async def test_an_awaited_record_is_answered_when_it_is_durable(tmp_path: Path) -> None:
    log = FakeLog()
    async with talking(tmp_path, log.handle) as (client, events):
        await events.until(PartBack(Part.LOG))
        client.append(records.Granted("c1", 9), awaited=True)
        await events.until(Recorded("c1", RecordKind.GRANTED))
    (new,) = log.written
    assert (new.kind, new.crossing, new.monotonic_ms) == (RecordKind.GRANTED, "c1", 42)
    assert (new.about, new.leads_to_admission, new.ends_crossing) == (RecordClass.CROSSING, False, False)
    assert new.body == b'{"direction":"entry","door":"last","ttl_ms":9}'


@in_virtual_time
async def test_without_a_log_an_awaited_record_is_refused_at_once_and_others_are_owed(tmp_path: Path) -> None:
    log, events = FakeLog(), Events()
    client = _log_client(tmp_path / "s", events)
    client.append(DECIDED, awaited=True)
    assert events.seen == [NotRecorded("c1", RecordKind.DECIDED)]
    for number in range(3):
        client.append(records.Incident(None, IncidentKind.FORCED, number), awaited=False)
    assert client.owed == 3
    async with serve(CHANNELS.log, tmp_path / "s", log.handle), running(client):
        await log.until_written(3)
    assert [count_in(new) for new in log.written] == [0, 1, 2]


@in_virtual_time
async def test_what_the_log_says_of_its_head_is_told_and_what_cannot_be_read_is_not(tmp_path: Path) -> None:
    said: list[object] = [
        None,
        {"state": "certain", "entries": 7, "root": "ab" * 32},
        {"state": "confirmed", "entries": -1, "root": "ab" * 32},
        {"state": "confirmed", "entries": 7, "root": "ab"},
        {"state": "accepted", "entries": 7, "root": "ab" * 32, "age_s": 2.5},
    ]

    async def handle(connection: Connection[Any]) -> None:
        async for _ in connection:
            detail = {"takes_admissions": True, "head": said.pop(0) if len(said) > 1 else said[0]}
            await connection.send(Status(program="log", state="ready", detail=detail))

    async with talking(tmp_path, handle) as (_, events):
        async with asyncio.timeout(20):
            while not any(isinstance(one, HeadSeen) for one in events.seen):  # noqa: ASYNC110 - virtual
                await asyncio.sleep(0.1)
    told = [one for one in events.seen if isinstance(one, HeadSeen)]
    assert told[0] == HeadSeen(Head.ACCEPTED, 7, "ab" * 32, 2.5)


@needs_root
async def test_an_impostor_in_the_logs_place_makes_no_record_durable_and_is_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with open_folder() as folder:
        path, events = folder / "log.sock", Events()
        client = _log_client(path, events)
        async with impostor(path), running(client):
            client.append(DECIDED, awaited=True)
            async with asyncio.timeout(5):
                while "stranger_listens" not in caplog.messages:  # noqa: ASYNC110 - what is waited for is a log line
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
        assert events.seen == [NotRecorded("c1", RecordKind.DECIDED)]
        assert caplog.messages.count("stranger_listens") == 1
        path.unlink()
        # As under `gate run`: with the same user nothing tells them apart, and the gate would open.
        client = _log_client(path, events)
        async with impostor(path, uid=os.geteuid()), running(client):
            await events.until(PartBack(Part.LOG))
            client.append(DECIDED, awaited=True)
            await events.until(Recorded("c1", RecordKind.DECIDED))


@in_virtual_time
async def test_a_full_disk_stops_admissions_and_what_is_owed_is_written_when_there_is_room(tmp_path: Path) -> None:
    log = FakeLog()
    log.full = True
    async with talking(tmp_path, log.handle) as (client, events):
        client.append(DECIDED, awaited=True)
        await events.until(NotRecorded("c1", RecordKind.DECIDED))
        assert PartBack(Part.LOG) not in events.seen, "a log that takes no admissions is not there"
        client.append(records.Closed("c1", ClosedAs.REFERRED), awaited=False)
        assert log.written == []
        events.seen.clear()
        log.full = False
        await events.until(PartBack(Part.LOG))
    assert [new.kind for new in log.written] == [RecordKind.CLOSED]


class FullLog(FakeLog):
    """A log that takes what has happened and nothing that leads to an admission, until there is `room`; counts what it is offered."""

    def __init__(self) -> None:
        super().__init__()
        self.room = asyncio.Event()
        self.offered: list[RecordKind] = []

    async def handle(self, connection: Connection[Any]) -> None:
        async for message in connection:
            match message:
                case log_messages.Append(offered):
                    self.offered += [new.kind for new in offered]
                    await connection.send(log_messages.Appended([self._outcome(new) for new in offered]))
                case _:
                    await connection.send(LOG_WELL if self.room.is_set() else LOG_FULL)

    def _outcome(self, new: log_messages.NewRecord) -> log_messages.Recorded | log_messages.NotRecorded:
        if new.leads_to_admission and not self.room.is_set():
            return log_messages.NotRecorded(reason="disk full", again=True)
        self.written.append(new)
        return log_messages.Recorded(len(self.written) - 1)


PRESENCE = records.Presence(said())
INCIDENT = records.Incident(None, IncidentKind.LOG_LOST)


@in_virtual_time
async def test_that_a_full_log_takes_an_incident_does_not_bring_it_back_and_what_it_refused_is_offered_when_it_is(
    tmp_path: Path,
) -> None:
    log = FullLog()
    async with talking(tmp_path, log.handle, PRESENCE, INCIDENT) as (client, events):
        await asyncio.sleep(5 * PULSE_S)
        assert PartBack(Part.LOG) not in events.seen
        assert (log.offered.count(RecordKind.PRESENCE), log.offered.count(RecordKind.INCIDENT)) == (1, 1)
        log.room.set()
        await events.until(PartBack(Part.LOG))
        await paid(client)
    assert [new.kind for new in log.written] == [RecordKind.INCIDENT, RecordKind.PRESENCE]


@in_virtual_time
async def test_a_refusal_is_the_logs_loss_before_any_status_says_so(
    tmp_path: Path,
) -> None:
    log = FakeLog()
    async with talking(tmp_path, log.handle) as (client, events):
        await events.until(PartBack(Part.LOG))
        log.full, before_s = True, asyncio.get_running_loop().time()
        client.append(DECIDED, awaited=True)
        await events.until(NotRecorded("c1", RecordKind.DECIDED))
        await events.until(PartLost(Part.LOG))
        assert asyncio.get_running_loop().time() - before_s < PULSE_S / 2


@in_virtual_time
async def test_a_status_that_was_asked_for_before_the_log_refused_something_is_not_believed(
    tmp_path: Path,
) -> None:
    told_late = asyncio.Event()

    async def late(connection: Connection[Any]) -> None:
        """Answers the first status at once, and the second only when it has refused a record."""
        await connection.receive()
        await connection.send(LOG_WELL)
        first = await connection.receive()
        second = await connection.receive()
        assert {type(first), type(second)} == {StatusRequest, log_messages.Append}
        await connection.send(log_messages.Appended([log_messages.NotRecorded(reason="disk full", again=True)]))
        await connection.send(LOG_WELL)
        told_late.set()
        await asyncio.sleep(60)

    async with talking(tmp_path, late, PRESENCE) as (_, events):
        await asyncio.wait_for(told_late.wait(), 5)
        await asyncio.sleep(0.1)
    assert PartBack(Part.LOG) not in events.seen


@in_virtual_time
async def test_a_record_that_can_be_none_is_told_once_and_says_nothing_of_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    written: list[log_messages.NewRecord] = []

    async def choosy(connection: Connection[Any], offered: list[log_messages.NewRecord]) -> None:
        if b"replaced" not in offered[0].body:
            await connection.send(log_messages.Appended([log_messages.NotRecorded(reason="no record", again=False)]))
            return
        written.extend(offered)
        await connection.send(taken(written, len(offered)))

    async with talking(tmp_path, answering(choosy)) as (client, events):
        await events.until(PartBack(Part.LOG))
        client.append(DECIDED, awaited=True)
        await events.until(RecordReplaced("c1", RecordKind.DECIDED))
        await paid(client)
        assert PartLost(Part.LOG) not in events.seen
    assert [new.kind for new in written] == [RecordKind.DECIDED]
    assert events.seen.count(RecordReplaced("c1", RecordKind.DECIDED)) == 1
    assert caplog.messages.count("record_refused") == 1


def test_at_the_limit_the_oldest_owed_records_are_dropped_and_the_loss_is_written() -> None:
    other = {"waits": False, "door": "last", "order": None}
    queue, written = RecordOutbox(lambda: os.urandom(16)), []
    for number in range(OUTBOX_MAX + 3):
        queue.add(records.Incident(None, IncidentKind.FORCED, number), 1, awaited=False, reachable=False)
    while offered := queue.offer(1, has_room=True):
        written += [json.loads(new.body) for new in offered]
        queue.settle([log_messages.Recorded(at) for at in range(len(written) - len(offered), len(written))])
    assert written == [
        {"incident": "records_lost", "count": 3, **other},
        *({"incident": "forced", "count": n, **other} for n in range(3, OUTBOX_MAX + 3)),
    ]


@in_virtual_time
async def test_what_was_offered_to_a_log_that_dies_is_neither_refused_nor_doubled(tmp_path: Path) -> None:
    log, dies_once = FakeLog(), [True]

    async def writes_and_dies(connection: Connection[Any]) -> None:
        if not dies_once:
            await log.handle(connection)
            return
        while isinstance(message := await connection.receive(), StatusRequest):
            await connection.send(LOG_WELL)
        log.written += message.records
        dies_once.clear()

    async with talking(tmp_path, writes_and_dies) as (client, events):
        await events.until(PartBack(Part.LOG))
        client.append(records.Opened("c1"), awaited=True)
        await events.until(PartLost(Part.LOG))
        await events.until(Recorded("c1", RecordKind.OPENED))
    assert NotRecorded("c1", RecordKind.OPENED) not in events.seen
    first, again = log.written
    assert first.id == again.id


@in_virtual_time
async def test_a_log_that_answers_for_other_records_is_hung_up_on(tmp_path: Path) -> None:
    confused = answering(lambda connection, _: connection.send(log_messages.Appended([])))
    async with talking(tmp_path, confused) as (client, events):
        await events.until(PartBack(Part.LOG))
        client.append(records.Opened("c1"), awaited=True)
        await events.until(PartLost(Part.LOG))
    assert client.owed == 1


@in_virtual_time
async def test_a_log_that_repeats_an_answer_is_hung_up_on_and_the_repeated_one_answers_no_record(
    tmp_path: Path,
) -> None:
    written: list[log_messages.NewRecord] = []

    async def repeats(connection: Connection[Any], offered: list[log_messages.NewRecord]) -> None:
        for _ in range(0 if written else 2):  # it never says anything of the next one
            await connection.send(taken(offered, len(offered)))
        written.extend(offered)

    async with talking(tmp_path, answering(repeats)) as (client, events):
        await events.until(PartBack(Part.LOG))
        client.append(records.Opened("c1"), awaited=True)
        await events.until(Recorded("c1", RecordKind.OPENED))
        await events.until(PartLost(Part.LOG))
        client.append(DECIDED, awaited=True)
        await asyncio.sleep(1)
    assert events.seen.count(Recorded("c1", RecordKind.OPENED)) == 1
    assert Recorded("c1", RecordKind.DECIDED) not in events.seen


@in_virtual_time
async def test_a_copy_of_an_earlier_answer_that_comes_after_the_next_append_makes_no_record_durable(
    tmp_path: Path,
) -> None:
    async def repeats_late(connection: Connection[Any], offered: list[log_messages.NewRecord]) -> None:
        """Writes the first record alone, and gives its receipt once more for each that comes later."""
        await connection.send(taken(offered[:1], len(offered)))

    async with talking(tmp_path, answering(repeats_late)) as (client, events):
        await events.until(PartBack(Part.LOG))
        client.append(records.Opened("c1"), awaited=True)
        await events.until(Recorded("c1", RecordKind.OPENED))
        client.append(DECIDED, awaited=True)
        await events.until(PartLost(Part.LOG))
        assert Recorded("c1", RecordKind.DECIDED) not in events.seen


@in_virtual_time
async def test_what_an_earlier_run_left_is_asked_for_on_a_line_of_its_own(tmp_path: Path) -> None:
    left = asyncio.ensure_future(left_behind(tmp_path / "s"))
    await asyncio.sleep(1.0)
    assert not left.done(), "it waits for the log"
    async with serve(CHANNELS.log, tmp_path / "s", FakeLog().handle):
        assert await left == log_messages.OpenCrossings(["a"], b"", ["b"])


@in_virtual_time
async def test_vision_is_told_and_heard_and_its_loss_is_an_event(tmp_path: Path) -> None:
    events, heard, told = Events(), asyncio.Queue[Any](), []

    async def vision(connection: Connection[Any]) -> None:
        async for message in connection:
            if isinstance(message, StatusRequest):
                await connection.send(VISION_WELL)
                continue
            told.append(message)
            if len(told) == 2:
                return
            await connection.send(vision_messages.CameraStatus(crossing="c1"))

    client = VisionClient(tmp_path / "s", post=events.post, on_message=heard.put_nowait)
    client.send(vision_messages.StartCrossing(crossing="lost without a connection"))
    async with (
        serve(CHANNELS.vision, tmp_path / "s", vision),
        running(client),
    ):
        await events.until(PartBack(Part.VISION))
        client.send(vision_messages.StartCrossing(crossing="c1"))
        async with asyncio.timeout(5):
            while (message := await heard.get()) == VISION_WELL:
                pass
        assert message == vision_messages.CameraStatus(crossing="c1")
        client.send(vision_messages.EndCrossing(crossing="c1"))
        await events.until(PartLost(Part.VISION))
    assert told == [vision_messages.StartCrossing(crossing="c1"), vision_messages.EndCrossing(crossing="c1")]


@pytest.mark.parametrize("client_of", [_log_client, _vision_client])
@in_virtual_time
async def test_a_program_that_hangs_is_lost_although_the_kernel_accepts_for_it(
    tmp_path: Path, client_of: Callable[[Path, Events], LogClient | VisionClient]
) -> None:
    events, hung = Events(), asyncio.Event()

    async def peer(connection: Connection[Any]) -> None:
        async for _ in connection:
            if hung.is_set():
                await asyncio.get_running_loop().create_future()
            await connection.send(Status(program="x", state="ready", detail={}))

    client = client_of(tmp_path / "s", events)
    part = Part.LOG if isinstance(client, LogClient) else Part.VISION
    listening = serve(CHANNELS.vision, tmp_path / "s", peer)
    async with listening, running(client):
        await events.until(PartBack(part))
        hung.set()
        await events.until(PartLost(part))
        assert events.seen.count(PartBack(part)) == 1
