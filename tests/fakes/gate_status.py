"""A gate on trial whose programs say that all is well, but for what a test has the lane say."""

from __future__ import annotations

from typing import Any

from drivers.barrier.settings import Modbus
from drivers.camera.settings import Network
from drivers.reader.settings import Elyctis
from gate.channel.message import Status
from gate.programs.lane.health_counters import Tally
from gate.programs.shared.config import Audit, Config, Officers
from gate.programs.shared.program_status import ProgramStatus
from gate_core.evidence.screen import Purpose

CONFIG = Config(
    purpose=Purpose.TRIAL,
    gate_id="g",
    operator="o",
    barrier=Modbus(port="/dev/b"),
    swipe=Elyctis(port="/dev/s"),
    camera=Network(address="http://127.0.0.1:1/"),
    audit=Audit(recipients=("age1x",)),
    officers=Officers(authority="A" * 43 + "="),
)
LANE: dict[str, Any] = {
    "state": "idle",
    "in_service": True,
    "officer_seen_ago_s": 1.0,
    "clock_sure": True,
    "trust_age_days": 1.0,
    "barrier_line": {"requests": 7, "silences": 1},
    "leaves": {"last": {"opening_ms": 600, "closing_ms": None, "slow": False}},
    "counters": Tally().detail(),
}


def told(**lane: Any) -> ProgramStatus:
    return ProgramStatus.of(
        {
            "log": Status("log", "ready", {"takes_admissions": True, "entries": 12}),
            "vision": Status("vision", "ready", {}),
            "lane": Status("lane", "ready", {**LANE, **lane}),
            "screens": Status("screens", "ready", {"page": "shown", "pages": 1}),
        }
    )
