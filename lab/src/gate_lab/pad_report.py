"""The page of `gate face evaluate-pad --report`: one HTML file that contains its plots and loads nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from jinja2 import Environment, FileSystemLoader
from matplotlib.figure import Figure

from gate.face.liveness.liveness_aggregate import Cue
from gate_lab.exact_rates import ExactRate
from gate_lab.face_evaluation import share
from gate_lab.face_report import new_axes, svg
from gate_lab.pad_evaluation import PadEvaluation, range_text
from gate_verify.report.rates import LEVEL
from models.liveness_evidence import Counted

_PAGES: Final = Path(__file__).with_name("pages")
_PERSON: Final = "#0b6e4f"
_STEPS: Final = 201


def render(evaluation: PadEvaluation) -> str:
    """The whole page."""
    environment = Environment(loader=FileSystemLoader(_PAGES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.globals.update(
        range_text=range_text, share=share, interval=_interval, counted=_counted, level=f"{LEVEL:.0%}"
    )
    return environment.get_template("pad_report.html").render(
        evaluation=evaluation,
        cues=[(cue.value, *_medians(evaluation, cue)) for cue in Cue],
        species=[row.name for row in evaluation.shipped.species],
        sweep=svg(_sweep(evaluation)),
        scores=svg(_scores(evaluation)),
    )


def _interval(rate: ExactRate | None) -> str:
    if rate is None:
        return "none"
    low, high = rate.interval
    return f"{low:.1%} to {high:.1%}"


def _counted(counted: Counted) -> str:
    return _interval(ExactRate(counted.errors, counted.of) if counted.of else None)


def _plain(name: str) -> str:
    """Return a folder's name with `$` escaped: the plot library reads text between two of them as a formula."""
    return name.replace("$", r"\$")


def _by_name(evaluation: PadEvaluation) -> dict[str, np.ndarray]:
    """Return scores by species, those of people under an empty name, without non-responses."""
    found: dict[str, list[float]] = {}
    for one in evaluation.presentations:
        if one.score is not None:
            found.setdefault(one.species or "", []).append(one.score)
    return {name: np.array(scores) for name, scores in sorted(found.items())}


def _sweep(evaluation: PadEvaluation) -> Figure:
    """Plot error rates over the bound: each species' APCER, and BPCER."""
    figure, axes = new_axes()
    bounds = np.linspace(0, 1, _STEPS)
    for name, scores in _by_name(evaluation).items():
        if name:
            axes.plot(
                bounds, [(scores >= bound).mean() for bound in bounds], label=f"APCER {_plain(name)}", linewidth=1.4
            )
        else:
            rates = [(scores < bound).mean() for bound in bounds]
            axes.plot(bounds, rates, label="BPCER", color=_PERSON, linewidth=2.2)
    axes.axvline(evaluation.shipped.bound, color="0.4", linestyle=":")
    axes.set(xlabel="bound on the score", ylabel="error rate", xlim=(0, 1), ylim=(-0.02, 1.02))
    axes.legend(frameon=False, fontsize=8)
    return figure


def _scores(evaluation: PadEvaluation) -> Figure:
    """Plot every presentation's score as a point, one line a species."""
    figure, axes = new_axes()
    found = _by_name(evaluation)
    random = np.random.default_rng(0)
    for line, (name, scores) in enumerate(found.items()):
        colour = None if name else _PERSON
        axes.plot(scores, line + random.uniform(-0.2, 0.2, len(scores)), ".", markersize=4, color=colour)
    axes.axvline(evaluation.shipped.bound, color="0.4", linestyle=":")
    axes.set(xlabel="score", xlim=(-0.02, 1.02))
    axes.set_yticks(range(len(found)), [_plain(name) or "people" for name in found])
    return figure


def _medians(evaluation: PadEvaluation, cue: Cue) -> tuple[int, list[str]]:
    """Return in how many presentations a cue ran, and its medians: people first, then each species."""
    names = [None, *(row.name for row in evaluation.shipped.species)]
    run = 0
    shown = []
    for name in names:
        of_name = (one.cues.get(cue.value) for one in evaluation.presentations if one.species == name)
        values = [value for value in of_name if value is not None]
        run += len(values)
        shown.append(f"{np.median(values):.2f}" if values else "not run")
    return run, shown
