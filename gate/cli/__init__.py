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

from gate.cli.names import NAME, NOUNS

_IO_ERROR = 74  # `gate_core.command_line.output.Exit`, which is imported with a noun
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
        from gate_core.command_line.output import with_next_step

        sys.stderr.write(with_next_step(f"gate: {ascii(str(error.filename or wanted))[1:-1]}: {error.strerror}") + "\n")
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
