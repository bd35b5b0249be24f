"""Document children that live in the test's own process: as prepared as real ones, and as easily lost."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from gate.channel import document_messages
from gate.channel.message import Message
from gate.programs.children.child_handle import ChildLostError, UnfitError
from gate.programs.lane.document.child import ListsError, open_lists, told


class FakeChild:
    """Says what it was given to say; `None` is where it is lost. Fills what the lane asks of `Process`."""

    def __init__(self, detail: dict[str, Any] | None = None, *says: Message | None) -> None:
        self.detail = detail or {}
        self.lost = asyncio.Event()
        self.heard: list[Message] = []
        self.handed: list[bytes] = []
        self.ended = False
        self._says = list(says)

    async def send(self, message: Message) -> None:
        await asyncio.sleep(0)
        if self.lost.is_set():
            raise ChildLostError("the child is gone or does not read")
        self.heard.append(message)

    def hand(self, label: bytes, descriptor: int) -> None:
        if self.lost.is_set():
            raise ChildLostError("the child is gone or takes nothing that it is handed")
        assert descriptor >= 0
        self.handed.append(label)

    async def receive(self) -> Message:
        await asyncio.sleep(0)
        if not self._says:
            await self.lost.wait()
        elif (said := self._says.pop(0)) is not None:
            return said
        self.lost.set()
        raise ChildLostError("the child hangs")

    async def end(self) -> None:
        await asyncio.sleep(0)
        self.ended = True
        self.lost.set()


class Nursery:
    """Starts children that open the lists here. `chip` is why they have no chip reader; `lost` why they cannot be had at all."""

    def __init__(self) -> None:
        self.started: list[FakeChild] = []
        self.chip = ""
        self.lost = ""

    async def start(self, prepare: document_messages.PrepareDocument) -> Any:
        await asyncio.sleep(0)
        if self.lost:
            raise ChildLostError(self.lost)
        try:
            store = open_lists(Path(prepare.lists), service=prepare.service)
        except ListsError as error:
            raise UnfitError(f"paths.trust: {error}") from error
        ready = document_messages.DocumentReady(told(store), self.chip, {"files_closed": True})
        child = FakeChild(msgspec.to_builtins(ready))
        self.started.append(child)
        return child
