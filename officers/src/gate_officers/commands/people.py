"""`gate officer authority serve, enrol, list, remove`: the service, and the supervisor's commands on its machine."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate_core.command_line.options import Json
from gate_core.command_line.output import Exit, code_of, emit_json, fail, note, refuse_configuration, tell
from gate_core.evidence.names import Role
from gate_core.orders.verbs import Party
from gate_officers.authority.config import DEFAULT

if TYPE_CHECKING:
    from gate_officers.authority.act_log import ActLog
    from gate_officers.authority.config import AuthorityConfig

ConfigFile = Annotated[Path, typer.Option("--config", help="The authority's file.")]
RoleOption = Annotated[Role, typer.Option(help="What they are.")]
PartyOption = Annotated[Party, typer.Option(help="For whom they work.")]
Trained = Annotated[bool, typer.Option("--trained", help="In safeguarding: flags are shown to them.")]
Gates = Annotated[list[str] | None, typer.Option(help="A gate's id, as often as needed.")]
EveryGate = Annotated[bool, typer.Option("--every-gate", help="Every gate that trusts this authority.")]
Officer = Annotated[
    str, typer.Argument(help="Their name at the gates: small letters, digits, dot, hyphen, underscore.")
]


def serve(config: ConfigFile = Path(DEFAULT)) -> None:
    """Answer the consoles until SIGTERM. Prints one JSON line when it listens."""
    from gate_core.command_line import key_files as files
    from gate_core.programs.journal import log_as_json
    from gate_core.programs.process import end_with_supervisor, told_to_stop

    settings = _load(config)
    from gate_core.console_certificates import ConsolesError
    from gate_officers.authority.program import ServiceError, run

    try:
        key = files.read_authority(Path(settings.key))
    except files.KeyFileError as error:
        fail(error.code, str(error))
    end_with_supervisor()
    log_as_json("authority")

    def on_listening(fingerprint: str) -> None:
        place = {"address": settings.address, "key": fingerprint} if settings.address else {"socket": settings.socket}
        emit_json("officer.authority-serve/1", place)

    async def until_told() -> None:
        await run(settings, key, stop=told_to_stop(), on_listening=on_listening)

    with _explained():
        try:
            asyncio.run(until_told())
        except (ServiceError, ConsolesError) as error:
            fail(code_of(error), str(error))


def enrol(
    officer: Officer,
    role: RoleOption = Role.OFFICER,
    party: PartyOption = Party.POLICE,
    trained: Trained = False,
    gate: Gates = None,
    every_gate: EveryGate = False,
    synced: Annotated[
        bool, typer.Option("--synced", help="Also a passkey that can be copied to other devices, as a phone's is.")
    ] = False,
    config: ConfigFile = Path(DEFAULT),
    as_json: Json = False,
) -> None:
    """Let somebody in: prints a one-time code, with which they enrol their passkey at a console within a day."""
    from gate_officers.authority.enrolment_history import GATES_MAX, Standing, moment_text
    from gate_officers.authority.errors import RefusedError
    from gate_officers.authority.invitations import invite

    gates = gates_of(officer, gate, every_gate=every_gate)
    if len(gates or ()) > GATES_MAX:
        fail(Exit.USAGE, f"a certificate names {GATES_MAX} gates at most; say --every-gate")
    try:
        standing = Standing(gates=gates, party=party, role=role, trained=trained)
    except ValueError as error:
        fail(Exit.USAGE, str(error))
    with _explained():
        try:
            act_log = _act_log(config)
            code, until = invite(act_log, officer, standing, now_s=now_s(), random=secrets.token_bytes, synced=synced)
        except RefusedError as error:
            fail(Exit.NO, str(error))
    fields = {"officer": officer, **_told(standing), "synced": synced, "code": code, "until": moment_text(until)}
    tell("officer.authority-enrol/1", fields, code, as_json=as_json)
    if not as_json:
        note(f"for {officer}, once, until {moment_text(until)}: at the console, Enrol your passkey")


def gates_of(officer: str, gate: list[str] | None, *, every_gate: bool) -> tuple[str, ...] | None:
    """Return the named gates, None for every gate. Ends the command if an argument is invalid in a certificate."""
    from gate_core.command_line.key_files import require

    if bool(gate) is every_gate:
        fail(Exit.USAGE, "name the gates with --gate, or say --every-gate")
    require("gate", *(gate or ()))
    require("officer", officer)
    return None if every_gate else tuple(gate or ())


def list_people(config: ConfigFile = Path(DEFAULT), as_json: Json = False) -> None:
    """Who is enrolled or invited, and when they were certified last."""
    with _explained():
        known = sorted(_act_log(config).people.known.items())
    today_s = now_s()
    people: dict[str, object] = {"people": [one.fields(officer, today_s) for officer, one in known]}
    lines = (one.line(officer, today_s) for officer, one in known)
    tell("officer.authority-list/1", people, *lines, as_json=as_json)


def remove(officer: Officer, config: ConfigFile = Path(DEFAULT), as_json: Json = False) -> None:
    """Certify them no more. A shift that has begun ends by itself: nothing is revoked."""
    from gate_officers.authority import invitations
    from gate_officers.authority.errors import RefusedError

    with _explained():
        try:
            invitations.remove(_act_log(config), officer, now_s=now_s())
        except RefusedError as error:
            fail(Exit.USAGE, str(error))
    fields = {"officer": officer, "removed": True}
    tell("officer.authority-remove/1", fields, f"{officer} is certified no more", as_json=as_json)


def _load(config: Path) -> AuthorityConfig:
    from gate_core.settings.config_file import ConfigError
    from gate_officers.authority.config import load

    try:
        return load(config)
    except ConfigError as error:
        refuse_configuration(error, config, "docs/guides/officer.md shows one, and --config names it")


def _act_log(config: Path) -> ActLog:
    from gate_core import durable
    from gate_officers.authority.act_log import ActLog
    from gate_officers.authority.config import ACT_LOG_FILE

    folder = Path(_load(config).folder)
    durable.make_folder(folder, mode=0o700)
    return ActLog(folder / ACT_LOG_FILE)


def _told(standing: object) -> dict[str, object]:
    import msgspec

    told: dict[str, object] = msgspec.to_builtins(standing)
    return told


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    from gate_officers.authority.errors import ActLogError

    try:
        yield
    except ActLogError as error:
        fail(code_of(error), str(error))
    except OSError as error:
        fail(Exit.IO_ERROR, f"{error.filename or 'the authority'}: {error.strerror}")


def now_s() -> int:
    """Return the machine's time in seconds since 1970."""
    from gate_core.programs.clock import now

    return int(now().timestamp())
