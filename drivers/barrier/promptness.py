"""Tracks which recent questions may still be answered, and whether answers are later than the board's profile permits. No I/O; times are arguments.

A serial board's answers have no number: they are recognised by their shape, and a late one can be taken for the next answer of that shape.

| heard                                   | taken for                                                                  |
| --------------------------------------- | -------------------------------------------------------------------------- |
| the shape of the question on the wire   | its answer; earlier unanswered ones of that shape stay open: it may be theirs |
| another shape, or one not awaited       | the late answer to the oldest unanswered question of that shape;           |
|                                         | if all are answered, a repetition of the newest one's                      |

Up to the profile's `late_ms_max` lateness is tolerated: the line is slow, and each answer is awaited for that time, so that it is heard in its place.
A later one makes the line late: its content may be old. A line is trusted again TRUSTED_AFTER_S after the last late answer.

**Why nobody is granted twice.** A grant is repeated only after a status that shows that it never arrived. That status would be wrong only if it
answered a question from before the grant. If there is a shape that no question of the last LATEST_S had (`recent`), the status uses it: then no
earlier answer, however late, out of order, doubled or lost, can be taken for it. Otherwise it counts only if

1. the profile's `late_ms_max` has passed since the grant: earlier questions are answered by then;
2. nothing else was heard since the grant. After a silence, the driver listens behind each answer until the line is quiet: if an earlier
   question's answer had been taken, the right one would follow;
3. no question of the last LATEST_S before the grant, with that answer's shape, is unanswered (`owed_before_grant`). This holds also on a line
   that is later than its profile states.

Late orders are no exception: the board carries out requests in order, so an answer to a question after the grant was given after it. Revokes and
releases do not wait for this: others may use the line during the pause, and listening stops for them.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

LATEST_S = 3.0  # no line answers later: what was asked before is never answered any more
TRUSTED_AFTER_S = 10.0


@dataclass(slots=True)
class _Asked:
    shape: bytes
    at_s: float
    answered: bool = False


class Promptness:
    """One line, through all its connections. `overheard`: answers not awaited; `late_answers`: those later than permitted."""

    def __init__(self) -> None:
        self.overheard = self.late_answers = 0
        self._asked: deque[_Asked] = deque()
        self._late_at_s = self._slow_at_s = -math.inf
        self._is_greeted = False
        self.owed_before_grant: frozenset[bytes] = frozenset()
        self._overheard_before_grant = 0

    def begin(self) -> None:
        """Note the first question on a newly opened line: its answer has more time."""
        self._is_greeted = False

    def ask(self, shape: bytes, now_s: float) -> None:
        """Note a question whose answer has this shape."""
        while self._asked and now_s - self._asked[0].at_s > LATEST_S:
            self._asked.popleft()
        self._asked.append(_Asked(shape, now_s))

    def grant(self) -> None:
        """Note a grant, whose answer may be lost."""
        self.owed_before_grant, self._overheard_before_grant = self.owed(), self.overheard

    def may_be_from_before_grant(self, stretches: Iterable[set[bytes]]) -> bool:
        """True if a status read in these shapes may answer questions from before the last grant."""
        is_owed = any(self.owed_before_grant.issuperset(shapes) for shapes in stretches)
        return is_owed or self.overheard != self._overheard_before_grant

    def broken(self) -> None:
        """Note a damaged answer to the last question."""
        self._asked[-1].answered = True

    def answered(self, now_s: float, *, prompt_s: float) -> None:
        """Note the answer to the last question; slow if it took longer than `prompt_s`."""
        self._asked[-1].answered = self._is_greeted = True
        if now_s - self._asked[-1].at_s > prompt_s:
            self._slow_at_s = now_s

    def owed(self) -> frozenset[bytes]:
        """Return the shapes of answers that may still arrive later than permitted: a prompt line may become late."""
        return frozenset(asked.shape for asked in self._asked if not asked.answered)

    def recent(self, now_s: float) -> frozenset[bytes]:
        """Return the shapes of all questions in the last LATEST_S, answered or not: any other shape answers a current question."""
        return frozenset(asked.shape for asked in self._asked if now_s - asked.at_s <= LATEST_S)

    def overhear(self, shape: bytes, now_s: float, *, late_s: float) -> None:
        """Note an answer of this shape that was not awaited. `late_s`: the permitted delay."""
        alike = [asked for asked in self._asked if asked.shape == shape]
        told = next((asked for asked in alike if not asked.answered), alike[-1] if alike else None)
        if told is not None:
            told.answered = True
        self._slow_at_s = now_s
        self.overheard += 1
        if told is None or now_s - told.at_s > late_s:
            self.late_answers += 1
            self._late_at_s = now_s

    def is_slow(self, now_s: float) -> bool:
        """True if an answer arrived recently after its deadline, or none arrived yet."""
        return not self._is_greeted or now_s - self._slow_at_s <= LATEST_S

    def is_late(self, now_s: float) -> bool:
        """True if an answer arrived recently later than permitted."""
        return now_s - self._late_at_s <= TRUSTED_AFTER_S
