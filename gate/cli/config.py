"""`gate config` on a gate: checks the configuration, prints it, compares what decisions rest on, and installs its approval."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gate.cli.configuration import configuration_errors, configured, endings, file_errors
from gate_core.command_line.approver_keys import show_approval
from gate_core.command_line.options import ConfigFile, Json
from gate_core.command_line.output import Exit, emit_json, note, say, tell, with_next_step

app = typer.Typer(no_args_is_help=True)

NewApprovers = Annotated[
    Path | None, typer.Option(help="Another approvers.toml than the one in force, which it will replace.")
]


@app.command()
def check(config: ConfigFile = None, as_json: Json = False) -> None:
    """Say everything that is wrong with it and with the files that it names, each with file, key and line. Nothing is changed."""
    from gate.programs.config_check import check as look
    from gate_core.settings.environment import path_from_environment

    found = look(config or path_from_environment())
    rows = [{"file": each.file, "key": each.key, "line": each.line, "problem": each.problem} for each in found.problems]
    said = [with_next_step(str(each)) for each in found.problems] or [f"well; digest {found.digest}"]
    tell("config.check/1", {"ok": not rows, "problems": rows, "digest": found.digest}, *said, as_json=as_json)
    code = Exit.OK if not found.problems else Exit.IO_ERROR if found.is_unreadable else Exit.CONFIG
    raise typer.Exit(int(code))


@app.command()
def show(
    config: ConfigFile = None,
    canonical: Annotated[
        bool, typer.Option("--canonical", help="The exact text that approvers sign the digest of.")
    ] = False,
    approvers: NewApprovers = None,
    as_json: Json = False,
) -> None:
    """Print every setting with the defaults filled in. A configuration holds no password."""
    import tomli_w
    from msgspec import to_builtins

    from gate.programs.shared.basis import basis_of
    from gate.programs.shared.consoles import known_fingerprint
    from gate_core.approval.canonical import digest

    settings = configured(config)
    with configuration_errors(config):
        text = basis_of(settings, approvers)
    console_key = None if settings.console is None else known_fingerprint(settings) or None
    if as_json:
        said = {"canonical": text} if canonical else {"settings": to_builtins(settings), "console_key": console_key}
        emit_json("config.show/1", {**said, "origin": settings.origin, "digest": digest(text)})
    elif canonical:
        say(text.removesuffix("\n"))
        note(f"gate {settings.origin}, digest {digest(text)}")
    else:
        say(tomli_w.dumps(_without_none(to_builtins(settings))).removesuffix("\n"))
        if console_key is not None:
            note(f"consoles know this gate by the key {console_key}")


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="A configuration, or a canonical text that was kept.")],
    new: Annotated[Path | None, typer.Argument(help="Another one; left out: the configuration that applies.")] = None,
    as_json: Json = False,
) -> None:
    """Say what differs in what decisions rest on, key by key, old and new. Exit 1 when anything does."""
    from gate_core.approval.canonical import differences
    from gate_core.settings.environment import path_from_environment

    before, after = _values(old), _values(new or path_from_environment())
    found = differences(before, after)
    needs_approval = bool(found) and after.get("purpose") != '"demo"'
    rows = [{"key": each.key, "old": each.old, "new": each.new} for each in found]
    fields = {"same": not rows, "differences": rows, "needs_approval": needs_approval}
    last = "it needs a new approval" if needs_approval else "it needs no new approval"
    tell("config.diff/1", fields, *map(str, found), last, as_json=as_json)
    raise typer.Exit(int(Exit.NO if found else Exit.OK))


@app.command()
def install(
    note_file: Annotated[Path, typer.Argument(metavar="NOTE", help="The approval with two signatures at least.")],
    approvers: NewApprovers = None,
    staged: Annotated[
        Path | None,
        typer.Option(help="The configuration that was approved, to be put into the place of the one in force."),
    ] = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Put an approval into its place, with what it approves. Nothing is changed unless the lane would begin with it; then start the lane anew."""
    from gate.programs.shared.approval import install as put
    from gate.programs.shared.config import load
    from gate_core.programs.clock import now
    from gate_core.settings.environment import path_from_environment

    path = config or path_from_environment()
    with file_errors(), configuration_errors(staged or path):
        done = put(load(staged or path), note_file, approvers=approvers, staged=staged, path=path, today=now().date())
    show_approval("config.install/1", done.approval, list(done.signers), as_json=as_json)


def _values(path: Path) -> dict[str, str]:
    """Return what decisions rest on: from a canonical text, or from a configuration with this machine's files."""
    from gate.programs.shared.basis import basis_of
    from gate.programs.shared.config import load
    from gate_core.approval.canonical import FIRST_LINE, TEXT_BYTES_MAX, read
    from gate_core.approval.errors import ApprovalError

    with file_errors(doing=f"{path}: cannot be read"), path.open("rb") as file:
        raw = file.read(TEXT_BYTES_MAX + 1)  # so much of it that it is too large for a canonical text
    with endings({ApprovalError: Exit.BAD_DATA}, f"{path}: "), configuration_errors(path):
        return read(raw if raw.startswith(FIRST_LINE.encode()) else basis_of(load(path)).encode())


def _without_none(value: dict[str, object]) -> dict[str, object]:
    """Return the table without None values, which TOML does not have."""
    return {
        name: _without_none(one) if isinstance(one, dict) else one for name, one in value.items() if one is not None
    }
