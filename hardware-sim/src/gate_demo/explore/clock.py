"""Time of an exploration: ticks of one second, the lane's limits in ticks, and states that are equal up to the time of day.

An explored state is at `NOW_MS`. Instead of moving the clock on, a tick moves each stored time back, and no further than the
largest limit that is compared with it and one tick more: what is older than that is old in every comparison. So equal lanes at
different times of day are one state. `LIMITS` has each field with these limits. A field that it lacks raises KeyError, and
tests/unit/demo/explore/test_explore_canonical.py compares the steps with those of a lane whose clock runs on.

The limits are the lane's own, in ticks: what is shorter stays no longer, so their order is kept. `LOOSE` names the exceptions.
"""

from __future__ import annotations

from dataclasses import fields, replace
from functools import cache
from typing import Any, Final

from gate.passage import states
from gate.passage.door_state import DoorState, Inside, PendingOrder, Raised
from gate.passage.interior import Interior, Waits
from gate.passage.lane import FirstWord, LaneContext, Misuse, Referral, Timing
from gate.passage.policy import Policy
from gate_core.evidence.crossing import Score

TICK_MS: Final = 1_000
NOW_MS: Final = 1_000_000
TIMING: Final = Timing(
    order_again_ms=1_000,
    look_max_ms=1_000,
    seen_again_ms=1_000,
    release_again_ms=1_000,
    emergency_hold_ms=1_000,
    grant_slack_ms=1_000,
    incident_again_ms=1_000,
    walks_out_ms=1_000,
    face_after_failure_max_ms=2_000,
    opening_max_ms=2_000,
    receipt_max_ms=2_000,
    track_gap_max_ms=2_000,
    order_shown_max_ms=2_000,
    inside_seen_ms=2_000,
    registers_max_ms=2_000,
    view_after_passage_ms=2_000,
    emergency_end_max_ms=2_000,
    face_max_ms=3_000,
    grant_ttl_ms=3_000,
    inside_max_ms=3_000,
    misuse_again_ms=3_000,
    alarm_again_ms=3_000,
    entering_max_ms=4_000,
    passing_max_ms=4_000,
    release_ms=4_000,
    way_back_again_ms=4_000,
    way_back_ms=5_000,
    more_time_ms=5_000,
    crossing_max_ms=5_000,
    presence_record_ms=1_000,
    referral_max_ms=2_000,
    consent_max_ms=6_000,
    first_word_max_ms=6_000,
    asked_again_ms=6_000,
)
PRESENCE_MAX_S: Final = 1
POLICY: Final = Policy(
    face_match_min=Score(0.4),
    liveness_min=Score(0.5),
    officer_presence_max_s=PRESENCE_MAX_S,
    trust_age_max_days=90,
    lane_age_max_ms=1_000,
    inside_age_max_ms=1_000,
    face_age_max_ms=4_000,
    site_age_max_s=6,
    camera_sees_zone=True,
)
# Compared with no other limit: shorter here, so that an exploration has fewer states.
LOOSE: Final = frozenset({"presence_record_ms", "referral_max_ms"})
ONE_DOOR: Final = states.Rules(POLICY, TIMING)
TWO_DOORS: Final = states.Rules(replace(POLICY, sensors=True, two_doors=True), TIMING)

_T, _P = TIMING, POLICY
_ENDING_MS = max(_T.emergency_end_max_ms, _T.look_max_ms, _P.lane_age_max_ms, _P.inside_age_max_ms)
_VIEW_MS = max(_T.view_after_passage_ms, _T.passing_max_ms, _T.walks_out_ms)
# Every stored time: the largest limit that is compared with it, in milliseconds. None: it is compared with nothing.
LIMITS: Final[dict[type, dict[str, int | None]]] = {
    DoorState: {
        "seen_ms": _ENDING_MS,
        "released_ms": _T.release_ms,
        "unshut_ms": _T.grant_ttl_ms + _T.grant_slack_ms,
        "clearing_ms": _T.order_again_ms,
    },
    PendingOrder: {"since_ms": max(_T.release_ms, _T.order_shown_max_ms), "at_ms": _T.release_again_ms},
    Inside: {"since_ms": _T.inside_max_ms},
    Raised: {"since_ms": None},  # only written down, with the alarm's end
    Interior: {"heard_ms": _ENDING_MS, "counted_ms": _T.look_max_ms},
    Waits: {"since_ms": max(_T.way_back_ms, _T.inside_max_ms, _T.release_ms), "offered_ms": _T.way_back_again_ms},
    Referral: {"since_ms": _T.referral_max_ms},
    FirstWord: {"since_ms": _T.first_word_max_ms},
    Misuse: {"told_ms": _T.misuse_again_ms},
    LaneContext: {"officer_seen_ms": PRESENCE_MAX_S * 1_000, "site_at_ms": _P.site_age_max_s * 1_000},
    states.Opening: {"since_ms": _T.opening_max_ms},
    states.Reading: {"since_ms": _T.crossing_max_ms, "document_at_ms": _T.registers_max_ms},
    states.Inspecting: {
        "since_ms": _T.crossing_max_ms + _T.more_time_ms,
        "document_at_ms": max(_T.face_max_ms, _T.registers_max_ms) + _T.more_time_ms,
        "face_at_ms": _P.face_age_max_ms,
    },
    states.Recording: {"since_ms": _T.receipt_max_ms},
    states.Overruling: {"since_ms": _T.receipt_max_ms},
    states.Looking: {"since_ms": _T.look_max_ms},
    states.Granted: {
        "since_ms": _T.grant_ttl_ms + _T.grant_slack_ms,
        "track_lost_ms": _T.track_gap_max_ms,
        "lost_told_ms": _VIEW_MS,
        "looked_ms": _VIEW_MS,
    },
    states.Entering: {"since_ms": _T.entering_max_ms},
    states.Passing: {"since_ms": _VIEW_MS},
    states.Ending: {"since_ms": _T.emergency_end_max_ms, "told_ms": _T.order_again_ms},
    states.Emergency: {"held_ms": _T.emergency_hold_ms},
}
# Times that are lengths, not moments.
_LENGTHS: Final = frozenset({"more_ms", "beside_ms"})
_NESTED: Final[dict[type, tuple[str, ...]]] = {
    LaneContext: ("doors", "interior", "waiting", "misuses", "first_words"),
    DoorState: ("granting", "revoking", "freeing", "inside", "alarms"),
    Interior: ("waits",),
    states.Emergency: ("ending",),
}


