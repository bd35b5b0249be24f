"""Profiles of barrier boards: strict, each error with file, key and line, and refused when a grant would never end by itself."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
from fakes.barrier import simulators_profile

from drivers.barrier.profile_file import FILE_BYTES_MAX, ProfileFile, line_of
from drivers.barrier.profiles import load_profile, read_profile
from drivers.errors import SetupError
from drivers.values import BarrierAlarm, LampColour, LeafPosition

FOLDER = resources.files("drivers.profiles") / "barrier"
NAMES = sorted(entry.name.removesuffix(".toml") for entry in FOLDER.iterdir() if entry.name.endswith(".toml"))


@pytest.fixture
def text() -> str:
    return (FOLDER / "portcullis-sim.toml").read_text(encoding="utf-8")


def test_the_simulators_profile_says_what_its_document_says() -> None:
    profile = simulators_profile()
    assert profile.verified == "simulator"
    assert profile.grant_ends_by == ("controller_ttl", "host_watchdog")
    assert profile.identity.expected == (0x504C, 1)
    assert profile.status.positions[3] is LeafPosition.OPEN
    assert profile.status.alarm_bits == tuple(BarrierAlarm)
    assert profile.lamp.colours[LampColour.AMBER] == 3
    assert (profile.release.address, profile.release.value) == (5, 0x5245)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_profile_loads_and_ends_its_grants(name: str) -> None:
    assert load_profile(name).grant_ends_by


@pytest.mark.parametrize(
    ("was", "becomes", "at", "complaint"),
    [
        ('["controller_ttl", "host_watchdog"]', "[]", "grant_ends_by", "grant_ends_by: .* never end by themselves"),
        ('grant_ends_by = ["controller_ttl", "host_watchdog"] #', "#", "# The", "the file: .*`grant_ends_by`"),
        ('"simulator"  ', '"perhaps"', "verified", "verified: .*perhaps"),
        ('"modbus-rtu"', '"modbus-udp"', "protocol =", "protocol: .*modbus-udp"),
        ("[release]", "[release]\ncolour = 1", "colour =", "release.colour: .*unknown field"),
        ("registers = 16 ", "registers = 15 ", "registers =", "status.registers: 15 leaves out offset 15"),
        ("ttl_ms_min = 1000", "ttl_ms_min = 30001", "ttl_ms_min", "grant.ttl_ms_min: is above"),
        (", amber = 3", "", "colours =", "lamp.colours: lacks amber"),
        ("position = 2", "position = 200", "position =", "status.position: "),
        ("[lamp]", "[lamp", "[lamp", "Expected"),
        ("value = 1", "value = ", "value = \n", "Invalid"),
    ],
)
def test_what_is_wrong_is_one_line_with_file_line_and_key(
    text: str, was: str, becomes: str, at: str, complaint: str
) -> None:
    assert was in text
    changed = text.replace(was, becomes, 1)
    line = changed[: changed.index(at)].count("\n") + 1
    with pytest.raises(SetupError, match=f"^test.toml:{line}: {complaint}") as raised:
        read_profile(ProfileFile("test.toml", changed))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["", "no-such-board", "../barrier/portcullis-sim", "Portcullis-Sim", "./mine.toml"])
def test_a_name_that_is_no_profile_is_refused(name: str) -> None:
    with pytest.raises(SetupError, match="no profile"):
        load_profile(name)


def test_a_site_names_its_own_file_by_its_path(tmp_path: Path, text: str) -> None:
    own = tmp_path / "hall-3.toml"
    own.write_text(text)
    own.chmod(0o644)
    assert load_profile(str(own)) == load_profile("portcullis-sim")
    own.write_text(text.replace("address = 3", "address = true"))
    with pytest.raises(SetupError, match=rf"^{own}:36: watchdog.address: "):
        load_profile(str(own))


def test_a_sites_file_that_others_can_write_is_refused(tmp_path: Path, text: str) -> None:
    own = tmp_path / "hall-3.toml"
    own.write_text(text)
    for mode in (0o664, 0o646):
        own.chmod(mode)
        with pytest.raises(SetupError, match="can be written by others"):
            load_profile(str(own))


@pytest.mark.parametrize("path", ["/dev/zero", "/dev", "/nowhere/x.toml"])
def test_what_is_no_file_is_refused(path: str) -> None:
    with pytest.raises(SetupError, match=path):
        load_profile(path)


@pytest.mark.parametrize("content", [b"#" * (FILE_BYTES_MAX + 1), b"\xff\xfe"])
def test_a_sites_file_has_a_size_and_is_text(tmp_path: Path, content: bytes) -> None:
    own = tmp_path / "hall-3.toml"
    own.write_bytes(content)
    own.chmod(0o644)
    with pytest.raises(SetupError, match=r"larger than|not UTF-8"):
        load_profile(str(own))


def test_a_key_that_is_missing_is_told_at_its_table() -> None:
    text = "a = 1\n\n[b]\nc = 2\n[b.d]\ne = 3\n"
    assert [line_of(text, key) for key in ("a", "b", "b.c", "b.d.e", "b.d.x", "b.x", "x", "")] == [
        1,
        3,
        4,
        6,
        5,
        3,
        1,
        1,
    ]
