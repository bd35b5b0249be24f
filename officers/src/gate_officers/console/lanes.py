"""What is known of every lane now, for every page that watches.

Changes when a gate says something, falls silent or comes back, and when an alarm begins, ends, is answered or is escalated; each page
sees the newest only. Gates and clock are given; who keeps the connections is the program's affair.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn, Protocol

from gate_core.console_link import Answer, Challenge, LaneEvent
from gate_core.web_pages.fanout import Fanout, FullError, Latest
from gate_officers.console.alarms import Call, Calls, Seen

PAGES_MAX: Final = 32
PAGES_EACH_MAX: Final = 8  # of one officer, by whatever certificate: nobody takes the places of all others
LOOK_EVERY_S: Final = 0.25  # an outage shows within two seconds, so silence is looked for more often


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Why a gate gave no answer. `maybe_done`: it may have done what it was told, and nobody knows."""

    problem: str
    maybe_done: bool = False


class Gate(Protocol):
    """One gate's end of the road (`gate_officers.console.gates`). Raises nothing, whatever the gate says or does."""

    id: str
    snapshot: LaneEvent | None  # what the lane said last; None while the gate is not there
    trouble: str  # what is wrong with the gate's road, for people; empty when nothing is

    @property
    def snapshot_age_s(self) -> float:
        """How long ago that was."""
        ...

    @property
    def age_s(self) -> float | None:
        """How long ago the gate gave a sign of life; None while there was none."""
        ...

    async def look(self) -> Challenge | Unanswered:
        """A challenge for an order to this gate."""
        ...

    async def order(self, order: bytes) -> Answer | Unanswered:
        """Hand in an order, and hear what the lane did."""
        ...


@dataclass(frozen=True, slots=True)
class Known:
    """All lanes at a moment."""

    gates: tuple[Seen, ...]
    calls: tuple[Call, ...]

    def gate(self, name: str) -> Seen | None:
        """What is known of one gate."""
        return next((one for one in self.gates if one.gate == name), None)


class Hall:
    """Keeps what is known. `clock_s` is monotonic."""

    def __init__(self, gates: Sequence[Gate], *, clock_s: Callable[[], float], pages_max: int = PAGES_MAX) -> None:
        self.clock_s = clock_s
        self._gates = {gate.id: gate for gate in gates}
        self._calls = Calls()
        self._pages: Fanout[Known] = Fanout(clients_max=pages_max)
        self._pages_of: Counter[str] = Counter()
        self._shown: object = None
        self.known = Known((), ())
        self.refresh()

    def gate(self, name: str) -> Gate | None:
        """The gate of this id, if the console has it."""
        return self._gates.get(name)

    def is_full_for(self, officer: str) -> bool:
        """True when no page more of theirs can watch."""
        return self._pages.is_full or self._pages_of[officer] >= PAGES_EACH_MAX

    def refresh(self) -> None:
        """Look at every gate, and tell the pages if something has changed."""
        seen = tuple(
            Seen(one.id, one.snapshot, one.snapshot_age_s, one.age_s, one.trouble) for one in self._gates.values()
        )
        self._calls.look(seen, self.clock_s())
        self.known = Known(seen, self._calls.standing)
        now = (tuple((one.lane, one.trouble) for one in seen), self.known.calls)
        if now != self._shown:
            self._shown = now
            self._pages.send(self.known)

    def answer(self, gate: str, kind: str, officer: str) -> Call | None:
        """Somebody goes to an alarm. Returns it, or None when it does not stand."""
        call = self._calls.answer(gate, kind, officer)
        self.refresh()
        return call

    @contextlib.contextmanager
    def watch(self, officer: str) -> Iterator[Latest[Known]]:
        """A mailbox of one page of an officer's, which begins with what is known now. Raises FullError and EndedError."""
        if self._pages_of[officer] >= PAGES_EACH_MAX:
            raise FullError
        self._pages_of[officer] += 1
        try:
            with self._pages.join() as mailbox:
                mailbox.put(self.known)
                yield mailbox
        finally:
            self._pages_of -= Counter([officer])  # and none that is nought

    async def run(self) -> NoReturn:
        """Look again and again: silence is nobody's event. Ends every page's stream when it is cancelled."""
        try:
            while True:
                self.refresh()
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            self.close()

    def close(self) -> None:
        """End every page's stream."""
        self._pages.close()
