"""`gate models`: list, fetch, verify and bench the model files."""

from __future__ import annotations

import contextlib
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate.cli.configuration import endings, file_errors
from gate_core.command_line.options import Json
from gate_core.command_line.output import Exit, fail, note, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.manifest import Model
    from models.runtime import Session

app = typer.Typer(no_args_is_help=True)


OF_PACKAGE = Path("/usr/lib/portcullis/versions/0")  # the environment that the Debian package lays


def default_folder(environment: Path = Path(sys.prefix)) -> Path:
    """Return the model folder of a person's own commands: the package's, unless this user has fetched others.

    The appliance's folder is in its configuration.
    """
    from models.fetch import SHIPPED

    own = own_folder()
    return SHIPPED if environment == OF_PACKAGE and not own.is_dir() else own


def own_folder() -> Path:
    """Return the model folder of a person's own commands."""
    from gate_core.settings.environment import cache_folder

    return cache_folder() / "models"


Profile = Annotated[str, typer.Option(help="The set of models that is meant: standard, clean.")]
Folder = Annotated[
    Path | None, typer.Option("--dir", help="Model folder; default: the user's cache, or the package's.")
]


@app.command("list")
def list_models(folder: Folder = None, json: Json = False) -> None:
    """Show the pinned models and whether their files are there."""
    _show("models.list/1", folder or default_folder(), json=json)


@app.command()
def fetch(folder: Folder = None, profile: Profile = "standard", json: Json = False) -> None:
    """Bring the missing files of a profile in through the package client; nothing is fetched when all are there."""
    from models import fetch as fetching
    from models.site import load_for

    place = folder or own_folder()
    with explained():
        fetching.fetch(load_for(place), place, profile=profile, report=note)
    _show("models.fetch/1", place, json=json)


@app.command()
def verify(folder: Folder = None, profile: Profile = "standard", json: Json = False) -> None:
    """Check the hash of each file of a profile, and of our own, then run its self-test. Exit 1 when one fails."""
    from models.errors import ModelError
    from models.runtime import open_session

    place = folder or default_folder()
    rows: list[dict[str, object]] = []
    for model in _meant(place, profile):
        provider, wrong = "", ""
        try:
            provider = open_session(model, place).provider
        except ModelError as error:
            wrong = str(error)
        rows.append({"name": model.name, "ok": bool(provider), "provider": provider, "detail": wrong})
    said = (f"{row['name']:12} {row['detail'] or str(row['provider']) + ': proved'}" for row in rows)
    tell("models.verify/1", {"models": rows}, *said, as_json=json)
    raise typer.Exit(Exit.OK if all(row["ok"] for row in rows) else Exit.NO)


@app.command()
def accept(
    provider: Annotated[str, typer.Argument(help="An accelerator, such as TensorrtExecutionProvider.")],
    folder: Folder = None,
    profile: Profile = "standard",
    json: Json = False,
) -> None:
    """Prove an accelerator with every model's golden values on this machine, and file that. Without it none is used."""
    from gate_core.programs import clock
    from models.acceptance import ACCELERATORS, file_run
    from models.errors import ModelError
    from models.runtime import open_session

    if provider not in ACCELERATORS:
        fail(Exit.USAGE, f"{provider} is none of {', '.join(ACCELERATORS)}")
    place = folder or own_folder()
    models = _meant(place, profile)
    with file_errors(doing=f"cannot write in {place}"), endings({ModelError: Exit.NO}):
        for model in models:
            open_session(model, place, providers=(provider,))
        filing = file_run(provider, models, place, at=clock.now().isoformat(timespec="seconds"))
    fields = {"provider": provider, "library": filing.library, "models": filing.models}
    said = f"{provider} gives the golden values of {len(models)} models; filed in {place}"
    tell("models.accept/1", fields, said, as_json=json)


@app.command()
def bench(
    folder: Folder = None,
    profile: Profile = "standard",
    json: Json = False,
    threads: Annotated[int, typer.Option(min=1, max=64, help="Threads a model may use.")] = 1,
    runs: Annotated[int, typer.Option(min=1, max=10_000, help="Runs a model.")] = 50,
) -> None:
    """Time one run of each model, in milliseconds."""
    from models.runtime import golden_input, open_session

    place = folder or default_folder()
    rows: list[tuple[Session, float, float]] = []
    for model in _meant(place, profile):
        with explained():
            session = open_session(model, place, threads=threads)
        tensor = golden_input(model)
        took: list[float] = []
        for _ in range(runs):
            started = time.perf_counter()
            session.run(tensor)
            took.append((time.perf_counter() - started) * 1000)
        rows.append((session, statistics.median(took), min(took)))
    timed = [
        {"name": session.model.name, "provider": session.provider, "took_ms": {"p50": p50, "best": best}}
        for session, p50, best in rows
    ]
    said = (f"{one.model.name:12} {p50:7.2f} ms  (best {best:.2f})  {one.provider}" for one, p50, best in rows)
    tell("models.bench/1", {"threads": threads, "runs": runs, "models": timed}, *said, as_json=json)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """End the command with one line if the models are unknown, damaged or unavailable."""
    from models.errors import CohortError, ManifestError, ModelCorruptError, ModelDriftError, ModelError

    codes: dict[type[Exception], Exit | None] = {
        CohortError: None,
        ManifestError: Exit.USAGE,
        ModelCorruptError: Exit.BAD_DATA,
        ModelDriftError: Exit.BAD_DATA,
        ModelError: Exit.UNREACHABLE,
    }
    with endings(codes):
        yield


def _meant(folder: Path, profile: str) -> tuple[Model, ...]:
    """Return the models that a gate with this profile needs."""
    from models.site import load_for

    with explained():
        return load_for(folder).needed_for(profile)


def _show(schema: str, folder: Path, *, json: bool) -> None:
    from models.errors import ManifestError
    from models.site import load_for

    with endings({ManifestError: Exit.BAD_DATA}):
        known = load_for(folder)
    told = ("name", "version", "sha256", "licence")
    rows = [
        {name: getattr(model, name) for name in told}
        | {"present": model.is_intact(folder), "role": model.role, "bytes": model.size_bytes}
        for model in known.models
    ]
    said = (
        f"{row['name']:12} {row['version']:8} {'present' if row['present'] else 'missing'}  {row['licence']}"
        for row in rows
    )
    tell(schema, {"folder": str(folder), "models": rows}, *said, f"in {folder}", as_json=json)
