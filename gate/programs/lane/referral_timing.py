"""When page and lamp say that an officer comes: after the same time for every cause of a referral (safety invariant 13).

Whatever becomes of a crossing, the page first says one moment: at the decision, or in the place of the screen that a referral ends. From then on
the officer's screen comes after `REFERRAL_MS`, or on the next multiple of `GRID_MS` where the lane itself took longer. `REFERRAL_MS` is more than everything
between a decision and its referral may take (`Timing.receipt_max_ms` and `look_max_ms`), so what hindered the crossing shows in no time.

Nothing else waits: a grant and the way out are shown at once, and "walk through" goes at once when the grant is taken back. Officers are told
of a referral when it begins (`gate.programs.lane.officers`), and the records say so.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Final

import msgspec

from gate.channel.messages import View
from gate_core.evidence.screen import Guidance, Screen

REFERRAL_MS: Final = 2_500
GRID_MS: Final = 500
_REFERRALS: Final = frozenset({Screen.OFFICER, Screen.OTHER_LANE})


class Paced:
    """Passes views on to `show`. For one event loop; `clock_ms` is its clock."""

    def __init__(self, show: Callable[[View], None], *, clock_ms: Callable[[], float]) -> None:
        self._pass_on = show
        self._clock_ms = clock_ms
        self._shown: Screen | None = None
        self._waits_since_ms = 0.0
        self._due: asyncio.TimerHandle | None = None

    def show(self, view: View) -> None:
        """Show it now, or in its time. The first view of a program and one that changes no referral's screen is shown as it is."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        if view.screen not in _REFERRALS or self._shown is None or self._shown in _REFERRALS:
            self._show(view)
            return
        self._show(msgspec.structs.replace(view, screen=Screen.WAIT, guidance=Guidance.NONE))
        lasts_ms = self._clock_ms() - self._waits_since_ms
        left_ms = max(REFERRAL_MS, math.ceil(lasts_ms / GRID_MS) * GRID_MS) - lasts_ms
        self._due = asyncio.get_running_loop().call_later(left_ms / 1000, self._show, view)

    def _show(self, view: View) -> None:
        if view.screen is Screen.WAIT and self._shown is not Screen.WAIT:
            self._waits_since_ms = self._clock_ms()
        self._shown = view.screen
        self._pass_on(view)
