"""The real central server in memory: its application, database and keys, without sockets or TLS.

`Bench` has one enrolled gate. `transport` speaks as the holder of any certificate, or of none.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import sqlalchemy as sa
from core_fakes.sealed_log import GateLog, SealedLog, crossing
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gate_central import authority
from gate_central.app import make_app
from gate_central.authority import Authority
from gate_central.database import open_database
from gate_central.enrolment import Enrolment
from gate_central.evidence import Evidence
from gate_central.key_erasure import Erasures
from gate_central.ledger import Ledger
from gate_central.mirror import Mirror
from gate_central.roster import Gate, Roster
from gate_core.audit_format.note import Algorithm, Signer, Verifier
from gate_core.mirror_client.https import Courier
from gate_core.mirror_client.mirror_state import Receipt
from gate_core.mirror_client.round import Client
from gate_core.mirror_client.spool import SpoolLog
from gate_core.mirror_client.wire import Request, Response

NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)
GATE_ID = "gate-0001"


_open_engines: list[sa.Engine] = []


def close_databases() -> None:
    """Close what tests opened; conftest.py calls it after each."""
    while _open_engines:
        _open_engines.pop().dispose()


class Clock:
    """Stands still until told otherwise."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Server:
    """The parts of a central server."""

    roster: Roster
    ledger: Ledger
    evidence: Evidence
    mirror: Mirror
    signer: Signer
    authority: Authority
    clock: Clock
    app: Any
    updates: Path | None = None
    erasures: Erasures | None = None
    heed: Callable[[Gate, bytes], int] = lambda *_: 0
    canary: Callable[[str], str | None] = lambda _: None

    @classmethod
    def over(cls, url: str, updates: Path | None = None, *, signer: Signer | None = None) -> Server:
        engine, clock = open_database(url), Clock()
        _open_engines.append(engine)
        roster, ledger, evidence = Roster(engine), Ledger(engine), Evidence(engine)
        signer = signer or Signer.generate("central.example/mirror", Algorithm.COSIGNATURE_V1)
        root = authority.found("central.example", NOW)
        mirror = Mirror(ledger, evidence, signer, clock)
        server = cls(roster, ledger, evidence, mirror, signer, root, clock, None, updates)
        server.show([root.certificate])
        return server

    def show(self, certificates: Sequence[x509.Certificate], mirror_handovers: Sequence[bytes] = ()) -> None:
        """Start anew with other authorities, and other words of the mirror's keys."""
        enrolment = Enrolment(
            roster=self.roster,
            authority=self.authority,
            shown=certificates,
            mirror=self.signer.verifier,
            mirror_handovers=mirror_handovers,
            now=self.clock,
        )
        self.app = make_app(
            roster=self.roster,
            mirror=self.mirror,
            enrolment=enrolment,
            now=self.clock,
            updates=self.updates,
            erasures=self.erasures,
            heed=self.heed,
            canary=self.canary,
        )

    def enrol(self, log: Verifier, device: str = GATE_ID) -> x509.Certificate:
        certificate = authority.issue_device(self.authority, device, authority.new_key().public_key(), NOW)
        token = self.roster.new_token(device, int(NOW.timestamp()) + 60)
        self.roster.enrol(
            token,
            device,
            log,
            certificate=authority.fingerprint(certificate),
            now_s=int(NOW.timestamp()),
            at="2026-11-25T10:00:00.000Z",
        )
        return certificate

    def transport(self, certificate: x509.Certificate | None) -> httpx2.AsyncBaseTransport:
        chain = [] if certificate is None else [certificate.public_bytes(Encoding.PEM).decode()]

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await self.app({**scope, "extensions": {"tls": {"client_cert_chain": chain}}}, receive, send)

        return httpx2.ASGITransport(app)


class Bench:
    """A gate's log and a central server that knows the gate."""

    def __init__(self, folder: Path, url: str | None = None, log: GateLog | None = None) -> None:
        folder.mkdir(exist_ok=True)
        self.log: GateLog = log or SealedLog(folder)
        self.server = Server.over(url or f"sqlite:///{folder / 'central.sqlite'}")
        self.certificate = self.server.enrol(self.log.signer.verifier)
        self.client = self.new_client()
        self.travellers = 0
        self.sent: list[Request] = []

    @property
    def origin(self) -> str:
        return self.log.signer.verifier.name

    @property
    def gate(self) -> Gate:
        found = self.server.roster.find(GATE_ID)
        assert found is not None
        return found

    def new_client(self) -> Client:
        return Client(SpoolLog(self.log.spool), self.origin, self.server.signer.verifier)

    def grow(self, travellers: int = 1) -> int:
        """Log some travellers, publish once, and return the log's size."""
        batch = [record for one in range(travellers) for record in crossing(f"c{self.travellers + one}")]
        self.travellers += travellers
        self.log.write(batch)
        return 5 * self.travellers

    async def ask(self, request: Request, certificate: x509.Certificate | None = None) -> Response:
        async with Courier("central.example", None, self.server.transport(certificate or self.certificate)) as courier:
            return await courier.send(request)

    async def ask_one_of_before(self, request: Request) -> Response:
        """Ask a server of before a round was one request."""
        return Response(404, "text/plain", b"Not Found") if request.path == "/round" else await self.ask(request)

    async def round(self, meddle: Callable[[Request], Coroutine[Any, Any, Response]] | None = None) -> Receipt | None:
        """Do a round over the real application; `meddle` answers in its stead."""
        conversation, response = self.client.round(), None
        self.sent = []
        try:
            while True:
                request = next(conversation) if response is None else conversation.send(response)
                self.sent.append(request)
                response = await (meddle or self.ask)(request)
        except StopIteration as end:
            receipt: Receipt | None = end.value
            return receipt
        finally:
            conversation.close()
