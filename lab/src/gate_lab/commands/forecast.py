"""`gate forecast`: computes the lanes and officers that a day takes from measured service times and a schedule."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate_core.command_line.input_files import bytes_of
from gate_core.command_line.options import Json
from gate_core.command_line.output import Exit, fail, tell, write_new

if TYPE_CHECKING:
    from gate_lab.forecast import Outlook

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
    fields = {"crossings": found.crossings, "referred": found.referred, "out": str(out)}
    told = f"{out}: {found.crossings} crossings, {found.referred} referred"
    tell(
        "forecast.service/1", fields, f"{told}; a lane is taken for {found.lane_s[10]} s at the median", as_json=as_json
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

    from gate_lab.forecast import ScheduleError, planned, read_schedule
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
    with Console(stderr=True).status("simulating days") as status:

        def heard(one: Outlook) -> None:
            status.update(f"{one.staff.lanes} lanes, {one.staff.officers} officers: {one.low:.1%} in time")

        found = planned(arrivals, times, limit_s=within_min * 60, share=share, days=days, heard=heard)
    if out is not None:
        from gate_lab.forecast_report import render

        write_new(out, render(found).encode())
    page = None if out is None else str(out)
    tell("forecast.plan/1", {**found.fields(), "page": page}, *found.lines(), as_json=as_json)
    raise typer.Exit(int(Exit.OK if found.chosen is not None else Exit.NO))


def _text(path: Path) -> str:
    try:
        return bytes_of(path, bytes_max=FILE_BYTES_MAX).decode()
    except UnicodeDecodeError:
        fail(Exit.BAD_DATA, f"{path}: is not UTF-8")
