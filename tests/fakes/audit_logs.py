"""Small audit logs for tests: the real writer, spool and export over a private folder, without sockets or threads."""

from __future__ import annotations

import asyncio
import io
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyrage
from verify_fakes.audit_logs import ORIGIN, happening

from gate.audit.key_days import KeyDays
from gate.audit.reserve import Reserve
from gate.audit.store import Store
from gate.audit.writer import Outcome, Wanted, Writer
from gate.programs.log.context import P, T, Worker
from gate_core.audit_format.checkpoint import Checkpoint, read_checkpoint
from gate_core.audit_format.export import Outlet, bundle
from gate_core.audit_format.note import Note, Signer
from gate_core.audit_format.record import canonical_json, recipients_digest
from gate_core.audit_format.sealer import Sealer
from gate_core.audit_format.spool import Spool, handover_path
from gate_core.audit_format.statements import Handover, follow, in_force
from gate_core.audit_format.tiles import pieces_between


def wanted(
    kind: str, crossing: str | None = None, body: dict[str, Any] | None = None, *, append_id: bytes | None = None
) -> Wanted:
    return Wanted.of(happening(kind, crossing, append_id=append_id), canonical_json(body or {}))


def crossing(name: str) -> list[Wanted]:
    """The records of one traveller who is admitted."""
    kinds = ("opened", "decided", "granted", "passed", "closed")
    return [wanted(kind, name, {"about": f"{kind} in {name}"}) for kind in kinds]


@dataclass
class SmallLog:
    folder: Path
    signer: Signer = field(default_factory=lambda: Signer.generate(ORIGIN))
    auditors: tuple[pyrage.x25519.Identity, ...] = field(
        default_factory=lambda: (pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate())
    )
    reserve_bytes: int = 4096
    sealing: Callable[[list[str]], Sealer] = Sealer
    successor: Signer | None = None

    @property
    def vkey(self) -> str:
        return self.signer.verifier.vkey

    @property
    def recipients(self) -> tuple[str, ...]:
        """Whom records are sealed for, as a start names them."""
        return tuple(recipients_digest(str(one.to_public()) for one in self.auditors)[1])

    @property
    def database(self) -> Path:
        return self.folder / "log.sqlite"

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

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

    def write(self, *batches: Iterable[Wanted], publish: bool = True) -> list[Outcome]:
        """Append batches, publishing after each; return the outcome of the last one."""
        outcome: list[Outcome] = []
        with self.writer() as writer:
            for batch in batches:
                outcome = writer.append(list(batch), 0)
                if publish:
                    self.publish(writer)
        return outcome

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

    def bundle(self, since: int = 0) -> bytes:
        out = io.BytesIO()
        bundle(Outlet(self.spool), out, since=since)
        return out.getvalue()


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
