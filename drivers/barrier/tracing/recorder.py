"""Records the traffic on a board's line while a technician brings the board up: one call at a time, so that the trace can be replayed.

The trace has every byte that the driver received before the next event, except bytes that it dropped unread. A line that cannot be
written ends the recording with OSError.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Protocol

from drivers.barrier.tracing.trace import (
    BYTES_A_LINE_MAX,
    EVENTS_MAX,
    WORDS,
    Event,
    Kind,
    Outcome,
    carry_out,
    one_line,
    understood,
)
from drivers.links import Link
from gate_core.errors import LinkLostError, NotWellError
from gate_core.ports.drivers import BarrierDriver

OpenLink = Callable[[], Awaitable[Link]]
# bytes that come nearer to one another are one line: less than the silence that ends a frame at 9600 baud
APART_MS = 3.0
RECONNECT_S = 0.5
HELP = f"{', '.join(WORDS)}, note TEXT, end; a grant may leave its milliseconds out"
_END = "end"


class Lines(Protocol):
    """The output of a trace."""

    def write(self, text: str, /) -> object:
        """Write a whole line. Raises OSError."""


class Recorder:
    """One trace, from now on. For one event loop; one call at a time."""

    def __init__(self, out: Lines) -> None:
        self._out = out
        self._began_s: float | None = None
        self._events = 0
        self._heard: Event | None = None  # a line that may still grow
        self._heard_at_ms = 0.0

    @property
    def is_full(self) -> bool:
        """True if the trace has reached its limit and must be ended."""
        return self._events >= EVENTS_MAX - 100

    def tapped(self, open_link: OpenLink) -> OpenLink:
        """Return the same line, with recording."""

        async def open_tapped() -> Link:
            with self.noting_loss():
                return _Tap(await open_link(), self)

        return open_tapped

    async def call(self, barrier: BarrierDriver, words: str) -> Outcome:
        """Carry out a driver's call and record its outcome. Raises ValueError for words that are no call."""
        understood(words)
        self.note(Kind.CALL, words)
        outcome = await carry_out(barrier, words)
        self.note(Kind.OUTCOME, outcome.spelt())
        return outcome

    def remark(self, text: str) -> None:
        """Record a person's remark."""
        self._write(Event(self._now_ms(), Kind.REMARK, note=one_line(text)))

    def note(self, kind: Kind, what: str) -> None:
        """Record one event."""
        self._write(Event(self._now_ms(), kind, one_line(what)))

    @contextlib.contextmanager
    def noting_loss(self) -> Iterator[None]:
        """Record the loss of the line, if it is lost in the block."""
        try:
            yield
        except LinkLostError as error:
            self.note(Kind.LOST, str(error))
            raise

    def heard(self, received: bytes) -> None:
        """Record bytes from the board, with the time of the last of them: no driver acts on a frame before that."""
        now_ms, before = self._now_ms(), self._heard
        line = received.hex(" ").upper()
        if before is not None and now_ms - self._heard_at_ms <= APART_MS and len(before.what) < BYTES_A_LINE_MAX:
            self._heard = replace(before, at_ms=now_ms, what=f"{before.what} {line}")
        else:
            self._flush()
            self._heard = Event(now_ms, Kind.FROM_BOARD, line)
        self._heard_at_ms = now_ms

    def sent(self, payload: bytes) -> None:
        """Record bytes to the board."""
        self._write(Event(self._now_ms(), Kind.TO_BOARD, payload.hex(" ").upper()))

    def _write(self, event: Event) -> None:
        self._flush()
        self._events += 1
        self._out.write(event.spelt() + "\n")

    def _flush(self) -> None:
        if self._heard is not None:
            self._events += 1
            self._out.write(self._heard.spelt() + "\n")
            self._heard = None

    def _now_ms(self) -> float:
        now_s = asyncio.get_running_loop().time()
        if self._began_s is None:
            self._began_s = now_s
        return (now_s - self._began_s) * 1000


class _Tap:
    """A link that records every byte, also those that the driver drops unread, because it learns of them. Fills `Link`."""

    def __init__(self, inner: Link, recorder: Recorder) -> None:
        self._inner = inner
        self._recorder = recorder

    async def read(self, bytes_max: int) -> bytes:
        with self._recorder.noting_loss():
            received = await self._inner.read(bytes_max)
        self._recorder.heard(received)
        return received

    async def write(self, payload: bytes) -> None:
        self._recorder.sent(payload)
        with self._recorder.noting_loss():
            await self._inner.write(payload)

    def discard(self) -> bytes:
        dropped = self._inner.discard()
        if dropped:
            self._recorder.heard(dropped)
        return dropped

    def close(self) -> None:
        self._inner.close()


async def bring_up(
    barrier: BarrierDriver,
    recorder: Recorder,
    orders: asyncio.Queue[str],
    *,
    poll_s: float,
    grant_ms: int,
    say: Callable[[str], None],
) -> list[Outcome]:
    """Record until `end`, or until the trace is full; return the outcome of every call. Raises OSError if it cannot be written."""
    outcomes: list[Outcome] = []
    said = ""

    async def call(words: str) -> Outcome:
        nonlocal said
        outcome = await recorder.call(barrier, words)
        outcomes.append(outcome)
        if outcome.spelt() != said or words not in {"status", "connect"}:
            said = outcome.spelt()
            say(f"{words}: {said}")
        return outcome

    try:
        is_lost = _is_lost(await call("connect"))
        while not recorder.is_full:
            is_lost = _is_lost(await call("connect" if is_lost else "status"))
            try:
                async with asyncio.timeout(RECONNECT_S if is_lost else poll_s):
                    typed = (await orders.get()).strip()
            except TimeoutError:
                continue
            if typed == _END:
                return outcomes
            if typed.startswith("note "):
                recorder.remark(typed.removeprefix("note "))
            elif typed:
                try:
                    is_lost = _is_lost(await call(_with_time(typed, grant_ms))) or is_lost
                except ValueError as error:
                    say(str(error))
        say("the trace can hold no more")
    finally:
        barrier.close()
    return outcomes


def _is_lost(outcome: Outcome) -> bool:
    return isinstance(outcome.error, LinkLostError | NotWellError) or (
        outcome.call == "connect" and outcome.error is not None
    )


def _with_time(typed: str, grant_ms: int) -> str:
    """Add the time to live to a grant; return other calls unchanged."""
    words = typed.split()
    return " ".join([*words, str(grant_ms)]) if words[0] == "grant" and len(words) == 2 else typed
