"""The lists by which the lane's documents are judged, and their replacement by newer ones.

The lane opens no list. It copies the trust store into its own folder, and a document child opens the copy: later
changes to the store have no effect here. A newer store is detected by its file, tested by a separate child, and used
only between crossings. An unusable one changes only the status.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import stat
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from gate.channel import document_messages
from gate.passage.records import ListsUpdated
from gate.programs.children.child_handle import ChildLostError, Process, UnfitError
from gate.programs.children.final_report import officers_of
from gate.programs.children.warm_spare import Spare
from gate.programs.shared.config import Config
from gate.programs.shared.fault_latch import FaultLatch
from gate.trust.freshness import freshness
from gate_core.evidence.trust_lists import Edition, PublishedList
from gate_core.programs import clock
from gate_core.settings.config_file import ConfigError
from gate_core.settings.toml_file import Problem

DOCUMENTS = "gate.programs.lane.document.child"
STORE_BYTES_MAX = 256 << 20
COPY_BYTES = 1 << 20
COPIES = "lists-*.sqlite"

log = logging.getLogger("lane")

Mark = tuple[int, int, int]
DocumentChild = Process[document_messages.FromDocument]
Start = Callable[[document_messages.PrepareDocument], Awaitable[DocumentChild]]


async def start_child(prepare: document_messages.PrepareDocument) -> DocumentChild:
    """Start and prepare a document child. Raises ChildLostError, or UnfitError if the lists must not be used."""
    return await Process.start(DOCUMENTS, prepare, incoming=document_messages.FromDocument)


@dataclass(frozen=True, slots=True)
class HeldLists:
    """A child's description of its lists; has the attributes that `gate.trust.freshness` needs of a store."""

    told: document_messages.Lists

    @property
    def version(self) -> str:
        """The SHA-256 that names the content."""
        return self.told.version

    @property
    def newest_import(self) -> datetime | None:
        """Time of the last import."""
        return self.told.newest_import

    @property
    def published(self) -> list[PublishedList]:
        """The newest list of each kind and publisher."""
        return self.told.published

    def editions(self) -> list[Edition]:
        """Return the revocation lists."""
        return self.told.revocation_lists

    def __len__(self) -> int:
        return self.told.certificates


def ready_of(child: DocumentChild) -> document_messages.DocumentReady:
    """Return a prepared child's report. Raises ChildLostError if it is invalid."""
    try:
        return msgspec.convert(child.detail, document_messages.DocumentReady)
    except msgspec.ValidationError as error:
        raise ChildLostError("a document child says nothing of its lists") from error


class CurrentLists:
    """The lists in use. `held`: their description, None before a child has opened any."""

    def __init__(self, config: Config, *, folder: Path, start: Start = start_child) -> None:
        self._config = config
        self._path = Path(config.paths.trust)
        self._folder = folder
        self._start = start
        self._mark: Mark | None = None
        self._refused: Mark | None = None
        self._number = 0
        self._copy: Path | None = None
        self._next: tuple[Path, DocumentChild, HeldLists] | None = None  # newer lists, tested by a child
        self._trouble = FaultLatch(log, begins="lists_unusable", ends="lists_usable", level=logging.ERROR)
        self.held: HeldLists | None = None

    async def begin(self) -> DocumentChild | None:
        """Return the first child; None if it was lost, to retry with `child`. Raises ConfigError for unusable lists."""
        for left in self._folder.glob(COPIES):
            left.unlink(missing_ok=True)
        self._mark = await asyncio.to_thread(_mark, self._path)
        try:
            self._copy = await self._copied()
            child = await self._start(self._prepare(self._copy))
            self.held = await _held_by(child)
        except UnfitError as error:
            key, _, why = str(error).partition(": ")
            raise ConfigError(Problem(key, why) if why else Problem("", str(error))) from error
        except OSError as error:
            raise ConfigError(Problem("paths.trust", f"{self._path}: {error.strerror or error}")) from error
        except ChildLostError as error:
            log.warning("no_document_child", extra={"reason": str(error)})
            return None
        return child

    async def child(self) -> DocumentChild:
        """Start another child with the lists in use. Raises ChildLostError."""
        if self._copy is None:
            raise ChildLostError("there are no lists")
        child = await self._start(self._prepare(self._copy))
        self.held = self.held or await _held_by(child)
        return child

    async def look(self) -> None:
        """Check whether the store's file has changed, and test the new one for `take_newer`."""
        mark = await asyncio.to_thread(_mark, self._path)
        if mark == self._mark or (mark is not None and mark == self._refused):
            return
        try:
            copy = await self._copied()
        except OSError as error:
            self._trouble.is_now(error.strerror or str(error))
            return
        try:
            child = await self._start(self._prepare(copy))
            held = await _held_by(child)
        except ChildLostError as error:
            copy.unlink(missing_ok=True)
            self._refused = mark if isinstance(error, UnfitError) else None
            self._trouble.is_now(str(error))
            return
        await self._forget_candidate()
        self._next = copy, child, held
        self._mark, self._refused = mark, None
        self._trouble.is_now("")

    def take_newer(self) -> tuple[HeldLists | None, DocumentChild] | None:
        """Use the newer lists from now on, if any: return the previous ones, and the newer ones' child."""
        if self._next is None:
            return None
        (copy, child, held), self._next = self._next, None
        before, self.held = self.held, held
        if self._copy is not None:
            self._copy.unlink(missing_ok=True)
        self._copy = copy
        return before, child

    async def close(self) -> None:
        """End the candidate's child and delete all copies."""
        await self._forget_candidate()
        for left in self._folder.glob(COPIES):
            left.unlink(missing_ok=True)

    def detail(self) -> Mapping[str, object]:
        """Return status fields of the lists in use, not of those on the disk."""
        if self.held is None:
            return {"version": None, "alarms": [self._trouble.words or "no document child has opened the lists yet"]}
        fresh = freshness(self.held, clock.now(), age_max_days=self._config.rules.trust_age_max_days)
        if self._trouble.words:
            fresh["alarms"] = [f"the newer lists cannot be used: {self._trouble.words}", *fresh["alarms"]]
        return fresh

    async def _forget_candidate(self) -> None:
        if self._next is not None:
            (copy, child, _), self._next = self._next, None
            await child.end()
            copy.unlink(missing_ok=True)

    async def _copied(self) -> Path:
        self._number += 1
        copy = self._folder / COPIES.replace("*", str(self._number))
        await asyncio.to_thread(_copy_file, self._path, copy)
        return copy

    def _prepare(self, lists: Path) -> document_messages.PrepareDocument:
        return document_messages.PrepareDocument(
            chip=self._config.chip.spelt(),
            lists=str(lists),
            service=self._config.purpose == "service",
            officers=officers_of(self._config),
            time_zone=self._config.time_zone,
            fingers=bool(self._config.document.control_centre),
            registers=self._config.registers is not None and self._config.registers.looked_up,
            names=self._config.registers is not None and self._config.registers.need_names,
        )


