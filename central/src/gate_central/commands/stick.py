"""`gate central import`: imports a gate's log from removable media."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from gate_central.commands.store import Database, Dir, served
from gate_core.command_line.options import Json
from gate_core.command_line.output import Exit, emit_json, fail, say, write_new


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
        from gate_central.media_import import NoCheckpointError, import_log
        from gate_core.mirror_client.errors import OtherHistoryError, SyncError

        try:
            done = import_log(server, stick, f"user {os.getuid()} at a terminal")
        except NoCheckpointError:
            fail(Exit.IO_ERROR, f"{stick} has no checkpoint: is it what gate sync export-usb made?")
        except OtherHistoryError as error:
            fail(Exit.NO, f"{error}; gate central fleet names the alarm")
        except SyncError as error:
            fail(Exit.BAD_DATA, f"{stick}: {error}")
        if receipt is not None:
            if done.receipt is None:
                fail(Exit.TRY_LATER, "there is no receipt yet: sealed bodies are still missing here")
            write_new(receipt, done.receipt)
    if as_json:
        fields = {"gate": done.gate, "new": done.new, "entries": done.entries}
        emit_json("central.import/1", {**fields, "receipt": None if receipt is None else str(receipt)})
    else:
        say(f"{done.gate}: {done.new} new entries, {done.entries} are here and signed for")
        if receipt is not None:
            say(f"receipt for the gate, to be put there as INBOX/receipt-{done.entries}.note: {receipt}")
