"""Channels between our programs: typed, limited, and gone when broken."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes.appends import APPEND, APPENDED, append_of

from gate.channel import log_messages, screen_messages
from gate.channel.errors import BadMessageError, ChannelClosedError
from gate.channel.row import Peer
from gate.channel.sockets import REPEATED_TOLD_EVERY_S, Connection, connect, listen, reach, serve
from gate.channel.table import CHANNELS
from gate_contract.virtual_time import in_virtual_time


def _answer_all(got: list[Any]) -> Callable[[Connection[Any]], Awaitable[None]]:
    async def handler(connection: Connection[Any]) -> None:
        async for message in connection:
            got.append(message)
            await connection.send(APPENDED)

    return handler


async def test_a_message_arrives_as_it_was_sent_and_is_answered(tmp_path: Path) -> None:
    got: list[Any] = []
    async with serve(CHANNELS.log, tmp_path / "s", _answer_all(got)):
        client = await connect(CHANNELS.log, tmp_path / "s")
        await client.send(APPEND)
        assert await client.receive() == APPENDED
        client.close()
    assert got == [APPEND]


async def test_a_message_of_another_direction_ends_the_connection_and_not_the_server(tmp_path: Path) -> None:
    got: list[Any] = []
    async with serve(CHANNELS.log, tmp_path / "s", _answer_all(got)):
        stranger = await connect(CHANNELS.log, tmp_path / "s")
        await stranger.send(screen_messages.WatchView())
        with pytest.raises(ChannelClosedError):
            await stranger.receive()
        friend = await connect(CHANNELS.log, tmp_path / "s")
        await friend.send(APPEND)
        assert isinstance(await friend.receive(), log_messages.Appended)
        friend.close()


@in_virtual_time
async def test_peers_that_break_the_protocol_are_told_of_once_with_their_count_also_from_a_handlers_tasks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(connection: Connection[Any]) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(connection.receive())

    async def break_it() -> None:
        stranger = await connect(CHANNELS.log, tmp_path / "s")
        await stranger.send(screen_messages.WatchView())
        with pytest.raises(ChannelClosedError):
            await stranger.receive()

    async with serve(CHANNELS.log, tmp_path / "s", handler):
        for _ in range(5):
            await break_it()
        assert [vars(record)["count"] for record in caplog.records] == [1]
        await asyncio.sleep(REPEATED_TOLD_EVERY_S)
        await break_it()
    assert [(record.message, vars(record)["count"]) for record in caplog.records][1:] == [("protocol_broken", 5)]


@pytest.mark.parametrize("wire", [struct.pack(">I", 0xFFFFFFFF), struct.pack(">I", 3) + b"\xff\xff\xff", b"\x00\x00"])
async def test_bytes_that_are_no_message_are_refused(tmp_path: Path, wire: bytes) -> None:
    refused: list[BaseException] = []

    async def handler(connection: Connection[Any]) -> None:
        try:
            await connection.receive()
        except (BadMessageError, ChannelClosedError) as error:
            refused.append(error)
            raise

    async with serve(CHANNELS.log, tmp_path / "s", handler):
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
        writer.write(wire)
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
    assert len(refused) == 1


async def test_a_message_over_the_limit_is_not_sent(tmp_path: Path) -> None:
    async with serve(CHANNELS.log, tmp_path / "s", _answer_all([])):
        client = await connect(replace(CHANNELS.log, bytes_max=400), tmp_path / "s")
        await client.send(APPEND)
        await client.receive()
        with pytest.raises(ValueError, match="exceeds 400"):
            await client.send(append_of(b"y" * 400))
        client.close()


async def test_nobody_listening_says_so(tmp_path: Path) -> None:
    with pytest.raises(ChannelClosedError, match="nobody listens on s"):
        await connect(CHANNELS.log, tmp_path / "s")


async def test_a_listener_that_takes_nobody_is_as_good_as_none(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as busy:
        busy.bind(str(tmp_path / "s"))
        busy.listen(0)
        first = await reach(CHANNELS.log, tmp_path / "s")
        with pytest.raises(ChannelClosedError):
            await reach(CHANNELS.log, tmp_path / "s")
        first.close()


async def test_a_raw_connection_is_handed_over_with_who_is_at_its_other_end(tmp_path: Path) -> None:
    got: list[tuple[bytes, int]] = []

    async def handler(end: socket.socket, peer: Peer) -> None:
        got.append((await asyncio.get_running_loop().sock_recv(end, 10), peer.uid))

    async with listen(CHANNELS.vision, tmp_path / "s", handler):
        end = await reach(CHANNELS.vision, tmp_path / "s")
        await asyncio.get_running_loop().sock_sendall(end, b"picture")
        assert await asyncio.get_running_loop().sock_recv(end, 1) == b""
        end.close()
    assert [word for word, _ in got] == [b"picture"]


async def test_a_server_that_ends_hangs_up_on_everybody(tmp_path: Path) -> None:
    async with serve(CHANNELS.log, tmp_path / "s", _answer_all([])):
        client = await connect(CHANNELS.log, tmp_path / "s")
        await client.send(APPEND)
        await client.receive()
    with pytest.raises(ChannelClosedError):
        await client.receive()
    assert not (tmp_path / "s").exists()
