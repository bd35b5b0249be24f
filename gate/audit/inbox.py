"""The inbox, where sync leaves the mirror's receipts and what its keys say of one another (docs/protocols/audit-log.md).

A neighbour that faces the network writes the folder, so a look is short: so many names, so many ordinary files, so many bytes. `MirrorKeys`
are the keys that the mirror had; only the word of the newest counts.
"""

import contextlib
import itertools
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gate_core import durable
from gate_core.audit_format.errors import BadSignatureError
from gate_core.audit_format.note import Verifier
from gate_core.audit_format.statements import HANDOVERS_MAX, Handover, follow
from gate_core.ordinary import read_ordinary

RECEIPT_BYTES_MAX: Final = 16 * 1024
RECEIPTS_MAX: Final = 16  # a look; the rest waits for the folder's next turn
NAMES_MAX: Final = 512  # a look
REFUSED_MAX: Final = 16  # kept aside; then the oldest makes room
APPROVAL: Final = "approval.note"  # the newest one that the centre knows
ERASURE: Final = "erasure.note"  # an order to erase
ERASURE_RECEIPT: Final = (
    "erasure-receipt-{}.note"  # the mirror's word that it has carried an erasure out, by the SHA-256 of its note
)
HELD: Final = "held.note"  # the mirror's word for what it holds
_NAME: Final = re.compile(r"receipt-([0-9]{1,19})\.note")
_KEY_NAME: Final = re.compile(r"mirror-key-([0-9]{1,4})\.note")
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Found:
    """What lay in the inbox, not yet believed: a receipt, an approval, an erasure, or the word of one of the mirror's keys for the next."""

    name: str
    note: bytes

    @property
    def is_of_keys(self) -> bool:
        """True for what the mirror's keys say of one another."""
        return _KEY_NAME.fullmatch(self.name) is not None


class Inbox:
    """Looks into the folder, a part of it at a time. `refused` is a folder of our own, for whoever looks into it."""

    def __init__(self, folder: Path, refused: Path) -> None:
        self._folder = folder
        self._refused = refused
        self._descriptor: int | None = None
        self._names: Iterator[os.DirEntry[str]] = iter(())
        self._opened = contextlib.ExitStack()

    def look(self) -> list[Found]:
        """What keys say, the oldest first, then the receipts, the largest first, among the next names. Raises OSError."""
        if self._descriptor is None:
            try:
                self._descriptor = os.open(self._folder, _FOLDER)
            except FileNotFoundError:
                return []
            self._opened.callback(os.close, self._descriptor)
            self._names = self._opened.enter_context(os.scandir(self._descriptor))
        names = [one.name for one in itertools.islice(self._names, NAMES_MAX)]
        receipts = sorted(((int(match[1]), name) for name in names if (match := _NAME.fullmatch(name))), reverse=True)
        keys = sorted((int(match[1]), name) for name in names if (match := _KEY_NAME.fullmatch(name)))
        wanted = (name for _, name in (*keys[:RECEIPTS_MAX], *receipts))
        found = list(itertools.islice(self._read(wanted), 2 * RECEIPTS_MAX if keys else RECEIPTS_MAX))
        if len(names) < NAMES_MAX:
            self.close()
        return found

    def named(self, name: str) -> Found | None:
        """What lies under one of the names above, if it was left. Raises OSError."""
        try:
            return Found(name, read_ordinary(self._folder / name, RECEIPT_BYTES_MAX))
        except FileNotFoundError:
            return None

    def remove(self, found: Found) -> None:
        """Take it out: it is remembered, or kept aside. What lies there instead by now stays, for another look."""
        path = self._folder / found.name
        with contextlib.suppress(OSError):
            if read_ordinary(path, RECEIPT_BYTES_MAX) == found.note:
                path.unlink()

    def refuse(self, found: Found) -> None:
        """Put it aside where its sender cannot reach it, and take it out. Raises OSError."""
        self._refused.mkdir(mode=0o700, exist_ok=True)
        kept = sorted(self._refused.iterdir(), key=lambda one: one.stat().st_mtime_ns)
        for oldest in kept[: max(0, len(kept) - REFUSED_MAX + 1)]:
            oldest.unlink()
        (self._refused / found.name).write_bytes(found.note)
        self.remove(found)

    @property
    def is_through(self) -> bool:
        """True when the whole folder was looked at, and the next look begins anew."""
        return self._descriptor is None

    def close(self) -> None:
        """Begin anew with the next look."""
        self._opened.close()
        self._descriptor = None

    def _read(self, names: Iterator[str]) -> Iterator[Found]:
        for name in names:
            try:
                note = read_ordinary(name, RECEIPT_BYTES_MAX, folder_descriptor=self._descriptor)
            except OSError:  # gone, no ordinary file, or too long to be a receipt
                continue
            yield Found(name, note)


class MirrorKeys:
    """`anchor` is the key of the configuration; `folder` our own. Raises OSError when that cannot be read."""

    def __init__(self, anchor: Verifier, folder: Path) -> None:
        self._anchor = anchor
        self._folder = folder
        found = sorted(folder.glob("*.note")) if folder.is_dir() else []
        self._chain = follow(anchor, [one.read_bytes() for one in found[:HANDOVERS_MAX]])

    @property
    def newest(self) -> Verifier:
        """The key that receipts are signed with."""
        return self._chain[-1].new if self._chain else self._anchor

    def take(self, note: bytes) -> None:
        """Follow a handover; one that was followed before changes nothing. Raises BadFormatError, BadSignatureError and OSError."""
        found = Handover.parse(note)
        if found in self._chain:
            return
        if found.old != self.newest or len(self._chain) >= HANDOVERS_MAX:
            raise BadSignatureError(f"a handover of the mirror's does not continue {self.newest.vkey}")
        durable.make_folder(self._folder, mode=0o700)
        durable.write(self._folder / f"{len(self._chain):03}-{found.new.key_id.hex()}.note", note)
        self._chain = (*self._chain, found)
