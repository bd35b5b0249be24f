"""The `gate` command: noun and verb. Its nouns are those of the installed distributions.

A noun's module may have `quick`, a function that handles some arguments without loading typer: exit code, or None.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Final

from gate_core.command_line.distributions import installed, is_installed
from gate_core.settings import environment

# As in `gate_core.command_line.output.Exit`, which is not imported here, to start fast.
_IO_ERROR, _UNREACHABLE, _CONFIG, _INTERRUPTED = 74, 69, 78, 130
# The Debian packages of optional nouns and verbs.
_CENTRAL = "portcullis-central"
_LAB = "portcullis-lab"
_ELSEWHERE: Final = {
    **dict.fromkeys(("central", "console", "exchange", "officer authority"), _CENTRAL),
    **dict.fromkeys(("demo", "drill", "simulate"), "portcullis-simulator"),
    **dict.fromkeys(("conformity", "face", "fairness", "forecast", "lists", "policy", "rights", "shadow"), _LAB),
    **dict.fromkeys((f"document {verb}" for verb in ("inspect", "parse-mrz", "read-mrz")), _LAB),
    **dict.fromkeys((f"document verify-{what}" for what in ("sod", "seal", "credential")), _LAB),
    "update publish": _LAB,
}
_PACKAGED: Final = Path("/usr/lib/portcullis/versions")


def main() -> None:
    """Entry point of the `gate` command. Unexpected errors of files, and Ctrl-C, end without traceback."""
    line = environment.line_to_complete()
    words = sys.argv[1:] if line is None else line.split()[1:]
    wanted = next((word for word in words if not word.startswith("-")), None)
    try:
        _answer(words, wanted, completes=line is not None)
    except OSError as error:
        if error.strerror is None:  # not about a file: a bug
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


def _answer(words: list[str], wanted: str | None, *, completes: bool) -> None:
    nouns = installed()
    for module in () if completes else nouns.get(wanted or "", ()):
        if (quick := getattr(module, "quick", None)) is not None and (code := quick(words)) is not None:
            sys.exit(code)
    for words_of in () if completes else (words[:1], words[:2]):
        if (package := _ELSEWHERE.get(" ".join(words_of))) and not is_installed(*words_of):
            sys.stderr.write(f"gate: {' '.join(words_of)} is not installed here: {remedy(package, Path(sys.prefix))}\n")
            sys.exit(_CONFIG if package == _CENTRAL else _UNREACHABLE)
    from gate_core.command_line import tree

    if wanted in nouns:
        tree.application([wanted], completes=completes)(prog_name=tree.NAME)
    else:
        tree.contents()(prog_name=tree.NAME)


def remedy(package: str, environment: Path) -> str:
    """Return how to install a package's nouns in this environment, as text."""
    if not environment.is_relative_to("/usr"):
        return "run scripts/setup in the checkout"
    if package != _CENTRAL and environment.parent == _PACKAGED and environment.name != "0":
        return "it goes with the package's own version of the gate, and this one is an update's"
    return f"install the package {package}"


def _die_of_the_next() -> None:
    """Suppress tracebacks of a second Ctrl-C and of unclosed resources while an interrupted command ends."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.unraisablehook = lambda _: None
