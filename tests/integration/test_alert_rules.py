"""What Prometheus itself says of the gate's metrics and of its alert rules: its own checker, on rules that are played minute by minute."""

from __future__ import annotations

import importlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from drivers.barrier.settings import Modbus
from drivers.camera.settings import Network
from drivers.reader.settings import Elyctis
from gate.channel.messages import Status
from gate.passage.screen import Purpose
from gate.programs.lane.tally import Tally
from gate.programs.screens.metrics import exposition
from gate.programs.shared.config import Audit, Config
from gate.programs.shared.told import Told

RULES = Path(__file__).parents[2] / "packaging/prometheus/portcullis.rules.yml"
STORY = Path(__file__).with_name("alert_rules.yml")
CONFIG = Config(
    purpose=Purpose.TRIAL,
    gate_id="g",
    operator="o",
    barrier=Modbus(port="/dev/b"),
    swipe=Elyctis(port="/dev/s"),
    camera=Network(address="http://127.0.0.1:1/"),
    audit=Audit(recipients=("age1x",)),
)


def promtool(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    found = shutil.which("promtool")
    assert found, "scripts/setup installs it"
    return subprocess.run([found, *arguments], input=given, capture_output=True, text=True, timeout=60, check=False)


def loaded(file: Path) -> Any:
    yaml: Any = importlib.import_module("yaml")
    return yaml.safe_load(file.read_text())


def test_prometheus_reads_the_metrics_and_finds_nothing_to_say_about_them() -> None:
    lane = {"state": "idle", "clock_sure": True, "trust_age_days": 1.0, "counters": Tally().detail()}
    told = Told.of({"lane": Status("lane", "ready", lane), "log": Status("log", "ready", {"entries": 3})})
    checked = promtool("check", "metrics", given=exposition(told, CONFIG, version="1"))
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


@pytest.fixture(name="story")
def a_story(tmp_path: Path) -> Path:
    file = tmp_path / "story.yml"
    file.write_text(STORY.read_text().replace("RULES", str(RULES)))
    return file


def test_each_alert_is_raised_when_it_should_be_and_none_else(story: Path) -> None:
    played = promtool("test", "rules", str(story))
    assert played.returncode == 0, played.stdout + played.stderr


def test_every_alert_has_its_story() -> None:
    alerts = [rule["alert"] for group in loaded(RULES)["groups"] for rule in group["rules"]]
    told = [
        one["alertname"]
        for test in loaded(STORY)["tests"]
        for one in test.get("alert_rule_test", ())
        if one["exp_alerts"]
    ]
    assert sorted(told) == sorted(alerts)


def test_an_alert_that_is_not_raised_is_noticed(story: Path) -> None:
    story.write_text(
        story.read_text().replace('values: "0x3 1x9"', 'values: "1x9"')
    )  # a series that begins with its first event
    played = promtool("test", "rules", str(story))
    assert played.returncode != 0
    assert "GateTampered" in played.stdout + played.stderr
