"""A shift certificate: the officers' authority says whose key this is, what they are and for whom they work, at which gates and until when.

The authority's key never comes to a gate; its public half stands in the gate's configuration. Times are whole seconds since 1970: by the
later of the wall clock and the clock's floor, by the floor alone while the wall clock is unsure (`gate_core.orders.order`).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from gate_core.evidence.names import Role
from gate_core.orders import signed_text
from gate_core.orders.errors import MalformedError
from gate_core.orders.signed_text import GateId, Key, Kind, Moment, Text
from gate_core.orders.verbs import Party

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

CERTIFICATE_BYTES_MAX: Final = 2048
KIND: Final = Kind("shift-certificate", 2, CERTIFICATE_BYTES_MAX)
CLOCKS_APART_S: Final = 300  # a gate's clock may be so much behind the authority's
SHIFT_S_MAX: Final = 24 * 3600  # there is no revocation: a stolen shift key ends by itself

CertificateText = Annotated[
    str, msgspec.Meta(pattern=r"\A[A-Za-z0-9+/]+=*\Z", max_length=(CERTIFICATE_BYTES_MAX + 2) // 3 * 4)
]
OfficerId = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9._-]{0,63}\Z")]


class Certificate(Text, frozen=True, kw_only=True):
    """What the authority signed. `gates` None: every gate of this authority. `key` is the shift key's public half, Base64.

    `sealing` is the X25519 public key, Base64, to which pictures of a traveller may be sealed for this officer; None where none can be
    shown. `trained`: in safeguarding, so that flags are shown to them.
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
        """The shift key's public half, 32 bytes."""
        return b64decode(self.key)

    @property
    def sealing_key(self) -> bytes | None:
        """The key that is sealed to, 32 bytes; None where nothing can be shown."""
        return None if self.sealing is None else b64decode(self.sealing)

    def covers(self, gate: str) -> bool:
        """True when the shift is worked at this gate."""
        return self.gates is None or gate in self.gates


def certify(certificate: Certificate, authority: Ed25519PrivateKey) -> bytes:
    """Sign a certificate. Raises MalformedError, also for a shift that is longer than a day or ends before it begins."""
    if not 0 < certificate.until - certificate.not_before <= SHIFT_S_MAX:
        raise MalformedError("a shift lasts up to 24 hours")
    return signed_text.sign(certificate, authority, kind=KIND)


def open_certificate(raw: bytes, authority: bytes) -> Certificate:
    """A certificate that this authority (32 bytes) signed. Raises MalformedError and ForgedError."""
    signature, body = signed_text.split(raw, kind=KIND)
    signed_text.require(signature, body, authority, kind=KIND)
    certificate = signed_text.read(body, Certificate, kind=KIND)
    if not 0 < certificate.until - certificate.not_before <= SHIFT_S_MAX:
        raise MalformedError("a shift lasts up to 24 hours")
    return certificate


def open_text(text: str, authority: bytes) -> Certificate:
    """A certificate as signed texts carry it: Base64, in its one spelling. Raises MalformedError and ForgedError."""
    try:
        raw = b64decode(text, validate=True)
    except ValueError as error:
        raise MalformedError("a certificate that is no Base64") from error
    if b64encode(raw).decode() != text:
        raise MalformedError("a certificate in another spelling")
    return open_certificate(raw, authority)


def unverified(raw: bytes) -> Certificate:
    """What a certificate says, for its holder's own eyes: nobody's signature was looked at. Raises MalformedError."""
    _, body = signed_text.split(raw, kind=KIND)
    return signed_text.read(body, Certificate, kind=KIND)
