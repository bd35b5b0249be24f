"""Write a package's manual page from its command line itself: `python packaging/manpage.py gate >gate.1`, or `central`, `simulator`, or `lab`.

One page, every command and its options: of those that are installed where this runs.
"""

from __future__ import annotations

import argparse
import inspect
import os
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

import typer

from gate_core.command_line.distributions import installed
from gate_core.command_line.tree import application

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from typer._click import Command

FILES_OF = {
    "gate": (("/etc/portcullis/gate.toml", "the configuration"),),
    "central": (
        ("/etc/portcullis/console.toml", "the officers' console: who it is, its pages, and its gates"),
        ("/etc/portcullis/authority.toml", "the officers' authority: its key, its folder, and whom it answers"),
        ("/etc/portcullis/exchange.toml", "the exchange of a site: its key, the site's time, and its gates"),
    ),
    "simulator": (("~/.cache/portcullis", "the travellers' faces, drawn when they are first wanted"),),
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


def entry(name: str, arguments: Iterable[str], help_text: str, options: Iterable[tuple[str, str]]) -> list[str]:
    """One command, in roff."""
    lines = [".SS", escaped(" ".join((name, *arguments))), escaped(help_text)]
    for names, meaning in options:
        lines += [".TP", f".B {escaped(names)}", escaped(meaning)]
    return lines


def of_gate(nouns: list[str], distribution: str = "") -> Iterator[str]:
    """The commands of `gate` with these nouns; of one distribution alone, where it is named: two may bring verbs of one noun."""
    for name, command in commands(typer.main.get_command(application(nouns)), "gate"):
        module = getattr(inspect.unwrap(command.callback), "__module__", "") if command.callback else ""
        if not module.startswith(distribution):
            continue
        arguments = [(one.name or "").upper() for one in command.params if one.param_type_name == "argument"]
        options = (
            (", ".join(option.opts), getattr(option, "help", "") or "")
            for option in command.params
            if option.param_type_name == "option" and not getattr(option, "hidden", False)
        )
        yield from entry(name, arguments, (command.help or "").split("\n\n")[0], options)


def of_simulator(parser: argparse.ArgumentParser, help_text: str = "") -> Iterator[str]:
    """The commands of `gate-sim`."""
    actions = parser._actions  # noqa: SLF001 - argparse tells its own in no other way
    below = [action for action in actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001
    if not below:
        options = ((", ".join(one.option_strings), one.help or "") for one in actions if one.help != argparse.SUPPRESS)
        yield from entry(parser.prog, [], help_text, options)
    for action in below:
        said = {one.dest: one.help or "" for one in action._choices_actions}  # noqa: SLF001
        for word, one in action.choices.items():
            yield from of_simulator(one, said.get(word, ""))


def brought_by(distribution: str) -> list[str]:
    """The nouns that one distribution brings."""
    return [
        noun for noun, names in installed().items() if distribution in {one.__name__.partition(".")[0] for one in names}
    ]


def head(title: str, made: datetime, name: str, synopsis: Iterable[str]) -> list[str]:
    """How a page begins."""
    about = f'"{made:%Y-%m-%d}" "Portcullis {version("portcullis-core")}" "User Commands"'
    return [f".TH {title} 1 {about}", ".SH NAME", name, ".SH SYNOPSIS", *synopsis, ".SH COMMANDS"]


def page(package: str, made: datetime) -> str:
    """The page of a package, in roff."""
    words = ("[", ".I VERB", "] [", ".I OPTION", "]...")
    if package == "simulator":
        from hardware_sim.cli import parser  # noqa: PLC0415 - the other packages have none

        lines = head(
            "GATE\\-SIM",
            made,
            "gate\\-sim \\- the simulated world of a Portcullis gate, its devices, and a judge",
            (".B gate demo", "[", ".I OPTION", "]...", ".br", ".B gate\\-sim", ".I DEVICE", "[", ".I OPTION", "]..."),
        )
        lines += [*of_gate(brought_by("gate_demo"), "gate_demo"), *of_simulator(parser())]
    elif package == "lab":
        lines = head(
            "GATE\\-LAB", made, "gate\\-lab \\- office work of biometric border gates", (".B gate", ".I NOUN", *words)
        )
        lines += of_gate(brought_by("gate_lab"), "gate_lab")
    else:
        lines = head(
            "GATE" if package == "gate" else "GATE\\-CENTRAL",
            made,
            "gate \\- a biometric border gate: its programs, documents, faces, audit log",
            (".B gate", ".I NOUN", *words),
        )
        lines += of_gate(list(installed()))
    lines += [".SH EXIT STATUS"]
    for code, meaning in EXITS:
        lines += [".TP", f".B {code}", escaped(meaning)]
    lines += [".SH FILES"] if package in FILES_OF else []
    for file, meaning in FILES_OF.get(package, ()):
        lines += [".TP", f".I {escaped(file)}", escaped(meaning)]
    beside = "portcullis-central" if package == "central" else "portcullis"
    guides = f"The guides in /usr/share/doc/{beside}/docs/guides."
    lines += [".SH SEE ALSO", ".BR gate (1)" if package in {"simulator", "lab"} else guides]
    return "\n".join(line for line in lines if line) + "\n"


if __name__ == "__main__":
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    when = datetime.now(UTC) if epoch is None else datetime.fromtimestamp(int(epoch), UTC)
    sys.stdout.write(page(sys.argv[1], when))
