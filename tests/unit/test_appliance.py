"""Nothing lies on an appliance that no unit, no child that a unit starts, and no operator's command can load."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

from fakes.roots import PACKAGES

APPLIANCE = ("gate", "drivers", "models")
# What the units start, by the names that systemd's files and `gate_core.command_line.distributions` use; children are found by the strings that start them.
ROOTS = (
    *(f"gate.programs.{name}.program" for name in ("lane", "vision", "log", "sync", "screens", "registers")),
    "gate.programs.update.__main__",
    "gate.programs.lane.decision_replay",
    "gate.cli.__main__",
)


def sources() -> dict[str, Path]:
    places = [PACKAGES[name] for name in APPLIANCE]
    return {
        ".".join(file.relative_to(place.parent).with_suffix("").parts).removesuffix(".__init__"): file
        for place in places
        for file in place.rglob("*.py")
    }


def loads(source: str, modules: Iterable[str]) -> set[str]:
    """The modules that a source imports anywhere, or names in a string; what only the type checker sees is not loaded."""
    known, found, tree = set(modules), set[str](), ast.parse(source)
    unseen = {
        id(below)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
        for below in ast.walk(statement)
    }
    for node in ast.walk(tree):
        match node:
            case _ if id(node) in unseen:
                pass
            case ast.Import(names=names):
                found |= {one.name for one in names}
            case ast.ImportFrom(module=str(module), names=names):
                found |= {module, *(f"{module}.{one.name}" for one in names)}
            case ast.Constant(value=str(text)):
                found.add(text)
            case _:
                pass
    return found & known


def unreached(files: Mapping[str, str], roots: Iterable[str]) -> set[str]:
    reached, waiting = set[str](), list(roots)
    while waiting:
        module = waiting.pop()
        if module in files and module not in reached:
            reached.add(module)
            waiting += [*loads(files[module], files), module.rpartition(".")[0]]
    return set(files) - reached


def test_every_module_of_the_appliance_is_loaded_by_a_unit_a_child_or_a_command() -> None:
    files = {module: file.read_text() for module, file in sources().items()}
    commands = {module for module in files if module.startswith("gate.cli.")}
    assert unreached(files, {*ROOTS, *commands}) == set()


def test_a_module_that_nothing_loads_is_found() -> None:
    files = {
        "gate": "",
        "gate.unit": "from gate import used\nrun('gate.child')\nif TYPE_CHECKING:\n    from gate.types import T",
        "gate.used": "",
        "gate.child": "",
        "gate.types": "",
        "gate.forgotten": "",
    }
    assert unreached(files, ["gate.unit"]) == {"gate.types", "gate.forgotten"}
