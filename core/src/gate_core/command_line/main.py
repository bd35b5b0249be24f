"""The `gate` command: noun, verb, a file or a folder a noun. Its nouns are those of the distributions that are installed here.

A distribution names a module of nouns in the entry-point group `gate.commands`. That module has `NOUNS`, from each noun to its sentence and verbs, and
lies beside the nouns' own modules, of which each has `app`, a typer application, or, for a noun without verbs, `command`, a function. Two distributions
may bring verbs of one noun. Only the noun that was asked for is imported, and for the list of them none; completion imports them all.

A module of nouns may have `quick`, a function that answers certain words without the library of command lines: its exit code, or None.
"""

from __future__ import annotations

import importlib
import signal
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

NAME: Final = "gate"
GROUP: Final = "gate.commands"
_IO_ERROR, _UNREACHABLE, _CONFIG, _INTERRUPTED = (
    74,
    69,
    78,
    130,
)  # `gate_core.command_line.output.Exit`, which is imported with a noun
# The packages of nouns that are not of every machine.
_CENTRAL, _SIMULATOR = "portcullis-central", "portcullis-simulator"
_ELSEWHERE: Final = {
    **dict.fromkeys(("central", "console", "exchange"), _CENTRAL),
    **dict.fromkeys(("demo", "drill", "simulate"), _SIMULATOR),
}
_PACKAGED: Final = Path("/usr/lib/portcullis/versions")


def main() -> None:
    """Entry point of the `gate` command. What no command has foreseen of a file is one line, too, and so is Ctrl-C."""
    words = sys.argv[1:]
    wanted = next((word for word in words if not word.startswith("-")), None)
    try:
        _answer(words, wanted)
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


def _answer(words: list[str], wanted: str | None) -> None:
    nouns = installed()
    for module in nouns.get(wanted or "", ()):
        if (quick := getattr(module, "quick", None)) is not None and (code := quick(words)) is not None:
            sys.exit(code)
    if wanted in _ELSEWHERE and wanted not in nouns:
        sys.stderr.write(f"gate: {wanted} is not installed here: {remedy(_ELSEWHERE[wanted], Path(sys.prefix))}\n")
        sys.exit(_UNREACHABLE if _ELSEWHERE[wanted] == _SIMULATOR else _CONFIG)
    from gate_core.command_line import tree

    if wanted in nouns or not words:  # a shell that completes gives no words
        tree.application([wanted] if wanted in nouns else list(nouns))(prog_name=NAME)
    else:
        tree.contents()(prog_name=NAME)


def installed() -> dict[str, list[ModuleType]]:
    """Every noun with the modules that name it, the one with most of its verbs first."""
    modules = [importlib.import_module(name) for name in named_modules(GROUP)]
    nouns: dict[str, list[ModuleType]] = {}
    for module in modules:
        for noun in module.NOUNS:
            nouns.setdefault(noun, []).append(module)
    return {noun: sorted(nouns[noun], key=lambda one: -len(one.NOUNS[noun])) for noun in sorted(nouns)}


def remedy(package: str, environment: Path) -> str:
    """What brings a package's nouns into this environment."""
    if not environment.is_relative_to("/usr"):
        return "run scripts/setup in the checkout"
    if package == _SIMULATOR and environment.parent == _PACKAGED and environment.name != "0":
        return "it goes with the package's own version of the gate, and this one is an update's"
    return f"install the package {package}"


def named_modules(group: str) -> list[str]:
    """The modules that installed distributions name in a group of entry points, one each.

    Read as importlib.metadata would, whose import takes ten times as long as everything here: `gate status` is asked again and again.
    """
    found: dict[str, str] = {}
    for folder in sys.path:
        for file in sorted(Path(folder).glob("*.dist-info/entry_points.txt")):
            distribution, in_group = file.parent.name.partition("-")[0], False
            for line in () if distribution in found else file.read_text().splitlines():
                in_group = line == f"[{group}]" if line.startswith("[") else in_group
                if in_group and "=" in line:
                    found[distribution] = line.partition("=")[2].strip()
    return sorted(found.values())


def _die_of_the_next() -> None:
    """A second Ctrl-C while an interrupted command ends is no traceback, and neither is what it had no time to close."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.unraisablehook = lambda _: None
