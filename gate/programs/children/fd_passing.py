"""Sockets from one child process to another, forwarded by their parents: addresses, and MRZ lines.

The lane connects to vision's channel `portraits` and writes an address of 64 bytes: a crossing, whose face child gets
the other end, or a page, whose reader sends its lines. Parents do not read the data after the address.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

ADDRESS_BYTES: Final = 64
LINES_BYTES_MAX: Final = 1024
COMPLETE_S: Final = 2.0  # for lines, which are already read

# The purposes of descriptors: the first letter of the label.
CHIP_PORTRAIT: Final = b"P"
PRINTED_PORTRAIT: Final = b"F"
SENSOR: Final = b"S"
LINES: Final = b"L"
PAGE_PORTRAIT: Final = b"I"  # followed by the page's number, as LINES to the page child is

Readings = Annotated[
    list[Annotated[list[Annotated[str, msgspec.Meta(max_length=64)]], msgspec.Meta(max_length=3)]],
    msgspec.Meta(max_length=2),
]


@dataclass(frozen=True, slots=True)
class ToCrossing:
    """Address of a crossing's face child, for the chip's portrait."""

    crossing: str


@dataclass(frozen=True, slots=True)
class OfPage:
    """Address of a page that was read, for its lines."""

    page: int


Address = ToCrossing | OfPage


def written(address: Address) -> bytes:
    """Encode an address in ADDRESS_BYTES."""
    text = f"crossing {address.crossing}" if isinstance(address, ToCrossing) else f"page {address.page}"
    return text.encode().ljust(ADDRESS_BYTES, b" ")[:ADDRESS_BYTES]


async def address_of(end: socket.socket) -> Address | None:
    """Read an address and nothing after it; None if it is invalid or incomplete."""
    address = bytearray(ADDRESS_BYTES)
    if await fill(end, address) < ADDRESS_BYTES:
        return None
    kind, _, name = address.decode("ascii", "replace").strip().partition(" ")
    if kind == "crossing" and name:
        return ToCrossing(name)
    if kind == "page" and name.isascii() and name.isdigit():
        return OfPage(int(name))
    return None


async def send_lines(end: socket.socket, readings: list[list[str]]) -> None:
    """Send a page's readings and close the socket. Raises OSError if the other end is gone."""
    with end:
        await asyncio.get_running_loop().sock_sendall(end, msgspec.msgpack.encode(readings))


async def receive_lines(end: socket.socket) -> list[list[str]]:
    """Receive a page's readings until the other end closes; empty if they are invalid or late."""
    content = bytearray(LINES_BYTES_MAX)
    with end:
        try:
            async with asyncio.timeout(COMPLETE_S):
                length = await fill(end, content)
            readings: list[list[str]] = msgspec.msgpack.decode(content[:length], type=Readings)
        except (TimeoutError, msgspec.DecodeError, UnicodeDecodeError):
            return []
    return readings


async def fill(end: socket.socket, buffer: bytearray) -> int:
    """Receive into the buffer until it is full or the other end closes; return the number of bytes."""
    loop = asyncio.get_running_loop()
    filled = 0
    with memoryview(buffer) as view:
        while filled < len(buffer):
            try:
                count = await loop.sock_recv_into(end, view[filled:])
            except OSError:
                count = 0
            if count == 0:
                break
            filled += count
    return filled
