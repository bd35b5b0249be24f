"""`gate officer authority`: makes an authority's key, and certifies shift keys from files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gate_core.command_line.options import Json
from gate_core.command_line.output import Exit, fail, note, tell
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
    tell("officer.authority-init/1", {"key": str(out), "authority": public}, public, as_json=as_json)
    if not as_json:
        note(f'for each gate: [officers] authority = "{public}"; keep {out} off the gates')


@app.command()
def certify(
    authority: Annotated[Path, typer.Option(help="The authority's key.")],
    officer: Annotated[str, typer.Option(help="Who works the shift: small letters, digits, dot, hyphen, underscore.")],
    out: Annotated[Path, typer.Option(help="Where the shift key goes with its certificate, mode 0600.")],
    role: people.RoleOption = Role.OFFICER,
    party: people.PartyOption = Party.POLICE,
    trained: people.Trained = False,
    gate: people.Gates = None,
    every_gate: people.EveryGate = False,
    hours: Annotated[float, typer.Option(min=0.05, max=23.0, help="How long the shift lasts from now on.")] = 8.0,
    as_json: Json = False,
) -> None:
    """Make a shift key and certify it. Nothing is revoked: a shift key ends by itself, so keep shifts short."""
    from gate_core.command_line import key_files as files
    from gate_core.orders import keys
    from gate_core.orders.errors import OrderError
    from gate_core.orders.verbs import ROLES
    from gate_officers.authority.certificate_issuer import certificate_for
    from gate_officers.authority.enrolment_history import Standing, moment_text

    if role not in ROLES[party]:
        fail(Exit.USAGE, f"people of the {party.value} are {', '.join(sorted(one.value for one in ROLES[party]))}")
    gates = people.gates_of(officer, gate, every_gate=every_gate)
    key = keys.new_key()
    standing = Standing(gates=gates, party=party, role=role, trained=trained)
    # Without a sealing key: a terminal shows no pictures.
    wanted = certificate_for(officer, standing, keys.public_text(key), None, people.now_s(), shift_s=int(hours * 3600))
    try:
        files.write(out, keys.shift_text(key, wanted, files.read_authority(authority)))
    except files.KeyFileError as error:
        fail(error.code, str(error))
    except OrderError as error:
        fail(Exit.USAGE, str(error))
    until = moment_text(wanted.until)
    about = {"key": str(out), "officer": officer, "role": role.value, "party": party.value, "trained": trained}
    told = f"{out}: {officer}, {role.value}, {party.value}, until {until}"
    tell("officer.authority-certify/1", {**about, "gates": gates, "until": until}, told, as_json=as_json)
