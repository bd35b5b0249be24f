"""Drills played by the real programs: by the robot, by somebody who types, and by one who admits everybody."""

from __future__ import annotations

import asyncio
import html
import json
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from gate.cli.models import default_folder
from gate_demo.drills import DRILLS, Drill
from gate_demo.play import Play, Wishes
from gate_demo.score import Score, score
from gate_demo.trainee import Diary, Robot, Trainee

pytestmark = [pytest.mark.long, pytest.mark.e2e]
COMMAND = (sys.executable, "-m", "gate.cli", "drill")
DEADLINE_S = 300.0


def told(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    return dict(json.loads(done.stdout))


# By the command: the drills that docs/themes.md names, and each kind of day once: readers, lanes of two doors, whom the lane serves, and each verb that
# settles something.
BY_COMMAND = (
    "failed-biometrics",
    "non-cooperative",
    "chip-anomalies",
    "database-hit",
    "out-of-service",
    "written-rules",
    "asylum",
    "minors",
    "non-eu-citizens",
    "passport-wrongly-placed",
    "manual-opening",
    "more-than-one-traveller",
    "help-is-called",
    "fire",
)
OTHERS = tuple(drill for drill in DRILLS.values() if drill.name not in BY_COMMAND)


@pytest.mark.parametrize("name", BY_COMMAND)
def test_a_robot_settles_every_case(name: str, tmp_path: Path) -> None:
    page = tmp_path / "drill.html"
    words = (*COMMAND, name, "--officer", "auto", "--json", "--report", str(page))
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=DEADLINE_S)
    assert done.returncode == 0, (done.stdout, done.stderr)
    found = told(done)
    assert found["score"]["right"] == found["score"]["counted"], found
    assert all(one["seconds"] is not None for one in found["cases"] if one["did"] and one["counts"])
    assert DRILLS[name].title in html.unescape(page.read_text())


def test_a_robot_settles_every_case_of_all_other_drills_in_one_day(short_path: Path) -> None:
    assert {(one.lane, one.reader, one.serves) for one in OTHERS} == {("one-door", "elyctis", "all")}
    for found in played(short_path, OTHERS, Robot(releases=False)):
        assert found.right == found.counted, found.fields()


def test_somebody_at_the_terminal_settles_what_calls_for_them() -> None:
    words = (*COMMAND, "failed-biometrics", "--json")
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as drill:
        assert drill.stdin is not None
        assert drill.stdout is not None
        assert drill.stderr is not None
        for line in drill.stderr:
            if "a traveller waits" in line:
                drill.stdin.write("t\n")
                drill.stdin.flush()
        found = json.loads(drill.stdout.read())
    assert found["score"]["right"] == found["score"]["counted"], found
    assert [one["did"] for one in found["cases"]].count(["hand-over taken_over"]) >= 1


def test_who_admits_everybody_has_a_score_that_says_so(short_path: Path) -> None:
    (found,) = played(short_path, [DRILLS["failed-biometrics"]], Robot(releases=False, admits=True))
    called = [one for one in found.settled if one.case.right]
    assert ("admit",) in {one.wrong for one in called}
    assert not any(one.is_right for one in called)


def played(folder: Path, drills: Sequence[Drill], mind: Robot) -> list[Score]:
    """Drills of one kind of lane, one after another at one gate."""
    diary, cast = Diary(), [case for drill in drills for case in drill.cases]
    wishes = Wishes(
        travellers=len(cast),
        seed=1,
        scenario=None,
        reader=drills[0].reader,
        lane=drills[0].lane,
        models=default_folder(),
        face_profile="standard",
        open_page=None,
        role="supervisor",
        cast=tuple(case.scenario for case in cast),
    )
    officer = partial(Trainee, mind=mind, diary=diary, serves=drills[0].serves)
    result = asyncio.run(Play(folder, wishes, Console(stderr=True), officer=officer).run())
    visits = iter([one.visit for one in result.outcomes])
    return [score(drill, list(islice(visits, len(drill.cases))), diary) for drill in drills]
