"""The calls of docs/operations.md, provoked on a whole gate: what the page says is shown is shown, and what it says to do puts the gate right.

All six programs run on the simulated world. The page is read: what `gate status` names as lost, and the degraded mode, must stand in the call's row,
and whatever stands there is provoked here or listed with the reason why not. What names systemd is test_gate_boots's.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from fakes import night_troubles as troubles
from fakes.gate_operator import OF_THIS_MACHINE, Called, Shown
from fakes.night_troubles import Trouble, deliver
from fakes.whole_gate import running

from gate.channel.row import PROGRAMS
from gate.cli.models import default_folder
from gate.programs.shared.degraded_modes import MODES, Lane
from gate_core.command_line.output import Exit
from gate_core.evidence.screen import Screen

pytestmark = [pytest.mark.e2e, pytest.mark.long]

PAGE: Final = (Path(__file__).parents[2] / "docs/operations.md").read_text()
ROWS: Final = dict(re.findall(r"^### (\d+)\..*\n\n\| \| \|\n\| --- \| --- \|\n\| (.*) \|$", PAGE, flags=re.MULTILINE))
LANE: Final = {mode.name: mode.lane for mode in MODES}
NOT_HERE: Final = {
    "camera_slow": "the simulated camera keeps its pace",
    "throttled": "no thermal zone can be heated here",
    "chips_failing": "is told of twenty travellers",
    "pages_unclear": "is told of twenty documents",
    "light_poor": "is told of twenty travellers",
    "leaf_slow": "is told of fifty passages",
    "orders_late": "test_lane_on_the_wire silences the line",
    "state_unknown": "test_lane_killed_in_emergency loses the file",
    "state_not_kept": "test_lane_state_file cannot write it",
    "head_unconfirmed": "this machine is not started anew; test_head_after_boot begins with it",
}

on_one_loop = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Case:
    """One way to get a call: what `gate status` must show of it, as it stands in the call's row. `beside`: other modes that may hold then."""

    call: int
    trouble: Trouble
    mode: str
    shows: str = ""
    beside: frozenset[str] = frozenset()

    def is_shown(self, shown: Shown) -> bool:
        """True when `gate status` shows this and nothing else."""
        modes = shown.modes - (OF_THIS_MACHINE - {self.mode})
        name, _, words = self.shows.partition(" ")
        lines = {**({} if self.mode == "lane_away" else {"lost": "nothing"}), **({name: words.strip()} if name else {})}
        return {self.mode} <= modes <= self.beside | {self.mode} and lines.items() <= shown.lines.items()


CASES: Final = (
    Case(
        1,
        troubles.barrier("cannot be opened", {"do": "unplug", "what": "barrier"}, {"do": "replug", "what": "barrier"}),
        "barrier_gone",
        "lost     barrier",
    ),
    Case(
        1,
        troubles.barrier("the board does not answer", {"do": "line", "drop": 1}, {"do": "line", "drop": 0}),
        "barrier_gone",
        "lost     barrier",
    ),
    Case(2, troubles.forced, "barrier_alarm", "alarms   forced (acknowledge it)", beside=frozenset({"officer_absent"})),
    Case(2, troubles.motor, "barrier_alarm", beside=frozenset({"officer_absent"})),
    Case(3, troubles.nobody_there, "officer_absent", "officer  no officer: everybody is referred"),
    Case(3, troubles.stopped("registers"), "registers_away"),
    Case(3, troubles.list_without_its_key, "register_silent"),
    Case(4, troubles.unplugged("chip"), "chip_reader_gone"),
    Case(4, troubles.unplugged(folder=True), "one_reader_down"),
    Case(4, troubles.unplugged("swipe", folder=True), "readers_gone", "lost     reader"),
    Case(5, troubles.unplugged("camera"), "camera_gone", "lost     camera"),
    Case(5, troubles.model_changed, "camera_gone", "lost     camera"),
    # The pages' pictures are vision's, too.
    Case(5, troubles.stopped("vision"), "vision_away", "lost     vision", beside=frozenset({"one_reader_down"})),
    Case(6, troubles.disk_full, "disk_full", "lost     log"),
    Case(6, troubles.stopped("log"), "log_away", "lost     log"),
    Case(6, troubles.hanging("log"), "log_away", "lost     log"),
    Case(7, troubles.lists_old, "lists_old", beside=frozenset({"lists_not_imported"})),
    Case(7, troubles.clock_unsure, "clock_unsure", beside=frozenset({"officer_absent"})),
    Case(8, troubles.browser_dies, "page_gone", "lost     screen"),
    Case(8, troubles.stopped("screens"), "screens_away", "screens  away"),
    Case(8, troubles.stopped("lane"), "lane_away", "lane     away"),
    Case(8, troubles.hanging("lane"), "lane_away", "lane     away"),
    Case(10, troubles.line_loses_bytes, "line_poor"),
    Case(10, troubles.machine_late, "machine_late"),
)


