"""The simulated Modbus boards before a client that nobody here wrote: Debian's mbpoll, on their paced pseudo-terminals.

Every register of a profile is read, what may be written is written and read back, and what may not be is refused with the right exception.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drivers.barrier.modbus.profile import ModbusProfile
from drivers.barrier.profiles import load_profile
from drivers.modbus.tables import cells_read
from hardware_sim.barrier.boards import device_of
from hardware_sim.barrier.device import Barrier, BarrierDevice
from hardware_sim.pty import SerialLine

pytestmark = pytest.mark.long

OWN = "portcullis-sim"
BAUD = 9600
COILS, DISCRETE, INPUT, HOLDING = "0", "1", "3", "4"  # mbpoll's names of the four tables
FUNCTIONS = {COILS: 1, DISCRETE: 2, HOLDING: 3, INPUT: 4}
LIMIT_S = 10


@dataclass(frozen=True)
class Written:
    """What is written there, and what stands there afterwards. `single`: by the function of one register."""

    table: str
    at: int
    values: tuple[int, ...]
    then: tuple[int, ...]
    single: bool = False


@dataclass(frozen=True)
class Refused:
    """A read of `count`, or with `values` a write, that is refused in these words of mbpoll's."""

    table: str
    at: int
    why: str
    count: int = 1
    values: tuple[int, ...] = ()


ADDRESS, VALUE, FUNCTION = "Illegal data address", "Illegal data value", "Illegal function"


@dataclass(frozen=True)
class Board:
    """One board at rest, as its page of docs/protocols has it."""

    rests: dict[tuple[str, int], tuple[int, ...]]
    writes: tuple[Written, ...]
    refuses: tuple[Refused, ...]
    moves: str  # what happens to the gate by those writes


