"""One request and its reply on a link, and the line's counters."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

from drivers.links import Link
from drivers.modbus.frames import FRAME_BYTES_MAX, Reply, Request, find_reply
from gate_core.errors import NotWellError


@dataclass(slots=True)
class LineHealth:
    """Counters of the line since the start."""

    requests: int = 0
    silences: int = 0
    bytes_passed_over: int = 0
    connects: int = 0


async def exchange(
    link: Link, request: Request, *, deadline_s: float, byte_s: float, health: LineHealth, heard: bytearray
) -> tuple[Reply | None, bytes]:
    """Send one request and return its reply, or None after silence, and all other bytes since. Raises LinkLostError.

    `heard` keeps the bytes after the reply. `byte_s`: a byte's time on the wire. Once a reply has begun, its rest is
    awaited as a whole.
    """
    health.requests += 1
    heard.clear()
    others = b""
    try:
        async with asyncio.timeout(deadline_s):
            link.discard()  # what came late answers an earlier request
            await link.write(request.wire)
            while True:
                heard += await link.read(FRAME_BYTES_MAX)
                received = bytes(heard)
                reply, passed_over = find_reply(heard, request)
                health.bytes_passed_over += passed_over
                others += received[:passed_over]
                if reply is not None:
                    return reply, others + heard
                await asyncio.sleep(max(0, request.reply_bytes - len(heard)) * byte_s)
    except TimeoutError:
        health.silences += 1
        health.bytes_passed_over += len(heard)
        return None, others + heard


async def hear_no_other(link: Link, request: Request, *, deadline_s: float, heard: bytearray, who: str) -> None:
    """Listen after the last answer: a second one is from another unit with the same number. Raises NotWellError or LinkLostError."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(deadline_s):
            while find_reply(heard, request)[0] is None:
                heard += await link.read(FRAME_BYTES_MAX)
            raise NotWellError(f"two {who} answer to number {request.unit} on this line")
