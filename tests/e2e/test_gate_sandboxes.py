"""What docs/architecture.md says each program may not do, tried in that program's own sandbox on a booted machine.

Every phrase of the last column has its attempts here, or names the test that holds it; one without either fails. An attempt is refused in
the unit as shipped, and succeeds where the sandbox's lines are gone, or, where the user itself stands in its way, as root: so none
of them is refused for another reason than the one it is about.
"""

from __future__ import annotations

import errno
import fnmatch
import json
import logging
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from fakes.boot import own_files
from fakes.boot.attempts import REFUSED
from fakes.boot.attempts import attempts_of as every_attempt_of
from fakes.boot.gate import Freedom, Gate, in_sandbox
from fakes.boot.machine import Machine

from gate.channel.row import PROGRAMS

ROOT = Path(__file__).resolve().parents[2]
EVERYBODY = "each of the six"
CHILDREN = "face child, page child"
DEVICES = ("open a serial line", "open another serial line", "open a camera", "open a keyboard")
CONFINED = "tests/integration/test_children_confined.py::test_what_a_kind_of_child_gave_up_is_refused_and_nothing_else"
OF_DOCUMENTS = "tests/integration/test_document_child.py"
LOADED = "tests/integration/test_what_programs_load.py::test_a_program_loads_nothing_that_it_may_not"
UNITS = "tests/integration/test_systemd_units.py"
SANDBOXES = "tests/e2e/test_gate_sandboxes.py"
EXCHANGE = "tests/integration/test_reuse_across_gates.py"
UPDATES = "tests/unit/programs/update/test_update_program.py"
OF_ADMINISTRATORS = (
    *("open a raw socket", "open a netlink socket", "use io_uring", "use keys of the kernel", "mount"),
    *("make a user namespace", "touch the clock", "make a set-user-ID file"),
)
# Where the user stands in the way, whatever the sandbox says.
USERS_OWN = {
    *(
        "read the log's key",
        "read the device's key",
        "open the database",
        "open a foreign keyboard",
        "open a raw socket",
        "mount",
    ),
    *("write the spool", "write the inbox", "write the trust store", "write the models", "write the configuration"),
    *("write a program", "call *", "replace *", "listen as *", "read another's memory"),
}
WRITES = {
    *("write the spool", "write the inbox", "write the trust store", "write the models", "write the configuration"),
    "write a program",
}
MAY_WRITE = {"log": {"write the spool", "write the inbox"}, "sync": {"write the inbox", "write the trust store"}}
MAY_EXECUTE = {"vision"}
MAY_OPEN = {"lane": ["open a serial line"], "vision": ["open a camera"]}  # whose drivers this kernel has not loaded

