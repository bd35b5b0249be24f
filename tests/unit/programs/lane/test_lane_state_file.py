"""The lane's state file: written beside the order, read at the next start, and lost where it cannot be read."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gate.passage import states
from gate.passage.lane import LaneContext
from gate.passage.lasting_state import UNKNOWN, LastingEmergency, LastingState
from gate.passage.orders import Missing, Said
from gate.passage.records import EmergencyBegan, EmergencyEnded
from gate.programs.lane import state_file
from gate.programs.lane.emergency_hold import STATE_FILE as FILE
from gate.programs.lane.emergency_hold import is_held
from gate.programs.lane.published_status import told
from gate.programs.lane.records import Remembered
from gate.programs.lane.state_file import StateFile, StateLostError, encoded, lasting_left, read_state
from gate_core.evidence.crossing import Door
from gate_core.evidence.names import Role
from gate_core.evidence.screen import Screen

EMERGENCY = LastingState(
    emergency=LastingEmergency(Said("bert", Role.OFFICER, "smoke", (Missing.SHIFT_OVER,)), held=True),
    releases=((Door.LAST, 17),),
    closed_by="bert",
    maintained_by="carla",
    held_crossings=(("c1", "bert"),),
)


async def kept(folder: Path, *kept_states: LastingState) -> list[bool]:
    heard: list[bool] = []
    file = StateFile(folder, heard.append)
    for state in kept_states:
        file.keep(state)
    await file.drain(5)
    file.close()
    return heard


async def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    assert read_state(tmp_path) is None
    assert (await kept(tmp_path, EMERGENCY))[-1]
    assert read_state(tmp_path) == EMERGENCY
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("nowhere")])
def test_what_is_no_file_is_a_lost_state_and_nobody_waits_for_it(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    make(tmp_path / FILE)
    with pytest.raises(StateLostError):
        read_state(tmp_path)
    assert not is_held(tmp_path / FILE)


def test_a_file_of_brackets_is_a_lost_state(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"[" * 50_000)
    with pytest.raises(StateLostError):
        read_state(tmp_path)
    assert not is_held(tmp_path / FILE)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that failed is tried again at once."""
    monkeypatch.setattr(state_file, "RETRY_S", 0.0)


@pytest.mark.usefixtures("at_once")
async def test_a_state_that_cannot_be_written_leaves_no_older_one_to_be_believed_and_is_told_once(
    tmp_path: Path,
) -> None:
    await kept(tmp_path, LastingState())
    heard: list[bool] = []
    file = StateFile(tmp_path, heard.append)
    (tmp_path / f".tmp-{FILE}").mkdir()
    (tmp_path / f".tmp-{FILE}" / "in the way").touch()
    file.keep(EMERGENCY)
    for _ in range(20):
        await asyncio.sleep(0.01)
    assert heard == [False]
    assert read_state(tmp_path) is None
    shutil.rmtree(tmp_path / f".tmp-{FILE}")
    async with asyncio.timeout(10):
        while heard != [False, True]:  # noqa: ASYNC110 - a thread writes
            await asyncio.sleep(0.01)
    assert read_state(tmp_path) == EMERGENCY
    file.close()


def test_the_state_that_is_resumed_is_the_files_unless_the_log_contradicts_it(tmp_path: Path) -> None:
    def resumed(content: bytes | None, *, running: bool = False, emergency: bool = False) -> LastingState | None:
        (tmp_path / FILE).unlink(missing_ok=True)
        if content is not None:
            (tmp_path / FILE).write_bytes(content)
        return lasting_left(tmp_path, Remembered(running=running, emergency=emergency))

    assert resumed(None) is None
    assert resumed(None, running=True) == UNKNOWN
    assert resumed(None, emergency=True) == UNKNOWN
    assert resumed(encoded(LastingState()), running=True) == LastingState()
    assert resumed(encoded(LastingState()), emergency=True) == UNKNOWN
    assert resumed(encoded(EMERGENCY), emergency=True) == EMERGENCY
    assert resumed(b"") == UNKNOWN
    newer = b'{"schema":2,"state":{"emergency":{"held":true,"more":1}}}'
    assert resumed(newer) == LastingState(emergency=LastingEmergency(held=True))


def test_no_lane_in_an_emergency_says_that_it_is_in_service() -> None:
    well = LaneContext(blockers=())
    assert told(well, states.Idle(Screen.WELCOME), 0)["in_service"]
    assert not told(well, states.Emergency(), 0)["in_service"]


def test_the_log_remembers_an_emergency_until_its_end() -> None:
    said = Said("bert", Role.OFFICER)
    began = Remembered().after(EmergencyBegan(None))
    assert began.emergency
    assert not began.after(EmergencyEnded(said)).emergency


async def test_the_newest_state_replaces_one_that_waits(tmp_path: Path) -> None:
    heard = await kept(tmp_path, *(LastingState(closed_by=str(number)) for number in range(50)))
    assert read_state(tmp_path) == LastingState(closed_by="49")
    assert heard == [True]


async def test_no_order_waits_for_a_disk_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hung = threading.Event()
    monkeypatch.setattr(state_file, "_replace", lambda *_: hung.wait(10))
    file = StateFile(tmp_path, lambda _: None)
    began_s = asyncio.get_running_loop().time()
    file.keep(EMERGENCY)
    file.keep(LastingState())
    assert asyncio.get_running_loop().time() - began_s < 5
    hung.set()
    await file.drain(5)


@pytest.mark.usefixtures("at_once")
async def test_a_file_that_cannot_be_written_is_told_and_tried_again(tmp_path: Path) -> None:
    heard: asyncio.Queue[bool] = asyncio.Queue()
    folder = tmp_path / "lane"
    file = StateFile(folder, heard.put_nowait)
    file.keep(LastingState())
    file.keep(EMERGENCY)
    assert await heard.get() is False
    folder.mkdir()
    async with asyncio.timeout(10):
        while await heard.get() is False:
            pass
    await file.drain(5)
    assert read_state(folder) == EMERGENCY


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\0" * 300, encoded(EMERGENCY)[:-1], b'{"schema":2,"state":{}}', b'{"schema":1}', b"1" * 70_000],
    ids=["empty", "cut", "zeros", "a byte short", "newer", "without a state", "too long"],
)
def test_a_file_that_cannot_be_read_is_a_lost_state(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(StateLostError, match=r"state\.json"):
        read_state(tmp_path)


def test_a_draft_that_a_death_left_is_no_state(tmp_path: Path) -> None:
    (tmp_path / f".tmp-{FILE}").write_bytes(encoded(EMERGENCY)[:20])
    assert read_state(tmp_path) is None
