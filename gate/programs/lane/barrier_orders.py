"""The order in which the barrier is told what the machine wants: one order after another, as the machine gave them.

Taking back and freeing keep their order among themselves and go before everything else. They overtake a grant: one that waits is never
written, one under way is written no further than the request on the wire (`withdraw` has the driver see to that). Of each kind one waits at
most, the latest: a repetition takes the place of what it repeats. So nothing is ever written after what was meant to undo it, and the
line's own repetitions of an older order do not outlast a newer one.

Without a line every order fails at once; what waits when the line goes fails with it. Polls and the lamp are no orders.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from gate_core.errors import DriverError, LinkLostError, RefusedError


class Kind(enum.Enum):
    """What the barrier can be told."""

    REVOKE = "revoke"
    RELEASE = "release"
    GRANT = "grant"
    END_EMERGENCY = "end_emergency"
    CLEAR_ALARMS = "clear_alarms"


_FIRST = frozenset({Kind.REVOKE, Kind.RELEASE})

CarryOut = Callable[[], Awaitable[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class _Order:
    kind: Kind
    carry_out: CarryOut
    done: asyncio.Future[Any]

    def fail(self, error: DriverError) -> None:
        if not self.done.done():
            self.done.set_exception(error)
            self.done.exception()  # whoever gave it may not be there any more


class Ordering:
    """Carries orders out, one at a time. `withdraw` stops what is under way; for one event loop."""

    def __init__(self, withdraw: Callable[[], None]) -> None:
        self._withdraw = withdraw
        self._waiting: list[_Order] = []
        self._running: _Order | None = None
        self._wake = asyncio.Event()
        self._has_line = False

    def open(self) -> None:
        """The line is there: orders wait from now on."""
        self._has_line = True

    def close(self) -> None:
        """The line is gone, and with it everything that waited for it."""
        self._has_line = False
        gone = self._waiting if self._running is None else [self._running, *self._waiting]
        self._waiting, self._running = [], None
        for order in gone:
            order.fail(LinkLostError("the barrier's line went down"))

    def put(self, kind: Kind, carry_out: CarryOut) -> Awaitable[Any]:
        """Take an order now; what is returned ends with what became of it, or raises DriverError."""
        order = _Order(kind, carry_out, asyncio.get_running_loop().create_future())
        if not self._has_line:
            order.fail(LinkLostError("the barrier's line is down"))
            return order.done
        overtaken = {kind, Kind.GRANT} if kind in _FIRST else {kind}
        for one in [one for one in self._waiting if one.kind in overtaken]:
            self._waiting.remove(one)
            one.fail(RefusedError(f"overtaken by a later {kind.value}"))
        at = sum(one.kind in _FIRST for one in self._waiting) if kind in _FIRST else len(self._waiting)
        self._waiting.insert(at, order)
        if kind in _FIRST and self._running is not None:
            self._withdraw()
        self._wake.set()
        return order.done

    async def run(self) -> None:
        """Carry out what waits, for as long as there is a line."""
        while True:
            self._wake.clear()
            while self._waiting:
                await self._carry_out(self._waiting.pop(0))
            await self._wake.wait()

    async def _carry_out(self, order: _Order) -> None:
        self._running = order
        if any(one.kind in _FIRST for one in self._waiting):
            # Once it has begun: it is written, and not insisted on.
            asyncio.get_running_loop().call_soon(self._withdraw)
        try:
            result = await order.carry_out()
        except DriverError as error:
            order.fail(error)
        else:
            if not order.done.done():
                order.done.set_result(result)
        self._running = None
