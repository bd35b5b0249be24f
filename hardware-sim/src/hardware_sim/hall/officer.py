"""The officer at the lane: says that they are there, and settles what the lane cannot: referrals, alarms, emergencies, people inside."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from hardware_sim.hall.lane import Desk, Word
from hardware_sim.hall.plan import VALID

if TYPE_CHECKING:
    from hardware_sim.hall.scene import Scene

LOOKS_S = 0.5
PRESENT_EVERY_S = 8.0
AGAIN_S = 2.0  # before an order is given again
DECIDES_S = 1.0  # from the referral on
ADMITS_MAX = 3  # tries; then the traveller is taken along


class Officer:
    """One officer."""

    def __init__(self, scene: Scene) -> None:
        self.referred: set[str] = set()
        self._scene = scene
        scene.heard = self.answered
        self._seen_s: dict[str, float] = {}
        self._tries: dict[str, int] = {}
        self._admits = ""
        self._given_s: dict[Word, float] = {}

    async def serve(self) -> None:
        """Look and act. For ever."""
        while True:
            await asyncio.sleep(LOOKS_S)
            desk = self._scene.lane.desk()
            self._say_present()
            self._settle_referrals(desk)
            if desk.emergency and not self._scene.board.controller.fire:
                self._order_again(Word.END_EMERGENCY)
            elif desk.alarmed:
                self._order_again(Word.ACKNOWLEDGE)
            if "person_inside" in desk.notices:
                self._scene.order(Word.FREE)
            if desk.closed:
                self._order_again(Word.OPEN)

    def answered(self, word: Word, outcome: str) -> None:
        """What was answered to an order: what is on its way, somebody must come to see."""
        if outcome != "ordered":
            if word is Word.ADMIT:
                self._scene.judge.by_officer.discard(self._admits)
            return
        if word is Word.FREE:
            self._scene.judge.ordered("release")
        elif word is Word.END_EMERGENCY and self._scene.board.controller.emergency:
            self._scene.judge.ordered("end_emergency")

    def rest(self) -> None:
        """A crossing is over."""
        self.referred.clear()
        self._seen_s.clear()
        self._tries.clear()

    def _say_present(self) -> None:
        if not self._scene.forgets and self._scene.clock() - self._scene.judge.present_s >= PRESENT_EVERY_S:
            self._scene.order(Word.PRESENT)

    def _order_again(self, word: Word) -> None:
        now_s = self._scene.clock()
        if now_s - self._given_s.get(word, -math.inf) >= AGAIN_S:
            self._given_s[word] = now_s
            self._scene.order(word)

    def _settle_referrals(self, desk: Desk) -> None:
        now_s = self._scene.clock()
        for name in desk.waiting:
            self.referred.add(name)
            if (
                self._scene.forgets
                or now_s - self._seen_s.setdefault(name, now_s) < DECIDES_S
                or self._scene.served_now(name)
            ):
                continue
            self._seen_s[name] = now_s
            self._settle(name)

    def _settle(self, name: str) -> None:
        scene, tries = self._scene, self._tries.get(name, 0)
        crossing = scene.crossing
        stands_here = scene.standing == name and name not in scene.judge.through
        if crossing is None or not stands_here or crossing.intention not in VALID:
            self._scene.order(Word.SEND_BACK, name)
        elif tries < ADMITS_MAX and crossing.drawn < 0.5:
            self._tries[name] = tries + 1
            self._admits = name
            scene.judge.by_officer.add(name)
            self._scene.order(Word.ADMIT, name)
        else:
            self._scene.order(Word.TAKE_OVER, name)
