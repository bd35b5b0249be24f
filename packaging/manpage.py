"""Write the manual page of `gate` from the command line itself: `python packaging/manpage.py gate >gate.1`, or `central`. One page, every command and its options."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

import typer

from gate.cli import NOUNS, application

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer._click import Command

NOUNS_OF = {
    "gate": [noun for noun in NOUNS if noun not in {"central", "demo", "simulate"}],  # these are a developer's
    "central": ["audit", "central"],
}
EXITS = (
    (0, "yes, or done"),
    (1, "the answer is no: a check failed, a chain is broken, something is unhealthy"),
    (2, "the command line is wrong"),
    (65, "the data are wrong"),
    (69, "a service or device cannot be reached"),
    (74, "reading or writing failed"),
    (75, "try later"),
    (77, "not permitted"),
    (78, "the configuration is wrong"),
)


def escaped(text: str) -> str:
    """Text as roff takes it."""
    plain = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join(f"\\&{line}" if line[:1] in {".", "'"} else line for line in plain.split("\n"))


def commands(command: Command, name: str) -> Iterator[tuple[str, Command]]:
    """Every command that does something, by its whole name."""
    below: dict[str, Command] | None = getattr(command, "commands", None)
    if below is None:
        yield name, command
        return
    for word, one in below.items():
        if not one.hidden:
            yield from commands(one, f"{name} {word}")


def page(package: str, made: datetime) -> str:
    """The page of a package, in roff."""
    root = typer.main.get_command(application(NOUNS_OF[package]))
    lines = [
        f'.TH GATE 1 "{made:%Y-%m-%d}" "Portcullis {version("portcullis")}" "User Commands"',
        ".SH NAME",
        "gate \\- a biometric border gate: its programs, documents, faces, audit log",
        ".SH SYNOPSIS",
        ".B gate",
        ".I NOUN",
        "[",
        ".I VERB",
        "] [",
        ".I OPTION",
        "]...",
        ".SH COMMANDS",
    ]
    for name, command in commands(root, "gate"):
        arguments = [(one.name or "").upper() for one in command.params if one.param_type_name == "argument"]
        lines += [".SS", escaped(" ".join((name, *arguments))), escaped((command.help or "").split("\n\n")[0])]
        for option in command.params:
            if option.param_type_name == "option" and not getattr(option, "hidden", False):
                lines += [".TP", f".B {escaped(', '.join(option.opts))}", escaped(getattr(option, "help", "") or "")]
    lines += [".SH EXIT STATUS"]
    for code, meaning in EXITS:
        lines += [".TP", f".B {code}", escaped(meaning)]
    lines += [".SH FILES", ".TP", ".I /etc/portcullis/gate.toml", "the configuration"]
    lines += [".SH SEE ALSO", "The guides in /usr/share/doc/portcullis/guides."]
    return "\n".join(line for line in lines if line) + "\n"


if __name__ == "__main__":
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    when = datetime.now(UTC) if epoch is None else datetime.fromtimestamp(int(epoch), UTC)
    sys.stdout.write(page(sys.argv[1], when))
