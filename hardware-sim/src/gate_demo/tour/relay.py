"""Shows a page of the gate in a frame of the tour: a relay on its own loopback port.

The gate's pages forbid framing, in a demo as in service, and no setting permits it. The relay forwards a page to its
frame and permits only the tour's page to frame it. A request with another host, or from another page, is forwarded
unchanged, and the page's server refuses it. The relay is part of the simulator's package, never of a gate.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final

from gate_core.programs.task_groups import run_until_first_exits

HEAD_BYTES_MAX: Final = 32 * 1024
CONNECTIONS_MAX: Final = 64  # a further one is closed at once
HEAD_S: Final = 60.0  # a browser may open a connection before it has a request
PIECE_BYTES: Final = 64 * 1024
HOST: Final = "127.0.0.1"
NOBODY: Final = b"frame-ancestors 'none'"


@dataclass(frozen=True, slots=True)
class Server:
    """A server of pages on loopback: its port, and its host name."""

    port: int
    called: str


class Relay:
    """Serves `localhost:port` from `server`, and the paths of `aside` from others; `framed_by` is the tour's origin."""

    def __init__(self, port: int, server: Server, *, framed_by: str, aside: Mapping[str, Server] | None = None) -> None:
        self._port = port
        self._called = f"localhost:{port}"
        self._server = server
        self._framed_by = framed_by
        self._aside = dict(aside or {})
        self._serving: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve during the block. Raises OSError when the port is not available."""
        listening = await asyncio.start_server(self._came, HOST, self._port, limit=HEAD_BYTES_MAX)
        try:
            yield
        finally:
            listening.close()  # this also closes its socket; from Python 3.12 on, wait_closed would wait for every connection
            for task in self._serving:
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)

    def _came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._serving) >= CONNECTIONS_MAX:
            writer.close()
            return
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one request; any error ends the connection."""
        with (
            contextlib.closing(writer),
            contextlib.suppress(OSError, TimeoutError, EOFError, asyncio.LimitOverrunError),
        ):
            async with asyncio.timeout(HEAD_S):
                head = await reader.readuntil(b"\r\n\r\n")
            server = self._aside.get(path_of(head), self._server)
            theirs, ours = await asyncio.open_connection(HOST, server.port, limit=HEAD_BYTES_MAX)
            with contextlib.closing(ours):
                ours.write(request(head, called=self._called, there=server.called))
                await run_until_first_exits(_pass_on(reader, ours), self._answer(theirs, writer))

    async def _answer(self, theirs: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(await theirs.readuntil(b"\r\n\r\n"), framed_by=self._framed_by))
        await _pass_on(theirs, writer)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(PIECE_BYTES):
        writer.write(piece)
        await writer.drain()


def path_of(head: bytes) -> str:
    """Return the path of a request, empty when it is not one."""
    words = head.split(b"\r\n", 1)[0].split(b" ")
    return words[1].split(b"?", 1)[0].decode("ascii", "replace") if len(words) == 3 else ""


def request(head: bytes, *, called: str, there: str) -> bytes:
    """Return a request's head for the page's server: with its host for the relay's, and one request a connection."""
    lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    names = {
        b"host": (called.encode(), there.encode()),
        b"origin": (f"http://{called}".encode(), f"http://{there}".encode()),
    }
    kept = [lines[0]]
    upgrades = False
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        name, value = name.strip().lower(), value.strip()
        if name == b"connection":
            upgrades = value.lower() == b"upgrade"
            continue
        was, now = names.get(name, (None, b""))
        kept.append(name + b": " + (now if value == was else value))
    kept.append(b"connection: " + (b"upgrade" if upgrades else b"close"))
    return b"\r\n".join(kept) + b"\r\n\r\n"


def answer(head: bytes, *, framed_by: str) -> bytes:
    """Return an answer's head for the browser, with permission for the tour's page to frame it."""
    lines = head.split(b"\r\n")
    return b"\r\n".join(
        line.replace(NOBODY, f"frame-ancestors {framed_by}".encode())
        if line.lower().startswith(b"content-security-policy:")
        else line
        for line in lines
    )
