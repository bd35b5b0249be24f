"""One request and its reply on a serial line: bytes that come one by one, and that are waited for together."""

from __future__ import annotations

import asyncio

import pytest

from drivers.links import Link
from drivers.modbus.exchange import byte_s, reply_deadline_s
from drivers.modbus.frames import READ_INPUT, ExceptionReply, ReadRequest, Registers, Reply, seal
from drivers.modbus.line import LineHealth, exchange
from gate_contract.virtual_time import run_virtual
from gate_core.ports.memory_link import MemoryLink, memory_pair

BAUD = 9_600
TURNAROUND_MS_MAX = 50
REQUEST = ReadRequest(unit=1, function=READ_INPUT, address=0, count=16)
ANSWER = seal(bytes((1, READ_INPUT, 32)) + bytes(32))
REFUSAL = seal(bytes((1, READ_INPUT | 0x80, 2)))


class Counted:
    """A link whose reads are counted."""

    def __init__(self, link: Link) -> None:
        self.reads = 0
        self._link = link
        self.write, self.discard, self.close = link.write, link.discard, link.close

    async def read(self, bytes_max: int) -> bytes:
        self.reads += 1
        return await self._link.read(bytes_max)


async def board(far: MemoryLink, reply: bytes, *, turnaround_s: float) -> None:
    """Answers at the line's own pace."""
    await far.read(256)
    await asyncio.sleep(len(REQUEST.wire) * byte_s(BAUD) + turnaround_s)
    for byte in reply:
        await asyncio.sleep(byte_s(BAUD))
        await far.write(bytes((byte,)))


def asked(reply: bytes, *, turnaround_s: float = 0.02, noise: bytes = b"") -> tuple[Reply | None, int, float]:
    """What came of one request, in how many reads, and after how many seconds."""

    async def story() -> tuple[Reply | None, int, float]:
        near, far = memory_pair()
        answering = asyncio.ensure_future(board(far, noise + reply, turnaround_s=turnaround_s))
        link, loop = Counted(near), asyncio.get_running_loop()
        begun_s = loop.time()
        deadline_s = reply_deadline_s(REQUEST, baud=BAUD, turnaround_ms_max=TURNAROUND_MS_MAX)
        found, _ = await exchange(
            link, REQUEST, deadline_s=deadline_s, byte_s=byte_s(BAUD), health=LineHealth(), heard=bytearray()
        )
        answering.cancel()
        return found, link.reads, loop.time() - begun_s

    return run_virtual(story())


def test_a_reply_that_has_begun_is_waited_for_as_a_whole() -> None:
    found, reads, took_s = asked(ANSWER)
    assert found == Registers((0,) * 16)
    assert reads <= 3, "not one a byte"
    on_the_wire_s = (len(REQUEST.wire) + len(ANSWER)) * byte_s(BAUD) + 0.02
    assert took_s == pytest.approx(on_the_wire_s, abs=2 * byte_s(BAUD)), "and nothing is lost by it"


def test_noise_before_it_makes_it_no_later_than_its_deadline() -> None:
    found, reads, _ = asked(ANSWER, noise=b"\x01\xff\x01")
    assert found == Registers((0,) * 16)
    assert reads < len(ANSWER)


def test_a_refusal_is_shorter_and_heard_all_the_same() -> None:
    found, _, _ = asked(REFUSAL)
    assert found == ExceptionReply(2)


def test_a_reply_that_begins_and_does_not_end_is_silence() -> None:
    found, _, took_s = asked(ANSWER[:9])
    assert found is None
    assert took_s == pytest.approx(reply_deadline_s(REQUEST, baud=BAUD, turnaround_ms_max=TURNAROUND_MS_MAX))
