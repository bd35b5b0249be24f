"""The web application: who asks, how large, and which part of the server answers.

A request counts only with the client certificate that was issued to a gate last, or with the one before until that was used, of a gate
that is not revoked; it is looked up for each request. Enrolment alone needs none. Bodies are read up to limits, compressed ones too; blocking
work runs in worker threads. The peer's certificate comes as the ASGI TLS extension, put there by `gate_central.https_listener`.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gate_central import wire
from gate_central.approvals import NOTE_BYTES_MAX, Approvals
from gate_central.enrolment import Enrolment
from gate_central.erasing import Erasures
from gate_central.errors import (
    BadRequestError,
    CentralError,
    DamagedError,
    ForbiddenError,
    NotYetError,
    QuotaError,
    StoredDiffersError,
    UnknownError,
    UnprovenError,
)
from gate_central.mirror import Answer, Mirror
from gate_central.request_reader import plain_body, whole_body
from gate_central.roster import Gate, Roster
from gate_central.update_repository import Shelf
from gate_core.audit_format.record import time_text

HANDOVER_BYTES_MAX = 8 * 1024
CERTIFICATES_READ = 4096  # those read last are not read again
MINUTES = len("2026-11-25T10:00")
_KEY_ID = re.compile(r"[0-9a-f]{64}")
_SOFTWARE = re.compile(r"[A-Za-z0-9][A-Za-z0-9./+~-]{0,63}")
_STATUS: dict[type[CentralError], int] = {
    BadRequestError: 400,
    ForbiddenError: 403,
    UnknownError: 404,
    NotYetError: 409,
    UnprovenError: 422,
    QuotaError: 429,
    DamagedError: 500,
    StoredDiffersError: 500,
}

log = logging.getLogger("gate_central")


def make_app(
    *,
    roster: Roster,
    mirror: Mirror,
    approvals: Approvals,
    enrolment: Enrolment,
    now: Callable[[], datetime],
    updates: Path | None = None,
    erasures: Erasures | None = None,
    heed: Callable[[Gate, bytes], int] = lambda *_: 0,
    canary: Callable[[str], str | None] = lambda _: None,
) -> Starlette:
    """Put the server together. `updates` is the folder of a repository that gates may fetch from, `canary` says which group of it a gate is in; without
    `erasures` it knows no approvers.
    """
    counter = Counter(roster=roster, mirror=mirror, approvals=approvals, erasures=erasures, heed=heed, now=now)
    routes = [
        *_of_the_log(counter),
        Route("/receipt", counter.guarded(counter.receipt), methods=["POST"]),
        Route("/held", counter.guarded(counter.held), methods=["GET"]),
        Route("/approval", counter.guarded(counter.approval), methods=["PUT"]),
        Route("/erasure", counter.guarded(counter.erasure), methods=["POST"]),
        Route("/expired", counter.guarded(counter.expired), methods=["POST"]),
        Route("/updates/{path:path}", counter.guarded(Shelf(updates, canary).get), methods=["GET"]),
        Route("/.well-known/est/cacerts", enrolment.authority_certificates, methods=["GET"]),
        Route("/.well-known/est/simpleenroll", enrolment.enrol, methods=["POST"]),
        Route("/.well-known/est/simplereenroll", counter.guarded(enrolment.renew), methods=["POST"]),
        Route("/retire", counter.guarded(counter.retire), methods=["POST"]),
        Route("/mirror-keys", counter.guarded(enrolment.mirror_keys), methods=["GET"]),
        Route("/authorities", counter.guarded(enrolment.trusts), methods=["POST"]),
    ]
    return Starlette(routes=routes, exception_handlers=_HANDLERS)


def make_window(*, device: str, roster: Roster, mirror: Mirror) -> Starlette:
    """What a gate's log is answered that somebody carries in by hand, whoever may write into this server's folder. No certificate is asked for, and that the
    gate was heard of says nobody: it is for a command at this machine, and is never listened with.
    """

    def who(_request: Request) -> Gate:
        gate = roster.find(device)  # with the log key that it has by now
        if gate is None:
            raise UnknownError(f"no gate {device}")
        return gate

    return Starlette(routes=_of_the_log(Window(roster=roster, mirror=mirror, who=who)), exception_handlers=_HANDLERS)


def _of_the_log(counter: Window) -> list[Route]:
    """What brings a log, and asks how far it is here."""
    return [
        Route("/round", counter.guarded(counter.round), methods=["POST"]),
        Route("/add-checkpoint", counter.guarded(counter.add_checkpoint), methods=["POST"]),
        Route("/add-entries", counter.guarded(counter.add_entries), methods=["POST"]),
        Route("/bodies", counter.guarded(counter.bodies), methods=["GET"]),
        Route("/bodies/sealed", counter.guarded(counter.put_sealed), methods=["PUT"]),
        Route("/bodies/keys/{key_id}", counter.guarded(counter.put_key), methods=["PUT"]),
        Route("/{origin_hash}/checkpoint", counter.guarded(counter.checkpoint), methods=["GET"]),
        Route("/{origin_hash}/pending", counter.guarded(counter.pending), methods=["GET"]),
        Route("/log-key", counter.guarded(counter.follow_log_key), methods=["POST"]),
    ]


Handler = Callable[[Request, Gate], Awaitable[Response]]


class Window:
    """Receives gates' logs. `who` says whose a request is, and raises CentralError for nobody's."""

    def __init__(self, *, roster: Roster, mirror: Mirror, who: Callable[[Request], Gate]) -> None:
        self._roster = roster
        self._mirror = mirror
        self._whose = who

    def guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Let in whoever is a gate's."""

        async def endpoint(request: Request) -> Response:
            gate = await run_in_threadpool(self._whose, request)
            return await handler(request, gate)

        return endpoint

    async def round(self, request: Request, gate: Gate) -> Response:
        """Answer a round in one request."""
        raw = await whole_body(request, wire.ROUND_BYTES_MAX)
        return _respond(await run_in_threadpool(self._mirror.round, gate, raw))

    async def add_checkpoint(self, request: Request, gate: Gate) -> Response:
        """Answer C2SP add-checkpoint."""
        raw = await whole_body(request, wire.CHECKPOINT_REQUEST_BYTES_MAX)
        return _respond(await run_in_threadpool(self._mirror.add_checkpoint, gate, raw))

    async def add_entries(self, request: Request, gate: Gate) -> Response:
        """Answer C2SP add-entries, package by package. What was stored before a failure stays stored."""
        intake, upload = wire.Intake(), None
        async for chunk in plain_body(request):
            intake.feed(chunk)
            head = intake.read_head()
            if head is None:
                continue
            if upload is None:
                begun = await run_in_threadpool(self._mirror.begin, gate, head)
                if isinstance(begun, Answer):
                    return _respond(begun)
                upload = begun
            for package in intake.packages():
                await run_in_threadpool(self._mirror.take, upload, package)
        if upload is None:
            raise BadRequestError("the body ends before its first package")
        return _respond(await run_in_threadpool(self._mirror.finish, upload))

    async def checkpoint(self, request: Request, gate: Gate) -> Response:
        """Serve the mirror checkpoint of the gate's own log."""
        _expect_own_log(request, gate)
        return _respond(await run_in_threadpool(self._mirror.checkpoint, gate))

    async def pending(self, request: Request, gate: Gate) -> Response:
        """Serve the newest checkpoint that the gate signed, as far as the mirror knows."""
        _expect_own_log(request, gate)
        return _respond(await run_in_threadpool(self._mirror.pending, gate))

    async def bodies(self, _request: Request, gate: Gate) -> Response:
        """Say which bodies and age files are missing."""
        lacking, keys = await run_in_threadpool(self._mirror.bodies, gate)
        return JSONResponse({"next": lacking, "keys": keys})

    async def put_sealed(self, request: Request, gate: Gate) -> Response:
        """Take sealed bodies."""
        raw = await whole_body(request, wire.SEALED_REQUEST_BYTES_MAX)
        await run_in_threadpool(self._mirror.keep_sealed, gate, raw)
        return await self.bodies(request, gate)

    async def put_key(self, request: Request, gate: Gate) -> Response:
        """Take an age file, or the news that the gate does not have it."""
        key_id = request.path_params["key_id"]
        raw = await whole_body(request, wire.AGE_FILE_BYTES_MAX)
        if _KEY_ID.fullmatch(key_id) is None:
            raise BadRequestError("an age file is named by its SHA-256")
        wire.expect_named(key_id, raw)
        if raw:
            await run_in_threadpool(self._mirror.keep_key, gate, key_id, raw)
        else:
            await run_in_threadpool(self._mirror.key_is_absent, gate, key_id)
        return Response(status_code=204)

    async def follow_log_key(self, request: Request, gate: Gate) -> Response:
        """Follow the gate's log key to the next one, by the old one's word."""
        raw = await whole_body(request, HANDOVER_BYTES_MAX)
        await run_in_threadpool(self._roster.follow_log_key, gate.device, raw)
        return Response(status_code=204)


