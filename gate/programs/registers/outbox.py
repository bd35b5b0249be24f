"""What is told to the owners of lists and registers: each hit, and what an officer made of it. Files that their owner fetches and takes away.

    outbox/stolen-documents/6f1c….hit.json          {"register":…,"agency":…,"edition":…,"reference":…,"cause":…,"gate":…,"at":…}
    outbox/stolen-documents/6f1c….disposition.json  {"handle":…,"disposition":…,"at":…}

No name, number or picture stands there: the reference is the owner's own. At `FILES_MAX` of one register nothing more of it is written until some were fetched,
which the status says, and others are told theirs all the same; the log has every hit and disposition.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from gate.passage.orders import Disposition
from gate_core import durable

FILES_MAX: Final = 10_000  # of one register


class OutboxFullError(Exception):
    """Too many files of one register wait to be fetched."""


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

    def tidy(self) -> None:
        """Throw away what a killed program had half written. Raises OSError."""
        for draft in self._folder.glob(f"*/{durable.DRAFT}*"):
            draft.unlink(missing_ok=True)

    def count(self) -> int:
        """How many files wait; one that is being written does not yet."""
        return sum(1 for _ in self._folder.glob("*/[!.]*.json"))

    def hit(self, handle: str, hit: Hit) -> None:
        """Keep a hit. Raises OutboxFullError and OSError."""
        self._keep(hit.register, f"{handle}.hit.json", msgspec.json.encode(hit))

    def settled(self, register: str, handle: str, disposition: Disposition, at: str) -> None:
        """Keep what became of a register's hit, which its owner may have fetched by now. Raises as `hit`."""
        told = {"handle": handle, "disposition": disposition.value, "at": at}
        self._keep(register, f"{handle}.disposition.json", msgspec.json.encode(told))

    def _keep(self, register: str, name: str, content: bytes) -> None:
        folder = self._folder / register
        durable.make_folder(folder, mode=0o750)
        if sum(1 for _ in folder.glob("[!.]*.json")) >= FILES_MAX:
            raise OutboxFullError(f"{FILES_MAX} files wait in {folder} to be fetched")
        durable.write(folder / name, content + b"\n", mode=0o640)
