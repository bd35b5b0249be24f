"""Whether the traveller's page is painted, by what screens says of it: once a second, and at once when a page paints again.

Outside a demo nobody is invited before a page has painted, also when the lane starts anew; that none came is told as a loss after `DUE_S`, which a
machine has from its start to its display. A page that paints again is believed at once. One that is missed a second time within `STEADY_S` must first
paint without a break, for longer each time: a page that fails on the screen of an open lane paints that of a closed one, and would have the lane open
and close for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from gate.programs.shared.config import Config
from gate_core.evidence.screen import Purpose
from gate_core.programs.reconnect import Backoff

SILENCE_S: Final = 3.0  # screens speaks once a second
DUE_S: Final = 60.0
STEADY_S: Final = 120.0
PROOF_MIN_S, PROOF_MAX_S = 10.0, 600.0


def is_due(config: Config) -> bool:
    """True when travellers need the page: a demo's browser may be elsewhere, and a gate that only watches tells them nothing."""
    return config.purpose != Purpose.DEMO and config.mode == "gate"


class Painted:
    """`tell` hears False when the page is missed, and True when it is there again. A page that is `due` is missed from the start."""

    def __init__(self, tell: Callable[[bool], None], *, due: bool, silence_s: float = SILENCE_S) -> None:
        self._tell = tell
        self._silence_s = silence_s
        self._silence: asyncio.TimerHandle | None = None
        self._missed = self._awaited = due
        self._since_s: float | None = None  # painted without a break
        self._back_s = float("-inf")
        self._proof_s = 0.0  # for so long it must have painted before it is believed
        self._proofs = Backoff(PROOF_MIN_S, PROOF_MAX_S)

    async def run(self) -> None:
        """Tell of a page that does not come; ends when it is time."""
        if self._awaited:
            await asyncio.sleep(DUE_S)
        if self._awaited:
            self._tell(False)

    def hear(self, painted: bool | None) -> None:  # noqa: FBT001 - what screens says is one word
        """What screens says; None: there is none to miss. Silence after a page that painted says that it is gone: screens hangs, or has ended."""
        loop = asyncio.get_running_loop()
        if self._silence is not None:
            self._silence.cancel()
        self._silence = loop.call_later(self._silence_s, self.hear, False) if painted else None
        if not painted:
            self._since_s = None
        elif self._since_s is None:
            self._since_s = loop.time()
        proven = self._since_s is not None and loop.time() - self._since_s >= self._proof_s
        missed = painted is False or (self._missed and painted is True and not proven)
        if missed is not self._missed:
            self._missed = missed
            self._turn(loop.time())
            self._tell(not missed)

    def _turn(self, now_s: float) -> None:
        """It is missed now, or is there again."""
        if not self._missed:
            self._back_s = self._back_s if self._awaited else now_s  # that it came at all is no return
            self._awaited = False
        elif now_s - self._back_s < STEADY_S:
            self._proof_s = self._proofs.next_s()
        else:
            self._proof_s = 0.0
            self._proofs.reset()
