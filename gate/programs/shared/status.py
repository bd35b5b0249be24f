"""Serves a program's status on its own channel, and requests the status of others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from gate.channel.errors import ChannelError
from gate.channel.message import Status, StatusRequest
from gate.channel.row import status_row
from gate.channel.sockets import Connection, connect, serve
from gate.programs.shared.config import Config
from gate.programs.shared.program_status import ProgramStatus, Silence
from gate.programs.shared.status_client import DEADLINE_S, silence_of


def serve_status(config: Config, program: str, status: Callable[[], Status]) -> AbstractAsyncContextManager[None]:
    """Answer each request with the result of `status()`. Raises NoPlaceError."""
    channel = status_row(program)

    async def answer(connection: Connection[StatusRequest]) -> None:
        async for _ in connection:
            await connection.send(status())

    return serve(channel, config.socket_of(channel), answer)


async def hear_all(config: Config) -> ProgramStatus:
    """Request the status of every program of this gate."""
    answers = await asyncio.gather(*(hear(config, name) for name in config.programs))
    return ProgramStatus.of(dict(zip(config.programs, answers, strict=True)))


async def hear(config: Config, program: str, *, pid: int | None = None) -> Status | Silence:
    """Request a program's status. If `pid` is given, an answer of another process counts as none."""
    return await hear_at(program, config.socket_of(status_row(program)), pid=pid)


async def hear_at(program: str, socket: Path, *, pid: int | None = None) -> Status | Silence:
    """As `hear`, with the socket's path."""
    channel = status_row(program)
    try:
        async with asyncio.timeout(DEADLINE_S):
            connection = await connect(channel, socket)
            try:
                if pid is not None and connection.peer.pid != pid:
                    return Silence.AWAY
                await connection.send(StatusRequest())
                answer = await connection.receive()
            finally:
                connection.close()
    except ChannelError as error:
        return silence_of(error)
    except TimeoutError:
        return Silence.AWAY
    return answer
