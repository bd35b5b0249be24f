"""Builds the typer application: with the requested nouns, or with the list of all."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Final

import typer

from gate_core.command_line.distributions import installed

NAME: Final = "gate"


def application(nouns: list[str], *, completes: bool = False) -> typer.Typer:
    """Return the application with these nouns, imported. Raises KeyError if one is not installed."""
    app = typer.Typer(name=NAME, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=completes)
    app.callback()(_root)
    for noun in nouns:
        module = _modules(noun)[0]
        if hasattr(module, "app"):
            app.add_typer(verbs(noun), name=noun, help=sentence(noun))
        else:
            app.command(name=noun, help=sentence(noun))(module.command)
    return app


def verbs(noun: str) -> typer.Typer:
    """Return a noun's verbs from all distributions. Raises KeyError if it is not installed."""
    apps: list[typer.Typer] = [module.app for module in _modules(noun)]
    if len(apps) == 1:
        return apps[0]
    whole = typer.Typer(no_args_is_help=True)
    whole.registered_callback = apps[0].registered_callback
    for app in apps:
        whole.registered_commands += app.registered_commands
        whole.registered_groups += app.registered_groups
    return whole


def contents() -> typer.Typer:
    """The command line with the list of nouns, of which it imports none; it also refuses a noun that is unknown. Without rich, whose import takes longer
    than everything else.
    """
    app = typer.Typer(name=NAME, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback()(_root)
    for noun in installed():
        app.command(name=noun, short_help=sentence(noun))(lambda: None)
    return app


def sentence(noun: str) -> str:
    """Return a noun's help text, with the installed verbs. Raises KeyError if it is not installed."""
    said: list[str] = [module.NOUNS[noun] for module in installed()[noun]]
    return ", ".join((said[0], *(one.partition(": ")[2] for one in said[1:])))


def _modules(noun: str) -> list[ModuleType]:
    return [importlib.import_module(f"{names.__package__}.{noun.replace('-', '_')}") for names in installed()[noun]]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"gate {version('portcullis-core')}\n")
        raise typer.Exit


def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    """Portcullis, a biometric border gate."""
