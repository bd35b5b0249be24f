"""Killed at any moment, an update leaves the old version or the new one, complete and running, once the program has started again."""

from __future__ import annotations

import errno
import os
import signal
from functools import partial
from pathlib import Path

import pytest
from core_fakes.killing import killed_at, refused
from lab_fakes.updates import Gate

from gate.programs.update.program import Verb
from gate.programs.update.steps import STEPS
from gate.updates.layout import Kind

OLD = ("one", "one", "one", {"one"})
NEW = ("two", "two", "two", {"two"})
MOMENTS = [f"{when} {step}" for step in STEPS for when in ("before", "after")]
OPERATIONS_MAX = 2000


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    made = Gate(tmp_path)
    made.offer_all("one")
    assert made.update().code == 0
    return made


def killed(gate: Gate, moment: str, verb: Verb = Verb.APPLY) -> None:
    """Run it in a process that is killed at this moment."""

    def die(at: str) -> None:
        if at == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if not child:
        try:
            gate.update(verb, hook=die)
        finally:
            os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1]), f"it came past {moment}"


def expect_whole(gate: Gate, moment: str) -> None:
    """After the next start: one version, complete and running, and nothing left of the other's way."""
    is_done = moment in {"after commit", "before tidy", "after tidy"}
    assert gate.state() == (NEW if is_done else OLD)
    assert gate.leftovers() == []
    assert gate.ledger.journal is None


@pytest.mark.parametrize("moment", ["after switch", "before commit", "after commit"])
def test_killed_where_it_matters_most(gate: Gate, moment: str) -> None:
    killed_at_a_step(gate, moment)


@pytest.mark.long
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_a_step(gate: Gate, moment: str) -> None:
    killed_at_a_step(gate, moment)


def killed_at_a_step(gate: Gate, moment: str) -> None:
    gate.offer_all("two")
    killed(gate, moment)
    outcome = gate.update()
    assert outcome.code in {0, 1}
    expect_whole(gate, moment)


@pytest.mark.long
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_power_cut_at_a_step_and_the_next_boot(gate: Gate, moment: str) -> None:
    """Nothing runs after a boot, and what starts the units comes after the program."""
    gate.offer_all("two")
    killed(gate, moment)
    gate.machine.stop(gate.machine.running())
    before = gate.machine.stopped
    gate.update(Verb.RECOVER)
    assert gate.machine.stopped == before  # it would cancel what is about to start
    assert gate.machine.units() == {}
    gate.machine.start(("log", "vision", "lane", "screens"))
    expect_whole(gate, moment)


@pytest.mark.parametrize("moment", ["after switch", "before commit", "after commit"])
def test_the_way_back_is_killed_as_well(gate: Gate, moment: str) -> None:
    gate.offer_all("two")
    gate.update()
    killed(gate, moment, Verb.BACK)
    gate.update()
    assert gate.state() == (OLD if moment == "after commit" else NEW)
    assert gate.leftovers() == []


def test_killed_while_a_configuration_that_moves_the_state_is_in_its_place(gate: Gate) -> None:
    moved = gate.toml("two").replace(str(gate.folder / "state"), str(gate.folder / "elsewhere"))
    gate.operator.publish(Kind.CONFIGURATION, {"gate.toml": moved.encode()})
    gate.fetch()
    killed(gate, "after switch")
    assert gate.file.read_text() == moved
    assert gate.update(Verb.RECOVER).code == 1
    gate.machine.start(("log", "vision", "lane", "screens"))
    expect_whole(gate, "after switch")


@pytest.mark.long
def test_killed_at_every_file_that_it_touches(tmp_path: Path) -> None:
    for number in range(1, OPERATIONS_MAX):
        gate = Gate(tmp_path / str(number))
        gate.offer_all("one")
        gate.update()
        gate.offer_all("two")
        was_killed = killed_at(number, gate.update)
        if was_killed:
            gate.update()
        assert gate.state() in (OLD, NEW), number
        assert gate.leftovers() == [], number
        if not was_killed:
            assert number > 50
            return
    raise AssertionError("it never came to its end")


def _told(gate: Gate, told: Path) -> None:
    told.write_text(str(gate.update().code))


@pytest.mark.long
@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EROFS], ids=["full", "read-only"])
def test_a_disk_that_is_full_or_read_only_from_any_moment_on(tmp_path: Path, reason: int) -> None:
    for number in range(1, OPERATIONS_MAX):
        gate = Gate(tmp_path / str(number))
        gate.offer_all("one")
        gate.update()
        gate.offer_all("two")
        told = tmp_path / f"{number}.told"
        refused(partial(_told, gate, told), at=number, reason=reason)
        gate.update()  # there is room again
        assert gate.state() in (OLD, NEW), number
        assert gate.leftovers() == [], number
        if told.exists() and told.read_text() == "0":
            return
    raise AssertionError("it never came to its end")
