"""What a monitoring system is told: the text format, whether a traveller could pass, and nothing that a program makes up."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from fakes.gate_status import CONFIG, told

from gate.passage.names import IncidentKind
from gate.programs.lane.health_counters import Tally
from gate.programs.screens.metrics import METRICS, exposition
from gate.programs.shared.config import Screens
from gate.programs.shared.degraded_modes import reasons_against
from gate.programs.shared.program_status import ProgramStatus, Silence

# As the format has it: https://prometheus.io/docs/instrumenting/exposition_formats/
LINE = re.compile(r'[a-z_]+(\{[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(,[a-z_]+="(?:[^"\\\n]|\\["\\n])*")*\})? -?[0-9.e+-]+')


def test_every_line_is_of_the_text_format_and_every_metric_is_announced_once() -> None:
    text = exposition(told(counters={**Tally().detail(), "crossings": {"admitted": 3}}), CONFIG, version='1"\n\\')
    lines = text.splitlines()
    samples = [line for line in lines if not line.startswith("#")]
    assert samples
    assert not [line for line in samples if not LINE.fullmatch(line)]
    announced = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(set(announced)) == len(announced)
    assert set(announced) <= {one.name for one in METRICS} | {"portcullis_build_info"}
    assert 'portcullis_crossings_total{verdict="admitted"} 3' in lines
    assert 'portcullis_stage_seconds_bucket{stage="decided",le="+Inf"} 0' in lines
    assert 'portcullis_leaf_seconds{door="last",movement="opening"} 0.6' in lines
    assert "portcullis_lists_left_seconds 7689600" in lines


def test_labels_are_of_closed_vocabularies_whatever_a_program_says() -> None:
    strange = {"ERIKSSON<<ANNA": 1, "admitted": 2, 'x"} 1\nportcullis_ready 1': 3}
    counters = {**Tally().detail(), "crossings": strange, "reasons": strange, "incidents": strange, "guidance": strange}
    text = exposition(told(counters=counters, barrier_line=strange, closed_by="anna"), CONFIG, version="1")
    assert "ERIKSSON" not in text
    assert "anna" not in text
    assert text.count("\nportcullis_ready ") == 1


def test_what_has_not_happened_yet_is_counted_from_nought() -> None:
    lines = exposition(told(), CONFIG, version="1").splitlines()
    assert {f'portcullis_incidents_total{{incident="{one.value}"}} 0' for one in IncidentKind} <= set(lines)


def test_of_a_program_that_is_away_nothing_is_counted() -> None:
    away = ProgramStatus.of(
        {"lane": Silence.AWAY, "log": Silence.AWAY, "vision": Silence.AWAY, "screens": Silence.AWAY}
    )
    lines = exposition(away, CONFIG, version="1").splitlines()
    assert 'portcullis_program_up{program="lane"} 0' in lines
    assert "portcullis_ready 0" in lines
    assert not [
        line
        for line in lines
        if line.startswith(("portcullis_log_", "portcullis_orders", "portcullis_alarms", "portcullis_incidents"))
    ]


@pytest.mark.parametrize(
    ("lane", "against"),
    [
        ({}, []),
        ({"closed_by": "anna", "in_service": False}, ["closed_by_officer"]),
        ({"state": "emergency", "hinders": ["emergency"], "in_service": False}, ["emergency"]),
        ({"state": "referred"}, ["traveller_waits_for_officer"]),
        ({"state": "passing", "hinders": ["lane_not_closed"], "in_service": False}, []),
        ({"state": "idle", "hinders": ["lane_not_closed"], "in_service": False}, ["lane_not_closed"]),
        ({"hinders": ["lists_stale:trust"], "in_service": False}, ["lists_old"]),
        ({"lost": ["camera", "log"], "in_service": False}, ["camera_gone", "log_away"]),
        ({"officer_seen_ago_s": None}, ["officer_absent"]),
        ({"lost": ["something"], "in_service": False}, ["out_of_service"]),
    ],
)
def test_ready_means_that_a_traveller_could_pass(lane: dict[str, Any], against: list[str]) -> None:
    assert reasons_against(told(**lane), CONFIG) == against


def test_a_gate_that_only_watches_lets_nobody_pass() -> None:
    assert reasons_against(told(), msgspec.structs.replace(CONFIG, mode="shadow")) == ["shadow"]
    away = replace(told(), answers={"lane": Silence.NO_RIGHT})
    assert reasons_against(away, CONFIG) == ["lane_away"]


@pytest.mark.parametrize("address", ["192.0.2.5:9464", "[2001:db8::5]:9464"])
def test_a_management_address_is_an_ip_address_with_a_port(address: str) -> None:
    assert Screens(management=address).managed_at()[1] == 9464


@pytest.mark.parametrize(
    "address", ["gate.example:9464", "192.0.2.5", "192.0.2.5:80", "http://192.0.2.5:9464", "a@192.0.2.5:9464"]
)
def test_what_is_none_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="is no IP address with a port"):
        Screens(management=address)