# A phrase's attempts, or the test that holds it.
PHRASES: dict[tuple[str, str], tuple[str, ...] | str] = {
    ("lane", "open a network socket"): ("open an internet socket", "reach another address"),
    ("lane", "see a camera"): ("open a camera",),
    ("lane", "see a keyboard that is not its own"): ("open a foreign keyboard", "open another serial line"),
    ("lane", "read a key"): ("read the log's key", "read the device's key"),
    ("lane", "open the database"): ("open the database",),
    ("lane", "load an image or inference library"): LOADED,
    ("lane", "parse a chip's bytes"): LOADED,
    ("lane", "see a portrait"): f"{OF_DOCUMENTS}::test_evidence_comes_out_and_the_portrait_goes_another_way",
    ("document child", "open a socket once it is prepared"): CONFINED,
    ("document child", "start a program"): CONFINED,
    ("document child", "write a file"): CONFINED,
    ("document child", "outlive its crossing"): f"{OF_DOCUMENTS}::test_a_second_crossing_ends_the_child",
    ("vision", "read a key"): ("read the log's key", "read the device's key"),
    ("vision", "open the database"): ("open the database",),
    ("vision", "reach serial"): ("open a serial line", "open another serial line"),
    ("vision", "see a keyboard"): ("open a keyboard",),
    ("vision", "reach the network beyond its cameras"): ("reach another address",),
    (CHILDREN, "start a program"): CONFINED,
    (CHILDREN, "reach another program"): CONFINED,
    (CHILDREN, "write a file"): CONFINED,
    (CHILDREN, "read another's memory"): CONFINED,
    (CHILDREN, "outlive its parent"): CONFINED,
    ("log", "open a network socket"): ("open an internet socket", "reach another address"),
    ("log", "see a device"): DEVICES,
    ("log", "read the device's key"): ("read the device's key",),
    ("sync", "open the database"): ("open the database",),
    ("sync", "see a device"): DEVICES,
    ("sync", "read the log's key"): ("read the log's key",),
    ("screens", "see a device"): DEVICES,
    ("screens", "open the database"): ("open the database",),
    ("screens", "read a key"): ("read the log's key", "read the device's key"),
    ("screens", "reach the network"): ("reach another address",),
    (
        "screens",
        "make an order",
    ): "core/tests/unit/orders/test_orders.py::test_an_order_that_another_key_signed_than_the_certified_one_is_nobodys",
    ("registers", "see a device"): DEVICES,
    ("registers", "open the database"): ("open the database",),
    ("registers", "read a key of the gate"): ("read the log's key", "read the device's key"),
    ("registers", "load an image or inference library"): LOADED,
    ("exchange", "write a file"): f"{EXCHANGE}::test_it_writes_nothing_and_calls_nobody",
    ("exchange", "call anybody"): f"{EXCHANGE}::test_it_writes_nothing_and_calls_nobody",
    ("exchange", "remember a mark beyond its minutes or its day"): (
        "central/tests/unit/exchange/test_exchange_marks.py::test_at_midnight_the_key_and_every_mark_are_gone_whether_somebody_asks_or_not"
    ),
    (
        "gate-update",
        "reach the network or a device",
    ): f"{UNITS}::test_what_installs_updates_reaches_no_network_and_is_never_what_it_installed",
    ("gate-update", "run with somebody in the lane"): f"{UPDATES}::test_nothing_is_done_with_somebody_in_the_lane",
    (
        "gate-update",
        "be what it installed",
    ): f"{UNITS}::test_what_installs_updates_reaches_no_network_and_is_never_what_it_installed",
    (EVERYBODY, "take another's place"): ("replace *", "listen as *"),
    (EVERYBODY, "call a program that has no business with it"): ("call *",),
    (EVERYBODY, "read another's memory"): ("read another's memory", "trace"),
    (EVERYBODY, "change what others trust or run"): tuple(sorted(WRITES)),
    (EVERYBODY, "use what the kernel offers to administrators"): OF_ADMINISTRATORS,
    (EVERYBODY, "write memory and execute it"): ("write and execute memory",),
    (EVERYBODY, "map its own file as executable"): f"{SANDBOXES}::test_no_unit_can_make_code_of_a_file_that_it_wrote",
}


def phrases() -> set[tuple[str, str]]:
    """The last column of the table of programs."""
    rows = re.findall(
        r"^\| ([^|]+) \|[^|]*\|[^|]*\| ([^|]+) \|$",
        (ROOT / "docs/architecture.md").read_text().partition("## What runs where")[0],
        re.MULTILINE,
    )
    found = {}
    for program, cell in rows:
        found[re.sub(r" \([^)]*\)|`", "", program)] = cell.split(", ")
    assert set(PROGRAMS) < set(found), "the table was not found"
    return {
        (program, phrase) for program, cell in found.items() for phrase in cell if program not in {"program", "---"}
    }


def attempts_of(program: str) -> list[str]:
    """Everything that this program is to try."""
    patterns = [
        name
        for (who, _), held in PHRASES.items()
        if who in {program, EVERYBODY} and not isinstance(held, str)
        for name in held
    ]
    spared = MAY_WRITE.get(program, set()) | ({"write and execute memory"} if program in MAY_EXECUTE else set())
    known = every_attempt_of(program)
    assert all(fnmatch.filter(known, pattern) for pattern in patterns)
    return [name for name in known if _is_one_of(name, patterns) and name not in spared]


