"""Profiles of boards and sensor units: strict, each error with file, key and line, and refused when a grant would never end by itself."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
from fakes.contacts_gate import shipped
from fakes.framed_boards import framed_profile
from fakes.line_bench import FRAMED, modbus_profile

from drivers.barrier.contacts.gpio import Flag
from drivers.barrier.contacts.profile import ContactsProfile
from drivers.barrier.framed.profile import FramedProfile
from drivers.barrier.modbus.profile import LATE_MS_MAX, ModbusProfile, Written
from drivers.barrier.profiles import BarrierProfile, load_profile
from drivers.modbus.tables import Identity
from drivers.profile_file import FILE_BYTES_MAX, ProfileFile
from drivers.sensors import profile as sensors
from gate_core.errors import SetupError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import LampColour, LeafPosition
from gate_core.settings.toml_file import line_of

FOLDER = resources.files("drivers.profiles")
BARRIERS, UNITS = (
    sorted(entry.name.removesuffix(".toml") for entry in (FOLDER / room).iterdir() if entry.name.endswith(".toml"))
    for room in ("barrier", "sensors")
)
PRESENCE = '[{ line = 11, bias = "pull_up", active_low = true }]'


def text_of(name: str) -> str:
    return (FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def changed(name: str, was: str, becomes: str) -> str:
    assert was in text_of(name)
    return text_of(name).replace(was, becomes, 1)


def parse(name: str, text: str) -> object:
    """The profile of that text, of the kind that a file of this name holds."""
    return ProfileFile("test.toml", text).profile(
        sensors.SensorProfile if name.startswith("sensors/") else BarrierProfile
    )


@pytest.fixture
def text() -> str:
    return text_of("barrier/portcullis-sim")


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


def test_the_shipped_units_load_and_say_what_their_document_says() -> None:
    assert UNITS == ["inputs-8", "portcullis-sim"]
    inputs, simulated = map(sensors.load_profile, UNITS)
    assert (inputs.verified, simulated.verified) == ("simulator", "simulator")
    assert simulated.identity == Identity(input=0, expected=(0x5053, 1))
    assert (inputs.round, simulated.round) == ((0, 1, 0), (0,))


def test_the_shipped_contacts_were_tried_on_no_hardware_and_say_what_nobody_knows() -> None:
    profile = shipped()
    assert profile.verified == "simulator"
    assert profile.assumed
    assert profile.grant_ends_by == ("external_timer",)
    assert 5000 in profile.ttl_ms
    assert 4999 not in profile.ttl_ms
    assert profile.status.closed.flags == Flag.INPUT | Flag.PULL_UP | Flag.ACTIVE_LOW
    assert profile.status.closed.holds_when_cut is False
    assert profile.status.fire.holds_when_cut


@pytest.mark.parametrize("kind", FRAMED)
def test_a_shipped_profile_of_short_frames_needs_data_only_and_says_what_nobody_knows(kind: str) -> None:
    found = framed_profile(kind)
    assert type(found) is FramedProfile
    assert found.verified != "hardware"
    assert found.assumed
    assert found.status.position.values[1] is LeafPosition.CLOSED


@pytest.mark.parametrize("name", BARRIERS)
def test_a_shipped_profile_loads_and_ends_its_grants(name: str) -> None:
    assert load_profile(name).grant_ends_by


@pytest.mark.parametrize("name", BARRIERS)
def test_a_shipped_profile_states_the_largest_delay_that_is_borne_if_it_has_a_line(name: str) -> None:
    says = "late_ms_max = " in text_of(f"barrier/{name}")
    assert says is not isinstance(load_profile(name), ContactsProfile)


def test_a_profile_from_before_there_was_a_largest_delay_is_held_to_the_usual_one(text: str, tmp_path: Path) -> None:
    file = tmp_path / "old.toml"
    file.write_text("\n".join(line for line in text.splitlines() if not line.startswith("late_ms_max")))
    profile = load_profile(str(file))
    assert isinstance(profile, ModbusProfile)
    assert profile.late_ms_max == LATE_MS_MAX == 300


WRONG = (
    ("barrier/portcullis-sim", '["controller_ttl", "host_watchdog"]', "[]", "grant_ends_by", "grant_ends_by: .* never end by themselves"),
    ("barrier/portcullis-sim", 'grant_ends_by = ["controller_ttl", "host_watchdog"] #', "#", "# The", "grant_ends_by: is missing"),
    ("barrier/portcullis-sim", '"simulator"  ', '"perhaps"', "verified", "verified: .*perhaps"),
    ("barrier/portcullis-sim", '"modbus-rtu"', '"modbus-udp"', "protocol =", "protocol: .*modbus-udp"),
    ("barrier/portcullis-sim", "[release]", "[release]\ncolour = 1", "colour =", "release.colour: unknown setting"),
    ("barrier/portcullis-sim", "count = 16", "count = 15", "restarts =", "status.restarts: is at 15, which no reads covers"),
    ("barrier/portcullis-sim", "ttl_ms_min = 1000", "ttl_ms_min = 999", "ttl_ms_min", "grant.ttl_ms_min: Expected `int` >= 1000"),
    ("barrier/portcullis-sim", ", amber = 3", "", "colours =", "lamp.colours: lacks amber"),
    ("barrier/portcullis-sim", "{ input = 2 }", "{ inputs = 2 }", "position =", "status.position.inputs: unknown setting; is input meant"),
    ("barrier/portcullis-sim", "late_ms_max = 300", "late_ms_max = 59", "late_ms_max", "late_ms_max: is below turnaround_ms_max"),
    ("barrier/portcullis-sim", "late_ms_max = 300", "late_ms_max = 2000", "late_ms_max", "late_ms_max: Expected `int` <= 1000"),
    ("barrier/portcullis-sim", "[lamp]", "[lamp", "[lamp", "Expected"),
    ("barrier/portcullis-sim", "value = 1", "value = ", "value = \n", "Invalid"),
    ("sensors/portcullis-sim", '"simulator"  ', '"perhaps"', "verified", "verified: .*perhaps"),
    ("sensors/portcullis-sim", 'protocol = "modbus-rtu"', "", "# ", "protocol: is missing"),
    ("sensors/portcullis-sim", '"modbus-rtu"', '"modbus-udp"', "protocol =", "protocol: .*modbus-udp"),
    ("sensors/portcullis-sim", "[status]", "[status]\ncolour = 1", "colour =", "status.colour: unknown setting"),
    ("sensors/portcullis-sim", "{ input = 3 }", "{ inputs = 3 }", "age =", "status.age.inputs: unknown setting"),
    ("sensors/portcullis-sim", "age = { input = 3 }", "", "[status]", "status.age: is missing"),
    ("sensors/portcullis-sim", "session = { input = 2 }", "", "[status]", "status.session: is missing"),
    ("sensors/portcullis-sim", "people_max = 9", "people_max = 1", "people_max", "status.people_max: Expected `int` >= 2"),
    ("sensors/portcullis-sim", "measurement_ms_max = 500", "measurement_ms_max = 50", "measurement_ms", "measurement_ms_max: Expected `int` >= 100"),
    ("sensors/portcullis-sim", "age = { input = 3 }", "age = { input = 8 }", "age =", "status.age: is at 8, which no reads covers"),
    ("sensors/portcullis-sim", "people = { input = 4 }", "people = { input = 3 }", "people =", "status.people: overlaps another key at 3"),
    ("sensors/portcullis-sim", "{ input = 6, bit = 1 }", "{ input = 6, bit = 0 }", "cabinet_open", "status.cabinet_open: overlaps another key at 6"),
    ("sensors/portcullis-sim", "spare = 1 ", "spare = 0 ", "[[reads]]", "reads: two in a row have answers alike"),
    ("sensors/portcullis-sim", "[identity]", "[identity", "[identity", "Expected"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "was", "becomes", "at", "complaint"), WRONG)
def test_what_is_wrong_is_one_line_with_file_line_and_key(
    name: str, was: str, becomes: str, at: str, complaint: str
) -> None:
    text = changed(name, was, becomes)
    line = text[: text.index(at)].count("\n") + 1
    with pytest.raises(SetupError, match=f"^test.toml:{line}: {complaint}") as raised:
        parse(name, text)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["", "no-such-board", "../barrier/portcullis-sim", "Portcullis-Sim", "./mine.toml"])
def test_a_name_that_is_no_profile_is_refused(name: str) -> None:
    with pytest.raises(SetupError, match="no profile"):
        load_profile(name)


@pytest.mark.parametrize("name", ["", "relay-8", "../sensors/portcullis-sim"])
def test_a_name_that_is_no_sensor_unit_is_refused(name: str) -> None:
    with pytest.raises(SetupError, match=r"no profile .* in drivers/profiles/sensors"):
        sensors.load_profile(name)


def test_a_site_names_its_own_file_by_its_path(tmp_path: Path, text: str) -> None:
    own = tmp_path / "hall-3.toml"
    own.write_text(text_of("sensors/inputs-8"))
    own.chmod(0o644)
    assert sensors.load_profile(str(own)) == sensors.load_profile("inputs-8")
    own.write_text(text)
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
        for load in (load_profile, sensors.load_profile):
            with pytest.raises(SetupError, match="can be written by others"):
                load(str(own))


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


CONTRADICTIONS = (
    ("barrier/portcullis-sim", "ttl_ms_min = 1000\nttl_ms_max = 30000", "ttl_ms_min = 2000\nttl_ms_max = 1000", "grant.ttl_ms_min: is above"),
    ("barrier/portcullis-sim", '["controller_ttl", "host_watchdog"]', '["lease"]', "grant_ends_by: lease: no board"),
    ("barrier/portcullis-sim", '["controller_ttl", "host_watchdog"]', '["host_watchdog"]', "grant_ends_by: .* timed needs controller_ttl"),
    ("barrier/portcullis-sim", "spare = 1", "spare = 0", "reads: two in a row have answers alike"),
    ("barrier/portcullis-sim", "{ input = 4 }", "{ input = 2 }", "status.bodies: overlaps another key at 2"),
    ("barrier/portcullis-sim", "bit = 6 }", "bit = 5 }", "alarms.motor_fault: overlaps another key at 9"),
    ("barrier/portcullis-sim", "[lamp]\nholding = 4", "[lamp]\nholding = 3", "lamp.holding: overlaps watchdog.holding"),
    ("barrier/portcullis-sim", "restarts = { input = 15 }", "", "watchdog.holding: is at 3, which no reads covers"),
    ("barrier/portcullis-sim", "host_lost = { input = 9, bit = 5 }", "", "watchdog: nothing proves that it works"),
    ("barrier/portcullis-sim", "[release]\nholding = 5\nvalue = 0x5245", "", "release: is missing"),
    ("barrier/portcullis-sim", "bodies = { input = 4 }", "", "status: who stands in the zone"),
    ("barrier/portcullis-sim", "fire = { input = 10, bit = 0 }\nemergency = { input = 11, equals = 1 }", "", "status: nothing tells of an emergency"),
    ("barrier/portcullis-sim", "{ input = 4 }", "{ input = 4, coil = 1 }", "status.bodies: is in one of"),
    ("barrier/portcullis-sim", "ms = 1000 ", "ms = 100 ", "watchdog.ms: Expected `int` >= 500"),
    ("barrier/lot", "granted_left = { holding = 0x40 }", "", "status: granted_left and granted_right go together"),
    ("barrier/lot", '["controller_ttl"]', '["host_watchdog"]', r"grant_ends_by: host_watchdog: there is no table \[watchdog\]"),
    ("barrier/lot", "timer_unit_ms = 1000", "timer_unit_ms = 700", "grant.ttl_ms_min: is no multiple"),
    ("barrier/lot", "holding = 0x3010\nvalue", "holding = 0x3011\nvalue", "settings: overlaps grant.timer"),
    ("barrier/lot", "holding = 0x3000\ncount = 1", "holding = 0x48\ncount = 1", "reads: two of them overlap at 72"),
    ("barrier/relay-8", '["host_watchdog", "external_timer"]', '["external_timer"]', "grant_ends_by: .* pulse needs host_watchdog"),
    ("barrier/relay-8", '["host_watchdog", "external_timer"]', '["host_watchdog"]', "grant_ends_by: .* pulse needs external_timer"),
    ("barrier/relay-8", '["host_watchdog", ', '["controller_ttl", "host_watchdog", ', "grant_ends_by: controller_ttl: a pulse has none"),
    ("barrier/relay-8", "proof = 7", "proof = 1", "watchdog.proof: overlaps grant.coil"),
    ("barrier/relay-8", "coil = 4\n", "coil = 6\n", "lamp.coil: overlaps watchdog.proof"),
    ("barrier/relay-8", "amber = 3", "amber = 4", "lamp.colours: has a value that 2 coils cannot show"),
    ("barrier/relay-8", "closed = { discrete = 0 }", "closed = { discrete = 0, bit = 1 }", "status.closed: is a bit already"),
    ("barrier/relay-8", "ms = 1000 ", "ms = 1000\nunit_ms = 3000 ", "watchdog.ms: is no multiple"),
    ("barrier/relay-8", "pulse_ms = 300", "pulse_ms = 5000", "grant.pulse_ms: Expected `int` <= 500"),
    ("sensors/portcullis-sim", "{ input = 4 }", "{ input = 4, bit = 1 }", "status.people: is a number: a contact cannot tell one from two"),
    ("sensors/portcullis-sim", "{ input = 3 }", "{ input = 3, equals = 1 }", "status.age: is a number: equals is for conditions"),
    ("sensors/portcullis-sim", "people = { input = 4 }\npeople_max = 9  ", "people = { input = 7 , words = 2}\npeople_max = 9 ", "status.people: .*no reads"),
    ("sensors/portcullis-sim", "late_ms_max = 300", "late_ms_max = 99", "late_ms_max: is below turnaround_ms_max"),
    ("sensors/inputs-8", "people = { input = 0 }", "people = { discrete = 6 }", "status.people: is a number: a contact"),
    ("sensors/inputs-8", "count = 3\nspare = 1", "count = 3", "reads: the first is asked for twice in a row"),
    ("sensors/inputs-8", "{ discrete = 1, equals = 0 }", "{ discrete = 1, bit = 0 }", "status.cabinet_open: is a bit already"),
    ("sensors/inputs-8", "[[reads]]                                         # the first says session and age, and closes each look\ninput = 0\ncount = 3\nspare = 1\n[[reads]]\ndiscrete = 0\ncount = 8", "[[reads]]\ndiscrete = 0\ncount = 8\n[[reads]]\ninput = 0\ncount = 3\nspare = 1", "status.session: is not in the first of reads: .*status.age: is not in the first"),
    ("barrier/perco-pulse", '["external_timer"]', "[]", "grant_ends_by.*never end by themselves"),
    ("barrier/perco-pulse", '["external_timer"]', '["external_timer", "host_watchdog"]', "grant_ends_by.*a computer have none"),
    ("barrier/perco-pulse", '["external_timer"]', '["controller_ttl"]', "grant_ends_by.*external_timer is missing"),
    ("barrier/perco-pulse", 'held_contact = "one_passage"', "", "held_contact.*is missing"),
    ("barrier/perco-pulse", 'held_contact = "one_passage"', 'held_contact = "opens"', "held_contact.*opens"),
    ("barrier/perco-pulse", "pulse_ms = 300", "pulse_ms = 99", "grant.pulse_ms.*>= 100"),
    ("barrier/perco-pulse", "pulse_ms = 300", "pulse_ms = 501", "grant.pulse_ms.*<= 500"),
    ("barrier/perco-pulse", "lasts_ms = 5000", "lasts_ms = 999", "grant.lasts_ms.*>= 1000"),
    ("barrier/perco-pulse", "stop = { line = 2 }", "stop = { line = 1 }", "grant.stop.*on line 1, as grant.right is"),
    ("barrier/perco-pulse", "lines = [{ line = 4 }, { line = 5 }]", "lines = [{ line = 4 }, { line = 12 }]", "status.fire.*as lamp.lines"),
    ("barrier/perco-pulse", "line = 13,", "line = 8,", "alarms.motor_fault.*as status.closed is"),
    ("barrier/perco-pulse", 'closed = { line = 8, bias = "pull_up", active_low = true }', 'closed = { line = 8, bias = "pull_up" }', "status.closed.*wire cut"),
    ("barrier/perco-pulse", 'presence = [{ line = 11, bias = "pull_up", active_low = true }]', "presence = []", "status.presence.*length >= 1"),
    ("barrier/perco-pulse", 'fire = { line = 12, bias = "pull_up" }', "", "status.*fire"),
    ("barrier/perco-pulse", ", amber = 3", "", "lamp.colours.*lacks amber"),
    ("barrier/perco-pulse", "amber = 3", "amber = 4", "lamp.colours.*2 lines cannot show"),
    ("barrier/perco-pulse", "line = 0 }", "line = -1 }", "grant.left.line.*>= 0"),
    ("barrier/perco-pulse", "line = 0 }", "pin = 0 }", "grant.left.*pin"),
    ("barrier/perco-pulse", 'verified = "simulator"', 'verified = "perhaps"', "verified.*perhaps"),
    ("barrier/perco-pulse", "[grant]", "[grant", ".*end of a table"),
    ("barrier/ds205a", 'grant_ends_by = ["controller_ttl"]', "grant_ends_by = []", "grant_ends_by.*never end by themselves"),
    ("barrier/ds205a", '["controller_ttl"]', '["lease"]', "timings.lease_ms.*goes with lease"),
    ("barrier/ds205a", '["controller_ttl"]', '["controller_ttl", "host_watchdog"]', "grant_ends_by.*host watchdog"),
    ("barrier/ds205a", "grant_ends_after_ms_max = 10000", "lease_ms = 7000", "timings.lease_ms.*goes with lease"),
    ("barrier/ds205a", "grant_ends_after_ms_max = 10000", "grant_ends_after_ms_max = 1999", "timings.*is below"),
    ("barrier/ds205a", "grant_ends_after_ms_min = 2000", "grant_ends_after_ms_min = 600", "timings.*too short"),
    ("barrier/ds205a", "late_ms_max = 300", "late_ms_max = 79", "timings.late_ms_max.*is below turnaround_ms_max"),
    ("barrier/ds205a", "close = {", "shut = {", "commands.shut.*unknown setting"),
    ("barrier/ds205a", "close = { command = 0x84 }", "close = { command = 0x80, data = 0x010000 }", "commands.close.*same bytes"),
    ("barrier/ds205a", "command = 0x84", "command = 0x184", "commands.close.*does not fit"),
    ("barrier/ds205a", "command = 0x10", "order = 0x10", "commands.status.*sets order"),
    ("barrier/ds205a", "command = 0x10", "check = 0x10", "commands.status.*sets check"),
    ("barrier/ds205a", "addresses = [1, 255]", "addresses = [1, 256]", "addresses.*layout can hold"),
    ("barrier/ds205a", "7E 00 address", "7F 00 address", "reply.layout.*hears itself"),
    ("barrier/ds205a", "7F version address", "7F version machine", "reply.layout.*no field address"),
    ("barrier/ds205a", '"gate", values', '"door", values', "status.position.*no field door"),
    ("barrier/ds205a", "mask = 0x01, value = 0x01 }\nemergency", "mask = 0x01, value = 0x02 }\nemergency", "status.fire.*can never be"),
    ("barrier/ds205a", "mask = 0x08, value = 0x08", "mask = 0x04, value = 0x04", "status.alarms.*same bits"),
    ("barrier/ds205a", "bits = [0, 1, 2]", "bits = [0, 1, 8]", "status.beams.*no bit 8"),
    ("barrier/ds205a", "bits = [0, 1, 2]", "bits = [0, 1, 1]", "status.beams.*twice"),
    ("barrier/ds205a", 'passages_right = "right"', 'passages_right = "left"', "status.passages_right.*same field"),
    ("barrier/ds205a", 'passages_right = "right"', 'passages_right = "supply"', "status.passages_right.*as wide"),
    ("barrier/ds205a", '"power_ups", ', "", "not_reported.*lacks power_ups"),
    ("barrier/ds205a", '"power_ups", ', '"power_ups", "forced", ', "not_reported.*denies forced"),
    ("barrier/ds205a", 'verified = "simulator"', 'verified = "perhaps"', "verified.*perhaps"),
    ("barrier/ds205a", "fire = {", "smoke = {", "status.smoke.*unknown setting"),
    ("barrier/ds205a", "[timings]", "[timings", r".*\]"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "was", "becomes", "complaint"), CONTRADICTIONS)
def test_what_contradicts_itself_is_refused(name: str, was: str, becomes: str, complaint: str) -> None:
    with pytest.raises(SetupError, match=rf"test.toml:\d+: {complaint}"):
        parse(name, changed(name, was, becomes))


def test_more_lines_than_the_kernel_gives_are_refused() -> None:
    beams = ", ".join(f"{{ line = {at} }}" for at in range(20, 29))
    with pytest.raises(SetupError, match="presence"):
        parse("barrier/perco-pulse", changed("barrier/perco-pulse", PRESENCE, f"[{beams}]"))


def test_a_board_that_does_not_say_that_it_stands_open_in_an_emergency_is_refused() -> None:
    lines = text_of("barrier/ds205a").splitlines()
    with pytest.raises(SetupError, match="emergency"):
        parse("barrier/ds205a", "\n".join(line for line in lines if not line.startswith("emergency =")))


def test_a_number_of_people_is_one_register_which_no_power_cut_tears() -> None:
    text = changed("sensors/portcullis-sim", "{ input = 4 }", "{ input = 4, words = 2 }")
    with pytest.raises(SetupError, match=r"status.people: is one register"):
        parse("sensors/", text.replace("{ input = 5 }", "{ input = 6, bit = 5 }"))


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
