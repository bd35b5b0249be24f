"""Replays a trace: the real driver of a profile is told what it was told then, and the trace plays the board.

The driver must send exactly the bytes that were captured, in their order, and every call must have the same outcome: then its
profile understands the board as it did when it was captured. The first difference ends the replay and is said with its line. For a loop whose clock
jumps to the next timer (real time would do, and take as long as the capture); a trace whose lines are changed by hand replays as changed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from drivers.barrier.port import BarrierDriver
from drivers.barrier.profiles import LineProfile, line_barrier
from drivers.barrier.tracing.trace import TRACE_BYTES_MAX, Event, Kind, Outcome, Trace, carry_out, understood
from drivers.links import Link, MemoryLink
from gate_core.errors import LinkLostError

LATE_S = 2.0  # after the captured time, until what the driver does not do counts as not done


@dataclass(frozen=True, slots=True)
class Replayed:
    """How it went. `deviation`: the first difference, with its line, or nothing; `outcomes` are those up to it."""

    trace: Trace
    outcomes: tuple[Outcome, ...]
    health: Mapping[str, int]
    deviation: str


class _DeviationError(Exception):
    """The driver does something else than what was captured."""


class _Line(MemoryLink):
    """The board's side of the link is the trace, which hears what the driver's side writes in `sent`."""

    bytes_max = TRACE_BYTES_MAX

    def __init__(self, sent: asyncio.Queue[bytes]) -> None:
        super().__init__()
        self._sent = sent

    async def write(self, payload: bytes) -> None:
        """Send bytes to the trace. Raises LinkLostError."""
        if self._lost:
            raise LinkLostError(self._lost)
        self._sent.put_nowait(payload)

    def close(self) -> None:
        """End the link."""
        self.lose("closed")


class _Player:
    """One replay."""

    def __init__(self, trace: Trace, profile: LineProfile) -> None:
        self.outcomes: list[Outcome] = []
        self._trace = trace
        self._sent: asyncio.Queue[bytes] = asyncio.Queue()
        self._line = _Line(self._sent)
        self._at = self._called_at = 0
        head = trace.head
        self.barrier: BarrierDriver = line_barrier(
            profile, open_link=self._open, baud=head.baud, unit=head.unit, entry_is_left=head.entry_is_left
        )
        self._calling: asyncio.Task[Outcome] | None = None
        self._began_s = asyncio.get_running_loop().time()

    async def play(self) -> None:
        """Play all of it. Raises _DeviationError."""
        try:
            for at, event in enumerate(self._trace.events):
                self._at = at
                await self._play(event)
            self._require_nothing_sent()
        finally:
            if self._calling is not None:
                self._calling.cancel()
                await asyncio.wait([self._calling])
            self.barrier.close()

    async def _open(self) -> Link:
        """What opens the line: the next event may be that it does not open."""
        after = (event for event in self._trace.events[self._called_at + 1 :] if event.kind is not Kind.REMARK)
        following = next(after, None)
        if following is not None and following.kind is Kind.LOST:
            raise LinkLostError(following.what)
        self._line = _Line(self._sent)
        return self._line

    async def _play(self, event: Event) -> None:
        match event.kind:
            case Kind.REMARK:
                return
            case Kind.TO_BOARD:
                await self._heard(event)
            case Kind.OUTCOME:
                await self._answered(event)
            case Kind.CALL:
                await self._until(event)
                self._call(event.what)
            case Kind.FROM_BOARD:
                await self._until(event)
                self._line.receive(event.wire)
            case Kind.LOST:
                await self._until(event)
                self._line.lose(event.what)

    def _call(self, words: str) -> None:
        self._require_nothing_sent()
        if self._calling is not None:
            raise _DeviationError("a call before the outcome of the one above it")
        try:
            understood(words)
        except ValueError as error:
            raise _DeviationError(str(error)) from error
        self._called_at = self._at
        self._calling = asyncio.ensure_future(carry_out(self.barrier, words))

    async def _heard(self, event: Event) -> None:
        try:
            async with asyncio.timeout_at(self._due_s(event) + LATE_S):
                sent = await self._sent.get()
        except TimeoutError as error:
            raise _DeviationError(f"the driver does not send {event.what}") from error
        if sent != event.wire:
            raise _DeviationError(f"the driver sends {_hex(sent)}; captured was {event.what}")

    async def _answered(self, event: Event) -> None:
        if self._calling is None:
            raise _DeviationError("an outcome without a call")
        calling, self._calling = self._calling, None
        try:
            async with asyncio.timeout_at(self._due_s(event) + LATE_S):
                outcome = await calling
        except TimeoutError as error:
            raise _DeviationError(f"the call has no outcome; captured was: {event.what}") from error
        self._require_nothing_sent()
        self.outcomes.append(outcome)
        if outcome.spelt() != event.what:
            raise _DeviationError(f"the outcome is: {outcome.spelt()}; captured was: {event.what}")

    def _require_nothing_sent(self) -> None:
        if not self._sent.empty():
            raise _DeviationError(f"the driver sends {_hex(self._sent.get_nowait())}, which was not captured")

    async def _until(self, event: Event) -> None:
        await asyncio.sleep(max(0.0, self._due_s(event) - asyncio.get_running_loop().time()))

    def _due_s(self, event: Event) -> float:
        return self._began_s + event.at_ms / 1000

    @property
    def where(self) -> str:
        """File and line of the event that is played."""
        return self._trace.where(self._at)


async def replay(trace: Trace, profile: LineProfile) -> Replayed:
    """Replay a trace. Raises SetupError when it is of another protocol than the profile, or the board can have no such number."""
    player, deviation = _Player(trace, profile), ""
    try:
        await player.play()
    except _DeviationError as error:
        deviation = f"{player.where}: {error}"
    with contextlib.suppress(LinkLostError):
        player.barrier.close()
    return Replayed(trace, tuple(player.outcomes), player.barrier.describe(), deviation)


def _hex(wire: bytes) -> str:
    return wire.hex(" ").upper()
