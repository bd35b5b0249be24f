"""What a child of a referred crossing seals to officers and leaves to be remembered, taken before its end; `SEAL_S` at most."""

from __future__ import annotations

import asyncio
import contextlib
from base64 import b64decode
from collections.abc import Awaitable, Callable
from typing import Any, Final

from gate.channel import messages
from gate.channel.messages import OfficersOf
from gate.programs.children.child_handle import ChildLostError, Process
from gate.programs.shared.config import Config

SEAL_S: Final = 2.0  # decoding, finding and cutting out two faces on a busy machine
SAID_MAX: Final = 256  # whatever else it says meanwhile is dropped; a child that says more is ended

Take = Callable[[messages.SealedPiece], Awaitable[None]]
Remember = Callable[[bytes], None]
_MEMORY: Final = -1  # among what is due, beside the officers' numbers


def officers_of(config: Config) -> OfficersOf | None:
    """None where the gate knows no officers' authority."""
    return None if config.officers is None else OfficersOf(config.gate_id, b64decode(config.officers.authority))


async def last_words(
    child: Process[Any], end: messages.EndCrossing, take: Take, remember: Remember | None = None
) -> None:
    """Have a child say what it seals as its crossing ends this way, and with `remember` what it leaves; nothing where nothing is asked for. Its end is
    left to the caller.
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
                said = await child.receive()
                if isinstance(said, messages.SealedPiece) and said.crossing == end.crossing:
                    await take(said)
                    due -= {said.number} if said.last else set()
                elif isinstance(said, messages.FaceRemembered) and said.crossing == end.crossing and _MEMORY in due:
                    due.discard(_MEMORY)
                    if remember is not None and said.content:
                        remember(said.content)
                if not due:
                    return
