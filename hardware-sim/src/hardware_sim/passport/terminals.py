"""Card verifiable certificates: who may read the guarded groups, certified by the country for terminals of its choice.

BSI TR-03110-3 §C and §D, for the first version of Terminal Authentication: a CVCA whose key the chips hold, a document
verifier below it, inspection systems below that. ECDSA with SHA-256 alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hardware_sim.passport import der
from hardware_sim.passport.domain import BRAINPOOL_P256, Curve
from hardware_sim.passport.keys import elliptic_key

CURVE: Final = BRAINPOOL_P256
ECDSA_SHA256: Final = "0.4.0.127.0.7.2.2.2.2.3"
INSPECTION_SYSTEM: Final = "0.4.0.127.0.7.3.1.2.1"
READS_FINGERS: Final = 0x01
READS_IRISES: Final = 0x02
_CVCA_FILE_BYTES: Final = 36

Role = Literal["authority", "verifier", "terminal"]
ROLE_BITS: Final[dict[Role, int]] = {"authority": 0xC0, "verifier": 0x80, "terminal": 0x00}


@dataclass(frozen=True, slots=True)
class TrustPoint:
    """What a chip knows of its country's CVCA: name, public point, and the day that it believes it to be."""

    reference: bytes
    public: bytes
    today: date


@dataclass(frozen=True, slots=True)
class TerminalChain:
    """What a control centre has: the certificates below the CVCA, and the inspection system's private key."""

    authority_reference: bytes
    certificates: tuple[bytes, ...]
    holder_reference: bytes
    key: ec.EllipticCurvePrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class Holder:
    """A party with its name, its key and what it is."""

    reference: bytes
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    role: Role


def holder(reference: str, role: Role, seed: str) -> Holder:
    """A party whose key follows from a seed."""
    return Holder(reference.encode("latin-1"), elliptic_key(CURVE, seed), role)


def trust_point(authority: Holder, today: date) -> TrustPoint:
    """What the chip is given of the CVCA."""
    return TrustPoint(authority.reference, point(authority.key), today)


def cvca_file(authority: Holder) -> bytes:
    """EF.CVCA: the name of the CVCA, filled up with zeros (TR-03110-3 §A.2)."""
    return der.tlv(0x42, authority.reference).ljust(_CVCA_FILE_BYTES, b"\x00")


def certificate(by: Holder, subject: Holder, *, rights: int, period: tuple[date, date]) -> bytes:
    """One card verifiable certificate, signed by the party above (TR-03110-3 §C.1)."""
    chat = der.tlv(0x7F4C, der.oid(INSPECTION_SYSTEM), der.tlv(0x53, bytes((ROLE_BITS[subject.role] | rights,))))
    body = der.tlv(
        0x7F4E,
        der.tlv(0x5F29, b"\x00"),
        der.tlv(0x42, by.reference),
        _public_key(subject, CURVE),
        der.tlv(0x5F20, subject.reference),
        chat,
        der.tlv(0x5F25, _digits(period[0])),
        der.tlv(0x5F24, _digits(period[1])),
    )
    return der.tlv(0x7F21, body, der.tlv(0x5F37, sign_plain(by.key, body)))


def chain(authority: Holder, below: Sequence[Holder], *, rights: int, period: tuple[date, date]) -> TerminalChain:
    """Certificates from the CVCA down; the last party is the inspection system."""
    made, by = [], authority
    for subject in below:
        made.append(certificate(by, subject, rights=rights, period=period))
        by = subject
    return TerminalChain(authority.reference, tuple(made), by.reference, by.key)


def sign_plain(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """ECDSA as r and s of equal length (BSI TR-03111 §5.2.1)."""
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(SHA256(), deterministic_signing=True)))
    return r.to_bytes(CURVE.size_bytes) + s.to_bytes(CURVE.size_bytes)


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public key's uncompressed point."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _public_key(subject: Holder, curve: Curve) -> bytes:
    """Only the CVCA shows the domain parameters; the others inherit them (TR-03110-3 §D.3.3)."""
    size = curve.size_bytes
    shown = der.tlv(0x86, point(subject.key))
    if subject.role == "authority":
        shown = b"".join(
            (
                der.tlv(0x81, curve.p.to_bytes(size)),
                der.tlv(0x82, curve.a.to_bytes(size)),
                der.tlv(0x83, curve.b.to_bytes(size)),
                der.tlv(0x84, b"\x04" + curve.x.to_bytes(size) + curve.y.to_bytes(size)),
                der.tlv(0x85, curve.n.to_bytes(size)),
                shown,
                der.tlv(0x87, b"\x01"),
            )
        )
    return der.tlv(0x7F49, der.oid(ECDSA_SHA256), shown)


def _digits(day: date) -> bytes:
    """Six unpacked digits (TR-03110-3 §D.2.1.3)."""
    return bytes(int(digit) for digit in day.strftime("%y%m%d"))
