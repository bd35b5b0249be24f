"""The tables of docs/operations.md that the code has: degraded modes. `python tests/unit/docs/test_docs_degraded.py` draws them."""

from __future__ import annotations

import re
from pathlib import Path

from gate.programs.shared.degraded_modes import MODES
from gate.programs.shared.lane_report import NOTICES

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/operations.md"
RULES = ROOT / "packaging/prometheus/portcullis.rules.yml"
CALLS = 10


def table() -> str:
    rows = [f"| `{one.name}` | {one.when} | {one.effect} | {one.tell} |" for one in MODES]
    return "\n".join(["| mode | when | the lane | tell |", "| --- | --- | --- | --- |", *rows])


def test_the_page_has_every_mode() -> None:
    assert table() in PAGE.read_text()


def test_each_call_says_what_is_seen_what_it_means_what_to_do_and_whom_to_call() -> None:
    calls = re.findall(r"^### \d+\. (.*?)(?=^###? |\Z)", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert len(calls) == CALLS
    for call in calls:
        seen, *others = re.findall(r"^\| ([`\w].*?) \|", call, flags=re.MULTILINE)
        assert seen in {"`gate status`", "`gate officer list`"}
        assert others == ["it means", "do", "call"]


def test_every_mode_that_a_call_names_is_one_and_none_that_closes_a_lane_is_without_a_call() -> None:
    before, _, _ = PAGE.read_text().partition("## What a gate does without")
    known = {mode.name for mode in MODES}
    words = set(re.findall(r"[a-z]+(?:_[a-z]+)+|throttled", before))
    assert set(re.findall(r"degraded ([a-z_]+)", before)) <= known
    severe = {mode.name for mode in MODES if mode.lane.value != "open"}
    assert severe - words <= {"sensors_gone", "cabinet_open", "mains_lost", "liveness_sensor_gone"}, (
        "these say themselves what to look at"
    )
    assert {"person_inside", "help_called"} <= set(NOTICES)


def test_every_alert_is_named_with_what_to_do() -> None:
    alerts = re.findall(r"- alert: (\w+)", RULES.read_text())
    assert re.findall(r"^\| `(Gate\w+)` \|", PAGE.read_text(), flags=re.MULTILINE) == alerts


if __name__ == "__main__":
    print(table())  # noqa: T201
