"""The way to a control centre, which holds the inspection system's certificates and key (TR-03110, TR-03129).

The centre is another program, on the other end of a Unix socket: no key of an inspection system is in the gate. Each question
has a connection of its own and a deadline, so that a centre that is slow, silent or gone costs a result and never a crossing:
whatever comes instead of the answer is None, and reported once when it starts and once when it ends.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Final

from gate.channel import messages
from gate.channel.errors import ChannelError
from gate.channel.sockets import connect
from gate.channel.table import CHANNELS
from gate.programs.shared.fault_latch import FaultLatch

DEADLINE_S: Final = 2.0

log = logging.getLogger(__name__)


class ControlCentre:
    """A control centre by its socket."""

    def __init__(self, path: Path, *, deadline_s: float = DEADLINE_S) -> None:
        self._path = path
        self._deadline_s = deadline_s
        self._trouble = FaultLatch(log, begins="control_centre_lost", ends="control_centre_back", each=False)

    async def ask(self, question: messages.ToCentre) -> bytes | None:
        """The answer to a question of an inspection; None when there is none, for whatever reason."""
        try:
            async with asyncio.timeout(self._deadline_s):
                answer = await self._exchange(question)
        except (ChannelError, TimeoutError) as error:
            self._trouble.is_now(type(error).__name__)
            return None
        match answer:
            case messages.Chain(certificates) if isinstance(question, messages.ChainWanted):
                self._trouble.is_now("")
                return b"".join(certificates)
            case messages.Signature(signature) if isinstance(question, messages.SignatureWanted):
                self._trouble.is_now("")
                return signature
            case messages.NotGranted():
                self._trouble.is_now("not granted")
                return None
            case messages.Chain() | messages.Signature():
                self._trouble.is_now("the answer to another question")
                return None

    async def _exchange(self, question: messages.ToCentre) -> messages.FromCentre:
        connection = await connect(CHANNELS.centre, self._path)
        try:
            await connection.send(question)
            return await connection.receive()
        finally:
            connection.close()
