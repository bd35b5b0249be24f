"""An officers' authority, shifts that it certified, and a lane's challenger, for tests. The keys are known: never use them."""

from __future__ import annotations

import time
from base64 import b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gate_core.evidence.names import Role
from gate_core.orders.certificate import Certificate, certify
from gate_core.orders.order import Challenger, Shift
from gate_core.orders.verbs import Party

GATE = "north-7"
NOW_S = 1_795_000_000
AUTHORITY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = AUTHORITY.public_key().public_bytes_raw()
OTHER_AUTHORITY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


def key_of(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def certificate(number: int = 7, **changes: Any) -> Certificate:
    """A certificate for the shift key of this number; a police officer's, at every gate, around NOW_S."""
    fields: dict[str, Any] = {
        "gates": None,
        "key": b64encode(key_of(number).public_key().public_bytes_raw()).decode(),
        "not_before": NOW_S - 3600,
        "officer": "anna",
        "party": Party.POLICE,
        "role": Role.OFFICER,
        "sealing": None,
        "trained": False,
        "until": NOW_S + 3600,
    }
    return Certificate(**{**fields, **changes})


def of_an_officer(sealing: bytes | None, *, authority: Ed25519PrivateKey = AUTHORITY, **changes: Any) -> bytes:
    """The certificate of an officer whose page opens what is sealed to this X25519 public key; around NOW_S."""
    text = None if sealing is None else b64encode(sealing).decode()
    return certify(certificate(**{"sealing": text, **changes}), authority)


def today() -> dict[str, Any]:
    """A shift around the machine's own clock, for programs that go by it."""
    now_s = int(time.time())
    return {"not_before": now_s - 3600, "until": now_s + 22 * 3600}


def shift(number: int = 7, *, authority: Ed25519PrivateKey = AUTHORITY, **changes: Any) -> Shift:
    """A shift key with its certificate."""
    return Shift(key_of(number), certify(certificate(number, **changes), authority))


def challenger(secret: int = 1, gate: str = GATE) -> Challenger:
    """A start of a lane."""
    return Challenger(bytes([secret]) * 32, gate)
