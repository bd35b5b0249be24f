"""What documents, docstrings and comments call a module is one: a module that was moved takes its mentions along."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from fakes.roots import PACKAGES, ROOT

HOMES = {
    **PACKAGES,
    **{place.name: place for place in ROOT.glob("*/tests/*_fakes")},
    "fakes": ROOT / "tests/fakes",
    "catalogue": ROOT / "tests/catalogue",
    "bench": ROOT / "tests/bench",
    "mutants": ROOT / "tests/mutants",
}
DOTTED = re.compile(rf"(?<![\w./@-])({'|'.join(HOMES)})((?:\.[a-zA-Z_]\w*)+)")
IMPORT = re.compile(r"^\s*(?:from|import) .*$", flags=re.MULTILINE)
FILES_OF_THE_SAME_NAME = (
    "toml",
    "service",
    "error",
    "commands",
    "replay",
)  # gate.toml, a unit, a JSON schema; groups of entry points


def is_there(root: str, dotted: str) -> bool:
    """True for a module, or for what a module defines."""
    at = HOMES[root]
    names = dotted.strip(".").split(".")
    for number, name in enumerate(names):
        if (at / name).is_dir():
            at /= name
            continue
        module, rest = at / f"{name}.py", names[number + 1 :]
        if not module.is_file():
            module, rest = at / "__init__.py", names[number:]
        return module.is_file() and (not rest or re.search(rf"\b{rest[0]}\b", module.read_text()) is not None)
    return True


def lost(text: str) -> list[str]:
    """The names in a text that nothing bears."""
    found = DOTTED.findall(text)
    return [
        root + rest
        for root, rest in found
        if rest.strip(".") not in FILES_OF_THE_SAME_NAME and not is_there(root, rest)
    ]


def said_in(source: str) -> Iterator[str]:
    """A module's docstrings and comments, if it names any module beside those that it imports."""
    if DOTTED.search(IMPORT.sub("", source)) is None:
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def test_no_document_names_a_module_that_is_not_there() -> None:
    texts = [*ROOT.glob("*.md"), ROOT / "pyproject.toml"]
    texts += [path for folder in ("docs", "models", "systemd") for path in (ROOT / folder).rglob("*") if path.suffix in {".md", ".service", ".toml"}]  # fmt: skip
    assert {str(path.relative_to(ROOT)): names for path in texts if (names := lost(path.read_text()))} == {}


def test_no_docstring_or_comment_names_a_module_that_is_not_there() -> None:
    sources = [
        path
        for place in (*PACKAGES.values(), ROOT / "tests", ROOT / "hardware-sim/tests")
        for path in place.rglob("*.py")
    ]
    found = {str(path.relative_to(ROOT)): lost("\n".join(said_in(path.read_text()))) for path in sources}
    assert {path: names for path, names in found.items() if names} == {}


def test_a_name_of_nothing_would_be_found() -> None:
    assert lost("see gate.passage.machine.step and gate.passage.nowhere, or gate.toml") == ["gate.passage.nowhere"]
    assert lost("gate.passage.machine.nothing_of_it") == ["gate.passage.machine.nothing_of_it"]
