"""The pages of `gate face evaluate`: `--report` and `--pairs`, each one HTML file that contains its pictures and loads nothing.

The readers of the report are responsible for a threshold: evaluators, auditors, courts. It states the data behind the figures and their confidence
intervals. The page of pairs holds pictures of people and states so; the command writes it readable for its user only.
"""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np
from jinja2 import Environment, FileSystemLoader
from matplotlib.axes import Axes
from matplotlib.figure import Figure  # without the state that pyplot keeps

from gate.picture import BadPictureError, decode, preview, read
from gate_lab.error_rates import FMR_POINTS, det_curve
from gate_lab.face_evaluation import Evaluation, point_names, share, small
from gate_lab.intervals import LEVEL, RESAMPLES

_PAGES: Final = Path(__file__).with_name("pages")
_GENUINE: Final = "#0b6e4f"
_IMPOSTOR: Final = "#a23b00"
_BINS: Final = 80
_WIDTH_MAX: Final = 240
_BYTES_MAX: Final = 100_000


def render(evaluation: Evaluation) -> str:
    """The whole page."""
    environment = _environment()
    environment.globals.update(share=share, small=small, level=f"{LEVEL:.0%}", resamples=RESAMPLES)
    found = evaluation.found
    return environment.get_template("face_report.html").render(
        evaluation=evaluation,
        points=list(
            zip(point_names(), found.fnmr, evaluation.intervals, found.threshold, evaluation.same_sex, strict=True)
        ),
        det=svg(_det(evaluation)),
        scores=svg(_scores(evaluation)),
    )


def render_pairs(evaluation: Evaluation) -> str:
    """Return the page of the most similar pairs of different people, side by side; a picture that can no longer be read is left out.

    A wrong label, a twin and a false match have the same score; only a person can tell which it is.
    """
    return (
        _environment()
        .get_template("face_pairs.html")
        .render(
            evaluation=evaluation,
            pairs=[(pair, [(path, _inline(path)) for path in (pair.one, pair.other)]) for pair in evaluation.top],
        )
    )


def _inline(path: Path) -> str | None:
    """Return the picture, reduced, as a data URL."""
    try:
        jpeg = preview(decode(read(path)), width_max=_WIDTH_MAX, bytes_max=_BYTES_MAX)
    except (BadPictureError, OSError):
        return None
    return None if jpeg is None else f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(_PAGES), autoescape=True, trim_blocks=True, lstrip_blocks=True)


def _det(evaluation: Evaluation) -> Figure:
    """Return the detection error trade-off plot, both axes logarithmic."""
    figure, axes = new_axes()
    fmr, fnmr = det_curve(evaluation.compared)
    floor = 0.5 / evaluation.found.genuine  # a point without an error would not be on the logarithmic axis
    axes.loglog(fmr, np.maximum(fnmr, floor), color=_GENUINE, label=evaluation.model.name)
    for point, rate, interval in zip(FMR_POINTS, evaluation.found.fnmr, evaluation.intervals, strict=True):
        if rate is not None and interval is not None:
            axes.plot([point] * 2, [max(interval.low, floor), max(interval.high, floor)], color=_GENUINE, linewidth=3)
            axes.plot([point], [max(rate, floor)], "o", color=_GENUINE)
    axes.set(xlabel="false match rate (FMR)", ylabel="false non-match rate (FNMR)", xlim=(fmr[0], 1.0))
    axes.grid(which="both", alpha=0.3)
    return figure


def _scores(evaluation: Evaluation) -> Figure:
    """Return the distribution of scores of both kinds of pairs, each as a density, so that millions do not hide thousands."""
    figure, axes = new_axes()
    compared = evaluation.compared
    bins = np.linspace(float(compared.impostor[-1]), 1.0, _BINS).tolist()
    for scores, colour, name in (
        (compared.impostor, _IMPOSTOR, "different people"),
        (compared.genuine, _GENUINE, "same person"),
    ):
        axes.hist(scores, bins=bins, density=True, histtype="step", color=colour, label=name, linewidth=1.6)
    for name, threshold in zip(point_names(), evaluation.found.threshold, strict=True):
        if threshold is not None:
            axes.axvline(threshold, color="0.4", linestyle=":", linewidth=1)
            axes.text(
                threshold, axes.get_ylim()[1] * 0.98, f" FMR {name}", rotation=90, va="top", fontsize=8, color="0.3"
            )
    scale = "cosine" if evaluation.cohort is None else "seen against the cohort"
    axes.set(xlabel=f"score ({scale})", ylabel="density")
    axes.legend(frameon=False)
    return figure


def new_axes() -> tuple[Figure, Axes]:
    """Return an empty plot of the reports' size."""
    mpl.rcParams["svg.hashsalt"] = "portcullis"  # the same figures give the same file
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    return figure, figure.add_subplot()


def svg(figure: Figure) -> str:
    """Return the plot as an SVG element, unescaped: it holds only numbers, the model's name and this module's own text."""
    buffer = io.StringIO()
    metadata: dict[str, object] = {"Date": None, "Creator": None}
    figure.savefig(buffer, format="svg", metadata=metadata)
    text = buffer.getvalue()
    return text[text.index("<svg") :]
