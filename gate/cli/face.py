"""`gate face`: compare two pictures, measure the chain's error rates on a folder."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gate.cli.models import default_folder
from gate.cli.output import Exit, emit_json, fail, note, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gate.face.chain import FaceModels
    from gate.face.values import Picture, Template

app = typer.Typer(no_args_is_help=True)

SUFFIXES = frozenset({".jpg", ".jpeg", ".jp2", ".j2k", ".png"})
IMAGES_MAX = 10_000  # every pair is scored and kept: 50 million of them

ModelFolder = Annotated[Path | None, typer.Option("--models", help="Model folder; default: the user's cache.")]
Embedder = Annotated[str, typer.Option("--model", help="The embedder to use.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


@app.command()
def compare(
    one: Annotated[Path, typer.Argument(metavar="A", help="A picture.")],
    other: Annotated[Path, typer.Argument(metavar="B", help="Another picture.")],
    model: Embedder = "fr_feature",
    models: ModelFolder = None,
    json: Json = False,
) -> None:
    """Compare the faces of two pictures. Exit 0 when they match, 1 when not, 65 for a picture without one face."""
    from gate.face.compare import alike

    chain = _open(models, model)
    score = alike(_template(chain, one), _template(chain, other))
    threshold = chain.embed.model.threshold
    assert threshold is not None, "the manifest gives an embedder its threshold"
    match = score >= threshold.value
    if json:
        fields = {"score": round(score, 4), "threshold": threshold.value, "match": match, "model": model}
        emit_json("face.compare/1", {**fields, "fmr_at_threshold": threshold.fmr})
    else:
        say(f"{'match' if match else 'no match'}: {score:.3f}, threshold {threshold.value} ({model})")
    raise typer.Exit(Exit.OK if match else Exit.NO)


@app.command()
def evaluate(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A folder an identity, its pictures inside.")],
    model: Embedder = "fr_feature",
    models: ModelFolder = None,
    json: Json = False,
) -> None:
    """Measure error rates over all pairs. In a picture with several faces the most central large one counts."""
    from gate.face.evaluate import FMR_POINTS, pair_scores, rates

    pictures = _pictures(directory)
    chain = _open(models, model)
    templates, identities, missed, took = _embed_all(chain, pictures)
    try:
        found = rates(*pair_scores(templates, identities))
    except ValueError as error:
        fail(Exit.BAD_DATA, f"{directory}: {error}")
    points = [f"1e-{round(-_log10(fmr))}" for fmr in FMR_POINTS]
    fields: dict[str, Any] = {
        "images": len(pictures),
        "identities": len({identity for identity, _path in pictures}),
        "genuine": found.genuine,
        "impostor": found.impostor,
        "missed": missed,
        "eer": found.eer,
        "fnmr_at_fmr": dict(zip(points, found.fnmr, strict=True)),
        "threshold_at_fmr": dict(zip(points, found.threshold, strict=True)),
        "took_ms": {stage: round(statistics.median(times), 2) for stage, times in took.items()},
        "model": model,
    }
    if json:
        emit_json("face.evaluate/1", fields)
        return
    say(f"{fields['images']} pictures of {fields['identities']} identities, {missed} without a face")
    say(f"{found.genuine} genuine and {found.impostor} impostor pairs, EER {found.eer:.2%}")
    for point, fnmr, threshold in zip(points, found.fnmr, found.threshold, strict=True):
        if fnmr is None:
            say(f"FMR {point}: too few impostor pairs")
        else:
            say(f"FMR {point}: FNMR {fnmr:.2%} at {threshold:.3f}")


def _log10(value: float) -> float:
    import math

    return math.log10(value)


def _open(folder: Path | None, embedder: str) -> FaceModels:
    from gate.face.chain import open_models
    from models.errors import ManifestError, ModelCorruptError, ModelDriftError, ModelError
    from models.manifest import load

    try:
        if load().model(embedder).role != "embed":
            fail(Exit.USAGE, f"{embedder} is not an embedder")
        return open_models(folder or default_folder(), embedder=embedder)
    except ManifestError as error:
        fail(Exit.USAGE, str(error))
    except (ModelCorruptError, ModelDriftError) as error:
        fail(Exit.BAD_DATA, str(error))
    except ModelError as error:
        fail(Exit.UNREACHABLE, str(error))


def _read(path: Path) -> bytes:
    from gate.face.picture import PICTURE_BYTES_MAX

    try:
        with path.open("rb") as file:
            return file.read(PICTURE_BYTES_MAX + 1)
    except FileNotFoundError:
        fail(Exit.BAD_DATA, f"{path}: no such file")
    except OSError as error:
        fail(Exit.IO_ERROR, f"cannot read {path}: {error.strerror}")


def _template(chain: FaceModels, path: Path) -> Template:
    from gate.face.chain import template_of
    from gate.face.errors import FaceError
    from gate.face.picture import decode

    try:
        return template_of(chain, decode(_read(path)))
    except FaceError as error:
        fail(Exit.BAD_DATA, f"{path}: {error}")


def _pictures(directory: Path) -> list[tuple[str, Path]]:
    """Identity and path of every picture below `directory`, in a fixed order."""
    try:
        pictures = [
            (folder.name, path)
            for folder in sorted(directory.iterdir())
            if folder.is_dir()
            for path in sorted(folder.iterdir())
            if path.suffix.lower() in SUFFIXES
        ]
    except OSError as error:
        fail(Exit.BAD_DATA, f"cannot list {directory}: {error.strerror}")
    if not pictures:
        fail(Exit.BAD_DATA, f"{directory} holds no folder of pictures")
    if len(pictures) > IMAGES_MAX:
        fail(Exit.BAD_DATA, f"{directory} holds {len(pictures)} pictures, more than {IMAGES_MAX}")
    return pictures


def _embed_all(
    chain: FaceModels, pictures: Sequence[tuple[str, Path]]
) -> tuple[list[Template], list[str], int, dict[str, list[float]]]:
    """Embed every picture: templates, their identities, how many had no face, milliseconds a stage."""
    from rich.console import Console
    from rich.progress import track

    from gate.face.errors import FaceError, NoFaceError
    from gate.face.picture import decode

    templates: list[Template] = []
    identities: list[str] = []
    missed = 0
    took: dict[str, list[float]] = defaultdict(list)
    for identity, path in track(pictures, "embedding", console=Console(stderr=True), transient=True):
        try:
            templates.append(_timed_template(chain, decode(_read(path)), took))
            identities.append(identity)
        except NoFaceError:
            missed += 1
        except FaceError as error:
            note(f"gate: {path}: {error}")
            missed += 1
    return templates, identities, missed, took


def _timed_template(chain: FaceModels, picture: Picture, took: dict[str, list[float]]) -> Template:
    from gate.face.align import align, five_points, landmarks
    from gate.face.detect import central, detect
    from gate.face.embed import embed
    from gate.face.errors import NoFaceError

    marks = [time.perf_counter()]
    faces = detect(chain.detect, picture)
    main = central(faces, width=picture.shape[1], height=picture.shape[0])
    if main is None:
        raise NoFaceError("no face in the picture")
    marks.append(time.perf_counter())
    aligned = align(picture, five_points(landmarks(chain.landmark, picture, main.box)))
    marks.append(time.perf_counter())
    template = embed(chain.embed, aligned)
    marks.append(time.perf_counter())
    for stage, started, ended in zip(("detect", "align", "embed"), marks, marks[1:], strict=False):
        took[stage].append((ended - started) * 1000)
    return template