@cache
def _plan(of: type[Any]) -> tuple[tuple[str, int | None], ...]:
    """Return the stored times of a type with their limits. Raises KeyError for a time without one."""
    known = LIMITS.get(of, {})
    names = [one.name for one in fields(of) if one.name.endswith("_ms") and one.name not in _LENGTHS]
    return tuple((name, known[name]) for name in names)


def older(of: Any) -> Any:
    """Return a lane, a state or a part of one after one tick: `of` itself if nothing in it is younger than its limit."""
    if of is None:
        return None
    if isinstance(of, tuple):
        parts = tuple(older(one) for one in of)
        return of if all(a is b for a, b in zip(parts, of, strict=True)) else parts
    changed: dict[str, Any] = {}
    for name, limit in _plan(of.__class__):
        at_ms = getattr(of, name)
        if at_ms is not None:
            oldest_ms = 0 if limit is None else NOW_MS - limit - TICK_MS
            then_ms = max(at_ms - TICK_MS, oldest_ms) if limit is not None else 0
            if then_ms != at_ms:
                changed[name] = then_ms
    for name in _NESTED.get(type(of), ()):
        part = getattr(of, name)
        if part and (after := older(part)) is not part:
            changed[name] = after
    if type(of) is LaneContext:
        changed |= _of_the_lane(of)
    elif type(of) is DoorState and of.begun:
        changed["begun"] = _stamps(of.begun, TIMING.alarm_again_ms)
    return replace(of, **changed) if changed else of


def _of_the_lane(lane: LaneContext) -> dict[str, Any]:
    """Return the lane's lists of times that changed in a tick."""
    found: dict[str, Any] = {}
    if lane.recorded:
        found["recorded"] = _stamps(lane.recorded, TIMING.presence_record_ms)
    if lane.incidents:
        found["incidents"] = tuple(
            one for one in _stamps(lane.incidents, TIMING.incident_again_ms) if _is_young(one[2])
        )
    return found


def _is_young(at_ms: int) -> bool:
    return NOW_MS - at_ms <= TIMING.incident_again_ms


def _stamps(of: tuple[tuple[Any, ...], ...], limit_ms: int) -> tuple[tuple[Any, ...], ...]:
    """Return tuples whose last value is a time, after one tick."""
    return tuple((*one[:-1], max(one[-1] - TICK_MS, NOW_MS - limit_ms - TICK_MS)) for one in of)


def calm(lane: LaneContext) -> LaneContext:
    """Return the lane without what no later step reads: news of the latest event, absolute counters, versions."""
    doors = tuple(_calm_door(one) for one in lane.doors)
    same = all(a is b for a, b in zip(doors, lane.doors, strict=True))
    if same and not lane.version and not lane.another_look and not lane.decided:
        return lane
    return replace(lane, doors=lane.doors if same else doors, version=0, another_look=False, decided=())


def _calm_door(one: DoorState) -> DoorState:
    seen, counted = one.seen, one.counted
    if seen is not None and (seen.passages_entry or seen.passages_exit):
        seen = replace(seen, passages_entry=0, passages_exit=0)
    if counted is not None and (counted.entry or counted.exit):
        counted = replace(counted, entry=0, exit=0)
    if seen is one.seen and counted is one.counted and not one.has_news:
        return one
    return replace(one, seen=seen, counted=counted, just_passed=0, just_left=0, new_alarms=())
