"""A technician brings a board up while its trace is recorded: status is asked for at the lane's pace, and orders are typed in between.

One call at a time, so that a trace replays. A lost line is opened anew, for as long as the technician likes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from drivers.barrier.port import BarrierDriver
from drivers.barrier.tracing.calls import WORDS, Outcome
from drivers.barrier.tracing.recorder import Recorder
from gate_core.errors import LinkLostError, NotWellError

RECONNECT_S = 0.5
HELP = f"{', '.join(WORDS)}, note TEXT, end; a grant may leave its milliseconds out"
_END = "end"


async def bring_up(
    barrier: BarrierDriver,
    recorder: Recorder,
    orders: asyncio.Queue[str],
    *,
    poll_s: float,
    grant_ms: int,
    say: Callable[[str], None],
) -> list[Outcome]:
    """Record until `end`, or until a trace can hold no more; what came of every call. Raises OSError when it cannot be written."""
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
    """A grant with its time to live; everything else as it is."""
    words = typed.split()
    return " ".join([*words, str(grant_ms)]) if words[0] == "grant" and len(words) == 2 else typed