def test_whatever_a_row_names_is_provoked_here_or_said_why_not() -> None:
    """And nothing is provoked that its row does not name."""
    assert set(ROWS) == {str(number) for number in range(1, 11)}
    for number, row in ROWS.items():
        cases = [case for case in CASES if case.call == int(number)]
        named = {word for word in re.findall(r"\b([a-z_]+)\b", row) if word in LANE}
        assert {case.mode for case in cases} == named - NOT_HERE.keys(), number
        assert {case.shows for case in cases} - {""} == set(re.findall(r"`([a-z]+ {2,}[^`]+)`", row))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def called() -> AsyncIterator[Called]:
    folder = Path(tempfile.mkdtemp(prefix="gate-"))  # short: socket paths have 107 bytes
    try:
        shutil.copytree(default_folder(), folder / "models")
        for name in ("pages", "downloads"):
            (folder / name).mkdir()
        tables = {
            "barrier": {
                "port": str(folder / "world/barrier"),
                "poll_ms": 20,
            },  # a line is judged by a thousand questions
            "page": {"driver": "folder", "path": str(folder / "pages")},
            "lists": {"folder": str(folder / "downloads"), "test": True, "check_every_ms": 500},
        }
        async with running(folder, models=folder / "models", programs=PROGRAMS, tables=tables, central=True) as gate:
            deliver(gate.world.ready.csca, folder / "downloads")
            await gate.until(Screen.WELCOME)
            yield Called(gate)
    finally:
        shutil.rmtree(folder)


async def bears_out(called: Called, mode: str) -> None:
    """The lane does what the page's table says that it does then."""
    gate = called.gate
    match LANE[mode]:
        case Lane.OPEN:
            assert await gate.passes()
        case Lane.REFERS:
            gate.screens.clear()
            visiting = asyncio.ensure_future(gate.visit("genuine"))
            await gate.until(Screen.OFFICER)
            if gate.officer.absent:
                assert "  waits for " in await called.waits()
                await called.orders("hand-over", "taken_over")
            assert (await visiting).passed == 0
            assert Screen.GO not in gate.screens
        case Lane.CLOSED if mode == "lane_away":
            await called.until(called.page, lambda screen: screen == "officer")
        case Lane.CLOSED:
            await gate.until(Screen.CLOSED)
            assert (await called.status()).title == "out of service (demo)"


@on_one_loop
@pytest.mark.parametrize("case", CASES, ids=[f"{one.call}-{one.mode}-{at}" for at, one in enumerate(CASES)])
async def test_a_call_is_shown_as_the_page_says_and_ends_as_it_says(called: Called, case: Case) -> None:
    async with called.well_again(case.mode), case.trouble(called):
        await called.until(called.status, case.is_shown)
        await bears_out(called, case.mode)


@on_one_loop
async def test_somebody_inside_is_listed_and_freed(called: Called) -> None:
    assert "`person_inside`" in ROWS["9"]
    async with called.well_again("person_inside"):
        called.gate.officer.absent = True
        called.breaks("walk_in", who="anna")
        await called.until(called.waits, lambda told: "  person_inside: " in told)
        assert await called.orders("release") == (Exit.OK, "release: the leaf is open\n")
        await called.until(called.waits, lambda told: "person_inside" not in told)
        called.gate.officer.absent = False


@on_one_loop
async def test_a_gate_that_stands_open_is_closed_by_an_officer_once_there_is_no_fire(called: Called) -> None:
    assert "`emergency`" in ROWS["9"]
    async with called.well_again("emergency"):
        called.gate.officer.absent = True
        called.breaks("fire", active=True)
        await called.until(called.waits, lambda told: told.startswith("gate-0001: emergency\n"))
        assert (await called.orders("end-emergency"))[0] == Exit.NO
        called.breaks("fire", active=False)
        await called.until(lambda: called.orders("end-emergency"), lambda answer: answer[0] == Exit.OK)
        assert (await called.orders("open-emergency"))[0] == Exit.OK
        assert (await called.waits()).startswith("gate-0001: emergency\n")
        assert (await called.orders("end-emergency"))[0] == Exit.OK
        called.gate.officer.absent = False


@on_one_loop
async def test_a_central_server_that_is_away_is_no_call(called: Called) -> None:
    assert "Not a call at all: `degraded central_away`" in PAGE
    async with called.well_again("central_away"):
        await called.gate.central.stop()
        await called.until(called.status, lambda one: "central_away" in one.modes)
        assert (await called.status()).code == Exit.OK
        await bears_out(called, "central_away")
        await called.gate.central.start()


async def acknowledged(called: Called) -> str:
    """What waits after an acknowledgement: a button that is still down is another call."""
    assert (await called.orders("acknowledge"))[0] == Exit.OK
    return await called.waits()


@on_one_loop
async def test_between_two_doors_a_call_for_help_is_listed_and_a_log_from_the_past_stays_closed() -> None:
    assert "`help_called`" in ROWS["9"]
    folder = Path(tempfile.mkdtemp(prefix="gate-"))
    try:
        async with running(folder, lane="two-door") as gate:
            called = Called(gate)
            await gate.until(Screen.WELCOME)
            visiting = asyncio.ensure_future(gate.visit("called_for_help"))
            await gate.until(Screen.LOOK)
            gate.officer.absent = True
            await called.until(called.waits, lambda told: "  help_called: " in told)
            assert (await called.orders("release"))[0] == Exit.OK
            await called.until(lambda: acknowledged(called), lambda told: "  help_called: " not in told)
            gate.officer.absent = False
            assert (await visiting).passed == 0
            async with called.well_again("sensors_gone"):
                called.breaks("unplug", what="sensors")
                await called.until(called.status, lambda one: one.lines["lost"] == "sensors")
                await bears_out(called, "sensors_gone")
                called.breaks("replug", what="sensors")
            audit = Path(gate.stage.config.paths.state) / "audit"
            async with called.without("log"):
                shutil.copytree(audit, folder / "copy")
            assert await gate.passes()
            async with called.without("log"):
                shutil.rmtree(audit)
                shutil.copytree(folder / "copy", audit)
            await called.until(
                lambda: called.says("status", "--json"), lambda told: "it is from the past" in told[1]
            )  # before, the log is away as each program is that starts
            assert (await called.status()).lines["lost"] == "log"
    finally:
        shutil.rmtree(folder)
