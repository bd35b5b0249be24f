"""Checks of both doors together against the ground truth: never both open, and no person locked in between. Pure.

Both doors may be open in an emergency and when an officer releases a person. A person between two closed doors gets the
way back at most WAY_BACK_MS_MAX after their crossing has ended, and a crossing ends within CROSSING_MS_MAX.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardware_sim.decision_log import FIRST, LAST, Entry, Finding, Wrong

if TYPE_CHECKING:
    from hardware_sim.truth import Happening

WAY_BACK_MS_MAX = 35_000  # half a minute of a referral, and the time until the leaf moves
CROSSING_MS_MAX = 75_000  # from the closing of the first door to the crossing's end


@dataclass(slots=True)
class Inside:
    """The people who are truly between the doors, and since when there are any."""

    people: dict[str, int] = field(default_factory=dict)

    def see(self, happening: Happening) -> None:
        """Process one happening."""
        who = happening.text("traveller")
        if happening.event == "hidden":
            self.people[who] = happening.world_ms
        elif happening.event == "passed":
            comes_in = (happening.door, happening.text("direction")) in {(FIRST, "entry"), (LAST, "exit")}
            if comes_in:
                self.people[who] = happening.world_ms
            else:
                self.people.pop(who, None)

    @property
    def since_ms(self) -> int | None:
        """Return the time since which people are there, in milliseconds; None when there are none."""
        return min(self.people.values(), default=None)


def judge_lane(
    truth: tuple[Happening, ...], log: tuple[Entry, ...], *, open_to_all_ms: list[tuple[int, float]]
) -> list[Finding]:
    """Return all findings on the whole lane. Both doors may be open in `open_to_all_ms`. The log uses the world's time."""
    watch = _Watch(_crossings(log), open_to_all_ms)
    for happening in truth:
        watch.see(happening)
    watch.finish()
    return watch.found


def _crossings(log: tuple[Entry, ...]) -> list[tuple[int, float]]:
    """Return start and end of each crossing in milliseconds; a crossing without an end in the log never ends."""
    ended = {entry.crossing: entry.at_ms for entry in reversed(log) if entry.kind == "closed"}
    return [(one.at_ms, ended.get(one.crossing, float("inf"))) for one in log if one.kind == "opened"]


@dataclass(slots=True)
class _Watch:
    crossings_ms: list[tuple[int, float]]
    open_to_all_ms: list[tuple[int, float]]
    found: list[Finding] = field(default_factory=list)
    _inside: Inside = field(default_factory=Inside)
    _open: set[str] = field(default_factory=set)
    _emergencies: set[str] = field(default_factory=set)
    _shut_in_ms: int | None = None
    _at_ms: int = 0
    _now_ms: int = 0

    def see(self, happening: Happening) -> None:
        self._at_ms, self._now_ms = happening.at_ms, happening.world_ms
        self._inside.see(happening)
        match happening.event:
            case "leaf_moved":
                self._open.add(happening.door)
                if happening.text("to") == "opening":
                    self._judge_both()
            case "leaf_at_rest" if happening.text("at") == "closed":
                self._open.discard(happening.door)
            case "emergency_began":
                self._emergencies.add(happening.door)
            case "emergency_ended":
                self._emergencies.discard(happening.door)
            case _:
                pass
        self._watch_shut_in()

    def finish(self) -> None:
        self._judge_shut_in()

    def _judge_both(self) -> None:
        freed = any(from_ms <= self._now_ms <= to_ms for from_ms, to_ms in self.open_to_all_ms)
        if len(self._open) > 1 and not self._emergencies and not freed:
            self.found.append(Finding(self._at_ms, Wrong.BOTH_OPEN, "both doors stood open, and nobody was freed"))

    def _watch_shut_in(self) -> None:
        if self._inside.people and not self._open:
            if self._shut_in_ms is None:
                self._shut_in_ms = self._now_ms
        else:
            self._judge_shut_in()
            self._shut_in_ms = None

    def _judge_shut_in(self) -> None:
        """Check how long people stood between closed doors, during a crossing and after it."""
        if self._shut_in_ms is None:
            return
        begun = [(from_ms, to_ms) for from_ms, to_ms in self.crossings_ms if from_ms <= self._now_ms]
        served_until_ms = min(max((to_ms for _, to_ms in begun), default=0), self._now_ms)
        after_ms = self._now_ms - max(self._shut_in_ms, served_until_ms)
        during_ms = max(0, served_until_ms - self._shut_in_ms)
        if after_ms > WAY_BACK_MS_MAX or during_ms > CROSSING_MS_MAX:
            why = f"somebody stood between closed doors for {during_ms:.0f} ms of a crossing, and {after_ms:.0f} ms after it"
            self.found.append(Finding(self._at_ms, Wrong.LOCKED_IN, why))
