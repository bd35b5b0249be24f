"""`gate --help` names what there is: every noun and every verb, each with its sentence."""

from __future__ import annotations

import importlib
import os
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from gate import cli
from gate.cli import names

GATE = Path(sys.executable).with_name("gate")


def ran(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "gate.cli", *words], capture_output=True, text=True, check=False)


def verbs_of(group: Any) -> Iterator[tuple[str, str]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from verbs_of(command)
        yield name, command.help or ""


def test_every_noun_that_there_is_stands_in_the_help_with_its_verbs() -> None:
    files = {one.name for one in pkgutil.iter_modules(cli.__path__)} - {"__main__"}
    modules = {name: importlib.import_module(f"gate.cli.{name}") for name in files}
    nouns = {name for name, module in modules.items() if hasattr(module, "app") or hasattr(module, "command")}
    assert {f"gate.cli.{name}" for name in nouns} == {names.module_of(noun) for noun in names.NOUNS}
    shown = " ".join(ran("--help").stdout.split()).replace("- ", "-")  # a line may end within a verb
    for noun, sentence in names.NOUNS.items():
        assert f"{noun} {sentence}" in shown
        module = importlib.import_module(names.module_of(noun))
        if hasattr(module, "app"):
            assert sentence.endswith(f": {', '.join(typer.main.get_group(module.app).commands)}")


def test_the_help_loads_no_noun_and_a_noun_that_there_is_not_has_one_line() -> None:
    loaded = "import sys; sys.argv[1:] = ['--help']; from gate import cli; import contextlib\n"
    loaded += "with contextlib.suppress(SystemExit): cli.main()\n"
    loaded += "slow = ('rich', 'msgspec', 'asyncio', 'importlib.metadata')\n"
    loaded += "print([name for name in sys.modules if name.startswith(slow)])\n"
    loaded += "print([name for name in sys.modules if name.startswith('gate.cli.')])"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["[]", "['gate.cli.names', 'gate.cli.nouns']"]
    unknown = ran("gaet")
    assert (unknown.returncode, unknown.stderr.splitlines()[-1]) == (2, "Error: No such command 'gaet'.")
    assert unknown.stderr.startswith("Usage: gate [OPTIONS]")  # also where it was started as a module


def test_a_shell_completes_nouns_and_verbs() -> None:
    for line, offered in (("gate prov", "provision"), ("gate audit dec", "decrypt")):
        words = {"_GATE_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
        done = subprocess.run([GATE], env={**os.environ, **words}, capture_output=True, text=True, check=True)
        assert done.stdout.split() == [offered]


@pytest.mark.parametrize("noun", names.NOUNS)
def test_every_verb_has_a_sentence_that_is_shown_as_it_stands(noun: str) -> None:
    module = importlib.import_module(names.module_of(noun))
    if not hasattr(module, "app"):
        assert module.command.__doc__
        return
    for verb, sentence in verbs_of(typer.main.get_group(module.app)):
        assert sentence.split("\n")[0].endswith((".", ":")) or verb == "authority", verb
        assert "[" not in sentence, "what stands in brackets is taken for an instruction to the terminal"
