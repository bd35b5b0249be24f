"""Aligns the wake-ups of a program's loops, to save power: loops with the same period wake the processor once.

Beats are multiples of a period on the event loop's clock.
"""

from __future__ import annotations

import asyncio
import math
from typing import Final

_SAME: Final = 1e-6  # fraction of a period: tolerance for rounding


def loop_s() -> float:
    """Return the running loop's clock, in seconds."""
    return asyncio.get_running_loop().time()


def next_beat_s(now_s: float, every_s: float) -> float:
    """Return the first beat after `now_s`, in seconds of the same clock."""
    return (math.floor(now_s / every_s + _SAME) + 1) * every_s


def after_pause_s(now_s: float, every_s: float) -> float:
    """Return the last beat from a quarter of `every_s` to `every_s` after `now_s`; if there is none, a half beat."""
    until_s = now_s + every_s
    beat_s = _latest_beat_s(until_s, every_s)
    return beat_s if beat_s - now_s >= every_s / 4 else _latest_beat_s(until_s, every_s / 2)


def _latest_beat_s(until_s: float, every_s: float) -> float:
    return math.floor(until_s / every_s + _SAME) * every_s


async def beat(every_s: float) -> None:
    """Sleep until the next beat: `every_s` at most."""
    now_s = loop_s()
    await asyncio.sleep(next_beat_s(now_s, every_s) - now_s)
