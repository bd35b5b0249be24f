"""The `gate` command: noun, verb, a file or a folder a noun.

Only the noun that was asked for is imported, and for the list of them none, so that `gate status` and `gate --help` stay quick; completion
imports them all. Each noun's module has `app`, a typer application, or, for a noun without verbs, `command`, a function.

`gate status` in its own words is asked from everywhere and again and again: it does without the library of command lines, too.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TypedDict

NOUNS = {
    "audit": "The audit log: verify, export, decrypt, access, report, erasure, erase",
    "barrier": "Traces of a barrier's board: record, replay",
    "central": "The central server: erase, prune, acts, init, token, revoke, retire, rotate, serve, pages, fleet, alarms, answer, export, site, person",
    "config": "The configuration, and who stands behind it: check, show, diff, key, vkey, approve, install",
    "console": "The officers' console on a machine of its own: init, serve",
    "demo": "A whole gate on simulated hardware",
    "document": "Travel documents: inspect, verify-sod, parse-mrz, read-mrz, read, verify-seal, verify-credential",
    "drill": "Scripted days for officers at a simulated gate, scored for their own eyes",
    "face": "Faces: compare, evaluate, evaluate-pad",
    "forecast": "Lanes and officers for a day: service, plan",
    "models": "Model files: list, fetch, verify, accept, bench",
    "notices": "The boards that tell travellers what happens to their data",
    "officer": "An officer's signed orders: admit, refer, hand-over, view, flag, release, open-emergency, end-emergency, acknowledge, close, pause, maintain, consent, open, direction, mode, accept-head, present, list, authority",
    "policy": "Written rules before they are in force: check, diff, dry-run",
    "provision": "From a bare machine to a gate in service: init, find-reader, enrol, rotate-log-key, seal, decommission, report",
    "run": "The programs of the appliance",
    "selftest": "Every device, model, list, clock and disk",
    "shadow": "A gate that only watches, beside the officer: report",
    "simulate": "The real lane in a simulated world on a virtual clock",
    "status": "The running programs",
    "support-bundle": "What a maker needs, in one file, and nothing personal",
    "sync": "The outbox to the central server: status, push, export-usb",
    "trust": "Certificates and lists that documents are judged against: import, list, report",
    "update": "Updates, and the operator's repository of them: status, fetch, apply, back, check, publish",
}


NAME = "gate"  # also where it is started as a module
_IO_ERROR = 74  # `gate.cli.output.Exit`, which is imported with a noun
_INTERRUPTED = 130


def main() -> None:
    """Entry point of the `gate` command. What no command has foreseen of a file is one line, too, and so is Ctrl-C."""
    words = sys.argv[1:]
    wanted = next((word for word in words if not word.startswith("-")), None)
    try:
        if words[:1] == ["status"] and (asked := _asked_of_status(words[1:])) is not None:
            _show_status(asked)
        _typed(words, wanted)
    except OSError as error:
        if error.strerror is None:  # of no file: a mistake of ours
            raise
        sys.stderr.write(f"gate: {ascii(str(error.filename or wanted))[1:-1]}: {error.strerror}\n")
        sys.exit(_IO_ERROR)
    except KeyboardInterrupt:
        _die_of_the_next()
        sys.exit(_INTERRUPTED)
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            _die_of_the_next()
        raise


class _StatusAsked(TypedDict):
    config: Path | None
    watch: bool
    as_json: bool


def _asked_of_status(words: list[str]) -> _StatusAsked | None:
    """What `gate status` is asked; None for whatever else its words may say, from a mistake to a question for help."""
    config: Path | None = None
    left = iter(words)
    for word in left:
        if word == "--config" and (name := next(left, "-")) and not name.startswith("-"):
            config = Path(name)
        elif word not in {"--watch", "--json"}:
            return None
    return {"config": config, "watch": "--watch" in words, "as_json": "--json" in words}


def _show_status(asked: _StatusAsked) -> None:
    from gate.cli.status_page import show

    try:
        sys.exit(int(show(**asked)))
    except RuntimeError as error:  # typer's, by which every command ends that has one line to say
        if not hasattr(error, "exit_code"):
            raise
        sys.exit(error.exit_code)


def _typed(words: list[str], wanted: str | None) -> None:
    from gate.cli.nouns import application, contents

    if wanted in NOUNS or not words:  # a shell that completes gives no words
        application([wanted] if wanted in NOUNS else list(NOUNS))(prog_name=NAME)
    else:
        contents()(prog_name=NAME)


def _die_of_the_next() -> None:
    """A second Ctrl-C while an interrupted command ends is no traceback, and neither is what it had no time to close."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.unraisablehook = lambda _: None


def module_of(noun: str) -> str:
    """The module of a noun."""
    return f"gate.cli.{noun.replace('-', '_')}"
