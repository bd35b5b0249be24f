"""Shows hurt pages to `gate.page` and counts what was read, what was accepted, and what was accepted wrongly.

`python -m gate_lab.evaluate.hurt --seed N --pages 2000` writes `hurt-N.json` and `hurt-N.md`, and ends with 1 when a wrong text was
accepted over two pictures or less than four in five whole MRZs were read exactly from the first one. One thread. Needs Debian's
fonts-ocr-b, fonts-dejavu and fonts-noto.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import cv2

from gate.page.picture.objections import counts
from gate.page.picture.reader import open_recogniser, read
from gate.page.stream.votes import Votes
from gate.page.values import NoReading, Reading, Recogniser
from gate_lab.evaluate.hurt.cases import DECK, Between, Case, case_of
from gate_lab.evaluate.hurt.sheet import OCR_B, OTHER_FACES
from gate_lab.evaluate.mrz import wilson

EXACT_MIN: Final = 0.8
SIDE_EVERY: Final = 100  # pages between two lines of progress


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one page. `counted` is of the first picture alone; `accepted` is of the whole rule, over both."""

    number: int
    kind: str
    format: str
    between: str
    whole: bool
    read: bool
    exact: bool
    counted: bool
    counted_wrong: bool
    accepted: bool
    accepted_wrong: bool
    weakest: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write both files, print the totals."""
    parser = argparse.ArgumentParser(prog="gate_lab.evaluate.hurt", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, required=True, help="1 to 9 for development, a fresh one for a figure")
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=Path("build/evaluate"), help="folder for both files")
    parser.add_argument("--keep", type=Path, help="folder for the pictures of what was counted or accepted wrongly")
    options = parser.parse_args(arguments)
    missing = [str(font) for font in (OCR_B, *OTHER_FACES) if not font.is_file()]
    if missing:
        print(f"no font at {missing[0]}: install Debian's fonts-ocr-b, fonts-dejavu and fonts-noto", file=sys.stderr)
        return 2
    cv2.setNumThreads(1)
    outcomes = list(outcomes_of(open_recogniser(Path()), seed=options.seed, pages=options.pages, keep=options.keep))
    told = summary(outcomes)
    options.out.mkdir(parents=True, exist_ok=True)
    content = {
        "schema": "portcullis.evaluate-hurt/1",
        "seed": options.seed,
        **told,
        "outcomes": [asdict(one) for one in outcomes],
    }
    (options.out / f"hurt-{options.seed}.json").write_text(json.dumps(content, indent=1) + "\n")
    (options.out / f"hurt-{options.seed}.md").write_text(markdown(options.seed, outcomes))
    print(json.dumps({"seed": options.seed, **told}))
    return int(falls_short(outcomes))


def outcomes_of(recogniser: Recogniser, *, seed: int, pages: int, keep: Path | None = None) -> Iterator[Outcome]:
    """Yield the outcome of each page."""
    for number in range(pages):
        case = case_of(seed, number)
        outcome = shown(recogniser, case, number)
        if keep is not None and (outcome.counted_wrong or outcome.accepted_wrong):
            keep.mkdir(parents=True, exist_ok=True)
            for index, picture in enumerate(case.pictures):
                cv2.imwrite(str(keep / f"{seed}-{number}-{case.kind}-{index}.png"), picture)
        if number % SIDE_EVERY == SIDE_EVERY - 1:
            print(f"{number + 1} of {pages}", file=sys.stderr, flush=True)
        yield outcome


def shown(recogniser: Recogniser, case: Case, number: int) -> Outcome:
    """Show both pictures of one page to the reader."""
    seen = [read(picture, recogniser) for picture in case.pictures]
    first, accepted = seen[0], accepted_of(seen)
    exact = isinstance(first, Reading) and first.lines == case.printed
    counted = isinstance(first, Reading) and counts(first)
    return Outcome(
        number=number,
        kind=case.kind,
        format=case.format,
        between=case.between.value,
        whole=case.whole,
        read=isinstance(first, Reading),
        exact=exact,
        counted=counted,
        counted_wrong=counted and not exact,
        accepted=accepted is not None,
        accepted_wrong=accepted is not None and accepted != case.printed,
        weakest=first.weakest if isinstance(first, Reading) else 0.0,
    )


def accepted_of(seen: Sequence[Reading | NoReading]) -> tuple[str, ...] | None:
    """Return the text that the rule accepts over these pictures."""
    votes = Votes()
    return next((one.lines for one in seen if isinstance(one, Reading) and votes.cast(one)), None)


def exact_of_whole(outcomes: Sequence[Outcome]) -> float:
    """Return the share of the whole pages that are read without an error."""
    whole = [one for one in outcomes if one.whole]
    return round(sum(one.exact for one in whole) / max(1, len(whole)), 4)


def falls_short(outcomes: Sequence[Outcome]) -> bool:
    """Return True when a wrong text was accepted, or too few whole pages were read."""
    return any(one.accepted_wrong for one in outcomes) or exact_of_whole(outcomes) < EXACT_MIN


def summary(outcomes: Sequence[Outcome]) -> dict[str, object]:
    """Return the totals; shares with their 95 % interval (Wilson)."""
    whole = [one for one in outcomes if one.whole]
    exact = sum(one.exact for one in whole)
    changed = [one for one in outcomes if one.between != Between.NOTHING.value]
    return {
        "pages": len(outcomes),
        "whole": len(whole),
        "exact": exact,
        "exact_of_whole": exact_of_whole(outcomes),
        "exact_of_whole_95": [round(bound, 4) for bound in wilson(exact, max(1, len(whole)))],
        "exact_of_all": round(sum(one.exact for one in outcomes) / max(1, len(outcomes)), 4),
        "counted": sum(one.counted for one in outcomes),
        "counted_wrong": sum(one.counted_wrong for one in outcomes),
        "accepted": sum(one.accepted for one in outcomes),
        "accepted_where_something_changed": sum(one.accepted for one in changed),
        "changed": len(changed),
        "accepted_wrong": sum(one.accepted_wrong for one in outcomes),
        "accepted_wrong_95_most": round(
            wilson(sum(one.accepted_wrong for one in outcomes), max(1, len(outcomes)))[1], 4
        ),
    }


def markdown(seed: int, outcomes: Sequence[Outcome]) -> str:
    """Return a table by kind of damage, and one by the difference of the second picture."""
    head = "pages | exact | one picture counts | of them wrong | accepted over two | of them wrong |\n|---|---|---|---|---|---|---|\n"
    parts = [f"# Hurt pages, seed {seed}\n\n| kind | {head}"]
    parts += [_row(kind, [one for one in outcomes if one.kind == kind]) for kind in DECK]
    parts.append(f"\n| between the pictures | {head}")
    parts += [_row(one.value, [outcome for outcome in outcomes if outcome.between == one.value]) for one in Between]
    parts.append(_row("all", outcomes))
    return "".join(parts)


def _row(name: str, here: Sequence[Outcome]) -> str:
    sums = [
        sum(getattr(one, what) for one in here)
        for what in ("exact", "counted", "counted_wrong", "accepted", "accepted_wrong")
    ]
    return f"| {name} | {len(here)} | {' | '.join(map(str, sums))} |\n"


if __name__ == "__main__":
    raise SystemExit(main())
