"""The lane's status. Has no personal data but the officers' own names.

`ready` needs a barrier status younger than a second and a loop that is hardly late; `alive`, that events are processed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gate.channel.message import Status
from gate.passage.states import Emergency
from gate_core.programs import clock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from gate.passage.lane import LaneContext
    from gate.passage.rule_set import RuleSet
    from gate.passage.states import State
    from gate.programs.lane.engine import Engine
    from gate.programs.lane.health_counters import Tally
    from gate.programs.shared.config import Config

BARRIER_AGE_MS_MAX: Final = 1_000
LAG_MS_MAX: Final = 250  # a decision's evidence may be at most 300 ms old
TURN_MS_MAX: Final = 5_000  # there are at least five ticks a second


def state_of(*, barrier_age_ms: float | None, lag_ms: float) -> str:
    """Return `ready` or `degraded`. `barrier_age_ms`: None without a barrier status."""
    fresh = barrier_age_ms is not None and barrier_age_ms <= BARRIER_AGE_MS_MAX
    return "ready" if fresh and not is_late(lag_ms=lag_ms) else "degraded"


def is_late(*, lag_ms: float) -> bool:
    """True while the loop is so late that evidence of the lane may be too old."""
    return lag_ms > LAG_MS_MAX


def is_alive(*, turned_ms: float) -> bool:
    """False if events are no longer processed."""
    return turned_ms <= TURN_MS_MAX


def status_of(config: Config, engine: Engine, detail: Mapping[str, object]) -> Status:
    """Return the status: fields of machine and loop, and the `detail` of the rest."""
    lane, now_ms, lag_ms = engine.context, clock.monotonic_ms(), engine.pulse.lag_ms
    ages_ms = [None if one.seen is None else now_ms - one.seen_ms for one in lane.doors]
    barrier_age_ms = None if None in ages_ms else max(age_ms for age_ms in ages_ms if age_ms is not None)
    return Status(
        program="lane",
        state=state_of(barrier_age_ms=barrier_age_ms if config.driven else 0, lag_ms=lag_ms),
        alive=is_alive(turned_ms=engine.turned_ms),
        detail={
            **told(lane, engine.state, now_ms),
            "mode": config.mode,
            "barrier_age_ms": barrier_age_ms,
            "lag_ms": round(lag_ms),
            "late": is_late(lag_ms=lag_ms),
            "officers": config.officers is not None,
            **detail,
        },
    )


def told(lane: LaneContext, state: State, now_ms: int) -> dict[str, object]:
    """Return status fields of the machine's state and the lane's context."""
    return {
        "state": type(state).__name__.lower(),
        "lost": sorted(part.value for part in lane.lost),
        "in_service": lane.in_service() and not isinstance(state, Emergency),
        "hinders": [f"{one.reason.value}:{one.detail}" if one.detail else one.reason.value for one in lane.blockers],
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


def rules_told(rule_set: RuleSet, today: date) -> dict[str, object] | None:
    """Return status fields of the written rules in force; None without rules."""
    return {"version": rule_set.version, "days_left": rule_set.days_left(today)} if rule_set.rules else None


def counted(tally: Tally, orders_refused: int, *, leaf_slow: bool) -> dict[str, object]:
    """Return status fields of counters and warnings."""
    return {
        "counters": {**tally.detail(), "orders_refused": orders_refused},
        "warnings": [*tally.warnings(), *(["leaf_slow"] if leaf_slow else [])],
    }
