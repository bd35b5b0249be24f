"""A cable whose answers come late, reordered, doubled or in bursts. Requests arrive at once, or are lost now and then.

A serial cable delivers late answers to the program that has the port open by then. A stream of Modbus TCP delivers them to its own connection only.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from gate_contract.links import RandomLoss, Wrapped
from gate_core.errors import LinkLostError
from gate_core.ports.drivers import Link

Way = Literal["late", "reordered", "doubled", "bursts"]


@dataclass(slots=True)
class Trouble:
    """What becomes of this `share` of the answers. `late_s` is drawn from least to most; a burst holds all answers for as long."""

    way: Way = "late"
    share: float = 0.1
    late_s: tuple[float, float] = (0.0, 0.0)
    requests_lost: float = 0.02
    plan: list[float] = field(default_factory=list)  # how late the next answers are, whatever else


class Cable:
    """Carries a board's answers back, each in its time. Made on a running loop."""

    def __init__(self, trouble: Trouble, seed: int) -> None:
        self._trouble = trouble
        self._chance = random.Random(seed)
        self._held: list[Callable[[], None]] = []
        self._burst_until_s = 0.0
        self.newest: Link | None = None

    def host_end(self, link: Link) -> Link:
        """What the driver writes to: it loses a request now and then."""
        lost = self._trouble.requests_lost
        return RandomLoss(link, seed=self._chance.randrange(2**32), share=lost) if lost else link

    def board_end(self, link: Link, *, own: bool = False) -> Link:
        """What the board answers on. `own`: what is late comes out at this end or nowhere."""
        self.newest = link
        return _BoardEnd(link, self, own=own)

    def carry(self, arrive: Callable[[], None]) -> None:
        """An answer sets out."""
        trouble, loop = self._trouble, asyncio.get_running_loop()
        if trouble.plan:
            loop.call_later(trouble.plan.pop(0), arrive)
            return
        hit, late_s = self._chance.random() < trouble.share, self._chance.uniform(*trouble.late_s)
        if trouble.way == "bursts" and hit and loop.time() >= self._burst_until_s:
            self._burst_until_s = loop.time() + late_s
            loop.call_later(late_s, self._let_go)
        if (trouble.way == "reordered" and hit) or loop.time() < self._burst_until_s:
            self._held.append(arrive)
            return
        if trouble.way == "late" and hit:
            loop.call_later(late_s, arrive)
            return
        arrive()
        if trouble.way == "doubled" and hit:
            loop.call_later(late_s, arrive)
        if trouble.way == "reordered":
            self._let_go()  # what was overtaken

    def _let_go(self) -> None:
        held, self._held = self._held, []
        for arrive in held:
            arrive()


class _BoardEnd(Wrapped):
    def __init__(self, inner: Link, cable: Cable, *, own: bool) -> None:
        super().__init__(inner)
        self._cable = cable
        self._own = own

    async def write(self, payload: bytes) -> None:
        self._cable.carry(lambda: self._arrive(payload))

    def _arrive(self, payload: bytes) -> None:
        link = self.inner if self._own or self._cable.newest is None else self._cable.newest
        with contextlib.suppress(StopIteration, LinkLostError):
            link.write(payload).send(None)  # a link in memory takes bytes without waiting
