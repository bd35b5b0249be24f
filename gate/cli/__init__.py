"""The `gate` command: noun, verb, one file a noun.

Only the noun that was asked for is imported, so that `gate status` stays quick; help and completion import them all.
Each noun's module has `app`, a typer application, or, for a noun without verbs, `command`, a function.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import sys

import typer

NOUNS = {
    "audit": "The audit log",
    "barrier": "Traces of a barrier's board",
    "central": "The central server",
    "demo": "A whole gate on simulated hardware",
    "document": "Travel documents",
    "face": "Faces",
    "models": "Model files",
    "officer": "An officer's signed orders",
    "provision": "From a bare machine to a gate in service",
    "run": "The programs of the appliance",
    "selftest": "Every device, model, list, clock and disk",
    "shadow": "A gate that only watches, beside the officer",
    "simulate": "The real lane in a simulated world on a virtual clock",
    "status": "The running programs",
    "sync": "The outbox to the central server",
    "trust": "Certificates and lists that documents are judged against",
}


def main() -> None:
    """Entry point of the `gate` command."""
    wanted = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    application([wanted] if wanted in NOUNS else list(NOUNS), completion=wanted is None)()


def application(nouns: list[str], *, completion: bool) -> typer.Typer:
    """The command line with these nouns, which are imported."""
    app = typer.Typer(
        name="gate",
        help="Portcullis, a biometric border gate.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=completion,
    )
    app.callback()(_root)
    for noun in nouns:
        module = importlib.import_module(f"gate.cli.{noun}")
        if hasattr(module, "app"):
            verbs = ", ".join(typer.main.get_group(module.app).commands)
            app.add_typer(module.app, name=noun, help=f"{NOUNS[noun]}: {verbs}")
        else:
            app.command(name=noun, help=NOUNS[noun])(module.command)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"gate {importlib.metadata.version('portcullis')}\n")
        raise typer.Exit


def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    """Portcullis, a biometric border gate."""
