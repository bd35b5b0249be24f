"""The result of a drill: each case, the officer's orders, the time, and a page of it. Pure.

Only for the officer: it has no name and no comparison of officers. A wrong case on a late machine does not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from gate.passage.names import Outcome
from gate_demo.director import Visit
from gate_demo.drills import Case, Drill
from gate_demo.trainee import Diary, Ordered

_CARRIED_OUT: Final = frozenset({Outcome.DONE, Outcome.ORDERED})
_STYLE: Final = """
body { font: 16px/1.45 system-ui, sans-serif; color: #111; background: #fff; margin: 0 auto; max-width: 48rem; padding: 1rem }
h1 { font-size: 1.5rem; line-height: 1.2 }
article { border-top: 1px solid #767676; padding: .5rem 0; break-inside: avoid }
h2 { font-size: 1.1rem; margin: .2rem 0 }
p { margin: .2rem 0; overflow-wrap: anywhere }
"""


@dataclass(frozen=True, slots=True)
class Settled:
    """A finished case. `missing`: sets of required orders of which none was given. `wrong`: forbidden orders that were given.

    `seconds` is from the first call for the officer to the last required order; None when one is missing.
    """

    case: Case
    did: tuple[str, ...]
    missing: tuple[str, ...]
    wrong: tuple[str, ...]
    seconds: float | None
    late: bool

    @property
    def is_right(self) -> bool:
        """Return True when every required order and no forbidden one was given."""
        return not self.missing and not self.wrong

    @property
    def counts(self) -> bool:
        """Return False where the machine may be the reason for a wrong result."""
        return self.is_right or not self.late


@dataclass(frozen=True, slots=True)
class Score:
    """A drill's score."""

    drill: Drill
    settled: tuple[Settled, ...]

    @property
    def right(self) -> int:
        """Return the number of right cases."""
        return sum(one.is_right for one in self.settled)

    @property
    def counted(self) -> int:
        """Return the number of cases that count."""
        return sum(one.counts for one in self.settled)

    def fields(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "drill": self.drill.name,
            "title": self.drill.title,
            "source": self.drill.source,
            "score": {"right": self.right, "counted": self.counted, "cases": len(self.settled)},
            "cases": [
                {
                    "scenario": one.case.scenario,
                    "right": one.is_right,
                    "counts": one.counts,
                    "did": list(one.did),
                    "missing": list(one.missing),
                    "wrong": list(one.wrong),
                    "seconds": one.seconds,
                    "why": one.case.why,
                }
                for one in self.settled
            ],
        }


def score(drill: Drill, visits: Sequence[Visit], diary: Diary) -> Score:
    """Return the score: the orders during each visit, compared with its case."""
    return Score(drill, tuple(_settled(case, visit, diary) for case, visit in zip(drill.cases, visits, strict=True)))


def _settled(case: Case, visit: Visit, diary: Diary) -> Settled:
    mine = [one for one in diary.orders if visit.began_ms <= one.at_ms <= visit.ended_ms]
    carried_out = [one for one in mine if one.outcome in _CARRIED_OUT]
    given = {one.said.verb for one in carried_out}
    missing = tuple(" or ".join(sorted(verb.value for verb in either)) for either in case.right if not either & given)
    wrong = tuple(sorted(verb.value for verb in case.never & given))
    did = tuple(" ".join(filter(None, (one.said.verb.value, one.said.argument))) for one in carried_out)
    called = [at for at in diary.calls_ms if visit.began_ms <= at <= visit.ended_ms]
    wanted = frozenset().union(*case.right)
    return Settled(case, did, missing, wrong, _seconds(called, carried_out, wanted, missing), visit.late.excuses)


def _seconds(
    called: list[int], orders: Iterable[Ordered], wanted: frozenset[object], missing: tuple[str, ...]
) -> float | None:
    settled = [one.at_ms for one in orders if one.said.verb in wanted]
    return None if missing or not called or not settled else round((max(settled) - called[0]) / 1000, 1)


def lines(found: Score) -> list[str]:
    """Return the score as lines of text."""
    said = [f"{found.drill.title}: {found.right} of {found.counted} settled as they should be"]
    for number, one in enumerate(found.settled, start=1):
        took = "" if one.seconds is None else f", {one.seconds:.1f} s"
        said.append(f"{number}. {_verdict(one)}{took}: {_did(one)}. {one.case.why}")
    return said


def page(found: Score) -> str:
    """Return the score as an HTML page without script, font or link."""
    title = f"Drill: {found.drill.title}"
    cases = [
        f"<article><h2>{number}. {escape(_verdict(one))}{'' if one.seconds is None else f', {one.seconds:.1f} s'}</h2>"
        f"<p>{escape(_did(one))}.</p><p>{escape(one.case.why)}</p></article>"
        for number, one in enumerate(found.settled, start=1)
    ]
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>",
            f"<h1>{escape(title)}</h1>",
            f"<p>{found.right} of {found.counted} cases were settled as they should be. The exercise is listed by: {escape(found.drill.source)}.</p>",
            "<p>Simulated people at a simulated gate; this page is yours, and names nobody.</p>",
            *cases,
            "</main></body></html>",
            "",
        )
    )


def _verdict(one: Settled) -> str:
    return (
        "as it should be"
        if one.is_right
        else "otherwise than it should be"
        if one.counts
        else "not counted, the machine was late"
    )


def _did(one: Settled) -> str:
    words = [f"you ordered {', '.join(one.did)}" if one.did else "you ordered nothing"]
    words += [f"missing: {', '.join(one.missing)}"] if one.missing else []
    words += [f"not to be ordered: {', '.join(one.wrong)}"] if one.wrong else []
    return "; ".join(words)
