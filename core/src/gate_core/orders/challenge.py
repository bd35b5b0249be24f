"""The lane's challenge: what an order must answer, so that it cannot be kept, foretold, or carried to another gate or another start.

A challenge says at which version of the lane's state and when (milliseconds of the lane's monotonic clock) it was given, and carries a
nonce that only this run of this lane can make: HMAC-SHA-256 of all that under a random key of the start. So the lane remembers no
challenges; a new start knows none of the old, and whoever relays orders can hand out none of their own for later.

The key is drawn by whoever starts the lane; the clock is an argument.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
from typing import Annotated, Final

import msgspec

from gate_core.orders.signed_text import Moment, Text

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
