"""Imports a gate's log from removable media, if the gate has no network or is lost.

The log is uploaded by the gates' own client to an in-process mirror, which verifies it and keeps contradictions as
evidence. So the media need no more trust than a network.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2

from gate_central.app import make_window
from gate_central.errors import UnknownError
from gate_central.mirror import Mirror
from gate_central.roster import Gate
from gate_central.server_context import ServerContext
from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.note import Note
from gate_core.mirror_client import wire
from gate_core.mirror_client.errors import OtherHistoryError
from gate_core.mirror_client.https import Courier
from gate_core.mirror_client.mirror_state import refused
from gate_core.mirror_client.round import Client
from gate_core.mirror_client.spool import SpoolLog


class NoCheckpointError(Exception):
    """The folder has no checkpoint."""


@dataclass(frozen=True, slots=True)
class Imported:
    """The gate, the number of new entries, and all entries stored. `receipt` is None while sealed bodies are missing."""

    gate: str
    new: int
    entries: int
    receipt: bytes | None


def import_log(server: ServerContext, folder: Path, by: str) -> Imported:
    """Import a log, after central's own log records who did it. Raises NoCheckpointError, SyncError and CentralError."""
    log = SpoolLog(folder)
    head = log.head()
    if head is None:
        raise NoCheckpointError
    checkpoint, note = head
    gate = _gate_of(server, checkpoint)
    before = server.ledger.head(gate.device)
    server.admin_log.record("log_carried_in", {"by": by, "gate": gate.device, "entries": checkpoint.size})
    late = checkpoint.size if checkpoint.size < before.pending else None
    asyncio.run(_bring(server, gate, log, note, late=late))
    after = server.ledger.head(gate.device)
    receipt = None if after.bodies < after.size else after.note
    return Imported(gate.device, after.next_entry - before.next_entry, after.size, receipt)


def _gate_of(server: ServerContext, checkpoint: Checkpoint) -> Gate:
    """Return the gate that the checkpoint names; the mirror verifies the signature later. Raises UnknownError."""
    named = checkpoint.origin.split("/")
    gate = server.roster.find(named[1]) if len(named) > 1 else None
    if gate is None or gate.origin != checkpoint.origin:
        raise UnknownError(f"no gate with the log {checkpoint.origin} was ever enrolled here")
    return gate


async def _bring(server: ServerContext, gate: Gate, log: SpoolLog, note: Note, *, late: int | None) -> None:
    """Upload the log; only its checkpoint if central has more (`late`: the log's size). Raises SyncError."""
    # The mirror's log lines are not needed: the command reports the result.
    logging.getLogger("gate_central").addHandler(logging.NullHandler())
    mirror, before = server.folder.mirror, server.folder.mirrors[1:]
    takes = Mirror(
        server.ledger, server.evidence, mirror, server.now, before=before, approved=server.settings.approved_for
    )
    window = make_window(device=gate.device, roster=server.roster, mirror=takes)
    async with Courier("central", None, httpx2.ASGITransport(window)) as courier:
        if late is not None:
            await _show(server, gate, courier, note, late)
            return
        talk = Client(log, gate.origin, mirror.verifier, before=before).round()
        with suppress(StopIteration):
            asked = next(talk)
            while True:
                asked = talk.send(await courier.send(asked))


async def _show(server: ServerContext, gate: Gate, courier: Courier, note: Note, size: int) -> None:
    """Check that the log of `size` entries is a prefix of the stored one. Raises SyncError."""
    # Sent as a round, not as add-checkpoint: an old copy is not evidence that the log went back.
    said = await courier.send(wire.round_request(wire.add_checkpoint(size, (), note), (0, 0, b""), b"", {}))
    if said.status not in {200, 409}:
        raise refused(said, "the checkpoint")
    if any(note.text.encode() in one.shown for one in server.evidence.alarms(gate.device)):
        raise OtherHistoryError("the server holds another log than the stick", size)
