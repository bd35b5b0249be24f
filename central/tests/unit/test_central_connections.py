"""Who may hold a connection to the central server: a real server on loopback with small limits."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gate_central import authority, folder
from gate_central.https_listener import listen
from gate_central.https_listener import server as server_of
from gate_core.http_server.connections import ConnectionLimits

QUICK = ConnectionLimits(
    unsecured_max=4,
    handshake_s=0.5,
    strangers_max=3,
    stranger_s=1.0,
    a_holder_max=2,
    first_s=0.4,
    idle_s=2.0,
    goodbye_s=0.2,
    requests_max=3,
)


@dataclass(eq=False)
class LoopbackServer:
    """A server with an application that answers at once, or waits for `let_go` on `/wait`."""

    port: int
    folder: Path
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    lines: list[Line] = field(default_factory=list)

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        if scope["path"] == "/wait":
            await self.let_go.wait()
        body = b"known" if scope["extensions"]["tls"]["client_cert_chain"] else b"stranger"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})

    @functools.cache  # noqa: B019 - lives for a test
    def context(self, name: str | None) -> ssl.SSLContext:
        """TLS as a gate of that name, or as a stranger."""
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        if name is not None:
            context.load_cert_chain(*_certificate(self.folder, name))
        return context

    async def call(self, name: str | None = None) -> Line:
        """A connection with TLS, as a gate of that name or as a stranger."""
        return await self._connect(ssl=self.context(name), server_hostname="127.0.0.1")

    async def call_without_tls(self) -> Line:
        """A connection that begins no handshake."""
        return await self._connect()

    async def _connect(self, **more: Any) -> Line:
        line = Line(*await asyncio.open_connection("127.0.0.1", self.port, **more))
        self.lines.append(line)
        return line


@dataclass
class Line:
    """One connection to it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, text: bytes) -> None:
        self.writer.write(text)
        with contextlib.suppress(OSError):
            await self.writer.drain()

    async def ask(self, path: bytes = b"/") -> bytes:
        await self.say(b"GET " + path + b" HTTP/1.1\r\nhost: x\r\n\r\n")
        return await self.answer()

    async def answer(self) -> bytes:
        """The status and the body; nothing when the connection ended."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
            body = await self.reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
        except (asyncio.IncompleteReadError, OSError):
            return b""
        return head.split(b" ")[1] + b" " + body

    async def ended(self) -> None:
        """Wait until the server hangs up. Raises TimeoutError."""
        async with asyncio.timeout(10):
            with contextlib.suppress(OSError):
                while await self.reader.read(100):
                    pass


def _certificate(central: Path, name: str) -> tuple[str, str]:
    """A client certificate of the server's authority."""
    files = (central / f"{name}.pem", central / f"{name}.key")
    if not files[0].exists():
        key = authority.new_key()
        made = authority.issue_device(folder.load(central).authority, name, key.public_key(), datetime.now(UTC))
        files[0].write_bytes(made.public_bytes(Encoding.PEM))
        files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return str(files[0]), str(files[1])


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("central") / "central"
    folder.init(made, "127.0.0.1", datetime.now(UTC))
    return made


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110 - a flag of somebody else's
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def serving(central: Path, limits: ConnectionLimits = QUICK) -> AsyncIterator[LoopbackServer]:
    listener = listen("127.0.0.1", 0)
    loopback = LoopbackServer(listener.getsockname()[1], central)
    server = server_of(loopback, central, listener, limits)
    running = asyncio.ensure_future(server.serve(sockets=[]))
    try:
        await until(lambda: server.started)
        yield loopback
    finally:
        loopback.let_go.set()
        server.should_exit = True
        await running
        for line in loopback.lines:
            line.writer.transport.abort()
        await asyncio.sleep(0.01)


async def test_a_gate_is_answered_and_keeps_its_connection_between_requests(central: Path) -> None:
    async with serving(central) as loopback:
        gate, stranger = await loopback.call("gate-0001"), await loopback.call()
        assert await gate.ask() == b"200 known"
        assert await stranger.ask() == b"200 stranger"
        await asyncio.sleep(QUICK.first_s * 2)
        assert await gate.ask() == b"200 known", "between requests it may be silent for longer than before the first"


