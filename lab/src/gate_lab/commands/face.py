"""`gate face`: compares two pictures; measures error rates of comparison and of attack detection on a folder."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate.cli.models import default_folder, explained
from gate_core import durable
from gate_core.command_line.options import Json
from gate_core.command_line.output import Exit, code_of, fail, note, one_line, say, tell, tracked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gate.face.chain import FaceModels

app = typer.Typer(no_args_is_help=True)

ModelFolder = Annotated[
    Path | None, typer.Option("--models", help="Model folder; default: the user's cache, or the package's.")
]
Profile = Annotated[str, typer.Option("--profile", help="The set of models to use: standard, clean.")]
Embedder = Annotated[str | None, typer.Option("--model", help="Another embedder in that set's place.")]


@app.command()
def compare(
    one: Annotated[Path, typer.Argument(metavar="A", help="A picture.")],
    other: Annotated[Path, typer.Argument(metavar="B", help="Another picture.")],
    model: Embedder = None,
    profile: Profile = "standard",
    models: ModelFolder = None,
    json: Json = False,
) -> None:
    """Compare the faces of two pictures. Exit 0 when they match, 1 when not, 65 for a picture without one face."""
    from gate_lab.face_evaluation import compare_two

    chain = _open(models, profile, model)
    with _measuring():
        compared = compare_two(chain, one, other)
    tell("face.compare/1", compared.fields(), compared.line(), as_json=json)
    raise typer.Exit(Exit.OK if compared.is_match else Exit.NO)


@app.command()
def evaluate(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A folder an identity, its pictures inside.")],
    model: Embedder = None,
    profile: Profile = "standard",
    models: ModelFolder = None,
    kind: Annotated[
        str,
        typer.Option(help="What the pictures are: development, or chip_to_live, portraits against a lane's camera."),
    ] = "development",
    report: Annotated[
        Path | None, typer.Option("--report", metavar="F.html", help="Also write a page with plots.")
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(
            "--pairs",
            metavar="F.html",
            help="Also write a page of the different people who are most alike, with their pictures: personal data.",
        ),
    ] = None,
    cohort: Annotated[
        Path | None,
        typer.Option(
            "--cohort",
            metavar="F",
            help="Measure with this cohort of the site's; whatever site.toml names counts for nothing here.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Measure error rates over all pairs. In a picture with several faces the most central large one counts.

    The earlier picture of a pair stands for the chip's portrait, the later one for a frame. DIR may hold a table labels.csv:
    a column `identity`, and one for each attribute (sex, age_band, issuer …) that rates are wanted by.
    """
    from gate_lab.face_evaluation import KINDS, evaluate_folder

    if kind not in KINDS:
        fail(Exit.USAGE, f"--kind is one of {', '.join(KINDS)}")
    chain = _open(models, profile, model, measuring=True, cohort=cohort)
    with _measuring():
        evaluation = evaluate_folder(
            directory, chain, kind, tracked=tracked, tell=lambda text: note(one_line(f"gate: {text}"))
        )
    if report is not None:
        from gate_lab.face_report import render

        _write_page(render(evaluation), report)
    if pairs is not None:
        from gate_lab.face_report import render_pairs

        _write_private(render_pairs(evaluation).encode(), pairs)
        whose = "personal data, for the eyes of whoever answers for these pictures; delete it afterwards"
        note(one_line(f"gate: {pairs} shows people: {whose}"))
    tell("face.evaluate/1", evaluation.fields(), *evaluation.lines(), as_json=json)


@app.command()
def cohort(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A folder a person, their pictures inside.")],
    out: Annotated[Path, typer.Option("--out", metavar="F", help="Where the cohort is written.")],
    model: Embedder = None,
    profile: Profile = "standard",
    models: ModelFolder = None,
    json: Json = False,
) -> None:
    """Make a site's own cohort from pictures of 300 or more of its consenting people, before its camera.

    Then measure with it on other people (gate face evaluate --cohort F), and name both beside one another in site.toml: scores are on another scale.
    """
    from gate_lab.cohort import cohort_of, spelt

    chain = _open(models, profile, model, measuring=True)
    with _measuring():
        made = cohort_of(directory, chain, tracked=tracked, tell=lambda text: note(one_line(f"gate: {text}")))
    content = spelt(made)
    _write_private(content, out)
    sha256 = hashlib.sha256(content).hexdigest()
    fields = {"people": made.people, "pictures": len(made.pictures), "model": made.model, "sha256": sha256}
    told = f"{made.people} people, {len(made.pictures)} pictures, {made.model}: {sha256}"
    tell("face.cohort/1", fields, told, as_json=json)


