"""Which questions of late may still be answered, and whether answers come later than the board's profile bears. No I/O; times are arguments.

No answer of a serial board is numbered: it is known by its shape, and one that comes late passes for the next answer of that shape.

| heard                                   | taken for                                                                  |
| --------------------------------------- | -------------------------------------------------------------------------- |
| the shape of the question on the wire   | its answer; what is owed of that shape stays owed, for it may be that one  |
| another shape, or one that nobody awaits | the answer to the oldest question of that shape that has none, late;      |
|                                         | where each has one, the newest one's once more                             |

Up to the profile's `late_ms_max` the second is borne: the line is slow, and each answer is waited for until then, so that it is heard in its
place. One that may be later makes the line late: what it says may be old. A line is trusted again when TRUSTED_AFTER_S have gone by without another.

**Why nobody is granted twice.** A grant goes out again only on a status that shows that it never arrived. That status would lie only if it were the
answer to a question from before the grant. Where it can be asked for in a shape that nothing asked in the LATEST_S before has (`recent`), it is: however
late, out of order, twice or lost, no earlier answer passes for that one. Elsewhere it counts only when

1. the profile's `late_ms_max` has gone by since the grant: what was asked before it is answered by then;
2. nothing else was heard since the grant. Whoever answers is listened to behind its silence until nothing more comes: had an earlier
   question's answer been taken, its own would come, too;
3. nothing asked in the LATEST_S before the grant, whose answer has that shape, is unanswered (`owed_before_grant`). This holds on a line that is
   later than its profile says, as well.

Orders that arrive late themselves are no exception: the board carries out what it hears in its order, so an answer to a question behind the grant is
an answer from behind it. A revoke and a release wait for none of this: the pause is the line's for others, and whoever listens stops for them.
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
    """One line, through all its connections. `overheard` counts answers that nobody awaited, `late_answers` those of them that came later than is borne."""

    def __init__(self) -> None:
        self.overheard = self.late_answers = 0
        self._asked: deque[_Asked] = deque()
        self._late_at_s = self._slow_at_s = -math.inf
        self._is_greeted = False
        self.owed_before_grant: frozenset[bytes] = frozenset()
        self._overheard_before_grant = 0

    def begin(self) -> None:
        """The board is asked for the first time on a line that was opened anew: for that answer there is time."""
        self._is_greeted = False

    def ask(self, shape: bytes, now_s: float) -> None:
        """A question is asked now whose answer has this shape."""
        while self._asked and now_s - self._asked[0].at_s > LATEST_S:
            self._asked.popleft()
        self._asked.append(_Asked(shape, now_s))

    def grant(self) -> None:
        """A grant is asked for now, and its answer may be lost."""
        self.owed_before_grant, self._overheard_before_grant = self.owed(), self.overheard

    def may_be_from_before_grant(self, stretches: Iterable[set[bytes]]) -> bool:
        """A status that is read in stretches, each in one of these shapes, may be the answer to questions from before the last grant."""
        is_owed = any(self.owed_before_grant.issuperset(shapes) for shapes in stretches)
        return is_owed or self.overheard != self._overheard_before_grant

    def broken(self) -> None:
        """The answer to what was asked last came, and could not be read."""
        self._asked[-1].answered = True

    def answered(self, now_s: float, *, prompt_s: float) -> None:
        """What was asked last has an answer; one that took longer than `prompt_s` is a slow one."""
        self._asked[-1].answered = self._is_greeted = True
        if now_s - self._asked[-1].at_s > prompt_s:
            self._slow_at_s = now_s

    def owed(self) -> frozenset[bytes]:
        """The shapes of answers that may still come though they are later than is borne: a line that was prompt until now may be late from now on."""
        return frozenset(asked.shape for asked in self._asked if not asked.answered)

    def recent(self, now_s: float) -> frozenset[bytes]:
        """The shapes of all that was asked in the LATEST_S before, answered or not: an answer of any other shape is to what is asked now."""
        return frozenset(asked.shape for asked in self._asked if now_s - asked.at_s <= LATEST_S)

    def overhear(self, shape: bytes, now_s: float, *, late_s: float) -> None:
        """An answer of this shape that nobody awaited came by now. `late_s`: how late one may be."""
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
        """An answer came of late that came behind its deadline, or none came yet."""
        return not self._is_greeted or now_s - self._slow_at_s <= LATEST_S

    def is_late(self, now_s: float) -> bool:
        """An answer came of late that was later than is borne."""
        return now_s - self._late_at_s <= TRUSTED_AFTER_S
