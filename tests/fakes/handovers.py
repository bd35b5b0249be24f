"""Handovers and readings as an officer's page signs them, for tests."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from core_fakes.shifts import AUTHORITY, NOW_S, certificate, key_of

from gate_core.orders import signed_text
from gate_core.orders.certificate import certify
from gate_officers.console.handover import HANDOVER, READING, Handover, OpenAt, Reading


def handover(
    words: str = "",
    *open_at: OpenAt,
    gate: str = "north-7",
    number: int = 7,
    signer: int | None = None,
    at: int = NOW_S,
    **shift: Any,
) -> bytes:
    """What the officer of this shift key has signed; by the key of `signer`, if another's."""
    said = Handover(
        at=at,
        certificate=_text(number, shift),
        open_at=open_at or (OpenAt(gate=gate, state="Free", things=()),),
        words=words,
    )
    return signed_text.sign(said, key_of(signer or number), kind=HANDOVER)


def reading(*handovers: str, number: int = 7, signer: int | None = None, at: int = NOW_S, **shift: Any) -> bytes:
    """That they have read the handovers of these digests."""
    said = Reading(at=at, certificate=_text(number, shift), handovers=handovers)
    return signed_text.sign(said, key_of(signer or number), kind=READING)


def _text(number: int, shift: dict[str, Any]) -> str:
    return b64encode(certify(certificate(number, **shift), AUTHORITY)).decode()
