"""`gate officer authority`: the officers' authority, off the gate. It certifies a key for each shift."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gate_core.command_line.options import Json
from gate_core.command_line.output import Exit, emit_json, fail, note, say
from gate_core.evidence.names import Role
from gate_core.orders.verbs import Party
from gate_officers.commands import people

app = typer.Typer(no_args_is_help=True)
app.command()(people.serve)
app.command()(people.enrol)
app.command("list")(people.list_people)
app.command()(people.remove)


@app.callback()
def _noun() -> None:
    """The officers' authority; its key never comes to a gate."""


@app.command()
def init(out: Annotated[Path, typer.Option(help="Where its key goes, mode 0600.")], as_json: Json = False) -> None:
    """Make an authority. Prints the public key that gates are configured with."""
    from gate_core.command_line import key_files as files
    from gate_core.orders import keys

    key = keys.new_key()
    try:
        files.write(out, keys.key_text(key))
    except files.KeyFileError as error:
        fail(error.code, str(error))
    public = keys.public_text(key)
    if as_json:
        emit_json("officer.authority-init/1", {"key": str(out), "authority": public})
    else:
        say(public)
        note(f'for each gate: [officers] authority = "{public}"; keep {out} off the gates')


@app.command()
def certify(
    authority: Annotated[Path, typer.Option(help="The authority's key.")],
    officer: Annotated[str, typer.Option(help="Who works the shift: small letters, digits, dot, hyphen, underscore.")],
    out: Annotated[Path, typer.Option(help="Where the shift key goes with its certificate, mode 0600.")],
    role: Annotated[Role, typer.Option(help="What they are.")] = Role.OFFICER,
    party: Annotated[Party, typer.Option(help="For whom they work.")] = Party.POLICE,
    trained: Annotated[bool, typer.Option("--trained", help="In safeguarding: flags are shown to them.")] = False,
    gate: Annotated[list[str] | None, typer.Option(help="A gate's id, as often as needed.")] = None,
    every_gate: Annotated[bool, typer.Option("--every-gate", help="Every gate that trusts this authority.")] = False,
    hours: Annotated[float, typer.Option(min=0.05, max=23.0, help="How long the shift lasts from now on.")] = 8.0,
    as_json: Json = False,
) -> None:
    """Make a shift key and certify it. Nothing is revoked: a shift key ends by itself, so keep shifts short."""
    from datetime import UTC, datetime

    from gate_core.command_line import key_files as files
    from gate_core.command_line.order_words import require
    from gate_core.orders import certificate as certificates
    from gate_core.orders import keys
    from gate_core.orders.errors import OrderError
    from gate_core.orders.verbs import ROLES
    from gate_core.programs.clock import now

    if role not in ROLES[party]:
        fail(Exit.USAGE, f"people of the {party.value} are {', '.join(sorted(one.value for one in ROLES[party]))}")
    if bool(gate) is every_gate:
        fail(Exit.USAGE, "name the gates with --gate, or say --every-gate")
    require("gate", *(gate or ()))
    require("officer", officer)
    key, from_s = keys.new_key(), int(now().timestamp())
    wanted = certificates.Certificate(
        gates=None if every_gate else tuple(gate or ()),
        key=keys.public_text(key),
        not_before=from_s - certificates.CLOCKS_APART_S,
        officer=officer,
        party=party,
        role=role,
        sealing=None,  # a terminal shows no pictures
        trained=trained,
        until=from_s + int(hours * 3600),
    )
    try:
        files.write(out, keys.shift_text(key, wanted, files.read_authority(authority)))
    except files.KeyFileError as error:
        fail(error.code, str(error))
    except OrderError as error:
        fail(Exit.USAGE, str(error))
    until = datetime.fromtimestamp(wanted.until, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if as_json:
        emit_json(
            "officer.authority-certify/1",
            {
                "key": str(out),
                "officer": officer,
                "role": role.value,
                "party": party.value,
                "trained": trained,
                "gates": None if wanted.gates is None else list(wanted.gates),
                "until": until,
            },
        )
    else:
        say(f"{out}: {officer}, {role.value}, {party.value}, until {until}")
