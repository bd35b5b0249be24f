"""Profiles of barrier boards: strict, each error with file, key and line, and refused when a grant would never end by itself."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
from fakes.line_bench import modbus_profile

from drivers.barrier.contacts.profile import ContactsProfile
from drivers.barrier.modbus.profile import LATE_MS_MAX, ModbusProfile, Written
from drivers.barrier.profiles import BarrierProfile, load_profile
from drivers.modbus.tables import Identity
from drivers.profile_file import FILE_BYTES_MAX, ProfileFile
from gate_core.errors import SetupError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import LampColour, LeafPosition
from gate_core.settings.toml_file import line_of

FOLDER = resources.files("drivers.profiles") / "barrier"
NAMES = sorted(entry.name.removesuffix(".toml") for entry in FOLDER.iterdir() if entry.name.endswith(".toml"))


@pytest.fixture
def text() -> str:
    return (FOLDER / "portcullis-sim.toml").read_text(encoding="utf-8")


def test_the_simulators_profile_says_what_its_document_says() -> None:
    profile = modbus_profile("portcullis-sim")
    assert profile.verified == "simulator"
    assert profile.grant_ends_by == ("controller_ttl", "host_watchdog")
    assert profile.identity == Identity(input=0, expected=(0x504C, 1))
    assert profile.status.positions[3] is LeafPosition.OPEN
    assert tuple(profile.alarms) == tuple(Alarm)
    assert profile.lamp is not None
    assert profile.lamp.colours[LampColour.AMBER] == 3
    assert profile.release == Written(holding=5, value=0x5245)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_profile_loads_and_ends_its_grants(name: str) -> None:
    assert load_profile(name).grant_ends_by


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_profile_states_the_largest_delay_that_is_borne_if_it_has_a_line(name: str) -> None:
    says = "late_ms_max = " in (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    assert says is not isinstance(load_profile(name), ContactsProfile)


def test_a_profile_from_before_there_was_a_largest_delay_is_held_to_the_usual_one(text: str, tmp_path: Path) -> None:
    file = tmp_path / "old.toml"
    file.write_text("\n".join(line for line in text.splitlines() if not line.startswith("late_ms_max")))
    profile = load_profile(str(file))
    assert isinstance(profile, ModbusProfile)
    assert profile.late_ms_max == LATE_MS_MAX == 300


@pytest.mark.parametrize(
    ("was", "becomes", "at", "complaint"),
    [
        ('["controller_ttl", "host_watchdog"]', "[]", "grant_ends_by", "grant_ends_by: .* never end by themselves"),
        ('grant_ends_by = ["controller_ttl", "host_watchdog"] #', "#", "# The", "grant_ends_by: is missing"),
        ('"simulator"  ', '"perhaps"', "verified", "verified: .*perhaps"),
        ('"modbus-rtu"', '"modbus-udp"', "protocol =", "protocol: .*modbus-udp"),
        ("[release]", "[release]\ncolour = 1", "colour =", "release.colour: unknown setting"),
        ("count = 16", "count = 15", "restarts =", "status.restarts: is at 15, which no reads covers"),
        ("ttl_ms_min = 1000", "ttl_ms_min = 999", "ttl_ms_min", "grant.ttl_ms_min: Expected `int` >= 1000"),
        (", amber = 3", "", "colours =", "lamp.colours: lacks amber"),
        ("{ input = 2 }", "{ inputs = 2 }", "position =", "status.position.inputs: unknown setting; is input meant"),
        ("late_ms_max = 300", "late_ms_max = 59", "late_ms_max", "late_ms_max: is below turnaround_ms_max"),
        ("late_ms_max = 300", "late_ms_max = 2000", "late_ms_max", "late_ms_max: Expected `int` <= 1000"),
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
        ProfileFile("test.toml", changed).profile(BarrierProfile)
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
    own.write_text(text.replace("holding = 3", "holding = true"))
    with pytest.raises(
        SetupError, match=rf"^{own}:{text[: text.index('holding = 3')].count(chr(10)) + 1}: watchdog.holding: "
    ):
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


CONTRADICTIONS = [
    (
        "portcullis-sim",
        "ttl_ms_min = 1000\nttl_ms_max = 30000",
        "ttl_ms_min = 2000\nttl_ms_max = 1000",
        "grant.ttl_ms_min: is above",
    ),
    ("portcullis-sim", '["controller_ttl", "host_watchdog"]', '["lease"]', "grant_ends_by: lease: no board"),
    (
        "portcullis-sim",
        '["controller_ttl", "host_watchdog"]',
        '["host_watchdog"]',
        "grant_ends_by: .* timed needs controller_ttl",
    ),
    ("portcullis-sim", "spare = 1", "spare = 0", "reads: two in a row have answers alike"),
    ("portcullis-sim", "{ input = 4 }", "{ input = 2 }", "status.bodies: overlaps another key at 2"),
    ("portcullis-sim", "bit = 6 }", "bit = 5 }", "alarms.motor_fault: overlaps another key at 9"),
    ("portcullis-sim", "[lamp]\nholding = 4", "[lamp]\nholding = 3", "lamp.holding: overlaps watchdog.holding"),
    ("portcullis-sim", "restarts = { input = 15 }", "", "watchdog.holding: is at 3, which no reads covers"),
    ("portcullis-sim", "host_lost = { input = 9, bit = 5 }", "", "watchdog: nothing proves that it works"),
    ("portcullis-sim", "[release]\nholding = 5\nvalue = 0x5245", "", "release: is missing"),
    ("portcullis-sim", "bodies = { input = 4 }", "", "status: who stands in the zone"),
    (
        "portcullis-sim",
        "fire = { input = 10, bit = 0 }\nemergency = { input = 11, equals = 1 }",
        "",
        "status: nothing tells of an emergency",
    ),
    ("portcullis-sim", "{ input = 4 }", "{ input = 4, coil = 1 }", "status.bodies: is in one of"),
    ("portcullis-sim", "ms = 1000 ", "ms = 100 ", "watchdog.ms: Expected `int` >= 500"),
    ("lot", "granted_left = { holding = 0x40 }", "", "status: granted_left and granted_right go together"),
    ("lot", '["controller_ttl"]', '["host_watchdog"]', r"grant_ends_by: host_watchdog: there is no table \[watchdog\]"),
    ("lot", "timer_unit_ms = 1000", "timer_unit_ms = 700", "grant.ttl_ms_min: is no multiple"),
    ("lot", "holding = 0x3010\nvalue", "holding = 0x3011\nvalue", "settings: overlaps grant.timer"),
    ("lot", "holding = 0x3000\ncount = 1", "holding = 0x48\ncount = 1", "reads: two of them overlap at 72"),
    (
        "relay-8",
        '["host_watchdog", "external_timer"]',
        '["external_timer"]',
        "grant_ends_by: .* pulse needs host_watchdog",
    ),
    (
        "relay-8",
        '["host_watchdog", "external_timer"]',
        '["host_watchdog"]',
        "grant_ends_by: .* pulse needs external_timer",
    ),
    (
        "relay-8",
        '["host_watchdog", ',
        '["controller_ttl", "host_watchdog", ',
        "grant_ends_by: controller_ttl: a pulse has none",
    ),
    ("relay-8", "proof = 7", "proof = 1", "watchdog.proof: overlaps grant.coil"),
    ("relay-8", "coil = 4\n", "coil = 6\n", "lamp.coil: overlaps watchdog.proof"),
    ("relay-8", "amber = 3", "amber = 4", "lamp.colours: has a value that 2 coils cannot show"),
    ("relay-8", "closed = { discrete = 0 }", "closed = { discrete = 0, bit = 1 }", "status.closed: is a bit already"),
    ("relay-8", "ms = 1000 ", "ms = 1000\nunit_ms = 3000 ", "watchdog.ms: is no multiple"),
    ("relay-8", "pulse_ms = 300", "pulse_ms = 5000", "grant.pulse_ms: Expected `int` <= 500"),
]


@pytest.mark.parametrize(("name", "was", "becomes", "complaint"), CONTRADICTIONS)
def test_what_contradicts_itself_is_refused(name: str, was: str, becomes: str, complaint: str) -> None:
    text = (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    assert was in text
    with pytest.raises(SetupError, match=rf"test.toml:\d+: {complaint}"):
        ProfileFile("test.toml", text.replace(was, becomes, 1)).profile(BarrierProfile)


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
