"""The final report of a referred crossing's child: data encrypted for officers, and data to remember.

The parent waits at most SEAL_S for it. A lost, silent or slow child is then ended, and officers see less, or nothing.
The parent cannot decrypt the data.
"""

from __future__ import annotations

import asyncio
import contextlib
from base64 import b64decode
from collections.abc import Awaitable, Callable
from typing import Any, Final

from gate.channel import vision_messages
from gate.channel.vision_messages import OfficersOf
from gate.programs.children.child_handle import ChildLostError, Process
from gate.programs.shared.config import Config

SEAL_S: Final = 2.0  # enough to decode, find and crop two faces on a busy machine
SAID_MAX: Final = 256  # limit of messages, of which others are dropped; above it the child is ended

Take = Callable[[vision_messages.SealedPiece], Awaitable[None]]
Remember = Callable[[bytes], None]
_MEMORY: Final = -1  # the mark for `remember` in `due`, which else has the officers' numbers


def officers_of(config: Config) -> OfficersOf | None:
    """Return the gate's id and its officers' authority's key; None if none is configured."""
    return None if config.officers is None else OfficersOf(config.gate_id, b64decode(config.officers.authority))


async def last_words(
    child: Process[Any], end: vision_messages.EndCrossing, take: Take, remember: Remember | None = None
) -> None:
    """Send `end` to a child, and pass its sealed pieces to `take` and its data to `remember`, if requested. The caller
    ends the child.
    """
    due = set[int]() if end.seal is None else set(range(len(end.seal.certificates)))
    if end.remember and remember is not None:
        due.add(_MEMORY)
    if not due:
        return
    with contextlib.suppress(TimeoutError, ChildLostError):
        async with asyncio.timeout(SEAL_S):
            await child.send(end)
            for _ in range(SAID_MAX):
                match await child.receive():
                    case vision_messages.SealedPiece(crossing=end.crossing) as piece:
                        await take(piece)
                        due -= {piece.number} if piece.last else set()
                    case vision_messages.FaceRemembered(end.crossing, content) if remember and _MEMORY in due:
                        due.discard(_MEMORY)
                        if content:
                            remember(content)
                if not due:
                    return
