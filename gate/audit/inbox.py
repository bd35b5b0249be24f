"""The inbox, where sync leaves the mirror's receipts and key handovers (docs/protocols/audit-log.md).

A neighbouring program that faces the network writes the folder, so each look has limits on names, ordinary files and
bytes. `MirrorKeys` has the mirror's keys; only receipts by the newest count.
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
    "erasure-receipt-{}.note"  # the mirror's confirmation of an erasure, by the SHA-256 of its note
)
HELD: Final = "held.note"  # the mirror's statement of what it holds
_NAME: Final = re.compile(r"receipt-([0-9]{1,19})\.note")
_KEY_NAME: Final = re.compile(r"mirror-key-([0-9]{1,4})\.note")
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Found:
    """An unverified file in the inbox: a receipt, an approval, an erasure, or a handover between the mirror's keys."""

    name: str
    note: bytes

    @property
    def is_of_keys(self) -> bool:
        """True for a handover between the mirror's keys."""
        return _KEY_NAME.fullmatch(self.name) is not None


class Inbox:
    """Reads the folder in parts. `refused`: a folder of ours for people to inspect."""

    def __init__(self, folder: Path, refused: Path) -> None:
        self._folder = folder
        self._refused = refused
        self._descriptor: int | None = None
        self._names: Iterator[os.DirEntry[str]] = iter(())
        self._opened = contextlib.ExitStack()

    def look(self) -> list[Found]:
        """Return key handovers, oldest first, then receipts, largest first, among the next names. Raises OSError."""
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
        """Return the file with one of the names above, if it exists. Raises OSError."""
        try:
            return Found(name, read_ordinary(self._folder / name, RECEIPT_BYTES_MAX))
        except FileNotFoundError:
            return None

    def remove(self, found: Found) -> None:
        """Delete a file after its content was stored or set aside. A changed file stays for another look."""
        path = self._folder / found.name
        with contextlib.suppress(OSError):
            if read_ordinary(path, RECEIPT_BYTES_MAX) == found.note:
                path.unlink()

    def refuse(self, found: Found) -> None:
        """Copy it to where its sender cannot reach it, and delete it. Raises OSError."""
        self._refused.mkdir(mode=0o700, exist_ok=True)
        kept = sorted(self._refused.iterdir(), key=lambda one: one.stat().st_mtime_ns)
        for oldest in kept[: max(0, len(kept) - REFUSED_MAX + 1)]:
            oldest.unlink()
        (self._refused / found.name).write_bytes(found.note)
        self.remove(found)

    @property
    def is_through(self) -> bool:
        """True if the whole folder was read, and the next look starts again."""
        return self._descriptor is None

    def close(self) -> None:
        """Start again with the next look."""
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
    """`anchor`: the configured key; `folder`: our own. Raises OSError if that is unreadable."""

    def __init__(self, anchor: Verifier, folder: Path) -> None:
        self._anchor = anchor
        self._folder = folder
        found = sorted(folder.glob("*.note")) if folder.is_dir() else []
        self._chain = follow(anchor, [one.read_bytes() for one in found[:HANDOVERS_MAX]])

    @property
    def newest(self) -> Verifier:
        """The key that signs receipts."""
        return self._chain[-1].new if self._chain else self._anchor

    def take(self, note: bytes) -> None:
        """Apply a handover; a repeated one changes nothing. Raises BadFormatError, BadSignatureError and OSError."""
        found = Handover.parse(note)
        if found in self._chain:
            return
        if found.old != self.newest or len(self._chain) >= HANDOVERS_MAX:
            raise BadSignatureError(f"a handover of the mirror's does not continue {self.newest.vkey}")
        durable.make_folder(self._folder, mode=0o700)
        durable.write(self._folder / f"{len(self._chain):03}-{found.new.key_id.hex()}.note", note)
        self._chain = (*self._chain, found)
