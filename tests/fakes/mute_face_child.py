"""A face child that is prepared and says that it lives, and answers nothing else: its socket is open, its work stands still."""

from __future__ import annotations

import asyncio
import os
import socket

from gate.channel import messages
from gate.channel.sockets import CHILD_BYTES_MAX, adopt


async def serve() -> None:
    parent = await adopt(socket.socket(fileno=os.dup(0)), incoming=messages.ToChild, bytes_max=CHILD_BYTES_MAX)
    assert isinstance(await parent.receive(), messages.Prepare)
    await parent.send(messages.Prepared({}))
    while True:
        await parent.send(messages.Alive())
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    asyncio.run(serve())
