"""Profiles of gates on contacts: strict, and refused when a grant, or a contact that stays closed, would never end by itself."""

from __future__ import annotations

from importlib import resources

import pytest
from fakes.contacts_gate import shipped

from drivers.barrier.contacts.gpio import Flag
from drivers.barrier.profiles import BarrierProfile
from drivers.profile_file import ProfileFile
from gate_core.errors import SetupError

TEXT = (resources.files("drivers.profiles") / "barrier" / "perco-pulse.toml").read_text(encoding="utf-8")


def test_the_shipped_profile_was_tried_on_no_hardware_and_says_what_nobody_knows() -> None:
    profile = shipped()
    assert profile.verified == "simulator"
    assert profile.assumed
    assert profile.grant_ends_by == ("external_timer",)
    assert 5000 in profile.ttl_ms
    assert 4999 not in profile.ttl_ms
    assert profile.status.closed.flags == Flag.INPUT | Flag.PULL_UP | Flag.ACTIVE_LOW
    assert profile.status.closed.holds_when_cut is False
    assert profile.status.fire.holds_when_cut


@pytest.mark.parametrize(
    ("was", "becomes", "key", "why"),
    [
        ('["external_timer"]', "[]", "grant_ends_by", "never end by themselves"),
        ('["external_timer"]', '["external_timer", "host_watchdog"]', "grant_ends_by", "a computer have none"),
        ('["external_timer"]', '["controller_ttl"]', "grant_ends_by", "external_timer is missing"),
        ('held_contact = "one_passage"', "", "held_contact", "is missing"),
        ('held_contact = "one_passage"', 'held_contact = "opens"', "held_contact", "opens"),
        ("pulse_ms = 300", "pulse_ms = 99", "grant.pulse_ms", ">= 100"),
        ("pulse_ms = 300", "pulse_ms = 501", "grant.pulse_ms", "<= 500"),
        ("lasts_ms = 5000", "lasts_ms = 999", "grant.lasts_ms", ">= 1000"),
        ("stop = { line = 2 }", "stop = { line = 1 }", "grant.stop", "on line 1, as grant.right is"),
        ("lines = [{ line = 4 }, { line = 5 }]", "lines = [{ line = 4 }, { line = 12 }]", "status.fire", "as lamp.lines"),
        ("line = 13,", "line = 8,", "alarms.motor_fault", "as status.closed is"),
        ('closed = { line = 8, bias = "pull_up", active_low = true }', 'closed = { line = 8, bias = "pull_up" }', "status.closed", "wire cut"),
        ('presence = [{ line = 11, bias = "pull_up", active_low = true }]', "presence = []", "status.presence", "length >= 1"),
        ('fire = { line = 12, bias = "pull_up" }', "", "status", "fire"),
        (", amber = 3", "", "lamp.colours", "lacks amber"),
        ("amber = 3", "amber = 4", "lamp.colours", "2 lines cannot show"),
        ("line = 0 }", "line = -1 }", "grant.left.line", ">= 0"),
        ("line = 0 }", "pin = 0 }", "grant.left", "pin"),
        ('verified = "simulator"', 'verified = "perhaps"', "verified", "perhaps"),
        ("[grant]", "[grant", "end of a table", "perco-pulse.toml:"),
    ],
)  # fmt: skip
def test_a_contradiction_or_a_stranger_is_said_with_file_line_and_key(
    was: str, becomes: str, key: str, why: str
) -> None:
    assert TEXT.count(was) == 1
    with pytest.raises(SetupError) as refused:
        ProfileFile("site/perco-pulse.toml", TEXT.replace(was, becomes)).profile(BarrierProfile)
    said = str(refused.value)
    assert said.startswith("site/perco-pulse.toml:")
    assert key in said
    assert why in said


def test_more_lines_than_the_kernel_gives_are_refused() -> None:
    beams = ", ".join(f"{{ line = {at} }}" for at in range(20, 29))
    with pytest.raises(SetupError, match="presence"):
        ProfileFile(
            "x.toml", TEXT.replace('[{ line = 11, bias = "pull_up", active_low = true }]', f"[{beams}]")
        ).profile(BarrierProfile)
