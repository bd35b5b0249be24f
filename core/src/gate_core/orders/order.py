"""Orders: one verb for one gate, answering one challenge, signed by a certified shift key.

Relaying programs do not decode orders. `read_order` verifies the signatures. `lacks` and `find_blocking_lacks` decide
whether the lane may obey. The order's effect is the lane's part.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from gate_core.orders import signed_text
from gate_core.orders.certificate import Certificate, CertificateText, open_certificate, open_text
from gate_core.orders.errors import MalformedError, OrderError
from gate_core.orders.signed_text import GateId, Kind, Moment, Text
from gate_core.orders.verbs import ROLES, VERBS, Power, Verb

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


VALID_MS: Final = 30_000
SECRET_BYTES: Final = 32
_NONCE_BYTES: Final = 16


class Challenge(Text, frozen=True, kw_only=True):
    """A lane's challenge. `version`: number of orders with an effect since the lane's start."""

    issued_ms: Moment
    nonce: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{32}\Z")]
    version: Moment


class Freshness(enum.Enum):
    """The state of the challenge that an order answers."""

    FRESH = "fresh"
    OLD = "old"
    FOREIGN = "foreign"  # from another start or gate, or invented


class Challenger:
    """Issues and verifies the challenges of one start of a gate's lane. `secret`: 32 fresh random bytes."""

    def __init__(self, secret: bytes, gate: str) -> None:
        if len(secret) != SECRET_BYTES:
            raise ValueError("the secret of a start has 32 bytes")
        self._secret = secret
        self._gate = gate

    def issue(self, version: int, now_ms: int) -> Challenge:
        """Return a challenge that is valid for VALID_MS."""
        return Challenge(issued_ms=now_ms, nonce=self._nonce(version, now_ms), version=version)

    def look(self, challenge: Challenge, now_ms: int) -> Freshness:
        """Return whether this start issued it in the last VALID_MS. The caller checks the version."""
        if not hmac.compare_digest(challenge.nonce, self._nonce(challenge.version, challenge.issued_ms)):
            return Freshness.FOREIGN
        return Freshness.FRESH if 0 <= now_ms - challenge.issued_ms <= VALID_MS else Freshness.OLD

    def _nonce(self, version: int, issued_ms: int) -> str:
        message = f"{self._gate} {version} {issued_ms}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).digest()[:_NONCE_BYTES].hex()


ORDER_BYTES_MAX: Final = 6 * 1024
KIND: Final = Kind("order", 2, ORDER_BYTES_MAX)
REASON_CHARACTERS_MAX: Final = 200

Crossing = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_-]{1,64}\Z")]
Argument = Annotated[str, msgspec.Meta(pattern=r"\A[a-z][a-z0-9_-]{0,31}\Z")]
Digest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class Order(Text, frozen=True, kw_only=True):
    """The signed content. `argument`: disposition, concern, direction or group of travellers, for verbs that need one.

    `reason`: the officer's text for the record, one line, without names of travellers. `seen`: digest of the pictures
    and lines shown before an admission (`gate_core.orders.envelope.seen_of`); None: none were shown.
    """

    argument: Argument | None = None
    certificate: CertificateText
    challenge: Challenge
    crossing: Crossing | None = None
    gate: GateId
    reason: Annotated[str, msgspec.Meta(max_length=REASON_CHARACTERS_MAX)] = ""
    seen: Digest | None = None
    verb: Verb

    def problem(self) -> str:
        """Return which part required by the verb is missing, invalid or superfluous; empty if none."""
        rule = VERBS[self.verb]
        if rule.crossing and self.crossing is None:
            return f"{self.verb.value} names a crossing"
        if rule.reason and not self.reason.strip():
            return f"{self.verb.value} needs a reason"
        if not self.reason.isprintable():
            return "a reason is one printable line"
        if rule.arguments and self.argument not in rule.arguments:
            return f"{self.verb.value} takes one of {', '.join(rule.arguments)}"
        if rule.named and self.argument is None:
            return f"{self.verb.value} names whom"
        if not (rule.arguments or rule.named) and self.argument is not None:
            return f"{self.verb.value} takes no argument"
        if self.seen is not None and self.verb is not Verb.ADMIT:
            return f"{self.verb.value} rests on nothing that was seen"
        return ""


@dataclass(frozen=True, slots=True)
class Signed:
    """A verified order, and its signer's certificate."""

    order: Order
    by: Certificate


class Shift:
    """A shift key with its certificate, which repr does not show."""

    def __init__(self, key: Ed25519PrivateKey, certificate: bytes) -> None:
        self._key = key
        self._certificate = b64encode(certificate).decode()

    def certified_by(self, authority: bytes) -> Certificate:
        """Return the certificate, verified with this authority's key. Raises MalformedError and ForgedError."""
        return open_text(self._certificate, authority)

    def __repr__(self) -> str:
        return "Shift()"

    def sign(
        self,
        verb: Verb,
        *,
        gate: str,
        challenge: Challenge,
        crossing: str | None = None,
        reason: str = "",
        argument: str | None = None,
        seen: str | None = None,
    ) -> bytes:
        """Return a signed order. Raises MalformedError with the order's `problem`."""
        order = Order(
            argument=argument,
            certificate=self._certificate,
            challenge=challenge,
            crossing=crossing,
            gate=gate,
            reason=reason,
            seen=seen,
            verb=verb,
        )
        if problem := order.problem():
            raise MalformedError(problem)
        return signed_text.sign(order, self._key, kind=KIND)


