"""Queue of orders to one barrier. Orders run one at a time, in the sequence given by the state machine.

Revoke and release keep their sequence and run before all other orders. They cancel a grant: a waiting one is never
written, a running one is not repeated after the request on the wire (`withdraw`). At most one order of each kind waits:
a newer one replaces it. So nothing is written after the order that was meant to undo it, and repetitions of an older
order on the line end before a newer one.

Without a line every order fails at once; orders that wait when the line is lost fail too. Polls and lamp are separate.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from gate_core.errors import DriverError, LinkLostError, RefusedError


class Kind(enum.Enum):
    """The kinds of orders to a barrier."""

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
            self.done.exception()  # mark as retrieved: the caller may be gone


class Ordering:
    """Runs orders one at a time, on one event loop. `withdraw` stops repetitions of the running order."""

    def __init__(self, withdraw: Callable[[], None]) -> None:
        self._withdraw = withdraw
        self._waiting: list[_Order] = []
        self._running: _Order | None = None
        self._wake = asyncio.Event()
        self._has_line = False

    def open(self) -> None:
        """Accept orders: the line is open."""
        self._has_line = True

    def close(self) -> None:
        """Fail all orders: the line is lost."""
        self._has_line = False
        gone = self._waiting if self._running is None else [self._running, *self._waiting]
        self._waiting, self._running = [], None
        for order in gone:
            order.fail(LinkLostError("the barrier's line went down"))

    def put(self, kind: Kind, carry_out: CarryOut) -> Awaitable[Any]:
        """Queue an order. The returned future has its result, or raises DriverError."""
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
        """Run queued orders until cancelled."""
        while True:
            self._wake.clear()
            while self._waiting:
                await self._carry_out(self._waiting.pop(0))
            await self._wake.wait()

    async def _carry_out(self, order: _Order) -> None:
        self._running = order
        if any(one.kind in _FIRST for one in self._waiting):
            # After its first write: it is sent once, and not repeated.
            asyncio.get_running_loop().call_soon(self._withdraw)
        try:
            result = await order.carry_out()
        except DriverError as error:
            order.fail(error)
        else:
            if not order.done.done():
                order.done.set_result(result)
        self._running = None
