"""The table of hazards (docs/hazards.toml): reads it, draws docs/hazards.md from it, and tries each test of a row with that row's mutants.

    PYTHONPATH=tests .venv/bin/python -m mutants.hazards                    writes docs/hazards.md
    PYTHONPATH=tests .venv/bin/python -m mutants.hazards --mutants [PART]   tries the mutants whose name contains PART

A row's mutants are text in the form of `mutants.sixty`, from there or from the table. `mutants.by_machine` runs the tests in a copy of the tree.
"""

from __future__ import annotations

import ast
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec
from mutants import sixty
from mutants.by_machine import copied
from mutants.run import TREE, lives
from mutants.sixty import Mutant

from gate_lab.conformity import ran

TABLE: Final = TREE / "docs" / "hazards.toml"
PAGE: Final = TREE / "docs" / "hazards.md"
WAYS: Final = {
    "not_given": "not given",
    "given_wrongly": "given wrongly",
    "wrong_time": "too early, too late or out of order",
    "wrong_length": "stopped too soon or applied too long",
}
CARRIERS: Final = {
    "hard-wired": "wiring and installation; the integrator",
    "board": "the gate's own controller and mechanics; the gate's maker",
    "software": "this software, as a help only; its makers",
    "people": "people and their rules; the operator",
}


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry of the table. A misspelt key is an error."""


class Loss(_Entry, frozen=True):
    """What must not happen."""

    id: str
    says: str


class Hazard(_Entry, frozen=True):
    """A state of the gate that can lead to a loss, its risk without our software, and what must be hard-wired against it."""

    id: str
    name: str
    says: str
    losses: tuple[str, ...]
    severity: int
    exposure: int
    avoidability: int
    hard_wired: str


class Action(_Entry, frozen=True):
    """A control action. `symbols`: `module:name` in the code. `harmless`: why a way of giving it leads to no hazard."""

    id: str
    name: str
    controller: str
    symbols: tuple[str, ...]
    harmless: Mapping[str, str] = {}


class Part(_Entry, frozen=True):
    """A part that can fail, and its failure modes."""

    id: str
    name: str
    modes: Mapping[str, str]


class Row(_Entry, frozen=True):
    """An unsafe control action (`action.way`) or a failure (`part.mode`).

    Each test turns red with one of `mutants`. `also`: longer tests, each with its own control. `validated_by`: what people try at the gate.
    `severity`, `exposure`, `avoidability`: where they differ from those of its worst hazard.
    """

    id: str
    hazards: tuple[str, ...]
    unsafe: str
    constraint: str
    carrier: tuple[str, ...]
    residual: str
    severity: int | None = None
    exposure: int | None = None
    avoidability: int | None = None
    tests: tuple[str, ...] = ()
    mutants: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    validated_by: tuple[str, ...] = ()


class Death(_Entry, frozen=True):
    """The loss of a part in each state of the lane: outcome to the states in which it occurs. A test tries them all."""

    name: str
    part: str
    outcomes: Mapping[str, tuple[str, ...]]


class Time(_Entry, frozen=True):
    """A response time. `symbol`: `module:NAME` or `module:Class.field` in the code whose value is `value`."""

    what: str
    value: float
    unit: str
    symbol: str
    then: str


class Responsibility(_Entry, frozen=True):
    """A task and the party that does it."""

    task: str
    maker: str
    integrator: str
    operator: str
    software: str


class Change(_Entry, frozen=True):
    """A change, and what must be validated again after it."""

    change: str
    by: str
    again: tuple[str, ...]


class Standard(_Entry, frozen=True):
    """A standard or law, whether its text was read, and what was taken from it."""

    name: str
    read: str
    taken: str


class Book(_Entry, frozen=True):
    """The whole table."""

    limits: tuple[str, ...]
    standard: tuple[Standard, ...]
    loss: tuple[Loss, ...]
    hazard: tuple[Hazard, ...]
    controllers: Mapping[str, str]
    action: tuple[Action, ...]
    part: tuple[Part, ...]
    row: tuple[Row, ...]
    death: tuple[Death, ...]
    time: tuple[Time, ...]
    responsibility: tuple[Responsibility, ...]
    change: tuple[Change, ...]
    found: tuple[str, ...]
    mutant: tuple[Mutant, ...]

    def mutants(self) -> dict[str, Mutant]:
        """Return every mutant by its name: the table's and the sixty."""
        return {one.name: one for one in (*sixty.MUTANTS, sixty.TOLD_ONCE, sixty.ANY_RECEIPT, *self.mutant)}

    def risk(self, row: Row) -> tuple[int, int, int]:
        """Return severity, exposure and avoidability of a row: its own, or those of its worst hazard."""
        worst = max((one.severity, one.exposure, one.avoidability) for one in self.hazard if one.id in row.hazards)
        own = (row.severity, row.exposure, row.avoidability)
        severity, exposure, avoidability = (of if mine is None else mine for of, mine in zip(worst, own, strict=True))
        return severity, exposure, avoidability

    def trials(self, part: str = "") -> dict[str, set[str]]:
        """Return the tests to try with each mutant whose name contains this."""
        found: dict[str, set[str]] = {}
        for row in self.row:
            for name in row.mutants:
                if part in name:
                    found.setdefault(name, set()).update(row.tests)
        return found


