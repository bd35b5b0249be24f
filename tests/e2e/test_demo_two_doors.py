"""The demo in a lane of two doors: every scenario once, with the real programs, two boards and a sensor unit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hardware_sim.scenario import Lane, read_scenarios, scenario_folder

pytestmark = pytest.mark.e2e

SCENARIOS = {name: one for name, one in read_scenarios(scenario_folder(), Lane.TWO_DOOR).items() if one.lays is None}


def demo(*arguments: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gate.cli", "demo", "--headless", "--json", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)


@pytest.mark.long
def test_every_scenario_ends_as_it_says_and_both_doors_open_rightly(tmp_path: Path) -> None:
    arguments = ["--lane", "two-door", "--travellers", str(len(SCENARIOS) + 4), "--seed", "11", "--keep", str(tmp_path)]
    done = demo(*arguments, timeout_s=1_200)
    assert done.stdout, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 0, (document["differences"], document["wrong"], document["different_in_log"])
    assert document["as_expected"]
    assert document["lane"] == "two-door"
    assert document["wrong_openings"] == 0
    assert document["audit"]["verified"]
    assert document["synced"]["entries"] == document["audit"]["entries"]

    first, last = document["doors"]["first"], document["doors"]["last"]
    assert (first["wrong"], last["wrong"]) == (0, 0)
    through = sum(one.passages for one in SCENARIOS.values()) + 4
    assert last["passages"] >= through
    assert document["genuine"] == {"total": 5, "admitted": 5}
    assert first["passages"] > last["passages"], "some went back"
    assert {"way_back", "help_called", "left_object", "first_barrier_lost", "sensors_lost"} <= document[
        "incidents"
    ].keys()
    truth = (tmp_path / "ground-truth.jsonl").read_text()
    assert all(f'"scenario": "{name}"' in truth for name in SCENARIOS)


def test_a_lane_that_nobody_builds_is_a_wrong_usage() -> None:
    done = demo("--lane", "three-door", timeout_s=60)
    assert done.returncode == 2
    assert "two-door" in done.stderr