class DocumentChildren:
    """The warm document child, prepared with the lists in use. Lists and spare change only between crossings."""

    def __init__(self, lists: CurrentLists) -> None:
        self.lists = lists
        self.spare: Spare[document_messages.FromDocument] = Spare(lists.child, log=log)

    async def take_newer(self) -> tuple[ListsUpdated, ...] | None:
        """Use newer lists from now on. Return their record, none if the content is equal; None without newer lists."""
        newer = self.lists.take_newer()
        if newer is None:
            return None
        before, child = newer
        await self.spare.replace(child)
        now = self.lists.held
        return () if now is None or (before and before.version == now.version) else (update_of(before, now),)

    async def reach_chip_reader(self) -> None:
        """Replace a spare that was prepared without a chip reader, to try again."""
        if self.spare.child is not None and self.chip_problem:
            with contextlib.suppress(ChildLostError):
                await self.spare.replace(await self.lists.child())

    @property
    def newest_import(self) -> datetime | None:
        """Time of the last import into the lists."""
        return None if self.lists.held is None else self.lists.held.newest_import

    @property
    def chip_problem(self) -> str:
        """Why the spare has no chip reader; empty if it has one."""
        child = self.spare.child
        return self.spare.problem if child is None else ready_of(child).chip

    def detail(self) -> Mapping[str, object]:
        """Return status fields."""
        return {
            "lists": self.lists.detail(),
            "document_child": "warm" if self.spare.child is not None else self.spare.problem or "warming",
            "chip": self.chip_problem or "up",
        }


async def _held_by(child: DocumentChild) -> HeldLists:
    try:
        return HeldLists(ready_of(child).lists)
    except ChildLostError:
        await child.end()
        raise


def update_of(before: HeldLists | None, now: HeldLists) -> ListsUpdated:
    """Return the record that other lists are in use from now on."""
    return ListsUpdated(
        version=now.version,
        before="" if before is None else before.version,
        certificates=len(now),
        revocation_lists=len(now.editions()),
        published=tuple(now.published),
        imported_at=None if now.newest_import is None else now.newest_import.isoformat(),
    )


def _mark(path: Path) -> Mark | None:
    """Return inode, size and modification time, which identify the file; None if it is missing."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_ino, about.st_size, about.st_mtime_ns


def _copy_file(source: Path, target: Path) -> None:
    """Copy a regular file of limited size, with mode 0600. Raises OSError."""
    taken = 0
    # Without O_NONBLOCK, opening a pipe without a writer would block.
    descriptor = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("is no ordinary file")
        with contextlib.suppress(FileNotFoundError):
            target.unlink()
        into = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(into, "wb", buffering=0) as copy:
            while part := file.read(COPY_BYTES):
                taken += len(part)
                if taken > STORE_BYTES_MAX:
                    target.unlink()
                    raise OSError(f"is larger than {STORE_BYTES_MAX >> 20} MiB")
                copy.write(part)
