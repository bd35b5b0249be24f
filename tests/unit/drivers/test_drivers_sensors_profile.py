"""Profiles of sensor units: strict, each error with file, key and line; what does not say how old it is cannot be used."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from drivers.modbus.tables import Identity
from drivers.profile_file import ProfileFile
from drivers.sensors.profile import SensorProfile, load_profile
from gate_core.errors import SetupError

FOLDER = resources.files("drivers.profiles") / "sensors"
NAMES = sorted(entry.name.removesuffix(".toml") for entry in FOLDER.iterdir() if entry.name.endswith(".toml"))
SIM, INPUTS = "portcullis-sim", "inputs-8"


def text_of(name: str) -> str:
    return (FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def test_the_shipped_profiles_load_and_say_what_their_document_says() -> None:
    assert NAMES == [INPUTS, SIM]
    assert [load_profile(name).verified for name in NAMES] == ["simulator", "simulator"]
    assert load_profile(SIM).identity == Identity(input=0, expected=(0x5053, 1))
    assert load_profile(SIM).round == (0,)
    assert load_profile(INPUTS).round == (0, 1, 0)


@pytest.mark.parametrize(
    ("was", "becomes", "at", "complaint"),
    [
        ('"simulator"  ', '"perhaps"', "verified", "verified: .*perhaps"),
        ('protocol = "modbus-rtu"', "", "# ", "protocol: is missing"),
        ('"modbus-rtu"', '"modbus-udp"', "protocol =", "protocol: .*modbus-udp"),
        ("[status]", "[status]\ncolour = 1", "colour =", "status.colour: unknown setting"),
        ("{ input = 3 }", "{ inputs = 3 }", "age =", "status.age.inputs: unknown setting"),
        ("age = { input = 3 }", "", "[status]", "status.age: is missing"),
        ("session = { input = 2 }", "", "[status]", "status.session: is missing"),
        ("people_max = 9", "people_max = 1", "people_max", "status.people_max: Expected `int` >= 2"),
        (
            "measurement_ms_max = 500",
            "measurement_ms_max = 50",
            "measurement_ms",
            "measurement_ms_max: Expected `int` >= 100",
        ),
        ("age = { input = 3 }", "age = { input = 8 }", "age =", "status.age: is at 8, which no reads covers"),
        ("people = { input = 4 }", "people = { input = 3 }", "people =", "status.people: overlaps another key at 3"),
        (
            "{ input = 6, bit = 1 }",
            "{ input = 6, bit = 0 }",
            "cabinet_open",
            "status.cabinet_open: overlaps another key at 6",
        ),
        ("spare = 1 ", "spare = 0 ", "[[reads]]", "reads: two in a row have answers alike"),
        ("[identity]", "[identity", "[identity", "Expected"),
    ],
)
def test_what_is_wrong_is_one_line_with_file_line_and_key(was: str, becomes: str, at: str, complaint: str) -> None:
    text = text_of(SIM)
    assert was in text
    changed = text.replace(was, becomes, 1)
    line = changed[: changed.index(at)].count("\n") + 1
    with pytest.raises(SetupError, match=f"^test.toml:{line}: {complaint}") as raised:
        ProfileFile("test.toml", changed).profile(SensorProfile)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "was", "becomes", "complaint"),
    [
        (
            SIM,
            "{ input = 4 }",
            "{ input = 4, bit = 1 }",
            "status.people: is a number: a contact cannot tell one from two",
        ),
        (SIM, "{ input = 3 }", "{ input = 3, equals = 1 }", "status.age: is a number: equals is for conditions"),
        (
            SIM,
            "people = { input = 4 }\npeople_max = 9  ",
            "people = { input = 7 , words = 2}\npeople_max = 9 ",
            "status.people: .*no reads",
        ),
        (SIM, "late_ms_max = 300", "late_ms_max = 99", "late_ms_max: is below turnaround_ms_max"),
        (INPUTS, "people = { input = 0 }", "people = { discrete = 6 }", "status.people: is a number: a contact"),
        (INPUTS, "count = 3\nspare = 1", "count = 3", "reads: the first is asked for twice in a row"),
        (INPUTS, "{ discrete = 1, equals = 0 }", "{ discrete = 1, bit = 0 }", "status.cabinet_open: is a bit already"),
        (
            INPUTS,
            "[[reads]]                                         # the first says session and age, and closes each look\ninput = 0\ncount = 3\nspare = 1\n[[reads]]\ndiscrete = 0\ncount = 8",
            "[[reads]]\ndiscrete = 0\ncount = 8\n[[reads]]\ninput = 0\ncount = 3\nspare = 1",
            "status.session: is not in the first of reads: .*status.age: is not in the first",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(name: str, was: str, becomes: str, complaint: str) -> None:
    text = text_of(name)
    assert was in text
    with pytest.raises(SetupError, match=rf"test.toml:\d+: {complaint}"):
        ProfileFile("test.toml", text.replace(was, becomes, 1)).profile(SensorProfile)


def test_a_number_of_people_is_one_register_which_no_power_cut_tears() -> None:
    text = (
        text_of(SIM)
        .replace("{ input = 4 }", "{ input = 4, words = 2 }")
        .replace("{ input = 5 }", "{ input = 6, bit = 5 }")
    )
    with pytest.raises(SetupError, match=r"status.people: is one register"):
        ProfileFile("test.toml", text).profile(SensorProfile)


def test_a_site_names_its_own_file_by_its_path(tmp_path: Path) -> None:
    own = tmp_path / "hall-3-inside.toml"
    own.write_text(text_of(INPUTS))
    own.chmod(0o644)
    assert load_profile(str(own)) == load_profile(INPUTS)
    own.chmod(0o666)
    with pytest.raises(SetupError, match="can be written by others"):
        load_profile(str(own))


@pytest.mark.parametrize("name", ["", "relay-8", "../sensors/portcullis-sim"])
def test_a_name_that_is_no_profile_of_this_room_is_refused(name: str) -> None:
    with pytest.raises(SetupError, match=r"no profile .* in drivers/profiles/sensors"):
        load_profile(name)
