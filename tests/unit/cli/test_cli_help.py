"""`gate --help` names what there is: every noun and every verb, each with its sentence."""

from __future__ import annotations

import importlib
import os
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from gate import cli


def verbs_of(group: Any) -> Iterator[tuple[str, str]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from verbs_of(command)
        yield name, command.help or ""


def test_every_noun_that_there_is_stands_in_the_help_with_its_verbs() -> None:
    names = {one.name for one in pkgutil.iter_modules(cli.__path__)} - {"__main__"}
    modules = {name: importlib.import_module(f"gate.cli.{name}") for name in names}
    nouns = {name for name, module in modules.items() if hasattr(module, "app") or hasattr(module, "command")}
    assert nouns == set(cli.NOUNS)
    command, environment = [sys.executable, "-m", "gate.cli", "--help"], {**os.environ, "COLUMNS": "400"}
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    for noun, sentence in cli.NOUNS.items():
        assert sentence in shown
        if hasattr(modules[noun], "app"):
            assert f"{sentence}: {', '.join(typer.main.get_group(modules[noun].app).commands)} " in shown


@pytest.mark.parametrize("noun", cli.NOUNS)
def test_every_verb_has_a_sentence_that_is_shown_as_it_stands(noun: str) -> None:
    module = importlib.import_module(f"gate.cli.{noun}")
    if not hasattr(module, "app"):
        assert module.command.__doc__
        return
    for verb, sentence in verbs_of(typer.main.get_group(module.app)):
        assert sentence.split("\n")[0].endswith((".", ":")) or verb == "authority", verb
        assert "[" not in sentence, "what stands in brackets is taken for an instruction to the terminal"
