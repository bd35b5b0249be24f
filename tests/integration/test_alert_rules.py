"""What Prometheus itself says of the gate's metrics and of its alert rules: its own checker, on rules that are played minute by minute."""

from __future__ import annotations

import importlib
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fakes.gate_status import CONFIG, told

from gate.programs.screens.metrics import exposition
from gate_central.fleet import Row
from gate_central.metrics import exposition as central_exposition
from gate_central.tenants import Place

FOLDER = Path(__file__).parents[2] / "packaging/prometheus"
RULES = FOLDER / "portcullis.rules.yml"
STORY = Path(__file__).with_name("alert_rules.yml")
BOTH = [(RULES, STORY), (FOLDER / "portcullis-central.rules.yml", STORY.with_name("central_alert_rules.yml"))]


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


def test_prometheus_finds_nothing_to_say_about_centrals_metrics_either() -> None:
    place = Place("gate-0001", "north", "north-port", "Port of the north")
    row = Row("gate-0001", place, "enrolled", 15, 2, 1, ("fork",), 1, "portcullis/1", "2026-11-25T10:00:00.000Z", None)
    given = central_exposition([row], datetime(2026, 11, 25, 11, tzinfo=UTC))
    checked = promtool("check", "metrics", given=given)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


@pytest.fixture(name="story")
def a_story(tmp_path: Path) -> Path:
    file = tmp_path / "story.yml"
    file.write_text(STORY.read_text().replace("RULES", str(RULES)))
    return file


@pytest.mark.parametrize(("rules", "played"), BOTH, ids=["gate", "central"])
def test_each_alert_is_raised_when_it_should_be_and_none_else(tmp_path: Path, rules: Path, played: Path) -> None:
    story = tmp_path / "story.yml"
    story.write_text(played.read_text().replace("RULES", str(rules)))
    done = promtool("test", "rules", str(story))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("rules", "played"), BOTH, ids=["gate", "central"])
def test_every_alert_has_its_story(rules: Path, played: Path) -> None:
    alerts = [rule["alert"] for group in loaded(rules)["groups"] for rule in group["rules"]]
    told = [
        one["alertname"]
        for test in loaded(played)["tests"]
        for one in test.get("alert_rule_test", ())
        if one["exp_alerts"]
    ]
    assert sorted(told) == sorted(alerts)


def test_a_series_that_began_with_its_first_event_would_raise_nothing(story: Path) -> None:
    story.write_text(story.read_text().replace('values: "0x3 1x9"', 'values: "1x9"'))
    played = promtool("test", "rules", str(story))
    assert played.returncode != 0
    assert "GateTampered" in played.stdout + played.stderr
