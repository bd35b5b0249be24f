"""Programs that die, hang or start with something broken: the lane stays safe, the rest goes on, and nothing needs a restart."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from fakes.remains import family_of
from fakes.whole_gate import PROGRAMS, Gate, running

from gate.cli.models import default_folder
from gate.programs.shared.runner import status_of
from gate_core.evidence.screen import Screen
from gate_demo import director
from gate_demo import stage as staging
from gate_demo import world as worlds
from gate_demo.director import DirectorError

pytestmark = pytest.mark.e2e

on_one_loop = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gate() -> AsyncIterator[Gate]:
    """One gate for all troubles that leave it whole."""
    made = Path(tempfile.mkdtemp(prefix="gate-"))
    try:
        async with running(made) as gate:
            yield gate
    finally:
        shutil.rmtree(made)


@pytest.mark.long
@on_one_loop
async def test_programs_that_die_or_hang_are_noticed_and_come_back_while_the_rest_goes_on(gate: Gate) -> None:
    await gate.until(Screen.WELCOME)
    others = {name: gate.family.children[name].pid for name in PROGRAMS}
    for name in ("vision", "log"):
        gate.screens.clear()
        gate.family.children[name].kill()
        await gate.until(Screen.CLOSED)
        await gate.until(Screen.WELCOME)
        assert await gate.passes()
    gate.family.children["screens"].kill()
    assert await gate.passes()
    assert gate.family.children["lane"].pid == others["lane"]


@on_one_loop
@pytest.mark.long
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_document_child_that_dies_or_hangs_refers_its_traveller_and_the_next_one_passes(
    gate: Gate, how: signal.Signals
) -> None:
    await gate.until(Screen.WELCOME)
    gate.screens.clear()
    visiting = asyncio.ensure_future(gate.passages())
    await gate.until(Screen.LOOK)
    lane = gate.family.children["lane"].pid
    assert lane is not None
    for child in family_of(lane)[1:]:
        os.kill(child, how)
    assert await visiting == 0
    assert Screen.OFFICER in gate.screens
    assert Screen.GO not in gate.screens
    assert await gate.passes()
    assert gate.family.children["lane"].pid == lane


@on_one_loop
async def test_a_log_that_hangs_admits_nobody_and_loses_nothing(gate: Gate) -> None:
    await gate.until(Screen.WELCOME)
    gate.screens.clear()
    pid = gate.family.children["log"].pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    asyncio.get_running_loop().call_later(8, os.kill, pid, signal.SIGCONT)
    assert await gate.passages() == 0
    assert Screen.GO not in gate.screens
    assert await gate.passes()
    async with asyncio.timeout(30):
        while (status := await status_of(gate.stage.config, "log")) is None or status.detail["open_crossings"]:  # noqa: ASYNC110 - the log tells nobody by itself
            await asyncio.sleep(0.1)


@pytest.mark.long
async def test_a_model_with_one_changed_byte_closes_the_lane_before_anybody_is_invited(
    short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(director, "SETTLED_DEADLINE_S", 6.0)
    models = short_path / "models"
    shutil.copytree(default_folder(), models)
    weights = bytearray((models / "fr_feature.onnx").read_bytes())
    weights[len(weights) // 2] ^= 1
    (models / "fr_feature.onnx").write_bytes(weights)
    async with running(short_path, models=models) as gate:
        await gate.until(Screen.CLOSED)
        with pytest.raises(DirectorError, match="the lane shows closed instead of inviting"):
            await gate.passages()
        assert not {Screen.WELCOME, Screen.GO} & set(gate.screens)
        status = await status_of(gate.stage.config, "vision")
        assert status is not None
        assert status.state == "degraded"


def test_a_gate_in_service_does_not_start_on_the_simulators_parts(short_path: Path) -> None:
    table = (
        'purpose = "service"\ngate_id = "g"\noperator = "o"\n[barrier]\nport = "/dev/pts/1"\n[swipe]\nport = "x"\n'
        '[camera]\naddress = "http://127.0.0.1/"\n[audit]\nrecipients = ["a"]\n'
    )
    (short_path / "gate.toml").write_text(table)
    for command in (["run", "lane"], ["run"], ["status"], ["selftest", "--json"]):
        done = subprocess.run(
            [sys.executable, "-m", "gate.cli", *command, "--config", str(short_path / "gate.toml")],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert done.returncode == 78, command
        assert len(done.stderr.strip().splitlines()) == 1
        assert "portcullis-sim is the simulator's" in done.stderr


@pytest.mark.long
async def test_the_selftest_finds_everything_well_and_says_what_is_not(short_path: Path) -> None:
    (short_path / "world").mkdir()
    (short_path / "state").mkdir()
    async with worlds.start(short_path / "world", seed=1, reader="elyctis", log=short_path / "world.log") as world:
        stage = staging.prepare(
            short_path,
            world.ready,
            state=short_path / "state",
            models=default_folder(),
            face_profile="standard",
            enrol=lambda _: None,
        )
        command = [sys.executable, "-m", "gate.cli", "selftest", "--json", "--config", str(stage.config_path)]

        async def selftest() -> tuple[int, dict[str, dict[str, object]]]:
            done = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
            out, _ = await done.communicate()
            assert done.returncode is not None
            return done.returncode, {check["id"]: check for check in json.loads(out)["checks"]}

        code, checks = await selftest()
        assert (code, [name for name, check in checks.items() if not check["ok"]]) == (1, ["service"])  # not started
        (short_path / "keys/log.key").chmod(0o644)
        code, checks = await selftest()
        assert (code, [name for name, check in checks.items() if not check["ok"]]) == (1, ["log_key", "service"])
