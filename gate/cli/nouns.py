"""The command line as typer has it: with some nouns, or with the list of all."""

from __future__ import annotations

import importlib
import sys

import typer

from gate.cli.names import NAME, NOUNS, module_of


def application(nouns: list[str]) -> typer.Typer:
    """The command line with these nouns, which are imported."""
    app = typer.Typer(
        name=NAME, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=len(nouns) == len(NOUNS)
    )
    app.callback()(_root)
    for noun in nouns:
        module = importlib.import_module(module_of(noun))
        if hasattr(module, "app"):
            app.add_typer(module.app, name=noun, help=NOUNS[noun])
        else:
            app.command(name=noun, help=NOUNS[noun])(module.command)
    return app


def contents() -> typer.Typer:
    """The command line as far as its own page goes, and what answers a noun that there is not. Plain: drawing boxes takes longer than all else."""
    app = typer.Typer(name=NAME, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback()(_root)
    for noun, sentence in NOUNS.items():
        app.command(name=noun, short_help=sentence)(lambda: None)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"gate {version('portcullis')}\n")
        raise typer.Exit


def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    """Portcullis, a biometric border gate."""
