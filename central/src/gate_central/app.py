"""The web application for gates: authenticates each request, limits its size, and routes it.

Each request needs the newest client certificate of a gate that is not revoked, or the previous one until the newest is
first used; only enrolment needs none. Bodies have size limits, also after decompression. Blocking work runs in worker
threads. `gate_central.https_listener` provides the peer's certificate as the ASGI TLS extension.
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
from gate_central.enrolment import Enrolment
from gate_central.errors import BadRequestError, CentralError, ForbiddenError, UnknownError
from gate_central.key_erasure import Erasures, judge_in
from gate_central.mirror import Answer, Mirror
from gate_central.request_reader import plain_body, whole_body
from gate_central.roster import Gate, Roster
from gate_central.server_context import ServerContext
from gate_central.update_repository import UpdateRepository
from gate_core.approval.note import NOTE_BYTES_MAX
from gate_core.audit_format.record import time_text

HANDOVER_BYTES_MAX = 8 * 1024
CERTIFICATES_READ = 4096  # size of the cache of parsed certificates
MINUTES = len("2026-11-25T10:00")
_KEY_ID = re.compile(r"[0-9a-f]{64}")
_SOFTWARE = re.compile(r"[A-Za-z0-9][A-Za-z0-9./+~-]{0,63}")
log = logging.getLogger("gate_central")


Endpoint = Callable[[Request], Awaitable[Response]]
Handler = Callable[[Request, Gate], Awaitable[Response]]


def make_app(
    *,
    roster: Roster,
    mirror: Mirror,
    enrolment: Enrolment,
    now: Callable[[], datetime],
    updates: Path | None = None,
    erasures: Erasures | None = None,
    heed: Callable[[Gate, bytes], int] = lambda *_: 0,
    canary: Callable[[str], str | None] = lambda _: None,
) -> Starlette:
    """Return the application. `updates`: folder of the update repository. `canary`: returns a gate's update group.
    Without `erasures`, erasure orders are answered 404.
    """

    def erase(gate: Gate, raw: bytes) -> bytes:
        """Carry out a signed erasure order, and answer with the mirror's signed receipt."""
        if erasures is None:
            raise UnknownError("this server knows no approvers")
        return erasures.carry_out(raw, origin=gate.origin)

    def leave(gate: Gate) -> None:
        """Revoke a gate at its own request. The LEFT alarm stays open until two approvers retire the gate."""
        mirror.leave(gate)
        roster.revoke(gate.device, f"certificate {gate.certificate}")
        log.warning("gate_left", extra={"gate": gate.device})

    guard = functools.partial(_guarded, functools.partial(_speaker, roster, now))
    routes = [
        *_of_the_log(guard, roster, mirror),
        Route("/receipt", guard(_taking(NOTE_BYTES_MAX, mirror.receipt)), methods=["POST"]),
        Route("/held", guard(_asking(mirror.held)), methods=["GET"]),
        Route("/approval", guard(_taking(NOTE_BYTES_MAX, roster.approval)), methods=["PUT"]),
        Route("/erasure", guard(_taking(NOTE_BYTES_MAX, erase)), methods=["POST"]),
        Route("/expired", guard(_taking(NOTE_BYTES_MAX, heed)), methods=["POST"]),
        Route("/updates/{path:path}", guard(UpdateRepository(updates, canary).get), methods=["GET"]),
        Route("/.well-known/est/cacerts", enrolment.authority_certificates, methods=["GET"]),
        Route("/.well-known/est/simpleenroll", enrolment.enrol, methods=["POST"]),
        Route("/.well-known/est/simplereenroll", guard(enrolment.renew), methods=["POST"]),
        Route("/retire", guard(_asking(leave)), methods=["POST"]),
        Route("/mirror-keys", guard(enrolment.mirror_keys), methods=["GET"]),
        Route("/authorities", guard(enrolment.trusts), methods=["POST"]),
    ]
    return Starlette(routes=routes, exception_handlers=_HANDLERS)


