"""Repeats the random checks from what a log states: which travellers chance sent to an officer, and whether it was chance. Pure.

The rule of docs/protocols/audit-log.md is implemented independently: a compromised lane may write anything, so no code of the
drawing program is used. A traveller who could predict a draw would return until not drawn. So crossings given up before a decision
are counted, and those of them that were drawn. None of these was admitted: the gate admits or refers.

Limits: PERIODS_MAX draws and PROBLEMS_MAX lines are listed; the rest is only counted.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from gate_verify.audit_record import AuditRecord, count, table, text
from gate_verify.report.rates import clopper_pearson

PERIODS_MAX: Final = 4_000
PROBLEMS_MAX: Final = 200
SURE: Final = 0.999_999  # chance alone leaves the stated share outside this interval on one day in a million
_OF: Final = 10_000
_REASON: Final = "random_check"


@dataclass(slots=True)
class _Crossing:
    opened_at: int
    decided_at: int | None = None
    said: bool | None = None  # the draw's result as the decision records it
    referred_for_it: bool = False


@dataclass(slots=True)
class _Period:
    """A draw, and the crossings opened under it."""

    day: str
    per_10000: int
    sha256: str
    committed_at: int
    secret: bytes | None = None
    crossings: dict[str, _Crossing] = field(default_factory=dict)

    def drawn(self, secret: bytes) -> dict[str, _Crossing]:
        """Return the crossings that its secret draws."""
        return {
            name: one
            for name, one in self.crossings.items()
            if int.from_bytes(hmac.digest(secret, name.encode(), "sha256")[:8]) * _OF < self.per_10000 * 2**64
        }


@dataclass(frozen=True, slots=True)
class Problem:
    """A deviation, and the entries that show it."""

    what: str
    entries: Sequence[int] = ()


@dataclass(slots=True)
class Found:
    """Results of the draws, as entries: openings, decisions (`sent`), hashes (`unrevealed`). `known`: openings whose draw is revealed."""

    presented: list[int] = field(default_factory=list)
    known: list[int] = field(default_factory=list)
    drawn: list[int] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    given_up: list[int] = field(default_factory=list)
    given_up_drawn: list[int] = field(default_factory=list)
    unrevealed: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, what: str, *entries: int) -> None:
        """Add a deviation."""
        self.problems.append(Problem(what, [*entries]))


class Draws:
    """Checks the records in order."""

    def __init__(self) -> None:
        self._periods: list[_Period] = []
        self._by_hash: dict[str, _Period] = {}
        self._of: dict[str, _Period | None] = {}  # what was stated when a crossing was opened
        self._problems = Found()
        self._wrong = self._problems.wrong
        self._begins = True  # nothing was before the first record

    def take(self, told: AuditRecord) -> None:
        """Take the next record."""
        if told.index and not self._of and not self._periods:
            self._begins = False
        if told.body is None:
            return
        match told.kind:
            case "draw_committed":
                self._committed(
                    told.index, text(told.body, "day"), count(told.body.get("per_10000")), text(told.body, "sha256")
                )
            case "draw_revealed":
                self._revealed(told.index, text(told.body, "sha256"), text(told.body, "secret"))
            case "opened" if told.crossing is not None and told.body.get("document") is not False:
                self._opened(told.index, told.crossing)
            case "decided" | "entry_decided" if told.crossing in self._of:
                self._decided(told, told.crossing)
            case _:
                pass

    def found(self) -> Found:
        """Return the results at the end of the log."""
        found = Found(problems=[*self._problems.problems])
        for period in self._periods:
            crossings = period.crossings.values()
            found.presented += [one.opened_at for one in crossings]
            found.sent += [one.decided_at for one in crossings if one.decided_at is not None and one.referred_for_it]
            if period.secret is not None:
                _hold(period, period.drawn(period.secret), found)
                continue
            found.unrevealed.append(period.committed_at)
            if period is not self._periods[-1]:
                found.wrong(f"the secret of {period.day} is in no record, and its draw is over", period.committed_at)
        if (more := len(found.problems) - PROBLEMS_MAX) > 0:
            found.problems[PROBLEMS_MAX:] = [Problem(f"and {more} more")]
        return found

    def _committed(self, index: int, day: str, share: int | None, sha256: str) -> None:
        if share is None or not (day and sha256 and 0 < share <= _OF):
            self._wrong("what is stated as a draw is none", index)
            return
        now = self._periods[-1] if self._periods else None
        if now is not None and (now.sha256, now.per_10000, now.secret) == (sha256, share, None):
            return  # a start of the lane states it anew
        if sha256 in self._by_hash:
            self._wrong(f"the secret of {self._by_hash[sha256].day} is stated again", index)
        elif len(self._periods) >= PERIODS_MAX:
            self._wrong(f"a draw beyond the {PERIODS_MAX} that are looked at", index)
        else:
            self._by_hash[sha256] = _Period(day[:40], share, sha256, index)
            self._periods.append(self._by_hash[sha256])

    def _revealed(self, index: int, sha256: str, revealed: str) -> None:
        period = self._by_hash.get(sha256)
        if period is None:
            return  # the log never took its hash, so no traveller was drawn by it; or it is older than this log
        try:
            secret = bytes.fromhex(revealed)
        except ValueError:
            secret = b""
        if hashlib.sha256(secret).hexdigest() == period.sha256:
            period.secret = secret
        else:
            self._wrong(f"what is revealed of {period.day} is not the secret whose hash was stated", index)

    def _opened(self, index: int, crossing: str) -> None:
        period = self._periods[-1] if self._periods else None
        self._of[crossing] = period
        if period is not None:
            period.crossings[crossing] = _Crossing(index)

    def _decided(self, told: AuditRecord, crossing: str) -> None:
        index, period, said = told.index, self._of[crossing], table(told.body, "evidence").get("drawn")
        share = count(table(told.body, "policy").get("random_checks_per_10000", 0))
        if period is None or period.secret is not None:
            if isinstance(said, bool) and (period is not None or self._begins):
                which = "of which no hash stood in the log" if period is None else "that was out already"
                self._wrong(f"crossing {crossing} was drawn by a secret {which}", index)
            return
        if share not in {period.per_10000, 0} or (share == 0 and said is not None):
            stated = "no number" if share is None else share
            self._wrong(f"{crossing} was decided by {stated} of 10,000, and {period.per_10000} were stated", index)
        one = period.crossings[crossing]
        one.decided_at, one.said = index, said if isinstance(said, bool) else None
        one.referred_for_it |= _REASON in told.reasons


def _hold(period: _Period, drawn: Mapping[str, _Crossing], found: Found) -> None:
    """Compare the decisions with the draw, and the draw with the stated share."""
    found.known += [one.opened_at for one in period.crossings.values()]
    found.drawn += [one.opened_at for one in drawn.values()]
    for name, one in period.crossings.items():
        if one.decided_at is None:
            found.given_up.append(one.opened_at)
            found.given_up_drawn += [one.opened_at] * (name in drawn)
        elif name in drawn and not one.referred_for_it:
            found.wrong(f"crossing {name} was drawn, and no officer was called for that", one.decided_at)
        elif name not in drawn and one.said:
            found.wrong(f"crossing {name} was not drawn, and is said to be", one.decided_at)
    if not period.crossings:
        return
    low, high = clopper_pearson(len(drawn), len(period.crossings), SURE)
    if not low <= period.per_10000 / _OF <= high:
        found.wrong(
            f"{len(drawn)} of {len(period.crossings)} crossings of {period.day} are drawn, where {period.per_10000} of 10,000 were stated; chance does that on less than one day in a million",
            period.committed_at,
        )
