"""Where a program says how it is: its own channel, beside those of its work."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from gate.channel.messages import Status, StatusRequest
from gate.channel.sockets import Connection, serve
from gate.channel.table import CHANNELS
from gate.programs.shared.config import Config


def serve_status(config: Config, program: str, status: Callable[[], Status]) -> AbstractAsyncContextManager[None]:
    """Answer every request with what `status` gives then. Raises NoPlaceError."""
    channel = CHANNELS.status(program)

    async def answer(connection: Connection[StatusRequest]) -> None:
        async for _ in connection:
            await connection.send(status())

    return serve(channel, config.socket(channel.name), answer)
