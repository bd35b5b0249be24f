"""The page of `gate forecast plan`: the lanes and officers for a day, the alternatives tried, and the input data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader
from matplotlib.figure import Figure

from gate_lab.face_report import new_axes, svg
from gate_lab.forecast import Arrival, Plan, Waits, day, over_the_day

_PAGES: Final = Path(__file__).with_name("pages")
_OURS: Final = "#0b6e4f"
_LIMIT: Final = "#a23b00"


def render(plan: Plan) -> str:
    """Return the whole page, with a day of the chosen staff."""
    environment = Environment(loader=FileSystemLoader(_PAGES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    one_day = None if plan.chosen is None else day(plan.arrivals, plan.service, plan.chosen.staff, seed=0)
    return environment.get_template("forecast.html").render(
        plan=plan,
        tried=sorted(plan.tried, key=lambda one: (one.staff.lanes, one.staff.officers)),
        coming=svg(_coming(plan.arrivals)),
        waiting=None if one_day is None else svg(_waiting(one_day, plan.limit_s)),
    )


def _coming(arrivals: Sequence[Arrival]) -> Figure:
    figure, axes = new_axes()
    hours = [0] * 24
    for one in arrivals:
        hours[int(one.at_s // 3600) % 24] += one.travellers
    axes.bar(range(24), hours, width=0.9, align="edge", color=_OURS)
    axes.set(
        xlabel="hour of the day", ylabel="travellers whose arrival begins then", xlim=(0, 24), xticks=range(0, 25, 3)
    )
    return figure


def _waiting(waits: Waits, limit_s: float) -> Figure:
    figure, axes = new_axes()
    spans = over_the_day(waits)
    axes.step([at_s / 3600 for at_s, _ in spans], [wait / 60 for _, wait in spans], where="post", color=_OURS)
    axes.axhline(limit_s / 60, color=_LIMIT, linestyle=":")
    axes.set(xlabel="hour of the day", ylabel="longest wait for a lane, minutes", xlim=(0, 24), xticks=range(0, 25, 3))
    axes.set_ylim(bottom=0)
    return figure
