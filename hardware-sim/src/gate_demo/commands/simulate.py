"""`gate simulate`: many crossings of a simulated hall through the real lane on a virtual clock, judged by true events."""

from __future__ import annotations

import enum
import json
import os
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from gate_core.command_line.output import Exit, emit_json, fail

if TYPE_CHECKING:
    from gate_demo.simulate.run import Run, Wishes
    from hardware_sim.hall.plan import Doors, Kind

CROSSINGS_MAX = 10_000_000
SEED_BITS = 32
DAYS_MIN, DAYS_MAX = 6, 100
A_DAY_MAX = 14_000  # a crossing is five seconds of the one lane


class LaneOfDoors(enum.StrEnum):
    """The simulated lane."""

    ONE = "one-door"
    TWO = "two-door"


class OnOff(enum.StrEnum):
    """A switch on the command line."""

    ON = "on"
    OFF = "off"


def command(
    crossings: int = typer.Option(1_000, min=1, max=CROSSINGS_MAX, help="How many travellers come."),
    seed: int | None = typer.Option(None, help="Draws everything; a fresh one, which is printed, when it is left out."),
    faults: OnOff = typer.Option(OnOff.OFF, help="Whether things go wrong."),
    only: str | None = typer.Option(None, help="Only these crossings of the seed, such as 17-19,40: a replay."),
    lane: LaneOfDoors = typer.Option(LaneOfDoors.ONE, help="How many doors the lane has."),
    kinds: str | None = typer.Option(None, help="Only these kinds of fault, such as burst,death: a replay."),
    again: Path | None = typer.Option(None, "--replay", help="Instead: a violation that gate explore --json found."),
    days: int | None = typer.Option(
        None,
        min=DAYS_MIN,
        max=DAYS_MAX,
        help="Instead: a soak. One installation lives for so many days, with these crossings and faults.",
    ),
    out: Path | None = typer.Option(None, help="With --days: file for the report, a page to print and sign."),
    as_json: bool = typer.Option(False, "--json", help="JSON on standard output."),
) -> None:
    """Prove the lane: the real one and a simulated world on a virtual clock, with faults, from one seed; the first violation ends it."""
    from rich.console import Console

    from gate_demo.simulate.report import Report
    from gate_demo.simulate.run import LANES, Wishes, replay_command, shortest

    if again is not None:
        _replay(again, as_json=as_json)
    drawn = secrets.randbits(SEED_BITS) if seed is None else seed
    if days is not None:
        if lane is not LaneOfDoors.ONE or only is not None or kinds is not None:
            fail(Exit.USAGE, "--days plays all crossings and kinds of fault, through a lane of one door")
        if crossings > days * A_DAY_MAX:
            fail(Exit.USAGE, f"a lane has time for {A_DAY_MAX:,} crossings a day: give more days or fewer crossings")
        _soak(drawn, days, crossings, faults is OnOff.ON, out, as_json=as_json)
    if out is not None:
        fail(Exit.USAGE, "--out is for the report of a soak: give --days as well")
    numbers = tuple(range(crossings)) if only is None else _numbers(only)
    doors = LANES[lane.value]
    wishes = Wishes(drawn, numbers, faults is OnOff.ON, _kinds(kinds, doors), doors)
    run = _run(wishes)
    report = Report(run)
    if run.violation is not None:
        found = shortest(run)
        report = Report(run, replay_command(found.wishes), found.cut_short)
    if as_json:
        emit_json("simulate/1", report.fields())
    else:
        report.draw(Console())
    raise typer.Exit(int(Exit.OK if report.ok else Exit.NO))


def _replay(file: Path, *, as_json: bool) -> NoReturn:
    """Play a violation of `gate explore` on a clock that goes on, and end with 1 when it shows again."""
    from rich.console import Console

    from gate_demo.explore.run import read, replay

    try:
        played = replay(*read(json.loads(file.read_text())))
    except OSError as error:
        fail(Exit.IO_ERROR, f"{file}: {error.strerror}. Name a file that gate explore --json wrote.")
    except (ValueError, UnicodeDecodeError) as error:
        fail(Exit.BAD_DATA, f"{file}: {error}. Name a file that gate explore --json wrote.")
    if as_json:
        emit_json("simulate/1", {"replayed": str(file), "violations": list(played.broken), "same_answers": played.same})
    else:
        console = Console()
        for line in (*played.lines, *played.broken):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(int(Exit.NO if played.broken else Exit.OK))


def _soak(seed: int, days: int, crossings: int, faults: bool, out: Path | None, *, as_json: bool) -> NoReturn:
    """Run a soak; exit code 1 unless every check passes."""
    from rich.console import Console
    from rich.progress import Progress

    from gate_core import durable
    from gate_demo.soak.days import Wishes, live
    from gate_demo.soak.installation import LONGEST_SOCKET, SOCKET_BYTES_MAX
    from gate_demo.soak.report import Report

    if out is not None and not out.absolute().parent.is_dir():
        fail(Exit.IO_ERROR, f"{out}: there is no such folder; make it first")
    wishes = Wishes(seed, days, crossings, faults)
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as folder,
        Progress(console=Console(stderr=True), transient=True) as progress,
    ):
        if len(os.fsencode(Path(folder) / LONGEST_SOCKET)) > SOCKET_BYTES_MAX:
            fail(Exit.USAGE, f"{folder} is too long for the path of a socket: set TMPDIR to a shorter folder")
        task = progress.add_task("crossings", total=crossings)
        report = Report(live(wishes, Path(folder), lambda done: progress.update(task, completed=done)))
    if as_json:
        emit_json("soak/1", report.fields())
    else:
        report.draw(Console())
    if out is not None:
        try:
            durable.write(out, report.page().encode())
        except OSError as error:
            fail(Exit.IO_ERROR, f"{out}: {error.strerror}")
    raise typer.Exit(int(Exit.OK if report.ok else Exit.NO))


def _run(wishes: Wishes) -> Run:
    """Run it, with a progress display on a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    from gate_demo.simulate.run import run

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("crossings", total=len(wishes.numbers))
        return run(wishes, lambda _: progress.advance(task))


def _numbers(text: str) -> tuple[int, ...]:
    """Return the crossing numbers in a text such as 17-19,40."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if (
            not first.isdecimal()
            or not (last or first).isdecimal()
            or not int(first) <= int(last or first) < CROSSINGS_MAX
        ):
            fail(Exit.USAGE, f"--only takes numbers of crossings such as 17-19,40, not {part!r}")
        found.extend(range(int(first), int(last or first) + 1))
    return tuple(sorted(set(found)))


def _kinds(text: str | None, doors: Doors) -> frozenset[Kind]:
    from gate_demo.simulate.run import KINDS

    known = KINDS[doors]
    words = set(known) if text is None else set(text.split(",")) - {"none"}
    if unknown := sorted(words - known.keys()):
        fail(Exit.USAGE, f"there is no fault {', '.join(unknown)}: there are {', '.join(known)}, and none")
    return frozenset(known[word] for word in words)
