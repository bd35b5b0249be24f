"""Certificates of people who look: of central's authority, for clients, under a name that is no gate's. Each person makes the key and keeps it: this server sees a request."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gate_central import authority
from gate_central.authority import Authority
from gate_central.errors import BadRequestError

PREFIX = "person:"  # of the certificate's name: no gate's id has a colon


def issue(root: Authority, name: str, request: bytes, now: datetime) -> x509.Certificate:
    """Certify the key of a signing request (PKCS #10, PEM or DER) that its own key signed for this name. Raises BadRequestError."""
    if b"PRIVATE KEY" in request:
        raise BadRequestError(
            "this file holds a private key, which its owner keeps: make a new key, and bring the request alone"
        )
    named, key = authority.read_request(_der(request))
    if named != name:
        raise BadRequestError(f"the signing request is of {named}, not of {name}")
    return authority.issue_device(root, f"{PREFIX}{name}"[:64], key, now)


def _der(request: bytes) -> bytes:
    if not request.lstrip().startswith(b"-----BEGIN"):
        return request
    try:
        return x509.load_pem_x509_csr(request).public_bytes(Encoding.DER)
    except ValueError as error:
        raise BadRequestError("not a signing request") from error
