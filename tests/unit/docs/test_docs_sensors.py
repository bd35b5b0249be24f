"""docs/protocols/sensors.md says what the code does: fields, keys, profiles, faults, orders, numbers."""

from __future__ import annotations

import dataclasses
import io
import json
import re
import tomllib
from importlib import resources
from pathlib import Path

from drivers.sensors.profile import SensorProfile, Status
from drivers.sensors.settings import Modbus
from gate_core.ports.values import InsideStatus
from hardware_sim.barrier import zone
from hardware_sim.device_server import serve_sensors
from hardware_sim.sensors import inside, unit
from hardware_sim.sensors.device import PROFILES

TEXT = (Path(__file__).resolve().parents[3] / "docs/protocols/sensors.md").read_text()


def test_every_field_key_profile_and_fault_has_its_row() -> None:
    for name in (field.name for field in dataclasses.fields(InsideStatus)):
        assert re.search(rf"^\| `{name}` \|", TEXT, flags=re.MULTILINE)
    keys = TEXT.partition("## The keys of a profile")[2].partition("## The maps")[0]
    for name in {*SensorProfile.__struct_fields__, *Status.__struct_fields__} - {"protocol", "status"}:
        assert re.search(rf"`(status\.)?{name}`", keys), name
    shipped = {
        entry.name.removesuffix(".toml") for entry in (resources.files("drivers.profiles") / "sensors").iterdir()
    }
    assert shipped == set(PROFILES)
    assert all(f"`{name}`" in TEXT for name in PROFILES)
    faults = TEXT.partition("| fault |")[2]
    assert set(re.findall(r"^\| `(\w+)` \|", faults, flags=re.MULTILINE)) == {fault.value for fault in unit.Fault}


def test_the_table_of_the_configuration_is_one() -> None:
    (table,) = re.findall(r"```toml\n(.*?)```", TEXT, flags=re.DOTALL)
    assert Modbus(**tomllib.loads(table)["sensors"]).poll_ms == 100


def test_the_numbers_are_the_codes() -> None:
    assert f"over a lane of {inside.LANE_M:g} m" in TEXT
    assert f"at {zone.WALK_M_S} m/s" in TEXT
    assert f"bounces for {inside.BOUNCE_MS:g} ms" in TEXT
    assert f"every {unit.MEASURE_MS:g} ms" in TEXT
    assert f"from {unit.APART_M} m on; things below {unit.SEEN_CM:g} cm" in TEXT
    assert f"needs {unit.WARM_UP_MS / 1000} s after power-up" in TEXT
    assert f"once it lasted {unit.DEBOUNCE_MS:g} ms, and is shown for {unit.SHOWN_MS / 1000:g} s" in TEXT
    assert f"closer than {unit.MERGED_M} m" in TEXT
    assert f"smaller than {unit.COARSE_CM:g} cm" in TEXT
    assert f"every {unit.RESTART_EVERY_MS / 1000:g} s" in TEXT


def test_every_order_that_is_written_out_is_obeyed(tmp_path: Path) -> None:
    orders = re.findall(r'`(\{"do":[^`]*\})`', TEXT)
    assert len(orders) >= 2
    out = io.StringIO()
    serve_sensors(
        "inputs-8",
        tmp_path / "sensors",
        number=1,
        baud=None,
        seed=1,
        orders=io.StringIO("\n".join(orders)),
        out=out,
    )
    answers = [json.loads(line)["event"] for line in out.getvalue().splitlines()]
    assert answers.count("done") == len(orders)
