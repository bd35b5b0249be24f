"""The liveness model as it is installed against the network as it was published, whose PRelus and depthwise convolutions stand between changes of
layout.

Both are the pinned bytes, on one thread, and take turns. The published file is fetched once, into a folder of its own.
"""

from __future__ import annotations

import statistics
import time

import msgspec

from bench.rows import Bench, Row
from gate.cli.models import default_folder
from gate_core.settings.environment import cache_folder
from models.fetch import fetch
from models.manifest import Manifest, Model, load
from models.runtime import golden_input, open_session

WARM_UP_ROUNDS = 3
RUNS = 5  # a round, so that a busy machine's worst moments hit both
FLOOR = 5.5 / 7.9
NAME = "fr_liveness"


def measure(bench: Bench) -> Row:
    """Milliseconds of processor time a picture."""
    installed = open_session(load().model(NAME), default_folder())
    manifest = as_published(load())
    folder = cache_folder() / "bench-published"
    fetch(manifest, folder, profile=NAME)
    published = open_session(manifest.model(NAME), folder)
    tensor = golden_input(installed.model)
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(WARM_UP_ROUNDS + bench.rounds):
        for session, took_ms in zip((installed, published), taken, strict=True):
            started_ns = time.process_time_ns()
            for _ in range(RUNS):
                session.run(tensor)
            if number >= WARM_UP_ROUNDS:
                took_ms.append((time.process_time_ns() - started_ns) / 1e6 / RUNS)
    ours, theirs = (statistics.median(took_ms) for took_ms in taken)
    return Row("liveness_blocked", ours, "ms", theirs, "the published network", FLOOR)


def as_published(manifest: Manifest) -> Manifest:
    """A manifest of the one model, as its file was published."""
    return msgspec.structs.replace(manifest, models=(_published(manifest.model(NAME)),), profiles={NAME: (NAME,)})


def _published(model: Model) -> Model:
    assert model.source is not None, "it is converted"
    return msgspec.structs.replace(model, source=None, sha256=model.source.sha256, size_bytes=model.source.size_bytes)
