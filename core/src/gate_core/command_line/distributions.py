"""Finds the commands of the distributions that are installed here.

A distribution names a module of nouns in the entry-point group `gate.commands`. `NOUNS` of that module maps each noun to its sentence and verbs. Each
noun has a module beside it: with `app`, a typer application, or with the function `command` for a noun without verbs. Two distributions may add
verbs to one noun. Only the module of the noun in use is imported. The list of nouns needs none of them.
"""

from __future__ import annotations

import functools
import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

GROUP: Final = "gate.commands"


@functools.cache
def installed() -> dict[str, list[ModuleType]]:
    """Every noun with the modules that name it, the one with most of its verbs first."""
    modules = [importlib.import_module(name) for name in named_modules(GROUP)]
    nouns: dict[str, list[ModuleType]] = {}
    for module in modules:
        for noun in module.NOUNS:
            nouns.setdefault(noun, []).append(module)
    return {noun: sorted(nouns[noun], key=lambda one: -len(one.NOUNS[noun])) for noun in sorted(nouns)}


def is_installed(noun: str, verb: str = "") -> bool:
    """True where a distribution brings this verb of a noun, or the noun."""
    brought = (module.NOUNS[noun].partition(": ")[2].split(", ") for module in installed().get(noun, ()))
    return any(verb in verbs or not verb for verbs in brought)


def named_modules(group: str) -> list[str]:
    """The modules that our distributions name in a group of entry points, one each. No other distribution adds a command to a gate.

    importlib.metadata reads the same, and its import alone takes ten times as long: `gate status` is asked again and again.
    """
    found: dict[str, str] = {}
    for folder in sys.path:
        for file in sorted(Path(folder).glob("portcullis*.dist-info/entry_points.txt")):
            distribution, in_group = file.parent.name.partition("-")[0], False
            for line in () if distribution in found else file.read_text("utf-8").splitlines():
                in_group = line == f"[{group}]" if line.startswith("[") else in_group
                if in_group and "=" in line:
                    found[distribution] = line.partition("=")[2].strip()
    return sorted(found.values())
