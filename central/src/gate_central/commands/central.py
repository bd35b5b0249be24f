"""`gate central`: the central server: set up, serve, give out tokens, show the fleet, answer alarms, export a gate's log."""

from __future__ import annotations

import dataclasses
import enum
import os
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict, assert_never

import typer

from gate_central.commands import keys, people, stick
from gate_central.commands.store import Database, Dir, explained, opened
from gate_core.command_line.options import Json
from gate_core.command_line.output import Exit, emit_json, fail, note, one_line, say
from gate_core.programs.clock import now

if TYPE_CHECKING:
    import sqlalchemy

    from gate_central.evidence import Alarm
    from gate_central.settings import Settings
    from gate_central.verified import Verified
    from gate_core.audit_format.note import Verifier

app = typer.Typer(no_args_is_help=True)
app.command("erase")(keys.erase)
app.command("prune")(keys.prune)
app.command("acts")(keys.acts)
app.command("retirement")(keys.retirement)
app.command("import")(stick.carry_in)
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
    if as_json:
        emit_json("central.init/1", {"mirror_vkey": verifier.vkey, "ca": str(folder / folders.AUTHORITY_CERTIFICATE)})
    else:
        say(f"mirror key, for gates and auditors: {verifier.vkey}")
        say(f"authority, for gates: {folder / folders.AUTHORITY_CERTIFICATE}")


def _days(given: int | None, of: str) -> int:
    """For how many days keys are kept; the law that says so is the operator's, so there is no default."""
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
    with explained(), opened(folder, database) as engine:
        from gate_central.authority import GATE_ID
        from gate_central.server_context import House
        from gate_core.audit_format.record import time_text

        if GATE_ID.fullmatch(gate_id) is None:
            fail(Exit.USAGE, "a gate's id is small letters, digits and hyphens")
        expires = now() + timedelta(hours=valid_hours)
        made = House.of(folder, engine, now).roster.new_token(gate_id, int(expires.timestamp()))
    if as_json:
        emit_json("central.token/1", {"gate": gate_id, "token": made, "expires": time_text(expires)})
    else:
        say(made)
        note(f"for {gate_id}, once, until {time_text(expires)}")


@app.command()
def revoke(gate_id: GateId, folder: Dir, database: Database = None, as_json: Json = False) -> None:
    """Refuse a gate from its next request on, until it enrols anew."""
    with explained(), opened(folder, database) as engine:
        from gate_central.server_context import House

        House.of(folder, engine, now).roster.revoke(gate_id)
    if as_json:
        emit_json("central.revoke/1", {"gate": gate_id, "revoked": True})
    else:
        say(f"{gate_id} is revoked")


