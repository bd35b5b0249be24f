"""What every command shares: JSON or text on standard output, one line for an error, an exit code (`Exit`).

What is printed cannot steer a terminal, whatever a file's name holds. With --json a command that fails writes a document, too.
"""

from __future__ import annotations

import enum
import errno
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

from gate_core import durable

if TYPE_CHECKING:
    from gate_core.settings.config_file import ConfigError

Item = TypeVar("Item")
_NEXT_STEPS = {
    os.strerror(errno.ENOENT): "check the path",
    os.strerror(errno.ENOTDIR): "name a folder",
    **dict.fromkeys((os.strerror(errno.EISDIR), "it is no file", "no ordinary file"), "name a file"),
    os.strerror(errno.EACCES): "run this as who may",
}


class Exit(enum.IntEnum):
    """The documented exit codes of the command line."""

    OK = 0
    NO = 1
    USAGE = 2
    PARTIAL = 3  # sound, but not all of it is here
    BAD_DATA = 65
    UNREACHABLE = 69
    IO_ERROR = 74
    TRY_LATER = 75
    NOT_PERMITTED = 77
    CONFIG = 78


def emit_json(schema: str, fields: Mapping[str, object]) -> None:
    """Print one JSON document on standard output; `schema` is like `audit.verify/1`."""
    text = json.dumps({"schema": schema, **fields}, ensure_ascii=False, default=str)
    # What cannot be printed stands only inside of strings, where JSON has an escape for it.
    say(text if text.isprintable() else "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in text))


def tell(schema: str, fields: Mapping[str, object], *lines: str, as_json: bool) -> None:
    """Print one JSON document if `as_json`, else these lines."""
    if as_json:
        emit_json(schema, fields)
    for line in () if as_json else lines:
        say(line)


def say(text: str) -> None:
    """Print lines on standard output. A write error ends the command. Raises BrokenPipeError if the reader is gone."""
    try:
        sys.stdout.write("\n".join(one_line(line) for line in text.split("\n")) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        sys.stdout = None  # or the interpreter tries the same bytes again at its end
        fail(Exit.IO_ERROR, f"cannot write the output: {error.strerror}")


def note(text: str) -> None:
    """Print a message or warning, on standard error."""
    sys.stderr.write("\n".join(one_line(line) for line in text.split("\n")) + "\n")


def tracked(items: Sequence[Item], doing: str) -> Iterable[Item]:
    """Yield the items, and show progress on standard error if it is a terminal."""
    from rich.console import Console
    from rich.progress import track

    return track(items, doing, console=Console(stderr=True), transient=True)


def one_line(text: str) -> str:
    """Escape text such as file names, so that it cannot break the line or control the terminal."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def with_next_step(text: str) -> str:
    """Append the next step, if the text ends with a known system error of a file."""
    steps = (step for cause, step in _NEXT_STEPS.items() if text.removesuffix(")").endswith(cause))
    return "; ".join((text, *steps))


def fail(code: Exit, text: str) -> NoReturn:
    """End the command with one line: cause, place and action; with --json also as its JSON document."""
    text = with_next_step(text) if code is Exit.IO_ERROR else text
    note(f"gate: {one_line(text)}")
    if "--json" in sys.argv[1:] and sys.stdout is not None:
        emit_json("gate.error/1", {"error": {"code": int(code), "text": text}})
    import typer

    raise typer.Exit(int(code))


def refuse_configuration(error: ConfigError, path: Path | None, instead: str = "") -> NoReturn:
    """End with what is wrong with a configuration, each with file, key and line. `path`: where it was read from, if it was named.
    `instead`: how the command would do without one, or where one comes from that no `gate provision` writes.
    """
    from gate_core.settings.environment import path_from_environment

    placed = error.placed(path or path_from_environment())
    if placed.is_unreadable and not instead:
        instead = "name the file with --config; gate provision writes one"
    text = f"{placed}; {instead}" if instead else str(placed)
    fail(Exit.IO_ERROR if placed.is_unreadable else Exit.CONFIG, text)


def real(path: Path) -> Path:
    """Resolve a path's links. A loop of links is returned unchanged; opening it then fails."""
    return Path(os.path.realpath(path))


def code_of(error: Exception) -> Exit:
    """Return the error's own `code`; without one IO_ERROR if its cause is an OSError, else BAD_DATA."""
    if isinstance(code := getattr(error, "code", None), Exit):
        return code
    return Exit.IO_ERROR if isinstance(error.__cause__, OSError) else Exit.BAD_DATA


def write_new(path: Path, content: bytes) -> None:
    """Write a new file durably. Ends the command if it exists or cannot be written."""
    try:
        durable.write(path, content, new_only=True)
    except FileExistsError:
        fail(Exit.IO_ERROR, f"{path} is there already; name another")
    except OSError as error:
        fail(Exit.IO_ERROR, f"cannot write {path}: {error.strerror}")
