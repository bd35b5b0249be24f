"""A dictionary of anything stands only where a format is read that is not ours to name, or where a library is untyped."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fakes.roots import PACKAGES, ROOT

LOOSE = {
    "core/src/gate_core/settings/outside.py": "settings of another distribution's driver, which its own struct checks",
    "officers/src/gate_officers/authority/passkeys.py": "what WebAuthn calls JSON of a credential, which the library takes apart",
    "hardware-sim/src/gate_demo/stage.py": "the answer of any `gate` command: whoever asks knows which field they want",
    "hardware-sim/src/gate_demo/soak/installation.py": "the fields of the log's status, each of its own type",
    "hardware-sim/src/gate_demo/explore/clock.py": "the changed fields of a lane, each of its own type",
    "documents/src/gate_documents/pki/certificate.py": "the classes of asn1crypto, which is untyped",
    "gate/provision/enrolment.py": "gate.toml as it lies there, of which one table is replaced",
    "gate/rules/linter.py": "the facts of a traveller by their names, each of its own type",
    "gate/rules/profiling_guard.py": "the same",
    "gate/rules/parser.py": "a condition as TOML has it, read key by key",
    "officers/src/gate_officers/console/view.py": "what a page's template or script is told, as the JSON that it becomes",
    "gate/face/liveness/liveness_aggregate.py": "TOML, checked field by field as it becomes weights",
    "verify/src/gate_verify/bundle.py": "JSON that anybody may have written, matched field by field",
    "hardware-sim/src/hardware_sim/chip/travel.py": "JSON from the reader's process, as it becomes a passport",
    "hardware-sim/src/hardware_sim/device_server.py": "orders as JSON lines, checked as they are obeyed",
}


def loose_in(source: str) -> Iterator[str]:
    """Every annotation that is a mapping of words to anything, as it is written."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple):
            key, *rest = map(ast.unparse, node.slice.elts)
            if key == "str" and rest == ["Any"]:
                yield ast.unparse(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "[str, Any]" in node.value:
            yield node.value


def test_a_dictionary_of_anything_stands_only_where_a_reason_is_known() -> None:
    files = (path for place in PACKAGES.values() for path in place.rglob("*.py"))
    found = {str(path.relative_to(ROOT)) for path in files if any(loose_in(path.read_text()))}
    assert found == set(LOOSE)


def test_one_would_be_found() -> None:
    source = 'a: Mapping[str, Any] = {}\nb = cast("dict[str, Any]", a)\nc: dict[str, object]\nd: Channel[Any, Any]'
    assert list(loose_in(source)) == ["Mapping[str, Any]", "dict[str, Any]"]