def asks_to_free(raw: bytes) -> bool:
    """True for an order that frees people, without verifying it: officers must see that one was refused."""
    try:
        _, body = signed_text.split(raw, kind=KIND)
        return VERBS[signed_text.read(body, Order, kind=KIND).verb].power is Power.FREES
    except MalformedError:
        return False


def read_order(raw: bytes, authority: bytes) -> Signed:
    """Verify and decode an order by a key certified by this authority (32 bytes). Does not check `problem`, so that the
    signer's rights are checked first. Raises MalformedError and ForgedError.
    """
    signature, body = signed_text.split(raw, kind=KIND)
    order = signed_text.read(body, Order, kind=KIND)
    by = open_text(order.certificate, authority)
    signed_text.require(signature, body, by.public, kind=KIND)
    return Signed(order, by)


class Lack(enum.Enum):
    """Defects of an order. Stored in records; never renamed."""

    OTHER_GATE = "other_gate"  # it names another gate
    CHALLENGE_FOREIGN = "challenge_foreign"  # it answers no challenge of this start of this lane
    CHALLENGE_OLD = "challenge_old"  # it answers one that is older than 30 s
    ROLE = "role"  # the certified role may not give it, or the party does not have that role
    GATE_NOT_CERTIFIED = "gate_not_certified"  # the certificate is for other gates
    SHIFT_NOT_BEGUN = "shift_not_begun"
    SHIFT_OVER = "shift_over"
    SHIFT_LONG_OVER = "shift_long_over"  # for more than a day: may not even free people
    CLOCK_UNSURE = "clock_unsure"  # cannot determine whether the shift is over


FREES_AFTER_SHIFT_S_MAX: Final = 24 * 3600

_BLOCKERS = {
    Power.GIVES: frozenset(Lack),
    Power.TAKES: frozenset(Lack) - {Lack.CLOCK_UNSURE},
    Power.FREES: frozenset(Lack) - {Lack.CHALLENGE_OLD, Lack.SHIFT_NOT_BEGUN, Lack.SHIFT_OVER, Lack.CLOCK_UNSURE},
}
OVER: Final = frozenset({Lack.SHIFT_OVER, Lack.SHIFT_LONG_OVER})


def lacks(signed: Signed, *, gate: str, freshness: Freshness, now_s: int | None, floor_s: int) -> tuple[Lack, ...]:
    """Return all defects of an order at this gate now. `now_s`: wall clock, seconds since 1970, None if unsure.
    `floor_s`: earliest possible time, used if the wall clock is behind it.
    """
    order, by = signed.order, signed.by
    found = []
    if order.gate != gate:
        found.append(Lack.OTHER_GATE)
    if freshness is not Freshness.FRESH:
        found.append(Lack.CHALLENGE_OLD if freshness is Freshness.OLD else Lack.CHALLENGE_FOREIGN)
    if by.role not in VERBS[order.verb].roles & ROLES[by.party]:
        found.append(Lack.ROLE)
    if not by.covers(gate):
        found.append(Lack.GATE_NOT_CERTIFIED)
    if now_s is None:
        found.append(Lack.CLOCK_UNSURE)
    latest_s = floor_s if now_s is None else max(now_s, floor_s)
    if latest_s >= by.until:
        found.append(Lack.SHIFT_OVER if latest_s - by.until <= FREES_AFTER_SHIFT_S_MAX else Lack.SHIFT_LONG_OVER)
    elif now_s is not None and latest_s < by.not_before:
        found.append(Lack.SHIFT_NOT_BEGUN)
    return tuple(found)


def find_blocking_lacks(signed: Signed, lacking: tuple[Lack, ...]) -> tuple[Lack, ...]:
    """Those of the lacks for which the order is not obeyed."""
    blockers = _BLOCKERS[VERBS[signed.order.verb].power]
    return tuple(lack for lack in lacking if lack in blockers)


def sealing_key(certificate: bytes, *, authority: bytes, gate: str, now_s: int) -> bytes | None:
    """Return the key for encrypting a traveller's pictures for this certificate's officer at this gate now, or None.

    Called in the processes that hold faces or documents, which verify the lane's certificates themselves.
    """
    try:
        says = open_certificate(certificate, authority)
    except OrderError:
        return None
    may_view = says.role in VERBS[Verb.VIEW].roles & ROLES[says.party]
    return says.sealing_key if may_view and says.covers(gate) and says.not_before <= now_s < says.until else None
