"""The central server of the soak: the real application and database in this process, on the soak's clock, without TLS.

It can be away, answer as an earlier version, and issue certificates that have part of their life behind them.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import httpx2

from gate.device_certificate.authorities import to_pem
from gate.device_certificate.device import CACERTS, Identity, Wanted
from gate.provision import enrolment as asking
from gate_central import folder as folders
from gate_central.app import make_app
from gate_central.database import open_database
from gate_central.enrolment import Enrolment
from gate_central.mirror import Mirror
from gate_central.server_context import ServerContext
from gate_core.mirror_client.https import Courier

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gate.device_certificate.authorities import Certificates

NAME: Final = "centre.example"
ADDRESS: Final = f"{NAME}:443"
CERTIFICATE_DAYS: Final = 90
# What the central server of commit 948dae94 (2026-11-27) did not have: a log came there request by request.
NEWER: Final = ("/round", "/receipt", "/held", "/erasure", "/expired")
TOKEN_S: Final = 3_600
SETTINGS: Final = "[kept]\ncrossings_days = {}\nothers_days = 183\n"


class Centre:
    """A central server in `folder`. `is_away`, `is_earlier` and `issued_ago_days` may change at any time."""

    def __init__(self, folder: Path, now: Callable[[], datetime], *, crossings_days: int) -> None:
        folders.init(folder, NAME, now(), SETTINGS.format(crossings_days).encode())
        self.folder, self._now = folder, now
        self._engine = open_database(folders.database_url(folder, None))
        self.server = ServerContext(folder, self._engine, now)
        self.is_away = self.is_earlier = False
        self.issued_ago_days = 0.0  # how much of its life a new certificate has behind it
        self.uploads_in_parts = 0
        held, server = self.server.folder, self.server
        self._app = make_app(
            roster=server.roster,
            mirror=Mirror(server.ledger, server.evidence, held.mirror, now),
            enrolment=Enrolment(
                roster=server.roster,
                authority=held.authority,
                shown=held.shown,
                mirror=held.mirror.verifier,
                mirror_handovers=held.mirror_handovers,
                now=lambda: now() - timedelta(days=self.issued_ago_days),
            ),
            now=now,
            heed=server.retention.heed,
        )

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    @property
    def authority(self) -> Path:
        """Return the file of the authority's certificate."""
        return self.folder / folders.AUTHORITY_CERTIFICATE

    def token(self, gate_id: str) -> str:
        """Make a one-time token for this gate."""
        return self.server.roster.new_token(gate_id, int(self._now().timestamp()) + TOKEN_S)

    def courier(self, identity: Path) -> Courier:
        """Return a connection with the certificate of this identity. As TLS would, it refuses an expired one."""
        return Courier(ADDRESS, None, self._transport(identity))

    def enrol(
        self,
        address: str,
        authorities: Certificates,
        wanted: Wanted,
        *,
        token: Callable[[], str],
        log_vkey: str,
        now: Callable[[], datetime],
    ) -> asking.Enrolled:
        """Enrol a gate: `gate.provision.enrolment.enrol` without a network, and from another thread than the loop's."""

        async def ask() -> asking.Enrolled:
            async with httpx2.AsyncClient(transport=self._transport(None), base_url=f"https://{address}") as client:
                shown = await client.get(CACERTS)
                whom = asking.read_authorities(asking.Answer(shown.status_code, shown.content), authorities, now())
                told = asking.headers(gate_id=wanted.gate_id, token=token(), log_vkey=log_vkey)
                made = await client.post(asking.ENROL, headers=told, content=wanted.signing_request)
                key = made.headers.get(asking.MIRROR_KEY_HEADER, "")
                return asking.read_answer(asking.Answer(made.status_code, made.content, key), wanted, whom, now())

        return asyncio.run(ask())

    def _transport(self, identity: Path | None) -> httpx2.AsyncBaseTransport:
        certificate = None if identity is None else Identity.load(identity).certificate
        chain = [] if certificate is None else [to_pem((certificate,)).decode()]

        async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's own types
            path = scope["path"]
            if self.is_away:
                raise httpx2.ConnectError("the central server is away")
            if certificate is not None and certificate.not_valid_after_utc <= self._now():
                raise httpx2.ConnectError("the certificate has expired")
            self.uploads_in_parts += path == "/add-entries"
            scope = {**scope, "extensions": {"tls": {"client_cert_chain": chain}}}
            if self.is_earlier and path in NEWER:
                scope = {**scope, "path": "/not-found", "raw_path": b"/not-found"}
            await self._app(scope, receive, send)

        return httpx2.ASGITransport(app)
