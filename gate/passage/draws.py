"""A day's draw: selects at random the travellers whom an officer sees without any other reason. Pure.

They cannot be chosen or predicted, and an auditor can check it afterwards: the hash of a secret is in the log before the day's
first traveller, a crossing's random ID and the secret determine the selection, and the log gets the secret when the day is over.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

OF: Final = 10_000  # a share is so many of these
SECRET_BYTES: Final = 32
_DRAWN_BYTES: Final = 8  # of the HMAC, as a number


@dataclass(frozen=True, slots=True)
class Draw:
    """The draw of a day (ISO 8601, local to the site): this many of 10,000 crossings, by a secret of 32 random bytes."""

    day: str
    per_10000: int
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse a share out of range, and a secret of the wrong length."""
        if not 0 < self.per_10000 <= OF or len(self.secret) != SECRET_BYTES:
            raise ValueError(f"draws {self.per_10000} of {OF}, by a secret of {len(self.secret)} bytes")

    @property
    def sha256(self) -> str:
        """The secret's SHA-256 in hex, which the log has while the secret is unknown."""
        return hashlib.sha256(self.secret).hexdigest()

    def draws(self, crossing: str) -> bool:
        """True if an officer sees the crossing's traveller: the first 8 bytes of HMAC-SHA-256(secret, ID), of 2^64, are below the share."""
        drawn = hmac.digest(self.secret, crossing.encode(), "sha256")[:_DRAWN_BYTES]
        return int.from_bytes(drawn) * OF < self.per_10000 << 8 * _DRAWN_BYTES
