"""Modbus RTU frames against the published examples, by round trip and in noise."""

from __future__ import annotations

import pytest

from drivers.modbus.frames import (
    FRAME_BYTES_MAX,
    READ_HOLDING,
    READ_INPUT,
    ExceptionReply,
    ReadRequest,
    Registers,
    Request,
    WriteRequest,
    crc16,
    decode,
    find_reply,
    seal,
)
from gate_core.errors import BadFrameError
from hardware_sim.modbus import seal as framed

# Application Protocol V1.1b3: §6.3, §6.4, §6.12, bodies without unit and check.
_HOLDING = ReadRequest(1, READ_HOLDING, 0x6B, 3)
_INPUT = ReadRequest(1, READ_INPUT, 8, 1)
_WRITE = WriteRequest(1, 1, (0x000A, 0x0102))


@pytest.mark.parametrize(
    ("message", "check"),
    [(b"123456789", 0x4B37), (b"\x02\x07", 0x1241)],  # the catalogue's check value; Serial Line V1.02 §6.2.2
)
def test_the_check_agrees_with_the_published_values(message: bytes, check: int) -> None:
    assert crc16(message) == check


def test_the_check_is_sent_low_byte_first() -> None:
    assert seal(b"\x02\x07") == b"\x02\x07\x41\x12"


@pytest.mark.parametrize(
    ("request_", "wire"),
    [
        (_HOLDING, "01 03 006B 0003"),
        (_INPUT, "01 04 0008 0001"),
        (_WRITE, "01 10 0001 0002 04 000A 0102"),
    ],
)
def test_requests_are_the_standard_s_examples(request_: Request, wire: str) -> None:
    assert request_.wire == framed(bytes.fromhex(wire))


@pytest.mark.parametrize(
    ("request_", "wire", "reply"),
    [
        (_HOLDING, "01 03 06 022B 0000 0064", Registers((555, 0, 100))),
        (_INPUT, "01 04 02 000A", Registers((10,))),
        (_WRITE, "01 10 0001 0002", Registers(())),
        (_WRITE, "01 90 04", ExceptionReply(4)),
        (_INPUT, "01 84 02", ExceptionReply(2)),
    ],
)
def test_replies_are_the_standard_s_examples_and_leave_the_tail(
    request_: Request, wire: str, reply: Registers | ExceptionReply
) -> None:
    frame = framed(bytes.fromhex(wire))
    assert decode(frame + b"tail", request_) == (reply, len(frame))


@pytest.mark.parametrize(
    "wire",
    [
        "02 04 02 000A",  # another unit
        "01 03 02 000A",  # another function
        "01 04 04 000A 000B",  # another length
        "01 90 02",  # an exception to another function
    ],
)
def test_a_frame_that_does_not_answer_the_request_is_refused(wire: str) -> None:
    with pytest.raises(BadFrameError, match="not a reply"):
        decode(framed(bytes.fromhex(wire)), _INPUT)


def test_a_frame_with_one_bit_flipped_is_refused_wherever_the_bit_is() -> None:
    frame = framed(bytes.fromhex("01 10 0001 0002"))
    for bit in range(8 * len(frame)):
        worn = bytearray(frame)
        worn[bit // 8] ^= 1 << bit % 8
        buffer = bytearray(worn)
        assert find_reply(buffer, _WRITE)[0] is None, bit


def test_our_own_request_heard_back_confirms_nothing() -> None:
    for request in (_HOLDING, _INPUT, _WRITE, WriteRequest(1, 5, (0x5245,))):
        assert find_reply(bytearray(request.wire), request)[0] is None


def test_a_reply_is_found_behind_noise_and_the_noise_is_counted() -> None:
    buffer = bytearray(b"\xff\x01\x00\x04" + framed(bytes.fromhex("01 04 02 000A")) + b"\x01")
    assert find_reply(buffer, _INPUT) == (Registers((10,)), 4)
    assert buffer == b"\x01"


def test_endless_noise_leaves_less_than_one_frame_in_the_buffer() -> None:
    buffer = bytearray()
    for byte in range(5000):
        buffer.append((1, 4, 2, byte & 0xFF)[byte % 4])
        assert find_reply(buffer, _INPUT)[0] is None
        assert len(buffer) < FRAME_BYTES_MAX
    assert len(buffer) <= _INPUT.reply_bytes