BOOK: Final = msgspec.toml.decode(TABLE.read_bytes(), type=Book)


class TrialError(Exception):
    """A trial shows nothing: its mutant is no Python, or a test of it does not pass in the sound copy, or neither passes nor fails."""


def red_tests(mutants: Iterable[str], trials: Mapping[str, set[str]]) -> Iterator[tuple[str, set[str]]]:
    """Yield each mutant with its tests that turn red in a copy of the tree. Raises TrialError, NotRunError."""
    with tempfile.TemporaryDirectory() as folder:
        yield from red_in(copied(Path(folder)), {name: trials[name] for name in mutants}, BOOK.mutants())


def red_in(tree: Path, trials: Mapping[str, set[str]], mutants: Mapping[str, Mutant]) -> Iterator[tuple[str, set[str]]]:
    """Yield each mutant with its tests that pass in this tree and fail with it. Raises TrialError, NotRunError."""
    if unsound := _failed(tree, set().union(*trials.values()), "the sound copy"):
        raise TrialError(f"without a mutant: {', '.join(unsound)} failed")
    for name, tests in trials.items():
        mutant = mutants[name]

        def red(tree: Path, mutant: Mutant = mutant, tests: set[str] = tests) -> tuple[str, ...]:
            try:
                ast.parse((tree / mutant.file).read_text())
            except SyntaxError as error:
                raise TrialError(f"{mutant.name}: no Python: {error}") from error
            return _failed(tree, tests, mutant.name)

        yield name, set(lives(mutant, tree, red).troubles)


def _failed(tree: Path, tests: set[str], where: str) -> tuple[str, ...]:
    found = ran(tree, tests)
    results = {test: found.get(test, "missing") for test in sorted(tests)}
    if odd := [f"{test} {result}" for test, result in results.items() if result not in {"passed", "failed"}]:
        raise TrialError(f"{where}: {', '.join(odd)}")
    return tuple(test for test, result in results.items() if result == "failed")


