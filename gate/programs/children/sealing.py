"""What a child says to officers before its end: sealed to their keys, in pieces that its parent only hands on. The keys are public ones."""

from __future__ import annotations

from typing import Any

from gate.channel import messages
from gate.channel.messages import SEALED_PIECE_BYTES_MAX as PIECE_BYTES_MAX
from gate.channel.sockets import Connection
from gate.orders.errors import MalformedError
from gate.orders.sealing import seal


async def say_sealed(parent: Connection[Any], end: messages.EndCrossing, *, part: str, content: bytes | None) -> None:
    """Say one part, for each officer by itself. `content` None: there is nothing to say, and that is said."""
    if end.seal is None:
        return
    for number, key in enumerate(end.seal.keys):
        sealed = b"" if content is None else _sealed(content, key, end, end.seal.gate, part)
        pieces = [sealed[at : at + PIECE_BYTES_MAX] for at in range(0, len(sealed), PIECE_BYTES_MAX)] or [b""]
        for place, piece in enumerate(pieces, start=1):
            await parent.send(messages.SealedPiece(end.crossing, number, piece, last=place == len(pieces)))


def _sealed(content: bytes, key: bytes, end: messages.EndCrossing, gate: str, part: str) -> bytes:
    """Nothing for a key that is none: an officer's, and nobody else's loss."""
    try:
        return seal(content, key, gate=gate, crossing=end.crossing, part=part)
    except MalformedError:
        return b""
