"""Updates from a central server that runs, over mutual TLS, by the sync program that runs; and one that was hacked."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from fakes.mirrored_gate import Central, MirroredGate, gate_command
from lab_fakes.updates import Operator

from gate.updates.layout import Kind

pytestmark = pytest.mark.long


def until(condition: Callable[[], Any]) -> Any:
    deadline_s = time.monotonic() + 30
    while not (found := condition()):
        assert time.monotonic() < deadline_s
        time.sleep(0.2)
    return found


def test_a_gate_fetches_what_its_operator_publishes_and_nothing_that_a_hacked_server_makes_of_it(
    short_path: Path,
) -> None:
    operator = Operator(short_path / "operator")
    operator.publish(Kind.LISTS, {"a.crl": b"one"})
    (short_path / "central").mkdir()
    central = Central(short_path / "central", updates=operator.repo)
    central.init()
    gate = MirroredGate.make(short_path / "gate")
    with central.running():
        gate.enrol(central)
        (gate.root / "root.json").write_bytes(operator.first_root)
        table = {"root": str(gate.root / "root.json"), "folder": str(gate.root / "fetched"), "check_every_ms": 1000}
        with gate.file.open("ab") as file:
            file.write(tomli_w.dumps({"updates": table}).encode())

        def told() -> dict[str, Any]:
            found: dict[str, Any] = (
                gate_command("sync", "status", "--config", str(gate.file), check=False).get("updates") or {}
            )
            return found

        with gate.syncing():
            until(lambda: told().get("fetched") == {"lists": {"number": 1, "name": "one"}})
            operator.publish(Kind.LISTS, {"a.crl": b"two"}, name="two")
            until(lambda: told()["fetched"]["lists"]["number"] == 2)
            before = {
                path: path.read_bytes() for path in (gate.root / "fetched" / "repository").rglob("*") if path.is_file()
            }
            operator.twist(
                "lists", lambda signed: signed["targets"].clear(), signers=Operator(short_path / "thief").signers()
            )
            assert "do not hold" in until(lambda: told()["problem"])
            after = {
                path: path.read_bytes() for path in (gate.root / "fetched" / "repository").rglob("*") if path.is_file()
            }
            assert after == before
