"""Imports make no circle, nor do those that only the type checker sees: a module is read after what it builds on."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from fakes.roots import PACKAGES, ROOT


def modules(root: Path, *packages: str) -> dict[str, Path]:
    files = [file for package in packages for file in (root / package).rglob("*.py")]
    return {".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


def builds_on(files: dict[str, Path]) -> dict[str, set[str]]:
    """Of each module what it imports of them, wherever in the file: a submodule rather than the package that it stands in."""
    graph: dict[str, set[str]] = {}
    for module, file in files.items():
        imported: set[str] = set()
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                below = {f"{node.module}.{alias.name}" for alias in node.names}
                imported |= below & files.keys() or {node.module}
        graph[module] = (imported & files.keys()) - {module}
    return graph


@pytest.mark.parametrize(
    ("root", "packages"),
    [
        (ROOT, ("gate", "drivers", "models")),
        *((place.parent, (name,)) for name, place in PACKAGES.items() if place.parent != ROOT),
    ],
)
def test_no_import_makes_a_circle(root: Path, packages: tuple[str, ...]) -> None:
    graph = builds_on(modules(root, *packages))
    assert any(graph.values())
    list(TopologicalSorter(graph).static_order())


def test_a_circle_that_only_the_type_checker_sees_is_found(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "one.py").write_text("from room import two\n")
    (tmp_path / "room" / "two.py").write_text("if TYPE_CHECKING:\n    from room.one import One\n")
    with pytest.raises(CycleError):
        list(TopologicalSorter(builds_on(modules(tmp_path, "room"))).static_order())
