"""The last words of a child whose crossing was referred: what it seals to officers, taken by its parent before the end.

The end never waits for longer than `SEAL_S`: a child that is lost, mute or slow is ended all the same, and officers see less, or nothing.
What passes here nobody here can read.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

from gate.channel import messages
from gate.programs.children.start import ChildLostError, Process

SEAL_S: Final = 2.0  # decoding, finding and cutting out two faces on a busy machine
SAID_MAX: Final = 256  # whatever else it says meanwhile is dropped; a child that says more is ended

Take = Callable[[messages.SealedPiece], Awaitable[None]]


async def last_words(child: Process[Any], end: messages.EndCrossing, take: Take) -> None:
    """Have a child say what it seals as its crossing ends this way; nothing where nothing is to be sealed. Its end is left to the caller."""
    if end.seal is None:
        return
    due = set(range(len(end.seal.certificates)))
    with contextlib.suppress(TimeoutError, ChildLostError):
        async with asyncio.timeout(SEAL_S):
            await child.send(end)
            for _ in range(SAID_MAX):
                said = await child.receive()
                if isinstance(said, messages.SealedPiece) and said.crossing == end.crossing:
                    await take(said)
                    due -= {said.number} if said.last else set()
                if not due:
                    return
