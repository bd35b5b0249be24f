"""The officer of a lane of two doors: looks between them before letting anybody out, carries out what lies there, answers calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardware_sim.hall.lane import EMERGENCY, Desk, Word
from hardware_sim.hall.officer import ADMITS_MAX, ADMITTED_SHARE, DECIDES_S, Officer
from hardware_sim.hall.plan import VALID

if TYPE_CHECKING:
    from hardware_sim.hall.two_doors.scene import TwoDoorScene

SLOW_EVERY = 8  # in one crossing of so many the officer is busy elsewhere while somebody waits inside
SLOW_S = 36.0  # longer than whoever waits inside has to wait for the way back
TAKES_S = 5.0  # until a bag is carried out
EVACUATES_S = 6.0  # until everybody is out


class TwoDoorOfficer(Officer):
    """One officer."""

    def __init__(self, scene: TwoDoorScene) -> None:
        super().__init__(scene)
        self._hall = scene
        self._evacuated_s = 0.0

    def answered(self, word: Word, outcome: str) -> None:
        """What was answered to an order."""
        super().answered(word, outcome)
        judge = self._hall.judge
        match word:
            case Word.SEND_BACK | Word.TAKE_OVER | Word.PAUSE if outcome == "done":
                judge.sent_back()
            case _ if outcome != "ordered":
                pass
            case Word.ACKNOWLEDGE:
                judge.calls = False
            case Word.FREE:
                judge.freed()
            case Word.EVACUATE:
                judge.evacuating, self._evacuated_s = True, self._hall.clock()
            case Word.END_EMERGENCY:
                judge.evacuating = False
            case _:
                pass

    def _may_end_emergency(self, desk: Desk) -> bool:
        is_one = desk.emergency or self._hall.screen == EMERGENCY
        is_over = self._hall.clock() - self._evacuated_s > EVACUATES_S
        return is_one and is_over and not self._hall.any_fire

    def _look_after(self, desk: Desk) -> None:
        """Whoever calls is asked what they need, and a bag that nobody is there with is taken away."""
        if "help_called" in desk.notices and not self._hall.between.inside:
            self._order_again(Word.ACKNOWLEDGE)
        since_ms = self._hall.between.bag_since_ms
        if "left_object" in desk.notices and since_ms is not None and self._hall.clock() - since_ms / 1000 > TAKES_S:
            self._hall.between.take()

    def _take_word_back(self, name: str) -> None:
        super()._take_word_back(name)
        self._hall.judge.let_in.discard(name)

    @property
    def _decides_s(self) -> float:
        crossing = self._hall.crossing
        is_slow = crossing is not None and crossing.number % SLOW_EVERY == 0 and bool(self._hall.between.inside)
        return SLOW_S if is_slow else DECIDES_S

    def _settle(self, name: str) -> None:
        """Let nobody out but the one whom they see alone between the doors, and nobody in while somebody is there."""
        hall, tries = self._hall, self._tries.get(name, 0)
        crossing, inside = hall.crossing, hall.between.inside
        is_theirs = crossing is not None and crossing.intention in VALID and crossing.drawn < ADMITTED_SHARE
        is_here = inside == (name,) or (not inside and hall.standing == name and name not in hall.judge.through)
        if not (is_theirs and is_here and tries < ADMITS_MAX):
            hall.order(Word.SEND_BACK if inside else Word.TAKE_OVER, name)
            return
        self._tries[name] = tries + 1
        self._admits = name
        (hall.judge.by_officer if inside else hall.judge.let_in).add(name)
        hall.order(Word.ADMIT, name)
