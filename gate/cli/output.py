"""What every command shares: one JSON document or people's text on standard output, one line for an error, an exit code.

Exit codes: 0 yes or done, 1 the answer is no, 2 usage, 65 bad input data, 69 unreachable, 74 I/O error, 75 try later,
77 not permitted, 78 configuration error.
"""

from __future__ import annotations

import enum
import json
import sys
from typing import Any, NoReturn

import typer


class Exit(enum.IntEnum):
    """The exit codes that the command line promises."""

    OK = 0
    NO = 1
    USAGE = 2
    BAD_DATA = 65
    UNREACHABLE = 69
    IO_ERROR = 74
    TRY_LATER = 75
    NOT_PERMITTED = 77
    CONFIG = 78


def emit_json(schema: str, fields: dict[str, Any]) -> None:
    """Print one JSON document on standard output; `schema` is like `audit.verify/1`."""
    say(json.dumps({"schema": schema, **fields}, ensure_ascii=False, default=str))


def say(text: str) -> None:
    """Print on standard output. A reader that has gone is the caller's affair, a full disk ends the command."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        sys.stdout = None  # or the interpreter tries the same bytes again at its end
        fail(Exit.IO_ERROR, f"cannot write the output: {error.strerror}")


def note(text: str) -> None:
    """Print a message or warning, on standard error."""
    sys.stderr.write(text + "\n")


def one_line(text: str) -> str:
    """Text in which a stranger's name of a file can neither end the line nor steer the terminal."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def fail(code: Exit, text: str) -> NoReturn:
    """End with one line that says what was wrong, where, and what to do."""
    note(one_line(f"gate: {text}"))
    raise typer.Exit(int(code))
