"""What sync does for the gate's identity: it renews, follows authorities and the mirror's keys, and believes no lie of a server."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from central_fakes.server import GATE_ID, NOW, Server
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from fakes.audit_logs import ORIGIN

from gate.audit.inbox import MirrorKeys as LogsMirrorKeys
from gate.device_certificate.authorities import fingerprint
from gate.device_certificate.device import AUTHORITIES, DEVICE, Identity, write_authorities
from gate.programs.sync.upkeep import MirrorKeys, Upkeep
from gate_central import authority, folder
from gate_central.authority import Authority
from gate_core.audit_format.note import Algorithm, Signer
from gate_core.audit_format.statements import hand_over
from gate_core.mirror_client.https import Courier
from gate_core.mirror_client.wire import Request

Meddle = Callable[[httpx2.Request, httpx2.Response], httpx2.Response]
REENROL = "/.well-known/est/simplereenroll"
CACERTS = "/.well-known/est/cacerts"


class _Meddling(httpx2.AsyncBaseTransport):
    """The real server, and whoever changes what it says."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, meddle: Meddle) -> None:
        self._inner = inner
        self._meddle = meddle

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return self._meddle(request, await self._inner.handle_async_request(request))


class Gate:
    """A gate that is enrolled at a server in memory. `meddle` changes the server's answers."""

    def __init__(self, place: Path) -> None:
        self.server = Server.over(f"sqlite:///{place / 'central.sqlite'}")
        self.place = place
        key = authority.new_key()
        first = authority.issue_device(self.server.authority, GATE_ID, key.public_key(), NOW)
        token = self.server.roster.new_token(GATE_ID, int(NOW.timestamp()) + 60)
        log = Signer.generate(ORIGIN).verifier
        self.server.roster.enrol(
            token, GATE_ID, log, certificate=authority.fingerprint(first), now_s=int(NOW.timestamp()), at="now"
        )
        (place / DEVICE).write_bytes(folder.server_pem(key, first))
        write_authorities(place / AUTHORITIES, (self.server.authority.certificate,))
        (place / "inbox").mkdir()
        self.meddle: Meddle = lambda _, response: response
        self.keys = MirrorKeys(self.server.signer.verifier, place / "inbox")
        self.upkeep = Upkeep(
            place, GATE_ID, connect=self.connect, now=self.server.clock, mirror_keys=self.keys, every_s=0.0
        )

    def connect(self, authorities: Path) -> Courier:
        """Trusts whom the file names: a server whose issuing authority is not among them is no server."""
        pem = authorities.read_bytes()
        known = self.serves_under.public_bytes(Encoding.PEM) in pem
        shown = x509.load_pem_x509_certificate((self.place / DEVICE).read_bytes())
        inner = self.server.transport(shown) if known else httpx2.MockTransport(_no_tls)
        return Courier("central.example", None, _Meddling(inner, self.meddle))

    @property
    def serves_under(self) -> x509.Certificate:
        """The authority of the server's own certificate."""
        return getattr(self, "_serves_under", self.server.authority.certificate)

    @serves_under.setter
    def serves_under(self, root: x509.Certificate) -> None:
        self._serves_under = root

    def after(self, days: int) -> None:
        self.server.clock.now = NOW + timedelta(days=days)

    async def look(self) -> bool:
        async with self.upkeep.courier() as courier:
            return await self.upkeep.look(courier)

    def device(self) -> bytes:
        return (self.place / DEVICE).read_bytes()

    @property
    def problem(self) -> object:
        detail = self.upkeep.detail()
        assert detail is not None
        return detail["problem"]


def _no_tls(_: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError("certificate verify failed")


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path)


async def test_it_is_renewed_at_two_thirds_and_not_before(gate: Gate) -> None:
    before = gate.device()
    gate.after(59)
    assert not await gate.look()
    assert gate.device() == before
    gate.after(61)
    assert await gate.look()
    assert gate.device() != before
    assert not await gate.look()  # with the new one, which is now the only one
    identity = Identity.load(gate.place)
    found = gate.server.roster.find(GATE_ID)
    assert found is not None
    assert found.certificate == authority.fingerprint(identity.certificate)
    detail = gate.upkeep.detail()
    assert detail is not None
    assert (detail["days_to_go"], detail["problem"]) == (90.0, None)


