"""Shift certificates: the officers' authority certifies a shift key's holder, role, party, gates and validity.

A gate's configuration has only the authority's public key. Times are whole seconds since 1970, compared with the later
of the wall clock and the clock's floor; with the floor alone while the wall clock is unsure (`gate_core.orders.order`).
"""

from __future__ import annotations

import enum
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import msgspec

from gate_core.evidence.names import Role
from gate_core.orders import signed_text
from gate_core.orders.errors import MalformedError
from gate_core.orders.signed_text import GateId, Key, Kind, Moment, Text
from gate_core.orders.verbs import VERBS, Party, Verb

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


CERTIFICATE_BYTES_MAX: Final = 2048
KIND: Final = Kind("shift-certificate", 2, CERTIFICATE_BYTES_MAX)
CLOCKS_APART_S: Final = 300  # a gate's clock may be up to this much behind the authority's
SHIFT_S_MAX: Final = 24 * 3600  # instead of revocation: a stolen shift key expires

CertificateText = Annotated[
    str, msgspec.Meta(pattern=r"\A[A-Za-z0-9+/]+=*\Z", max_length=(CERTIFICATE_BYTES_MAX + 2) // 3 * 4)
]
OfficerId = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9._-]{0,63}\Z")]


class Certificate(Text, frozen=True, kw_only=True):
    """The certificate's content. `gates` None: every gate of this authority. `key`: the shift's public key, Base64.

    `sealing`: X25519 public key, Base64, to encrypt pictures of a traveller for this officer; None: cannot be shown
    any. `trained`: in safeguarding, so that flags are shown.
    """

    gates: Annotated[tuple[GateId, ...], msgspec.Meta(min_length=1, max_length=16)] | None
    key: Key
    not_before: Moment
    officer: OfficerId
    party: Party
    role: Role
    sealing: Key | None
    trained: bool
    until: Moment

    @property
    def public(self) -> bytes:
        """The shift's public key, 32 bytes."""
        return b64decode(self.key)

    @property
    def sealing_key(self) -> bytes | None:
        """The public key for encrypted pictures, 32 bytes, or None."""
        return None if self.sealing is None else b64decode(self.sealing)

    def covers(self, gate: str) -> bool:
        """True if the certificate is valid for this gate."""
        return self.gates is None or gate in self.gates


def certify(certificate: Certificate, authority: Ed25519PrivateKey) -> bytes:
    """Sign a certificate. Raises MalformedError, also for a shift of more than 24 hours, or not after its start."""
    if not 0 < certificate.until - certificate.not_before <= SHIFT_S_MAX:
        raise MalformedError("a shift lasts up to 24 hours")
    return signed_text.sign(certificate, authority, kind=KIND)


def open_certificate(raw: bytes, authority: bytes) -> Certificate:
    """Verify and decode a certificate of this authority (32 bytes). Raises MalformedError and ForgedError."""
    signature, body = signed_text.split(raw, kind=KIND)
    signed_text.require(signature, body, authority, kind=KIND)
    certificate = signed_text.read(body, Certificate, kind=KIND)
    if not 0 < certificate.until - certificate.not_before <= SHIFT_S_MAX:
        raise MalformedError("a shift lasts up to 24 hours")
    return certificate


def open_text(text: str, authority: bytes) -> Certificate:
    """Verify and decode a certificate in canonical Base64. Raises MalformedError and ForgedError."""
    try:
        raw = b64decode(text, validate=True)
    except ValueError as error:
        raise MalformedError("a certificate that is no Base64") from error
    if b64encode(raw).decode() != text:
        raise MalformedError("a certificate in another spelling")
    return open_certificate(raw, authority)


def unverified(raw: bytes) -> Certificate:
    """Decode a certificate without verifying it, to show it to its holder. Raises MalformedError."""
    _, body = signed_text.split(raw, kind=KIND)
    return signed_text.read(body, Certificate, kind=KIND)


class Who(NamedTuple):
    """The role and the party that a certificate gives its holder."""

    role: Role
    party: Party

    @classmethod
    def of(cls, certificate: Certificate) -> Who:
        """Of a certificate's holder."""
        return cls(certificate.role, certificate.party)


OFFICERS: Final = frozenset({Who(Role.OFFICER, Party.POLICE), Who(Role.SUPERVISOR, Party.POLICE)})
TECHNICIANS: Final = frozenset({Who(Role.TECHNICIAN, Party.POLICE), Who(Role.TECHNICIAN, Party.INTEGRATOR)})
AUDITORS: Final = frozenset(Who(Role.AUDITOR, party) for party in Party)
AIRPORT: Final = frozenset(Who(role, Party.AIRPORT) for role in Role)
ORDERING: Final = OFFICERS | TECHNICIANS
WATCHING: Final = ORDERING | AUDITORS | AIRPORT


class Sight(enum.Enum):
    """What of a gate is shown."""

    STATE = "state"  # state, outage, times, notices, who is present
    REASONS = "reasons"  # why a traveller waits, and what was found
    PICTURES = "pictures"  # and what is sealed to the officer
    FLAGS = "flags"  # quiet flags, of those only who are trained, and supervisors


SIGHTS: Final[dict[Sight, frozenset[Who]]] = {
    Sight.STATE: WATCHING,
    Sight.REASONS: OFFICERS,
    Sight.PICTURES: OFFICERS,
    Sight.FLAGS: OFFICERS,
}


def sees(certificate: Certificate) -> frozenset[Sight]:
    """What the holder of a certificate is shown."""
    found = frozenset(sight for sight, who in SIGHTS.items() if Who.of(certificate) in who)
    return found if certificate.trained or certificate.role is Role.SUPERVISOR else found - {Sight.FLAGS}


def may_order(certificate: Certificate, verb: Verb) -> bool:
    """Whether the console offers this verb to the holder of a certificate."""
    return Who.of(certificate) in ORDERING and certificate.role in VERBS[verb].roles
