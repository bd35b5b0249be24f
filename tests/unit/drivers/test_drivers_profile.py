"""Register maps as data: strict, and refused when a grant would never end by itself."""

from __future__ import annotations

from importlib import resources

import pytest

from drivers.barrier.modbus.profile import load_profile, parse_profile
from drivers.errors import SetupError
from drivers.values import BarrierAlarm, LampColour, LeafPosition


@pytest.fixture
def text() -> str:
    return (resources.files("drivers.profiles") / "portcullis-sim.toml").read_text(encoding="utf-8")


def test_the_simulators_profile_says_what_its_document_says() -> None:
    profile = load_profile("portcullis-sim")
    assert profile.verified == "simulator"
    assert profile.grant_ends_by == ("controller_ttl", "host_watchdog")
    assert profile.identity.expected == (0x504C, 1)
    assert profile.status.positions[3] is LeafPosition.OPEN
    assert profile.status.alarm_bits == tuple(BarrierAlarm)
    assert profile.lamp.colours[LampColour.AMBER] == 3
    assert (profile.release.address, profile.release.value) == (5, 0x5245)


def test_every_shipped_profile_loads() -> None:
    names = [entry.name for entry in resources.files("drivers.profiles").iterdir() if entry.name.endswith(".toml")]
    assert names
    for name in names:
        load_profile(name.removesuffix(".toml"))


@pytest.mark.parametrize(
    ("was", "becomes", "complaint"),
    [
        ('["controller_ttl", "host_watchdog"]', "[]", "never end by themselves"),
        ('"simulator"  ', '"perhaps"', "verified"),
        ("[release]", "[release]\ncolour = 1", "colour"),
        ("registers = 16", "registers = 15", "leaves out offset 15"),
        ("ttl_ms_min = 1000", "ttl_ms_min = 30001", "ttl_ms_min is above"),
        (", amber = 3", "", "lacks amber"),
        ("position = 2", "position = 200", "position"),
        ("[lamp]", "[lamp", "at line"),
    ],
)
def test_a_contradiction_or_a_stranger_in_the_file_is_one_clear_error(
    text: str, was: str, becomes: str, complaint: str
) -> None:
    assert was in text
    with pytest.raises(SetupError, match=complaint):
        parse_profile(text.replace(was, becomes, 1), name="portcullis-test")


@pytest.mark.parametrize("name", ["", "no-such-board", "../profiles/portcullis-sim", "Portcullis-Sim"])
def test_a_name_that_is_no_profile_is_refused(name: str) -> None:
    with pytest.raises(SetupError, match="no profile"):
        load_profile(name)
