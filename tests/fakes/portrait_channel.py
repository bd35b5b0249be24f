"""A document child's end of a portrait's way, for tests of vision and of its face child."""

from __future__ import annotations

import socket

from gate.channel.sockets import reach
from gate.channel.table import CHANNELS
from gate.programs.children import fd_passing, portraits
from gate.programs.shared.config import Config


async def send_portrait(config: Config, crossing: str, image: bytes, *, encoding: str = "jpeg") -> None:
    """What lane and document child do together: ask vision for a way, address it, write the portrait."""
    end = await reach(CHANNELS.portraits, config.socket("portraits"))
    end.sendall(fd_passing.written(fd_passing.ToCrossing(crossing)))
    await portraits.send(end, encoding, image)


async def send_to(way: socket.socket, image: bytes, *, encoding: str = "jpeg") -> None:
    """Hand a way to the face child at the other end of `way`, as vision does, and write the portrait."""
    ours, theirs = socket.socketpair()
    socket.send_fds(way, [fd_passing.CHIP_PORTRAIT], [theirs.fileno()])
    theirs.close()
    ours.setblocking(False)
    await portraits.send(ours, encoding, image)


async def lines_through_vision(config: Config, page: int) -> list[list[str]]:
    """The lines of a page, as a document child gets them."""
    end = await reach(CHANNELS.portraits, config.socket("portraits"))
    end.sendall(fd_passing.written(fd_passing.OfPage(page)))
    return await fd_passing.receive_lines(end)
