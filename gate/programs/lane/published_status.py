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


def told(lane: LaneContext, state: State, now_ms: int) -> dict[str, object]:
    """The state, and what is known of the lane."""
    return {
        "state": type(state).__name__.lower(),
        "lost": sorted(part.value for part in lane.lost),
        "in_service": lane.in_service() and not isinstance(state, Emergency),
        "hinders": [f"{one.reason.value}:{one.detail}" if one.detail else one.reason.value for one in lane.hinders],
        "alarms": [{"alarm": one.alarm.value, "standing": one.standing, "waits": one.waits} for one in lane.alarms],
        "notices": [notice.value for notice in lane.notices()],
        "officer_seen_ago_s": lane.site_evidence(now_ms).officer_seen_ago_s,
        "closed_by": lane.closed_by,
        "maintained_by": lane.maintained_by,
        "direction": lane.direction.value,
        "travellers": lane.travellers.name,
        "trust_age_days": lane.trust_age_days,
        "clock_sure": lane.clock_sure,
        "leaf_closed": None if lane.last.seen is None else lane.last.seen.closed,
    }


def counted(tally: Tally, leaves: Mapping[str, LeafTimes], orders_refused: int) -> dict[str, object]:
    """What was counted since the start, and what of it warns; each door's leaf by the door."""
    slow = ["leaf_slow"] if any(leaf.slow for leaf in leaves.values()) else []
    return {
        "leaves": {door: leaf.detail() for door, leaf in leaves.items()},
        "counters": {**tally.detail(), "orders_refused": orders_refused},
        "warnings": [*tally.warnings(), *slow],
    }