def _is_one_of(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def test_every_phrase_of_the_table_has_its_attempts_or_its_test() -> None:
    assert phrases() == set(PHRASES)
    for held in PHRASES.values():
        if isinstance(held, str):
            path, name = held.split("::")
            assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE), held


@pytest.mark.long
@pytest.mark.e2e
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_can_do_nothing_that_it_may_not_and_could_without_its_sandbox(gate: Gate, program: str) -> None:
    wanted = attempts_of(program)
    refused = gate.attempt(program, Freedom.NONE, wanted)
    assert {name: number for name, number in refused.items() if number not in REFUSED} == {}
    by_the_sandbox = [name for name in wanted if not _is_one_of(name, USERS_OWN)]
    by_the_user = [name for name in wanted if _is_one_of(name, USERS_OWN)]
    assert set(gate.attempt(program, Freedom.SANDBOX_OFF, by_the_sandbox).items()) == {
        (name, 0) for name in by_the_sandbox
    }
    assert set(gate.attempt(program, Freedom.ROOT, by_the_user).items()) == {(name, 0) for name in by_the_user}


@pytest.mark.long
@pytest.mark.e2e
@pytest.mark.parametrize("program", MAY_OPEN)
def test_a_program_may_open_its_devices_whose_drivers_came_after_it(gate: Gate, program: str) -> None:
    assert gate.attempt(program, Freedom.NONE, MAY_OPEN[program]) == dict.fromkeys(MAY_OPEN[program], 0)


CENTRALS = {
    f"portcullis-{name}" for name in ("authority", "console", "console-kiosk", "central", "central-pages", "exchange")
}
OWN_FILES = "/usr/share/own_files.py"
REFUSALS = (errno.EPERM, errno.EACCES)  # of mapping, and of executing
# Units that need a memory file, or write code into memory as they run: a file of no folder is code to them all the same.
HAVE_MEMORY_FILES = {
    "gate-vision",
    "portcullis-kiosk",
    "portcullis-console-kiosk",
    "portcullis-selftest",
    "gate-update-check",
}


def tried(machine: Machine, unit: str, freedom: Freedom, *places: str) -> dict[str, tuple[int, int]]:
    """What a unit can do with files that it writes, everywhere that it can write, or at these places."""
    machine.write(OWN_FILES, Path(own_files.__file__).read_text())
    name = unit.replace("@", "@apply" if unit == "gate-update@" else "@hall")
    said = in_sandbox(machine, f"{name}.service", " ".join(("/usr/bin/python3 -I", OWN_FILES, *places)), freedom)
    return {place: (one[0], one[1]) for place, one in json.loads(said).items()}


def check_own_files(machine: Machine, units: set[str]) -> None:
    """Every unit is refused everywhere, and could without the lines that forbid it."""
    count = 0
    for unit in sorted(units):
        found = tried(machine, unit, Freedom.NONE)
        in_memory = found.pop("memory")
        assert len(found) >= 2, (unit, found)
        assert set(found.values()) == {REFUSALS}, (unit, found)
        assert in_memory == ((0, 0) if unit in HAVE_MEMORY_FILES else (errno.EPERM, errno.EPERM)), unit
        # Not by NoExecPaths=, but by how the system mounts it.
        control = tried(machine, unit, Freedom.EXECUTES, *(place for place in found if place != "/run/lock"))
        assert set(control.values()) == {(0, 0)}, (unit, control)
        count += len(control) - 1
    logging.getLogger(__name__).info(
        "%d units, %d places: all refused, and all without the lines not", len(units), count
    )


@pytest.mark.long
@pytest.mark.e2e
def test_no_unit_can_make_code_of_a_file_that_it_wrote(gate: Gate) -> None:
    check_own_files(gate.machine, {path.stem for path in (ROOT / "systemd").glob("*.service")} - CENTRALS)


@pytest.mark.long
@pytest.mark.e2e
def test_no_unit_of_a_server_can_either(server: Machine) -> None:
    check_own_files(server, CENTRALS)
