"""Which requests an answer may belong to, and so how old it may be. No I/O; times are arguments.

Modbus RTU numbers nothing: an answer is known by unit, function and length, and one that came late passes for the next one's. Taken for
that, it would look younger than it is. A serial line keeps the order, so an answer is that of the oldest request of its shape that may
still be answered, and whatever was asked before that one is never answered any more.
"""

from __future__ import annotations

from collections.abc import Callable

from drivers.modbus.frames import ExceptionReply, Reply, Request


class Awaited:
    """The requests to one unit that may still be answered. `late_s` says for how long one may, from its asking on."""

    def __init__(self, late_s: Callable[[Request], float]) -> None:
        self._late_s = late_s
        self._asked: list[tuple[Request, float]] = []

    def ask(self, request: Request, now_s: float) -> None:
        """This is asked now, if it is written at all."""
        self._asked = [*self._still(now_s), (request, now_s)]

    def answered(self, reply: Reply, now_s: float) -> float:
        """A reply that has the shape of one to the last request is there: when it was asked for at the earliest."""
        last = self._asked.pop()
        still = [*self._still(now_s), last]
        at = next(at for at, (request, _) in enumerate(still) if _is_alike(request, last[0], reply))
        self._asked = still[at + 1 :]
        return still[at][1]

    def any_late(self, now_s: float) -> bool:
        """True while an answer to an earlier request may come."""
        self._asked = self._still(now_s)
        return bool(self._asked)

    def awaits(self, request: Request) -> bool:
        """True while an earlier request may be answered by what would answer this one."""
        return any(earlier.reply_head == request.reply_head for earlier, _ in self._asked)

    def _still(self, now_s: float) -> list[tuple[Request, float]]:
        """Those that may still be answered."""
        return [(request, at_s) for request, at_s in self._asked if now_s - at_s <= self._late_s(request)]


def _is_alike(earlier: Request, request: Request, reply: Reply) -> bool:
    """The reply could be the earlier request's as well: an exception names the function only."""
    if isinstance(reply, ExceptionReply):
        return earlier.function == request.function
    return earlier.reply_head == request.reply_head
