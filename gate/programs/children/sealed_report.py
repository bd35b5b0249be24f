"""Sends a child's report for officers: encrypted for their keys, in pieces that the parent forwards.

The lane names the officers' certificates. The child verifies them with the authority's key from its preparation, so
that a compromised lane cannot use its own key.
"""

from __future__ import annotations

import contextlib
from typing import Any

from gate.channel import vision_messages
from gate.channel.sockets import Connection
from gate.channel.vision_messages import SEALED_PIECE_BYTES_MAX as PIECE_BYTES_MAX
from gate_core.orders.envelope import seal
from gate_core.orders.errors import MalformedError
from gate_core.orders.order import sealing_key


async def say_sealed(
    parent: Connection[Any],
    end: vision_messages.EndCrossing,
    *,
    officers: vision_messages.OfficersOf | None,
    now_s: int,
    part: str,
    content: bytes | None,
) -> None:
    """Send one part, encrypted for each officer. `content` None: an empty piece is sent. `now_s`: wall clock in seconds
    since 1970; while it is unsure, the lane requests no report.
    """
    if end.seal is None:
        return
    for number, certificate in enumerate(end.seal.certificates):
        sealed = b""
        if content is not None and officers is not None:
            key = sealing_key(certificate, authority=officers.authority, gate=officers.gate, now_s=now_s)
            with contextlib.suppress(MalformedError):  # an unusable key affects only its owner
                if key is not None:
                    sealed = seal(content, key, gate=officers.gate, crossing=end.crossing, part=part)
        pieces = [sealed[at : at + PIECE_BYTES_MAX] for at in range(0, len(sealed), PIECE_BYTES_MAX)] or [b""]
        for place, piece in enumerate(pieces, start=1):
            await parent.send(vision_messages.SealedPiece(end.crossing, number, piece, last=place == len(pieces)))
