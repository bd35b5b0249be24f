"""What is told to the owners of lists and registers: each hit, and what an officer made of it. Files that their owner fetches and takes away.

    outbox/stolen-documents/6f1c….hit.json          {"register":…,"agency":…,"edition":…,"reference":…,"cause":…,"gate":…,"at":…}
    outbox/stolen-documents/6f1c….disposition.json  {"handle":…,"disposition":…,"at":…}

No name, number or picture stands there: the reference is the owner's own. At `FILES_MAX` nothing more is written until some were fetched, which the
status says; the log has every hit and disposition all the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from gate import durable
from gate.passage.orders import Disposition

FILES_MAX: Final = 10_000
_HANDLE: Final = re.compile(r"[0-9a-f]{32}")


class OutboxFullError(Exception):
    """Too many files wait to be fetched."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One hit, without anything of the traveller."""

    register: str
    agency: str
    edition: str
    reference: str
    cause: str
    gate: str
    at: str


class Outbox:
    """The folder. Its functions block; one thread at a time may use it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def count(self) -> int:
        """How many files wait; one that is being written does not yet."""
        return sum(1 for _ in self._folder.glob("*/[!.]*.json"))

    def hit(self, handle: str, hit: Hit) -> None:
        """Keep a hit. Raises OutboxFullError and OSError."""
        self._require_room()
        folder = self._folder / hit.register
        durable.make_folder(folder, mode=0o750)
        durable.write(folder / f"{handle}.hit.json", msgspec.json.encode(hit) + b"\n", mode=0o640)

    def settled(self, handle: str, disposition: Disposition, at: str) -> bool:
        """Keep what became of a hit; False when it is none of ours, or was fetched with the register's name already. Raises as `hit`."""
        register = self._register_of(handle)
        if register is None:
            return False
        self._require_room()
        told = {"handle": handle, "disposition": disposition.value, "at": at}
        durable.write(
            self._folder / register / f"{handle}.disposition.json", msgspec.json.encode(told) + b"\n", mode=0o640
        )
        return True

    def _register_of(self, handle: str) -> str | None:
        if _HANDLE.fullmatch(handle) is None:
            return None
        return next((path.parent.name for path in self._folder.glob(f"*/{handle}.hit.json")), None)

    def _require_room(self) -> None:
        if self.count() >= FILES_MAX:
            raise OutboxFullError(f"{FILES_MAX} files wait in {self._folder} to be fetched")
