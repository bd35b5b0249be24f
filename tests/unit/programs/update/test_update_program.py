"""The update program on a gate that is a folder: what it installs, what it takes back, and when it does nothing at all."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn
from zipfile import ZipFile

import pytest
from lab_fakes.updates import HERE, PACKAGES, Gate, Machine, software

from gate.programs.update.machine import Check, read_checks, worse
from gate.programs.update.program import Verb
from gate.programs.update.steps import STEPS, InterruptedUpdateError
from gate.updates.download import locked
from gate.updates.layout import Here, Kind

SHIPPED = ("shipped", "shipped", "shipped", {"shipped"})
ONE = ("one", "one", "one", {"one"})
TWO = ("two", "two", "two", {"two"})


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path)


def test_what_was_fetched_is_installed_and_runs(gate: Gate) -> None:
    gate.offer_all("one")
    outcome = gate.update()
    assert (outcome.code, outcome.words) == (0, "installed: configuration 1 (one), models 1 (one), software 1 (one)")
    assert gate.state() == ONE
    assert gate.leftovers() == []
    assert gate.update().words.startswith("nothing new")
    gate.offer_all("two")
    assert gate.update().code == 0
    assert gate.state() == TWO


def test_only_the_version_before_and_the_packages_own_stay(gate: Gate) -> None:
    for version in ("one", "two", "three"):
        gate.operator.publish(Kind.SOFTWARE, software(version), name=version)
        gate.fetch()
        assert gate.update().code == 0
    assert sorted(path.name for path in (gate.library / "versions").iterdir()) == ["0", "2", "3"]


def test_what_is_not_well_is_taken_back_and_not_tried_again_by_itself(gate: Gate) -> None:
    gate.offer_all("one")
    gate.update()
    gate.offer_all("two", broken=True)
    outcome = gate.update()
    assert (outcome.code, "dry_crossing" in outcome.words) == (1, True)
    assert gate.state() == ONE
    assert gate.leftovers() == []
    assert set(gate.ledger.installed.refused) == {"software", "models", "configuration"}
    assert gate.update().words.startswith("nothing new")
    assert gate.update(Verb.AGAIN).code == 1
    gate.offer_all("three")
    assert gate.update().code == 0
    assert gate.state()[0] == "three"
    assert gate.ledger.installed.refused == {}


def test_back_goes_to_the_version_before_and_forward_again(gate: Gate) -> None:
    assert gate.update(Verb.BACK).code == 65
    gate.offer_all("one")
    gate.update()
    gate.offer_all("two")
    gate.update()
    assert gate.update(Verb.BACK).code == 0
    assert gate.state() == ONE
    assert gate.ledger.installed.current["software"].name == "one"
    assert gate.update().words.startswith("nothing new")  # what was left by hand does not come back by itself
    assert gate.update(Verb.BACK).code == 0
    assert gate.state() == TWO
    assert gate.leftovers() == []


@pytest.mark.parametrize("lane", [{"state": "inspecting"}, {"closed_by": None}], ids=["occupied", "open"])
def test_back_waits_for_a_closed_lane_and_leaves_nothing(gate: Gate, lane: dict[str, object]) -> None:
    gate.offer_all("one")
    gate.update()
    gate.machine.closed = "closed_by" not in lane
    gate.machine.lane.update(lane)
    assert gate.update(Verb.BACK).code == 75
    assert gate.state() == ONE
    assert gate.leftovers() == []


def test_back_to_what_the_package_brought(gate: Gate) -> None:
    gate.operator.publish(Kind.SOFTWARE, software("one"))
    gate.fetch()
    gate.update()
    assert gate.update(Verb.BACK).code == 0
    assert (gate.state()[0], gate.ledger.installed.current) == ("shipped", {})


@pytest.mark.parametrize(
    "lane",
    [
        {"state": "inspecting"},
        {"state": "granted"},
        {"state": "referred"},
        {"leaf_closed": False},
        {"leaf_closed": None},
        {"first_leaf_closed": False},
        {"people_inside": 1},
    ],
    ids=str,
)
def test_nothing_is_done_with_somebody_in_the_lane(gate: Gate, lane: dict[str, object]) -> None:
    gate.offer_all("one")
    gate.machine.lane.update(lane)
    assert gate.update().code == 75
    assert gate.state() == SHIPPED
    assert gate.ledger.installed.tried == {}


def test_an_open_lane_is_not_changed_and_a_stopped_one_is(gate: Gate) -> None:
    gate.offer_all("one")
    gate.machine.closed = False
    outcome = gate.update()
    assert (outcome.code, "gate officer close" in outcome.words) == (75, True)
    gate.machine.stop(gate.machine.running())
    assert gate.update().code == 0
    assert gate.machine.units() == {}  # what did not run before does not run afterwards


def test_a_lane_that_somebody_opens_meanwhile_is_left_alone_and_tried_another_time(gate: Gate) -> None:
    gate.offer_all("one")

    def reopened(at: str) -> None:
        gate.machine.closed = at != "after prepare" and gate.machine.closed

    assert gate.update(hook=reopened).code == 75
    assert gate.state() == SHIPPED
    assert gate.leftovers() == []
    gate.machine.closed = True
    assert gate.update().code == 0


def test_a_lane_that_says_nothing_is_taken_for_occupied(gate: Gate) -> None:
    gate.offer_all("one")
    units = gate.machine.units()
    gate.machine.silent = True
    assert gate.update().code == 75
    assert gate.machine.units() == units


def test_a_clock_that_is_not_sure_installs_nothing_until_a_person_has_compared_it(gate: Gate) -> None:
    gate.offer_all("one")
    assert gate.update(sure=False).code == 75
    assert gate.update(Verb.AGAIN, sure=False).code == 75
    assert gate.state() == SHIPPED
    assert gate.update(Verb.CLOCK_CHECKED, sure=False).code == 0
    assert gate.state() == ONE


def test_lists_come_whatever_the_lane_does_and_go_when_they_are_no_longer_sent(gate: Gate) -> None:
    (gate.lists / "own.crl").write_text("the operator's other list")
    gate.machine.closed = False
    gate.operator.publish(Kind.LISTS, {"a.crl": b"a1", "b.ml": b"b1"})
    gate.fetch()
    assert gate.update().code == 0
    gate.operator.publish(Kind.LISTS, {"a.crl": b"a2"})
    gate.fetch()
    assert gate.update().code == 0
    assert {path.name: path.read_text() for path in gate.lists.iterdir()} == {
        "own.crl": "the operator's other list",
        "a.crl": "a2",
    }
    assert gate.leftovers() == []


def test_lists_that_were_refused_are_forgotten_once_newer_ones_are_there(gate: Gate) -> None:
    gate.operator.publish(Kind.LISTS, {"deep/a.crl": b"a1"})
    gate.fetch()
    assert gate.update().code == 65
    assert set(gate.ledger.installed.refused) == {"lists"}
    gate.operator.publish(Kind.LISTS, {"a.crl": b"a2"})
    gate.fetch()
    assert gate.update().code == 0
    assert gate.ledger.installed.refused == {}


def test_nothing_ever_runs_on_a_configuration_that_is_wrong(gate: Gate) -> None:
    gate.operator.publish(Kind.CONFIGURATION, {"gate.toml": gate.toml("wrong").encode()})
    gate.fetch()
    stood = []
    outcome = gate.update(hook=lambda _: stood.append(gate.file.read_text() if gate.machine.units() else ""))
    assert (outcome.code, "a key that is wrong" in outcome.words) == (1, True)
    assert set(stood) == {gate.toml("shipped"), ""}
    assert gate.state() == SHIPPED


@pytest.mark.parametrize(
    ("kind", "files"),
    [
        (Kind.SOFTWARE, {"bin/python3": b"x"}),
        (Kind.SOFTWARE, {f"{PACKAGES}/../../../x": b"x"}),
        (Kind.MODELS, {"deep/a.onnx": b"x"}),
        (Kind.LISTS, {"deep/a.crl": b"x"}),
        (Kind.CONFIGURATION, {"updates-root.json": b"x", "gate.toml": b"x"}),
        (Kind.CONFIGURATION, {"anna.note": b"x"}),
    ],
    ids=["an interpreter", "a way out", "models below", "lists below", "another root", "no configuration"],
)
def test_what_has_no_place_in_its_kind_is_refused(gate: Gate, kind: Kind, files: dict[str, bytes]) -> None:
    gate.operator.publish(kind, files)
    gate.fetch()
    outcome = gate.update()
    assert outcome.code == 65, outcome.words
    assert gate.state() == SHIPPED
    assert gate.leftovers() == []
    assert [one.why for one in gate.ledger.installed.refused.values()] != []


def test_what_was_fetched_is_believed_only_as_it_was_signed(gate: Gate) -> None:
    gate.offer_all("one")
    for target in (gate.fetched / "repository" / "targets").rglob("*.zip"):
        content = bytearray(target.read_bytes())
        content[len(content) // 2] ^= 1
        target.chmod(0o600)
        target.write_bytes(content)
    assert gate.update().code == 65
    assert gate.state() == SHIPPED
    gate.fetch()
    assert gate.update().code == 0


def test_a_sound_archive_that_nobody_signed_is_refused(gate: Gate) -> None:
    """Only its digest tells it from what was signed: a flipped bit is found by the archive's own check as well."""
    gate.offer_all("one")
    for target in (gate.fetched / "repository" / "targets").rglob("*.zip"):
        with ZipFile(target) as signed:
            files = {one: signed.read(one) for one in signed.infolist()}
        target.chmod(0o600)
        with ZipFile(target, "w") as other:
            for info, content in files.items():
                other.writestr(info, content[::-1])
    assert gate.update().code == 65
    assert gate.update().words.endswith("is not what was signed")
    assert gate.state() == SHIPPED


