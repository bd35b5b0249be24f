"""Tables of what happens to a lane and of everything that it does about it: tests/unit/passage/tables/README.md says how to read one.

    PYTHONPATH=tests .venv/bin/python -m fakes.lane_tables

writes what the lane does now into the tables. Read the difference: it is what a traveller, an officer or an auditor would notice.
"""

from __future__ import annotations

import dataclasses
import enum
import itertools
import re
import textwrap
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fakes import passage_examples, two_door_lane
from fakes.passage_examples import CROSSING, Run
from fakes.story_notation import Order, brief, read, read_as

from gate.passage import records
from gate.passage.effects import Effect, Erase, Show, Shown, Write
from gate.passage.events import Counters
from gate.passage.names import ClosedAs
from gate.passage.states import State
from gate_core.evidence.reasons import Objection
from gate_core.evidence.screen import Screen

FOLDER = Path(__file__).parents[1] / "unit" / "passage" / "tables"
WIDTH = 120
ARROW = " => "
# What the lane knows beside its state, and officers see.
KNOWN = ("closed_by", "maintained_by", "direction", "travellers")
# What is not told of a state: what was told when it was taken down, and times, which later steps show.
UNTOLD = frozenset(
    [
        "crossing",
        "objections",
        "since_ms",
        "document",
        "document_at_ms",
        "registers",
        "face",
        "face_at_ms",
        "decision",
        "entry",
        "officers",
        "looked_ms",
        "lost_told_ms",
        "beside_ms",
    ]
)
# What is not told of an effect where it is the usual.
USUAL = {
    "crossing": CROSSING,
    "order": passage_examples.said(),
    "number": 1,
    "count": 1,
    "ttl_ms": 10_000,
    "reasons": (),
}


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Row:
    """Where a story begins, and its lines: what happens, and what the lane does about it."""

    name: str
    start: str
    lines: tuple[str, ...]

    @property
    def steps(self) -> tuple[str, ...]:
        """What happens."""
        return tuple(line.partition(ARROW)[0] for line in self.lines)


@dataclass(frozen=True, slots=True)
class Block:
    """The rows of one title: what all begin with, and the branches."""

    title: str
    start: str
    comments: tuple[str, ...]
    head: tuple[str, ...]
    branches: tuple[tuple[str, ...], ...]

    def rows(self) -> Iterator[Row]:
        """One row for each branch."""
        for number, branch in enumerate(self.branches or ((),), 1):
            name = f"{self.title} ({number})" if branch else self.title
            yield Row(name, self.start, (*self.head, *branch))

    def text(self) -> str:
        """The block as it stands in a table."""
        told = [_wrapped("  ", line) for line in self.head]
        for branch in self.branches:
            told += [_wrapped("    " if place else "  | ", line) for place, line in enumerate(branch)]
        return "\n".join((f"{self.title} @ {self.start}", *(f"  # {one}" for one in self.comments), *told))


def _wrapped(indent: str, line: str) -> str:
    further = " " * 8
    return textwrap.fill(
        line, WIDTH, initial_indent=indent, subsequent_indent=further, break_long_words=False, break_on_hyphens=False
    )


def blocks(text: str) -> Iterator[Block | str]:
    """The blocks of a table, and what stands between them as it is."""
    for part in re.split(r"\n(?=\S)", re.sub(r"\n {8}", " ", text.rstrip("\n"))):
        title, _, rest = part.partition("\n")
        name, _, start = title.rpartition(" @ ")
        if title.startswith("#") or not name:
            yield part
            continue
        lines = [line for line in rest.split("\n") if line.strip()]
        comments = tuple(line.removeprefix("  # ") for line in lines if line.startswith("  # "))
        lines = [line for line in lines if not line.startswith("  # ")]
        first = next((place for place, line in enumerate(lines) if line.startswith("  | ")), len(lines))
        branches: list[list[str]] = []
        for line in lines[first:]:
            if line.startswith("  | "):
                branches.append([])
            branches[-1].append(line[4:])
        yield Block(name, start, comments, tuple(line.strip() for line in lines[:first]), tuple(map(tuple, branches)))


