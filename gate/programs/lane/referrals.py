"""Data of waiting travellers, for officers only, in memory only: findings, flags, and reports encrypted to officers.

Nothing here can decrypt the reports. They are deleted with the disposition, with the lane, and SEALED_S after the
referral: then the officer takes the traveller to the booth. Two children send one part each, in pieces; a part is
handed out complete or not at all. Findings are deleted with the crossing, flags after FLAG_S unless it waits.
`officers` chooses the recipients; `gate_core.orders.envelope` defines the format.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from gate.channel.message import CLAUSE_MAX, words
from gate.channel.order_messages import SEALED_BYTES_MAX, Findings
from gate.channel.vision_messages import SealedPiece
from gate.passage import records
from gate.passage.names import ClosedAs, Concern
from gate.passage.policy import Policy
from gate_core.evidence.crossing import Check, Evidence, FaceEvidence, Score
from gate_core.orders.envelope import PARTS, seen_of

SEALED_S: Final = 600.0
REFERRALS_MAX: Final = 32  # as many as can wait; the oldest is deleted
FLAG_S: Final = 3600.0
FLAGS_MAX: Final = 32  # the oldest is deleted


@dataclass(frozen=True, slots=True)
class Recipient:
    """An officer present at a referral, their key for encryption (X25519, 32 bytes), and its certificate."""

    officer: str
    key: bytes
    certificate: bytes


@dataclass(frozen=True, slots=True)
class Raised:
    """A flag, and when it was raised, in seconds of the loop's clock."""

    concern: Concern
    officer: str
    crossing: str | None
    at_s: float


@dataclass(slots=True)
class _Sealed:
    """One officer's encrypted parts by name: complete in `whole`, incomplete in `coming`."""

    recipient: Recipient
    whole: dict[str, bytes] = field(default_factory=dict)
    coming: dict[str, bytearray] = field(default_factory=dict)


@dataclass(slots=True)
class _Referral:
    sealed: list[_Sealed]
    ends: asyncio.TimerHandle


class Referrals:
    """Stores these data. An encrypted report needs `expect` first, at the referral; then `take` adds its pieces."""

    def __init__(self) -> None:
        self._of: dict[str, _Referral] = {}
        self._found: dict[str, Findings] = {}
        self._handed: dict[str, set[tuple[bytes, str]]] = {}
        self._flags: list[Raised] = []

    def expect(self, crossing: str, recipients: Sequence[Recipient]) -> None:
        """Accept a just referred crossing's encrypted report for these recipients."""
        self._forget(crossing)
        if not recipients:
            return
        ends = asyncio.get_running_loop().call_later(SEALED_S, self._forget, crossing)
        self._of[crossing] = _Referral([_Sealed(one) for one in recipients], ends)
        while len(self._of) > REFERRALS_MAX:
            self._forget(next(iter(self._of)))

    def take(self, crossing: str, part: str, number: int, piece: bytes, *, last: bool) -> None:
        """Add the next piece of a part for recipient `number`. An empty or too long part is dropped."""
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

    def taker(self, part: str) -> Callable[[SealedPiece], None]:
        """Return a function that takes one part's pieces from a child."""
        return lambda piece: self.take(piece.crossing, part, piece.number, piece.content, last=piece.last)

    def record(self, record: records.Record) -> None:
        """Store a decision's findings; delete a crossing's data at its end."""
        match record:
            case records.EntryDecided(crossing) | records.Decided(crossing):
                self._found[crossing] = findings_of(record.evidence, record.policy)
                while len(self._found) > REFERRALS_MAX + 1:  # plus the running crossing
                    self._found.pop(next(iter(self._found)))
            case records.Flagged(crossing, order, concern):
                raised = Raised(concern, order.officer, crossing, asyncio.get_running_loop().time())
                self._flags = [raised, *self._flags][:FLAGS_MAX]
            case records.Closed(crossing, ClosedAs.ADMITTED) | records.Settled(crossing):
                self._found.pop(crossing, None)
                self._handed.pop(crossing, None)
                self._forget(crossing)
            case _:
                pass

    def findings(self, crossing: str) -> Findings | None:
        """Return the findings of a crossing's decision."""
        return self._found.get(crossing)

    def flags(self, waiting: Collection[str]) -> tuple[Raised, ...]:
        """Return the flags in force, newest first. `waiting`: crossings that wait."""
        since_s = asyncio.get_running_loop().time() - FLAG_S
        self._flags = [one for one in self._flags if one.at_s >= since_s or one.crossing in waiting]
        return tuple(self._flags)

    def sealed(self, crossing: str, key: bytes | None) -> list[bytes] | None:
        """Return the parts encrypted to this key, empty for a missing one; None if there are none."""
        for one in self._whole(crossing):
            if one.recipient.key == key:
                return [one.whole.get(part, b"") for part in PARTS]
        return None

    def hand_out(self, crossing: str, key: bytes | None) -> list[bytes] | None:
        """Return the same to an officer who views it, and note its digest until the crossing is settled."""
        parts = self.sealed(crossing, key)
        if parts is not None and key is not None:
            self._handed.setdefault(crossing, set()).add((key, seen_of(parts)))
            while len(self._handed) > REFERRALS_MAX:
                self._handed.pop(next(iter(self._handed)))
        return parts

    def was_handed_out(self, crossing: str, key: bytes | None, seen: str) -> bool:
        """True if the holder of this key was handed out the report with the digest `seen`."""
        return (key, seen) in self._handed.get(crossing, set())

    def sealed_for(self, crossing: str) -> list[str]:
        """Return the officers for whom there is a report of a crossing."""
        return [one.recipient.officer for one in self._whole(crossing)]

    def _whole(self, crossing: str) -> list[_Sealed]:
        referral = self._of.get(crossing)
        return [] if referral is None else [one for one in referral.sealed if one.whole]

    def _forget(self, crossing: str) -> None:
        if (referral := self._of.pop(crossing, None)) is not None:
            referral.ends.cancel()


def findings_of(evidence: Evidence, policy: Policy) -> Findings:
    """Return the checks of document and page, the chip's access protocol, and the face's scores with their bounds."""
    document, face = evidence.document, evidence.face
    page = None if document is None else document.page
    return Findings(
        checks=[
            Check(one.id, one.result, words(one.reason), one.clause[:CLAUSE_MAX])
            for one in (() if document is None else document.checks)
        ],
        page_checks=[*(() if page is None else page.checks), *(() if face is None else face.page_checks)],
        access=None if document is None or document.access is None else document.access.protocol,
        face_score=_value(None if face is None else face.match),
        face_threshold=policy.face_match_min.value,
        liveness=_value(None if face is None else face.liveness),
        liveness_bound=policy.liveness_min.value,
        quality=[] if face is None else _quality(face),
    )


def _value(score: Score | None) -> float | None:
    return None if score is None else score.value


def _quality(face: FaceEvidence) -> list[str]:
    """Return what may have made the face's scores worse."""
    found = {
        "no_face": face.faces == 0,
        "several_faces": face.faces > 1,
        "portrait_unusable": face.portrait_usable is False,
        "track_lost": face.match is not None and not face.track_held,
    }
    return [word for word, is_so in found.items() if is_so] + [trouble.value for trouble in face.trouble]
