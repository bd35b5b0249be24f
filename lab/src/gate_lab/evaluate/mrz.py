"""Measures page reading from picture to text: by resolution, rotation and damage, by confidence, and where no MRZ is.

`python -m gate_lab.evaluate.mrz` draws whole pages of people who do not exist, shows two pictures of each to `gate.page`, and
writes `mrz.json` and `mrz.md`. What the first picture gives is counted as reading; whether the text would have been used is
the business of `gate.page.stream.votes`, over both. Needs Debian's fonts-ocr-b. Nothing here has seen a real document, and nothing in `gate.page` may be
tuned to a picture of this set: its seeds are for measuring.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from gate.page.picture.layout import exists
from gate.page.picture.reader import open_recogniser, read
from gate.page.stream.votes import Votes
from gate.page.values import NoReading, Reading, Recogniser
from gate_lab.evaluate.pages import Grey, PageConditions, document, seen, without_mrz
from gate_lab.train.mrz.texts import LAYOUTS, LayoutName, Mrz, invented

FONT: Final = Path("/usr/share/fonts/opentype/ocr-b/OCRB.otf")
SEED: Final = 904
_USUAL: Final = PageConditions()
SETS: Final[Mapping[str, tuple[PageConditions, ...]]] = {
    "page_width_px": tuple(
        replace(_USUAL, page_width_px=value) for value in (220, 250, 280, 320, 360, 420, 500, 700, 1200, 2000)
    ),
    "rotation_deg": tuple(replace(_USUAL, rotation_deg=value) for value in (0, 2, 5, 10, 20, 45, 90, 135, 180, 250)),
    "perspective": tuple(replace(_USUAL, perspective=value) for value in (0.0, 0.02, 0.04, 0.08, 0.12)),
    "blur_px": tuple(replace(_USUAL, blur_px=value) for value in (0.5, 2.0, 3.0, 4.0, 5.0, 6.0)),
    "motion_px": tuple(replace(_USUAL, motion_px=value) for value in (0, 5, 7, 9, 11, 14)),
    "glare": tuple(replace(_USUAL, glare=value) for value in (0.0, 0.4, 0.7, 0.9, 1.0)),
    "worn": tuple(replace(_USUAL, worn=value) for value in (0.0, 0.1, 0.2, 0.3, 0.4)),
    "ink": tuple(replace(_USUAL, ink=value) for value in (0.14, 0.35, 0.5, 0.6)),
    "noise": tuple(replace(_USUAL, noise=value) for value in (0.01, 0.08, 0.16, 0.24)),
    "jpeg_quality": tuple(replace(_USUAL, jpeg_quality=value) for value in (88, 30, 15, 8)),
}
ELSEWHERE: Final = (0.05, 0.03)  # where the page lies in the second picture: two of one place share their faults
MRZS_MAX: Final = 100
THRESHOLDS: Final = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one page. `usable`: its first reading was unrepaired with every check digit right, whatever its confidence.

    `accepted`: the rule was met over both pictures; `accepted_wrong`: with a text that differs from the printed one.
    """

    name: str
    value: float
    exact: bool
    read: bool
    usable: bool
    accepted: bool
    accepted_wrong: bool
    weakest: float
    characters_wrong: int
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Row:
    """One severity. `low` and `high` bound the share of exact pages with 95 % confidence (Wilson)."""

    name: str
    value: float
    pages: int
    exact: int
    low: float
    high: float
    usable: int
    usable_but_wrong: int
    accepted: int
    accepted_but_wrong: int
    cpu_ms_median: float


@dataclass(frozen=True, slots=True)
class Bound:
    """The usable readings that a bound on the weakest character admits, of all pages of all sets."""

    threshold: float
    accepted: int
    wrong: int


