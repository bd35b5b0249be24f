"""What one caller may take of a channel. Each limit is shown beside the same attack without it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fakes.hostile_bytes import framed, pack
from fakes.strangers import call, holding, needs_root, open_folder
from hypothesis import given
from hypothesis import strategies as st

from gate.channel import log_messages, order_messages
from gate.channel.errors import BadMessageError, ChannelClosedError, ChannelError
from gate.channel.message import Message, Status, StatusRequest
from gate.channel.row import OPERATORS, Users, status_row
from gate.channel.sockets import PERSONS_MAX, Connection, Turnstile, connect, serve
from gate.passage.names import RecordClass, RecordKind
from gate_core.evidence.crossing import PageCheck
from gate_core.rate_limit import Bucket, Buckets, Rate

STATUS = status_row("lane")
ASKS = framed(pack({"type": "StatusRequest"}))
WELL = Status("lane", "idle", {})
UNLIMITED = Rate(1e9, 10**9)


async def answers(connection: Connection[StatusRequest]) -> None:
    async for _ in connection:
        await connection.send(WELL)


@contextlib.asynccontextmanager
async def raw(path: Path) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()  # what nobody reads is not waited for
        await asyncio.sleep(0)


# ── how fast ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(
    a_second=st.floats(0.5, 1_000),
    burst=st.integers(1, 1_000),
    gaps_s=st.lists(st.floats(0, 5), min_size=1, max_size=200),
)
def test_no_caller_is_ever_ahead_of_its_rate_by_more_than_its_burst(
    a_second: float, burst: int, gaps_s: list[float]
) -> None:
    bucket, now_s = Bucket(Rate(a_second, burst)), 0.0
    for taken, gap_s in enumerate(gaps_s, start=1):
        now_s += gap_s + bucket.wait_s(now_s + gap_s)
        bucket.take(now_s)
        assert taken <= burst + a_second * now_s + 1e-6 * taken + 1e-6


def test_a_burst_is_free_and_the_next_one_waits_a_step() -> None:
    bucket = Bucket(Rate(10, 5))
    for _ in range(5):
        assert bucket.wait_s(100.0) == 0.0
        bucket.take(100.0)
    assert bucket.wait_s(100.0) == pytest.approx(0.1)
    assert bucket.wait_s(100.1) == pytest.approx(0.0)
    assert not bucket.is_full(100.0)
    assert bucket.is_full(101.0)


def test_an_append_counts_for_as_many_as_its_records() -> None:
    record = log_messages.NewRecord(b"x" * 16, RecordKind.INCIDENT, RecordClass.CROSSING, None, 0, False, False, 0, b"")
    assert log_messages.Append([record] * 64).weight == 64
    assert StatusRequest().weight == 1
    bucket = Bucket(Rate(10, 5))
    bucket.take(0.0, 64)
    assert bucket.wait_s(0.0) == pytest.approx(6.0)


def test_hanging_up_fills_no_bucket_and_full_ones_are_forgotten() -> None:
    buckets = Buckets(Rate(10, 5))
    buckets.of(1, 0.0).take(0.0)
    buckets.of(2, 0.0)
    kept = buckets.of(1, 0.0)
    assert not kept.is_full(0.0)
    assert buckets.of(1, 0.05) is kept
    buckets.of(3, 10.0)
    assert buckets.of(1, 10.0) is not kept


async def _heard_in(path: Path, rate: Rate, wait_s: float) -> int:
    """How many messages of a flood over all the connections that a process may have are taken in that time."""
    heard = 0

    async def count(connection: Connection[StatusRequest]) -> None:
        nonlocal heard
        async for _ in connection:
            heard += 1

    async def flood(writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while True:
                writer.write(ASKS * 100)
                await writer.drain()

    async with serve(replace(STATUS, to_listener_rate=rate), path, count), contextlib.AsyncExitStack() as held:
        lines = [await held.enter_async_context(raw(path)) for _ in range(STATUS.connections_a_process)]
        floods = [asyncio.ensure_future(flood(writer)) for _, writer in lines]
        await asyncio.sleep(wait_s)
        for one in floods:
            one.cancel()
        await asyncio.gather(*floods, return_exceptions=True)
    return heard


async def test_a_flood_is_heard_at_its_callers_rate_over_all_connections(tmp_path: Path) -> None:
    started_s = asyncio.get_running_loop().time()
    heard = await _heard_in(tmp_path / "s", Rate(20, 20), 1.0)
    took_s = asyncio.get_running_loop().time() - started_s
    assert 20 <= heard <= 20 + 20 * took_s + STATUS.connections_a_process
    assert await _heard_in(tmp_path / "s", UNLIMITED, 1.0) > 3 * heard, "without the limit it is heard"


async def _deepest_queue(path: Path, rate: Rate) -> int:
    """How many events wait at most for a loop that handles one a turn, as the lane's does. Raises QueueFull as the lane's did."""
    events: asyncio.Queue[StatusRequest] = asyncio.Queue(200)
    overflow: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    deepest = 0

    async def post(connection: Connection[StatusRequest]) -> None:
        nonlocal deepest
        async for message in connection:
            try:
                events.put_nowait(message)
            except asyncio.QueueFull as error:
                if not overflow.done():
                    overflow.set_exception(error)
                return
            deepest = max(deepest, events.qsize())

    async def engine() -> None:
        while True:
            await events.get()
            await asyncio.sleep(0)

    async with serve(replace(STATUS, to_listener_rate=rate), path, post), contextlib.AsyncExitStack() as held:
        running = asyncio.ensure_future(engine())
        for _ in range(STATUS.connections_a_process):
            _, writer = await held.enter_async_context(raw(path))
            writer.write(ASKS * 1_000)
        try:
            async with asyncio.timeout(1.0):
                await overflow
        except TimeoutError:
            return deepest
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    raise AssertionError


async def test_a_flood_fills_no_queue_behind_a_channel(tmp_path: Path) -> None:
    assert await _deepest_queue(tmp_path / "s", Rate(20, 40)) <= 60
    with pytest.raises(asyncio.QueueFull):
        await _deepest_queue(tmp_path / "s", UNLIMITED)


# ── how long ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _ended_with(path: Path, channel: Any, speak: Any, *, within_s: float) -> ChannelError | None:
    """The error that a connection ends with on which `speak` is said; None when it is still held after that time."""
    ended: asyncio.Future[ChannelError] = asyncio.get_running_loop().create_future()

    async def handler(connection: Connection[Any]) -> None:
        try:
            await connection.receive()
        except ChannelError as error:
            ended.set_result(error)
            raise

    async with serve(channel, path, handler), raw(path) as (_, writer):
        speaking = asyncio.ensure_future(speak(writer))
        try:
            async with asyncio.timeout(within_s):
                return await asyncio.shield(ended)
        except TimeoutError:
            return None
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)


async def silent(writer: asyncio.StreamWriter) -> None:
    await writer.drain()


async def drips(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        for byte in framed(b"\x00" * 60_000):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("speak", [silent, drips])
async def test_a_half_open_or_dripping_connection_is_hung_up_on(tmp_path: Path, speak: Any) -> None:
    quick = replace(STATUS, first_s=0.2, complete_s=0.2)
    assert isinstance(await _ended_with(tmp_path / "s", quick, speak, within_s=5), BadMessageError)
    patient = replace(STATUS, first_s=1e6, complete_s=1e6)
    assert await _ended_with(tmp_path / "s", patient, speak, within_s=1) is None, "without deadlines it holds on"


async def test_a_connection_that_spoke_may_be_quiet_for_long(tmp_path: Path) -> None:
    async with serve(replace(STATUS, first_s=0.05), tmp_path / "s", answers):
        client = await connect(STATUS, tmp_path / "s")
        for _ in range(2):
            await client.send(StatusRequest())
            assert await client.receive() == WELL
            await asyncio.sleep(0.2)
        client.close()


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_who_does_not_read_is_gone_and_keeps_no_descriptor(tmp_path: Path) -> None:
    before = descriptors()
    gone: list[ChannelError] = []

    async def tells_all(connection: Connection[StatusRequest]) -> None:
        await connection.receive()
        try:
            while True:
                await connection.send(Status("lane", "idle", {"much": "x" * 30_000}))
        except ChannelError as error:
            gone.append(error)
            raise

    async with serve(replace(STATUS, read_s=0.1), tmp_path / "s", tells_all):
        deaf = [socket.socket(socket.AF_UNIX) for _ in range(4)]
        for one in deaf:
            one.connect(str(tmp_path / "s"))
            one.sendall(ASKS)
        async with asyncio.timeout(5):
            while len(gone) < len(deaf):  # noqa: ASYNC110 - what is waited for happens behind sockets
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.05)
        ours = descriptors() - before - len(deaf)
        assert ours <= 4, "the listener, its lock, and nothing of the deaf"
        for one in deaf:
            one.close()
    assert [type(error) for error in gone] == [ChannelClosedError] * 4


# ── how many ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_connections_are_counted_by_process_and_by_user() -> None:
    row = replace(STATUS, connections_a_process=2, connections_a_user=3)
    turnstile = Turnstile(row)
    assert [turnstile.enter(1, 10, person=False) for _ in range(3)] == [True, True, False]
    assert [turnstile.enter(1, 11, person=False) for _ in range(2)] == [True, False]
    assert turnstile.enter(2, 10, person=False), "another user's are its own"
    turnstile.leave(1, 10, person=False)
    assert turnstile.enter(1, 12, person=False)
    assert not turnstile.enter(1, 10, person=False)


def test_a_program_that_carries_for_many_may_have_more_and_a_person_may_not() -> None:
    turnstile = Turnstile(replace(STATUS, connections_a_process=2, connections_a_user=3, connections_a_program=5))
    assert [turnstile.enter(1, 10, person=False) for _ in range(6)] == [True] * 5 + [False]
    assert [turnstile.enter(2, 20, person=True) for _ in range(3)] == [True, True, False]


def test_persons_share_what_is_left_and_take_nothing_from_programs() -> None:
    turnstile = Turnstile(STATUS)
    assert all(turnstile.enter(5_000 + number, number, person=True) for number in range(PERSONS_MAX))
    assert not turnstile.enter(9_999, 9_999, person=True)
    assert turnstile.enter(1, 1, person=False)
    turnstile.leave(5_000, 0, person=True)
    assert turnstile.enter(9_999, 9_999, person=True)


async def test_a_process_gets_its_connections_and_no_more(tmp_path: Path) -> None:
    async with serve(STATUS, tmp_path / "s", answers):
        held = [await connect(STATUS, tmp_path / "s") for _ in range(STATUS.connections_a_process)]
        for one in held:
            await one.send(StatusRequest())
            await one.receive()
        with pytest.raises(ChannelClosedError):
            await (await connect(STATUS, tmp_path / "s")).receive()
        held.pop().close()
        await asyncio.sleep(0.05)
        again = await connect(STATUS, tmp_path / "s")
        await again.send(StatusRequest())
        assert await again.receive() == WELL
        for one in (*held, again):
            one.close()


GREEDY, MODEST, GID = 4_001, 4_002, 4_500


@needs_root
async def test_half_open_connections_of_one_caller_starve_no_other() -> None:
    users = Users(own=3_000, in_service=True, programs={"lane": 3_000}, groups={OPERATORS: GID})
    patient = replace(STATUS, first_s=1e6)
    with open_folder() as folder:
        path = folder / "s"
        async with (
            serve(patient, path, answers, users=users),
            holding(path, 16, uid=GREEDY, groups=(GID,)) as open_ones,
        ):
            assert open_ones == STATUS.connections_a_process
            assert await call(path, ASKS, uid=MODEST, groups=(GID,)) == framed(_packed(WELL))
        # Where the quota is one for everybody, they do.
        shared = replace(patient, connections_a_process=PERSONS_MAX, connections_a_user=PERSONS_MAX)
        async with (
            serve(shared, path, answers, users=users),
            holding(path, 16, uid=GREEDY, groups=(GID,)) as open_ones,
        ):
            assert open_ones == PERSONS_MAX
            assert await call(path, ASKS, uid=MODEST, groups=(GID,)) == b""


def _packed(message: Message) -> bytes:
    return pack(message)


@needs_root
async def test_a_crowd_at_the_door_that_is_not_let_in_holds_up_nobody_inside() -> None:
    users = Users(own=3_000, in_service=True, programs={"lane": 3_000, "screens": GREEDY}, groups={OPERATORS: GID})
    with open_folder() as folder:
        path = folder / "s"
        async with serve(STATUS, path, answers, users=users):
            friend = asyncio.ensure_future(call(path, ASKS, uid=MODEST, groups=(GID,)))
            async with holding(path, 2_000, uid=GREEDY, groups=(GID,)) as open_ones:
                assert open_ones == 0
                async with asyncio.timeout(20):
                    assert await friend == framed(_packed(WELL))


# ── how much evidence ────────────────────────────────────────────────────────────────────────────────────────────────


def findings(reason: str = "", clause: str = "") -> dict[str, Any]:
    checks = [{"id": "mrz", "result": "failed", "reason": reason, "clause": clause}]
    return {
        "checks": checks,
        "page_checks": [],
        "access": None,
        "face_score": None,
        "face_threshold": 0.5,
        "liveness": None,
        "liveness_bound": 0.5,
        "quality": [],
    }


def waiting(detail: str) -> dict[str, Any]:
    return {"crossing": "c1", "objections": [{"reason": "page_check", "detail": detail}]}


def page_check(rate: float, measured_on: str) -> dict[str, Any]:
    return {"id": "dull_paper", "result": "failed", "false_alarm_rate": rate, "measured_on": measured_on}


@pytest.mark.parametrize(
    ("of", "most", "more"),
    [
        (order_messages.Waiting, waiting("x" * 500), waiting("x" * 501)),
        (order_messages.Findings, findings("x" * 500, "y" * 128), findings("x" * 501)),
        (order_messages.Findings, findings("x" * 500, "y" * 128), findings("", "y" * 129)),
        (PageCheck, page_check(1.0, "x" * 64), page_check(1.01, "")),
        (PageCheck, page_check(1.0, "x" * 64), page_check(0.1, "x" * 65)),
    ],
)
def test_evidence_in_a_message_is_held_to_its_bounds(of: type, most: dict[str, Any], more: dict[str, Any]) -> None:
    assert msgspec.msgpack.decode(pack(most), type=of)
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(pack(more), type=of)
