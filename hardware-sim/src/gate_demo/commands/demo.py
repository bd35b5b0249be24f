"""`gate demo`: simulated hardware, the real programs, travellers, and a report by the judge and the verified log."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import typer
from rich.console import Console

from gate.cli.models import default_folder
from gate_core.command_line.output import Exit, emit_json, fail, note

if TYPE_CHECKING:
    from gate_demo.report import Result

TRAVELLERS, READER, LANE = 30, "elyctis", "one-door"


def command(
    travellers: int = typer.Option(TRAVELLERS, min=1, max=10_000, help="How many travellers come."),
    seed: int = typer.Option(1, help="Draws their order and what they do."),
    scenario: str | None = typer.Option(None, help="Only this scenario."),
    reader: str = typer.Option(
        READER, help="The document reader that they meet: page, or one that `gate-sim reader --help` lists."
    ),
    lane: str = typer.Option(LANE, help="What kind of lane they go through: one-door or two-door."),
    face_profile: str = typer.Option("standard", help="The models that see faces: standard, clean."),
    headless: bool = typer.Option(False, "--headless", help="Do not open the traveller's page."),
    keep: Path | None = typer.Option(None, help="Leave log, keys and ground truth in this folder."),
    samples: Path | None = typer.Option(
        None, help="Leave a chip's files, scans, pictures and lists of the simulated world in this folder."
    ),
    tour: bool = typer.Option(
        False, "--tour", help="Eight scenes in less than five minutes on one page, with you as the officer."
    ),
    as_json: bool = typer.Option(False, "--json", help="JSON on standard output."),
) -> None:
    """Watch travellers go through a whole gate on simulated hardware."""
    from gate_demo.audit_review import REPORT
    from gate_demo.disk import swept
    from gate_demo.play import Play, PlayError, UnfitWishError, Wishes, scenarios_of
    from gate_demo.tour.guide import guided

    if tour and (travellers, scenario, reader, lane) != (TRAVELLERS, None, READER, LANE):
        fail(Exit.USAGE, "a tour has its own travellers, reader and lane")
    wishes = Wishes(
        travellers=travellers,
        seed=seed,
        scenario=scenario,
        reader=reader,
        lane=lane,
        models=default_folder(),
        face_profile=face_profile,
        open_page=None if headless else _open_page,
    )
    wishes, guide = guided(wishes, note, tour=tour)
    try:
        scenarios_of(wishes)
    except PlayError as error:
        fail(Exit.USAGE if isinstance(error, UnfitWishError) else Exit.UNREACHABLE, str(error))
    if samples is not None:
        _write_samples(samples, seed)
    with swept(Path(tempfile.gettempdir())) as folder:
        result = played(Play(folder, wishes, Console(stderr=True), show=guide), folder, keep)
    if as_json:
        measured = guide and guide.measured
        emit_json("demo/1", {**result.fields(), **({"tour": measured.fields()} if measured else {})})
    else:
        result.draw(Console())
    if keep is None:
        note("With --keep DIR the auditor's report of this log stays, a page to read.")
    else:
        note(f"The auditor's report of this log: {keep / REPORT}")
        if not headless:
            _open_page((keep / REPORT).absolute().as_uri())
    if result.too_slow:
        fail(Exit.TRY_LATER, f"this machine is too slow: {result.late}")
    raise typer.Exit(int(Exit.OK if result.as_expected else Exit.NO))


class Playing(Protocol):
    """A play with a result."""

    async def run(self) -> Result:
        """Play it, and return the result."""


def played(play: Playing, folder: Path, keep: Path | None) -> Result:
    """Play it to its end; on SIGTERM, SIGHUP or Ctrl-C end everything that it started, in order."""
    from gate_demo.play import PlayError, TooSlowError, leave_files

    try:
        result = asyncio.run(_until_told(play))
    except PlayError as error:
        leave_files(folder, keep, everything=True)
        kept = f"; messages of all programs are in {keep}" if keep else ""
        if isinstance(error, TooSlowError):
            fail(Exit.TRY_LATER, f"this machine is too slow: {error}{kept}")
        fail(Exit.UNREACHABLE, f"{error}{kept}")
    except KeyboardInterrupt:
        raise typer.Exit(128 + signal.SIGINT) from None
    except asyncio.CancelledError:
        raise typer.Exit(128 + signal.SIGTERM) from None
    leave_files(folder, keep, everything=not result.as_expected)
    return result


async def _until_told(play: Playing) -> Result:
    """Play it; asyncio handles Ctrl-C."""
    running = asyncio.ensure_future(play.run())
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    return await running


def _write_samples(folder: Path, seed: int) -> None:
    from gate_demo.play import leave_samples

    try:
        leave_samples(folder, seed)
    except OSError as error:
        fail(Exit.IO_ERROR, f"cannot write samples: {error.filename}: {error.strerror}")
    note(f"Samples of the simulated world are in {folder}.")


def _open_page(address: str) -> None:
    webbrowser.open(address)
