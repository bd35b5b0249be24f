"""Enrolment at the central server: a token and a signing request against a device certificate (RFC 7030, EST-shaped).

`request` and `read_answer` are pure. `enrol` carries them over TLS that only the given authority vouches for. Where the
certificate is written, and the configuration, are left to `gate.provision.enrol_steps`.
"""

from __future__ import annotations

import base64
import binascii
import ssl
from dataclasses import dataclass

import httpx2
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs7
from cryptography.x509.oid import NameOID

DEADLINE_S = 20.0
ANSWER_BYTES_MAX = 32 * 1024
VKEY_TEXT_MAX = 1024
_PATH = "/.well-known/est/simpleenroll"


class EnrolError(Exception):
    """The gate is not enrolled; the message says why. Of this type itself: an authority or an answer that is none."""


class CentralAwayError(EnrolError):
    """The central server does not answer, or cannot now."""


class CentralRefusesError(EnrolError):
    """The central server understood and said no."""


@dataclass(frozen=True, slots=True)
class EnrolRequest:
    """What is sent. Shows no token."""

    path: str
    headers: dict[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"EnrolRequest({self.path!r})"


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What came back: the device certificate as PEM, and the mirror's key."""

    certificate: bytes
    mirror_vkey: str


def request(*, gate_id: str, token: str, signing_request: bytes, log_vkey: str) -> EnrolRequest:
    """Write the request. `signing_request` is PKCS #10, DER."""
    credentials = base64.b64encode(f"{gate_id}:{token}".encode()).decode()
    headers = {
        "authorization": f"Basic {credentials}",
        "content-type": "application/pkcs10",
        "content-transfer-encoding": "base64",
        "accept-encoding": "identity",
        "portcullis-log-key": log_vkey,
    }
    return EnrolRequest(_PATH, headers, base64.encodebytes(signing_request))


def read_answer(status: int, mirror_vkey: str, body: bytes, *, gate_id: str, signing_request: bytes) -> Enrolled:
    """Read the answer and check that the certificate is for our key and name. Raises EnrolError."""
    if status != 200:
        reason = "".join(char if char.isprintable() else " " for char in body[:200].decode("ascii", "replace")).strip()
        if status >= 500:
            raise CentralAwayError(f"the central server cannot now ({status}: {reason}); try again")
        kind = CentralRefusesError if status == 403 else EnrolError
        raise kind(f"the central server refuses ({status}: {reason}); make a token with gate central token {gate_id}")
    if not mirror_vkey or len(mirror_vkey) > VKEY_TEXT_MAX or not mirror_vkey.isprintable():
        raise EnrolError("the central server did not say which key it signs receipts with")
    try:
        der = base64.b64decode(b"".join(body.split()), validate=True)
        (certificate,) = pkcs7.load_der_pkcs7_certificates(der)
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        ours = x509.load_der_x509_csr(signing_request).public_key()
        same_key = _spki(certificate.public_key()) == _spki(ours)
    except (binascii.Error, ValueError, TypeError) as error:
        raise EnrolError("the central server's answer is no certificate") from error
    if not same_key or [one.value for one in names] != [gate_id]:
        raise EnrolError("the central server's certificate is for another key or gate")
    return Enrolled(certificate.public_bytes(Encoding.PEM), mirror_vkey)


def enrol(address: str, ca: str, *, gate_id: str, token: str, signing_request: bytes, log_vkey: str) -> Enrolled:
    """Enrol at `host:port`. `ca` is the path of the operator's authority. Raises EnrolError."""
    try:
        context = ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise EnrolError(f"{ca} is no authority's certificate: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    asked = request(gate_id=gate_id, token=token, signing_request=signing_request, log_vkey=log_vkey)
    try:
        with (
            httpx2.Client(verify=context, trust_env=False, timeout=DEADLINE_S) as client,
            client.stream(
                "POST", f"https://{address}{asked.path}", headers=asked.headers, content=asked.body
            ) as answer,
        ):
            body = bytearray()
            for chunk in answer.iter_raw():
                body += chunk
                if len(body) > ANSWER_BYTES_MAX:
                    raise EnrolError(f"an answer of more than {ANSWER_BYTES_MAX} bytes")
            mirror_vkey = answer.headers.get("portcullis-mirror-key", "")
            status = answer.status_code
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        raise CentralAwayError(f"{address} does not answer as it should: {error}"[:300]) from error
    return read_answer(status, mirror_vkey, bytes(body), gate_id=gate_id, signing_request=signing_request)


def _spki(key: object) -> bytes:
    if not hasattr(key, "public_bytes"):
        raise TypeError("no public key")
    spki: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return spki
