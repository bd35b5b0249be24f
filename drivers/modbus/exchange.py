"""Parts of a conversation with a Modbus board: requests that are repeated until answered. No I/O."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

from drivers.modbus.frames import CoilsRequest, ExceptionReply, ReadRequest, Registers, Reply, Request, WriteRequest
from gate_core.errors import NoReplyError, RefusedError

ATTEMPTS_MAX = 4  # of a request that may be repeated; at the limit the caller hears NoReplyError
_BUSY = frozenset({5, 6})
_BITS_A_CHARACTER = 10  # 8N1

Answer = TypeVar("Answer")
Conversation = Generator[Request, Reply | None, Answer]


def read(unit: int, function: int, address: int, count: int) -> Conversation[tuple[int, ...]]:
    """Return the values at these addresses."""
    return values((yield from insist(ReadRequest(unit, function, address, count))))


def write(unit: int, address: int, *written: int) -> Conversation[None]:
    """Write holding registers."""
    values((yield from insist(WriteRequest(unit, address, written))))


def write_coils(unit: int, address: int, *written: int) -> Conversation[None]:
    """Set coils."""
    values((yield from insist(CoilsRequest(unit, address, written))))


def insist(request: Request) -> Conversation[Reply]:
    """Repeat an idempotent request until it is answered; also while the board is busy."""
    busy: Reply | None = None
    for _ in range(ATTEMPTS_MAX):
        reply = yield request
        if reply is not None and not is_busy(reply):
            return reply
        busy = reply or busy
    if busy is not None:
        return busy
    raise NoReplyError("the board does not answer")


def is_busy(reply: Reply) -> bool:
    """Modbus Application Protocol V1.1b3 §7: codes 05 (acknowledge) and 06 (server device busy) mean retry later."""
    return isinstance(reply, ExceptionReply) and reply.code in _BUSY


def values(reply: Reply) -> tuple[int, ...]:
    """Return the values that were read. Raises RefusedError."""
    match reply:
        case Registers(found):
            return found
        case ExceptionReply(code):
            raise RefusedError(f"the board refused with exception {code}")


def byte_s(baud: int) -> float:
    """Return a byte's time on the wire, in seconds."""
    return _BITS_A_CHARACTER / baud


def reply_deadline_s(request: Request, *, baud: int, turnaround_ms_max: int) -> float:
    """Return the longest time of a reply, from its request's first byte: both frames on the wire, and the turnaround."""
    wire_bytes = len(request.wire) + request.reply_bytes
    return wire_bytes * byte_s(baud) + turnaround_ms_max / 1000
