"""`gate central erase`, `prune` and `acts`: keys that central forgets, and what its own log says of that and of all else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate_central.commands.store import Database, Dir, explained, opened
from gate_core.command_line.options import Json
from gate_core.command_line.output import Exit, emit_json, fail, one_line, say
from gate_core.programs.clock import now

if TYPE_CHECKING:
    from gate_central.erasing import Judge
    from gate_central.roster import Gate
    from gate_core.approval.approvers import Approvers

APPROVERS = "approvers.toml"


def judge_in(folder: Path) -> Judge | None:
    """What holds orders against the approvers that the folder names; None where it names none. Raises FolderError."""
    from gate_central.erasing import Order
    from gate_central.errors import ForbiddenError
    from gate_core.approval.erasure import SignedErasure
    from gate_core.approval.errors import ApprovalError

    if not (folder / APPROVERS).exists():
        return None
    approvers = _approvers(folder)

    def judge(note: bytes) -> Order:
        try:
            signed = SignedErasure.parse(note)
            order = signed.erasure
            return Order(order.origin, order.keys, signed.require(origin=order.origin, approvers=approvers))
        except ApprovalError as error:
            raise ForbiddenError(f"the erasure {error}") from error

    return judge


def _approvers(folder: Path) -> Approvers:
    from gate_central.errors import FolderError
    from gate_core.approval.approvers_file import approvers_in
    from gate_core.settings.config_file import ConfigError

    try:
        return approvers_in(folder / APPROVERS)
    except ConfigError as error:
        raise FolderError(str(error)) from error


def ordered_retirement(folder: Path, gate: Gate | None, order: Path | None) -> tuple[str, ...]:
    """Who ordered that this gate is refused for good; else the command ends, or a CentralError is raised."""
    from gate_central.errors import ForbiddenError, UnknownError
    from gate_central.retirement import SignedRetirement
    from gate_core.approval.errors import ApprovalError

    if gate is None:
        raise UnknownError("no such gate")
    if order is None:
        fail(
            Exit.USAGE,
            f"two approvers order it: gate central retirement {gate.origin}, and --order NOTE; revoke refuses the gate until then",
        )
    approvers = _approvers(folder)
    try:
        return SignedRetirement.parse(order.read_bytes()).require(origin=gate.origin, approvers=approvers)
    except ApprovalError as error:
        raise ForbiddenError(f"{order} {error}") from error
    except OSError as error:
        fail(Exit.IO_ERROR, f"{order}: {error.strerror}")


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
    from gate_core import durable
    from gate_core.approval.errors import ApprovalError
    from gate_core.command_line.approver_keys import signer_in

    signer = signer_in(key, name)
    try:
        wanted = SignedRetirement.new(origin)
        there = SignedRetirement.parse(note_file.read_bytes()) if note_file.exists() else wanted
        if there.origin != origin:
            fail(Exit.BAD_DATA, f"{note_file} is about another gate, {there.origin}")
        durable.write(note_file, there.signed_by(signer).note.to_bytes())
    except ApprovalError as error:
        fail(Exit.BAD_DATA, f"{note_file} {error}")
    except OSError as error:
        fail(Exit.IO_ERROR, f"{note_file}: {error.strerror}")
    if as_json:
        emit_json("central.retirement/1", {"gate": origin, "note": str(note_file)})
    else:
        say(f"{origin} is to be retired: signed by {name}")


def erase(
    note_file: Annotated[Path, typer.Argument(metavar="NOTE", help="The order, with two signatures at least.")],
    folder: Dir,
    out: Annotated[Path | None, typer.Option(help="Where the mirror's receipt goes.")] = None,
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Forget the keys that a signed order names, for good, and record who ordered it. Gates bring such orders by themselves."""
    with explained(), opened(folder, database) as engine:
        from gate_central.server_context import House
        from gate_core import durable

        judge = judge_in(folder)
        if judge is None:
            fail(Exit.CONFIG, f"{folder / APPROVERS} is missing: it names who may order an erasure")
        try:
            note = note_file.read_bytes()
        except OSError as error:
            fail(Exit.IO_ERROR, f"{note_file}: {error.strerror}")
        receipt = House.of(folder, engine, now).erasures(judge).carry_out(note)
        if out is not None:
            durable.write(out, receipt)
    if as_json:
        emit_json("central.erase/1", {"receipt": receipt.decode()})
    else:
        say(receipt.decode().rstrip("\n"))


def prune(folder: Dir, database: Database = None, as_json: Json = False) -> None:
    """Forget the keys whose time is over, as central.toml says. `gate central serve` does it every minute.

    Exit 75 while they are over by this machine's clock alone.
    """
    with explained(), opened(folder, database) as engine:
        from gate_central.server_context import House

        house = House.of(folder, engine, now)
        house.tell_settings()
        gone = house.retention.look()
        if not gone and house.retention.is_waiting():
            fail(
                Exit.TRY_LATER,
                "keys are over by this clock, which no gate bears out: none has an entry of today or yesterday here",
            )
    if as_json:
        emit_json("central.prune/1", {"keys": gone})
    else:
        say(f"{gone} keys were forgotten")


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
    with explained(), opened(folder, database) as engine:
        from gate_central import folder as folders
        from gate_central.archive import export
        from gate_central.server_context import House
        from gate_core.audit_format.errors import BadFormatError
        from gate_core.audit_format.unsealing import Unsealer

        house = House.of(folder, engine, now)
        vkey = house.acts.as_gate.log.vkey
        if out is not None:
            exported = export(house.ledger, house.acts.as_gate, out)
            if as_json:
                emit_json("central.acts/1", {"entries": exported.entries, "files": exported.files, "vkey": vkey})
            else:
                say(f"{exported.entries} entries in {exported.files} files in {out}; log key {vkey}")
            return
        try:
            shown = house.acts.newest(Unsealer.from_file(folder / folders.ACTS_IDENTITY), most)
        except BadFormatError as error:
            fail(Exit.BAD_DATA, str(error))
    if as_json:
        rows = [{"index": one.index, "time": one.time, "kind": one.kind, "fields": one.fields} for one in shown]
        emit_json("central.acts/1", {"vkey": vkey, "acts": rows})
        return
    for one in shown:
        say(f"{one.index:8} {one.time} {one.kind}")
        for name, value in one.fields.items():
            say(f"         {name}: {one_line(str(value))}")
