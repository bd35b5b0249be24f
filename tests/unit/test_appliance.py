"""Nothing lies on an appliance that no unit, no child that a unit starts, and no operator's command can load."""

from __future__ import annotations

import ast
import importlib
import tomllib
from collections.abc import Iterable, Mapping

from fakes.roots import PACKAGES, ROOT

from gate_core.command_line.distributions import GROUP

# The distributions of the package portcullis (packaging/debian/rules), and what they carry.
APPLIANCE = {
    ".": ("gate", "drivers", "models"),
    "core": ("gate_core",),
    "documents": ("gate_documents",),
    "verify": ("gate_verify",),
}
# Who names a module in a string, to start it as a child or to look beside it: no other string loads anything.
NAMED = {
    "gate.programs.lane.list_renewal": "gate.programs.lane.document.child",
    "gate.programs.lane.program": "gate.programs.lane.lane",
    "gate.programs.shared.supervisor": "gate.cli",
    "gate.programs.sync.lists": "gate.programs.sync.lists_child",
    "gate.provision.answer_checks": "drivers.profiles",
    "gate.programs.vision.face_children": "gate.programs.vision.face_child",
    "gate.programs.vision.page_source": "gate.programs.vision.page_source_child",
}
# What lies there all the same, each with why.
EXCEPTIONS = {
    "gate_core.__main__": "central's environment is started by it (packaging/gate)",
    "gate_documents.lds.dtc": "a library's own: digital travel credentials, which the lab's `gate document verify-credential` judges",
    "gate_documents.seal.judge": "a library's own: visible seals, which the lab's `gate document verify-seal` judges",
    "gate_documents.seal.vds": "the same",
}


def sources() -> dict[str, str]:
    places = [PACKAGES[name] for names in APPLIANCE.values() for name in names]
    return {
        ".".join(file.relative_to(place.parent).with_suffix("").parts).removesuffix(".__init__"): file.read_text()
        for place in places
        for file in place.rglob("*.py")
    }


def commands() -> set[str]:
    """The modules of the registered nouns, and what else the distributions name as entry points."""
    found: set[str] = set()
    for folder in APPLIANCE:
        project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
        for group, names in project.get("entry-points", {}).items():
            found |= set(names.values())
            for name in names.values() if group == GROUP else ():
                module = importlib.import_module(name)
                found |= {f"{module.__package__}.{noun.replace('-', '_')}" for noun in module.NOUNS}
    return found


def units() -> set[str]:
    """The modules that systemd's files start: a program by its name, or a module."""
    found: set[str] = set()
    for line in (line for file in (ROOT / "systemd").glob("*.service") for line in file.read_text().splitlines()):
        match line.removeprefix("ExecStart=").split():
            case ["/usr/bin/gate", "run", name]:
                found.add(f"gate.programs.{name}.program")
            case [python, "-sP", "-m", module, *_] if python.endswith("/python3"):
                found.add(f"{module}.__main__")
            case _:
                pass
    return found


def loads(module: str, source: str, named: Mapping[str, str]) -> set[str]:
    """What a module imports anywhere, or is known to name in a string; what only the type checker sees is not loaded."""
    found, tree = {module.rpartition(".")[0]}, ast.parse(source)
    unseen = {
        id(below)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
        for statement in node.body
        for below in ast.walk(statement)
    }
    for node in ast.walk(tree):
        match node:
            case _ if id(node) in unseen:
                pass
            case ast.Import(names=names):
                found |= {one.name for one in names}
            case ast.ImportFrom(module=str(origin), names=names):
                found |= {origin, *(f"{origin}.{one.name}" for one in names)}
            case ast.Constant(value=str(text)) if named.get(module) == text:
                found |= {text, f"{text}.__main__"}
            case _:
                pass
    return found


def unreached(files: Mapping[str, str], roots: Iterable[str], named: Mapping[str, str]) -> set[str]:
    reached, waiting = set[str](), list(roots)
    while waiting:
        module = waiting.pop()
        if module in files and module not in reached:
            reached.add(module)
            waiting += loads(module, files[module], named)
    return set(files) - reached


def test_every_module_of_the_appliance_is_loaded_by_a_unit_a_child_or_a_command() -> None:
    assert unreached(sources(), {*units(), *commands()}, NAMED) == set(EXCEPTIONS)


def test_the_roots_are_there() -> None:
    files, roots = sources(), {*units(), *commands()}
    assert roots <= files.keys()
    assert len(units()) == 7
    assert {"gate.cli.status", "gate_verify.commands.audit", "gate.programs.lane.decision_replay"} <= roots


def test_a_module_that_nothing_loads_is_found() -> None:
    files = {
        "gate": "",
        "gate.unit": "from gate import used\nrun('gate.child')\nif typing.TYPE_CHECKING:\n    from gate.types import T",
        "gate.used": "log('gate.mentioned')",
        "gate.child": "",
        "gate.types": "",
        "gate.forgotten": "",
        "gate.mentioned": "",
    }
    named = {"gate.unit": "gate.child", "gate.used": "gate.forgotten"}  # of which the second names it no more
    assert unreached(files, ["gate.unit"], named) == {"gate.types", "gate.forgotten", "gate.mentioned"}