def untried(rows: Iterable[Row], red: Mapping[str, set[str]]) -> list[str]:
    """Return each test that stays green with every mutant of its row, with the row's id."""
    return [
        f"{row.id}: {test}"
        for row in rows
        if row.mutants
        for test in row.tests
        if not any(test in red.get(name, set()) for name in row.mutants)
    ]


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def drawn(book: Book = BOOK) -> str:
    """Return the page."""
    lines = [_HEAD.strip(), "", *_figures(book), "", "## Limits of use", "", *(f"- {one}" for one in book.limits)]
    lines += [
        "",
        "## Losses and hazards",
        "",
        *_table("loss | what must not happen", ((one.id, one.says) for one in book.loss)),
    ]
    lines += [
        "",
        *_table("hazard | what | losses | S | F | P | rows", (_of_hazard(book, one) for one in book.hazard)),
        "",
        _RISK.strip(),
    ]
    lines += ["", "## Each hazard and its evidence", "", _ROWS.strip()]
    for hazard in book.hazard:
        lines += [
            "",
            f"### {hazard.id}: {hazard.name}",
            "",
            f"{hazard.says} Risk: S{hazard.severity} F{hazard.exposure} P{hazard.avoidability}.",
        ]
        lines += ["", f"**Must be hard-wired or mechanical:** {hazard.hard_wired}", ""]
        own = [row for row in book.row if row.hazards[0] == hazard.id]
        others = [row.id for row in book.row if hazard.id in row.hazards[1:]]
        lines += _table(
            "row | risk | unsafe when | constraint | carried by | evidence | residual risk",
            (_of_row(book, row) for row in own),
        )
        lines += ["", f"Rows of other hazards that lead here, too: {', '.join(others)}."] if others else []
    lines += ["", "## Every control action, four ways", "", "A row's id, or why this way leads to no hazard.", ""]
    lines += _table(
        f"action | controller | {' | '.join(WAYS.values())}", (_of_action(book, one) for one in book.action)
    )
    lines += ["", "## Failures of parts", "", *_table("part | failure | row", _of_parts(book))]
    lines += ["", "## The loss of each part in each state of the lane", "", _DEATHS.strip(), ""]
    lines += _table("part | outcome | in these states", _of_deaths(book))
    lines += ["", "## Response times", "", _TIMES.strip(), ""]
    lines += _table("what | at most | then", ((one.what, f"{one.value:g} {one.unit}", one.then) for one in book.time))
    lines += [
        "",
        "## Who is responsible",
        "",
        *_table(
            "task | gate's maker | integrator | operator | this software's makers", map(_of_task, book.responsibility)
        ),
    ]
    lines += [
        "",
        "## What must be validated again",
        "",
        *_table("after | who | again", ((one.change, one.by, "; ".join(one.again)) for one in book.change)),
    ]
    lines += ["", "## What this table found", "", *(f"- {one}" for one in book.found)]
    lines += [
        "",
        "## Standards: read and not read",
        "",
        *_table("standard | read | taken from it", ((one.name, one.read, one.taken) for one in book.standard)),
    ]
    return "\n".join(lines) + "\n"


def _table(head: str, rows: Iterable[Iterable[object]]) -> list[str]:
    columns = head.count(" | ") + 1
    return [f"| {head} |", f"|{' --- |' * columns}", *(f"| {' | '.join(map(str, row))} |" for row in rows)]


def _figures(book: Book) -> list[str]:
    ways, harmless = len(book.action) * len(WAYS), sum(len(one.harmless) for one in book.action)
    tests = {test for row in book.row for test in row.tests}
    text = (
        f"{len(book.hazard)} hazards; {len(book.action)} control actions in four ways ({ways - harmless} unsafe, {harmless} without a hazard); "
        f"{sum(len(one.modes) for one in book.part)} failures; {len(book.row)} rows; {len(tests)} tests, each red with one of "
        f"{len(book.trials())} mutants."
    )
    return [text]


def _of_hazard(book: Book, one: Hazard) -> tuple[object, ...]:
    count = sum(one.id in row.hazards for row in book.row)
    link = f"[{one.id}](#{one.id.lower()}-{one.name.lower().replace(' ', '-').replace(',', '')})"
    return link, one.says, ", ".join(one.losses), one.severity, one.exposure, one.avoidability, count


def _of_row(book: Book, row: Row) -> tuple[str, ...]:
    evidence = [f"`{one}`" for one in row.tests]
    evidence += [f"mutant: {one}" for one in row.mutants]
    evidence += [f"also `{one}`" for one in row.also]
    evidence += [f"[step {one}](guides/bring-up-a-barrier.md#the-acceptance-walk)" for one in row.validated_by]
    hazards = f" ({', '.join(row.hazards)})" if len(row.hazards) > 1 else ""
    return (
        f"`{row.id}`{hazards}",
        "S{} F{} P{}".format(*book.risk(row)),
        row.unsafe,
        row.constraint,
        ", ".join(row.carrier),
        "<br>".join(evidence),
        row.residual,
    )