class Counter(Window):
    """Receives gates that may speak, with all that they bring."""

    def __init__(
        self,
        *,
        roster: Roster,
        mirror: Mirror,
        approvals: Approvals,
        erasures: Erasures | None,
        heed: Callable[[Gate, bytes], int],
        now: Callable[[], datetime],
    ) -> None:
        super().__init__(roster=roster, mirror=mirror, who=self._who)
        self._erasures = erasures
        self._heed = heed
        self._approvals = approvals
        self._now = now

    def _who(self, request: Request) -> Gate:
        """Return the gate that the client certificate is of. Raises ForbiddenError."""
        chain = request.scope.get("extensions", {}).get("tls", {}).get("client_cert_chain") or ()
        if not chain:
            raise ForbiddenError("a client certificate is needed")
        name, found = _holder(chain[0])
        gate = None if name is None else self._roster.speaker(name, found)
        if gate is None:
            log.warning("gate_refused", extra={"gate": name})
            raise ForbiddenError("this certificate is of no enrolled gate")
        moment = time_text(self._now())
        if gate.last_seen is None or gate.last_seen[:MINUTES] != moment[:MINUTES]:
            software = request.headers.get("user-agent", "")
            named = software if _SOFTWARE.fullmatch(software) else None
            self._roster.seen(gate.device, moment, named)  # a write a minute, not one a request
        return gate

    async def receipt(self, request: Request, gate: Gate) -> Response:
        """Look at a receipt that this server may have forgotten."""
        raw = await whole_body(request, NOTE_BYTES_MAX)
        return _respond(await run_in_threadpool(self._mirror.receipt, gate, raw))

    async def held(self, _request: Request, gate: Gate) -> Response:
        """Sign for what is held."""
        return _respond(await run_in_threadpool(self._mirror.held, gate))

    async def approval(self, request: Request, gate: Gate) -> Response:
        """Take the approval that the gate begins on, and answer with the newest that it has shown."""
        raw = await whole_body(request, NOTE_BYTES_MAX)
        newest = await run_in_threadpool(self._approvals.exchange, gate, raw)
        return Response(newest, media_type="text/plain")

    async def erasure(self, request: Request, gate: Gate) -> Response:
        """Carry out a signed order to forget keys, and answer with the mirror's word that they are nowhere here."""
        raw = await whole_body(request, NOTE_BYTES_MAX)
        if self._erasures is None:
            raise UnknownError("this server knows no approvers")
        receipt = await run_in_threadpool(self._erasures.carry_out, raw, origin=gate.origin)
        return Response(receipt, media_type="text/plain")

    async def expired(self, request: Request, gate: Gate) -> Response:
        """Forget what the gate has forgotten after its time."""
        raw = await whole_body(request, NOTE_BYTES_MAX)
        await run_in_threadpool(self._heed, gate, raw)
        return Response(status_code=204)

    async def retire(self, _request: Request, gate: Gate) -> Response:
        """Refuse a gate from its next request on, as the holder of its key asks; an alarm stands until two approvers retire it for good."""
        await run_in_threadpool(self._mirror.leave, gate)
        await run_in_threadpool(self._roster.revoke, gate.device, f"certificate {gate.certificate}")
        log.warning("gate_left", extra={"gate": gate.device})
        return Response(status_code=204)


