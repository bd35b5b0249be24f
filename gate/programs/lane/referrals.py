"""What is kept of travellers who wait, for officers alone: what was found, flags, and what was sealed to officers. In memory alone.

What is sealed nobody here can read. A crossing's is forgotten with its disposition, with the lane, and `SEALED_S` after the referral: then the officer takes
the traveller to the booth. Two parts come from two children, in pieces, and each is handed out whole or not at all. Findings are forgotten with the crossing,
flags after `FLAG_S`, but not while their crossing waits. `officers` says who is sealed to, `gate_core.orders.envelope` how.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from gate.channel.messages import CLAUSE_MAX, SEALED_BYTES_MAX, Findings, SealedPiece, words
from gate.passage import records
from gate.passage.orders import Concern
from gate.passage.policy import Policy
from gate.passage.records import ClosedAs
from gate_core.evidence.crossing import Check, Evidence, FaceEvidence, Score
from gate_core.orders.envelope import PARTS, seen_of

SEALED_S: Final = 600.0
REFERRALS_MAX: Final = 32  # as many as can wait; the oldest is forgotten
FLAG_S: Final = 3600.0
FLAGS_MAX: Final = 32  # the oldest is forgotten


@dataclass(frozen=True, slots=True)
class Recipient:
    """An officer who was present at a referral, the key to which is sealed for them (X25519, 32 bytes), and the certificate that says so."""

    officer: str
    key: bytes
    certificate: bytes


@dataclass(frozen=True, slots=True)
class Raised:
    """A flag, and when it was raised: seconds of the loop's clock."""

    concern: Concern
    officer: str
    crossing: str | None
    at_s: float


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
    """Keeps it. Of what is sealed `expect` comes first, at the referral; then the pieces."""

    def __init__(self) -> None:
        self._of: dict[str, _Referral] = {}
        self._found: dict[str, Findings] = {}
        self._handed: dict[str, set[tuple[bytes, str]]] = {}
        self._flags: list[Raised] = []

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

    def taker(self, part: str) -> Callable[[SealedPiece], None]:
        """What takes the pieces of one part as they come from a child."""
        return lambda piece: self.take(piece.crossing, part, piece.number, piece.content, last=piece.last)

    def record(self, record: records.Record) -> None:
        """A record is written: a decision says what was found, and the end of a crossing ends what is kept of it."""
        match record:
            case records.EntryDecided(crossing) | records.Decided(crossing):
                self._found[crossing] = findings_of(record.evidence, record.policy)
                while len(self._found) > REFERRALS_MAX + 1:  # and the one that runs
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
        """What the decision found about this crossing."""
        return self._found.get(crossing)

    def flags(self, waiting: Collection[str]) -> tuple[Raised, ...]:
        """The flags that are not over, the newest first, while these crossings wait."""
        since_s = asyncio.get_running_loop().time() - FLAG_S
        self._flags = [one for one in self._flags if one.at_s >= since_s or one.crossing in waiting]
        return tuple(self._flags)

    def sealed(self, crossing: str, key: bytes | None) -> list[bytes] | None:
        """What was sealed to this key of a crossing, part by part, an empty one in place of one that was not; None: nothing."""
        for one in self._whole(crossing):
            if one.recipient.key == key:
                return [one.whole.get(part, b"") for part in PARTS]
        return None

    def hand_out(self, crossing: str, key: bytes | None) -> list[bytes] | None:
        """The same, for an officer who views it now: what they were shown is known by its digest until the crossing is settled."""
        parts = self.sealed(crossing, key)
        if parts is not None and key is not None:
            self._handed.setdefault(crossing, set()).add((key, seen_of(parts)))
            while len(self._handed) > REFERRALS_MAX:
                self._handed.pop(next(iter(self._handed)))
        return parts

    def was_handed_out(self, crossing: str, key: bytes | None, seen: str) -> bool:
        """True when this is what the holder of this key was handed out of a crossing."""
        return (key, seen) in self._handed.get(crossing, set())

    def sealed_for(self, crossing: str) -> list[str]:
        """Which officers have something to view of a crossing."""
        return [one.recipient.officer for one in self._whole(crossing)]

    def _whole(self, crossing: str) -> list[_Sealed]:
        referral = self._of.get(crossing)
        return [] if referral is None else [one for one in referral.sealed if one.whole]

    def _forget(self, crossing: str) -> None:
        if (referral := self._of.pop(crossing, None)) is not None:
            referral.ends.cancel()


def findings_of(evidence: Evidence, policy: Policy) -> Findings:
    """The checks of document and page, how the chip was opened, and the face's numbers beside their bounds."""
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
    """What may have made the numbers of the face worse than the face is."""
    found = {
        "no_face": face.faces == 0,
        "several_faces": face.faces > 1,
        "portrait_unusable": face.portrait_usable is False,
        "track_lost": face.match is not None and not face.track_held,
    }
    return [word for word, is_so in found.items() if is_so] + [trouble.value for trouble in face.trouble]
