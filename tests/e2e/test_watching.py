"""The whole gate as whoever watches it sees it: well, without an officer, without its lane; and what a maker is sent then."""

from __future__ import annotations

import asyncio
import json
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fakes.tiny_models import real_models
from fakes.whole_gate import Gate, running

from gate_core.command_line.output import Exit
from gate_core.evidence.screen import Screen

pytestmark = [pytest.mark.e2e, pytest.mark.long]

DEADLINE_S = 60.0


async def asked(gate: Gate, *words: str) -> tuple[int, dict[str, Any]]:
    """What a `gate` command says of this gate."""
    command = (sys.executable, "-m", "gate.cli", *words, "--json", "--config", str(gate.stage.config_path))
    done = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await done.communicate()
    assert done.returncode is not None
    document: dict[str, Any] = json.loads(out)
    return done.returncode, document


async def until(ask: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
    """The first answer of which this holds."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            if holds(answer := await ask()):
                return answer
            await asyncio.sleep(0.5)


def modes(document: dict[str, Any]) -> set[str]:
    return {one["mode"] for one in document["degraded"]}


async def test_what_is_seen_of_a_gate(short_path: Path) -> None:
    async with running(short_path, models=real_models()) as gate, httpx2.AsyncClient() as client:
        address = f"http://127.0.0.1:{gate.stage.config.screens.port}"

        async def ready() -> Any:
            return await client.get(f"{address}/readyz")

        await gate.until(Screen.WELCOME)
        answer = await until(ready, lambda one: one.status_code == 200)
        assert answer.json() == {"ready": True, "reasons": []}
        code, status = await asked(gate, "status")
        assert (code, modes(status) - {"machine_late", "throttled"}) == (Exit.OK, set())
        assert await gate.passes()
        await gate.until(Screen.WELCOME)
        lines = (await client.get(f"{address}/metrics")).text.splitlines()
        assert 'portcullis_crossings_total{verdict="admitted"} 1' in lines
        assert 'portcullis_stage_seconds_count{stage="passed"} 1' in lines
        assert any(line.startswith('portcullis_leaf_seconds{door="last",movement="opening"}') for line in lines)
        assert any(line.startswith("portcullis_camera_frames_per_second ") for line in lines)
        code, tested = await asked(gate, "selftest")
        states = {one["id"]: one["state"] for one in tested["checks"]}
        assert {states[name] for name in ("barrier", "swipe", "chip")} == {"busy"}
        assert {name for name, state in states.items() if state == "wrong"} == set()
        assert code == Exit.TRY_LATER

        gate.officer.absent = True
        answer = await until(ready, lambda one: one.status_code == 503)
        assert answer.json()["reasons"] == ["officer_absent"]
        assert "officer_absent" in modes((await asked(gate, "status"))[1])

        await gate.family.stop("lane")
        answer = await until(ready, lambda one: "lane_away" in one.json()["reasons"])
        code, status = await asked(gate, "status")
        assert (code, status["lane"]) == (Exit.UNREACHABLE, "away")
        assert "lane_away" in modes(status)
        code, made = await asked(gate, "support-bundle", "--out", str(short_path / "support.tar"))
        assert code == Exit.OK
        assert any("the lane does not answer" in one for one in made["missing"])
        with tarfile.open(short_path / "support.tar") as tar:
            assert {f"support/{one['name']}" for one in made["files"]} | {"support/manifest.json"} == set(
                tar.getnames()
            )
