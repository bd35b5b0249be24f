"""EF.SOD: the document security object, and the hashes that the issuer signed in it (ICAO 9303-10 §4.6.2)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gate_documents import tlv
from gate_documents.errors import MalformedError
from gate_documents.pki.asn1 import (
    PRINTABLE_STRING,
    SEQUENCE,
    Part,
    contents_of,
    dotted,
    integer,
    octets,
    only,
    parts_of,
    reading,
)
from gate_documents.pki.hashes import hash_name
from gate_documents.pki.signed_data import SignedMessage, parse_signed_message

if TYPE_CHECKING:
    from collections.abc import Mapping

TAG: Final = 0x77
# The type of the standard, two that were used before it, and the plain data that Chinese documents name.
CONTENT_TYPES: Final = frozenset({"2.23.136.1.1.1", "1.3.27.1.1.1", "1.2.528.1.1006.1.20.1", "1.2.840.113549.1.7.1"})


@dataclass(frozen=True, slots=True)
class SecurityObject:
    """The issuer's signed statement: the hash of each data group, by its number. `message` has the signature.

    `versions`: those of LDS and Unicode, which version 1 of the object signs as well.
    """

    message: SignedMessage
    version: int
    hash: str
    hashes: Mapping[int, bytes]
    versions: tuple[str, str] | None

    @property
    def digest(self) -> bytes:
        """The SHA-256 of the LDS security object itself, which its signature covers. A copy of a chip can differ in the
        rest of EF.SOD, even in an ECDSA signature, and still verify.
        """
        return hashlib.sha256(self.message.content).digest()


def parse_sod(data: bytes) -> SecurityObject:
    """Read EF.SOD. Raises MalformedError, or AlgorithmUnknownError for a hash that we do not know."""
    message = parse_signed_message(tlv.only(data, TAG), "EF.SOD")
    if message.content_type not in CONTENT_TYPES:
        raise MalformedError("EF.SOD signs content of another type")
    return _security_object(message)


def _security_object(message: SignedMessage) -> SecurityObject:
    """Read the LDSSecurityObject; version 1, and only that, has version information (ICAO 9303-10 §4.6.2.3)."""
    whole = only(message.content, "the LDS security object")
    with reading("the LDS security object"):
        number, algorithm, groups, *info = parts_of(whole, SEQUENCE)
        version, hash_algorithm = integer(number), parts_of(algorithm, SEQUENCE)
        hashes: dict[int, bytes] = {}
        for entry in parts_of(groups, SEQUENCE):
            group, value = parts_of(entry, SEQUENCE)
            if integer(group) in hashes or not 1 <= integer(group) <= 16:
                raise MalformedError("the LDS security object names a data group twice, or one that cannot be")
            hashes[integer(group)] = octets(value)
        if version not in (0, 1) or not hashes:
            raise MalformedError(f"the LDS security object has version {version} or no hashes")
        if (version == 1) != bool(info):
            raise MalformedError("the LDS security object has version information and is of version 0, or the reverse")
        return SecurityObject(
            message=message,
            version=version,
            hash=hash_name(dotted(hash_algorithm[0])),
            hashes=hashes,
            versions=_versions(info),
        )


def _versions(info: list[Part]) -> tuple[str, str] | None:
    """Those of LDS and Unicode, if the object has version information."""
    if not info:
        return None
    (both,) = info
    lds, unicode = parts_of(both, SEQUENCE)
    return contents_of(lds, PRINTABLE_STRING).decode("ascii"), contents_of(unicode, PRINTABLE_STRING).decode("ascii")
