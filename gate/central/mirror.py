"""The mirror: decides what of a gate's log may be stored, and signs what was (C2SP tlog-mirror).

Promises: entries are stored only with a proof that they belong to a checkpoint the gate signed; checkpoints only with a
proof that they continue the one before; the cosignature follows the storing and never precedes it. What the gate's key signed and
contradicts what is here is kept as evidence of what it is (`gate.central.evidence`). Who asks was settled before: `Gate`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from gate.audit.checkpoint import Checkpoint
from gate.audit.errors import BadFormatError, BadProofError, BadSignatureError
from gate.audit.merkle import leaf_hash, root_of, verify_consistency, verify_subtree
from gate.audit.note import Note, Signer
from gate.audit.record import Header, time_text
from gate.audit.tiles import TILE_WIDTH
from gate.central import wire
from gate.central.errors import (
    BadRequestError,
    DamagedError,
    ForbiddenError,
    NotYetError,
    UnknownError,
    UnprovenError,
)
from gate.central.evidence import Evidence, Kind
from gate.central.history import root_at
from gate.central.ledger import Head, Ledger
from gate.central.roster import Gate

BEHIND_MAX = 32 * TILE_WIDTH  # how far before the next entry an upload may begin
MIRROR_INFO = "text/x.tlog.mirror-info"
TREE_SIZE = "text/x.tlog.size"

log = logging.getLogger("gate.central")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


@dataclass(slots=True)
class Upload:
    """An add-entries request under way; `reached` is the entry after the last proven one."""

    gate: Gate
    start: int
    reached: int
    checkpoint: Checkpoint
    note: Note


class Mirror:
    """Answers the gates. Blocking: the web application calls it in worker threads."""

    def __init__(self, ledger: Ledger, evidence: Evidence, signer: Signer, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._evidence = evidence
        self._signer = signer
        self._now = now

    # ── add-checkpoint ───────────────────────────────────────────────────────────────────────────────────────────────

    def add_checkpoint(self, gate: Gate, raw: bytes) -> Answer:
        """Lock onto a newer checkpoint. Raises CentralError."""
        request = wire.parse_add_checkpoint(raw)
        offered, note = self._read(gate, request.note)
        if request.size_old > offered.size:
            raise BadRequestError("the old size is larger than the checkpoint's")
        head = self._ledger.head(gate.device)
        pending = head.pending
        if offered.size <= pending:
            return self._compare(gate, offered, note, request.size_old, head)
        if request.size_old != pending:
            return Answer(409, f"{pending}\n".encode(), TREE_SIZE)
        self._check_growth(gate, pending, offered, note, request.proof)
        if self._ledger.advance_pending(gate.device, pending, offered.size, note.to_bytes()):
            return Answer(200)
        return Answer(409, f"{self._ledger.head(gate.device).pending}\n".encode(), TREE_SIZE)

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

    def _compare(self, gate: Gate, offered: Checkpoint, note: Note, size_old: int, head: Head) -> Answer:
        """Answer a checkpoint that is not newer: what it is, the roots of its size tell."""
        against = self._ledger.checkpoint(gate.device, head.pending) or b""
        root = self._root_at(gate, offered.size, head)
        if root is None:
            self._accuse(gate, Kind.UNDECIDED, note.to_bytes(), against)
        elif root != offered.root:
            self._accuse(gate, Kind.FORK, note.to_bytes(), against)
        elif (
            offered.size < head.pending and size_old == offered.size
        ):  # "this is all I have", and not an older update that comes late
            self._accuse(gate, Kind.WENT_BACK, note.to_bytes(), against)
        elif offered.size == head.pending == size_old:
            return Answer(200)
        return Answer(409, f"{head.pending}\n".encode(), TREE_SIZE)

    def _root_at(self, gate: Gate, size: int, head: Head) -> bytes | None:
        """Return the root of a size that the gate's log has gone through, None where it is not known. Raises DamagedError."""
        known = self._ledger.checkpoint(gate.device, size)
        if known is not None:
            return Checkpoint.parse(Note.parse(known).text).root
        return root_at(self._ledger, gate.device, size, head) if size <= head.next_entry else None

    def _check_growth(
        self, gate: Gate, pending: int, offered: Checkpoint, note: Note, proof: tuple[bytes, ...]
    ) -> None:
        if pending == 0:
            if proof:
                raise UnprovenError("a first checkpoint needs no proof")
            return
        known = self._ledger.checkpoint(gate.device, pending)
        if known is None:
            raise DamagedError(f"the pending checkpoint of {gate.device} is gone")
        root_old = Checkpoint.parse(Note.parse(known).text).root
        try:
            verify_consistency(pending, offered.size, root_old=root_old, root=offered.root, proof=proof)
        except BadProofError as error:
            self._accuse(gate, Kind.INCONSISTENT, note.to_bytes(), known)
            raise UnprovenError(f"the checkpoint does not continue the one of {pending} entries") from error

    # ── add-entries ──────────────────────────────────────────────────────────────────────────────────────────────────

    def begin(self, gate: Gate, head: wire.EntriesHead) -> Upload | Answer:
        """Start an upload, or say where the mirror stands. Raises CentralError."""
        if head.origin != gate.origin:
            raise UnknownError("the certificate is not of this log's gate")
        standing = self._ledger.head(gate.device)
        known = self._ledger.checkpoint(gate.device, head.end)
        is_late = head.start > standing.next_entry or head.start + BEHIND_MAX < standing.next_entry
        if known is None or head.end < standing.size or is_late:
            size = standing.pending if known is None or head.end < standing.size else head.end
            return Answer(409, wire.info_text(size, standing.next_entry), MIRROR_INFO)
        note = Note.parse(known)
        return Upload(gate, head.start, head.start, Checkpoint.parse(note.text), note)

    def take(self, upload: Upload, package: wire.Package) -> None:
        """Prove and store one package. Raises UnprovenError, DamagedError and NotYetError."""
        gate, checkpoint = upload.gate, upload.checkpoint
        before = package.start - package.aligned
        stored = self._ledger.bundle(gate.device, package.aligned // TILE_WIDTH).entries[:before]
        if len(stored) < before:
            raise NotYetError("entries before these are missing")
        subtree = root_of([leaf_hash(one) for one in (*stored, *package.entries)])
        try:
            verify_subtree(
                package.aligned,
                package.end,
                checkpoint.size,
                subtree=subtree,
                root=checkpoint.root,
                proof=package.proof,
            )
        except BadProofError as error:
            raise UnprovenError(f"entries {package.start} to {package.end - 1} are not of the checkpoint") from error
        keys = _keys_named(gate, package)
        piece_hash = subtree if package.end % TILE_WIDTH == 0 else None
        try:
            self._ledger.keep_entries(gate.device, package.start, package.entries, keys, piece_hash=piece_hash)
        except DamagedError:
            self._accuse(gate, Kind.STORED_DIFFERS, b"\n".join(package.entries), upload.note.to_bytes())
            raise
        upload.reached = package.end

    def finish(self, upload: Upload) -> Answer:
        """Cosign when all entries are there; else say what comes next. Raises BadRequestError."""
        gate, checkpoint = upload.gate, upload.checkpoint
        if upload.reached < checkpoint.size:
            if upload.reached == upload.start:
                raise BadRequestError("the body ends before its first package does")
            return Answer(202, wire.info_text(checkpoint.size, self._ledger.head(gate.device).next_entry), MIRROR_INFO)
        cosignature = self._signer.cosign(upload.note.text, self._now_s())
        whole = upload.note.with_signatures([cosignature])
        if not self._ledger.commit(gate.device, checkpoint.size, checkpoint.root, whole.to_bytes()):
            standing = self._ledger.head(gate.device)
            return Answer(409, wire.info_text(standing.pending, standing.next_entry), MIRROR_INFO)
        return Answer(200, f"{cosignature.line}\n".encode())

    def checkpoint(self, gate: Gate) -> Answer:
        """Return the mirror checkpoint with both signatures. Raises UnknownError while there is none."""
        note = self._ledger.head(gate.device).note
        if note is None:
            raise UnknownError("nothing of this log was mirrored yet")
        return Answer(200, note)

    def pending(self, gate: Gate) -> Answer:
        """Return the newest checkpoint of the gate's that the mirror is locked onto. Raises UnknownError while there is none."""
        note = self._ledger.checkpoint(gate.device, self._ledger.head(gate.device).pending)
        if note is None:
            raise UnknownError("no checkpoint of this log is known yet")
        return Answer(200, note)

    # ── ours: sealed bodies and age files ────────────────────────────────────────────────────────────────────────────

    def bodies(self, gate: Gate) -> tuple[int, list[str]]:
        """Return the first entry whose body is missing, and age files that are missing."""
        return self._ledger.head(gate.device).bodies, self._ledger.lacking_keys(gate.device, self._now_s())

    def keep_sealed(self, gate: Gate, raw: bytes) -> None:
        """Store sealed bodies whose hashes stand in their entries. Raises CentralError."""
        lines = wire.parse_sealed(raw)
        n, first = divmod(lines[0].index, TILE_WIDTH)
        entries = self._ledger.bundle(gate.device, n).entries[first : first + len(lines)]
        if len(entries) < len(lines):
            raise NotYetError("the entries of these bodies are not here")
        for entry, line in zip(entries, lines, strict=True):
            if Header.parse(entry).sealed != line.digest:
                raise UnprovenError(f"body {line.index} is not the one that its entry names")
        self._ledger.keep_sealed(gate.device, lines[0].index, [one.line for one in lines])

    def keep_key(self, gate: Gate, key_id: str, wrapped: bytes) -> None:
        """Store an age file that its name and an entry vouch for. Raises CentralError."""
        self._ledger.keep_key(gate.device, key_id, wrapped)

    def key_is_absent(self, gate: Gate, key_id: str) -> None:
        """Note that the gate does not have an age file. Who says so carries files only, so it is no erasure. Raises CentralError."""
        self._ledger.key_is_absent(gate.device, key_id, self._now_s())

    def _now_s(self) -> int:
        return int(self._now().timestamp())

    # ── alarms ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _accuse(self, gate: Gate, kind: Kind, shown: bytes, against: bytes) -> None:
        """Keep evidence, and say so once: the alarm stands until somebody has answered it."""
        if self._evidence.keep(gate.device, kind, shown, against=against, at=time_text(self._now())):
            log.critical("log_contradicts", extra={"gate": gate.device, "kind": kind.value})


def _keys_named(gate: Gate, package: wire.Package) -> dict[str, int]:
    """Return the age files that the entries name, each with the first one that does. Raises UnprovenError."""
    keys: dict[str, int] = {}
    try:
        for index, entry in enumerate(package.entries, package.start):
            header = Header.parse(entry)
            if header.index != index:
                raise UnprovenError(f"entry {index} says that it is entry {header.index}")
            if header.origin != gate.origin:
                raise UnprovenError(f"entry {index} says that it is of {header.origin}")
            keys.setdefault(header.key, index)
    except BadFormatError as error:
        raise UnprovenError(f"an entry of the log is no record: {error}") from error
    return keys
