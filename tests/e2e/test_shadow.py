"""A whole gate in shadow mode: it sees, decides and records, an officer does the work, and the barrier's line is never opened."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fakes.whole_gate import running

from gate_core.evidence.screen import Screen

pytestmark = [pytest.mark.e2e, pytest.mark.long]


def gate(*arguments: str | Path) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "gate.cli", *map(str, arguments), "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout) if done.stdout else None


def holds(pid: int | None, port: str) -> bool:
    """True when the process has this line open."""
    return any(one.readlink() == Path(port).resolve() for one in Path(f"/proc/{pid}/fd").iterdir())


async def test_a_gate_that_watches_decides_beside_the_officer_and_opens_nothing(short_path: Path) -> None:
    async with running(short_path, tables={"mode": "shadow"}) as at:
        await at.until(Screen.WELCOME)
        assert (await at.visit("genuine")).passed == 0
        assert (await at.visit("someone_elses_passport")).passed == 0
        assert not holds(at.family.children["lane"].pid, at.world.ready.barrier)
        status = gate("status", "--config", at.stage.config_path)
        assert status["detail"]["lane"]["mode"] == "shadow"
        assert status["detail"]["lane"]["barrier_line"] == {}
        gate("audit", "export", "--spool", at.stage.config.paths.spool, "--out", short_path / "shadow.bundle")
        identity = at.stage.identities[0]
    report = gate("shadow", "report", short_path / "shadow.bundle", "--identity", identity)
    assert (report["crossings"], report["settled"]) == (2, 2)
    assert {one["reason"] for one in report["disagreed"]} >= {"would_admit", "face_below_threshold"}
