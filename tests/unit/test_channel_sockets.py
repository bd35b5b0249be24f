"""Channels between our programs: typed, limited, and gone when broken."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gate.channel import messages
from gate.channel.sockets import BadMessageError, ChannelClosedError, Connection, connect, serve

APPEND = messages.Append(seq=1, kind="opened", crossing="c1", monotonic_ms=5, body={"a": [1, None, "x"]})


def _answer_all(got: list[Any]) -> Callable[[Connection[Any]], Awaitable[None]]:
    async def handler(connection: Connection[Any]) -> None:
        async for message in connection:
            got.append(message)
            await connection.send(messages.Recorded(seq=message.seq, index=7))

    return handler


async def test_a_message_arrives_as_it_was_sent_and_is_answered(tmp_path: Path) -> None:
    got: list[Any] = []
    async with serve(tmp_path / "s", _answer_all(got), incoming=messages.ToLog):
        client = await connect(tmp_path / "s", incoming=messages.FromLog)
        await client.send(APPEND)
        assert await client.receive() == messages.Recorded(seq=1, index=7)
        client.close()
    assert got == [APPEND]


async def test_a_message_of_another_direction_ends_the_connection_and_not_the_server(tmp_path: Path) -> None:
    got: list[Any] = []
    async with serve(tmp_path / "s", _answer_all(got), incoming=messages.ToLog):
        stranger = await connect(tmp_path / "s", incoming=messages.FromLog)
        await stranger.send(messages.Settle(crossing="c", officer="o", disposition="walked_back"))
        with pytest.raises(ChannelClosedError):
            await stranger.receive()
        friend = await connect(tmp_path / "s", incoming=messages.FromLog)
        await friend.send(APPEND)
        assert isinstance(await friend.receive(), messages.Recorded)
        friend.close()


@pytest.mark.parametrize("wire", [struct.pack(">I", 0xFFFFFFFF), struct.pack(">I", 3) + b"\xff\xff\xff", b"\x00\x00"])
async def test_bytes_that_are_no_message_are_refused(tmp_path: Path, wire: bytes) -> None:
    refused: list[BaseException] = []

    async def handler(connection: Connection[Any]) -> None:
        try:
            await connection.receive()
        except (BadMessageError, ChannelClosedError) as error:
            refused.append(error)
            raise

    async with serve(tmp_path / "s", handler, incoming=messages.ToLog):
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
        writer.write(wire)
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
    assert len(refused) == 1


async def test_a_message_over_the_limit_is_not_sent(tmp_path: Path) -> None:
    async with serve(tmp_path / "s", _answer_all([]), incoming=messages.ToLog):
        client = await connect(tmp_path / "s", incoming=messages.FromLog, bytes_max=100)
        await client.send(APPEND)
        await client.receive()
        with pytest.raises(ValueError, match="exceeds 100"):
            await client.send(messages.Append(seq=1, kind="k", crossing=None, monotonic_ms=0, body={"x": "y" * 200}))
        client.close()


async def test_a_peer_with_a_foreign_uid_is_hung_up_on(tmp_path: Path) -> None:
    async with serve(tmp_path / "s", _answer_all([]), incoming=messages.ToLog, uids=frozenset({987654})):
        client = await connect(tmp_path / "s", incoming=messages.FromLog)
        with pytest.raises(ChannelClosedError):
            await client.receive()


async def test_one_connection_too_many_is_hung_up_on(tmp_path: Path) -> None:
    async with serve(tmp_path / "s", _answer_all([]), incoming=messages.ToLog, connections_max=1):
        first = await connect(tmp_path / "s", incoming=messages.FromLog)
        await first.send(APPEND)
        await first.receive()
        second = await connect(tmp_path / "s", incoming=messages.FromLog)
        with pytest.raises(ChannelClosedError):
            await second.receive()
        first.close()


async def test_nobody_listening_says_so(tmp_path: Path) -> None:
    with pytest.raises(ChannelClosedError, match="nobody listens on s"):
        await connect(tmp_path / "s", incoming=messages.FromLog)


async def test_the_socket_of_an_earlier_run_is_replaced_but_a_file_is_not(tmp_path: Path) -> None:
    for _ in range(2):
        async with serve(tmp_path / "s", _answer_all([]), incoming=messages.ToLog):
            pass
    (tmp_path / "f").write_text("precious")
    with pytest.raises(OSError, match="in use"):
        async with serve(tmp_path / "f", _answer_all([]), incoming=messages.ToLog):
            pass
    assert (tmp_path / "f").read_text() == "precious"
