"""Ways from one child process to another: a 64-byte address that the parents read, then what only the children read.

The lane asks vision by its channel `portraits`, for a crossing's face child or for the lines of a page.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

ADDRESS_BYTES: Final = 64
LINES_BYTES_MAX: Final = 1024
COMPLETE_S: Final = 2.0  # for lines, which are kept ready

# What a child is handed, by the first letter of the label.
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
    """The way of a chip's portrait."""

    crossing: str


@dataclass(frozen=True, slots=True)
class OfPage:
    """The way of the lines of a page that was read."""

    page: int


Address = ToCrossing | OfPage


def written(address: Address) -> bytes:
    """An address as it is written."""
    text = f"crossing {address.crossing}" if isinstance(address, ToCrossing) else f"page {address.page}"
    return text.encode().ljust(ADDRESS_BYTES, b" ")[:ADDRESS_BYTES]


async def address_of(end: socket.socket) -> Address | None:
    """Read an address and nothing after it; None when it is none, or the other end hung up before."""
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
    """Write the readings of a page and hang up. Raises OSError when the other end is gone."""
    with end:
        await asyncio.get_running_loop().sock_sendall(end, msgspec.msgpack.encode(readings))


async def receive_lines(end: socket.socket) -> list[list[str]]:
    """Read the readings of a page until the other end hangs up; none when what comes is not such, or too late."""
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
    """Fill the buffer, or as much of it as comes; how much came."""
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
