"""`gate models`: list, fetch, verify and bench the model files."""

from __future__ import annotations

import contextlib
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate_core.command_line.options import Json
from gate_core.command_line.output import Exit, code_of, emit_json, fail, note, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.manifest import Model
    from models.runtime import Session

app = typer.Typer(no_args_is_help=True)


OF_PACKAGE = Path("/usr/lib/portcullis/versions/0")  # the environment that the Debian package lays


def default_folder(environment: Path = Path(sys.prefix)) -> Path:
    """Where a person's own commands find models: a program of the package has its own unless this user has fetched others.

    The appliance's folder is in its configuration.
    """
    from models.fetch import SHIPPED

    own = own_folder()
    return SHIPPED if environment == OF_PACKAGE and not own.is_dir() else own


def own_folder() -> Path:
    """Where models are kept for a person's own commands."""
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
def fetch(
    folder: Folder = None,
    profile: Profile = "standard",
    json: Json = False,
) -> None:
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
        try:
            session = open_session(model, place)
            rows.append({"name": model.name, "ok": True, "provider": session.provider, "detail": ""})
        except ModelError as error:
            rows.append({"name": model.name, "ok": False, "provider": "", "detail": str(error)})
    if json:
        emit_json("models.verify/1", {"models": rows})
    else:
        for row in rows:
            said = f"{row['provider']}: proved" if row["ok"] else row["detail"]
            say(f"{row['name']:12} {said}")
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
    try:
        for model in models:
            open_session(model, place, providers=(provider,))
        filing = file_run(provider, models, place, at=clock.now().isoformat(timespec="seconds"))
    except ModelError as error:
        fail(Exit.NO, str(error))
    except OSError as error:
        fail(Exit.IO_ERROR, f"cannot write in {place}: {error.strerror}")
    if json:
        emit_json("models.accept/1", {"provider": provider, "library": filing.library, "models": filing.models})
    else:
        say(f"{provider} gives the golden values of {len(models)} models; filed in {place}")


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
    if json:
        timed = [
            {"name": session.model.name, "provider": session.provider, "took_ms": {"p50": p50, "best": best}}
            for session, p50, best in rows
        ]
        emit_json("models.bench/1", {"threads": threads, "runs": runs, "models": timed})
        return
    for session, p50, best in rows:
        say(f"{session.model.name:12} {p50:7.2f} ms  (best {best:.2f})  {session.provider}")


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """End the command with one line when the models that are meant are unknown, damaged or not to be had."""
    from models.errors import CohortError, ManifestError, ModelCorruptError, ModelDriftError, ModelError

    try:
        yield
    except CohortError as error:
        fail(code_of(error), str(error))
    except ManifestError as error:
        fail(Exit.USAGE, str(error))
    except (ModelCorruptError, ModelDriftError) as error:
        fail(Exit.BAD_DATA, str(error))
    except ModelError as error:
        fail(Exit.UNREACHABLE, str(error))


def _meant(folder: Path, profile: str) -> tuple[Model, ...]:
    """The models that a gate with this profile needs."""
    from models.site import load_for

    with explained():
        return load_for(folder).needed_for(profile)


def _show(schema: str, folder: Path, *, json: bool) -> None:
    from models.errors import ManifestError
    from models.site import load_for

    try:
        known = load_for(folder)
    except ManifestError as error:
        fail(Exit.BAD_DATA, str(error))

    told = ("name", "version", "sha256", "licence")
    rows = [
        {name: getattr(model, name) for name in told}
        | {"present": model.is_intact(folder), "role": model.role, "bytes": model.size_bytes}
        for model in known.models
    ]
    if json:
        emit_json(schema, {"folder": str(folder), "models": rows})
        return
    for row in rows:
        say(f"{row['name']:12} {row['version']:8} {'present' if row['present'] else 'missing'}  {row['licence']}")
    say(f"in {folder}")
