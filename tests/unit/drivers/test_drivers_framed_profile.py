"""Profiles of short-frame boards as data: strict, honest about what is unknown, and refused when a grant would never end by itself."""

from __future__ import annotations

from importlib import resources

import pytest
from fakes.framed_boards import framed_profile
from fakes.line_bench import FRAMED

from drivers.barrier.framed.profile import FramedProfile
from drivers.barrier.profiles import BarrierProfile
from drivers.profile_file import ProfileFile
from gate_core.errors import SetupError
from gate_core.ports.values import LeafPosition


def text(kind: str) -> str:
    return (resources.files("drivers.profiles") / "barrier" / f"{kind}.toml").read_text(encoding="utf-8")


def changed(kind: str, was: str, becomes: str) -> str:
    assert was in text(kind)
    return text(kind).replace(was, becomes, 1)


@pytest.mark.parametrize("kind", FRAMED)
def test_a_shipped_profile_says_how_a_grant_ends_and_what_nobody_knows(kind: str) -> None:
    found = framed_profile(kind)
    assert found.verified != "hardware"
    assert found.grant_ends_by
    assert found.assumed
    assert found.status.position.values[1] is LeafPosition.CLOSED


def test_a_second_board_needs_data_only() -> None:
    assert type(framed_profile("italdis")) is type(framed_profile("ds205a")) is FramedProfile


@pytest.mark.parametrize(
    ("was", "becomes", "key", "why"),
    [
        ('grant_ends_by = ["controller_ttl"]', "grant_ends_by = []", "grant_ends_by", "never end by themselves"),
        ('["controller_ttl"]', '["lease"]', "timings.lease_ms", "goes with lease"),
        ('["controller_ttl"]', '["controller_ttl", "host_watchdog"]', "grant_ends_by", "host watchdog"),
        ("grant_ends_after_ms_max = 10000", "lease_ms = 7000", "timings.lease_ms", "goes with lease"),
        ("grant_ends_after_ms_max = 10000", "grant_ends_after_ms_max = 1999", "timings", "is below"),
        ("grant_ends_after_ms_min = 2000", "grant_ends_after_ms_min = 600", "timings", "too short"),
        ("late_ms_max = 300", "late_ms_max = 79", "timings.late_ms_max", "is below turnaround_ms_max"),
        ("close = {", "shut = {", "commands.shut", "unknown setting"),
        ("close = { command = 0x84 }", "close = { command = 0x80, data = 0x010000 }", "commands.close", "same bytes"),
        ("command = 0x84", "command = 0x184", "commands.close", "does not fit"),
        ("command = 0x10", "order = 0x10", "commands.status", "sets order"),
        ("command = 0x10", "check = 0x10", "commands.status", "sets check"),
        ("addresses = [1, 255]", "addresses = [1, 256]", "addresses", "layout can hold"),
        ("7E 00 address", "7F 00 address", "reply.layout", "hears itself"),
        ("7F version address", "7F version machine", "reply.layout", "no field address"),
        ('"gate", values', '"door", values', "status.position", "no field door"),
        ("mask = 0x01, value = 0x01 }\nemergency", "mask = 0x01, value = 0x02 }\nemergency", "status.fire", "can never be"),
        ("mask = 0x08, value = 0x08", "mask = 0x04, value = 0x04", "status.alarms", "same bits"),
        ("bits = [0, 1, 2]", "bits = [0, 1, 8]", "status.beams", "no bit 8"),
        ("bits = [0, 1, 2]", "bits = [0, 1, 1]", "status.beams", "twice"),
        ('passages_right = "right"', 'passages_right = "left"', "status.passages_right", "same field"),
        ('passages_right = "right"', 'passages_right = "supply"', "status.passages_right", "as wide"),
        ('"power_ups", ', "", "not_reported", "lacks power_ups"),
        ('"power_ups", ', '"power_ups", "forced", ', "not_reported", "denies forced"),
        ('verified = "simulator"', 'verified = "perhaps"', "verified", "perhaps"),
        ("fire = {", "smoke = {", "status.smoke", "unknown setting"),
        ("[timings]", "[timings", "]", "ds205a.toml:"),
    ],
)  # fmt: skip
def test_a_contradiction_or_a_stranger_is_said_with_file_line_and_key(
    was: str, becomes: str, key: str, why: str
) -> None:
    with pytest.raises(SetupError) as refused:
        ProfileFile("site/ds205a.toml", changed("ds205a", was, becomes)).profile(BarrierProfile)
    said = str(refused.value)
    assert said.startswith("site/ds205a.toml:")
    assert key in said
    assert why in said


def test_a_board_that_does_not_say_that_it_stands_open_in_an_emergency_is_refused() -> None:
    without = "\n".join(line for line in text("ds205a").splitlines() if not line.startswith("emergency ="))
    with pytest.raises(SetupError, match="emergency"):
        ProfileFile("ds205a.toml", without).profile(BarrierProfile)
