"""The barrier that a configuration means: driver and profile belong together, and service takes nothing that rests on assumptions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
import tomli_w
from fakes.small_gate import NOTICE

from drivers.barrier.contacts.driver import ContactsBarrier
from drivers.barrier.framed.driver import FramedBarrier
from drivers.barrier.settings import Framed
from gate.programs.shared.config import Config, load
from gate.programs.shared.devices.barriers import barrier, is_verified
from gate.programs.shared.devices.profiles import require_profiles
from gate_core.errors import SetupError
from gate_core.settings.config_file import ConfigError


def configured(
    folder: Path, *, purpose: str = "trial", changes: Mapping[str, str | int] = MappingProxyType({})
) -> Config:
    path = folder / "gate.toml"
    settings = {
        "gate_id": "gate-1",
        "operator": "border.example",
        "purpose": purpose,
        "barrier": {"driver": "framed", "port": "/dev/portcullis-barrier", "profile": "ds205a", **changes},
        "swipe": {"port": "/dev/s"},
        "camera": {"address": "https://192.0.2.7/", "certificate_sha256": "ab" * 32},
        "audit": {"recipients": ["age1a", "age1b"]},
        "notice": NOTICE,
    }
    path.write_bytes(tomli_w.dumps(settings).encode())
    return load(path)


@pytest.mark.parametrize("profile", ["ds205a", "italdis"])
def test_a_board_of_short_frames_is_built_from_its_profile(tmp_path: Path, profile: str) -> None:
    config = configured(tmp_path, changes={"profile": profile})
    require_profiles(config)
    assert isinstance(config.driven, Framed)
    assert isinstance(barrier(config.driven), FramedBarrier)
    assert config.driven.baud == 9600
    assert not is_verified(config.driven)


def test_a_gate_on_contacts_is_built_from_its_profile_and_has_no_line(tmp_path: Path) -> None:
    changes = {"driver": "contacts", "profile": "perco-pulse", "port": "/dev/gpiochip0"}
    config = configured(tmp_path, changes=changes)
    require_profiles(config)
    assert config.driven is not None
    assert isinstance(barrier(config.driven), ContactsBarrier)
    assert config.driven.simulated() == []
    assert not is_verified(config.driven)
    with pytest.raises(ConfigError, match="baud"):
        configured(tmp_path, changes={**changes, "baud": 9600})
    with pytest.raises(ConfigError, match=r"assumptions: Ready is closed while"):
        require_profiles(configured(tmp_path, purpose="service", changes=changes))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"driver": "modbus"}, "ds205a is no profile for barrier.driver = modbus"),
        ({"driver": "contacts"}, "ds205a is no profile for barrier.driver = contacts"),
        ({"profile": "perco-pulse"}, "perco-pulse is no profile for barrier.driver = framed"),
        ({"profile": "portcullis-sim"}, "portcullis-sim is no profile for barrier.driver = framed"),
        ({"profile": "italdis", "unit": 32}, "addresses 1 to 31"),
    ],
)
def test_what_does_not_belong_together_is_refused(tmp_path: Path, changes: dict[str, str | int], why: str) -> None:
    config = configured(tmp_path, changes=changes)
    with pytest.raises(ConfigError, match=f"barrier.profile: .*{why}"):
        require_profiles(config)
    assert config.driven is not None
    with pytest.raises(SetupError, match=why):
        barrier(config.driven)


def test_no_gate_in_service_takes_a_profile_that_rests_on_assumptions(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"assumptions: values of gate, .*bring-up-a-barrier"):
        require_profiles(configured(tmp_path, purpose="service"))


def test_a_board_whose_grants_never_end_is_refused_with_file_key_and_line(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[4] / "drivers/profiles/barrier/ds205a.toml"
    own = tmp_path / "hall-3.toml"
    own.write_text(shipped.read_text().replace('grant_ends_by = ["controller_ttl"]', "grant_ends_by = []"))
    own.chmod(0o644)
    line = own.read_text()[: own.read_text().index("grant_ends_by")].count("\n") + 1
    with pytest.raises(ConfigError, match=rf"{own}:{line}: grant_ends_by: is empty"):
        require_profiles(configured(tmp_path, changes={"profile": str(own)}))


@pytest.mark.parametrize("profile", ["lot", "portcullis-sim"])
def test_no_gate_in_service_takes_a_profile_that_was_tried_on_a_simulator_alone_whatever_its_file_is_called(
    tmp_path: Path, profile: str
) -> None:
    own = tmp_path / "hall-3.toml"
    shipped = (Path(__file__).parents[4] / f"drivers/profiles/barrier/{profile}.toml").read_text()
    own.write_text(shipped)
    own.chmod(0o644)
    changes = {"driver": "modbus", "profile": str(own)}
    require_profiles(configured(tmp_path, changes=changes))
    with pytest.raises(
        ConfigError, match=r'^barrier\.profile: purpose = service refuses: it says verified = "simulator"'
    ):
        require_profiles(configured(tmp_path, purpose="service", changes=changes))
    own.write_text(shipped.replace('verified = "simulator"', 'verified = "no"', 1))
    require_profiles(configured(tmp_path, purpose="service", changes=changes))
    with pytest.raises(ConfigError, match=r"portcullis-sim\.toml is the simulator's"):
        configured(tmp_path, purpose="service", changes={**changes, "profile": str(tmp_path / "portcullis-sim.toml")})
