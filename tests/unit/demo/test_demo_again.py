"""Visits on a late machine that came out otherwise are played again, a few times, and the command says what it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn, cast

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from gate_demo import play
from gate_demo import world as worlds
from gate_demo.commands import demo
from gate_demo.director import DirectorError, Visit
from gate_demo.machine import QUEUED_PERCENT_MAX, Lateness
from gate_demo.play import AGAIN_MAX, Play, PlayError, TooSlowError, Wishes
from gate_demo.report import Outcome

LATE, IN_TIME = Lateness(queued_percent=QUEUED_PERCENT_MAX + 1), Lateness()
DIFFERENCE = "0 passed, expected 1"


class Lane:
    """Plays visits as told: how late the machine is in each, and whether it comes out as expected."""

    def __init__(self, *told: tuple[Lateness, bool]) -> None:
        self._told = list(told)
        self._good: dict[str, bool] = {}
        self.sent: list[str] = []

    async def run(self, scenarios: list[str]) -> list[Visit]:
        return [self._visit(scenario) for scenario in scenarios]

    def _visit(self, scenario: str) -> Visit:
        late, good = self._told.pop(0)
        self.sent.append(scenario)
        visit = Visit(f"t{len(self.sent):03}", scenario, late=late)
        self._good[visit.traveller] = good
        return visit

    def outcomes(self, visits: list[Visit]) -> list[Outcome]:
        return [
            Outcome(visit, "referred", (), (), {}, () if self._good[visit.traveller] else (DIFFERENCE,))
            for visit in visits
        ]


class Played(Play):
    """Looks for what came of visits where they were played."""

    lane: Lane

    def _outcomes(self, visits: list[Visit], *_: object) -> list[Outcome]:
        return self.lane.outcomes(visits)


async def played(monkeypatch: pytest.MonkeyPatch, lane: Lane, *scenarios: str) -> tuple[list[Visit], list[Any]]:
    async def mirrored(_stage: object) -> None:
        pass

    monkeypatch.setattr(play, "_until_mirrored", mirrored)
    visits = await lane.run(list(scenarios))
    nothing = cast("Any", None)
    wishes = Wishes(1, 1, None, "elyctis", Path(), "standard", None)
    play_ = Played(Path("/nowhere"), wishes, Console())
    play_.lane = lane
    return await play_._play_again(cast("Any", lane), visits, nothing, {})


async def test_a_visit_that_a_late_machine_spoilt_is_played_again_and_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lane = Lane((IN_TIME, True), (LATE, False), (IN_TIME, True))
    visits, again = await played(monkeypatch, lane, "fire", "genuine")
    assert lane.sent == ["fire", "genuine", "genuine"]
    assert [visit.traveller for visit in visits] == ["t001", "t003"]
    assert [(one.scenario, one.what, one.late) for one in again] == [("genuine", (DIFFERENCE,), LATE)]


async def test_a_visit_that_went_well_or_was_in_time_is_not_played_again(monkeypatch: pytest.MonkeyPatch) -> None:
    lane = Lane((LATE, True), (IN_TIME, False))
    visits, again = await played(monkeypatch, lane, "fire", "genuine")
    assert [visit.traveller for visit in visits] == ["t001", "t002"]
    assert again == []


async def test_a_machine_that_stays_late_is_tried_a_few_times_only(monkeypatch: pytest.MonkeyPatch) -> None:
    lane = Lane(*[(LATE, False)] * 10)
    visits, again = await played(monkeypatch, lane, "genuine")
    assert len(lane.sent) == 1 + AGAIN_MAX == 1 + len(again)
    assert [visit.late for visit in visits] == [LATE]


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (TooSlowError("traveller t001 never left the lane; so late"), 75, "this machine is too slow: traveller t001"),
        (PlayError("the simulated world ended"), 69, "gate: the simulated world ended"),
    ],
)
def test_a_machine_that_is_too_slow_is_an_outcome_of_its_own(
    monkeypatch: pytest.MonkeyPatch, error: PlayError, code: int, line: str
) -> None:
    async def fails(_play: Play) -> None:
        raise error

    monkeypatch.setattr(Play, "run", fails)
    app = typer.Typer()
    app.command()(demo.command)
    done = CliRunner().invoke(app, ["--headless", "--json"])
    assert done.exit_code == code
    assert line in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(("late", "kind"), [(LATE, TooSlowError), (IN_TIME, PlayError)])
async def test_a_lane_that_stays_stuck_on_a_late_machine_is_the_machines_fault(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, late: Lateness, kind: type[PlayError]
) -> None:
    class Stuck(Play):
        async def _travel(self, *_: object) -> NoReturn:
            raise DirectorError("the lane shows officer", late)

    monkeypatch.setattr(worlds, "start", lambda *_, **__: Nothing())
    with pytest.raises(PlayError, match="the lane shows officer") as raised:
        await Stuck(tmp_path, Wishes(1, 1, None, "elyctis", Path(), "standard", None), Console(quiet=True)).run()
    assert type(raised.value) is kind


class Nothing:
    """A world that is there."""

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *_: object) -> None:
        pass
