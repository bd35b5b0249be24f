"""A child from both sides: it lives as long as its parent, and once it is prepared it says nothing that takes long to decode."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Any, cast

import pytest

from gate.channel import child_messages, preview_messages
from gate.channel.message import Message
from gate.channel.sockets import BYTES_MAX, CHILD_BYTES_MAX, Connection, adopt
from gate.programs.children import child_runtime, descriptors
from gate.programs.children.child_handle import SILENCE_MAX_S, ChildLostError, Process, Words
from gate.programs.vision.face_child import PREVIEW_BYTES_MAX

DEADLINE_S = 10.0


class Running:
    """A process that ends when it is asked to."""

    pid = 0
    returncode = 0

    async def wait(self) -> int:
        return 0


async def heard_of(*said: Message) -> list[Message]:
    """What the parent of a child takes that says this."""
    ours, theirs = socket.socketpair()
    way, their_way = descriptors.pair()
    words = Words("a child")
    os.close(words.theirs)
    connection: Connection[Any] = await adopt(ours, incoming=child_messages.FromChild, bytes_max=CHILD_BYTES_MAX)
    process: Process[Any] = Process(cast("Any", Running()), connection, way, words)

    async def live(parent: Connection[Any], _: descriptors.Handed) -> None:
        for message in said:
            await parent.send(message)
        await asyncio.Event().wait()

    living = asyncio.ensure_future(child_runtime.attend(theirs, their_way, child_messages.ToChild, live))
    try:
        async with asyncio.timeout(DEADLINE_S):
            return [await process.receive() for _ in said]
    finally:
        await process.end()
        await asyncio.wait([living], timeout=DEADLINE_S)
        assert living.done(), "a child ends with its parent"


def test_a_sign_of_life_of_a_child_may_fail_to_come_once_before_it_is_given_up() -> None:
    assert 2 * child_runtime.ALIVE_EVERY_S < SILENCE_MAX_S


async def test_a_child_may_say_much_of_itself_until_it_is_prepared_and_pictures_of_its_size_then() -> None:
    prepared = child_messages.Prepared({"lists": "x" * 2 * BYTES_MAX})
    picture = preview_messages.Preview(bytes(PREVIEW_BYTES_MAX))
    assert await heard_of(prepared, picture) == [prepared, picture]


async def test_a_child_of_any_kind_that_says_more_than_fits_is_lost() -> None:
    with pytest.raises(ChildLostError, match="exceeds"):
        await heard_of(child_messages.Prepared({}), preview_messages.Preview(bytes(BYTES_MAX)))