def app_of(server: ServerContext, updates: Path | None) -> Starlette:
    """Return the application of a server. `updates`: folder of the update repository. Raises FolderError."""
    folder, judge = server.folder, judge_in(server.folder.path)
    return make_app(
        roster=server.roster,
        mirror=Mirror(
            server.ledger,
            server.evidence,
            folder.mirror,
            server.now,
            before=folder.mirrors[1:],
            approved=server.settings.approved_for,
            volume=server.settings.volume_of,
        ),
        enrolment=Enrolment(
            roster=server.roster,
            authority=folder.authority,
            shown=folder.shown,
            mirror=folder.mirror.verifier,
            mirror_handovers=folder.mirror_handovers,
            now=server.now,
        ),
        now=server.now,
        updates=updates,
        erasures=None if judge is None else server.erasures(judge),
        heed=server.retention.heed,
        canary=server.tenants.canary,
    )


def make_window(*, device: str, roster: Roster, mirror: Mirror) -> Starlette:
    """Return the application for the import of one gate's log from removable media, called in-process by a command on
    this machine. It asks for no certificate and does not update `last_seen`. Never serve it on a socket.
    """

    def who(_request: Request) -> Gate:
        return roster.get(device)  # with its current log key

    routes = _of_the_log(functools.partial(_guarded, who), roster, mirror)
    return Starlette(routes=routes, exception_handlers=_HANDLERS)


def _of_the_log(guard: Callable[[Handler], Endpoint], roster: Roster, mirror: Mirror) -> list[Route]:
    """Return the routes that upload a log and report the mirror's state."""

    async def bodies(_request: Request, gate: Gate) -> Response:
        """Return which bodies and age files are missing."""
        lacking, keys = await run_in_threadpool(mirror.bodies, gate)
        return JSONResponse({"next": lacking, "keys": keys})

    async def put_sealed(request: Request, gate: Gate) -> Response:
        raw = await whole_body(request, wire.SEALED_REQUEST_BYTES_MAX)
        await run_in_threadpool(mirror.keep_sealed, gate, raw)
        return await bodies(request, gate)

    follow = _taking(HANDOVER_BYTES_MAX, lambda gate, raw: roster.follow_log_key(gate.device, raw))
    return [
        Route("/round", guard(_taking(wire.ROUND_BYTES_MAX, mirror.round)), methods=["POST"]),
        Route(
            "/add-checkpoint",
            guard(_taking(wire.CHECKPOINT_REQUEST_BYTES_MAX, mirror.add_checkpoint)),
            methods=["POST"],
        ),
        Route("/add-entries", guard(functools.partial(_add_entries, mirror)), methods=["POST"]),
        Route("/bodies", guard(bodies), methods=["GET"]),
        Route("/bodies/sealed", guard(put_sealed), methods=["PUT"]),
        Route("/bodies/keys/{key_id}", guard(functools.partial(_put_key, mirror)), methods=["PUT"]),
        Route("/{origin_hash}/checkpoint", guard(_asking(mirror.checkpoint)), methods=["GET"]),
        Route("/{origin_hash}/pending", guard(_asking(mirror.pending)), methods=["GET"]),
        Route("/log-key", guard(follow), methods=["POST"]),
    ]


async def _add_entries(mirror: Mirror, request: Request, gate: Gate) -> Response:
    """Handle C2SP add-entries, package by package. Packages stored before a failure stay stored."""
    intake, upload = wire.Intake(), None
    async for chunk in plain_body(request):
        intake.feed(chunk)
        head = intake.read_head()
        if head is None:
            continue
        if upload is None:
            begun = await run_in_threadpool(mirror.begin, gate, head)
            if isinstance(begun, Answer):
                return _respond(begun)
            upload = begun
        for package in intake.packages():
            await run_in_threadpool(mirror.take, upload, package)
    if upload is None:
        raise BadRequestError("the body ends before its first package")
    return _respond(await run_in_threadpool(mirror.finish, upload))


async def _put_key(mirror: Mirror, request: Request, gate: Gate) -> Response:
    """Store an age file; an empty body reports that the gate does not have it."""
    key_id = request.path_params["key_id"]
    raw = await whole_body(request, wire.AGE_FILE_BYTES_MAX)
    if _KEY_ID.fullmatch(key_id) is None:
        raise BadRequestError("an age file is named by its SHA-256")
    wire.expect_named(key_id, raw)
    if raw:
        await run_in_threadpool(mirror.keep_key, gate, key_id, raw)
    else:
        await run_in_threadpool(mirror.key_is_absent, gate, key_id)
    return Response(status_code=204)


