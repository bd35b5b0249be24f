"""The log's writer: seals records, appends them, and handles a full or broken disk and an outdated database.

`append` never raises for the disk: a record has its index and is durable, or is `Refused` and not in the log, or `Unknown`
while the database is unreadable. A known ID is answered with its index. After a failure the database is opened again and
compared with what was released; if that is lost or changed nothing more is signed. Blocking, for one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta

from gate.audit.key_days import KeyDay, KeyDays, filed
from gate.audit.reserve import Reserve
from gate.audit.store import Head, Store, WaitingKey
from gate_core.audit_format.checkpoint import Checkpoint, read_checkpoint
from gate_core.audit_format.errors import (
    BadFormatError,
    BadSignatureError,
    KeyFileError,
    RolledBackError,
    StoreError,
    StoreFullError,
)
from gate_core.audit_format.merkle import EMPTY_ROOT, Frontier, subtree_hash
from gate_core.audit_format.note import Note, Signer, Verifier
from gate_core.audit_format.record import Happening, Header, check_origin
from gate_core.audit_format.resume_state import Approved, Left
from gate_core.audit_format.sealer import KeyRing, SealedRecord, Sealer, plaintext, seal
from gate_core.audit_format.spool import files_above, files_of_piece, key_path
from gate_core.audit_format.statements import Expired, Handover, follow, hand_over, in_force
from gate_core.audit_format.tiles import TILE_WIDTH, Piece, encode_tile, tile_path

# How many appends are known by their ids. Only the lane appends, in order, and offers again what it has not heard of: 64 records at
# most, of the 1,000 that it keeps.
APPENDS_REMEMBERED = 4096
# With the disk full, what leads to an admission waits; what has happened already, and everything that frees a person, does not. When that
# has used up the first reserve, the last one is for what is urgent alone.
TIME_S_MAX = 253_402_300_799  # the last second of the year 9999: a mirror may sign with any time, and a clock shows none after that
MOVED_AT_ONCE = 256  # keys
MOVED_TOGETHER = 32  # fewer wait for more, or for a request for all
OLDER_APPROVAL = "it rests on an older approval than a record before"
DISK_FULL = "the disk is full; admissions wait for space"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A record to write: the clear facts, and the body to seal."""

    happening: Happening
    plain: bytes

    @classmethod
    def of(cls, happening: Happening, body: bytes, bytes_min: int = 0) -> Wanted:
        """Check and pad. Raises BadFormatError."""
        return cls(happening, plaintext(happening, body, bytes_min))

    def __repr__(self) -> str:
        return f"Wanted({self.happening.kind})"


@dataclass(frozen=True, slots=True)
class Refused:
    """The record is not in the log. It may be offered again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The log cannot be read now. `tried`: this append may have written the record."""

    reason: str
    tried: bool


Outcome = int | Refused | Unknown


@dataclass(frozen=True, slots=True)
class Standing:
    """The writer's state: the end of the log that may be shown, and the problem, if any."""

    checkpoint: Checkpoint | None
    note: bytes | None  # the signed checkpoint; None before the first entry
    mirrored: int
    problem: str | None
    left: Left
    is_full: bool = False  # the room that was kept back is in use, or there is none at all