def test_a_link_in_the_place_of_a_target_is_not_followed(gate: Gate, tmp_path: Path) -> None:
    gate.offer_all("one")
    for target in (gate.fetched / "repository" / "targets").rglob("*.zip"):
        moved = tmp_path / target.name
        target.rename(moved)
        target.symlink_to(moved)
    assert gate.update().code == 65
    assert gate.state() == SHIPPED


def test_software_of_another_python_is_not_for_this_gate(gate: Gate) -> None:
    gate.operator.publish(
        Kind.SOFTWARE, {"lib/python2.7/site-packages/x": b"x"}, here=Here("north-7", HERE.machine, "2.7")
    )
    gate.fetch()
    assert gate.update().words.startswith("nothing new")


def test_being_told_to_end_takes_it_back_at_once(gate: Gate) -> None:
    gate.offer_all("one")

    def told(at: str) -> None:
        if at == "after switch":
            raise InterruptedUpdateError("told to end")

    assert gate.update(hook=told).code == 75
    assert gate.state() == SHIPPED
    assert gate.leftovers() == []


def test_the_way_back_is_not_interrupted(gate: Gate) -> None:
    class Told(Machine):
        """Whoever starts its units is told to end, for the first time."""

        def start(self, programs: Iterable[str]) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            super().start(programs)

    def interrupted(_number: int, _frame: object) -> NoReturn:
        raise InterruptedUpdateError("told to end")

    gate.offer_all("one", broken=True)
    gate.machine = Told(gate.folder)
    before = signal.signal(signal.SIGTERM, interrupted)
    try:
        outcome = gate.update()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (outcome.code, "dry_crossing" in outcome.words) == (1, True)
    assert gate.state() == SHIPPED
    assert gate.leftovers() == []


