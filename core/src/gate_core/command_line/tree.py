"""The command line as typer has it: with some nouns, or with the list of all."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Final

import typer

from gate_core.command_line.distributions import installed

NAME: Final = "gate"


def application(nouns: list[str], *, completes: bool = False) -> typer.Typer:
    """The command line with these nouns, which are imported. Raises KeyError for one that is not installed."""
    found = installed()
    app = typer.Typer(name=NAME, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=completes)
    app.callback()(_root)
    for noun in nouns:
        parts = _modules(noun, found)
        if hasattr(parts[0], "app"):
            app.add_typer(verbs(noun), name=noun, help=sentence(noun, found[noun]))
        else:
            app.command(name=noun, help=sentence(noun, found[noun]))(parts[0].command)
    return app


def verbs(noun: str) -> typer.Typer:
    """The verbs of a noun, whichever distributions bring them. Raises KeyError for one that is not installed."""
    first, *others = _modules(noun, installed())
    app: typer.Typer = first.app
    if others:
        app = typer.Typer(no_args_is_help=True)
        app.registered_callback = first.app.registered_callback
    for part in (first, *others) if others else ():
        app.registered_commands += part.app.registered_commands
        app.registered_groups += part.app.registered_groups
    return app


def contents() -> typer.Typer:
    """The command line as far as its own page goes, and what answers a noun that there is not. Plain: drawing boxes takes longer than all else."""
    app = typer.Typer(name=NAME, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback()(_root)
    for noun, modules in installed().items():
        app.command(name=noun, short_help=sentence(noun, modules))(lambda: None)
    return app


def sentence(noun: str, modules: list[ModuleType]) -> str:
    """What a noun is, and the verbs that are here."""
    said: list[str] = [module.NOUNS[noun] for module in modules]
    return ", ".join((said[0], *(one.partition(": ")[2] for one in said[1:])))


def _modules(noun: str, found: dict[str, list[ModuleType]]) -> list[ModuleType]:
    return [importlib.import_module(f"{names.__package__}.{noun.replace('-', '_')}") for names in found[noun]]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"gate {version('portcullis-core')}\n")
        raise typer.Exit


def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    """Portcullis, a biometric border gate."""