def _of_action(book: Book, one: Action) -> tuple[str, ...]:
    cells = (one.harmless.get(way) or f"`{one.id}.{way}`" for way in WAYS)
    return f"**{one.name}**", book.controllers[one.controller].partition(":")[0], *cells


def _of_parts(book: Book) -> Iterator[tuple[str, ...]]:
    for one in book.part:
        for mode, says in one.modes.items():
            yield one.name, says, f"`{one.id}.{mode}`"


def _of_deaths(book: Book) -> Iterator[tuple[str, ...]]:
    for one in book.death:
        for outcome, states in one.outcomes.items():
            yield one.name, outcome, ", ".join(states)


def _of_task(one: Responsibility) -> tuple[str, ...]:
    return one.task, one.maker or "-", one.integrator or "-", one.operator or "-", one.software or "-"


_HEAD = """
# Hazards

<!-- Drawn from docs/hazards.toml by `PYTHONPATH=tests python -m mutants.hazards`. Do not edit this page. -->

This page is for a safety assessor. It lists the limits of use, the hazards and their risk, who reduces each risk, the evidence, and the residual risk.
[Safety](safety.md) has the invariants, and the table of what must work without the computer.

**No performance level and no safety integrity level is claimed for this software.** No safety function may rely on it. Where a row names software, the
software is a help beside a hard-wired, mechanical or organisational measure, or the row concerns the border and its records only. A gate is safe only if each
measure under *must be hard-wired or mechanical* works while the gate's computer is switched off. The
[acceptance walk](guides/bring-up-a-barrier.md#the-acceptance-walk) shows that; nobody has walked it with a real gate and this software yet.
"""
_RISK = """
Severity S, exposure F and avoidability P follow the three parameters of the risk graph in ISO 13849-1, as makers' public handbooks describe them. They are our
estimate for an unprotected gate, before any measure. An assessor of the actual gate estimates them again. S0 is ours: that risk graph begins with S1.
A row has the risk of the worst of its hazards, unless we estimate less or more for it.

| value | meaning |
| --- | --- |
| S0 | no injury: the loss concerns the border, a traveller's treatment or the records |
| S1, S2 | a reversible injury; an irreversible injury or death |
| F1, F2 | seldom or briefly exposed; often or for long |
| P1, P2 | the person can avoid it under some conditions; scarcely |
"""
_ROWS = f"""
A row's id is a control action and the way in which it is unsafe, or a part and its failure. *Carried by* says who reduces the risk:
{"; ".join(f"**{name}**: {says}" for name, says in CARRIERS.items())}.
A test is named as pytest names it. It turns red when a *mutant*, a deliberate fault in the code, is put in (`python -m mutants.hazards --mutants`).
A *step* is one of the acceptance walk.
"""
_DEATHS = """
`tests/unit/passage/test_passage_hazards.py` tries each line in a lane of one door and of two. In every state and after every loss, no order to grant or to end
an emergency is given, and an order to free people is obeyed.
"""


_TIMES = """
Limits of this software by its usual settings, each compared with the code by a test. They are no safety times: a busy computer is later, and the hard-wired
paths do not wait for it. A board's own times stand in its manual and its profile.
"""


def main() -> int:
    """Write the page, or try mutants. Exit code 1 when a test stays green."""
    if sys.argv[1:2] != ["--mutants"]:
        PAGE.write_text(drawn())
        return 0
    part = sys.argv[2] if len(sys.argv) > 2 else ""
    trials, red = BOOK.trials(part), {}
    for name, found in red_tests(trials, trials):
        red[name] = found
        sys.stdout.write(f"{name}: {len(found)} of {len(trials[name])} red\n")
        sys.stdout.flush()
    green = untried((row for row in BOOK.row if set(row.mutants) <= trials.keys()), red)
    sys.stdout.write("".join(f"GREEN {one}\n" for one in green))
    sys.stdout.write(f"{sum(map(bool, red.values()))} of {len(trials)} mutants killed, {len(green)} tests green\n")
    return int(bool(green))


if __name__ == "__main__":
    raise SystemExit(main())
