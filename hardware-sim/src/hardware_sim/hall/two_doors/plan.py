"""The plan of a crossing of two doors, from the seed and its number alone. Pure."""

from __future__ import annotations

import random
from dataclasses import replace

from hardware_sim.hall import plan
from hardware_sim.hall.lane import FIRST, LAST, SENSORS
from hardware_sim.hall.plan import (
    BETWEEN_DOORS,
    DEALT,
    FROM_THE_START,
    GENUINE_SHARE,
    LASTS_S,
    LOSING_ORDERS,
    PROVOKED_S,
    PROVOKING_SHARE,
    Crossing,
    Fault,
    Intention,
    Kind,
    Moment,
    times_of,
)

KINDS = (*DEALT, Kind.BLIND_COUNTER)  # dealt kinds; bit errors are additional
SELDOM = (
    Intention.FORGED,
    Intention.LOOKALIKE,
    Intention.STAYS,
    Intention.TURNS,
    Intention.SWAPS,
    Intention.FOLLOWED,
    Intention.FORCES,
    *BETWEEN_DOORS,
)
# These make the lane revoke an order or open for a person while a line may be faulty.
PROVOKING = (Intention.PRESSES, Intention.FREED, Intention.PAUSED, Intention.EVACUATED)
_BURNS_S = (0.3, 9.0)  # longer than a release
_OF_SENSORS = frozenset({Kind.BLIND_COUNTER})
_OF_A_DOOR = frozenset({Kind.SLOW_LEAF, Kind.STUCK_BEAM, Kind.FIRE})
_LATEST_S = {Moment.LAID: 2.5, Moment.GO: 2.5, Moment.INSIDE: 2.5, Moment.OUT: 1.5}  # after the moment


def crossing(seed: int, number: int, *, faults: bool, kinds: frozenset[Kind] = frozenset(Kind)) -> Crossing:
    """Return the plan of one crossing, with those of its faults that are of these kinds."""
    rng = random.Random(f"{seed}/two-door/{number}")
    fall = falls_to(seed, number) if faults else ()
    intention = Intention.GENUINE if rng.random() < GENUINE_SHARE else rng.choice(SELDOM)
    if not LOSING_ORDERS.isdisjoint(fall) and rng.random() < PROVOKING_SHARE:
        intention = rng.choice(PROVOKING)
    drawn = times_of(rng, number, intention)
    return replace(drawn, faults=tuple(_fault(seed, number, kind, intention) for kind in fall if kind in kinds))


def falls_to(seed: int, number: int) -> tuple[Kind, ...]:
    """Return the kinds of fault that this crossing gets."""
    return plan.falls_to(f"{seed}/two-door", number, KINDS)


def _fault(seed: int, number: int, kind: Kind, intention: Intention) -> Fault:
    """Return a fault at one board or line."""
    rng = random.Random(f"{seed}/two-door/{number}/{kind.value}")
    lasts_s, drawn = rng.uniform(*(_BURNS_S if kind is Kind.FIRE else LASTS_S[kind])), rng.random()
    at = SENSORS if kind in _OF_SENSORS else rng.choice((FIRST, LAST) if kind in _OF_A_DOOR else (FIRST, LAST, SENSORS))
    if kind in FROM_THE_START:
        return Fault(kind, Moment.LAID, 0.0, lasts_s, drawn, at)
    if kind in LOSING_ORDERS and intention in PROVOKING:
        return Fault(kind, Moment.PROVOKED, 0.0, rng.uniform(*PROVOKED_S), drawn, at)
    moment = rng.choice(tuple(_LATEST_S))
    if kind is Kind.DISK_FULL:
        moment = Moment.LAID
    elif kind is Kind.SLOW_LEAF:
        moment = Moment.LAID if at == FIRST else Moment.INSIDE  # before it moves
    return Fault(kind, moment, rng.uniform(0.0, _LATEST_S[moment]), lasts_s, drawn, at)
