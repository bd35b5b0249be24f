"""A day's draw: which of its travellers an officer sees for no reason of their own. Pure.

Nobody picks them, and nobody can say so afterwards who did: the hash of a secret stands in the log before the day's first traveller comes, a
crossing's random id and the secret say whether it is drawn, and the secret follows in the log when the day is over.
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
    """The draw of a day (ISO 8601, the site's own): so many of 10,000 crossings, by a secret of 32 random bytes."""

    day: str
    per_10000: int
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what draws nobody, and a secret that somebody could guess."""
        if not 0 < self.per_10000 <= OF or len(self.secret) != SECRET_BYTES:
            raise ValueError(f"draws {self.per_10000} of {OF}, by a secret of {len(self.secret)} bytes")

    @property
    def sha256(self) -> str:
        """What the log says of the secret while it is one: its SHA-256, hex."""
        return hashlib.sha256(self.secret).hexdigest()

    def draws(self, crossing: str) -> bool:
        """True for a crossing whose traveller an officer sees: the first 8 bytes of HMAC-SHA-256(secret, id), of 2^64, are below the share."""
        drawn = hmac.digest(self.secret, crossing.encode(), "sha256")[:_DRAWN_BYTES]
        return int.from_bytes(drawn) * OF < self.per_10000 << 8 * _DRAWN_BYTES
