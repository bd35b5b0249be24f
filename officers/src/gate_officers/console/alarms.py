"""What calls for somebody, who has said that they go, and when nobody has, or it stands all the same: then it is escalated.

No clock and no I/O. It stands until the lane says that it is over; that somebody goes changes nothing at the lane, where the order
`acknowledge` says that somebody has been there. Kept in memory, on purpose: after a new start of the console everything calls once more, for what stands
may be another alarm of the same kind, and a file would be a place in which to silence one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gate_core.evidence.crossing import Alarm, Notice

if TYPE_CHECKING:
    from gate_core.console_link import LaneEvent

ESCALATED_AFTER_S: Final = 30.0
AGAIN_AFTER_S: Final = 300.0  # whoever goes may be held up, or have pressed by mistake, or have left since

EMERGENCY: Final = "emergency"
NOBODY_PRESENT: Final = "nobody_present"
LOST: Final = "lost"

# Somebody may be held, or may be where nobody should be: these tiles stand first.
URGENT: Final = frozenset(
    {one.value for one in Alarm}
    | {
        EMERGENCY,
        Notice.PERSON_INSIDE.value,
        Notice.RELEASE_NOT_SHOWN.value,
        Notice.REVOKE_NOT_SHOWN.value,
        Notice.HELP_CALLED.value,
        Notice.FREEING_REFUSED.value,
        Notice.STATE_UNKNOWN.value,
    }
)
CALLING: Final = URGENT | {
    NOBODY_PRESENT,
    LOST,
    Notice.CABINET_OPEN.value,
    Notice.REFERRAL_WAITS.value,
    Notice.EXPIRED_KEY_USED.value,
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What the console knows of a gate now. `lane` is what it said `lane_age_s` ago, None while it is not there; then it was heard last
    `silent_s` ago, None for never, and `trouble` says what is wrong.
    """

    gate: str
    lane: LaneEvent | None
    lane_age_s: float = 0.0
    silent_s: float | None = None
    trouble: str = ""

    @property
    def lost(self) -> bool:
        """True when nothing is known of the lane: the gate is not there, or its own lane does not answer it."""
        return self.lane is None or self.lane.state is None


@dataclass(frozen=True, slots=True)
class Call:
    """One alarm that stands at a gate since `since_s`. `by` is who said that they go, and is going since `going_s`; `went` is who said so when it is not over."""

    gate: str
    kind: str
    since_s: float
    by: str | None = None
    escalated: bool = False
    going_s: float | None = None
    went: str | None = None

    def at(self, now_s: float) -> Call:
        """The same now: nobody answers, or whoever goes has not ended it."""
        if self.by is None:
            waits_too_long = not self.escalated and now_s - self.since_s >= ESCALATED_AFTER_S
            return replace(self, escalated=True) if waits_too_long else self
        if self.going_s is None:
            return replace(self, going_s=now_s)
        if now_s - self.going_s < AGAIN_AFTER_S:
            return self
        return replace(self, by=None, going_s=None, went=self.by, escalated=True)


def kinds(seen: Seen) -> tuple[str, ...]:
    """What calls for somebody at a gate, the most urgent first."""
    lane = seen.lane
    if lane is None or lane.state is None:
        return (LOST,)
    found = [EMERGENCY] if lane.state == EMERGENCY else []
    found += [one for one in (*lane.alarms, *lane.notices) if one in CALLING]
    if not lane.officers and lane.closed_by is None and lane.mode != "shadow":
        found.append(NOBODY_PRESENT)
    return tuple(sorted(dict.fromkeys(found), key=lambda kind: kind not in URGENT))


class Calls:
    """The alarms of all gates."""

    def __init__(self) -> None:
        self._standing: dict[tuple[str, str], Call] = {}

    def look(self, gates: Iterable[Seen], now_s: float) -> None:
        """Take in what stands now: what is new begins, what is gone is forgotten, what nobody has answered or ended is escalated.

        What was urgent at a gate that is lost stands on: nobody has said that it is over.
        """
        before = self._standing
        self._standing = {
            (seen.gate, kind): before.get((seen.gate, kind)) or Call(seen.gate, kind, now_s)
            for seen in gates
            for kind in (*(self._urgent(seen.gate) if seen.lost else ()), *kinds(seen))
        }
        self._standing = {key: call.at(now_s) for key, call in self._standing.items()}

    def _urgent(self, gate: str) -> tuple[str, ...]:
        return tuple(kind for at, kind in self._standing if at == gate and kind in URGENT)

    def answer(self, gate: str, kind: str, officer: str) -> Call | None:
        """Somebody says that they go. Whoever said it first stays; None for what does not stand."""
        call = self._standing.get((gate, kind))
        if call is not None and call.by is None:
            call = self._standing[gate, kind] = replace(call, by=officer, went=None)
        return call

    @property
    def standing(self) -> tuple[Call, ...]:
        """Every alarm that stands."""
        return tuple(self._standing.values())
