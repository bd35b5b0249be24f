"""Replays a trace: a profile's real driver gets the recorded calls, and the trace plays the board.

The driver must send exactly the recorded bytes, and every call must have the same outcome; the first difference ends
the replay and is reported with its line. For a loop whose clock jumps to the next timer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from drivers.barrier.profiles import LineProfile, line_barrier
from drivers.barrier.tracing.trace import TRACE_BYTES_MAX, Event, Kind, Outcome, Trace, carry_out, understood
from drivers.links import Link
from gate_core.errors import LinkLostError
from gate_core.ports.drivers import BarrierDriver
from gate_core.ports.memory_link import MemoryLink

Came = TypeVar("Came")
LATE_S = 2.0  # after the captured time, until what the driver does not do counts as not done


@dataclass(frozen=True, slots=True)
class Replayed:
    """Result of a replay. `deviation`: the first difference with its line, or empty; `outcomes`: those before it."""

    trace: Trace
    outcomes: tuple[Outcome, ...]
    health: Mapping[str, int]
    deviation: str


class _DeviationError(Exception):
    """The driver differs from the trace."""


class _Line(MemoryLink):
    """The driver's end of a link whose other end is the trace. `sent`: bytes that the driver wrote."""

    bytes_max = TRACE_BYTES_MAX

    def __init__(self, sent: asyncio.Queue[bytes]) -> None:
        super().__init__()
        self._sent = sent

    async def write(self, payload: bytes) -> None:
        if self._lost:
            raise LinkLostError(self._lost)
        self._sent.put_nowait(payload)

    def close(self) -> None:
        self.lose("closed")


class _Player:
    """One replay."""

    def __init__(self, trace: Trace, profile: LineProfile) -> None:
        self.outcomes: list[Outcome] = []
        self._trace = trace
        self._sent: asyncio.Queue[bytes] = asyncio.Queue()
        self._line = _Line(self._sent)
        self.at = self._called_at = 0
        head = trace.head
        self.barrier: BarrierDriver = line_barrier(
            profile, open_link=self._open, baud=head.baud, unit=head.unit, entry_is_left=head.entry_is_left
        )
        self._calling: asyncio.Task[Outcome] | None = None
        self._began_s = asyncio.get_running_loop().time()

    async def play(self) -> None:
        """Replay all of it. Raises _DeviationError."""
        try:
            for at, event in enumerate(self._trace.events):
                self.at = at
                await self._play(event, self._began_s + event.at_ms / 1000)
            self._require_nothing_sent()
        finally:
            if self._calling is not None:
                self._calling.cancel()
                await asyncio.wait([self._calling])
            self.barrier.close()

    async def _open(self) -> Link:
        """Open the line as recorded; the next event may be a failure to open."""
        after = (event for event in self._trace.events[self._called_at + 1 :] if event.kind is not Kind.REMARK)
        following = next(after, None)
        if following is not None and following.kind is Kind.LOST:
            raise LinkLostError(following.what)
        self._line = _Line(self._sent)
        return self._line

    async def _play(self, event: Event, due_s: float) -> None:
        match event.kind:
            case Kind.REMARK:
                return
            case Kind.TO_BOARD:
                sent = await _in_time(self._sent.get(), due_s, f"the driver does not send {event.what}")
                if sent != event.wire:
                    raise _DeviationError(f"the driver sends {_hex(sent)}; captured was {event.what}")
            case Kind.OUTCOME:
                if self._calling is None:
                    raise _DeviationError("an outcome without a call")
                calling, self._calling = self._calling, None
                outcome = await _in_time(calling, due_s, f"the call has no outcome; captured was: {event.what}")
                self._require_nothing_sent()
                self.outcomes.append(outcome)
                if outcome.spelt() != event.what:
                    raise _DeviationError(f"the outcome is: {outcome.spelt()}; captured was: {event.what}")
            case Kind.CALL | Kind.FROM_BOARD | Kind.LOST:
                await asyncio.sleep(max(0.0, due_s - asyncio.get_running_loop().time()))
                self._happen(event)

    def _happen(self, event: Event) -> None:
        if event.kind is Kind.FROM_BOARD:
            self._line.receive(event.wire)
        elif event.kind is Kind.LOST:
            self._line.lose(event.what)
        else:
            self._require_nothing_sent()
            if self._calling is not None:
                raise _DeviationError("a call before the outcome of the one above it")
            try:
                understood(event.what)
            except ValueError as error:
                raise _DeviationError(str(error)) from error
            self._called_at = self.at
            self._calling = asyncio.ensure_future(carry_out(self.barrier, event.what))

    def _require_nothing_sent(self) -> None:
        if not self._sent.empty():
            raise _DeviationError(f"the driver sends {_hex(self._sent.get_nowait())}, which was not captured")


async def _in_time(awaited: Awaitable[Came], due_s: float, otherwise: str) -> Came:
    try:
        async with asyncio.timeout_at(due_s + LATE_S):
            return await awaited
    except TimeoutError as error:
        raise _DeviationError(otherwise) from error


async def replay(trace: Trace, profile: LineProfile) -> Replayed:
    """Replay a trace. Raises SetupError if its protocol differs from the profile's, or the board cannot have this number."""
    player, deviation = _Player(trace, profile), ""
    try:
        await player.play()
    except _DeviationError as error:
        deviation = f"{trace.where(player.at)}: {error}"
    return Replayed(trace, tuple(player.outcomes), player.barrier.describe(), deviation)


def _hex(wire: bytes) -> str:
    return wire.hex(" ").upper()
