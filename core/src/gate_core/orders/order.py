"""An order: one verb for one gate, answering one challenge, signed by a shift key that the officers' authority certified.

A challenge holds the version of the lane's state, the time on its monotonic clock (ms) and an HMAC-SHA-256 of both under a key of this start:
the lane remembers none, and a new start knows none of the old. `lacks` and `hindrances` say what an authentic order lacks: who gives permission
must lack nothing; taking it away waits for no clock; freeing people takes a certificate for this gate, a role that gives orders, and a
shift that ended at most a day ago. Shifts are judged by the later of the wall clock and its floor (decision 0024). Pure.
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
    """`version` counts the orders that changed something since the lane's start."""

    issued_ms: Moment
    nonce: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{32}\Z")]
    version: Moment


class Freshness(enum.Enum):
    """What a lane says of the challenge that an order answers."""

    FRESH = "fresh"
    OLD = "old"
    FOREIGN = "foreign"  # of another start, another gate, or made up


class Challenger:
    """Gives challenges of one start of one gate's lane, and recognises them. `secret` is fresh and random, 32 bytes."""

    def __init__(self, secret: bytes, gate: str) -> None:
        if len(secret) != SECRET_BYTES:
            raise ValueError("the secret of a start has 32 bytes")
        self._secret = secret
        self._gate = gate

    def issue(self, version: int, now_ms: int) -> Challenge:
        """A challenge that holds for VALID_MS."""
        return Challenge(issued_ms=now_ms, nonce=self._nonce(version, now_ms), version=version)

    def look(self, challenge: Challenge, now_ms: int) -> Freshness:
        """Whether it was given by this start, and lately. The version is the lane's to judge."""
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
    """What an officer signed. `argument` is the disposition, concern, direction or group of travellers of the verbs that have one.

    `reason` is the officer's own words for the record, one line; names of travellers do not belong there. `seen` are the pictures and lines that the
    page showed before an admission (`gate_core.orders.envelope.seen_of`); None where it showed none.
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
        """What the verb's row in the table misses, or nothing: a crossing, a reason, an argument, or one too many."""
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
    """An order, and whose it is."""

    order: Order
    by: Certificate


class Shift:
    """A shift key with its certificate. Shows nothing of itself."""

    def __init__(self, key: Ed25519PrivateKey, certificate: bytes) -> None:
        self._key = key
        self._certificate = b64encode(certificate).decode()

    def certified_by(self, authority: bytes) -> Certificate:
        """What this authority has certified of the key. Raises MalformedError and ForgedError."""
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
        """The bytes of an order. Raises MalformedError with what the verb misses."""
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
    """True for the bytes of an order that frees people, whoever signed it: that one was refused is somebody's to see."""
    try:
        _, body = signed_text.split(raw, kind=KIND)
        return VERBS[signed_text.read(body, Order, kind=KIND).verb].power is Power.FREES
    except MalformedError:
        return False


def read_order(raw: bytes, authority: bytes) -> Signed:
    """An order that a key certified by this authority (32 bytes) signed; its `problem` is still to be asked, so that a key that may not order anything
    is heard of first. Raises MalformedError and ForgedError.
    """
    signature, body = signed_text.split(raw, kind=KIND)
    order = signed_text.read(body, Order, kind=KIND)
    by = open_text(order.certificate, authority)
    signed_text.require(signature, body, by.public, kind=KIND)
    return Signed(order, by)


class Lack(enum.Enum):
    """What an order may lack. Stored in records; never renamed."""

    OTHER_GATE = "other_gate"  # it names another gate
    CHALLENGE_FOREIGN = "challenge_foreign"  # it answers no challenge of this start of this lane
    CHALLENGE_OLD = "challenge_old"  # it answers one that is older than 30 s
    ROLE = "role"  # the certified role may not, or is none that the party has
    GATE_NOT_CERTIFIED = "gate_not_certified"  # the shift is worked at other gates
    SHIFT_NOT_BEGUN = "shift_not_begun"
    SHIFT_OVER = "shift_over"
    SHIFT_LONG_OVER = "shift_long_over"  # for more than a day: it does not even free people
    CLOCK_UNSURE = "clock_unsure"  # whether the shift lasts cannot be told


FREES_AFTER_SHIFT_S_MAX: Final = 24 * 3600

_BLOCKERS = {
    Power.GIVES: frozenset(Lack),
    Power.TAKES: frozenset(Lack) - {Lack.CLOCK_UNSURE},
    Power.FREES: frozenset(Lack) - {Lack.CHALLENGE_OLD, Lack.SHIFT_NOT_BEGUN, Lack.SHIFT_OVER, Lack.CLOCK_UNSURE},
}
OVER: Final = frozenset({Lack.SHIFT_OVER, Lack.SHIFT_LONG_OVER})


def lacks(signed: Signed, *, gate: str, freshness: Freshness, now_s: int | None, floor_s: int) -> tuple[Lack, ...]:
    """Everything an order lacks at this gate now. `now_s` is the wall clock in seconds since 1970, None when it is unsure; before `floor_s` it
    cannot be now, whatever the wall clock shows.
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
    """The key to which a traveller's pictures may be sealed at this gate now: that of an officer whom this authority certified, else None.

    Asked where a traveller's face or document lives, of certificates that the lane names: its word for a key is not taken.
    """
    try:
        says = open_certificate(certificate, authority)
    except OrderError:
        return None
    may_view = says.role in VERBS[Verb.VIEW].roles & ROLES[says.party]
    return says.sealing_key if may_view and says.covers(gate) and says.not_before <= now_s < says.until else None
