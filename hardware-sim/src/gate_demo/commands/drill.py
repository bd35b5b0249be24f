"""`gate drill`: a scripted day at a private simulated gate, which an officer at this terminal handles, and the score."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gate_core.command_line.output import Exit, emit_json, fail, note, one_line, say
from gate_core.evidence.screen import Purpose
from gate_core.settings import environment

if TYPE_CHECKING:
    from gate_demo.drills import Drill
    from gate_demo.play import Play
    from gate_demo.report import Result
    from gate_demo.score import Score
    from gate_demo.trainee import Mind, Person

OFFICERS = ("terminal", "auto")
TYPED_BYTES_MAX = 4096


def command(
    name: str = typer.Argument("", help="Which drill; --list shows them."),
    listed: bool = typer.Option(False, "--list", help="The drills."),
    officer: str = typer.Option("terminal", help="Who settles the cases: terminal, you; auto, a robot, for tests."),
    seed: int = typer.Option(1, help="Draws the people."),
    report: Path | None = typer.Option(None, "--report", metavar="F.html", help="Also write the score as a page."),
    as_json: bool = typer.Option(False, "--json", help="JSON on standard output."),
) -> None:
    """Settle a scripted day at a simulated gate, for your own eyes. Exit 1 when a case was settled otherwise than it should be."""
    from gate_demo.drills import DRILLS

    if listed:
        _list(as_json=as_json)
        return
    if officer not in OFFICERS:
        fail(Exit.USAGE, f"an officer is one of {', '.join(OFFICERS)}")
    if name not in DRILLS:
        fail(Exit.USAGE, f"a drill is one of {', '.join(sorted(DRILLS))}")
    _refuse_on_a_gate()
    found = _played(DRILLS[name], officer, seed)
    if report is not None:
        _write(report, found)
    if as_json:
        emit_json("drill/1", {**found.fields(), "officer": officer})
    else:
        from gate_demo.score import lines

        for line in lines(found):
            say(line)
    raise typer.Exit(int(Exit.OK if found.right == found.counted else Exit.NO))


def _list(*, as_json: bool) -> None:
    from gate_demo.drills import DRILLS

    rows: list[dict[str, object]] = [
        {"name": one.name, "title": one.title, "source": one.source, "cases": len(one.cases), "why_not": None}
        for one in DRILLS.values()
    ]
    if as_json:
        emit_json("drill.list/1", {"drills": rows})
        return
    for row in rows:
        say(f"{row['name']}  {row['title']} ({row['source']})")


def _refuse_on_a_gate() -> None:
    """End on a machine that is a gate: it serves travellers, and a drill must not touch its stores."""
    from gate.programs.shared import config as configuration
    from gate_core.settings.config_file import ConfigError

    for path in dict.fromkeys((environment.path_from_environment(), environment.DEFAULT_PATH)):
        try:
            if not path.exists() or configuration.load(path, refuse_in_service=False).purpose is Purpose.DEMO:
                continue
        except (ConfigError, OSError):
            pass  # unreadable: the machine may be a gate
        fail(Exit.NOT_PERMITTED, f"{path} makes a gate of this machine: play drills on another one")


def _played(drill: Drill, officer: str, seed: int) -> Score:
    from rich.console import Console

    from gate.cli.models import default_folder
    from gate_core.orders.verbs import Verb
    from gate_demo.commands.demo import played
    from gate_demo.disk import swept
    from gate_demo.play import Play, Wishes
    from gate_demo.score import score
    from gate_demo.trainee import HELP, Diary, Person, Robot, Trainee

    releases = any(Verb.RELEASE in either for case in drill.cases for either in case.right)
    mind: Mind = Robot(releases=releases) if officer == "auto" else Person(lambda text: note(one_line(text)))
    diary = Diary()
    wishes = Wishes(
        travellers=len(drill.cases),
        seed=seed,
        scenario=None,
        reader=drill.reader,
        lane=drill.lane,
        models=default_folder(),
        face_profile="standard",
        open_page=None,
        role="supervisor",  # may also set whom the lane serves
        cast=tuple(case.scenario for case in drill.cases),
    )
    trainee = partial(Trainee, mind=mind, diary=diary, serves=drill.serves)
    seen = iter([case.sees for case in drill.cases])
    if isinstance(mind, Person):
        note(f"{drill.title}. You are the officer, and taken for present. Type:\n  {HELP}")
    with swept(Path(tempfile.gettempdir())) as folder:
        play = Play(folder, wishes, Console(stderr=True), officer=trainee, arrives=lambda: mind.sees(next(seen)))
        result = played(_Typed(play, mind) if isinstance(mind, Person) else play, folder, None)
    return score(drill, [one.visit for one in result.outcomes], diary)


class _Typed:
    """A play during which a person types orders."""

    def __init__(self, play: Play, person: Person) -> None:
        self._play = play
        self._person = person
        self._begun = b""

    async def run(self) -> Result:
        """Play it, and pass on each typed line."""
        loop, typed = asyncio.get_running_loop(), sys.stdin.fileno()
        try:
            loop.add_reader(typed, self._read)
        except PermissionError:  # standard input is a file, or empty
            fail(Exit.USAGE, "an officer types at a terminal: standard input is none")
        try:
            return await self._play.run()
        finally:
            loop.remove_reader(typed)

    def _read(self) -> None:
        raw = os.read(sys.stdin.fileno(), TYPED_BYTES_MAX)
        if not raw:
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        *lines, self._begun = (self._begun + raw)[-TYPED_BYTES_MAX:].split(b"\n")
        for line in lines:
            self._person.typed(line.decode("utf-8", "replace"))


def _write(path: Path, found: Score) -> None:
    from gate_demo.score import page

    try:
        path.write_text(page(found), encoding="utf-8")
    except OSError as error:
        fail(Exit.IO_ERROR, f"cannot write {path}: {error.strerror}")