def test_a_fault_of_the_program_itself_is_tried_again_while_something_is_to_be_taken_back(gate: Gate) -> None:
    gate.offer_all("one")

    def faulty(at: str) -> None:
        if at == "after switch":
            raise KeyError(at)

    outcome = gate.update(hook=faulty)
    assert (outcome.code, "after switch" in outcome.words) == (70, True)
    assert gate.ledger.outcome == outcome
    assert gate.update().code == 1
    assert gate.state() == SHIPPED
    assert gate.leftovers() == []


def test_a_gate_without_the_table_is_not_updated(gate: Gate) -> None:
    gate.file.write_text(gate.file.read_text().split("[updates]")[0])
    assert gate.update().code == 78
    gate.file.write_text("no [toml")
    assert gate.update().code == 78


def test_a_newer_configuration_is_read_by_an_older_program(gate: Gate) -> None:
    gate.file.write_text("something_new = 1\n" + gate.file.read_text() + "[later]\nkey = 2\n")
    assert gate.update().code == 75  # nothing fetched, and not 78


def test_one_update_at_a_time(gate: Gate) -> None:
    gate.offer_all("one")
    with locked(gate.ledger.folder, mode=0o755):
        outcome = gate.update()
    assert (outcome.code, outcome.words) == (75, "another update goes on")
    assert gate.state() == SHIPPED


@pytest.mark.parametrize("step", [step for step in STEPS if step not in {"commit", "tidy"}])
def test_a_step_that_fails_takes_everything_back(gate: Gate, step: str) -> None:
    gate.offer_all("one")

    def failing(at: str) -> None:
        if at == f"after {step}":
            raise OSError(28, "No space left on device", "/")

    assert gate.update(hook=failing).code == 74
    assert gate.state() == SHIPPED
    assert gate.leftovers() == []


WELL, WRONG, BUSY = Check("well", "w"), Check("wrong", "x"), Check("busy", "b")
ALL = {"configuration": WELL, "models": WELL, "dry_crossing": WELL}


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        (ALL, ALL, True),
        (ALL, {}, False),
        ({}, ALL, True),
        ({**ALL, "trust": WRONG}, {**ALL, "trust": WRONG}, True),
        ({**ALL, "trust": WELL}, {**ALL, "trust": WRONG}, False),
        ({**ALL, "trust": WELL}, ALL, False),
        (ALL, {**ALL, "new": WRONG}, False),
        (ALL, {**ALL, "barrier": BUSY}, True),
        ({**ALL, "models": WRONG}, {**ALL, "models": WRONG}, False),
    ],
)
def test_no_check_may_be_worse_than_before_and_three_must_be_well(
    before: dict[str, Check], after: dict[str, Check], *, kept: bool
) -> None:
    assert (worse(before, after) == "") is kept


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b'{"checks":[{}]}', b'{"checks":3}', b"\xff"])
def test_checks_that_say_nothing_are_no_checks(raw: bytes) -> None:
    assert read_checks(raw) == {}
