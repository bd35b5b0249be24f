"""Writes a test set to disk: sequences as JPEGs, and their truth as JSON lines.

OUT/bona_fide/SUBJECT/SEQUENCE/000.jpg …
OUT/attack/CLASS/ARTEFACT/PRESENTATION/000.jpg …
OUT/truth.jsonl         a line a frame (docs/protocols/simulated-faces.md)

The same command always writes the same files. Worker processes share the sequences.
"""

from __future__ import annotations

import enum
import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2

from hardware_sim.faces import studio
from hardware_sim.sequences import attacks, conditions, library, store
from hardware_sim.sequences.artefacts import Attack
from hardware_sim.sequences.values import FPS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hardware_sim.sequences.sequence import Sequence

JPEG_QUALITY = 90
TRUTH_FILE = "truth.jsonl"

_LIVELY = ("stand", "blink", "talk", "turn_head")


class TestSet(enum.Enum):
    """The sets that can be produced."""

    __test__ = False  # not a test case of pytest

    SEQUENCES = "sequences"  # all activities of people
    GUIDANCE = "guidance"  # one wrong condition at a time
    LIVENESS = "liveness"  # living people, and every class of artefact


@dataclass(frozen=True, slots=True)
class Item:
    """One folder of frames: its path below the set, its subject, and the sequence."""

    path: str
    subject: str
    sequence: Sequence


def items(chosen: frozenset[TestSet], subjects: tuple[str, ...]) -> Iterator[Item]:
    """Yield the folders of the chosen sets, subject by subject, each path once."""
    for number, subject in enumerate(subjects):
        everybody = store.names()
        other = everybody[(everybody.index(subject) + 1) % len(everybody)]
        yield from _bona_fide(chosen, subject, other, number)
        if TestSet.LIVENESS in chosen:
            yield from _attacks(subject, other, number)


def _bona_fide(chosen: frozenset[TestSet], subject: str, other: str, number: int) -> Iterator[Item]:
    told = library.NAMES if TestSet.SEQUENCES in chosen else _LIVELY if TestSet.LIVENESS in chosen else ()
    for name in told:
        made = library.sequence(name, subject, other, seed=number)
        yield Item(f"bona_fide/{subject}/{name}", subject, made)
    if TestSet.GUIDANCE in chosen:
        for name in conditions.NAMES:
            made = conditions.condition(name, subject, other, seed=number)
            yield Item(f"bona_fide/{subject}/{name}", subject, made)


def _attacks(subject: str, other: str, number: int) -> Iterator[Item]:
    for attack in Attack:
        variant = attacks.variants(attack)[number % 3]
        for name in attacks.PRESENTATIONS:
            made = attacks.presentation(attack, name, subject, other, variant=variant, seed=number)
            yield Item(f"attack/{attack.value}/{subject}-{variant}/{name}", subject, made)


def produce(
    out: Path,
    chosen: frozenset[TestSet],
    subjects: tuple[str, ...],
    *,
    workers: int,
    done: Callable[[int, int], None],
) -> int:
    """Write the chosen sets into a folder; return the number of frames.

    `done` receives the number of frames written and their total. Raises UnknownPersonError, OSError.
    """
    for name in subjects:
        if name not in store.names():
            raise store.UnknownPersonError(f"nobody is called {name}; there are {', '.join(store.names())}")
    work = list(items(chosen, subjects))
    total = sum(item.sequence.length for item in work)
    out.mkdir(parents=True, exist_ok=True)
    # Spawned, because a process that has run threads cannot fork safely.
    context = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(workers, context, initializer=cv2.setNumThreads, initargs=(1,)) as pool,
        (out / TRUTH_FILE).open("w", encoding="utf-8") as file,
    ):
        written = 0
        for lines in pool.map(_write, [out] * len(work), work):
            file.writelines(line + "\n" for line in lines)
            written += len(lines)
            done(written, total)
    return total


def _write(out: Path, item: Item) -> list[str]:
    """Write the frames of one folder; return their lines of truth."""
    folder, lines = out / item.path, []
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(item.sequence.length):
        at_s = index / FPS
        (folder / f"{index:03}.jpg").write_bytes(studio.jpeg(item.sequence.frame(at_s), JPEG_QUALITY))
        place = {"file": f"{item.path}/{index:03}.jpg", "subject": item.subject, "sequence": item.sequence.name}
        lines.append(json.dumps(place | {"index": index} | item.sequence.truth(at_s).as_json()))
    return lines
