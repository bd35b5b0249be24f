"""What a child says to officers before its end: sealed, in pieces, to keys that the officers' authority certified."""

from __future__ import annotations

import contextlib
from typing import Any

from gate.channel import messages
from gate.channel.messages import SEALED_PIECE_BYTES_MAX as PIECE_BYTES_MAX
from gate.channel.sockets import Connection
from gate_core.orders.envelope import seal
from gate_core.orders.errors import MalformedError
from gate_core.orders.order import sealing_key


async def say_sealed(
    parent: Connection[Any],
    end: messages.EndCrossing,
    *,
    officers: messages.OfficersOf | None,
    now_s: int,
    part: str,
    content: bytes | None,
) -> None:
    """Say one part, for each officer by itself. `content` None: there is nothing to say, and that is said. `now_s` is the wall clock in
    seconds since 1970: where it is unsure the lane asks for no sealing.
    """
    if end.seal is None:
        return
    for number, certificate in enumerate(end.seal.certificates):
        sealed = b""
        if content is not None and officers is not None:
            key = sealing_key(certificate, authority=officers.authority, gate=officers.gate, now_s=now_s)
            with contextlib.suppress(MalformedError):  # of whoever is no officer, or has no key: nobody else's loss
                if key is not None:
                    sealed = seal(content, key, gate=officers.gate, crossing=end.crossing, part=part)
        pieces = [sealed[at : at + PIECE_BYTES_MAX] for at in range(0, len(sealed), PIECE_BYTES_MAX)] or [b""]
        for place, piece in enumerate(pieces, start=1):
            await parent.send(messages.SealedPiece(end.crossing, number, piece, last=place == len(pieces)))
