"""What Prometheus itself says of the gate's metrics and of its alert rules: its own checker, on rules that are played minute by minute."""

from __future__ import annotations

import importlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from fakes.told_gate import CONFIG, told

from gate.programs.screens.metrics import exposition

RULES = Path(__file__).parents[2] / "packaging/prometheus/portcullis.rules.yml"
STORY = Path(__file__).with_name("alert_rules.yml")


def promtool(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    found = shutil.which("promtool")
    assert found, "scripts/setup installs it"
    return subprocess.run([found, *arguments], input=given, capture_output=True, text=True, timeout=60, check=False)


def loaded(file: Path) -> Any:
    yaml: Any = importlib.import_module("yaml")
    return yaml.safe_load(file.read_text())


def test_prometheus_reads_the_metrics_and_finds_nothing_to_say_about_them() -> None:
    checked = promtool("check", "metrics", given=exposition(told(), CONFIG, version="1"))
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


def test_a_series_that_began_with_its_first_event_would_raise_nothing(story: Path) -> None:
    story.write_text(story.read_text().replace('values: "0x3 1x9"', 'values: "1x9"'))
    played = promtool("test", "rules", str(story))
    assert played.returncode != 0
    assert "GateTampered" in played.stdout + played.stderr
