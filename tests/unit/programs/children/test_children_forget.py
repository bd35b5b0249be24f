"""What was passed on is kept nowhere: a child's pictures not in its parent, a page's lines and portrait not in the child that read them."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from typing import Any, cast

from gate.channel import preview_messages
from gate.channel.message import Message
from gate.programs.children import fd_passing
from gate.programs.children.child_handle import Process, Words
from gate.programs.vision.page_source_child import Child, Kept
from gate.programs.vision.program import Crossing, Vision


class Connection:
    """Says these, then nothing more."""

    def __init__(self, *said: Message) -> None:
        self._said = list(said)
        self._silence = asyncio.Event()

    async def receive(self) -> Message:
        if not self._said:
            await self._silence.wait()
        return self._said.pop(0)

    async def send(self, message: Message) -> None:
        """Nobody listens."""

    def close(self) -> None:
        """Nothing is open."""


class Ended:
    """A process that is gone already."""

    pid = 0
    returncode = 0

    async def wait(self) -> int:
        return 0


class Spare:
    """Has this one child to give."""

    problem = ""

    def __init__(self, child: Process[Any]) -> None:
        self.child = child

    async def take(self) -> Process[Any]:
        return self.child

    def want(self) -> None:
        """There is no other."""


class Handed:
    """Ways to the first page's lines and portrait, once each."""

    def __init__(self, ends: dict[bytes, socket.socket]) -> None:
        self._ends = ends

    async def take_numbered(self, letter: bytes) -> tuple[int, socket.socket]:
        if letter not in self._ends:
            await asyncio.Event().wait()
        return 1, self._ends.pop(letter)


def child_that_says(*messages: Message) -> Process[Any]:
    way, other = socket.socketpair()
    other.close()
    words = Words("a child")
    os.close(words.theirs)
    return Process(cast("Any", Ended()), cast("Any", Connection(*messages)), way, words)


async def test_a_child_that_ended_keeps_nothing_that_it_said_though_its_parent_still_knows_it() -> None:
    taken, untaken = preview_messages.Preview(os.urandom(4096)), preview_messages.Preview(os.urandom(4096))
    before = sys.getrefcount(taken), sys.getrefcount(untaken)
    child = child_that_says(taken, untaken)
    await child.receive()
    await asyncio.sleep(0)
    assert sys.getrefcount(untaken) > before[1], "it waits to be taken"
    await child.end()
    assert (sys.getrefcount(taken), sys.getrefcount(untaken)) == before


async def test_a_crossing_that_ended_keeps_no_picture_though_vision_still_knows_its_child() -> None:
    picture = preview_messages.Preview(os.urandom(4096))
    before = sys.getrefcount(picture), sys.getrefcount(picture.jpeg)
    child = child_that_says(picture)
    vision = Vision(spare=cast("Any", Spare(child)), missing=cast("Any", None))
    crossing = Crossing("c1", cast("Any", Connection()))
    serving = asyncio.ensure_future(vision._serve_crossing(crossing))
    async with asyncio.timeout(5):
        while child._connection._said:  # type: ignore[attr-defined]  # noqa: ASYNC110
            await asyncio.sleep(0)
        for _ in range(10):
            await asyncio.sleep(0)
        crossing.end()
        await serving
    assert crossing.child is child
    assert (sys.getrefcount(picture), sys.getrefcount(picture.jpeg)) == before


async def test_a_page_that_was_passed_on_is_not_kept_until_the_next_one() -> None:
    line, portrait = os.urandom(22).hex(), os.urandom(4096)
    before = sys.getrefcount(line), sys.getrefcount(portrait)
    pairs = {letter: socket.socketpair() for letter in (fd_passing.LINES, fd_passing.PAGE_PORTRAIT)}
    for _, theirs in pairs.values():
        theirs.setblocking(False)
    handed = Handed({letter: theirs for letter, (_, theirs) in pairs.items()})
    child = Child(cast("Any", Connection()), cast("Any", handed))
    child._kept = Kept(1, [[line]], portrait)
    giving = [asyncio.ensure_future(loop) for loop in (child._give_lines(), child._give_portraits())]
    with pairs[fd_passing.LINES][0] as ours:
        assert line.encode() in await asyncio.to_thread(_all_of, ours)
    with pairs[fd_passing.PAGE_PORTRAIT][0] as ours:
        assert portrait in await asyncio.to_thread(_all_of, ours)
    await asyncio.sleep(0)
    assert (sys.getrefcount(line), sys.getrefcount(portrait)) == before
    for task in giving:
        task.cancel()
    await asyncio.gather(*giving, return_exceptions=True)


def _all_of(end: socket.socket) -> bytes:
    content = b""
    while piece := end.recv(65536):
        content += piece
    return content