@app.command()
def retire(
    gate_id: GateId,
    folder: Dir,
    order: Annotated[Path | None, typer.Option(help="The order, with two approvers' signatures.")] = None,
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Refuse a gate from its next request on and for good: it was decommissioned, or is lost. Its log stays here. Two approvers order it."""
    with explained(), opened(folder, database) as engine:
        from gate_central.evidence import BY_MAX, Answer, Kind
        from gate_central.server_context import House
        from gate_core.audit_format.record import time_text

        house, at = House.of(folder, engine, now), time_text(now())
        by = keys.ordered_retirement(folder, house.roster.find(gate_id), order)
        house.roster.retire(gate_id, at, by)
        for one in house.evidence.alarms(gate_id):
            if one.kind == Kind.LEFT.value and one.answer is None:
                house.evidence.answer(gate_id, one.id, Answer(at, ", ".join(by)[:BY_MAX], "retired by order"))
    if as_json:
        emit_json("central.retire/1", {"gate": gate_id, "retired": True})
    else:
        say(f"{gate_id} is retired")


class Rotated(enum.StrEnum):
    """What can have a new key."""

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
        from gate_central.authority import fingerprint
        from gate_central.roster import Roster

        match what:
            case Rotated.SERVER:
                loaded = folders.load(folder)
                issuing = fingerprint(loaded.authority.certificate)
                with opened(folder, database) as engine:
                    lacking = Roster(engine).who_lacks(issuing) if len(loaded.roots) > 1 else []
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
    if as_json:
        emit_json("central.rotate/1", {"what": what.value, "made": made})
    else:
        say(f"the {what.value} has {made}; start the server anew")


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
    with explained(), opened(folder, database) as engine:
        from gate_central.app import make_app
        from gate_central.approvals import Approvals
        from gate_central.enrolment import Enrolment
        from gate_central.https_listener import listen
        from gate_central.https_listener import serve as serve_app
        from gate_central.mirror import Mirror
        from gate_central.server_context import House
        from gate_core.programs.journal import log_as_json
        from gate_core.programs.parent_death import end_with_supervisor

        end_with_supervisor()
        house = House.of(folder, engine, now)
        house.settings.require_kept(folder)
        log_as_json("central")
        loaded, roster, judge = house.folder, house.roster, keys.judge_in(folder)
        erasures = None if judge is None else house.erasures(judge)
        application = make_app(
            roster=roster,
            mirror=Mirror(
                house.ledger,
                house.evidence,
                loaded.mirror,
                now,
                before=loaded.mirrors[1:],
                approved=house.settings.approved_for,
                volume=house.settings.volume_of,
            ),
            approvals=Approvals(engine),
            enrolment=Enrolment(
                roster=roster,
                authority=loaded.authority,
                shown=loaded.shown,
                mirror=loaded.mirror.verifier,
                mirror_handovers=loaded.mirror_handovers,
                now=now,
            ),
            now=now,
            updates=updates,
            erasures=erasures,
            heed=house.retention.heed,
            canary=house.places.canary,
        )
        with listen(host, port) as listener, house.kept_in_order():
            emit_json("central.serve/1", {"host": host, "port": listener.getsockname()[1]})
            sys.stdout.flush()
            serve_app(application, folder, listener)


@app.command()
def pages(
    folder: Dir,
    host: Annotated[str, typer.Option(help="The management address.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 8444,
    database: Database = None,
) -> None:
    """Serve the pages for people who may look (gate central person add), until SIGTERM. Prints one JSON line when it listens."""
    with explained(), opened(folder, database) as engine:
        from gate_central.https_listener import listen
        from gate_central.https_listener import serve as serve_app
        from gate_central.people_pages import make_desk
        from gate_central.server_context import House
        from gate_core.programs.journal import log_as_json
        from gate_core.programs.parent_death import end_with_supervisor

        end_with_supervisor()
        log_as_json("central")
        application = make_desk(House.of(folder, engine, now))
        with listen(host, port) as listener:
            emit_json("central.pages/1", {"host": host, "port": listener.getsockname()[1]})
            sys.stdout.flush()
            serve_app(application, folder, listener, knows_all=True)


class _Gate(TypedDict):
    """A row of the fleet's list."""

    id: str
    origin: str
    state: str
    entries: int
    root: str
    bodies: int
    today_bytes: int
    quota_bytes: int
    keys_missing: int
    verified: bool | None
    evidence: int
    alarms: list[dict[str, str]]
    last_seen: str | None
    software: str | None
    problem: str | None


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
        from gate_central import folder as folders
        from gate_central import settings, verified
        from gate_central.admin_log import DEVICE
        from gate_central.evidence import Evidence

        memory = None if quick else verified.Verified(folder / verified.NAME, reads_all=full)
        found = settings.load(folder)
        gates = _fleet(engine, found, None if quick else folders.load(folder).mirrors, memory)
        own = [one for one in Evidence(engine).alarms(DEVICE) if one.answer is None]
    if as_json:
        emit_json("central.fleet/1", {"gates": gates, "alarms": [_alarm(one) for one in own]})
    else:
        for one in own:
            say(
                f"ALARM {one.id} of this server itself: its database was put back, {one.at}; see gate central alarms {DEVICE}"
            )
        for row in gates:
            verdict = {True: "verified", False: "DAMAGED", None: "not looked at"}[row["verified"]]
            say(f"{row['id']:24} {row['state']:8} {row['entries']:10} {verdict:14} {row['last_seen'] or 'never'}")
            if row["problem"]:
                say(f"    {row['problem']}")
            if row["keys_missing"]:
                say(f"    {row['keys_missing']} age files that its entries name did not come")
            if row["today_bytes"] > found.volume_of(row["id"]).alarm_mb_a_day * settings.MB:
                say(f"    {row['today_bytes'] / 1e6:.0f} MB today; beyond {row['quota_bytes'] / 1e6:.0f} MB refused")
            for alarm in row["alarms"]:
                say(f"    ALARM {alarm['id']} {alarm['kind']} since {alarm['at']}; see gate central alarms {row['id']}")
    is_well = not own and all(one["verified"] is not False and not one["alarms"] for one in gates)
    raise typer.Exit(int(Exit.OK if is_well else Exit.NO))


def _fleet(
    engine: sqlalchemy.Engine, settings: Settings, mirrors: Sequence[Verifier] | None, memory: Verified | None
) -> list[_Gate]:
    from gate_central.roster import Roster

    gone, names = Roster(engine).gone(), Roster(engine).names()
    lost = [] if memory is None else sorted(set(memory.seen) - set(names))
    if memory is not None and not memory.seen and names:
        note("no earlier look is known (verified.json): what was replaced before this one does not show")
    rows = [_row(engine, settings, one, mirrors, memory, is_retired=one in gone) for one in (*names, *lost)]
    try:
        if memory is not None:
            memory.save()
    except OSError as error:
        note(f"this look is not kept (verified.json: {error.strerror or error}): the next one reads its logs again")
    return rows


def _row(
    engine: sqlalchemy.Engine,
    settings: Settings,
    device: str,
    mirrors: Sequence[Verifier] | None,
    memory: Verified | None,
    *,
    is_retired: bool,
) -> _Gate:
    """What there is to say of a gate; of one whose rows are damaged as much as can be read, and that."""
    from sqlalchemy.exc import OperationalError, SQLAlchemyError

    from gate_central.archive import is_intact
    from gate_central.database import first_line
    from gate_central.errors import CentralError, DamagedError
    from gate_central.evidence import Evidence
    from gate_central.fleet import SILENT
    from gate_central.ledger import Ledger
    from gate_central.roster import Roster
    from gate_central.settings import MB

    row: _Gate = {
        "id": device,
        "origin": "",
        "state": "damaged",
        "entries": 0,
        "root": "",
        "bodies": 0,
        "today_bytes": 0,
        "quota_bytes": settings.volume_of(device).quota_mb_a_day * MB,
        "keys_missing": 0,
        "verified": False,
        "evidence": 0,
        "alarms": [],
        "last_seen": None,
        "software": None,
        "problem": None,
    }
    ledger = Ledger(engine)
    try:
        gate = Roster(engine).find(device)
        if gate is None:
            raise DamagedError("its log was verified before, and is gone from the database: no gate is ever deleted")
        row["origin"], row["last_seen"] = gate.origin, gate.last_seen
        row["state"] = "retired" if is_retired else "revoked" if gate.revoked else "enrolled"
        alarms = Evidence(engine).alarms(device)
        row["evidence"] = len(alarms)
        row["alarms"] = [{"id": one.id, "kind": one.kind, "at": one.at} for one in alarms if one.answer is None]
        speaks = not (is_retired or gate.revoked)
        since = settings.silent_since(gate.last_seen or gate.enrolled_at, now()) if speaks else None
        if since is not None:
            row["alarms"].append({"id": SILENT, "kind": SILENT, "at": since})
        row["software"] = gate.software
        head = ledger.head(device)
        row["entries"], row["root"], row["bodies"] = head.size, head.root.hex(), head.bodies
        row["today_bytes"] = head.came_bytes if head.came_on == now().date().isoformat() else 0
        row["keys_missing"] = ledger.missing_keys(device)
        row["verified"] = None if mirrors is None else is_intact(ledger, gate, mirrors, memory)
    except OperationalError:
        raise  # the database is away: no gate's fault
    except (CentralError, SQLAlchemyError) as error:
        row["problem"] = first_line(error)
    return row


@app.command()
def alarms(gate_id: GateId, folder: Dir, database: Database = None, as_json: Json = False) -> None:
    """What contradicts a gate's log: each piece of evidence, and what was answered; and its silence. Exit 1 while one stands."""
    with explained(), opened(folder, database) as engine:
        from gate_central import settings
        from gate_central.admin_log import DEVICE
        from gate_central.errors import UnknownError
        from gate_central.evidence import Evidence
        from gate_central.fleet import SILENT
        from gate_central.roster import Roster

        gate, silent_since = Roster(engine).find(gate_id), None
        if gate is None and gate_id != DEVICE:
            raise UnknownError(f"no gate {gate_id}")
        if gate is not None and not gate.revoked and gate_id not in Roster(engine).gone():
            silent_since = settings.load(folder).silent_since(gate.last_seen or gate.enrolled_at, now())
        found, repeats = Evidence(engine).alarms(gate_id), Evidence(engine).repeats(gate_id)
    if as_json:
        fields = [_alarm(one) for one in found]
        counted = [{"kind": one.kind, "count": one.count, "last_at": one.last_at} for one in repeats]
        told = {"gate": gate_id, "alarms": fields, "repeats": counted, "silent_since": silent_since}
        emit_json("central.alarms/1", told)
    else:
        if silent_since is not None:
            say(f"{SILENT:16} {SILENT:14} {silent_since} STANDS: nothing was heard of it since")
        for alarm in found:
            answer = alarm.answer
            say(f"{alarm.id} {alarm.kind:14} {alarm.at} {'STANDS' if answer is None else 'answered'}")
            if answer is not None:
                say(f"    {answer.at} {one_line(answer.by)}: {one_line(answer.words)}")
        for again in repeats:
            say(f"{again.kind}: {again.count} more that were counted only, the last {again.last_at}")
    stands = silent_since is not None or any(one.answer is None for one in found)
    raise typer.Exit(int(Exit.NO if stands else Exit.OK))


def _alarm(alarm: Alarm) -> dict[str, object]:
    return {
        "id": alarm.id,
        "kind": alarm.kind,
        "at": alarm.at,
        "shown": alarm.shown.decode(errors="replace"),
        "against": alarm.against.decode(errors="replace"),
        "answer": None if alarm.answer is None else dataclasses.asdict(alarm.answer),
    }


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
    with explained(), opened(folder, database) as engine:
        from gate_central.evidence import BY_MAX, WORDS_MAX, Answer
        from gate_central.server_context import House
        from gate_core.audit_format.record import time_text

        if not 0 < len(by.strip()) <= BY_MAX or not 0 < len(words.strip()) <= WORDS_MAX:
            fail(Exit.USAGE, f"--by is 1 to {BY_MAX} characters, --words 1 to {WORDS_MAX}")
        given = Answer(time_text(now()), by.strip(), words.strip())
        House.of(folder, engine, now).evidence.answer(gate_id, alarm, given)
    if as_json:
        emit_json("central.answer/1", {"gate": gate_id, "alarm": alarm, **dataclasses.asdict(given)})
    else:
        say(f"{alarm} of {gate_id} is answered")


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
    with explained(), opened(folder, database) as engine:
        from gate_central.archive import export as write
        from gate_central.errors import UnknownError
        from gate_central.server_context import House

        house = House.of(folder, engine, now)
        house.require_current()
        gate = house.roster.find(gate_id)
        if gate is None:
            raise UnknownError(f"no gate {gate_id}")
        who = f"user {os.getuid()} at a terminal"
        house.acts.record("export_made", {"by": who, "gate": gate_id, "purpose": purpose, "case": case})
        exported = write(house.ledger, gate, out, house.folder.mirror_handovers)
    if as_json:
        emit_json(
            "central.export/1", {"entries": exported.entries, "files": exported.files, "vkey": gate.log_newest.vkey}
        )
    else:
        say(f"{exported.entries} entries in {exported.files} files in {out}; log key {gate.log_newest.vkey}")