class Table:
    """The rows of one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.parts = list(blocks(path.read_text()))
        rows = [row for part in self.parts if isinstance(part, Block) for row in part.rows()]
        self.rows = {f"{row.name} @ {row.start}": row for row in rows}
        self.starts = {row.name: row for row in rows}
        assert len(self.rows) == len(rows), f"{path.name}: two rows are one"

    def begin(self, start: str) -> Run:
        """The lane where a row starts: where another one ends, or a sample run."""
        if start not in self.starts:
            return sample_run(start)
        run = self.begin(self.starts[start].start)
        for step in self.starts[start].steps:
            happen(run, step)
        return run

    def played(self, row: Row) -> tuple[str, ...]:
        """The row as the lane plays it now."""
        run = self.begin(row.start)
        return tuple(told(run, step) for step in row.steps)

    def text(self) -> str:
        """The table as the lane plays it now."""
        return "\n".join(part if isinstance(part, str) else self._now(part).text() for part in self.parts) + "\n"

    def _now(self, block: Block) -> Block:
        played = [self.played(row) for row in block.rows()]
        count = len(block.head)
        branches = tuple(lines[count:] for lines in played) if block.branches else ()
        return replace(block, head=played[0][:count], branches=branches)


def tables() -> list[Table]:
    """Every table there is."""
    return [Table(path) for path in sorted(FOLDER.glob("*.txt"))]


# ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────────────


def sample_run(start: str) -> Run:
    """A lane that has come so far: a function of `fakes.passage_examples`, or with `two.` of `fakes.two_door_lane`, with one argument."""
    name, _, argument = start.removesuffix(")").partition("(")
    module = two_door_lane if name.startswith("two.") else passage_examples
    key, _, value = argument.partition("=")
    run: Run = getattr(module, name.removeprefix("two."))(**({key: read(value)[0]} if key else {}))
    return run


def happen(run: Run, step: str) -> list[Effect]:
    """Take a step: a field that is set, or events after some milliseconds, once or several times. Raises ValueError for what is no step."""
    if step.startswith("set "):
        set_field(run, step.removeprefix("set "))
        return []
    found = re.fullmatch(r"(?:(\d+) times )?(?:\+(\d+) ?)?(.*)", step)
    assert found is not None
    times, after_ms, listed = found.groups()
    effects = []
    for _ in range(int(times or 1)):
        effects += run.feed(after_ms=int(after_ms or 0))
        for one in read(listed) if listed else ():
            effects += run.feed(one.full(run.lane.version) if isinstance(one, Order) else one)
    return effects


def set_field(run: Run, text: str) -> None:
    """Set one field of the run: `lane.clock_sure=False`, `rules.policy.shadow=True`."""
    path, _, value = text.partition("=")
    names = path.split(".")
    owners: list[Any] = [run]
    for name in names[:-1]:
        owners.append(getattr(owners[-1], name))
    changed: Any = read_as(value, typing.get_type_hints(type(owners[-1]))[names[-1]])
    for owner, name in zip(reversed(owners[1:]), reversed(names[1:]), strict=True):
        changed = replace(owner, **{name: changed})
    setattr(run, names[0], changed)


# ── what the lane does about it ──────────────────────────────────────────────────────────────────────────────────────


def told(run: Run, step: str) -> str:
    """Take a step: it, and everything that the lane does about it."""
    before = situation(run)
    effects = happen(run, step)
    found = [*counted(abbreviated(effects)), *changes(before, situation(run), effects)]
    return f"{step}{ARROW}{'; '.join(found)}" if found else step


def situation(run: Run) -> dict[str, str]:
    """The state, and what the lane knows."""
    return {
        "is": state_now(run.state),
        "notices": " ".join(one.name for one in run.lane.notices()) or "none",
        "waiting": " ".join(one.crossing for one in run.lane.waiting) or "none",
        "shielded": " ".join(run.lane.shielded) or "none",
        "views asked for": " ".join(crossing for crossing, _ in run.lane.viewing) or "none",
        "first words": " ".join(one.crossing for one in run.lane.first_words) or "none",
        **{name: brief(getattr(run.lane, name)) for name in KNOWN},
    }


def changes(before: Mapping[str, str], after: Mapping[str, str], effects: Sequence[Effect]) -> Iterator[str]:
    """What is another one after a step, and is not told by what was done: who is referred waits, and who is settled does not."""
    ends = [one.record for one in effects if isinstance(one, Write) and one.record.ends_crossing]
    is_referred = any(isinstance(one, records.Closed) and one.awaits_officer for one in ends)
    for word, now in after.items():
        is_told = (word == "waiting" and ends) or (word == "is" and is_referred and now == "Referred")
        if before[word] != now and not is_told:
            yield f"{word} {now}"


def state_now(state: State) -> str:
    """A state, with what of it is told."""
    fields = [one for one in dataclasses.fields(state) if one.name not in UNTOLD]
    shown = [said(one.name, getattr(state, one.name)) for one in fields if getattr(state, one.name) != one.default]
    words = [word for word in ("entry", "officers") if getattr(state, word, None) is not None]
    named = type(state).__name__
    return f"{named}({', '.join((*words, *shown))})" if words or shown else named


def abbreviated(effects: Sequence[Effect]) -> Iterator[str]:
    """Effects as text. A record stands alone, one that is waited for with an exclamation mark; what every referral does is one word."""
    place = 0
    while place < len(effects):
        match effects[place : place + 3]:
            case [
                Show(Screen.OFFICER),
                Erase(crossing, Shown.PICTURES),
                Write(records.Closed(closed, ClosedAs.REFERRED, reasons)),
            ] if crossing == closed == CROSSING:
                yield f"refer({said('', reasons)})"
                place += 3
                continue
            case _:
                pass
        match effects[place]:
            case Write(record, awaited):
                yield done(record) + "!" * awaited
            case effect:
                yield done(effect)
        place += 1


def counted(lines: Iterator[str]) -> Iterator[str]:
    """The same, with how often where one comes again and again."""
    for line, group in itertools.groupby(lines):
        times = len(list(group))
        yield line if times == 1 else f"{times} x {line}"


def done(value: Any) -> str:
    """An effect or a record as text. What a decision rests on is not told: tests/unit/passage/test_passage_evidence_age.py has it."""
    shown = [
        said(one.name, getattr(value, one.name))
        for one in dataclasses.fields(value)
        if one.name not in {"evidence", "policy"} and getattr(value, one.name) != usual(one)
    ]
    return f"{type(value).__name__}({', '.join(shown)})" if shown else type(value).__name__


def usual(field: dataclasses.Field[Any]) -> object:
    """What is not said of a field."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return USUAL.get(field.name, field.default) if field.default is dataclasses.MISSING else field.default


def said(name: str, value: object) -> str:
    """A field of what is done: its name is left out where the value says whose it is."""
    match value:
        case enum.Enum():
            return value.name
        case (Objection(), *_):
            return ", ".join(map(brief, value))
        case Counters(entry, exits, power_ups):
            return f"{entry}/{exits}/{power_ups}"
        case str() if name == "detail":
            return brief(value)
        case _:
            return f"{name}={brief(value)}"


def main() -> None:
    """Write every table anew."""
    for table in tables():
        table.path.write_text(table.text())


if __name__ == "__main__":
    main()
