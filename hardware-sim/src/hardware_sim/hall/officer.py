"""The officer at the lane: reports presence, and handles referrals, alarms, emergencies and people inside."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from hardware_sim.hall.lane import LaneReport, Word
from hardware_sim.hall.plan import VALID

if TYPE_CHECKING:
    from hardware_sim.hall.scene import Scene

LOOKS_S = 0.5
PRESENT_EVERY_S = 8.0
AGAIN_S = 2.0  # before an order is repeated
DECIDES_S = 1.0  # from the referral on
ADMITS_MAX = 3  # attempts; then the officer takes the traveller along
ADMITTED_SHARE = 0.5  # share of those who may pass


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
        """Look and act, without end."""
        while True:
            await asyncio.sleep(LOOKS_S)
            report = self._scene.lane.report()
            self._say_present()
            self._settle_referrals(report)
            if self._may_end_emergency(report):
                self._order_again(Word.END_EMERGENCY)
            elif report.alarmed:
                self._order_again(Word.ACKNOWLEDGE)
            self._look_after(report)
            if report.closed:
                self._order_again(Word.OPEN)

    def answered(self, word: Word, outcome: str) -> None:
        """Note the answer to an order: an order that was sent must arrive."""
        if outcome != "ordered":
            if word is Word.ADMIT:
                self._take_word_back(self._admits)
            return
        judge, boards = self._scene.judge, self._scene.boards
        if word is Word.FREE:
            judge.ordered("release", next(iter(boards)))  # towards the hall
        elif word is Word.END_EMERGENCY:
            for door, board in boards.items():
                if board.controller.emergency:
                    judge.ordered("end_emergency", door)

    def _take_word_back(self, name: str) -> None:
        """Withdraw an admission that the lane could not carry out."""
        self._scene.judge.by_officer.discard(name)

    def rest(self) -> None:
        """Forget the referrals of the finished crossing."""
        self.referred.clear()
        self._seen_s.clear()
        self._tries.clear()

    def _may_end_emergency(self, report: LaneReport) -> bool:
        return report.emergency and not self._scene.any_fire

    def _look_after(self, report: LaneReport) -> None:
        """Release a person who is inside."""
        if "person_inside" in report.notices:
            self._scene.order(Word.FREE)

    def _say_present(self) -> None:
        if not self._scene.forgets and self._scene.clock() - self._scene.judge.present_s >= PRESENT_EVERY_S:
            self._scene.order(Word.PRESENT)

    def _order_again(self, word: Word) -> None:
        now_s = self._scene.clock()
        if now_s - self._given_s.get(word, -math.inf) >= AGAIN_S:
            self._given_s[word] = now_s
            self._scene.order(word)

    def _settle_referrals(self, report: LaneReport) -> None:
        now_s = self._scene.clock()
        for name in report.waiting:
            self.referred.add(name)
            if (
                self._scene.forgets
                or now_s - self._seen_s.setdefault(name, now_s) < self._decides_s
                or self._scene.served_now(name)
            ):
                continue
            self._seen_s[name] = now_s
            self._settle(name)

    @property
    def _decides_s(self) -> float:
        """Return the time from a referral to the decision, in seconds."""
        return DECIDES_S

    def _settle(self, name: str) -> None:
        scene, tries = self._scene, self._tries.get(name, 0)
        crossing = scene.crossing
        stands_here = scene.standing == name and name not in scene.judge.through
        if crossing is None or not stands_here or crossing.intention not in VALID:
            self._scene.order(Word.SEND_BACK, name)
        elif tries < ADMITS_MAX and crossing.drawn < ADMITTED_SHARE:
            self._tries[name] = tries + 1
            self._admits = name
            scene.judge.by_officer.add(name)
            self._scene.order(Word.ADMIT, name)
        else:
            self._scene.order(Word.TAKE_OVER, name)
