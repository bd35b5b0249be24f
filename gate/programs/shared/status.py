"""Where a program says how it is, its own channel beside those of its work; and how it is asked."""

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
    """Answer every request with what `status` gives then. Raises NoPlaceError."""
    channel = status_row(program)

    async def answer(connection: Connection[StatusRequest]) -> None:
        async for _ in connection:
            await connection.send(status())

    return serve(channel, config.socket_of(channel), answer)


async def hear_all(config: Config) -> ProgramStatus:
    """Have every program of this gate say how it is."""
    answers = await asyncio.gather(*(hear(config, name) for name in config.programs))
    return ProgramStatus.of(dict(zip(config.programs, answers, strict=True)))


async def hear(config: Config, program: str, *, pid: int | None = None) -> Status | Silence:
    """Ask a program how it is. Another process than `pid` that listens in its place says nothing of it."""
    return await hear_at(program, config.socket_of(status_row(program)), pid=pid)


async def hear_at(program: str, socket: Path, *, pid: int | None = None) -> Status | Silence:
    """The same where its socket is known."""
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