@pytest.mark.parametrize("name", [None, "gate-0001"])
async def test_who_asks_nothing_is_hung_up_on(central: Path, name: str | None) -> None:
    async with serving(central) as loopback:
        line = await loopback.call(name)
        await line.ended()


@pytest.mark.parametrize("asked", [False, True], ids=["first request", "later request"])
async def test_a_byte_now_and_then_is_no_request(central: Path, *, asked: bool) -> None:
    async with serving(central) as loopback:
        line = await loopback.call("gate-0001")
        if asked:
            assert await line.ask() == b"200 known"

        async def trickle() -> None:
            await line.say(b"GET / HTTP/1.1\r\n")
            while True:
                await line.say(b"x: y\r\n")
                await asyncio.sleep(0.05)

        trickling = asyncio.ensure_future(trickle())
        await line.ended()
        trickling.cancel()


async def test_a_gate_that_is_silent_for_long_after_its_answer_is_hung_up_on(central: Path) -> None:
    async with serving(central) as loopback:
        line = await loopback.call("gate-0001")
        assert await line.ask() == b"200 known"
        await line.ended()


async def test_a_strangers_time_is_up_even_in_the_middle_of_a_request(central: Path) -> None:
    async with serving(central) as loopback:
        line = await loopback.call()
        await line.say(b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n")
        await line.ended()
        gate = await loopback.call("gate-0001")
        await gate.say(b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n")
        await asyncio.sleep(QUICK.stranger_s + 0.3)
        loopback.let_go.set()
        assert await gate.answer() == b"200 known"


async def test_a_crowd_before_tls_keeps_nobody_out(central: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(central, ConnectionLimits(unsecured_max=4, handshake_s=60)) as loopback:
        crowd = [await loopback.call_without_tls() for _ in range(20)]
        gate = await loopback.call("gate-0001")
        assert await gate.ask() == b"200 known"
        await until(lambda: sum(one.reader.at_eof() for one in crowd) >= 16)  # the oldest had to go
        assert not crowd[-1].reader.at_eof()
        assert caplog.messages.count("door_crowded") == 1


async def test_who_never_begins_tls_is_hung_up_on(central: Path) -> None:
    async with serving(central) as loopback:
        silent, noisy = await loopback.call_without_tls(), await loopback.call_without_tls()
        await noisy.say(b"GET / HTTP/1.1\r\n\r\n")
        await noisy.ended()
        await silent.ended()
        assert await (await loopback.call()).ask() == b"200 stranger"


async def test_a_crowd_of_strangers_keeps_no_gate_and_no_other_stranger_out(central: Path) -> None:
    async with serving(central, ConnectionLimits(strangers_max=3)) as loopback:
        gate = await loopback.call("gate-0001")
        assert await gate.ask() == b"200 known"
        crowd = [await loopback.call() for _ in range(12)]
        assert await gate.ask() == b"200 known"
        assert await (await loopback.call("gate-0002")).ask() == b"200 known"
        assert await (await loopback.call()).ask() == b"200 stranger"
        await crowd[0].ended()


async def test_more_gates_than_255_keep_a_connection_each(central: Path) -> None:
    async with serving(central, ConnectionLimits(a_holder_max=260)) as loopback:
        gates = [await loopback.call("gate-0001") for _ in range(257)]
        assert {await one.ask() for one in gates} == {b"200 known"}
        assert {await one.ask() for one in gates} == {b"200 known"}


async def test_more_requests_than_can_be_served_are_to_try_later(central: Path) -> None:
    async with serving(central) as loopback:
        waiting = [await loopback.call(f"gate-000{number}") for number in range(1, 5)]
        for one in waiting[:3]:
            await one.say(b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n")
        await asyncio.sleep(0.1)
        assert await waiting[3].ask() == b"503 too many requests at once; try later\n"
        loopback.let_go.set()
        assert [await one.answer() for one in waiting[:3]] == [b"200 known"] * 3
        assert await waiting[3].ask() == b"200 known"


async def test_a_server_that_ends_finishes_what_is_under_way(central: Path) -> None:
    async with serving(central) as loopback:
        line = await loopback.call("gate-0001")
        await line.say(b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n")
        await asyncio.sleep(0.1)
        answer = asyncio.ensure_future(line.answer())
    assert await answer == b"200 known"
    with pytest.raises(OSError, match="Connect"):
        await loopback.call()