@app.command("evaluate-pad")
def evaluate_pad(
    directory: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="bona_fide/PERSON/SEQUENCE/*.jpg and attack/CLASS/ARTEFACT/SEQUENCE/*.jpg inside."
        ),
    ],
    profile: Profile = "standard",
    models: ModelFolder = None,
    bound: Annotated[float, typer.Option(min=0.0, max=1.0, help="The gate's rules.liveness_min.")] = 0.5,
    kind: Annotated[
        str,
        typer.Option(
            help="What the sequences are: development, or lane_camera, people and artefacts before this lane's camera."
        ),
    ] = "development",
    report: Annotated[
        Path | None, typer.Option("--report", metavar="F.html", help="Also write a page with plots.")
    ] = None,
    json: Json = False,
) -> None:
    """Measure attack detection after ISO/IEC 30107-3: APCER a class of artefacts, BPCER, non-responses, the BSI recipe.

    BPCER also by the brightness of the faces; and whether a gate in service may rely on it.
    """
    from gate_lab.pad_evaluation import KINDS, evaluate_folder

    if kind not in KINDS:
        fail(Exit.USAGE, f"--kind is one of {', '.join(KINDS)}")
    chain = _open(models, profile, None)
    with _measuring():
        evaluation = evaluate_folder(directory, chain, profile=profile, bound=bound, tracked=tracked, kind=kind)
    if report is not None:
        from gate_lab.pad_report import render

        _write_page(render(evaluation), report)
    tell("face.evaluate-pad/1", evaluation.fields(), *evaluation.lines(), as_json=json)


@app.command("pad-sheets")
def pad_sheets(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder for sheets and pictures.")],
    classes: Annotated[
        list[str] | None,
        typer.Option("--class", metavar="NAME", help="A class of artefacts; eight at least. Without: eight of ours."),
    ] = None,
) -> None:
    """Make the sheets to print for a lab, after the recipe of BSI TR-03122-3, and the folders that evaluate-pad reads."""
    from gate_lab.pad_sheets import UnfitPlanError, plan, written

    try:
        sheets = plan(classes) if classes else plan()
    except UnfitPlanError as error:
        fail(Exit.USAGE, str(error))
    try:
        page = written(directory, sheets)
    except OSError as error:
        fail(Exit.IO_ERROR, f"cannot write {error.filename}: {error.strerror}")
    say(f"{page}: {len(sheets)} sheets; print it, fill the folders beside it, then gate face evaluate-pad {directory}")


def _open(
    folder: Path | None, profile: str, embedder: str | None, *, measuring: bool = False, cohort: Path | None = None
) -> FaceModels:
    from gate.face.chain import open_models

    with explained():
        return open_models(
            folder or default_folder(), profile=profile, embedder=embedder, measuring=measuring, cohort=cohort
        )


@contextlib.contextmanager
def _measuring() -> Iterator[None]:
    """End the command with one line for a model that fails or returns no number, and for files on which nothing can be measured."""
    from gate_lab.folders import UnfitError
    from models.errors import ModelError

    try:
        yield
    except ModelError as error:
        fail(Exit.UNREACHABLE, str(error))
    except UnfitError as error:
        fail(code_of(error), str(error))
    except OSError as error:
        fail(Exit.IO_ERROR, f"cannot read {error.filename}: {error.strerror}")


def _write_page(page: str, path: Path) -> None:
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        fail(Exit.IO_ERROR, f"cannot write {path}: {error.strerror}")


def _write_private(content: bytes, path: Path) -> None:
    """Write personal data to `path`, replacing a file there. Its mode is 0600 from the first byte on."""
    try:
        durable.write(path, content, mode=0o600)
    except OSError as error:
        fail(Exit.IO_ERROR, f"cannot write {path}: {error.strerror}")
