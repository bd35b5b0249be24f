"""A central server with its folder: own log, settings, erasures and pages, over the database of a `Bench`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from central_fakes.server import NOW, Bench
from core_fakes.approvals import PERSONS, signer, write_approvers

from gate_central import folder as folders
from gate_central.admin_log import AdminRecord
from gate_central.server_context import ServerContext
from gate_core.approval.erasure import Erasure, SignedErasure
from gate_core.audit_format.unsealer import Unsealer


def make_context(bench: Bench, folder: Path, settings: str = "") -> ServerContext:
    """Make the folder, if there is none yet, and begin."""
    if not folder.exists():
        folders.init(folder, "central.example", NOW)
        write_approvers(folder / "approvers.toml")
    (folder / "central.toml").write_text(settings)
    return ServerContext(folder, bench.server.ledger._engine, bench.server.clock)


def told(context: ServerContext) -> list[AdminRecord]:
    """What the own log says, the oldest first."""
    unsealer = Unsealer.from_file(context.folder.path / folders.ACTS_IDENTITY)
    return context.admin_log.newest(unsealer, 10_000)[::-1]


def order(origin: str, keys: Sequence[str], by: int = 2) -> bytes:
    """An order to forget keys, signed by so many approvers."""
    signed = SignedErasure.new(Erasure(origin, tuple(sorted(keys))))
    for name in PERSONS[:by]:
        signed = signed.signed_by(signer(name))
    return signed.note.to_bytes()