@dataclass(frozen=True, slots=True)
class Negatives:
    """Pictures without an MRZ: how many gave a reading, and how many gave one with right check digits."""

    pictures: int
    read: int
    usable: int
    weakest_most: float
    cpu_ms_median: float
    cpu_ms_p95: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure everything; return 1 when a wrong text was accepted, or an MRZ was found in a picture without one."""
    parser = argparse.ArgumentParser(prog="gate_lab.evaluate.mrz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("build/evaluate"), help="folder for mrz.json and mrz.md")
    parser.add_argument("--pages", type=int, default=30, help="pages a severity")
    parser.add_argument("--negatives", type=int, default=300, help="pictures without an MRZ")
    parser.add_argument("--font", type=Path, default=FONT, help="OCR-B, from Debian's fonts-ocr-b")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args(arguments)
    if not options.font.is_file():
        print(f"no font at {options.font}: install Debian's fonts-ocr-b", file=sys.stderr)
        return 2
    cv2.setNumThreads(1)
    recogniser = open_recogniser(Path())
    outcomes = list(outcomes_of(recogniser, str(options.font), seed=options.seed, pages=options.pages))
    negatives = negatives_of(recogniser, seed=options.seed, pictures=options.negatives)
    rows, bounds = rows_of(outcomes), bounds_of(outcomes)
    options.out.mkdir(parents=True, exist_ok=True)
    document_ = {
        "schema": "portcullis.evaluate-mrz/1",
        "seed": options.seed,
        "rows": [asdict(row) for row in rows],
        "bounds": [asdict(bound) for bound in bounds],
        "negatives": asdict(negatives),
    }
    (options.out / "mrz.json").write_text(json.dumps(document_, indent=1) + "\n")
    (options.out / "mrz.md").write_text(markdown(rows, bounds, negatives))
    print(json.dumps(document_["negatives"]))
    return int(was_fooled(rows, negatives))


def outcomes_of(
    recogniser: Recogniser,
    font: str,
    *,
    seed: int,
    pages: int,
    sets: Mapping[str, Sequence[PageConditions]] = SETS,
) -> Iterator[Outcome]:
    """Show every page of every set; the same documents at each severity."""
    for name, views in sets.items():
        for view in views:
            for index in range(pages):
                layout = LAYOUTS[index % len(LAYOUTS)] if name != "page_width_px" else "TD3"
                yield _show(recogniser, font, (name, view), layout, np.random.default_rng([seed, index]))


def negatives_of(recogniser: Recogniser, *, seed: int, pictures: int) -> Negatives:
    """Show pictures without an MRZ."""
    shown = (without_mrz(np.random.default_rng([seed, 1, index])) for index in range(pictures))
    return counted([_timed(picture, recogniser) for picture in shown])


def counted(results: Sequence[tuple[Reading | NoReading, float]]) -> Negatives:
    """Count what was read in pictures without an MRZ, and the milliseconds that each took."""
    readings = [result for result, _ in results if isinstance(result, Reading)]
    took = [cpu_ms for _, cpu_ms in results]
    return Negatives(
        pictures=len(results),
        read=len(readings),
        usable=sum(_usable(reading) for reading in readings),
        weakest_most=max((reading.weakest for reading in readings), default=0.0),
        cpu_ms_median=statistics.median(took),
        cpu_ms_p95=float(np.percentile(took, 95)),
    )


def was_fooled(rows: Sequence[Row], negatives: Negatives) -> bool:
    """Return True when a wrong text was accepted, or an MRZ was found in a picture without one."""
    return negatives.usable > 0 or any(row.accepted_but_wrong for row in rows)


def rows_of(outcomes: Sequence[Outcome]) -> list[Row]:
    """Count by severity, in the order in which they were shown."""
    rows = []
    for name, value in dict.fromkeys((outcome.name, outcome.value) for outcome in outcomes):
        here = [outcome for outcome in outcomes if (outcome.name, outcome.value) == (name, value)]
        exact = sum(outcome.exact for outcome in here)
        low, high = wilson(exact, len(here))
        rows.append(
            Row(
                name=name,
                value=value,
                pages=len(here),
                exact=exact,
                low=low,
                high=high,
                usable=sum(outcome.usable for outcome in here),
                usable_but_wrong=sum(outcome.usable and not outcome.exact for outcome in here),
                accepted=sum(outcome.accepted for outcome in here),
                accepted_but_wrong=sum(outcome.accepted_wrong for outcome in here),
                cpu_ms_median=statistics.median(outcome.cpu_ms for outcome in here),
            )
        )
    return rows


def bounds_of(outcomes: Sequence[Outcome]) -> list[Bound]:
    """Count, for each bound, the usable readings at or above it and the wrong ones among them."""
    kept = [[o for o in outcomes if o.usable and o.weakest >= threshold] for threshold in THRESHOLDS]
    return [
        Bound(threshold, len(accepted), sum(not outcome.exact for outcome in accepted))
        for threshold, accepted in zip(THRESHOLDS, kept, strict=True)
    ]


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson's score)."""
    z, share = 1.959964, hits / trials
    middle = share + z * z / (2 * trials)
    reach = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return max(0.0, (middle - reach) / (1 + z * z / trials)), min(1.0, (middle + reach) / (1 + z * z / trials))


