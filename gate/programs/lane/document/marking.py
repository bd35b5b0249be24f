"""The mark of a chip: by it the exchange of a site sees that the same chip was read at another gate (docs/protocols/exchange.md). Pure.

Nobody makes it who has not both the day's key and the chip's EF.SOD; with the key forgotten, nobody can any more.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

KEY_NAME_BYTES: Final = 8


def mark_of(day_key: bytes, security_object: bytes) -> str:
    """The name of the key and the mark by it, 80 hexadecimal digits. `security_object` is the SHA-256 of the chip's LDS security object."""
    name = hashlib.sha256(day_key).digest()[:KEY_NAME_BYTES]
    return (name + hmac.digest(day_key, security_object, "sha256")).hex()
