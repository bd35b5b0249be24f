"""Modbus TCP as a link of Modbus RTU frames: numbers, what comes late, gateways that answer for a board, peers that speak something else."""

from __future__ import annotations

import asyncio
import struct

import pytest

from drivers.modbus.frames import READ_HOLDING, ExceptionReply, ReadRequest, Registers, Reply, seal
from drivers.modbus.line import LineHealth, exchange
from drivers.modbus.tcp import STRANGE_MAX, TcpLink
from gate_core.errors import LinkLostError
from gate_core.ports.memory_link import MemoryLink, memory_pair

REQUEST = ReadRequest(unit=1, function=READ_HOLDING, address=0x44, count=1)
ANSWER = bytes((1, READ_HOLDING, 2, 0x12, 0x34))
FOUND = Registers((0x1234,))


def frame(number: int, body: bytes, *, protocol: int = 0) -> bytes:
    """By hand: Modbus Messaging on TCP/IP V1.0b, §3.1.3."""
    return struct.pack(">HHH", number, protocol, len(body)) + body


async def asked(link: TcpLink, deadline_s: float = 0.2) -> Reply | None:
    health, heard = LineHealth(), bytearray()
    return (await exchange(link, REQUEST, deadline_s=deadline_s, byte_s=0.0, health=health, heard=heard))[0]


async def heard_by(far: MemoryLink) -> bytes:
    async with asyncio.timeout(1):
        return await far.read(300)


async def test_a_request_has_a_number_no_check_and_its_length_in_front() -> None:
    near, far = memory_pair()
    link = TcpLink(near)
    for number in (1, 2):
        asking = asyncio.create_task(asked(link))
        assert await heard_by(far) == frame(number, bytes((1, 3, 0, 0x44, 0, 1)))
        await far.write(frame(number, ANSWER))
        assert await asking == FOUND


async def test_an_answer_that_comes_late_does_not_pass_for_the_next() -> None:
    near, far = memory_pair()
    link = TcpLink(near)
    assert await asked(link, 0.01) is None
    asking = asyncio.create_task(asked(link))
    await asyncio.sleep(0)
    await far.write(frame(1, bytes((1, READ_HOLDING, 2, 0xBA, 0xD0))))
    await far.write(frame(2, ANSWER))
    assert await asking == FOUND
    assert link.discard() == seal(bytes((1, READ_HOLDING, 2, 0xBA, 0xD0))), "and the driver hears that it came"
    assert link.discard() == b""


async def test_an_answer_may_come_byte_by_byte_and_a_cancelled_read_loses_none() -> None:
    near, far = memory_pair()
    link = TcpLink(near)
    await link.write(REQUEST.wire)
    for byte in frame(1, ANSWER)[:-1]:
        await far.write(bytes([byte]))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await link.read(256)
    await far.write(ANSWER[-1:])
    assert (await link.read(256))[:-2] == ANSWER


async def test_a_board_that_says_no_is_heard() -> None:
    near, far = memory_pair()
    asking = asyncio.create_task(asked(TcpLink(near)))
    await asyncio.sleep(0)
    await far.write(frame(1, bytes((1, READ_HOLDING | 0x80, 2))))
    assert await asking == ExceptionReply(2)


@pytest.mark.parametrize("code", [0x0A, 0x0B])
async def test_a_gateway_that_did_not_hear_the_board_is_silence_and_no_refusal(code: int) -> None:
    near, far = memory_pair()
    asking = asyncio.create_task(asked(TcpLink(near), 0.05))
    await asyncio.sleep(0)
    await far.write(frame(1, bytes((1, READ_HOLDING | 0x80, code))))
    assert await asking is None


async def test_the_number_begins_anew_behind_the_last() -> None:
    near, far = memory_pair()
    link = TcpLink(near)
    for _ in range(0x10000):
        await link.write(REQUEST.wire)
        far.discard()
    asking = asyncio.create_task(asked(link))
    assert (await heard_by(far))[:2] == b"\x00\x01"
    await far.write(frame(1, ANSWER))
    assert await asking == FOUND


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(frame(1, ANSWER, protocol=1), id="another protocol"),
        pytest.param(struct.pack(">HHH", 1, 0, 1) + b"x", id="no function"),
        pytest.param(struct.pack(">HHH", 1, 0, 255) + bytes(255), id="longer than any frame"),
        pytest.param(b"HTTP/1.1 400 Bad Request", id="a web server"),
        pytest.param(frame(7, ANSWER) * (STRANGE_MAX + 1), id="answers that nobody asked for, without end"),
    ],
)
async def test_who_speaks_something_else_is_let_go_of(sent: bytes) -> None:
    near, far = memory_pair()
    asking = asyncio.create_task(asked(TcpLink(near)))
    await asyncio.sleep(0)
    await far.write(sent)
    with pytest.raises(LinkLostError):
        await asking


async def test_a_connection_that_ends_wakes_whoever_waits() -> None:
    near, far = memory_pair()
    asking = asyncio.create_task(asked(TcpLink(near), 5))
    await asyncio.sleep(0)
    far.close()
    with pytest.raises(LinkLostError):
        async with asyncio.timeout(1):
            await asking
