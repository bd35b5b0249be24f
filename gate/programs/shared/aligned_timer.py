"""Common beats for the loops of a program, multiples of a period on the loop's clock, so that they wake the processor together."""

from __future__ import annotations

import asyncio
import math
from typing import Final

_SAME: Final = 1e-6  # of a period: what a sum of floats may miss a beat by


def loop_s() -> float:
    """What the running loop's clock shows, in seconds."""
    return asyncio.get_running_loop().time()


def next_beat_s(now_s: float, every_s: float) -> float:
    """The first beat after now, in seconds of the same clock."""
    return (math.floor(now_s / every_s + _SAME) + 1) * every_s


def after_pause_s(now_s: float, every_s: float) -> float:
    """The beat after a pause of `every_s` at most, and of a quarter of it at least; a half beat where there is none."""
    until_s = now_s + every_s
    beat_s = _latest_beat_s(until_s, every_s)
    return beat_s if beat_s - now_s >= every_s / 4 else _latest_beat_s(until_s, every_s / 2)


def _latest_beat_s(until_s: float, every_s: float) -> float:
    return math.floor(until_s / every_s + _SAME) * every_s


async def beat(every_s: float) -> None:
    """Sleep until the next beat: `every_s` at most."""
    now_s = loop_s()
    await asyncio.sleep(next_beat_s(now_s, every_s) - now_s)
