"""The nouns of the `gate` command in the appliance, each with a sentence and its verbs. Imports nothing else.

`gate status` is called often and from many places, and each unit is a `gate run`: both load no command-line library.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

NOUNS: Final = {
    "audit": "The audit log: export, erase",
    "barrier": "Traces of a barrier's board: record, replay",
    "config": "The configuration, and who stands behind it: check, show, diff, install",
    "document": "Travel documents: read",
    "models": "Model files: list, fetch, verify, accept, bench",
    "notices": "The boards that tell travellers what happens to their data",
    "officer": "An officer's signed orders: admit, refer, hand-over, view, flag, release, open-emergency, end-emergency, acknowledge, close, pause, maintain, consent, open, direction, mode, accept-head, present, list",
    "provision": "From a bare machine to a gate in service: init, find-reader, enrol, rotate-log-key, seal, decommission, report",
    "run": "The programs of the appliance",
    "selftest": "Every device, model, list, clock and disk",
    "status": "The running programs",
    "support-bundle": "What a maker needs, in one file, and nothing personal",
    "sync": "The outbox to the central server: status, push, export-usb",
    "trust": "Certificates and lists that documents are judged against: import, list, report",
    "update": "Updates, and the operator's repository of them: status, fetch, apply, back, check",
}


def quick(words: list[str]) -> int | None:
    """Run `gate status` or `gate run PROGRAM` and return the exit code; None for all other words, including errors and --help."""
    config, others, left = None, list[str](), iter(words)
    for word in left:
        if word == "--config" and (name := next(left, "-")) and not name.startswith("-"):
            config = Path(name)
        else:
            others.append(word)
    try:
        if words[0] == "status" and set(others[1:]) <= {"--watch", "--json"}:
            from gate.cli.status_page import show

            return int(show(config, watch="--watch" in words, as_json="--json" in words))
        if words[0] == "run" and len(others) == 2:
            from gate.cli.run_one import PROGRAMS, run_one

            return run_one(others[1], config) if others[1] in PROGRAMS else None
    except RuntimeError as error:  # typer's, with which every command ends that prints one line
        if not hasattr(error, "exit_code"):
            raise
        return int(error.exit_code)
    return None
