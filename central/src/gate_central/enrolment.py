"""Enrolment after EST (RFC 7030): issues a device certificate for a one-time token and a signing request.

Beyond EST, the request has the gate's log key in the header `portcullis-log-key`, and the response the mirror's in
`portcullis-mirror-key`, both as vkeys, over TLS with a server certificate of the operator's authority.
"""

from __future__ import annotations

import base64
import binascii
import logging
import re
from collections.abc import Callable, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gate_central import authority
from gate_central.authority import Authority
from gate_central.errors import BadRequestError, ForbiddenError
from gate_central.request_reader import whole_body
from gate_central.roster import Gate, Roster
from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.note import KEY_TEXT_MAX, Algorithm, Verifier
from gate_core.audit_format.record import time_text

REQUEST_BYTES_MAX = 2 * authority.CSR_BYTES_MAX
LOG_KEY_HEADER, MIRROR_KEY_HEADER = "portcullis-log-key", "portcullis-mirror-key"
AUTHORITIES_BYTES_MAX = 1024
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_PKCS7 = "application/pkcs7-mime; smime-type=certs-only"

log = logging.getLogger("gate_central")


class Enrolment:
    """The enrolment endpoints. `shown`: the authority certificates that gates get, including the issuing one."""

    def __init__(
        self,
        *,
        roster: Roster,
        authority: Authority,
        shown: Sequence[x509.Certificate],
        mirror: Verifier,
        mirror_handovers: Sequence[bytes],
        now: Callable[[], datetime],
    ) -> None:
        self._roster = roster
        self._shown = tuple(shown)
        self._mirror_handovers = [one.decode() for one in mirror_handovers]
        self._authority = authority
        self._mirror = mirror
        self._now = now

    async def authority_certificates(self, _request: Request) -> Response:
        """Return the valid authorities, and the certificates by which one certifies the next (RFC 7030 §4.1)."""
        return _certificates(self._shown)

    async def enrol(self, request: Request) -> Response:
        """Return a device certificate (RFC 7030 §4.2). Raises CentralError."""
        device, token = _credentials(request)
        raw = await whole_body(request, REQUEST_BYTES_MAX)
        log_key = _log_key(request, device)
        certificate = await run_in_threadpool(self._issue, device, token, raw, log_key)
        log.info("gate_enrolled", extra={"gate": device})
        response = _certificates((certificate,))
        response.headers[MIRROR_KEY_HEADER] = self._mirror.vkey
        return response

    async def renew(self, request: Request, gate: Gate) -> Response:
        """Issue a new certificate to a gate that shows its current one (RFC 7030 §4.2.2). Raises CentralError."""
        raw = await whole_body(request, REQUEST_BYTES_MAX)
        now = self._now()
        certificate = await run_in_threadpool(self._certify, gate.device, raw, now)
        digest = authority.fingerprint(certificate)
        await run_in_threadpool(self._roster.renew, gate.device, digest, time_text(now))
        log.info("gate_renewed", extra={"gate": gate.device})
        return _certificates((certificate,))

    async def trusts(self, request: Request, gate: Gate) -> Response:
        """Store which authorities a gate trusts: one SHA-256 per line. Raises CentralError."""
        lines = (await whole_body(request, AUTHORITIES_BYTES_MAX)).decode("ascii", "replace").splitlines()
        if not lines or not all(_FINGERPRINT.fullmatch(line) for line in lines):
            raise BadRequestError("an authority is named by its SHA-256, one a line")
        await run_in_threadpool(self._roster.trusts, gate.device, frozenset(lines))
        return Response(status_code=204)

    async def mirror_keys(self, _request: Request, _gate: Gate) -> Response:
        """Return the handovers of the mirror's keys: signed notes, oldest first."""
        return JSONResponse({"handovers": self._mirror_handovers})

    def _certify(self, device: str, raw: bytes, now: datetime) -> x509.Certificate:
        """Certify a signing request's key for this gate. Raises BadRequestError and ForbiddenError."""
        try:
            name, key = authority.read_request(base64.b64decode(b"".join(raw.split()), validate=True))
        except binascii.Error as error:
            raise BadRequestError("a signing request is Base64") from error
        if name != device:
            raise ForbiddenError(f"the signing request is for another gate than {device}")
        return authority.issue_device(self._authority, device, key, now)

    def _issue(self, device: str, token: str, raw: bytes, log_key: Verifier) -> x509.Certificate:
        now, now_s = self._now(), int(self._now().timestamp())
        if not self._roster.token_allows(token, device, now_s):
            raise ForbiddenError("the token is unknown, used, expired or another gate's")
        certificate = self._certify(device, raw, now)
        self._roster.enrol(
            token, device, log_key, certificate=authority.fingerprint(certificate), now_s=now_s, at=time_text(now)
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


def _certificates(certificates: Sequence[x509.Certificate]) -> Response:
    der = pkcs7.serialize_certificates(list(certificates), Encoding.DER)
    return Response(base64.encodebytes(der), headers={"content-transfer-encoding": "base64"}, media_type=_PKCS7)
