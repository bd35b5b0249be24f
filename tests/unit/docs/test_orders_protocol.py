"""docs/protocols/orders.md against the tables in the code and the vector."""

from __future__ import annotations

import json

from fakes.roots import ROOT

from gate_core.evidence.names import Role
from gate_core.orders.order import Lack
from gate_core.orders.verbs import VERBS

VECTORS = ROOT / "core/tests/vectors/officers_orders.json"
PROTOCOL = ROOT / "docs/protocols/orders.md"


def test_the_protocols_page_has_the_table_of_verbs_and_the_vector() -> None:
    page = PROTOCOL.read_text()
    for verb, rule in VERBS.items():
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{verb.value}` ")]
        assert f"| {rule.power.value} |" in row
        named = {role for role in Role if role.value in row}
        assert named == rule.roles or (rule.roles == frozenset(Role) - {Role.AUDITOR} and "all" in row), row
    assert all(f"`{lack.value}`" in page for lack in Lack)
    assert json.loads(VECTORS.read_text())["order"]["text"] in page.replace("\n", "")
