"""Revocation lists of many entries, as long as a list may be."""

from __future__ import annotations

from datetime import timedelta

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from document_fakes.master_lists import NOW, Party

from hardware_sim.passport import der

ENTRIES_OF_8_MIB = 120_000  # with a reason and a date each; longer lists are refused
_DATE = b"00000000000000"
REASON_AND_DATE = der.sequence(
    der.sequence(der.oid("2.5.29.21"), der.octets(b"\x0a\x01\x01")),
    der.sequence(der.oid("2.5.29.24"), der.octets(der.tlv(0x18, _DATE, b"Z"))),
)


def entry(number: int, extensions: bytes = b"") -> bytes:
    """One revoked certificate."""
    return der.sequence(der.integer(10**12 + number), der.time(NOW), extensions)


def many(authority: Party, entries: int, *extensions: bytes) -> bytes:
    """A list of so many entries that have these extensions in turn, each with a number and, if it has one, a date of its own."""
    serial = der.integer(10**12)[2:]
    models = [entry(0, one) for one in extensions]
    made = (
        models[number % len(models)]
        .replace(serial, (10**12 + number).to_bytes(len(serial), "big"))
        .replace(_DATE, b"%014d" % number)
        for number in range(entries)
    )
    return listed(authority, *made)


def listed(authority: Party, *entries: bytes) -> bytes:
    """A list of these entries, signed by the authority with ECDSA and SHA-256."""
    assert isinstance(authority.key, ec.EllipticCurvePrivateKey)
    algorithm = der.sequence(der.oid("1.2.840.10045.4.3.2"))
    body = der.sequence(
        der.integer(1),
        algorithm,
        authority.name.public_bytes(),
        der.time(NOW),
        der.time(NOW + timedelta(days=90)),
        der.sequence(*entries),
    )
    return der.sequence(body, algorithm, der.bits(authority.key.sign(body, ec.ECDSA(hashes.SHA256()))))