def _guarded(who: Callable[[Request], Gate], handler: Handler) -> Endpoint:
    """Call `handler` with the gate that `who` returns for the request; `who` raises CentralError if there is none."""

    async def endpoint(request: Request) -> Response:
        return await handler(request, await run_in_threadpool(who, request))

    return endpoint


def _taking(bytes_max: int, work: Callable[[Gate, bytes], Answer | bytes | int | None]) -> Handler:
    """Return a handler that calls `work` with the gate and the body."""

    async def handler(request: Request, gate: Gate) -> Response:
        return _respond(await run_in_threadpool(work, gate, await whole_body(request, bytes_max)))

    return handler


def _asking(work: Callable[[Gate], Answer | None]) -> Handler:
    """Return a handler that calls `work` with the gate; 404 if the path names another gate's log."""

    async def handler(request: Request, gate: Gate) -> Response:
        own = hashlib.sha256(gate.origin.encode()).hexdigest()
        if request.path_params.get("origin_hash", own) != own:
            raise UnknownError("the certificate is not of this log's gate")
        return _respond(await run_in_threadpool(work, gate))

    return handler


def _speaker(roster: Roster, now: Callable[[], datetime], request: Request) -> Gate:
    """Return the gate of the client certificate, and note when it was seen. Raises ForbiddenError."""
    chain = request.scope.get("extensions", {}).get("tls", {}).get("client_cert_chain") or ()
    if not chain:
        raise ForbiddenError("a client certificate is needed")
    name, found = _holder(chain[0])
    gate = None if name is None else roster.speaker(name, found)
    if gate is None:
        log.warning("gate_refused", extra={"gate": name})
        raise ForbiddenError("this certificate is of no enrolled gate")
    moment = time_text(now())
    if gate.last_seen is None or gate.last_seen[:MINUTES] != moment[:MINUTES]:
        software = request.headers.get("user-agent", "")
        named = software if _SOFTWARE.fullmatch(software) else None
        roster.seen(gate.device, moment, named)  # at most one write a minute
    return gate


@functools.lru_cache(CERTIFICATES_READ)
def _holder(pem: str) -> tuple[str | None, str]:
    """Return a certificate's common name, None unless there is exactly one, and its SHA-256. Does not verify it."""
    certificate = x509.load_pem_x509_certificate(pem.encode("ascii"))
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    found = hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
    return str(names[0].value) if len(names) == 1 else None, found


def _respond(answer: Answer | bytes | int | None) -> Response:
    if answer is None or isinstance(answer, int):  # an int is the number of deleted keys
        return Response(status_code=204)
    if isinstance(answer, bytes):
        return Response(answer, media_type="text/plain")
    # C2SP: mirrors SHOULD name gzip; and the content type is exactly this, without the charset that media_type would add.
    headers = {"accept-encoding": "gzip", "content-type": answer.content_type}
    return Response(answer.body, answer.status, headers)


async def _refuse(request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, CentralError) else 500
    if status == 500:
        log.critical("request_failed", extra={"path": request.url.path[:100], "reason": str(error)})
        return Response("the server's store is damaged\n", 500)
    log.warning("request_refused", extra={"path": request.url.path[:100], "status": status, "reason": str(error)})
    return Response(f"{error}\n", status, media_type="text/plain")


async def _stall(request: Request, error: Exception) -> Response:
    """Answer 503 for a database error: the transaction was rolled back, so nothing of the request is stored."""
    reason = (str(error).splitlines() or [""])[0][:300]
    log.error("database_failed", extra={"path": request.url.path[:100], "reason": reason})
    return Response("the database does not answer; try later\n", 503, {"retry-after": "10"}, "text/plain")


async def _hung_up(_request: Request, _error: Exception) -> Response:
    return Response(status_code=400)  # the client is gone


_HANDLERS: Final = {CentralError: _refuse, SQLAlchemyError: _stall, ClientDisconnect: _hung_up}
