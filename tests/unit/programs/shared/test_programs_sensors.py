"""The sensor unit that a configuration means: optional, built from its profile, tried by the self-test, and never a demo's in service."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
import tomli_w
from fakes.small_gate import NOTICE

from drivers.sensors.driver import ModbusSensors
from drivers.sensors.settings import Modbus
from gate.programs.selftest import TESTS
from gate.programs.shared.config import Config, load
from gate.programs.shared.devices import sensors
from gate.programs.shared.devices.profiles import require_profiles
from gate_core.errors import LinkLostError, NoReplyError, NotWellError, SetupError
from gate_core.settings.config_file import ConfigError
from hardware_sim.pty import SerialLine
from hardware_sim.sensors.device import SensorDevice


def configured(folder: Path, *, purpose: str = "trial", **table: str | int) -> Config:
    """A gate with such a table [sensors]; with none when nothing is said."""
    path = folder / "gate.toml"
    settings: dict[str, object] = {
        "gate_id": "gate-1",
        "operator": "border.example",
        "purpose": purpose,
        "barrier": {"driver": "framed", "port": "/dev/portcullis-barrier", "profile": "ds205a"},
        "swipe": {"port": "/dev/s"},
        "camera": {"address": "https://192.0.2.7/", "certificate_sha256": "ab" * 32},
        "audit": {"recipients": ["age1a", "age1b"]},
        "notice": NOTICE,
    }
    path.write_bytes(tomli_w.dumps({**settings, **({"sensors": table} if table else {})}).encode())
    return load(path)


async def test_a_lane_with_one_door_has_none(tmp_path: Path) -> None:
    config = configured(tmp_path)
    assert config.sensors is None
    require_profiles(config)
    assert await TESTS["sensors"](config) == "none: a lane with one door"


@pytest.mark.parametrize("profile", ["portcullis-sim", "inputs-8"])
def test_a_unit_is_built_from_its_profile(tmp_path: Path, profile: str) -> None:
    config = configured(tmp_path, port="/dev/portcullis-sensors", profile=profile)
    require_profiles(config)
    assert config.sensors == Modbus(port="/dev/portcullis-sensors", profile=profile, baud=9600, unit=1, poll_ms=100)
    assert isinstance(sensors.sensors(config.sensors), ModbusSensors)
    assert not sensors.is_verified(config.sensors)


def test_a_barriers_profile_is_none_of_a_sensor_unit(tmp_path: Path) -> None:
    config = configured(tmp_path, port="/dev/s1", profile="relay-8")
    with pytest.raises(
        ConfigError, match=r"sensors.profile: there is no profile 'relay-8' in drivers/profiles/sensors"
    ):
        require_profiles(config)
    assert config.sensors is not None
    with pytest.raises(SetupError):
        sensors.sensors(config.sensors)


def test_what_is_wrong_with_a_sites_file_is_told_with_file_line_and_key(tmp_path: Path) -> None:
    own = tmp_path / "hall-3.toml"
    shipped = (Path(__file__).parents[4] / "drivers/profiles/sensors/inputs-8.toml").read_text()
    own.write_text(shipped.replace("age = { input = 1 }", "age = { input = 1, bit = 0 }"))
    own.chmod(0o644)
    line = shipped[: shipped.index("age = ")].count("\n") + 1
    with pytest.raises(ConfigError, match=rf"^{own}:{line}: status.age: is a number"):
        require_profiles(configured(tmp_path, port="/dev/s1", profile=str(own)))


def test_no_gate_in_service_counts_people_on_a_simulators_profile_or_line(tmp_path: Path) -> None:
    configured(tmp_path, purpose="service", port="/dev/portcullis-sensors", profile="inputs-8")
    for table in ({"port": "/dev/s1"}, {"port": "/dev/pts/1", "profile": "inputs-8"}):
        configured(tmp_path, **table)
        with pytest.raises(ConfigError, match=r"sensors\.p[a-z]+: purpose = service refuses"):
            configured(tmp_path, purpose="service", **table)
    own = tmp_path / "hall-3.toml"
    own.write_text((Path(__file__).parents[4] / "drivers/profiles/sensors/portcullis-sim.toml").read_text())
    own.chmod(0o644)
    config = configured(tmp_path, purpose="service", port="/dev/portcullis-sensors", profile=str(own))
    with pytest.raises(
        ConfigError, match=r'sensors\.profile: purpose = service refuses: it says verified = "simulator"'
    ):
        require_profiles(config)


async def test_the_self_test_says_what_was_found_or_that_nothing_is_there(tmp_path: Path) -> None:
    line = SerialLine(tmp_path / "sensors", SensorDevice("inputs-8", lambda *_, **__: None), baud=9600)
    config = configured(tmp_path, port=str(line.path), profile="inputs-8")
    with pytest.raises(LinkLostError, match="cannot be opened"):
        await TESTS["sensors"](config)
    line.start()
    try:
        said = await found(config)
    finally:
        line.stop()
    assert said.startswith("0 inside, no object left, measured ")
    assert said.endswith(", session 1; this profile was not tried on a real unit")


async def found(config: Config) -> str:
    """What the self-test says once the unit has warmed up."""
    for _ in range(8):
        with contextlib.suppress(NotWellError, NoReplyError):
            return await TESTS["sensors"](config)
    raise AssertionError("it does not get well")
