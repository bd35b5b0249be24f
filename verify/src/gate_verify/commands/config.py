"""`gate config key, vkey, approve`: an approver's commands, on the approver's own machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gate_core.command_line.approver_keys import KeyFile, Name, show_approval, sign, signer, signer_in
from gate_core.command_line.options import Json
from gate_core.command_line.output import Exit, fail, tell

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _noun() -> None:
    """The configuration, and who stands behind it."""


@app.command()
def key(
    name: Name,
    out: Annotated[Path, typer.Option(help="Where the key goes, mode 0600; it never comes to a gate.")],
    as_json: Json = False,
) -> None:
    """Make an approver's key, on their own machine. Prints the line for approvers.toml."""
    from gate_core.command_line import key_files as files
    from gate_core.orders import keys

    made = keys.new_key()
    vkey = signer(name, made.private_bytes_raw()).verifier.vkey
    try:
        files.write(out, keys.key_text(made))
    except files.KeyFileError as error:
        fail(error.code, str(error))
    tell("config.vkey/1", {"vkey": vkey}, vkey, as_json=as_json)


@app.command()
def vkey(name: Name, key: KeyFile, as_json: Json = False) -> None:
    """Print the line for approvers.toml of a key that there is, such as one made by openssl."""
    found = signer_in(key, name).verifier.vkey
    tell("config.vkey/1", {"vkey": found}, found, as_json=as_json)


@app.command()
def approve(
    text: Annotated[Path, typer.Argument(help="The canonical text, carried here from gate config show --canonical.")],
    key: KeyFile,
    name: Name,
    serial: Annotated[
        int, typer.Option(min=1, help="One more than the newest that this gate has; see gate config check.")
    ],
    note_file: Annotated[
        Path, typer.Option("--note", help="Where the approval goes; one that is there is signed as well.")
    ],
    as_json: Json = False,
) -> None:
    """Sign what a gate's decisions rest on, on the approver's own machine. Read the text first, or what differs: gate config diff OLD NEW."""
    import json

    from gate_core.approval.canonical import TEXT_BYTES_MAX, digest, read
    from gate_core.approval.errors import ApprovalError
    from gate_core.approval.note import Approval, SignedApproval

    try:
        with text.open("rb") as file:
            raw = file.read(TEXT_BYTES_MAX + 1)
        origin = str(json.loads(read(raw).get("origin", "null")))
        wanted = Approval(origin, serial, digest(raw.decode("ascii")))
    except OSError as error:
        fail(Exit.IO_ERROR, f"{text}: cannot be read: {error.strerror}")
    except ApprovalError as error:
        fail(Exit.BAD_DATA, f"{text}: {error}")
    signed = sign(
        lambda: SignedApproval.new(wanted),
        note_file,
        signer_in(key, name),
        lambda it: (
            f"approves another thing: gate {it.approval.origin}, serial {it.approval.serial}, digest {it.approval.sha256}"
        ),
    )
    show_approval("config.approve/1", wanted, [one.name for one in signed.note.signatures], as_json=as_json)
