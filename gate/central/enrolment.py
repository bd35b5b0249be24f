"""Enrolment, EST-shaped (RFC 7030): a one-time token and a signing request against a device certificate.

Ours beyond EST: the gate's log key comes in the header `portcullis-log-key`, and the mirror's goes back in
`portcullis-mirror-key`; both in the text form of vkeys, over TLS that the operator's authority vouches for.
"""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Callable
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from gate.audit.errors import BadFormatError
from gate.audit.note import KEY_TEXT_MAX, Algorithm, Verifier
from gate.audit.record import time_text
from gate.central import authority
from gate.central.authority import Authority
from gate.central.errors import BadRequestError, ForbiddenError
from gate.central.reading import whole_body
from gate.central.roster import Roster

REQUEST_BYTES_MAX = 2 * authority.CSR_BYTES_MAX
LOG_KEY_HEADER, MIRROR_KEY_HEADER = "portcullis-log-key", "portcullis-mirror-key"
_PKCS7 = "application/pkcs7-mime; smime-type=certs-only"

log = logging.getLogger("gate.central")


class Enrolment:
    """Where gates enrol."""

    def __init__(self, *, roster: Roster, authority: Authority, mirror: Verifier, now: Callable[[], datetime]) -> None:
        self._roster = roster
        self._authority = authority
        self._mirror = mirror
        self._now = now

    async def authority_certificates(self, _request: Request) -> Response:
        """Return the root certificate (RFC 7030 §4.1)."""
        return _certificates(self._authority.certificate)

    async def enrol(self, request: Request) -> Response:
        """Return a device certificate (RFC 7030 §4.2). Raises CentralError."""
        device, token = _credentials(request)
        raw = await whole_body(request, REQUEST_BYTES_MAX)
        log_key = _log_key(request, device)
        certificate = await run_in_threadpool(self._issue, device, token, raw, log_key)
        log.info("gate_enrolled", extra={"gate": device})
        response = _certificates(certificate)
        response.headers[MIRROR_KEY_HEADER] = self._mirror.vkey
        return response

    def _issue(self, device: str, token: str, raw: bytes, log_key: Verifier) -> x509.Certificate:
        now = self._now()
        now_s = int(now.timestamp())
        if not self._roster.token_allows(token, device, now_s):
            raise ForbiddenError("the token is unknown, used, expired or another gate's")
        try:
            name, key = authority.read_request(base64.b64decode(b"".join(raw.split()), validate=True))
        except binascii.Error as error:
            raise BadRequestError("a signing request is Base64") from error
        if name != device:
            raise ForbiddenError("the token is another gate's than the signing request")
        certificate = authority.issue_device(self._authority, device, key, now)
        self._roster.enrol(
            token,
            device,
            log_key,
            certificate=authority.fingerprint(certificate),
            now_s=now_s,
            at=time_text(now),
        )
        return certificate


def _credentials(request: Request) -> tuple[str, str]:
    """Read HTTP Basic: the gate's id and its token."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        device, found, token = base64.b64decode(encoded, validate=True).decode("ascii").partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise BadRequestError("enrolment needs HTTP Basic with gate id and token") from error
    if scheme.lower() != "basic" or not found or authority.GATE_ID.fullmatch(device) is None:
        raise BadRequestError("enrolment needs HTTP Basic with gate id and token")
    return device, token


def _log_key(request: Request, device: str) -> Verifier:
    text = request.headers.get(LOG_KEY_HEADER, "")
    try:
        verifier = Verifier.parse(text[: KEY_TEXT_MAX + 1])
    except BadFormatError as error:
        raise BadRequestError(f"{LOG_KEY_HEADER} is no log key") from error
    # An origin is <operator>/<gate-id>, and /demo or /trial behind it (docs/protocols/audit-log.md).
    parts = verifier.name.split("/")
    if verifier.algorithm is not Algorithm.ED25519 or not 2 <= len(parts) <= 3 or parts[1] != device:
        raise ForbiddenError("the log key is not of this gate")
    return verifier


def _certificates(certificate: x509.Certificate) -> Response:
    der = pkcs7.serialize_certificates([certificate], Encoding.DER)
    return Response(base64.encodebytes(der), headers={"content-transfer-encoding": "base64"}, media_type=_PKCS7)