async def test_an_answer_that_is_lost_is_asked_for_anew(gate: Gate) -> None:
    gate.after(61)
    before = gate.device()

    def lose(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if request.url.path == REENROL:
            raise httpx2.ReadError("gone")
        return response

    gate.meddle = lose
    assert not await gate.look()
    assert gate.device() == before
    assert gate.problem
    gate.meddle = lambda _, response: response
    gate.upkeep._next_s = 0.0  # a minute later
    assert await gate.look()
    assert not await gate.look()
    assert (gate.device() != before, gate.problem) == (True, None)


async def test_a_server_that_lies_changes_nothing(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gate.sync")
    gate.after(61)
    key, other = authority.new_key().public_key(), authority.found("central.example", NOW)
    stranger = authority.found("stranger.example", NOW)
    lies: list[tuple[str, int, bytes]] = [
        (REENROL, 200, _bag(authority.issue_device(gate.server.authority, GATE_ID, key, NOW))),
        (REENROL, 200, _bag(authority.issue_device(other, "gate-0002", key, NOW))),
        (REENROL, 200, b"garbage"),
        (REENROL, 200, bytes(70_000)),
        (REENROL, 403, b"no\x1b[2J"),
        (REENROL, 500, b""),
        (CACERTS, 200, _bag(stranger.certificate)),
        (CACERTS, 200, b"garbage"),
        (CACERTS, 404, b""),
        ("/mirror-keys", 200, b"[]"),
        ("/mirror-keys", 200, b"garbage"),
    ]
    before = (gate.device(), (gate.place / AUTHORITIES).read_bytes())
    for path, status, body in lies:

        def lie(
            request: httpx2.Request, response: httpx2.Response, told: Any = (path, status, body)
        ) -> httpx2.Response:
            return (
                httpx2.Response(told[1], stream=httpx2.ByteStream(told[2])) if request.url.path == told[0] else response
            )

        gate.meddle, gate.upkeep._next_s = lie, 0.0
        assert not await gate.look(), path
        assert (gate.device(), (gate.place / AUTHORITIES).read_bytes()) == before
        assert str(gate.problem).isprintable()
    assert caplog.messages.count("identity_problem") == 1


def _bag(*certificates: x509.Certificate) -> bytes:
    return base64.b64encode(pkcs7.serialize_certificates(list(certificates), Encoding.DER))


async def test_a_kill_at_any_answer_leaves_an_identity_with_which_the_gate_gets_in(gate: Gate) -> None:
    gate.after(61)
    before, killed_at = gate.device(), 0
    while gate.device() == before:
        killed_at += 1
        left = killed_at

        def kill(_: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
            nonlocal left
            left -= 1
            if left == 0:
                raise asyncio.CancelledError
            return response

        gate.meddle, gate.upkeep._next_s = kill, 0.0
        with contextlib.suppress(asyncio.CancelledError):
            await gate.look()
        gate.meddle = lambda _, response: response
        async with gate.upkeep.courier() as courier:
            assert (await courier.send(Request("GET", "/bodies"))).status == 200
    assert killed_at == 5  # keys, authorities, what is trusted, the renewal: each answer came and was lost once


async def test_one_that_has_expired_says_what_to_do(gate: Gate) -> None:
    gate.after(90)
    gate.upkeep.courier()
    assert "gate provision enrol --again" in str(gate.upkeep.expired)
    assert "gate provision enrol --again" in str(gate.problem)


# ── authorities ──────────────────────────────────────────────────────────────────────────────────────────────────────


def rotated(old: Authority) -> tuple[Authority, x509.Certificate]:
    key = authority.new_key()
    root = Authority(key, authority.found_with(key, old.certificate.subject, NOW))
    return root, authority.certify_next(old, root.certificate, NOW)


async def test_it_trusts_the_next_authority_says_so_and_forgets_the_old_one_when_the_server_has(gate: Gate) -> None:
    old = gate.server.authority
    new, word = rotated(old)
    gate.server.authority, gate.serves_under = new, old.certificate
    gate.server.show([new.certificate, old.certificate, word])
    assert gate.server.roster.who_lacks(fingerprint(new.certificate)) == [GATE_ID]
    assert await gate.look()
    assert not await gate.look()
    assert gate.server.roster.who_lacks(fingerprint(new.certificate)) == []
    gate.after(61)
    assert await gate.look()  # the next certificate is of the new authority
    gate.serves_under = new.certificate
    gate.server.show([new.certificate])
    assert await gate.look()
    assert Identity.load(gate.place).authorities == (new.certificate,)
    assert not (gate.place / "authorities-next.pem").exists()


async def test_no_authority_is_forgotten_that_the_server_still_needs(gate: Gate) -> None:
    """A server that shows the next authority alone, and still has a certificate of the old one."""
    old = gate.server.authority
    new, word = rotated(old)
    gate.serves_under = old.certificate
    gate.server.show([new.certificate, word])
    assert not await gate.look()
    assert gate.problem
    assert Identity.load(gate.place).authorities == (old.certificate,)


# ── the mirror's keys ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_mirrors_next_key_is_learnt_and_told_to_the_log(gate: Gate) -> None:
    first = gate.server.signer
    second, third = (Signer.generate(first.verifier.name, Algorithm.COSIGNATURE_V1) for _ in range(2))
    stranger = Signer.generate(first.verifier.name, Algorithm.COSIGNATURE_V1)
    words = [hand_over(first, second, at_s=1), hand_over(stranger, stranger_next(stranger)), hand_over(second, third)]
    gate.server.show([gate.server.authority.certificate], words)
    log = LogsMirrorKeys(first.verifier, gate.place / "mirror-keys")

    async def the_log() -> None:
        while log.newest != third.verifier:
            for one in sorted((gate.place / "inbox").glob("mirror-key-*.note")):
                log.take(one.read_bytes())
                one.unlink()
            await asyncio.sleep(0.01)

    taking = asyncio.ensure_future(the_log())
    assert not await gate.look()
    await taking
    assert (gate.keys.newest, gate.keys.before) == (third.verifier, (first.verifier, second.verifier))
    assert LogsMirrorKeys(first.verifier, gate.place / "mirror-keys").newest == third.verifier  # it lasts


def stranger_next(stranger: Signer) -> Signer:
    return Signer.generate(stranger.verifier.name, Algorithm.COSIGNATURE_V1)