BOARDS = {
    OWN: Board(
        rests={
            (INPUT, 0): (0x504C, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
            (HOLDING, 0): (5000, 0, 0, 1000, 0, 0, 0, 0),
        },
        writes=(
            Written(HOLDING, 3, (5000,), (5000,), single=True),
            Written(HOLDING, 4, (2,), (2,)),
            Written(HOLDING, 6, (0x7F,), (0,)),
            Written(HOLDING, 0, (4000, 1, 0), (4000, 1, 0)),
            Written(HOLDING, 1, (0, 0), (0, 0)),
            Written(HOLDING, 5, (0x5245,), (0,), single=True),
            Written(HOLDING, 7, (1,), (0,)),
        ),
        refuses=(
            Refused(INPUT, 17, ADDRESS),
            Refused(INPUT, 10, ADDRESS, count=8),
            Refused(HOLDING, 8, ADDRESS),
            Refused(COILS, 0, FUNCTION),
            Refused(DISCRETE, 0, FUNCTION),
            Refused(HOLDING, 8, ADDRESS, values=(1,)),
            Refused(HOLDING, 0, VALUE, values=(999,)),
            Refused(HOLDING, 0, VALUE, values=(4000, 2, 0)),
            Refused(HOLDING, 3, VALUE, values=(0,)),
            Refused(HOLDING, 5, VALUE, values=(1,)),
        ),
        moves="grant_received",
    ),
    "lot": Board(
        rests={
            (HOLDING, 0x40): (0,) * 9,
            (HOLDING, 0x3000): (0,),
            (HOLDING, 0x3010): (1, 5, 10),
        },
        writes=(
            Written(HOLDING, 0x3010, (0,), (0,)),
            Written(HOLDING, 0x3011, (8,), (8,), single=True),
            Written(HOLDING, 0x3012, (12,), (12,)),
            Written(HOLDING, 0x40, (1, 0), (1, 0)),
            Written(HOLDING, 0x40, (0, 0), (0, 0)),
            Written(HOLDING, 0x41, (1,), (1,), single=True),
            Written(HOLDING, 0x3000, (1,), (1,)),
        ),
        refuses=(
            Refused(HOLDING, 0x49, ADDRESS),
            Refused(HOLDING, 0x3F, ADDRESS, count=2),
            Refused(INPUT, 0x40, ADDRESS),
            Refused(COILS, 0x40, FUNCTION),
            Refused(HOLDING, 0x42, ADDRESS, values=(1,)),
            Refused(HOLDING, 0x44, ADDRESS, values=(7,)),
            Refused(HOLDING, 0x40, VALUE, values=(2,)),
            Refused(HOLDING, 0x3000, VALUE, values=(3,)),
            Refused(HOLDING, 0x3011, VALUE, values=(0,)),
        ),
        moves="grant_received",
    ),
    "relay-8": Board(
        rests={
            (COILS, 0): (0,) * 8,
            (DISCRETE, 0): (1, 0, 0, 0, 1, 0, 0, 0),
            (INPUT, 0): (0, 0),
            (HOLDING, 0): (0,),
        },
        writes=(
            Written(HOLDING, 0, (5000,), (5000,), single=True),
            Written(COILS, 4, (1, 1), (1, 1)),
            Written(COILS, 7, (1,), (1,), single=True),
            Written(COILS, 0, (1,), (1,), single=True),
            Written(COILS, 0, (0, 0, 0), (0, 0, 0)),
        ),
        refuses=(
            Refused(COILS, 8, ADDRESS),
            Refused(DISCRETE, 4, ADDRESS, count=5),
            Refused(INPUT, 2, ADDRESS),
            Refused(HOLDING, 1, ADDRESS),
            Refused(COILS, 7, ADDRESS, values=(1, 1)),
            Refused(HOLDING, 1, ADDRESS, values=(1,)),
            Refused(HOLDING, 0, VALUE, values=(60_001,)),
        ),
        moves="grant_ordered",
    ),
}


@pytest.fixture(scope="module")
def mbpoll() -> str:
    """The program. It is never done without: what it shows, nothing else here does."""
    found = shutil.which("mbpoll")
    if found is None:
        pytest.fail("there is no mbpoll: scripts/setup installs it (apt-get install mbpoll)", pytrace=False)
    return found


class Client:
    """mbpoll before one board."""

    def __init__(self, program: str, port: Path, device: BarrierDevice[Any, Any], happened: list[str]) -> None:
        self._program = program
        self._port = port
        self.device = device
        self.happened = happened

    def ask(self, *options: str, values: tuple[int, ...] = (), unit: int = 1) -> tuple[bool, str]:
        """One request; whether it was carried out, and what mbpoll says."""
        command = [self._program, "-m", "rtu", "-b", str(BAUD), "-P", "none", "-0", "-1", "-q", "-o", "0.5"]
        command += ["-a", str(unit), *options, str(self._port), *map(str, values)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT_S)
        return done.returncode == 0, done.stdout if done.returncode == 0 else done.stderr

    def read(self, table: str, at: int, count: int) -> tuple[int, ...]:
        """What stands there."""
        carried_out, said = self.ask("-t", table, "-r", str(at), "-c", str(count))
        assert carried_out, said
        lines = [line.split("\t")[1] for line in said.splitlines() if line.startswith("[")]
        return tuple(int(line.split()[0]) for line in lines)


@contextmanager
def _client(program: str, name: str, folder: Path) -> Iterator[Client]:
    happened: list[str] = []
    report: Callable[..., None] = lambda event, **_: happened.append(event)  # noqa: E731
    device = Barrier(report) if name == OWN else device_of(name, report, number=1, baud=BAUD, seed=1)
    line = SerialLine(folder / "barrier", device, baud=BAUD)
    line.start()
    try:
        yield Client(program, line.path, device, happened)
    finally:
        line.stop()


@pytest.mark.parametrize("name", BOARDS)
def test_a_stranger_reads_every_register_of_the_profile(mbpoll: str, name: str, tmp_path: Path) -> None:
    profile = load_profile(name)
    assert isinstance(profile, ModbusProfile)
    with _client(mbpoll, name, tmp_path) as client:
        seen = set()
        for (table, at), values in BOARDS[name].rests.items():
            assert client.read(table, at, len(values)) == values
            seen |= {(FUNCTIONS[table], at + place) for place in range(len(values))}
        assert seen >= set(cells_read(profile.reads))
        assert not {BOARDS[name].moves, "leaf_moved"} & set(client.happened)


@pytest.mark.parametrize("name", BOARDS)
def test_a_stranger_writes_what_may_be_written(mbpoll: str, name: str, tmp_path: Path) -> None:
    with _client(mbpoll, name, tmp_path) as client:
        for written in BOARDS[name].writes:
            many = () if written.single else ("-W",)
            carried_out, said = client.ask("-t", written.table, "-r", str(written.at), *many, values=written.values)
            assert carried_out, said
            assert client.read(written.table, written.at, len(written.then)) == written.then
        assert {BOARDS[name].moves, "leaf_moved"} <= set(client.happened)


@pytest.mark.parametrize("name", BOARDS)
def test_a_stranger_is_refused_what_may_not_be_and_nothing_moves(mbpoll: str, name: str, tmp_path: Path) -> None:
    with _client(mbpoll, name, tmp_path) as client:
        for refused in BOARDS[name].refuses:
            how_many = () if refused.values else ("-c", str(refused.count))
            carried_out, said = client.ask("-t", refused.table, "-r", str(refused.at), *how_many, values=refused.values)
            assert (carried_out, refused.why in said) == (False, True), (refused, said)
        assert not {BOARDS[name].moves, "leaf_moved"} & set(client.happened)


def test_another_boards_number_is_met_with_silence(mbpoll: str, tmp_path: Path) -> None:
    with _client(mbpoll, "lot", tmp_path) as client:
        carried_out, said = client.ask("-t", HOLDING, "-r", str(0x40), unit=2)
        assert (carried_out, "Connection timed out" in said) == (False, True)


def test_in_a_fire_the_own_board_takes_no_grant_and_ends_no_emergency(mbpoll: str, tmp_path: Path) -> None:
    with _client(mbpoll, OWN, tmp_path) as client:
        client.device.set_fire(active=True)
        assert client.read(INPUT, 10, 2) == (1, 1)
        for at in (1, 7):
            carried_out, said = client.ask("-t", HOLDING, "-r", str(at), values=(1,))
            assert (carried_out, "Slave device or server failure" in said) == (False, True)
        assert "grant_received" not in client.happened
