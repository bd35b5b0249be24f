"""`gate central import`: imports a gate's log from removable media, if the gate has no network or is lost.

The log is uploaded by the gates' own client to an in-process mirror, which verifies it and keeps contradictions as
evidence. So the media need no more trust than a network.
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate_central.commands.store import Database, Dir, served
from gate_core.command_line.options import Json
from gate_core.command_line.output import Exit, emit_json, fail, say, write_new
from gate_core.programs.clock import now

if TYPE_CHECKING:
    from gate_central.roster import Gate
    from gate_central.server_context import ServerContext
    from gate_core.audit_format.checkpoint import Checkpoint
    from gate_core.audit_format.note import Note
    from gate_core.mirror_client.https import Courier
    from gate_core.mirror_client.spool import SpoolLog


def carry_in(
    stick: Annotated[Path, typer.Argument(help="The folder on the stick, as gate sync export-usb made it.")],
    folder: Dir,
    receipt: Annotated[
        Path | None, typer.Option(help="Where the receipt for the gate goes, a new file; INBOX/receipt-N.note there.")
    ] = None,
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Take a gate's log from a stick, as if the gate had brought it. Central's own log says so. Exit 1 when it contradicts what is here."""
    with served(folder, database) as server:
        from gate_core.mirror_client.errors import OtherHistoryError, SyncError
        from gate_core.mirror_client.spool import SpoolLog

        log = SpoolLog(stick)
        try:
            head = log.head()
            if head is None:
                fail(Exit.IO_ERROR, f"{stick} has no checkpoint: is it what gate sync export-usb made?")
            (checkpoint, note) = head
            gate = _gate_of(server, checkpoint)
            before = server.ledger.head(gate.device)
            told = {"by": f"user {os.getuid()} at a terminal", "gate": gate.device, "entries": checkpoint.size}
            server.admin_log.record("log_carried_in", told)
            late = checkpoint.size if checkpoint.size < before.pending else None
            asyncio.run(_bring(server, gate, log, note, late=late))
        except OtherHistoryError as error:
            fail(Exit.NO, f"{error}; gate central fleet names the alarm")
        except SyncError as error:
            fail(Exit.BAD_DATA, f"{stick}: {error}")
        after = server.ledger.head(gate.device)
        if receipt is not None:
            if after.note is None or after.bodies < after.size:
                fail(Exit.TRY_LATER, "there is no receipt yet: sealed bodies are still missing here")
            write_new(receipt, after.note)
    new = after.next_entry - before.next_entry
    if as_json:
        fields = {"gate": gate.device, "new": new, "entries": after.size}
        emit_json("central.import/1", {**fields, "receipt": None if receipt is None else str(receipt)})
    else:
        say(f"{gate.device}: {new} new entries, {after.size} are here and signed for")
        if receipt is not None:
            say(f"receipt for the gate, to be put there as INBOX/receipt-{after.size}.note: {receipt}")


def _gate_of(server: ServerContext, checkpoint: Checkpoint) -> Gate:
    """Return the gate that the checkpoint names; the mirror verifies the signature later. Raises UnknownError."""
    from gate_central.errors import UnknownError

    named = checkpoint.origin.split("/")
    gate = server.roster.find(named[1]) if len(named) > 1 else None
    if gate is None or gate.origin != checkpoint.origin:
        raise UnknownError(f"no gate with the log {checkpoint.origin} was ever enrolled here")
    return gate


async def _bring(server: ServerContext, gate: Gate, log: SpoolLog, note: Note, *, late: int | None) -> None:
    """Upload the log; only its checkpoint if central has more (`late`: the log's size). Raises SyncError."""
    import httpx2

    from gate_central.app import make_window
    from gate_central.mirror import Mirror
    from gate_core.mirror_client.https import Courier
    from gate_core.mirror_client.round import Client

    # The mirror's log lines are not needed: the command reports the result.
    logging.getLogger("gate_central").addHandler(logging.NullHandler())
    mirror, before = server.folder.mirror, server.folder.mirrors[1:]
    takes = Mirror(server.ledger, server.evidence, mirror, now, before=before, approved=server.settings.approved_for)
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
    from gate_core.mirror_client import wire
    from gate_core.mirror_client.errors import OtherHistoryError
    from gate_core.mirror_client.mirror_state import refused

    # Sent as a round, not as add-checkpoint: an old copy is not evidence that the log went back.
    said = await courier.send(wire.round_request(wire.add_checkpoint(size, (), note), (0, 0, b""), b"", {}))
    if said.status not in {200, 409}:
        raise refused(said, "the checkpoint")
    if any(note.text.encode() in one.shown for one in server.evidence.alarms(gate.device)):
        raise OtherHistoryError("the server holds another log than the stick", size)
