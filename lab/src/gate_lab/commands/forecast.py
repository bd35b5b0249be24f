"""`gate forecast`: from measured service times and a schedule to the lanes and officers that a day takes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate_core.command_line.input_files import bytes_of
from gate_core.command_line.options import Json
from gate_core.command_line.output import Exit, emit_json, fail, say

if TYPE_CHECKING:
    from gate_lab.forecast import Arrival, Outlook
    from gate_lab.service_times import ServiceTimes

app = typer.Typer(no_args_is_help=True)

FILE_BYTES_MAX = 256 << 20


@app.callback()
def _noun() -> None:
    """Lanes and officers for a day."""


@app.command()
def service(
    crossings: Annotated[Path, typer.Argument(help="crossings.csv of gate audit report --csv.")],
    out: Annotated[Path, typer.Option(help="Where the service times go: quantiles, and nothing of any crossing.")],
    as_json: Json = False,
) -> None:
    """Measure how long lanes and officers took, of a hundred crossings at least."""
    from gate_core import durable
    from gate_lab.service_times import ServiceError, measured

    try:
        found = measured(_text(crossings))
        durable.write(out, found.to_bytes(), new_only=True)
    except ServiceError as error:
        fail(Exit.BAD_DATA, f"{crossings}: {error}")
    except OSError as error:
        fail(Exit.IO_ERROR, f"{out}: {error.strerror}")
    if as_json:
        emit_json("forecast.service/1", {"crossings": found.crossings, "referred": found.referred, "out": str(out)})
    else:
        say(
            f"{out}: {found.crossings} crossings, {found.referred} referred; a lane is taken for {found.lane_s[10]} s at the median"
        )


@app.command()
def plan(
    schedule: Annotated[
        Path, typer.Argument(help="Who comes: a CSV table with time (HH:MM), travellers and, if wanted, over_min.")
    ],
    service_times: Annotated[Path, typer.Option("--service", help="Service times of gate forecast service.")],
    share_of_travellers: Annotated[
        float, typer.Option("--eligible", min=0.01, max=1, help="The share of travellers who come to the gates.")
    ] = 1.0,
    within_min: Annotated[float, typer.Option(min=0.5, max=120, help="How long they may wait, in minutes.")] = 5.0,
    share: Annotated[float, typer.Option(min=0.5, max=1, help="How many of them wait no longer.")] = 0.95,
    days: Annotated[
        int, typer.Option(min=10, max=1000, help="How many days are simulated for each number of lanes.")
    ] = 20,
    out: Annotated[Path | None, typer.Option(help="A page with plots goes here.")] = None,
    as_json: Json = False,
) -> None:
    """Find the fewest lanes and officers with which that share waits no longer, on nine days of ten. Exit 1: none do."""
    from rich.console import Console

    from gate_lab.forecast import ScheduleError, fewest, read_schedule, variants
    from gate_lab.service_times import ServiceError, ServiceTimes

    if out is not None and out.exists():
        fail(Exit.IO_ERROR, f"{out} is there already; name another")
    try:
        arrivals = read_schedule(_text(schedule), share=share_of_travellers)
    except ScheduleError as error:
        fail(Exit.BAD_DATA, f"{schedule}: {error}")
    try:
        times = ServiceTimes.read(_text(service_times).encode())
    except ServiceError as error:
        fail(Exit.BAD_DATA, f"{service_times}: {error}")
    tried: list[Outlook] = []
    with Console(stderr=True).status("simulating days") as status:

        def heard(one: Outlook) -> None:
            tried.append(one)
            status.update(f"{one.staff.lanes} lanes, {one.staff.officers} officers: {one.low:.1%} in time")

        chosen = fewest(arrivals, times, limit_s=within_min * 60, share=share, days=days, tried=heard)
        what_if = [] if chosen is None else variants(chosen, arrivals, times, limit_s=within_min * 60, days=days)
    if out is not None:
        _write_page(out, chosen, tried, what_if, arrivals, times, within_min * 60, share, days)
    if as_json:
        emit_json(
            "forecast.plan/1",
            {
                "travellers": sum(one.travellers for one in arrivals),
                "chosen": None if chosen is None else asdict(chosen),
                "tried": [asdict(one) for one in tried],
                "what_if": [{"what": what, **asdict(one)} for what, one in what_if],
                "days": days,
                "page": None if out is None else str(out),
            },
        )
    else:
        _say(chosen, what_if, within_min)
    raise typer.Exit(int(Exit.OK if chosen is not None else Exit.NO))


def _write_page(
    out: Path,
    chosen: Outlook | None,
    tried: list[Outlook],
    what_if: list[tuple[str, Outlook]],
    arrivals: list[Arrival],
    times: ServiceTimes,
    limit_s: float,
    share: float,
    days: int,
) -> None:
    from gate_core import durable
    from gate_lab.forecast import day
    from gate_lab.forecast_report import Plan, render

    made = Plan(chosen, tuple(tried), tuple(what_if), tuple(arrivals), times, limit_s, share, days)
    page = render(made, None if chosen is None else day(arrivals, times, chosen.staff, seed=0))
    try:
        durable.write(out, page.encode(), new_only=True)
    except OSError as error:
        fail(Exit.IO_ERROR, f"{out}: {error.strerror}")


def _say(chosen: Outlook | None, what_if: list[tuple[str, Outlook]], within_min: float) -> None:
    if chosen is None:
        say("no number of lanes that was tried keeps the promise")
        return
    say(f"{chosen.staff.lanes} lanes, {chosen.staff.officers} officers")
    for what, one in what_if:
        say(
            f"  {what}: {one.median:.1%} within {within_min:g} min on the median day, {one.low:.1%} on nine days of ten"
        )


def _text(path: Path) -> str:
    try:
        return bytes_of(path, bytes_max=FILE_BYTES_MAX).decode()
    except UnicodeDecodeError:
        fail(Exit.BAD_DATA, f"{path}: is not UTF-8")
