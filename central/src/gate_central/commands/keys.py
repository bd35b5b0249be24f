"""`gate central retirement`, `erase`, `prune` and `acts`: deletes keys, and shows central's own log."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate_central.commands.store import Database, Dir, served
from gate_core.command_line.input_files import bytes_of
from gate_core.command_line.options import Json
from gate_core.command_line.output import Exit, fail, one_line, tell

if TYPE_CHECKING:
    from gate_central.admin_log import AdminRecord
    from gate_central.archive import Exported


def retirement(
    origin: Annotated[str, typer.Argument(help="The origin of the gate's log, such as border.example/north-7.")],
    key: Annotated[Path, typer.Option(help="The approver's key.")],
    name: Annotated[str, typer.Option(help="The approver's name, as in approvers.toml.")],
    note_file: Annotated[
        Path, typer.Option("--note", help="Where the order goes; one that is there is signed as well.")
    ],
    as_json: Json = False,
) -> None:
    """Sign an order to refuse a gate for good, on an approver's own machine. It counts when two have signed it."""
    from gate_central.retirement import SignedRetirement
    from gate_core.command_line.approver_keys import sign, signer_in

    wanted = functools.partial(SignedRetirement.new, origin)
    sign(wanted, note_file, signer_in(key, name), lambda there: f"is about another gate, {there.origin}")
    told = f"{origin} is to be retired: signed by {name}"
    tell("central.retirement/1", {"gate": origin, "note": str(note_file)}, told, as_json=as_json)


def erase(
    note_file: Annotated[Path, typer.Argument(metavar="NOTE", help="The order, with two signatures at least.")],
    folder: Dir,
    out: Annotated[Path | None, typer.Option(help="Where the mirror's receipt goes.")] = None,
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Forget the keys that a signed order names, for good, and record who ordered it. Gates bring such orders by themselves."""
    with served(folder, database) as server:
        from gate_central.key_erasure import APPROVERS, judge_in
        from gate_core import durable

        judge = judge_in(folder)
        if judge is None:
            fail(Exit.CONFIG, f"{folder / APPROVERS} is missing: it names who may order an erasure")
        receipt = server.erasures(judge).carry_out(bytes_of(note_file))
        if out is not None:
            durable.write(out, receipt)
    tell("central.erase/1", {"receipt": receipt.decode()}, receipt.decode().rstrip("\n"), as_json=as_json)


def prune(folder: Dir, database: Database = None, as_json: Json = False) -> None:
    """Forget the keys whose time is over, as central.toml says. `gate central serve` does it every minute.

    Exit 75 while they are over by this machine's clock alone.
    """
    with served(folder, database) as server:
        server.tell_settings()
        gone = server.retention.look()
        if not gone and server.retention.is_waiting():
            lacks = "which no gate bears out: none has an entry of today or yesterday here"
            fail(Exit.TRY_LATER, f"keys are over by this clock, {lacks}")
    tell("central.prune/1", {"keys": gone}, f"{gone} keys were forgotten", as_json=as_json)


def acts(
    folder: Dir,
    most: Annotated[int, typer.Option(min=1, max=100_000, help="How many of the newest are shown.")] = 50,
    out: Annotated[
        Path | None, typer.Option(help="An empty folder: the whole log, for gate audit verify, instead of showing any.")
    ] = None,
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Central's own log: who was enrolled, revoked, erased or forgotten, who may look, and who has read what of which gate and why."""
    with served(folder, database) as server:
        from gate_central import folder as folders
        from gate_central.archive import export
        from gate_core.audit_format.errors import BadFormatError
        from gate_core.audit_format.unsealer import Unsealer

        vkey = server.admin_log.as_gate.log.vkey
        if out is not None:
            exported = export(server.ledger, server.admin_log.as_gate, out)
            tell_export("central.acts/1", exported, vkey, out, as_json=as_json)
            return
        try:
            shown = server.admin_log.newest(Unsealer.from_file(folder / folders.ACTS_IDENTITY), most)
        except BadFormatError as error:
            fail(Exit.BAD_DATA, str(error))
    fields = {"vkey": vkey, "acts": [asdict(one) for one in shown]}
    tell("central.acts/1", fields, *(line for one in shown for line in _lines(one)), as_json=as_json)


def _lines(act: AdminRecord) -> Iterator[str]:
    yield f"{act.index:8} {act.time} {act.kind}"
    yield from (f"         {name}: {one_line(str(value))}" for name, value in act.fields.items())


def tell_export(schema: str, exported: Exported, vkey: str, out: Path, *, as_json: bool) -> None:
    """Print what was exported of a log."""
    fields = {"entries": exported.entries, "files": exported.files, "vkey": vkey}
    told = f"{exported.entries} entries in {exported.files} files in {out}; log key {vkey}"
    tell(schema, fields, told, as_json=as_json)
