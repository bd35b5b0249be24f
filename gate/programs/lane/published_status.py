"""What the lane says of itself for its status, as far as the machine knows it. No person's data but the officers' own names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gate.passage.states import Emergency

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gate.passage.lane import LaneContext
    from gate.passage.machine import State
    from gate.programs.lane.health_counters import Tally
    from gate.programs.lane.leaf import LeafTimes


def told(around: LaneContext, state: State, now_ms: int) -> dict[str, object]:
    """The state, and what is known around it."""
    return {
        "state": type(state).__name__.lower(),
        "lost": sorted(part.value for part in around.lost),
        "in_service": around.in_service() and not isinstance(state, Emergency),
        "hinders": [f"{one.reason.value}:{one.detail}" if one.detail else one.reason.value for one in around.hinders],
        "alarms": [{"alarm": one.alarm.value, "standing": one.standing, "waits": one.waits} for one in around.alarms],
        "notices": [notice.value for notice in around.notices()],
        "officer_seen_ago_s": around.site_evidence(now_ms).officer_seen_ago_s,
        "closed_by": around.closed_by,
        "maintained_by": around.maintained_by,
        "direction": around.direction.value,
        "travellers": around.travellers.name,
        "trust_age_days": around.trust_age_days,
        "clock_sure": around.clock_sure,
        "leaf_closed": None if around.last.seen is None else around.last.seen.closed,
    }


def counted(tally: Tally, leaves: Mapping[str, LeafTimes], orders_refused: int) -> dict[str, object]:
    """What was counted since the start, and what of it warns; each door's leaf by the door."""
    slow = ["leaf_slow"] if any(leaf.slow for leaf in leaves.values()) else []
    return {
        "leaves": {door: leaf.detail() for door, leaf in leaves.items()},
        "counters": {**tally.detail(), "orders_refused": orders_refused},
        "warnings": [*tally.warnings(), *slow],
    }