def markdown(rows: Sequence[Row], bounds: Sequence[Bound], negatives: Negatives) -> str:
    """Return the tables as a page of text."""
    parts = ["# Page reading on invented pages\n"]
    for name in dict.fromkeys(row.name for row in rows):
        parts.append(
            f"\n## {name}\n\n| {name} | exact | 95 % | usable | of them wrong | accepted | of them wrong | CPU ms |\n|---|---|---|---|---|---|---|---|\n"
        )
        parts += [
            f"| {row.value:g} | {row.exact}/{row.pages} | {row.low:.0%} to {row.high:.0%} | {row.usable} "
            f"| {row.usable_but_wrong} | {row.accepted} | {row.accepted_but_wrong} | {row.cpu_ms_median:.0f} |\n"
            for row in rows
            if row.name == name
        ]
    parts.append("\n## Confidence\n\n| weakest character at least | accepted | wrong |\n|---|---|---|\n")
    parts += [f"| {bound.threshold:g} | {bound.accepted} | {bound.wrong} |\n" for bound in bounds]
    parts.append(
        f"\n## Without an MRZ\n\n{negatives.pictures} pictures: {negatives.read} gave a reading, {negatives.usable} with every "
        f"check digit right; {negatives.cpu_ms_median:.0f} ms CPU (median), {negatives.cpu_ms_p95:.0f} ms (95 %).\n"
    )
    return "".join(parts)


def _show(
    recogniser: Recogniser, font: str, case: tuple[str, PageConditions], layout: LayoutName, rng: np.random.Generator
) -> Outcome:
    name, view = case
    printed = issued(partial(invented, rng, layout))
    page = document(rng, layout, printed, font, worn=view.worn, ink=view.ink)
    result, cpu_ms = _timed(seen(rng, page, view), recogniser)
    again, _ = _timed(seen(rng, page, replace(view, spot=ELSEWHERE)), recogniser)
    return judged((name, float(getattr(view, name))), printed, (result, again), cpu_ms)


def judged(
    case: tuple[str, float], printed: Mrz, results: tuple[Reading | NoReading, Reading | NoReading], cpu_ms: float
) -> Outcome:
    """Compare the results of both pictures with the printed text."""
    (name, value), (result, again) = case, results
    lines = result.lines if isinstance(result, Reading) else ()
    accepted = _accepted(result, again)
    return Outcome(
        name=name,
        value=value,
        exact=lines == printed,
        read=isinstance(result, Reading),
        usable=isinstance(result, Reading) and _usable(result),
        accepted=accepted is not None,
        accepted_wrong=accepted is not None and accepted != printed,
        weakest=result.weakest if isinstance(result, Reading) else 0.0,
        characters_wrong=_wrong(printed, lines),
        cpu_ms=cpu_ms,
    )


def issued(draw: Callable[[], Mrz]) -> Mrz:
    """Return an MRZ whose states exist. The training's are random letters now and then, so it draws up to `MRZS_MAX` times."""
    printed = draw()
    for _ in range(MRZS_MAX):
        if _is_of_states(printed):
            break
        printed = draw()
    return printed


def _is_of_states(printed: Mrz) -> bool:
    nationality = printed[1][15:18] if len(printed) == 3 else printed[1][10:13]
    return exists(printed[0][2:5]) and exists(nationality)


def _timed(picture: Grey, recogniser: Recogniser) -> tuple[Reading | NoReading, float]:
    started = time.process_time()
    result = read(picture, recogniser)
    return result, (time.process_time() - started) * 1000


def _accepted(*results: Reading | NoReading) -> tuple[str, ...] | None:
    """Return the text that the rule accepts over these pictures."""
    votes = Votes()
    for result in results:
        if isinstance(result, Reading) and votes.cast(result):
            return result.lines
    return None


def _usable(reading: Reading) -> bool:
    return reading.check_digits_hold and not reading.repaired


def _wrong(printed: Mrz, lines: Sequence[str]) -> int:
    """Return the number of characters that differ; all of them when the shape differs."""
    if [len(line) for line in lines] != [len(line) for line in printed]:
        return sum(len(line) for line in printed)
    return sum(a != b for wanted, found in zip(printed, lines, strict=True) for a, b in zip(wanted, found, strict=True))


if __name__ == "__main__":
    raise SystemExit(main())
