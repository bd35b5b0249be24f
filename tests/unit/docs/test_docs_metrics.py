"""docs/protocols/metrics.md has the metrics that there are, and the alert rules name no others.

`python tests/unit/docs/test_docs_metrics.py` draws the table.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gate.passage.names import IncidentKind
from gate.programs.lane.health_counters import STAGES
from gate.programs.screens.metrics import METRICS
from gate.programs.screens.metrics import Metric as GateMetric
from gate.programs.shared.degraded_modes import Lane
from gate_central.evidence import Kind
from gate_central.fleet import SILENT
from gate_central.metrics import METRICS as CENTRALS
from gate_central.metrics import Metric as CentralMetric

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/protocols/metrics.md"
RULES = ROOT / "packaging/prometheus/portcullis.rules.yml"
CENTRAL_RULES = RULES.with_name("portcullis-central.rules.yml")
PARTS = ("_bucket", "_sum", "_count")


def table(metrics: Sequence[GateMetric | CentralMetric] = METRICS) -> str:
    rows = [
        f"| `{one.name}` | {one.kind} | {', '.join(f'`{label}`' for label in one.labels) or 'none'} | {one.help} |"
        for one in metrics
    ]
    return "\n".join(["| metric | kind | labels | meaning |", "| --- | --- | --- | --- |", *rows])


def names() -> set[str]:
    found = {"portcullis_build_info"}
    for one in METRICS:
        found |= {f"{one.name}{part}" for part in PARTS} if one.kind == "histogram" else {one.name}
    return found


def expressions(rules: Path = RULES) -> list[str]:
    yaml: Any = importlib.import_module("yaml")
    groups = yaml.safe_load(rules.read_text())["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


def test_the_page_has_every_metric() -> None:
    assert table() in PAGE.read_text()
    assert table(CENTRALS) in PAGE.read_text()


def test_centrals_rules_name_metrics_and_alarms_that_there_are() -> None:
    for expression in expressions(CENTRAL_RULES):
        named = set(re.findall(r"\b(portcullis_\w+)", expression))
        assert named <= {one.name for one in CENTRALS}
        assert named or expression.startswith("up{")
        for words in re.findall(r'kind=~?"([^"]+)"', expression):
            assert set(words.split("|")) <= {*(one.value for one in Kind), SILENT}


def test_names_are_prometheus_own_way() -> None:
    for one in METRICS:
        assert re.fullmatch(r"portcullis_[a-z_]+", one.name)
        assert one.name.endswith("_total") is (one.kind == "counter")
        assert one.kind in {"counter", "gauge", "histogram"}
    assert len({one.name for one in METRICS}) == len(METRICS)


def test_rules_name_metrics_and_words_that_there_are() -> None:
    known = names()
    for expression in expressions():
        named = set(re.findall(r"\b(portcullis_\w+)", expression))
        assert named <= known, named - known
        assert named or expression.startswith("up{")
        for label, words in re.findall(r'(\w+)=~?"([^"]+)"', expression):
            allowed = {
                "incident": {one.value for one in IncidentKind},
                "lane": {one.value for one in Lane},
                "stage": set(STAGES),
                "job": {"portcullis"},
            }[label]
            assert set(words.split("|")) <= allowed


if __name__ == "__main__":
    print(table(), table(CENTRALS), sep="\n\n")  # noqa: T201
