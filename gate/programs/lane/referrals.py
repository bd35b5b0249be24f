"""What was sealed to officers of travellers who wait, until it is of no use any more: in memory alone, and nobody here can read it.

A crossing's is forgotten with its disposition, with the lane, and `SEALED_S` after the referral: then the officer takes the traveller to the
booth. Two parts come from two children, each in pieces, and each is handed out whole or not at all. What comes too late, for a crossing
that is settled already, is dropped.

Left to others: who is sealed to and who may ask (`officers`), the sealing itself (`gate.orders.sealing`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gate.channel.messages import SEALED_BYTES_MAX
from gate.orders.sealing import PARTS
from gate.passage import records

SEALED_S: Final = 600.0
REFERRALS_MAX: Final = 32  # as many as can wait; the oldest is forgotten


@dataclass(frozen=True, slots=True)
class Recipient:
    """An officer who was present at a referral, and the key to which is sealed for them: X25519, 32 bytes."""

    officer: str
    key: bytes


@dataclass(slots=True)
class _Sealed:
    """What was sealed to one officer, by its part; `coming` as far as it has come."""

    recipient: Recipient
    whole: dict[str, bytes] = field(default_factory=dict)
    coming: dict[str, bytearray] = field(default_factory=dict)


@dataclass(slots=True)
class _Referral:
    sealed: list[_Sealed]
    ends: asyncio.TimerHandle


class Referrals:
    """Keeps what was sealed. `expect` comes first, at the referral; then the pieces."""

    def __init__(self) -> None:
        self._of: dict[str, _Referral] = {}

    def expect(self, crossing: str, recipients: Sequence[Recipient]) -> None:
        """From now on take what is sealed to these of this crossing, which was referred just now."""
        self._forget(crossing)
        if not recipients:
            return
        ends = asyncio.get_running_loop().call_later(SEALED_S, self._forget, crossing)
        self._of[crossing] = _Referral([_Sealed(one) for one in recipients], ends)
        while len(self._of) > REFERRALS_MAX:
            self._forget(next(iter(self._of)))

    def take(self, crossing: str, part: str, number: int, piece: bytes, *, last: bool) -> None:
        """The next piece of a part for the recipient of this number. A part that grows too long, or is empty, was not sealed."""
        referral = self._of.get(crossing)
        if referral is None or not 0 <= number < len(referral.sealed):
            return
        sealed = referral.sealed[number]
        coming = sealed.coming.setdefault(part, bytearray())
        if part in sealed.whole or len(coming) > SEALED_BYTES_MAX:
            return
        coming += piece
        if last and 0 < len(coming) <= SEALED_BYTES_MAX:
            sealed.whole[part] = bytes(sealed.coming.pop(part))

    def record(self, record: records.Record) -> None:
        """A record is written: the one of a disposition ends what is kept of its crossing."""
        if isinstance(record, records.Settled):
            self._forget(record.crossing)

    def sealed(self, crossing: str, key: bytes | None) -> list[bytes] | None:
        """What was sealed to this key of a crossing, part by part, an empty one in place of one that was not; None: nothing."""
        for one in self._whole(crossing):
            if one.recipient.key == key:
                return [one.whole.get(part, b"") for part in PARTS]
        return None

    def sealed_for(self, crossing: str) -> list[str]:
        """Which officers have something to view of a crossing."""
        return [one.recipient.officer for one in self._whole(crossing)]

    def _whole(self, crossing: str) -> list[_Sealed]:
        referral = self._of.get(crossing)
        return [] if referral is None else [one for one in referral.sealed if one.whole]

    def _forget(self, crossing: str) -> None:
        if (referral := self._of.pop(crossing, None)) is not None:
            referral.ends.cancel()
