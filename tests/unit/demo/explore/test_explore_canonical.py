"""The canonical form of an exploration's states: a lane at another time of day, or after other crossings, gives the same answers."""

from __future__ import annotations

import random
from dataclasses import fields

import pytest

from gate.passage.lane import Timing
from gate_demo.explore.clock import LOOSE, TICK_MS, TIMING
from gate_demo.explore.run import OnAClock
from gate_demo.explore.scopes import SCOPES, Scope
from gate_demo.explore.world import moves, root

MOVES = 120


@pytest.mark.no_cover
@pytest.mark.parametrize("scope", SCOPES, ids=lambda one: one.name)
def test_a_lane_whose_clock_runs_on_gives_the_same_answers(scope: Scope) -> None:
    # Red when one of `clock.LIMITS` is two ticks too short, such as that of `Inside.since_ms`.
    for seed in range(3):
        rng = random.Random(f"{scope.name} {seed}")
        play = OnAClock(root(scope), scope)
        for _ in range(MOVES):
            play.go_on()
            play.do(rng.choice(list(moves(play.node(), scope))))
            assert play.differs is None
            assert play.broken == []


def test_limits_in_ticks_keep_the_order_of_the_lanes_own() -> None:
    own, ticks = Timing(), TIMING
    limits = [one.name for one in fields(Timing) if one.name.endswith("_ms") and one.name not in LOOSE]
    in_order = sorted(limits, key=lambda name: getattr(own, name))
    lengths = [getattr(ticks, name) for name in in_order]
    assert lengths == sorted(lengths)
    assert all(length % TICK_MS == 0 for length in lengths)
