"""The gates' alarms, the officer who responds to each, and their escalation. No clock and no I/O.

An alarm lasts until the lane reports its end. A response is shown on the pages and does not change the lane; the order
`acknowledge` does. An alarm is escalated when it has no response for ESCALATED_AFTER_S, or lasts AGAIN_AFTER_S after
one. Responses are kept in memory on purpose: after a restart every alarm calls again, since it may be a new one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gate_core.evidence.crossing import Alarm, Notice

if TYPE_CHECKING:
    from gate_core.console_link import LaneEvent

ESCALATED_AFTER_S: Final = 30.0
AGAIN_AFTER_S: Final = 300.0  # the responding officer may be delayed, have pressed by mistake, or have left

EMERGENCY: Final = "emergency"
NOBODY_PRESENT: Final = "nobody_present"
LOST: Final = "lost"

# A person may be trapped or in a place that must be empty: these tiles come first.
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
    """State of a gate. `lane`: its last event, `lane_age_s` old; None while the gate is lost. `silent_s`: seconds since
    its last event, None for never. `trouble`: the fault, for people.
    """

    gate: str
    lane: LaneEvent | None
    lane_age_s: float = 0.0
    silent_s: float | None = None
    trouble: str = ""

    @property
    def lost(self) -> bool:
        """True if the lane's state is unknown: the gate is not connected, or its lane program does not answer."""
        return self.lane is None or self.lane.state is None


@dataclass(frozen=True, slots=True)
class Call:
    """An alarm at a gate since `since_s`. `by`: responding officer, since `going_s`; `went`: one who did not end it."""

    gate: str
    kind: str
    since_s: float
    by: str | None = None
    escalated: bool = False
    going_s: float | None = None
    went: str | None = None

    def at(self, now_s: float) -> Call:
        """Return the alarm as of `now_s`: escalated if it had no response, or the response did not end it, in time."""
        if self.by is None:
            waits_too_long = not self.escalated and now_s - self.since_s >= ESCALATED_AFTER_S
            return replace(self, escalated=True) if waits_too_long else self
        if self.going_s is None:
            return replace(self, going_s=now_s)
        if now_s - self.going_s < AGAIN_AFTER_S:
            return self
        return replace(self, by=None, going_s=None, went=self.by, escalated=True)


def kinds(seen: Seen) -> tuple[str, ...]:
    """Return the kinds of a gate's current alarms, urgent ones first."""
    lane = seen.lane
    if lane is None or lane.state is None:
        return (LOST,)
    found = [EMERGENCY] if lane.state == EMERGENCY else []
    found += [one for one in (*lane.alarms, *lane.notices) if one in CALLING]
    if not lane.officers and lane.closed_by is None and lane.mode != "shadow":
        found.append(NOBODY_PRESENT)
    return tuple(sorted(dict.fromkeys(found), key=lambda kind: kind not in URGENT))


class Calls:
    """The current alarms of all gates."""

    def __init__(self) -> None:
        self._standing: dict[tuple[str, str], Call] = {}

    def look(self, gates: Iterable[Seen], now_s: float) -> None:
        """Add new alarms, drop ended ones, and escalate those that are overdue.

        Urgent alarms of a lost gate are kept: their end was not reported.
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
        """Record that `officer` responds, unless another does already. Returns the alarm, or None if there is none."""
        call = self._standing.get((gate, kind))
        if call is not None and call.by is None:
            call = self._standing[gate, kind] = replace(call, by=officer, went=None)
        return call

    @property
    def standing(self) -> tuple[Call, ...]:
        """All current alarms."""
        return tuple(self._standing.values())
