"""`gate central`: the central server: set up, serve, give out tokens, show the fleet, answer alarms, export a gate's log."""

from __future__ import annotations

import contextlib
import enum
import os
import sys
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, assert_never

import typer

from gate_central.commands import keys, people
from gate_central.commands.store import Database, Dir, explained, opened, served
from gate_core.command_line.input_files import bytes_of
from gate_core.command_line.options import Json
from gate_core.command_line.output import Exit, emit_json, fail, note, tell, write_new
from gate_core.programs.clock import now

if TYPE_CHECKING:
    from starlette.applications import Starlette


app = typer.Typer(no_args_is_help=True)
app.command("erase")(keys.erase)
app.command("prune")(keys.prune)
app.command("acts")(keys.acts)
app.command("retirement")(keys.retirement)
app.add_typer(people.sites, name="site")
app.add_typer(people.people, name="person")

GateId = Annotated[str, typer.Argument(help="The gate's id.")]


@app.command()
def init(
    folder: Dir,
    name: Annotated[str, typer.Option(help="The server's host name or IP address.")],
    crossings_kept_days: Annotated[
        int | None, typer.Option(min=1, max=36_500, help="For how many days keys to records of crossings are kept.")
    ] = None,
    others_kept_days: Annotated[
        int | None, typer.Option(min=183, max=36_500, help="For how many days keys to all other records are kept.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make the authority, the server's certificate and the mirror's key, and set how long keys are kept; on a terminal what is left out is asked for."""
    with explained():
        from gate_central import folder as folders
        from gate_central import settings

        kept = b""
        if not (folder / folders.AUTHORITY_KEY).exists():
            crossings, others = _days(crossings_kept_days, "crossings"), _days(others_kept_days, "others")
            kept = f"[kept]  # days\ncrossings_days = {crossings}\nothers_days = {others}\n".encode()
            settings.parse(kept, folder / settings.NAME)
        verifier = folders.init(folder, name, now(), kept)
    authority = folder / folders.AUTHORITY_CERTIFICATE
    people_read = f"mirror key, for gates and auditors: {verifier.vkey}", f"authority, for gates: {authority}"
    tell("central.init/1", {"mirror_vkey": verifier.vkey, "ca": str(authority)}, *people_read, as_json=as_json)


def _days(given: int | None, of: str) -> int:
    """Return the retention in days, asked for on a terminal. No default: it depends on the operator's law."""
    if given is None and sys.stdin.isatty() and sys.stderr.isatty():
        given = int(typer.prompt(f"For how many days are keys to records of {of} kept", type=int, err=True))
    return given or fail(
        Exit.USAGE, f"--{of}-kept-days is missing: the days that keys are kept, as the operator's law has it"
    )


@app.command()
def token(
    gate_id: GateId,
    folder: Dir,
    valid_hours: Annotated[float, typer.Option(min=0.01, max=24 * 30, help="How long it can be used.")] = 24,
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Make a one-time token with which one gate can enrol."""
    with served(folder, database) as server:
        from gate_central.authority import GATE_ID
        from gate_core.audit_format.record import time_text

        if GATE_ID.fullmatch(gate_id) is None:
            fail(Exit.USAGE, "a gate's id is small letters, digits and hyphens")
        expires = now() + timedelta(hours=valid_hours)
        made = server.roster.new_token(gate_id, int(expires.timestamp()))
    fields = {"gate": gate_id, "token": made, "expires": time_text(expires)}
    tell("central.token/1", fields, made, as_json=as_json)
    if not as_json:
        note(f"for {gate_id}, once, until {time_text(expires)}")


@app.command()
def revoke(gate_id: GateId, folder: Dir, database: Database = None, as_json: Json = False) -> None:
    """Refuse a gate from its next request on, until it enrols anew."""
    with served(folder, database) as server:
        server.roster.revoke(gate_id)
    tell("central.revoke/1", {"gate": gate_id, "revoked": True}, f"{gate_id} is revoked", as_json=as_json)


@app.command()
def retire(
    gate_id: GateId,
    folder: Dir,
    order: Annotated[Path | None, typer.Option(help="The order, with two approvers' signatures.")] = None,
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Refuse a gate from its next request on and for good: it was decommissioned, or is lost. Its log stays here. Two approvers order it."""
    with served(folder, database) as server:
        from gate_core.approval.errors import ApprovalError

        gate = server.roster.get(gate_id)
        if order is None:
            how = f"gate central retirement {gate.origin}, and --order NOTE; revoke refuses the gate until then"
            fail(Exit.USAGE, f"two approvers order it: {how}")
        try:
            server.retire(gate, bytes_of(order))
        except ApprovalError as error:
            fail(Exit.NOT_PERMITTED, f"{order} {error}")
    tell("central.retire/1", {"gate": gate_id, "retired": True}, f"{gate_id} is retired", as_json=as_json)


class Rotated(enum.StrEnum):
    """The keys that can be rotated."""

    SERVER = "server"
    AUTHORITY = "authority"
    MIRROR = "mirror"


@app.command()
def rotate(
    what: Annotated[Rotated, typer.Argument(help="Whose key is to be a new one.")],
    folder: Dir,
    retire: Annotated[
        bool, typer.Option("--retire", help="Of the authority: forget the old one, once nothing of it is in use.")
    ] = False,
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Make a new key, for which the one before vouches. Start the server anew afterwards. Exit 75 while a gate would lose by it."""
    if retire and what is not Rotated.AUTHORITY:
        fail(Exit.USAGE, "--retire is of the authority: the other keys go when they are replaced")
    with explained():
        from gate_central import folder as folders
        from gate_central import rotation

        match what:
            case Rotated.SERVER:
                loaded = folders.load(folder)
                with opened(folder, database) as engine:
                    lacking = rotation.gates_without(loaded, engine)
                made = f"a certificate until {rotation.rotate_server(loaded, now(), lacking):%Y-%m-%d}"
            case Rotated.AUTHORITY if retire:
                rotation.retire_authority(folder, now())
                made = "one authority alone again"
            case Rotated.AUTHORITY:
                made = f"an authority, SHA-256 {rotation.rotate_authority(folder, now())}"
            case Rotated.MIRROR:
                made = f"a mirror key, {rotation.rotate_mirror(folder, now()).vkey}"
            case _:
                assert_never(what)
    told = f"the {what.value} has {made}; start the server anew"
    tell("central.rotate/1", {"what": what.value, "made": made}, told, as_json=as_json)


@app.command()
def serve(
    folder: Dir,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 8443,
    database: Database = None,
    updates: Annotated[
        Path | None, typer.Option(help="The folder of a repository of updates that gates may fetch from.")
    ] = None,
) -> None:
    """Serve until SIGTERM. Prints one JSON line when it listens."""
    with served(folder, database) as server:
        from gate_central.app import app_of

        server.settings.require_kept(folder)
        _serve("central.serve/1", app_of(server, updates), folder, (host, port), server.kept_in_order())


@app.command()
def pages(
    folder: Dir,
    host: Annotated[str, typer.Option(help="The management address.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 8444,
    database: Database = None,
) -> None:
    """Serve the pages for people who may look (gate central person add), until SIGTERM. Prints one JSON line when it listens."""
    with served(folder, database) as server:
        from gate_central.people_pages import make_pages

        _serve("central.pages/1", make_pages(server), folder, (host, port), contextlib.nullcontext(), knows_all=True)


def _serve(
    schema: str,
    application: Starlette,
    folder: Path,
    address: tuple[str, int],
    meanwhile: contextlib.AbstractContextManager[None],
    *,
    knows_all: bool = False,
) -> None:
    from gate_central.https_listener import listen, serve
    from gate_core.programs.journal import log_as_json
    from gate_core.programs.process import end_with_supervisor

    end_with_supervisor()
    log_as_json("central")
    with listen(*address) as listener, meanwhile:
        emit_json(schema, {"host": address[0], "port": listener.getsockname()[1]})
        serve(application, folder, listener, knows_all=knows_all)


@app.command()
def fleet(
    folder: Dir,
    database: Database = None,
    quick: Annotated[bool, typer.Option("--quick", help="Do not read and verify the stored logs.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Read all of the logs, not only what came since.")] = False,
    as_json: Json = False,
) -> None:
    """Every gate, how much of its log is here, whether it is what was signed, and what alarms stand. Exit 1 if all is not well.

    Of a log that was verified before it reads what came since, and a thirtieth of what is older; --full reads all.
    """
    if quick and full:
        fail(Exit.USAGE, "--quick reads nothing and --full all; choose one")
    with explained(), opened(folder, database) as engine:
        from gate_central import settings
        from gate_central.admin_log import DEVICE
        from gate_central.evidence import Evidence
        from gate_central.fleet_report import FleetReport, own_alarm_lines

        found = settings.load(folder)
        report = FleetReport(engine, folder, found, now(), quick=quick, full=full)
        gates = list(report.gates())
        own = [one for one in Evidence(engine).alarms(DEVICE) if one.answer is None]
    for line in report.notes:
        note(line)
    lines = [line for one in own for line in own_alarm_lines(one)]
    lines += [line for row in gates for line in row.lines(found)]
    fields = {"gates": [asdict(row) for row in gates], "alarms": [one.fields() for one in own]}
    tell("central.fleet/1", fields, *lines, as_json=as_json)
    raise typer.Exit(int(Exit.OK if not own and all(one.is_ok for one in gates) else Exit.NO))


@app.command()
def alarms(gate_id: GateId, folder: Dir, database: Database = None, as_json: Json = False) -> None:
    """What contradicts a gate's log: each piece of evidence, and what was answered; and its silence. Exit 1 while one stands."""
    with explained(), opened(folder, database) as engine:
        from gate_central import settings
        from gate_central.fleet_report import alarm_report

        report = alarm_report(engine, settings.load(folder), gate_id, now())
    tell("central.alarms/1", report.fields(), *report.lines(), as_json=as_json)
    raise typer.Exit(int(Exit.NO if report.is_open else Exit.OK))


@app.command()
def answer(
    gate_id: GateId,
    alarm: Annotated[str, typer.Argument(help="The alarm's id, as gate central alarms shows it.")],
    folder: Dir,
    by: Annotated[str, typer.Option(help="Who answers.")],
    words: Annotated[str, typer.Option(help="What was found and done; it is kept.")],
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Answer an alarm, so that it stands no more. The evidence and the answer stay."""
    with served(folder, database) as server:
        from gate_central.evidence import BY_MAX, WORDS_MAX, Answer
        from gate_core.audit_format.record import time_text

        if not 0 < len(by.strip()) <= BY_MAX or not 0 < len(words.strip()) <= WORDS_MAX:
            fail(Exit.USAGE, f"--by is 1 to {BY_MAX} characters, --words 1 to {WORDS_MAX}")
        given = Answer(time_text(now()), by.strip(), words.strip())
        server.evidence.answer(gate_id, alarm, given)
    fields = {"gate": gate_id, "alarm": alarm, **asdict(given)}
    tell("central.answer/1", fields, f"{alarm} of {gate_id} is answered", as_json=as_json)


@app.command()
def export(
    gate_id: GateId,
    folder: Dir,
    out: Annotated[Path, typer.Option(help="An empty folder.")],
    purpose: Annotated[str, typer.Option(help="What for: it is kept in central's own log, with who did it.")] = "",
    case: Annotated[str, typer.Option(help="In which case.")] = "",
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Write one gate's log as a spool, for `gate audit verify` and auditors. Central's own log says so before."""
    with served(folder, database) as server:
        from gate_central.archive import export as write

        server.require_current()
        gate = server.roster.get(gate_id)
        who = f"user {os.getuid()} at a terminal"
        server.admin_log.record("export_made", {"by": who, "gate": gate_id, "purpose": purpose, "case": case})
        exported = write(server.ledger, gate, out, server.folder.mirror_handovers)
    keys.tell_export("central.export/1", exported, gate.log_newest.vkey, out, as_json=as_json)


@app.command("import")
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
    fields = {"gate": done.gate, "new": done.new, "entries": done.entries}
    lines = [f"{done.gate}: {done.new} new entries, {done.entries} are here and signed for"]
    if receipt is not None:
        lines.append(f"receipt for the gate, to be put there as INBOX/receipt-{done.entries}.note: {receipt}")
    where = None if receipt is None else str(receipt)
    tell("central.import/1", {**fields, "receipt": where}, *lines, as_json=as_json)