@functools.lru_cache(CERTIFICATES_READ)
def _holder(pem: str) -> tuple[str | None, str]:
    """The name that a certificate is of, if it is one, and its SHA-256: what it says, not whether it counts."""
    certificate = x509.load_pem_x509_certificate(pem.encode("ascii"))
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    found = hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
    return str(names[0].value) if len(names) == 1 else None, found


def _expect_own_log(request: Request, gate: Gate) -> None:
    if request.path_params["origin_hash"] != hashlib.sha256(gate.origin.encode()).hexdigest():
        raise UnknownError("the certificate is not of this log's gate")


def _respond(answer: Answer) -> Response:
    # C2SP: mirrors SHOULD name gzip; and the content type is exactly this, without the charset that media_type would add.
    headers = {"accept-encoding": "gzip", "content-type": answer.content_type}
    return Response(answer.body, answer.status, headers)


async def _refuse(request: Request, error: Exception) -> Response:
    status = _STATUS.get(type(error), 500) if isinstance(error, CentralError) else 500
    if status == 500:
        log.critical("request_failed", extra={"path": request.url.path[:100], "reason": str(error)})
        return Response("the server's store is damaged\n", 500)
    log.warning("request_refused", extra={"path": request.url.path[:100], "status": status, "reason": str(error)})
    return Response(f"{error}\n", status, media_type="text/plain")


async def _stall(request: Request, error: Exception) -> Response:
    """Nothing of the request counts as stored: the transaction was rolled back."""
    reason = (str(error).splitlines() or [""])[0][:300]
    log.error("database_failed", extra={"path": request.url.path[:100], "reason": reason})
    return Response("the database does not answer; try later\n", 503, {"retry-after": "10"}, "text/plain")


async def _hung_up(_request: Request, _error: Exception) -> Response:
    return Response(status_code=400)  # nobody reads it


_HANDLERS: Final = {CentralError: _refuse, SQLAlchemyError: _stall, ClientDisconnect: _hung_up}
