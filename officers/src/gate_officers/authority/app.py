"""The authority's HTTP interface for consoles (docs/protocols/shift-keys.md): four POST requests, JSON both ways.

`console_of` returns the name of the requesting console, from its connection. Consoles cannot list who is enrolled:
inviting, listing and removing are commands on the authority's own machine.
"""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Callable
from typing import Annotated, Final, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gate_core.http_server.request_body import read_body
from gate_core.orders.certificate import OfficerId
from gate_core.orders.signed_text import Key
from gate_officers.authority.certificate_issuer import Authority, from_base64
from gate_officers.authority.errors import ActLogError, Refusal, RefusedError

QUESTION_BYTES_MAX: Final = 16 * 1024
CODE_LENGTH_MAX: Final = 64
_STATUS: Final = {Refusal.STALE: 409, Refusal.TAKEN: 409}

log = logging.getLogger("gate_officers.authority")


class _Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of the request bodies."""


class Creation(_Question, frozen=True, kw_only=True):
    """Requests the options with which an invited officer creates a passkey."""

    code: Annotated[str, msgspec.Meta(max_length=CODE_LENGTH_MAX)]
    officer: OfficerId


class Enrolment(Creation, frozen=True, kw_only=True):
    """The new passkey (`answer`: `RegistrationResponseJSON`), and the nonce of the creation options."""

    answer: dict[str, object]
    nonce: Key


class Certification(_Question, frozen=True, kw_only=True):
    """Two public keys to certify, and the passkey's assertion (`answer`: `AuthenticationResponseJSON`)."""

    answer: dict[str, object]
    nonce: Key
    sealing: Key
    signing: Key


Asked = TypeVar("Asked", bound=_Question)


def make_app(authority: Authority, console_of: Callable[[Request], str]) -> Starlette:
    """Return the ASGI application."""

    async def request(_request: Request) -> Response:
        return JSONResponse(authority.request())

    async def certify(request: Request) -> Response:
        asked = await _read(request, Certification)
        raw, certificate = authority.certify(
            from_base64(asked.signing), from_base64(asked.sealing), from_base64(asked.nonce), asked.answer,
            console=console_of(request),
        )  # fmt: skip
        log.info("shift_certified", extra={"officer": certificate.officer, "until": certificate.until})
        return JSONResponse({"certificate": b64encode(raw).decode()})

    async def creation(request: Request) -> Response:
        asked = await _read(request, Creation)
        return JSONResponse(authority.creation(asked.officer, asked.code))

    async def enrol(request: Request) -> Response:
        asked = await _read(request, Enrolment)
        nonce, console = from_base64(asked.nonce), console_of(request)
        authority.enrol(asked.officer, asked.code, nonce, asked.answer, console=console)
        log.info("passkey_enrolled", extra={"officer": asked.officer})
        return JSONResponse({"officer": asked.officer})

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, RefusedError)
        log.warning("sign_in_refused", extra={"refusal": error.refusal.value, "console": console_of(request)})
        return _no(_STATUS.get(error.refusal, 403), error.refusal.value, str(error))

    async def malformed(_request: Request, error: Exception) -> Response:
        return _no(400, "malformed", str(error))

    async def lost(_request: Request, error: Exception) -> Response:
        log.critical("book_lost", extra={"reason": str(error)})
        return _no(503, "book", "the authority cannot write its log, so it certifies nothing; call its operator")

    return Starlette(
        routes=[
            Route("/request", request, methods=["POST"]),
            Route("/certify", certify, methods=["POST"]),
            Route("/creation", creation, methods=["POST"]),
            Route("/enrol", enrol, methods=["POST"]),
        ],
        exception_handlers={RefusedError: refused, ValueError: malformed, ActLogError: lost},
    )


async def _read(request: Request, type_: type[Asked]) -> Asked:
    """Decode the request body. Raises ValueError for an invalid or too long body (msgspec's errors are ValueErrors)."""
    body = await read_body(request.stream(), QUESTION_BYTES_MAX)
    if body is None:
        raise ValueError(f"more than {QUESTION_BYTES_MAX} bytes")
    try:
        return msgspec.json.decode(body, type=type_)
    except RecursionError as error:
        raise ValueError(str(error)) from error


def _no(status: int, word: str, text: str) -> Response:
    return JSONResponse({"error": word, "detail": text}, status_code=status)
