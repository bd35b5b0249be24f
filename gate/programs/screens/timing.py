"""How long the screens program waits for its sources, its visitors and its own page, in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """`page_…` are about the proof that our own page is shown."""

    lane_pulse_s: float = 1.0  # the lane speaks only when its view changes, so it is asked for a sign of life
    lane_silence_s: float = 3.0
    request_s: float = 5.0  # how long a connection may take to ask for something
    page_every_s: float = 2.0
    page_fetch_s: float = 1.5
    page_able_max_s: float = 8.0
    page_alive_max_s: float = 20.0