class Writer:
    """Owns the database, the keys in memory, the days' files and the reserves: `last` is kept for urgent records.

    `opener` opens the database, again after each failure. `published`: the spool's checkpoint, which others may have seen. `successor`: the key that
    will follow, or has followed, see `hand_over`. Raises KeyFileError for a database of another key, BadFormatError for one of an unsupported format.
    """

    def __init__(
        self,
        *,
        opener: Callable[[], Store],
        signer: Signer,
        sealer: Sealer,
        key_days: KeyDays,
        reserve: Reserve,
        last: Reserve,
        published: Checkpoint | None,
        successor: Signer | None = None,
    ) -> None:
        self._opener = opener
        self._signer = signer
        self._successor = successor
        self._chain: tuple[Handover, ...] = ()
        self._notes: tuple[bytes, ...] = ()
        check_origin(signer.verifier.name)
        self._ring = KeyRing(sealer)
        self._key_days = key_days
        self._known: dict[bytes, int] = {}  # the latest appends, oldest first
        self._reserve, self._last = reserve, last
        self._seen = [] if published is None else [published]
        self._store: Store | None = None
        self._standing = Standing(None, None, 0, "the database is not open yet", Left())
        self._is_rolled_back = False
        self._size_at_start: int | None = None
        try:
            self._recover()
        except BaseException:
            self.close()  # a key that is not this log's: the caller gets no writer to close
            raise

    @property
    def standing(self) -> Standing:
        """Return the writer's state."""
        return self._standing

    def close(self) -> None:
        """Close the database and drop the keys."""
        self._ring.drop_all()
        self._let_go()

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def append(self, batch: Sequence[Wanted], now_ms: int, *, dated: bool = True) -> list[Outcome]:
        """Write records in order, in one transaction; return each one's index, or that it is not written. `dated`: the
        wall clock of their times is confirmed.
        """
        # Far more than a batch: what is written now stays known to its end.
        while len(self._known) > APPENDS_REMEMBERED:
            del self._known[next(iter(self._known))]
        self._recover()
        reason, tried = self._standing.problem or DISK_FULL, set[bytes]()
        for _ in range(3):  # once more with each reserve given up
            older = self._older(batch)
            chosen = {one.happening.id: one for one in batch if self._accepts(one) and one.happening.id not in older}
            if not chosen:
                break
            tried |= chosen.keys()
            try:
                self._commit(list(chosen.values()), now_ms, dated=dated)
            except StoreError as error:
                reason = str(error)
                self._fail(error)
                has_room = isinstance(error, StoreFullError) and self._make_room()
                self._recover()
                if not has_room:
                    break
        if not self._reserve.is_held:
            self._shorten()
        older = self._older(batch)
        ids = [one.happening.id for one in batch]
        return [self._outcome(each, OLDER_APPROVAL if each in older else reason, tried) for each in ids]

    def _older(self, batch: Sequence[Wanted]) -> set[bytes]:
        """Return the unwritten appends that rest on an older approval than an earlier record."""
        newest, found = self._standing.left.approved, set[bytes]()
        for one in batch:
            mine = one.happening.approved
            if mine is None or one.happening.id in self._known:
                continue
            if mine.follows(newest):
                newest = mine
            else:
                found.add(one.happening.id)
        return found

    @property
    def awaits_handover(self) -> bool:
        """True while a successor key waits."""
        return self._successor is not None and self._signer.verifier != self._successor.verifier

    @property
    def handovers(self) -> tuple[bytes, ...]:
        """Return the handovers of the log's keys that are durable."""
        return self._notes

    def hand_over(self, wanted: Wanted, now_ms: int, *, dated: bool = True) -> bool:
        """Write this record as the last one of the old key, with the handover to the successor, which signs from then
        on. False if it could not be written: the old key stays in force.
        """
        successor = self._successor
        self._recover()
        if successor is None or self._store is None or not self._reserve.is_held:
            return False
        try:
            self._commit(
                [wanted], now_ms, dated=dated, handover=lambda size: hand_over(self._signer, successor, since=size)
            )
            self._follow(self._store)
        except StoreError as error:
            self._fail(error)
            self._recover()
        return not self.awaits_handover

    def _follow(self, store: Store) -> None:
        """Select the key in force by the database. Raises KeyFileError if it is neither."""
        self._notes = store.handovers()
        try:
            first = Handover.parse(self._notes[0]).old if self._notes else self._signer.verifier
        except (BadFormatError, BadSignatureError) as error:
            raise StoreError("the database's handovers are damaged") from error
        self._chain = follow(first, self._notes)
        newest = self._chain[-1].new if self._chain else self._signer.verifier
        if self._successor is not None and newest == self._successor.verifier:
            self._signer = self._successor
        if newest != self._signer.verifier or len(self._chain) != len(self._notes):
            raise KeyFileError("the database was signed by another key than log.key")

    def _verifier(self, note: bytes) -> Verifier:
        """Return the key that must have signed a checkpoint of this log. Raises BadFormatError."""
        return in_force(self._chain, self._signer.verifier, Checkpoint.parse(Note.parse(note).text).size)

    def _accepts(self, wanted: Wanted) -> bool:
        happening = wanted.happening
        if self._store is None or happening.id in self._known:
            return False
        if happening.leads_to_admission:
            return self._reserve.is_held
        return self._last.is_held or happening.urgent

    def _make_room(self) -> bool:
        """Release a reserve. False if none is left."""
        for reserve in (self._reserve, self._last):
            if reserve.is_held:
                reserve.give_up()
                return True
        return False

    def _outcome(self, append_id: bytes, reason: str, tried: set[bytes]) -> Outcome:
        if append_id in self._known:
            return self._known[append_id]
        if self._store is None:
            return Unknown(self._standing.problem or reason, append_id in tried)
        return Refused(reason)

    def _commit(
        self, batch: Sequence[Wanted], now_ms: int, *, dated: bool, handover: Callable[[int], bytes] | None = None
    ) -> None:
        store = self._open_store()
        first = store.head().frontier.size
        records: list[SealedRecord] = []
        keys: dict[str, bytes] = {}
        for index, one in enumerate(batch, first):
            key = self._ring.key_for(one.happening, now_ms)
            keys[key.id] = key.wrapped
            records.append(seal(one.happening, one.plain, origin=self._signer.verifier.name, index=index, key=key))
        head = store.append(records, keys, self._sign, handover, dated=dated)
        self._known |= {one.happening.id: index for index, one in enumerate(batch, first)}
        self._release(store, head)

    def _sign(self, frontier: Frontier) -> bytes:
        return Checkpoint(self._signer.verifier.name, frontier.size, frontier.root()).sign(self._signer).to_bytes()

    # ── what others need ─────────────────────────────────────────────────────────────────────────────────────────────

    def take_receipt(self, note: bytes, mirror: Verifier, now_ms: int) -> None:
        """Store the mirror's receipt. Raises BadFormatError, BadSignatureError, StoreError, RolledBackError.

        Our own key's signature on another log than this needs no further evidence.
        """
        receipt = read_checkpoint(note, self._verifier(note))
        with self._using_store() as store:
            _compare(store, receipt)
            signed_s = Note.parse(note).verify(mirror)
            cosigned_s = None if signed_s is None else min(signed_s, TIME_S_MAX)
            if receipt.size > self._standing.mirrored:
                store.remember_receipt(receipt.size, note, now_ms, cosigned_s)
                self._standing = replace(self._standing, mirrored=receipt.size, left=store.left())

    def know_approval(self, newer: Approved) -> None:
        """Store an approval known to be newer than those on which records rest. Raises StoreError."""
        with self._using_store() as store:
            if newer.follows(self._standing.left.approved):
                store.know_approval(newer)
                self._standing = replace(self._standing, left=store.left())

    def days_of(self, ids: Sequence[str]) -> set[KeyDay]:
        """Return the days under which these keys are, or would be, stored. Raises StoreError and OSError."""
        waiting = self._open_store().waiting(ids)
        return {*self._key_days.holding(ids), *(_own_day(one) for one in waiting)}

    def has_any(self, ids: Sequence[str]) -> bool:
        """True if one of these keys is in the database or in a day's file. Raises StoreError and OSError."""
        return bool(self._open_store().waiting(ids)) or bool(self._key_days.holding(ids))

    def erase_keys(self, ids: Sequence[str]) -> None:
        """Erase these keys in memory, in the database and in the days' files. Raises StoreError and OSError: repeat it then."""
        self._ring.drop_keys(ids)
        with self._using_store() as store:
            store.drop_keys(ids)
            store.tidy(whole=True)
        self._key_days.erase(ids)

    def probe(self, value: bytes) -> bool:
        """Test that a record could be written and read: False if not. The reserve's space is for records only."""
        self._recover()
        if self._store is None or not self._reserve.is_held:
            return False
        with suppress(StoreError), self._using_store() as store:
            store.probe(value)
            store.tidy()
            return True
        return False

    def files(self, piece: Piece, published: int) -> dict[str, bytes]:
        """Return the files of one piece that the spool lacks. Raises StoreError."""
        store = self._open_store()
        if piece.end <= store.first_here():  # a spool that was lost: what was dropped is nowhere here
            return {tile_path(0, piece): encode_tile(store.hashes(0, piece.start, piece.end))}
        files = files_of_piece(store, piece, published)
        start = max(piece.start, published)
        # Published once before; a spool that was lost is made anew, with the keys that there are.
        if start < (self._size_at_start or 0):
            files |= self._moved_keys(store, store.leaves(start, piece.end))
        return files

    def _moved_keys(self, store: Store, leaves: Sequence[bytes]) -> dict[str, bytes]:
        headers = [_header(leaf) for leaf in leaves]
        kept: dict[str, bytes] = {}
        elsewhere = store.days_elsewhere(list(dict.fromkeys(header.key for header in headers)))
        try:
            for day in {*map(KeyDay.of, headers), *map(KeyDay.named, elsewhere)}:
                kept |= self._key_days.read(day)
        except OSError as error:
            raise StoreError(f"the keys of a day cannot be read: {error.strerror}") from error
        except BadFormatError as error:
            raise StoreError("the database's days are damaged") from error
        return {key_path(header.key): kept[header.key] for header in headers if header.key in kept}

    def move_keys(self, published: int, today: date, *, whole: bool = False) -> bool:
        """Move keys of published records from the database into the days' files, a few hundred at once; `whole`: also
        few. `today` is confirmed. True if all have been moved. Raises OSError; they then stay in the database.
        """
        self._recover()
        if self._store is None or not self._reserve.is_held:
            return False
        with suppress(StoreError), self._using_store() as store:
            found = store.keys_to_move(published, MOVED_AT_ONCE)
            if len(found) >= (1 if whole else MOVED_TOGETHER):
                for day, keys in self._filed(store, found, today).items():
                    self._key_days.add(day, keys)
                store.moved([one.id for one in found])
            return len(found) < MOVED_AT_ONCE
        return False

    def _filed(self, store: Store, found: Sequence[WaitingKey], today: date) -> dict[KeyDay, list[bytes]]:
        """Determine the days of these keys permanently, so that a kill in between writes none into two files."""
        latest = max((one.day for one in self._key_days.days()), default=None)
        by_day: dict[KeyDay, list[bytes]] = {}
        elsewhere: dict[str, str] = {}
        for one in found:
            own = _own_day(one)
            day = own if one.name is not None else filed(own, dated=one.dated, latest=latest, today=today)
            if day != own or self._ring.holds(one.id):  # it may come again, and is to lie where it lies
                elsewhere[one.id] = day.name
            by_day.setdefault(day, []).append(one.wrapped)
        if elsewhere:
            store.keep_days(elsewhere)
        return by_day

    def forget_day(self, day: KeyDay) -> None:
        """Erase all keys of a day permanently, also in the write-ahead log. Raises StoreError and OSError: repeat it
        then.
        """
        with self._using_store() as store:
            store.tidy(whole=True)
            self._key_days.forget(day)
            store.forget_day(day.name)

    def tell_expired(self, expired: Expired) -> bytes:
        """Return the log's signed statement of what was erased."""
        return expired.sign(self._signer)

    def take_held(self, entries: int, today: date) -> None:
        """Store today's number of entries that the mirror holds with their bodies. Raises StoreError."""
        with self._using_store() as store:
            store.take_held(today, entries)

    def prunable(self, today: date, days: int, published: int) -> tuple[int, int]:
        """Return the first entry here, and the first that must stay. The mirror reported the entries in between on
        every day of its reports since `days` days ago, yesterday or today among them. Unpublished, unmirrored and
        unmoved entries stay, and the latest appends. Whole pieces. Raises StoreError.
        """
        store = self._open_store()
        first, held, waiting = store.first_here(), store.held(today - timedelta(days=days)), store.first_waiting()
        if held.then is None or held.since is None or held.newest is None or held.newest < today - timedelta(days=1):
            return first, first
        size = store.head().frontier.size - APPENDS_REMEMBERED
        bounds = [held.then, held.since, published, self._standing.mirrored, size]
        until = min(bounds if waiting is None else [*bounds, waiting])
        return first, max(first, until - until % TILE_WIDTH)

    def prune(self, piece: Piece, today: date, days: int) -> None:
        """Drop a piece's entries from the database; their hashes stay. Raises StoreError."""
        with self._using_store() as store:
            store.prune(piece.n, today - timedelta(days=days))
            store.tidy()

    def first_here(self) -> int:
        """The first entry that was not dropped. Raises StoreError."""
        return self._open_store().first_here()

    def upper_tiles(self, published: int, size: int) -> dict[str, bytes]:
        """Return the tiles above level 0 that the spool lacks. Raises StoreError."""
        return files_above(self._open_store(), published, size)

    def tidy(self, now_ms: int) -> None:
        """Use a quiet moment: drop old keys, prepare some, shorten the write-ahead log, take the reserve again."""
        self._ring.drop_old(now_ms)
        self._ring.make_ready()
        self._recover()
        self._shorten()

    def _shorten(self) -> None:
        if self._store is not None:
            with suppress(StoreError), self._using_store() as store:
                store.tidy(scarce=not self._reserve.is_held)

    # ── failing and recovering ───────────────────────────────────────────────────────────────────────────────────────

    def _open_store(self) -> Store:
        if self._store is None:
            raise StoreError(self._standing.problem or "the database is not open")
        return self._store

    @contextmanager
    def _using_store(self) -> Iterator[Store]:
        """Yield the open database; close it on failure. Raises StoreError."""
        store = self._open_store()
        try:
            yield store
        except StoreError as error:
            self._fail(error)
            raise

    def _fail(self, error: StoreError) -> None:
        """Close the connection and note the problem."""
        self._is_rolled_back = self._is_rolled_back or isinstance(error, RolledBackError)
        self._let_go()
        self._standing = replace(self._standing, problem=str(error), is_full=isinstance(error, StoreFullError))

    def _let_go(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def _recover(self) -> None:
        """Open the database if it is closed; release the first reserve if the disk has no other space, and take missing
        reserves again, the last one first. An outdated log stays closed.
        """
        if self._is_rolled_back:
            return
        if self._reserve.is_all_there_is():
            self._reserve.give_up()
        if self._store is None:
            try:
                self._open_with_room()
            except StoreError as error:
                self._fail(error)
                return
        is_full = not all(reserve.is_held or reserve.take() for reserve in (self._last, self._reserve))
        problem = DISK_FULL if is_full else None
        if (self._standing.problem, self._standing.is_full) != (problem, is_full):
            self._standing = replace(self._standing, problem=problem, is_full=is_full)

    def _open_with_room(self) -> None:
        """Open the database, which needs space itself. Without any, report at least an earlier run's data."""
        while True:
            try:
                self._open()
            except StoreFullError as error:
                self._let_go()
                if self._make_room():
                    continue
                if (left := error.left) is not None:
                    known = self._standing.left  # of times and boots what was durable
                    left = replace(left, written=known.written, cosigned_s=known.cosigned_s, boot=known.boot)
                    self._standing = replace(self._standing, left=left)
                raise
            return

    def _open(self) -> None:
        store = self._store = self._opener()
        self._known = store.recent_appends(APPENDS_REMEMBERED)
        head = store.head()
        self._follow(store)
        if head.checkpoint is not None:
            self._check_head(head.frontier, head.checkpoint)
        if self._size_at_start is None:
            self._size_at_start = head.frontier.size
        receipt = store.receipt()
        if receipt is not None:
            self._standing = replace(self._standing, mirrored=receipt[0])
        for seen in (*self._seen, *([self._standing.checkpoint] if self._standing.checkpoint else [])):
            _compare(store, seen)
        self._release(store, head)

    def _check_head(self, frontier: Frontier, note: bytes) -> None:
        try:
            checkpoint = read_checkpoint(note, self._verifier(note))
        except BadSignatureError as error:
            raise KeyFileError("the database was signed by another key than log.key") from error
        except BadFormatError as error:
            raise StoreError("the database's checkpoint is damaged") from error
        if (checkpoint.size, checkpoint.root) != (frontier.size, frontier.root()):
            raise StoreError("the database's frontier is damaged")

    def _release(self, store: Store, head: Head) -> None:
        """From now on the head is durable, may be shown to others, and must never be contradicted."""
        frontier, checkpoint = head.frontier, None
        if head.checkpoint:
            checkpoint = Checkpoint(self._signer.verifier.name, frontier.size, frontier.root())
        self._standing = replace(self._standing, checkpoint=checkpoint, note=head.checkpoint, left=store.left())


def _header(leaf: bytes) -> Header:
    """Parse a leaf of ours. Raises StoreError."""
    try:
        return Header.parse(leaf)
    except BadFormatError as error:
        raise StoreError("a record in the database is damaged") from error


def _own_day(key: WaitingKey) -> KeyDay:
    """Return a key's day by its first record, or by its determined name. Raises StoreError."""
    try:
        return KeyDay.of(_header(key.leaf)) if key.name is None else KeyDay.named(key.name)
    except BadFormatError as error:
        raise StoreError("the day of a key in the database is damaged") from error


def _compare(store: Store, seen: Checkpoint) -> None:
    """Check that the database continues what was signed before. Raises RolledBackError."""
    size = store.head().frontier.size
    if seen.size > size:
        raise RolledBackError(f"the database ends at {size}, but {seen.size} entries were signed: it is from the past")
    root = subtree_hash(store.hash_at, 0, seen.size) if seen.size else EMPTY_ROOT
    if root != seen.root:
        raise RolledBackError(f"the database has other entries than the {seen.size} that were signed")
