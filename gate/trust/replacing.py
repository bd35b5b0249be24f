"""A new copy of the store in the place of the old one, whole or not at all.

The copy is made beside the store, changed, closed, read back and brought to the disk; then it takes the store's name. A power
cut or a kill at any step leaves the old store, or the new one, and at most a draft that the next import throws away. Whoever has
the old one open goes on reading it. One import at a time: the second one is told so.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gate.trust.errors import BusyError, StoreError
from gate.trust.opening import open_snapshot
from gate.trust.store import TrustStore
from gate_core import durable

DRAFT: Final = ".draft"
_LEFT_BESIDE: Final = ("", "-journal", "-wal", "-shm")  # what SQLite may leave of a draft
_MODE: Final = 0o644  # certificates are no secret


class Replacement:
    """The draft of a new store. `commit` puts it into the old one's place; what is not committed is thrown away."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.draft = path.with_name(path.name + DRAFT)

    def commit(self) -> TrustStore:
        """Read the draft back, as the lane will, and put it into the store's place. Raises StoreError and OSError."""
        with contextlib.closing(open_snapshot(self.draft)) as snapshot:
            problem = snapshot.rows("PRAGMA integrity_check(1)")[0][0]
        if problem != "ok":
            raise StoreError(f"{self.draft}: was not written as it should be ({problem})")
        store = TrustStore.open(self.draft)
        mode = self.path.stat().st_mode & 0o777 if self.path.exists() else _MODE
        durable.replace(self.draft, self.path, mode=mode)
        return store


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Replacement]:
    """A draft that begins as a copy of the store, or empty when there is none. Raises StoreError."""
    replacement = Replacement(path)
    try:
        with _alone(replacement.path):
            _throw_away(replacement.draft)
            try:
                if replacement.path.exists() and replacement.path.stat().st_size:
                    _copy(replacement.path, replacement.draft)
                yield replacement
            finally:
                _throw_away(replacement.draft)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"the trust store {path} cannot be written: {getattr(error, 'strerror', error)}") from error


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock file beside the store. It stays there: a lock that is removed locks nothing. Reading it is enough."""
    descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, _MODE)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(f"{path}: another import is under way") from error
        yield
    finally:
        os.close(descriptor)


def _copy(path: Path, draft: Path) -> None:
    """SQLite's own copying, of a file that was seen to be a trust store."""
    with (
        contextlib.closing(open_snapshot(path)) as old,
        contextlib.closing(sqlite3.connect(draft)) as new,
    ):
        old.backup(new)


def _throw_away(draft: Path) -> None:
    for ending in _LEFT_BESIDE:
        draft.with_name(draft.name + ending).unlink(missing_ok=True)
