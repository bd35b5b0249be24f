"""Page reading: processor time and exact MRZs, ours beside RapidOCR and PassportEye with the system's tesseract.

All read the same pictures in the same run, those with labels beside the checkout; without them the rows are left out with a
note. Processor time of one thread, since the peers use as many as there are. RapidOCR's text gets our text rules.
"""

from __future__ import annotations

import functools
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from fakes.pages import negatives

from bench.page_text import rows_of, zone_of
from bench.rows import Bench, Row
from gate.cli.models import default_folder
from gate.page.picture.reader import open_recogniser, read
from gate.page.values import Reading
from gate_core.command_line.output import note

MEDIAN_FLOOR_MS = 75.0
NOTHING_P95_FLOOR_MS = 120.0
RAPIDOCR_FLOOR = 1 / 20
NOT_EXACT_FLOOR = 1.0  # of the 50 MRZs
NEGATIVES = 60
TEXT_PAGES = 8
TEXT_RAPIDOCR_FLOOR = 1 / 25

_DATA = Path(__file__).resolve().parents[2].parent / "shared/data/mrz"
_PEER = Path(__file__).with_name("page_peer.py")


@dataclass(frozen=True, slots=True)
class _Result:
    """Over all pictures with an MRZ: milliseconds of processor time for each, and how many were not read exactly."""

    cpu_ms: tuple[float, ...]
    not_exact: int


def page_read(bench: Bench) -> Row | None:
    """Median processor time of a page, beside the most exact open reader."""
    ours, peer = _ours(), _peer(bench.peers, "rapidocr")
    if ours is None:
        return None
    return Row(
        name="page_read",
        ours=statistics.median(ours.cpu_ms),
        unit="ms",
        peer=None if peer is None else statistics.median(peer.cpu_ms),
        peer_name=None if peer is None else "RapidOCR with our text rules",
        floor=None if peer is None else RAPIDOCR_FLOOR,
    )


def page_read_passporteye(bench: Bench) -> Row | None:
    """The same beside PassportEye."""
    ours, peer = _ours(), _peer(bench.peers, "passporteye")
    if ours is None or peer is None:
        return None
    return Row(
        name="page_read_eye",
        ours=statistics.median(ours.cpu_ms),
        unit="ms",
        peer=statistics.median(peer.cpu_ms),
        peer_name="PassportEye with tesseract",
    )


def page_median(_: Bench) -> Row | None:
    """The median against its floor."""
    ours = _ours()
    return (
        None if ours is None else _against_floor("page_median", statistics.median(ours.cpu_ms), "ms", MEDIAN_FLOOR_MS)
    )


def page_p95(_: Bench) -> Row | None:
    """The 95th percentile: pages that lie on their side, or that need a second look."""
    ours = _ours()
    return None if ours is None else Row(name="page_p95", ours=_p95(ours.cpu_ms), unit="ms")


def page_not_exact(_: Bench) -> Row | None:
    """MRZs with at least one wrong character."""
    ours = _ours()
    return None if ours is None else _against_floor("page_not_exact", float(ours.not_exact), "MRZs", NOT_EXACT_FLOOR)


def page_not_exact_rapidocr(bench: Bench) -> Row | None:
    """The same beside RapidOCR with our text rules."""
    return _not_exact_beside(bench, "page_not_exact_r", "rapidocr", "RapidOCR with our text rules")


def page_not_exact_passporteye(bench: Bench) -> Row | None:
    """The same beside PassportEye with our text rules."""
    return _not_exact_beside(bench, "page_not_exact_e", "passporteye", "PassportEye with our text rules")


def page_nothing(_: Bench) -> Row:
    """The 95th percentile of a live frame without an MRZ."""
    recogniser = open_recogniser(default_folder())
    cv2.setNumThreads(1)
    took = [
        _timed(functools.partial(read, picture, recogniser, any_rotation=False))[0]
        for picture in negatives(np.random.default_rng(5), NEGATIVES)
    ]
    return _against_floor("page_nothing_p95", _p95(took), "ms", NOTHING_P95_FLOOR_MS)


