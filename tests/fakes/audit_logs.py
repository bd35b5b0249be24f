"""Small audit logs for tests: the real writer, spool and export over a private folder, without sockets or threads."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core_fakes.sealed_log import BOOT, ENDING, LEADING, ORIGIN, TIME, GateLog, Unsealed, happening

from gate.audit.key_days import KeyDays
from gate.audit.reserve import Reserve
from gate.audit.store import Store
from gate.audit.writer import Outcome, Wanted, Writer
from gate.programs.log.context import P, T, Worker
from gate_core.audit_format.checkpoint import Checkpoint, read_checkpoint
from gate_core.audit_format.export import Outlet
from gate_core.audit_format.note import Note, Signer
from gate_core.audit_format.record import canonical_json
from gate_core.audit_format.sealer import Sealer
from gate_core.audit_format.spool import Spool, handover_path
from gate_core.audit_format.statements import Handover, follow, in_force
from gate_core.audit_format.tiles import pieces_between

__all__ = ["BOOT", "ENDING", "LEADING", "ORIGIN", "TIME", "LateSpool", "SmallLog", "crossing", "happening", "wanted"]


def wanted(
    kind: str, crossing: str | None = None, body: dict[str, Any] | None = None, *, append_id: bytes | None = None
) -> Wanted:
    return Wanted.of(happening(kind, crossing, append_id=append_id), canonical_json(body or {}))


def crossing(name: str) -> list[Wanted]:
    """The records of one traveller who is admitted."""
    kinds = ("opened", "decided", "granted", "passed", "closed")
    return [wanted(kind, name, {"about": f"{kind} in {name}"}) for kind in kinds]


@dataclass
class SmallLog(GateLog):
    reserve_bytes: int = 4096
    sealing: Callable[[list[str]], Sealer] = Sealer
    successor: Signer | None = None

    @property
    def database(self) -> Path:
        return self.folder / "log.sqlite"

    @contextmanager
    def writer(
        self,
        connect: Callable[..., sqlite3.Connection] = sqlite3.connect,
        *,
        reserve: Reserve | None = None,
        last: Reserve | None = None,
    ) -> Iterator[Writer]:
        note = Spool(self.spool).checkpoint()
        writer = Writer(
            opener=lambda: Store(self.database, connect=connect),
            signer=self.signer,
            sealer=self.sealing([str(one.to_public()) for one in self.auditors]),
            key_days=KeyDays(self.folder / "keys"),
            reserve=reserve or Reserve(self.folder / "reserve", self.reserve_bytes),
            last=last or Reserve(self.folder / "reserve-last", self.reserve_bytes),
            published=None if note is None else self._read(note),
            successor=self.successor,
        )
        try:
            yield writer
        finally:
            writer.close()

    def write(self, *batches: Iterable[Unsealed], publish: bool = True) -> list[Outcome]:
        """Append batches, publishing after each; return the outcome of the last one."""
        outcome: list[Outcome] = []
        with self.writer() as writer:
            for batch in batches:
                outcome = writer.append([Wanted(one.happening, one.plain) for one in batch], 0)
                if publish:
                    self.publish(writer)
        return outcome

    def hand_over(self) -> Signer:
        self.successor = Signer.generate(self.signer.verifier.name)
        with self.writer() as writer:
            assert writer.awaits_handover
            assert writer.hand_over(wanted("log_key_changed"), 0)
            self.publish(writer)
        self.signer, self.successor = self.successor, None
        return self.signer

    def publish(self, writer: Writer) -> None:
        spool = Spool(self.spool)
        note = spool.checkpoint()
        published = 0 if note is None else self._read(note).size
        standing = writer.standing
        assert standing.checkpoint is not None
        assert standing.note is not None
        for piece in pieces_between(published, standing.checkpoint.size):
            spool.write(writer.files(piece, published))
        spool.write(writer.upper_tiles(published, standing.checkpoint.size))
        spool.write({handover_path(number): word for number, word in enumerate(writer.handovers)})
        spool.release(standing.note)

    def _read(self, note: bytes) -> Checkpoint:
        words = Outlet(self.spool).handovers()
        chain = follow(Handover.parse(words[0]).old, words) if words else ()
        size = Checkpoint.parse(Note.parse(note).text).size
        newest = chain[-1].new if chain else self.signer.verifier
        return read_checkpoint(note, in_force(chain, newest, size))


class LateSpool(Worker):
    """A spool's thread that comes to its work when something has happened meanwhile, or had half a second to."""

    def __init__(self, worker: Worker, has_happened: Callable[[], bool]) -> None:
        self._worker = worker
        self._has_happened = has_happened

    async def __call__(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(50):
            if self._has_happened():
                break
            await asyncio.sleep(0.01)
        return await self._worker(work, *args, **kwargs)
