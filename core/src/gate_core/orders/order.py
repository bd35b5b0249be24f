"""An order: one verb for one gate, answering one challenge, signed by a shift key that the officers' authority certified.

The bytes are opaque to whoever relays them. Reading proves who said it; whether it may be obeyed is `gate_core.orders.order_checks`, and what
comes of it is the lane's.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from gate_core.orders import signed_text
from gate_core.orders.certificate import Certificate, CertificateText, open_text
from gate_core.orders.challenge import Challenge
from gate_core.orders.errors import MalformedError
from gate_core.orders.signed_text import GateId, Kind, Text
from gate_core.orders.verbs import VERBS, Power, Verb

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

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