def page_of_text(bench: Bench) -> Row:
    """The median of a picture full of text that holds no MRZ, searched in every direction, beside a reader that reads all of it."""
    recogniser = open_recogniser(default_folder())
    cv2.setNumThreads(1)
    drawn = negatives(np.random.default_rng(6), 5 * TEXT_PAGES)
    pictures = [picture for number, picture in enumerate(drawn) if number % 5 == 2]  # one in five is a page of text
    took = [_timed(functools.partial(read, picture, recogniser))[0] for picture in (pictures[0], *pictures)]
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.png" for number in range(len(pictures))]
        for path, picture in zip(paths, pictures, strict=True):
            cv2.imwrite(str(path), picture)
        answers = _asked(bench.peers, "rapidocr", paths)
    return Row(
        name="page_of_text",
        ours=statistics.median(took[1:]),
        unit="ms",
        peer=None if answers is None else statistics.median(answer["cpu_ms"] for answer in answers),
        peer_name=None if answers is None else "RapidOCR",
        floor=None if answers is None else TEXT_RAPIDOCR_FLOOR,
    )


def _not_exact_beside(bench: Bench, name: str, peer_key: str, peer_name: str) -> Row | None:
    ours, peer = _ours(), _peer(bench.peers, peer_key)
    if ours is None or peer is None:
        return None
    return Row(name=name, ours=float(ours.not_exact), unit="MRZs", peer=float(peer.not_exact), peer_name=peer_name)


def _against_floor(name: str, ours: float, unit: str, floor: float) -> Row:
    return Row(name=name, ours=ours, unit=unit, peer=floor, peer_name="the floor", floor=1.0)


def _p95(values: tuple[float, ...] | list[float]) -> float:
    return float(np.percentile(values, 95))


def _timed(work: Callable[[], object]) -> tuple[float, object]:
    started_s = time.process_time()
    answer = work()
    return (time.process_time() - started_s) * 1000, answer


@functools.cache
def _pictures() -> tuple[tuple[Path, tuple[str, ...]], ...]:
    """Paths and the lines that they show."""
    found = []
    for folder in ("images", "stress"):
        labels = _DATA / folder / "labels.json"
        if labels.is_file():
            table: dict[str, list[str]] = json.loads(labels.read_text())
            found += [(_DATA / folder / name, tuple(lines)) for name, lines in sorted(table.items()) if lines]
    return tuple(found)


@functools.cache
def _ours() -> _Result | None:
    if not _pictures():
        note("the rows of page reading are left out: no pictures beside the checkout")
        return None
    recogniser = open_recogniser(default_folder())
    cv2.setNumThreads(1)
    took, not_exact = [], 0
    for number, (path, lines) in enumerate((_pictures()[0], *_pictures())):
        picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        assert picture is not None, f"{path} is one of the labelled pictures"
        took_ms, seen = _timed(functools.partial(read, picture.astype(np.uint8, copy=False), recogniser))
        if number:  # the first one warms up
            took.append(took_ms)
            not_exact += not (isinstance(seen, Reading) and seen.lines == lines)
    return _Result(tuple(took), not_exact)


@functools.cache
def _peer(python: Path, name: str) -> _Result | None:
    """The peer on the same pictures, None with a note when it is not installed."""
    if not _pictures():
        return None
    answers = _asked(python, name, [path for path, _ in _pictures()])
    if answers is None:
        return None
    pairs = zip(answers, _pictures(), strict=True)
    not_exact = sum(zone_of(rows_of(answer["pieces"])) != lines for answer, (_, lines) in pairs)
    return _Result(tuple(answer["cpu_ms"] for answer in answers), not_exact)


def _asked(python: Path, name: str, paths: Sequence[Path]) -> list[dict[str, Any]] | None:
    """What a peer answers to each picture; None with a note when it is not installed."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment["ORT_DISABLE_TELEMETRY"] = "1"  # the peer's inference library would tell its vendor
    command = [str(python), str(_PEER), name]
    answers = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as peer:
        assert peer.stdin is not None
        assert peer.stdout is not None
        absent = json.loads(peer.stdout.readline() or '{"absent": "it does not start"}')["absent"]
        if absent:
            note(f"{name} is left out: {absent}")
            return None
        for path in (paths[0], *paths):  # the first one warms up
            print(path, file=peer.stdin, flush=True)
            answers.append(json.loads(peer.stdout.readline()))
        peer.stdin.close()
    return answers[1:]
