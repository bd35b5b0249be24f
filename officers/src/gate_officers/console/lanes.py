"""The current state of every lane, sent to every page that watches.

A page gets the newest state when a gate sends an event, is lost or returns, and when an alarm changes. Gates and clock
are arguments; the program runs the connections.
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
PAGES_EACH_MAX: Final = 8  # per officer, over all certificates, so that one cannot use up PAGES_MAX
LOOK_EVERY_S: Final = 0.25  # must be well below the two seconds in which an outage must show


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A gate gave no answer; `problem` is the reason. `maybe_done`: it may have carried out the order."""

    problem: str
    maybe_done: bool = False


class Gate(Protocol):
    """Connection to a gate (`gate_officers.console.gates`). Its methods raise no exceptions for faults of the gate."""

    id: str
    snapshot: LaneEvent | None  # the lane's last event; None while the gate is lost
    trouble: str  # the connection's fault, for people; empty if none

    @property
    def snapshot_age_s(self) -> float:
        """Seconds since the snapshot was received; 0 without one."""
        ...

    @property
    def age_s(self) -> float | None:
        """Seconds since the last event of the gate; None before the first."""
        ...

    async def look(self) -> Challenge | Unanswered:
        """Request a challenge for an order to this gate."""
        ...

    async def order(self, order: bytes) -> Answer | Unanswered:
        """Send a signed order and return the lane's answer."""
        ...


@dataclass(frozen=True, slots=True)
class Known:
    """The state of all lanes and alarms at one time."""

    gates: tuple[Seen, ...]
    calls: tuple[Call, ...]

    def gate(self, name: str) -> Seen | None:
        """Return the state of one gate, or None."""
        return next((one for one in self.gates if one.gate == name), None)


class Lanes:
    """Keeps the current state and sends changes to the pages. `clock_s` is monotonic."""

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
        """Return the gate with this id, or None."""
        return self._gates.get(name)

    def is_full_for(self, officer: str) -> bool:
        """True if no further page of this officer can watch."""
        return self._pages.is_full or self._pages_of[officer] >= PAGES_EACH_MAX

    def refresh(self) -> None:
        """Read the state of every gate, and send it to the pages if it changed."""
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
        """Record that `officer` responds to an alarm. Returns the alarm, or None if there is none."""
        call = self._calls.answer(gate, kind, officer)
        self.refresh()
        return call

    @contextlib.contextmanager
    def watch(self, officer: str) -> Iterator[Latest[Known]]:
        """Provide one page's mailbox, which starts with the current state. Raises FullError and EndedError."""
        if self._pages_of[officer] >= PAGES_EACH_MAX:
            raise FullError
        self._pages_of[officer] += 1
        try:
            with self._pages.join() as mailbox:
                mailbox.put(self.known)
                yield mailbox
        finally:
            self._pages_of -= Counter([officer])  # subtracting a Counter also removes zero counts

    async def run(self) -> NoReturn:
        """Refresh every LOOK_EVERY_S, since a silent gate sends no event. Ends all pages' streams when cancelled."""
        try:
            while True:
                self.refresh()
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            self.close()

    def close(self) -> None:
        """End every page's stream."""
        self._pages.close()
