"""Who has approved the settings that decisions rest on: Ed25519 signatures over their digest, by persons who each hold a key.

A change of one number is another digest, and no signature holds any more. Whose a key is, only people know: the keys stand in the log
beside the settings, and an auditor compares them. Whoever rules the machine may write another person's name beside a key of
their own, but cannot sign with that person's key.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PERSONS_MIN: Final = 2


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's signature: the raw public key, 32 bytes, and the signature of the digest's text, 64 bytes (RFC 8032)."""

    name: str
    key: bytes
    signature: bytes


def digest(settings: Mapping[str, object]) -> str:
    """The SHA-256 of the settings as JSON with sorted keys and no spaces, in hexadecimal: the text that is signed."""
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def persons(signed: str, approvals: Iterable[Approval]) -> tuple[str, ...]:
    """The names of those who have signed this digest; one key, or one name, is one person."""
    names: list[str] = []
    keys: set[bytes] = set()
    for approval in approvals:
        if approval.name not in names and approval.key not in keys and _holds(signed, approval):
            names.append(approval.name)
            keys.add(approval.key)
    return tuple(names)


def _holds(signed: str, approval: Approval) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(approval.key).verify(approval.signature, signed.encode())
    except (InvalidSignature, ValueError):
        return False
    return True
