"""What the lane says of itself for its status. No person's data but the officers' own names.

Ready is proven: a status of the barrier younger than a second, and a loop that is hardly late. Only one that answers no events any more is not alive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gate.channel.messages import Status
from gate.passage.states import Emergency
from gate_core.programs import clock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from gate.passage.lane import LaneContext
    from gate.passage.rulebook import RuleBook
    from gate.passage.states import State
    from gate.programs.lane.engine import Engine
    from gate.programs.lane.health_counters import Tally
    from gate.programs.shared.config import Config

BARRIER_AGE_MS_MAX: Final = 1_000
LAG_MS_MAX: Final = 250  # a decision's evidence may be 300 ms old
TURN_MS_MAX: Final = 5_000  # a tick comes five times a second at least


def state_of(*, barrier_age_ms: float | None, lag_ms: float) -> str:
    """`ready` or `degraded`. `barrier_age_ms` is None when the barrier says nothing."""
    fresh = barrier_age_ms is not None and barrier_age_ms <= BARRIER_AGE_MS_MAX
    return "ready" if fresh and not is_late(lag_ms=lag_ms) else "degraded"


def is_late(*, lag_ms: float) -> bool:
    """True while the loop turns so late that a look at the lane may be too old."""
    return lag_ms > LAG_MS_MAX


def is_alive(*, turned_ms: float) -> bool:
    """False when events are answered no more."""
    return turned_ms <= TURN_MS_MAX


def status_of(config: Config, engine: Engine, detail: Mapping[str, object]) -> Status:
    """The status: what machine and loop say of themselves, beside the `detail` of everything else."""
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
    """The state, and what is known of the lane."""
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


def rules_told(book: RuleBook, today: date) -> dict[str, object] | None:
    """The written rules in force; None where the site has none."""
    return {"version": book.version, "days_left": book.days_left(today)} if book.rules else None


def counted(tally: Tally, orders_refused: int, *, leaf_slow: bool) -> dict[str, object]:
    """What was counted since the start, and what of it warns."""
    return {
        "counters": {**tally.detail(), "orders_refused": orders_refused},
        "warnings": [*tally.warnings(), *(["leaf_slow"] if leaf_slow else [])],
    }
