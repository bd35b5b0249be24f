"""The gate's signed lists: opened at the start, renewed from the folder of downloads, erased when they expire.

An edition is `ANY.note`, its header, and `ANY.entries` or, for a delta, `ANY.delta`. The lowest serial is used first.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from gate.lists.errors import BadListError, ListError
from gate.lists.header import NOTE_BYTES_MAX, Header
from gate.lists.stored_list import StoredList
from gate.programs.shared.fault_latch import FaultLatch
from gate_core import durable
from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.note import Note
from gate_core.evidence.registers import RegisterCause
from gate_core.ordinary import read_ordinary
from gate_core.ports.registers import Answer, Question, not_known

NOTES_MAX: Final = 256  # in the folder of downloads; more are ignored and reported

log = logging.getLogger("registers")


@dataclass(frozen=True, slots=True)
class _Tried:
    """A tried edition, and its entries file at that time."""

    note: bytes
    entries: Path | None
    state: tuple[int, int] | None

    @classmethod
    def of(cls, note: bytes, entries: Path | None) -> _Tried:
        """Build with the file's present state."""
        try:
            found = None if entries is None else entries.lstat()
        except OSError:
            found = None
        return cls(note, entries, None if found is None else (found.st_mtime_ns, found.st_size))


class HeldLists:
    """All lists, by their configured names."""

    def __init__(self, stored_lists: Mapping[str, StoredList], incoming: Path) -> None:
        self._stored = stored_lists
        self._incoming = incoming
        self._refused: dict[_Tried, str] = {}
        self._trouble = FaultLatch(log, begins="lists_refused", ends="signed_lists_well_again")

    @property
    def problem(self) -> str:
        """What an operator must look into; empty without a problem."""
        return self._trouble.words

    def headers(self) -> dict[str, Header | None]:
        """Return each list's edition in use, or None."""
        return {name: stored.header for name, stored in self._stored.items()}

    def open(self) -> None:
        """Open the lists. One that cannot be opened answers unknown."""
        for name, stored in self._stored.items():
            try:
                stored.open()
            except (ListError, OSError) as error:
                stored.close()
                log.log(logging.ERROR, "list_not_opened", extra={"register": name, "reason": str(error)})

    def ask(self, name: str, question: Question, now: datetime) -> Answer:
        """Return a list's answer."""
        stored = self._stored.get(name)
        return not_known(RegisterCause.NO_LIST) if stored is None else stored.ask(question, now)

    async def renew(self, now: datetime) -> None:
        """Use new editions from the folder of downloads, and erase expired copies. Slow work runs in threads."""
        problems: list[str] = []
        refused: dict[_Tried, str] = {}
        before = {name: stored.header.serial for name, stored in self._stored.items() if stored.header is not None}
        found = await asyncio.to_thread(self._found, problems)
        for header, note, path in found:
            entries = path.with_suffix(".entries" if header.delta is None else ".delta")
            stored, tried = self._stored[header.name], _Tried.of(note, None if header.withdrawn else entries)
            if stored.header is not None and header.serial <= stored.header.serial:
                continue
            if tried not in self._refused:
                try:
                    stored.put(await asyncio.to_thread(stored.brought, note, tried.entries, now))
                except (ListError, OSError) as error:
                    refused[tried] = f"{path.name}: {error}"
                else:
                    about = {"register": header.name, "serial": header.serial, "numbers": header.numbers}
                    log.info("list_renewed", extra=about)
                    continue
            else:
                refused[tried] = self._refused[tried]
            problems.append(refused[tried])
        # A refused edition is retried only after a change of its files, or of an edition in use.
        held = {name: stored.header.serial for name, stored in self._stored.items() if stored.header is not None}
        self._refused = refused if held == before else {}
        for name, stored in self._stored.items():
            if stored.erase_over(now):
                log.warning("copy_erased", extra={"register": name})
        self._trouble.is_now("; ".join(problems))

    def close(self) -> None:
        """Close all lists."""
        for stored in self._stored.values():
            stored.close()

    def _found(self, problems: list[str]) -> list[tuple[Header, bytes, Path]]:
        """Return the unverified headers of this gate's lists in the folder of downloads, lowest serial first."""
        found: list[tuple[Header, bytes, Path]] = []
        with contextlib.suppress(FileNotFoundError):
            paths = sorted(self._incoming.glob("*.note"))
            if len(paths) > NOTES_MAX:
                problems.append(f"{len(paths)} headers lie in {self._incoming}, {NOTES_MAX} are looked at")
            for path in paths[:NOTES_MAX]:
                try:
                    note = read_ordinary(path, NOTE_BYTES_MAX)
                    header = Header.parse(Note.parse(note).text)
                except (BadFormatError, BadListError, OSError) as error:
                    problems.append(f"{path.name}: {error}")
                    continue
                if header.name in self._stored:
                    found.append((header, note, path))
                else:
                    problems.append(f"{path.name}: no list of this gate is called {header.name}")
        return sorted(found, key=lambda one: (one[0].name, one[0].serial))


def erase_others(folder: Path, names: Collection[str]) -> None:
    """Erase copies of lists that are no longer configured, and so must not be stored."""
    for path in sorted(folder.glob("*")):
        if path.name in names or path.is_symlink() or not path.is_dir():
            continue
        try:
            for one in path.iterdir():
                durable.wipe(one)
            path.rmdir()
        except OSError as error:
            log.log(logging.ERROR, "copy_not_erased", extra={"register": path.name, "reason": str(error)})
        else:
            log.warning("copy_erased", extra={"register": path.name})
