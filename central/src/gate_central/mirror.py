"""The mirror: verifies and stores gates' logs, and cosigns what is stored (C2SP tlog-mirror, and rounds: one request).

Entries are stored only with a proof that they belong to a checkpoint signed by the gate, checkpoints only with a proof
that they extend the one before. A cosignature is sent only after what it covers is stored. Signed data that contradicts
the stored log is kept as evidence (`gate_central.evidence`). Callers authenticate the gate.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import msgspec

from gate_central import append_verification, wire
from gate_central.errors import (
    BadRequestError,
    DamagedError,
    ForbiddenError,
    NotYetError,
    QuotaError,
    StoredDiffersError,
    UnknownError,
    UnprovenError,
)
from gate_central.evidence import Evidence, Kind
from gate_central.history import root_at
from gate_central.ledger import Growth, Head, Ledger
from gate_central.roster import Gate
from gate_central.settings import MB, Volume
from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.errors import BadFormatError, BadProofError, BadSignatureError
from gate_core.audit_format.merkle import verify_consistency
from gate_core.audit_format.note import Note, Signer, Verifier
from gate_core.audit_format.record import time_text
from gate_core.audit_format.statements import Held
from gate_core.audit_format.tiles import TILE_WIDTH
from gate_core.mirror_client.wire import RoundState

BEHIND_MAX = 32 * TILE_WIDTH  # how far before the next entry an upload may begin
SWAPS_MAX = 4  # attempts, when several requests let one log grow at once
MIRROR_INFO = "text/x.tlog.mirror-info"
TREE_SIZE = "text/x.tlog.size"

Result = TypeVar("Result")

log = logging.getLogger("gate_central")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


@dataclass(slots=True)
class Upload:
    """An add-entries request in progress; `reached` is the index after the last proven entry."""

    gate: Gate
    start: int
    reached: int
    checkpoint: Checkpoint
    note: Note


class _MovedError(Exception):
    """Another request moved the head; the attempt is repeated."""


class Mirror:
    """Handles the gates' requests. Its methods block. Stateless except for keys.

    `before`: the signer's earlier keys.
    """

    def __init__(
        self,
        ledger: Ledger,
        evidence: Evidence,
        signer: Signer,
        now: Callable[[], datetime],
        *,
        before: Sequence[Verifier] = (),
        approved: Callable[[str], frozenset[str] | None] = lambda _: None,
        volume: Callable[[str], Volume] | None = None,
    ) -> None:
        """`approved` returns a gate's approved auditor sets, `volume` its daily upload limits; None: no limits."""
        self._volume = volume
        self._approved = approved
        self._ledger = ledger
        self._evidence = evidence
        self._signer = signer
        self._mirrors = (signer.verifier, *before)
        self._now = now

    def _settled(self, gate: Gate, attempt: Callable[[Head], Result]) -> Result:
        """Call `attempt` with the current head; again if it moved, at most SWAPS_MAX times. Raises CentralError."""
        for _ in range(SWAPS_MAX):
            with contextlib.suppress(_MovedError):
                return attempt(self._ledger.head(gate.device))
        raise NotYetError("too many requests of this log at once")

    def _swap(self, gate: Gate, head: Head, grown: Head, growth: Growth) -> None:
        """Store the data, within the gate's daily limits. Raises QuotaError (nothing stored) and _MovedError."""
        today = self._today()
        before = head.came_bytes if head.came_on == today else 0
        came = before + growth.bytes
        allowed = None if self._volume is None else self._volume(gate.device)
        if allowed is not None and growth.bytes and came > allowed.quota_mb_a_day * MB:
            raise QuotaError(
                f"{gate.device} may bring {allowed.quota_mb_a_day} MB a day here, and has brought {before / MB:.1f} MB today:"
                " keep the rest and bring it from 00:00 UTC on, or have quota_mb_a_day of central.toml raised"
            )
        if not self._ledger.swap(gate.device, head, replace(grown, came_on=today, came_bytes=came), growth):
            raise _MovedError
        if allowed is not None and before <= allowed.alarm_mb_a_day * MB < came:
            told = f"{gate.origin}\nmore than {allowed.alarm_mb_a_day} MB on {today}\n".encode()
            self._accuse(gate, Kind.VOLUME, told, grown.note or b"")

    def _expect_unmoved(self, gate: Gate, head: Head) -> None:
        """Raise _MovedError if the head moved: data may then be missing without anyone's fault."""
        if self._ledger.head(gate.device) != head:
            raise _MovedError

    # ── ours: a round in one request ─────────────────────────────────────────────────────────────────────────────────

    def round(self, gate: Gate, raw: bytes) -> Answer:
        """Store a checkpoint with its data, and cosign it once all its entries are stored. Raises CentralError."""
        asked = wire.parse_round(raw)
        offered, note = self._read(gate, asked.checkpoint.note)
        records = (
            None if asked.package is None else append_verification.read_records(gate, asked.package, self._today())
        )

        def attempt(head: Head) -> Answer:
            if not self._is_next(gate, asked.checkpoint, offered, note, head, confesses=False):
                return self._state(409, gate, head)
            grown, growth = replace(head, pending=offered.size), Growth()
            try:
                if records is not None:
                    grown, growth = self._with_entries(gate, grown, offered, note, records)
                if asked.sealed:
                    so_far = (grown, growth)
                    grown, growth = append_verification.with_sealed(
                        self._ledger, gate.device, so_far, asked.sealed, records
                    )
            except NotYetError:
                return self._state(409, gate, head)
            growth = self._with_files(gate, head, growth, asked)
            line = None
            if grown.next_entry == offered.size:
                grown, line = self._cosigned(gate, grown, offered, note)
            elif offered.size > head.pending:
                growth = replace(growth, checkpoint=note.to_bytes())
            self._swap(gate, head, grown, growth)
            is_lacking = head.lacks_keys or any(one not in growth.files for one in growth.keys)
            return self._state(200, gate, replace(grown, lacks_keys=is_lacking), line)

        return self._settled(gate, attempt)

    def _with_files(self, gate: Gate, head: Head, growth: Growth, asked: wire.Round) -> Growth:
        """Add uploaded and absent age files to `growth`, if missing; others are ignored, so they use no quota."""
        others = {*asked.files, *asked.absent} - growth.keys.keys() if head.lacks_keys else set[str]()
        named = growth.keys.keys() | (self._ledger.awaited(gate.device, others) if others else others)
        files = {one: wrapped for one, wrapped in asked.files.items() if one in named}
        absent = [one for one in asked.absent if one in named]
        return replace(growth, files=files, absent=absent, absent_s=self._now_s())

    def _state(self, status: int, gate: Gate, head: Head, cosignature: str | None = None) -> Answer:
        keys = self._ledger.lacking_keys(gate.device, self._now_s()) if head.lacks_keys else []
        cosignature = None if cosignature is None else f"{cosignature}\n"
        state = RoundState(head.pending, head.next_entry, head.bodies, tuple(keys), cosignature)
        return Answer(status, msgspec.json.encode(state), "application/json")

    # ── add-checkpoint ───────────────────────────────────────────────────────────────────────────────────────────────

    def add_checkpoint(self, gate: Gate, raw: bytes) -> Answer:
        """Accept a newer checkpoint with its consistency proof. Raises CentralError."""
        request = wire.parse_add_checkpoint(raw)
        offered, note = self._read(gate, request.note)

        def attempt(head: Head) -> Answer:
            if not self._is_next(gate, request, offered, note, head, confesses=True):
                return Answer(409, f"{head.pending}\n".encode(), TREE_SIZE)
            if offered.size != head.pending:
                self._swap(gate, head, replace(head, pending=offered.size), Growth(checkpoint=note.to_bytes()))
            return Answer(200)

        return self._settled(gate, attempt)

    def _read(self, gate: Gate, raw: bytes) -> tuple[Checkpoint, Note]:
        """Return a checkpoint of the gate's own log that it signed, with no signature of others."""
        try:
            note = Note.parse(raw)
            offered = Checkpoint.parse(note.text)
            if offered.origin != gate.origin:
                raise UnknownError("the certificate is not of this log's gate")
            key = gate.log_at(offered.size)
            note.verify(key)
        except BadFormatError as error:
            raise BadRequestError(f"not a checkpoint: {error}") from error
        except BadSignatureError as error:
            raise ForbiddenError("the checkpoint is not signed by the gate's log key") from error
        known = (key.name, key.key_id)
        return offered, Note(note.text, tuple(one for one in note.signatures if (one.name, one.key_id) == known)[:1])

    def _is_next(
        self, gate: Gate, asked: wire.AddCheckpoint, offered: Checkpoint, note: Note, head: Head, *, confesses: bool
    ) -> bool:
        """True if a checkpoint is the pending one, or newer and proven to extend it. Keeps contradictions as evidence.

        An older checkpoint is compared with the known root of its size. `confesses`: an older checkpoint offered from
        its own size counts as the gate's whole log, not as a delayed request.
        """
        old = asked.size_old
        if old > offered.size:
            raise BadRequestError("the old size is larger than the checkpoint's")
        if offered.size > head.pending:
            if old == head.pending:
                self._check_growth(gate, head, offered, note, asked.proof)
            return old == head.pending
        root = self._root_at(gate, offered.size, head)
        against = self._note_of(gate, head.pending, head) or b""
        if root is None:
            self._expect_unmoved(gate, head)
            self._accuse(gate, Kind.UNDECIDED, note.to_bytes(), against)
        elif root != offered.root:
            self._accuse(gate, Kind.FORK, note.to_bytes(), against)
        elif confesses and old == offered.size < head.pending:
            self._accuse(gate, Kind.WENT_BACK, note.to_bytes(), against)
        return offered.size == head.pending == old and root == offered.root

    def _note_of(self, gate: Gate, size: int, head: Head) -> bytes | None:
        """Return the gate's stored checkpoint of this size, without cosignatures; None if not stored."""
        if head.note is None or size != head.size:
            return self._ledger.checkpoint(gate.device, size)
        signed = _parsed(gate, head.note)
        return Note(signed.text, tuple(one for one in signed.signatures if one.name == gate.origin)).to_bytes()

    def _root_at(self, gate: Gate, size: int, head: Head) -> bytes | None:
        """Return the gate's log's root at this size, None if unknown. Raises DamagedError."""
        if head.note is not None and size == head.size:
            return head.root
        known = self._ledger.checkpoint(gate.device, size)
        if known is not None:
            return _checkpoint(gate, known).root
        return root_at(self._ledger, gate.device, size, head) if size <= head.next_entry else None

    def _check_growth(self, gate: Gate, head: Head, offered: Checkpoint, note: Note, proof: tuple[bytes, ...]) -> None:
        if head.pending == 0:
            if proof:
                raise UnprovenError("a first checkpoint needs no proof")
            return
        known = self._note_of(gate, head.pending, head)
        if known is None:
            self._expect_unmoved(gate, head)
            raise DamagedError(f"the pending checkpoint of {gate.device} is gone")
        root_old = _checkpoint(gate, known).root
        try:
            verify_consistency(head.pending, offered.size, root_old=root_old, root=offered.root, proof=proof)
        except BadProofError as error:
            self._accuse(gate, Kind.INCONSISTENT, note.to_bytes(), known)
            raise UnprovenError(f"the checkpoint does not continue the one of {head.pending} entries") from error

    # ── add-entries ──────────────────────────────────────────────────────────────────────────────────────────────────

    def begin(self, gate: Gate, head: wire.EntriesHead) -> Upload | Answer:
        """Start an upload, or return a 409 with the mirror's state. Raises CentralError."""
        if head.origin != gate.origin:
            raise UnknownError("the certificate is not of this log's gate")
        standing = self._ledger.head(gate.device)
        known = self._note_of(gate, head.end, standing)
        is_late = head.start > standing.next_entry or head.start + BEHIND_MAX < standing.next_entry
        if known is None or head.end < standing.size or is_late:
            size = standing.pending if known is None or head.end < standing.size else head.end
            return Answer(409, wire.info_text(size, standing.next_entry), MIRROR_INFO)
        return Upload(gate, head.start, head.start, _checkpoint(gate, known), _parsed(gate, known))

    def take(self, upload: Upload, package: wire.Package) -> None:
        """Prove and store one package. Raises UnprovenError, DamagedError and NotYetError."""
        gate = upload.gate
        records = append_verification.read_records(gate, package, self._today())

        def attempt(head: Head) -> None:
            grown, growth = self._with_entries(gate, head, upload.checkpoint, upload.note, records)
            if grown is not head:
                self._swap(gate, head, grown, growth)

        self._settled(gate, attempt)
        upload.reached = package.end

    def _with_entries(
        self, gate: Gate, head: Head, checkpoint: Checkpoint, note: Note, records: append_verification.Records
    ) -> tuple[Head, Growth]:
        try:
            grown = append_verification.with_entries(self._ledger, gate.device, head, checkpoint, records)
        except StoredDiffersError:
            self._accuse(gate, Kind.STORED_DIFFERS, b"\n".join(records.package.entries), note.to_bytes())
            raise
        for digest, index in append_verification.unknown_sets(records.headers, self._approved(gate.device)).items():
            # `shown` names only the set, so that each set gives one alarm; `against` has the entry and its checkpoint.
            told = f"{gate.origin}\nrecipients {digest}\n".encode()
            entry = records.package.entries[index - records.package.start]
            self._accuse(gate, Kind.UNKNOWN_RECIPIENTS, told, entry + b"\n" + note.to_bytes())
        return grown

    def finish(self, upload: Upload) -> Answer:
        """Cosign if all entries are stored; else return a 202 or 409 with the next entry. Raises CentralError."""
        gate, checkpoint = upload.gate, upload.checkpoint
        if upload.reached < checkpoint.size:
            if upload.reached == upload.start:
                raise BadRequestError("the body ends before its first package does")
            return Answer(202, wire.info_text(checkpoint.size, self._ledger.head(gate.device).next_entry), MIRROR_INFO)

        def attempt(head: Head) -> Answer:
            if head.size > checkpoint.size or head.next_entry < checkpoint.size:
                return Answer(409, wire.info_text(head.pending, head.next_entry), MIRROR_INFO)
            grown, line = self._cosigned(gate, head, checkpoint, upload.note)
            self._swap(gate, head, grown, Growth())
            return Answer(200, f"{line}\n".encode())

        return self._settled(gate, attempt)

    def _cosigned(self, gate: Gate, head: Head, checkpoint: Checkpoint, note: Note) -> tuple[Head, str]:
        """Return the head with the cosigned checkpoint, and the cosignature's line. Raises DamagedError."""
        if head.next_entry == checkpoint.size and head.frontier.root() != checkpoint.root:
            raise DamagedError(f"what is stored of {gate.device} does not lead to the root that is to be signed")
        cosignature = self._signer.cosign(note.text, self._now_s())
        signed = note.with_signatures([cosignature]).to_bytes()
        return replace(head, size=checkpoint.size, root=checkpoint.root, note=signed), cosignature.line

    def checkpoint(self, gate: Gate) -> Answer:
        """Return the cosigned checkpoint with both signatures. Raises UnknownError if there is none."""
        note = self._ledger.head(gate.device).note
        if note is None:
            raise UnknownError("nothing of this log was mirrored yet")
        return Answer(200, note)

    def pending(self, gate: Gate) -> Answer:
        """Return the gate's newest accepted checkpoint. Raises UnknownError if there is none."""
        head = self._ledger.head(gate.device)
        note = self._note_of(gate, head.pending, head)
        if note is None:
            raise UnknownError("no checkpoint of this log is known yet")
        return Answer(200, note)

    # ── ours: a receipt of before ────────────────────────────────────────────────────────────────────────────────────

    def receipt(self, gate: Gate, raw: bytes) -> Answer:
        """Check a gate's receipt: if it covers more than is stored, this server was restored. Raises CentralError."""
        signed, _ = self._read(gate, raw)
        note = Note.parse(raw)
        try:
            note.verify_any(self._mirrors)
        except BadSignatureError as error:
            raise ForbiddenError("the receipt is not signed by this mirror") from error
        head = self._ledger.head(gate.device)
        if signed.size > head.size:
            self._accuse(gate, Kind.MIRROR_WENT_BACK, note.to_bytes(), head.note or b"")
        return Answer(204)

    def held(self, gate: Gate) -> Answer:
        """Return a signed statement of the entries stored with their bodies. Raises UnknownError if there are none."""
        head = self._ledger.head(gate.device)
        entries = min(head.size, head.bodies)
        if not entries:
            raise UnknownError("nothing of this log is held yet")
        return Answer(200, Held(gate.origin, entries).sign(self._signer, self._now_s()))

    # ── ours: sealed bodies and age files ────────────────────────────────────────────────────────────────────────────

    def bodies(self, gate: Gate) -> tuple[int, list[str]]:
        """Return the first entry whose body is missing, and the missing age files to request."""
        return self._ledger.head(gate.device).bodies, self._ledger.lacking_keys(gate.device, self._now_s())

    def keep_sealed(self, gate: Gate, raw: bytes) -> None:
        """Store sealed bodies whose hashes are in their entries. Raises CentralError."""
        lines = wire.parse_sealed(raw)

        def attempt(head: Head) -> None:
            grown, growth = append_verification.with_sealed(self._ledger, gate.device, (head, Growth()), lines, None)
            if grown is not head:
                self._swap(gate, head, grown, growth)

        self._settled(gate, attempt)

    def keep_key(self, gate: Gate, key_id: str, wrapped: bytes) -> None:
        """Store an age file named by an entry, if it is missing; the caller checked its hash. Raises CentralError."""
        self._ledger.expect_named(gate.device, key_id)

        def attempt(head: Head) -> None:
            if self._ledger.awaited(gate.device, [key_id]):
                self._swap(gate, head, head, Growth(files={key_id: wrapped}))

        self._settled(gate, attempt)

    def key_is_absent(self, gate: Gate, key_id: str) -> None:
        """Note that the gate lacks an age file. This is no proof of its erasure. Raises CentralError."""
        self._ledger.key_is_absent(gate.device, key_id, self._now_s())

    def _now_s(self) -> int:
        return int(self._now().timestamp())

    def _today(self) -> str:
        return time_text(self._now())[:10]

    def leave(self, gate: Gate) -> None:
        """Raise the LEFT alarm for a gate that revokes itself: a thief of its key could so hide that it is silent."""
        at = time_text(self._now())
        shown = f"{gate.origin}\nleft at {at}, by certificate {gate.certificate}\n".encode()
        self._evidence.keep(gate.device, Kind.LEFT, shown, against=b"", at=at)

    # ── alarms ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _accuse(self, gate: Gate, kind: Kind, shown: bytes, against: bytes) -> None:
        """Store evidence, and log it if it opens an alarm."""
        if self._evidence.keep(gate.device, kind, shown, against=against, at=time_text(self._now())):
            told = {"gate": gate.device, "kind": kind.value}
            if kind is Kind.VOLUME:
                log.warning("gate_floods", extra=told)
            else:
                log.critical("log_contradicts", extra=told)


def _parsed(gate: Gate, stored: bytes) -> Note:
    """Parse a stored note. Raises DamagedError."""
    try:
        return Note.parse(stored)
    except BadFormatError as error:
        raise DamagedError(f"a stored note of {gate.device} cannot be read: {error}") from error


def _checkpoint(gate: Gate, stored: bytes) -> Checkpoint:
    """Parse a stored checkpoint. Raises DamagedError."""
    try:
        return Checkpoint.parse(_parsed(gate, stored).text)
    except BadFormatError as error:
        raise DamagedError(f"a stored checkpoint of {gate.device} cannot be read: {error}") from error
