"""Hash algorithms by their object identifiers: those that ICAO 9303-12 §4.4 knows, and SHA-1 of older documents."""

from __future__ import annotations

from typing import Final

from asn1crypto import core

from gate_documents.errors import AlgorithmUnknownError

HASHES_BY_OID: Final = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
HASH_OIDS: Final = {name: core.ObjectIdentifier(oid).contents for oid, name in HASHES_BY_OID.items()}  # their contents


def hash_name(oid: str) -> str:
    """The name of a hash algorithm. Raises AlgorithmUnknownError."""
    try:
        return HASHES_BY_OID[oid]
    except KeyError:
        raise AlgorithmUnknownError(f"hash algorithm {oid}") from None
