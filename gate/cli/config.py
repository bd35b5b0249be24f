"""`gate config`: what is wrong with the configuration, what it says, and what differs in what decisions rest on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gate.cli.output import Exit, emit_json, fail, note, refuse_configuration, say

app = typer.Typer(no_args_is_help=True)

ConfigFile = Annotated[Path | None, typer.Option("--config", help="The configuration file.")]
Json = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]


@app.callback()
def _noun() -> None:
    """The configuration, and who stands behind it."""


@app.command()
def check(config: ConfigFile = None, as_json: Json = False) -> None:
    """Say everything that is wrong with it and with the files that it names, each with file, key and line. Nothing is changed."""
    from gate.programs.checking import check as look
    from gate.programs.shared.config import path_from_environment

    found = look(config or path_from_environment())
    if as_json:
        rows = [
            {"file": each.file, "key": each.key, "line": each.line, "problem": each.problem} for each in found.problems
        ]
        emit_json("config.check/1", {"ok": not rows, "problems": rows, "digest": found.digest})
    else:
        for each in found.problems:
            say(str(each))
        if not found.problems:
            say(f"well; digest {found.digest}")
    code = Exit.OK if not found.problems else Exit.IO_ERROR if found.is_unreadable else Exit.CONFIG
    raise typer.Exit(int(code))


@app.command()
def show(
    config: ConfigFile = None,
    canonical: Annotated[
        bool, typer.Option("--canonical", help="The exact text that approvers sign the digest of.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print every setting with the defaults filled in; passwords never."""
    import tomli_w

    from gate.approval.canonical import digest
    from gate.programs.shared.basis import basis_of, settings_of
    from gate.programs.shared.config import ConfigError
    from gate.programs.shared.runner import load_config

    try:
        settings = load_config(config)
        text = basis_of(settings)
    except ConfigError as error:
        refuse_configuration(error, config)
    if as_json:
        said = {"canonical": text} if canonical else {"settings": settings_of(settings)}
        emit_json("config.show/1", {**said, "origin": settings.origin, "digest": digest(text)})
    elif canonical:
        say(text.removesuffix("\n"))
        note(f"gate {settings.origin}, digest {digest(text)}")
    else:
        say(tomli_w.dumps(_without_none(settings_of(settings))).removesuffix("\n"))


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="A configuration, or a canonical text that was kept.")],
    new: Annotated[Path | None, typer.Argument(help="Another one; left out: the configuration that applies.")] = None,
    as_json: Json = False,
) -> None:
    """Say what differs in what decisions rest on, key by key, old and new. Exit 1 when anything does."""
    from gate.approval.canonical import differences
    from gate.programs.shared.config import path_from_environment

    before, after = _values(old), _values(new or path_from_environment())
    found = differences(before, after)
    needs_approval = bool(found) and after.get("purpose") != '"demo"'
    if as_json:
        rows = [{"key": each.key, "old": each.old, "new": each.new} for each in found]
        emit_json("config.diff/1", {"same": not rows, "differences": rows, "needs_approval": needs_approval})
    else:
        for each in found:
            say(str(each))
        say("it needs a new approval" if needs_approval else "it needs no new approval")
    raise typer.Exit(int(Exit.NO if found else Exit.OK))


def _values(path: Path) -> dict[str, str]:
    """What decisions rest on: of a canonical text as it stands there, of a configuration with this machine's files."""
    from gate.approval.canonical import FIRST_LINE, TEXT_BYTES_MAX, read
    from gate.approval.errors import ApprovalError
    from gate.programs.shared.basis import basis_of
    from gate.programs.shared.config import ConfigError, load

    try:
        with path.open("rb") as file:
            raw = file.read(TEXT_BYTES_MAX + 1)
        return read(raw if raw.startswith(FIRST_LINE.encode()) else basis_of(load(path)).encode())
    except OSError as error:
        fail(Exit.IO_ERROR, f"{path}: cannot be read: {error.strerror}")
    except ApprovalError as error:
        fail(Exit.BAD_DATA, f"{path}: {error}")
    except ConfigError as error:
        refuse_configuration(error, path)


def _without_none(value: dict[str, object]) -> dict[str, object]:
    """What TOML can say: a table that is not there is left out."""
    return {
        name: _without_none(one) if isinstance(one, dict) else one for name, one in value.items() if one is not None
    }
