"""Gates on the console connection, for tests of either end: the real `screens` program over real sockets, with a lane that says what it is told.

`console_gate` runs one; `Console` makes a console's key and certificate, and the `Gate` that watches one.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fakes.ports import free_port
from fakes.screens_peers import FakeLane, view

from gate.channel.message import Status
from gate.channel.order_messages import Look, LookWanted, OrderAnswer, SubmitOrder, ToOrders, Waiting
from gate.channel.sockets import Connection, serve
from gate.channel.table import CHANNELS
from gate.passage.names import Outcome
from gate.programs.screens.console_api import LIMITS
from gate.programs.screens.program import Screens
from gate.programs.shared.config import Config, parse
from gate.programs.shared.consoles import console_key
from gate.programs.shared.status import serve_status
from gate_core import pinned_certificates
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.screen import Screen
from gate_core.http_server.connections import ConnectionLimits
from gate_officers.console.config import GateEntry
from gate_officers.console.gates import Gate

DEADLINE_S = 8.0


class FakeDesk:
    """A lane's channel of orders: looks with the fields in `shows`, and every order answered with `answer`. With `mute` it says nothing."""

    def __init__(self, gate: str, path: Path) -> None:
        self._path = path
        self.shows: dict[str, Any] = {
            "gate": gate,
            "officers": True,
            "state": "idle",
            "running": None,
            "referred": [],
            "closed_by": None,
            "issued_ms": 81_234,
            "nonce": "3b559c353198b5dee94a27a54bf49870",
            "version": 3,
        }
        self.answer = OrderAnswer(outcome=Outcome.DONE, detail="granted", state="granted", referred=[])
        self.orders: list[bytes] = []
        self.looks = 0
        self.mute = False
        self.slow = asyncio.Event()  # cleared, orders wait
        self.slow.set()

    def refer(self, crossing: str, *reasons: Reason) -> None:
        """A traveller is referred."""
        waiting = Waiting(crossing=crossing, objections=[Objection(reason) for reason in reasons])
        self.shows |= {"state": "referred", "referred": [*self.shows["referred"], waiting]}

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[FakeDesk]:
        """Listen until the block ends."""
        async with serve(CHANNELS.orders, self._path, self._handle):
            yield self

    async def _handle(self, connection: Connection[ToOrders]) -> None:
        async for message in connection:
            if self.mute:
                continue
            match message:
                case LookWanted():
                    self.looks += 1
                    await connection.send(Look(**self.shows))
                case SubmitOrder(order):
                    self.orders.append(order)
                    await self.slow.wait()
                    await connection.send(self.answer)


@dataclass
class ConsoleGate:
    """A gate that serves consoles. `status` is what its lane says of itself."""

    config: Config
    lane: FakeLane
    desk: FakeDesk
    entry: GateEntry
    screens: Screens
    status: dict[str, Any] = field(default_factory=lambda: {"state": "idle", "in_service": True})

    @property
    def port(self) -> int:
        """Of the console connection."""
        return int(self.entry.address.rpartition(":")[2])

    def detail(self) -> dict[str, Any]:
        """What the screens program says of its console connection in its status."""
        told: Any = self.screens.status().detail["console"]
        return dict(told)

    def streams(self) -> int:
        """How many consoles watch."""
        return int(self.detail()["streams"])

    async def refer(self, crossing: str, *reasons: Reason) -> None:
        """A traveller is referred, and the screens are told."""
        self.desk.refer(crossing, *reasons)
        await self.lane.show(view(Screen.OFFICER, referred=crossing))


def console_config(folder: Path, gate_id: str, certificates: Path) -> Config:
    """A gate's configuration with a console connection on a free port."""
    return parse(
        {
            "purpose": "demo",
            "gate_id": gate_id,
            "operator": "border.example",
            "paths": {"run": str(folder), "state": str(folder / "state")},
            "barrier": {"port": "none"},
            "swipe": {"port": "nothing"},
            "camera": {"address": "http://127.0.0.1:9/"},
            "audit": {"recipients": ["none"]},
            "screens": {"port": free_port()},
            "console": {"address": f"127.0.0.1:{free_port()}", "certificates": str(certificates)},
        }
    )


@contextlib.asynccontextmanager
async def console_gate(
    folder: Path,
    certificates: Path,
    gate_id: str = "north-7",
    *,
    limits: ConnectionLimits = LIMITS,
    listens: bool = True,
) -> AsyncIterator[ConsoleGate]:
    """A gate that the consoles of this file may connect to, until the block ends. The folder's name is short: sockets lie in it.

    Without `listens` it cannot serve consoles yet.
    """
    config = console_config(folder, gate_id, certificates)
    stop = asyncio.Event()
    async with (
        FakeLane(config.socket("lane"), first=view(Screen.WELCOME)).run() as lane,
        FakeDesk(gate_id, config.socket("orders")).run() as desk,
    ):
        assert config.console is not None
        entry = GateEntry(address=config.console.address, key=console_key(config).fingerprint)
        screens = Screens(config, boot="boot1", console_limits=limits)
        made = ConsoleGate(config, lane, desk, entry, screens)
        async with serve_status(config, "lane", lambda: Status("lane", "ready", made.status)):
            running = asyncio.ensure_future(screens.run(stop))
            try:
                await until(lambda: running.done() or _listens(made.port if listens else config.screens.port))
                yield made
            finally:
                stop.set()
                async with asyncio.timeout(DEADLINE_S):
                    await running


def _listens(port: int) -> bool:
    """True when somebody does, without a connection to them."""
    return any(
        line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
    )


async def until(is_so: Callable[[], object]) -> None:
    """Wait for it. Raises TimeoutError."""
    async with asyncio.timeout(DEADLINE_S):
        while not is_so():  # noqa: ASYNC110 - whatever the test looks at
            await asyncio.sleep(0.01)


def tls(identity: Path | None) -> ssl.SSLContext:
    """TLS of somebody who shows this certificate, or none, and asks for none in particular."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if identity is not None:
        context.load_cert_chain(identity)
    return context


class Console:
    """A console's own files in a folder: `identity`, and `certificate`, which a gate is given."""

    def __init__(self, folder: Path, name: str = "console-1") -> None:
        self.identity, self.certificate = folder / f"{name}.pem", folder / f"{name}.crt"
        self.certificate.write_text(pinned_certificates.make(self.identity, name))

    def tls(self) -> ssl.SSLContext:
        """TLS as this console speaks it, to whoever is there."""
        return tls(self.identity)

    @contextlib.asynccontextmanager
    async def watching(self, gate_id: str, entry: GateEntry) -> AsyncIterator[Gate]:
        """A gate as this console has it."""
        gate = Gate(gate_id, entry, self.identity, on_change=lambda: None)
        running = asyncio.ensure_future(gate.run())
        try:
            yield gate
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
