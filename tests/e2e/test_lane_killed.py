"""The real lane program killed at two hundred points, most of them between an order and the passage: what it granted ends by the board's own means.

Held against the board's own log: no grant outlives its time to live, or a silence of its host that is longer than the board's watchdog.
And against the gate's: whatever the board counted is booked, by the next start at the latest, and nobody is booked whom it did not count.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from fakes.killed_lane import Killed, KilledLane, drawn

from gate_demo import audit_review
from hardware_sim.barrier.controller import WATCHDOG_MS_DEFAULT
from hardware_sim.barrier.device import STEP_MS_MAX
from hardware_sim.decision_log import read_log
from hardware_sim.reconciliation import Different, differences
from hardware_sim.truth import Happening, read_truth

pytestmark = [pytest.mark.long, pytest.mark.e2e]
log = logging.getLogger(__name__)  # --log-cli-level=INFO shows the histogram

LANES = 3  # at once: much of a life is waiting
KILLS = 201
BETWEEN_MIN = 100
PUBLISHED_S = 3.0


async def test_no_grant_outlives_a_killed_lane_and_its_books_are_right_after_the_next_start() -> None:
    with tempfile.TemporaryDirectory(prefix="kill-") as folder:  # short: socket paths have 107 bytes
        found = await asyncio.gather(*(_killed(Path(folder), seed=seed) for seed in range(LANES)))
    where = sum(found, Counter[str]())
    for name, count in sorted(where.items()):
        log.info("%3s killed in %s", count, name)
    assert where.total() == KILLS
    assert sum(count for name, count in where.items() if name.startswith("Granted, between")) >= BETWEEN_MIN


async def _killed(folder: Path, *, seed: int) -> Counter[str]:
    """Kill one lane; where it was each time."""
    home = folder / str(seed)
    home.mkdir()
    lane = KilledLane(home, seed=seed)
    async with lane.running():
        for kill in drawn(KILLS // LANES, seed=seed):
            await lane.live(kill)
        await lane.live(None)
        await asyncio.sleep(PUBLISHED_S)
    truth = read_truth(lane.truth)
    grants = _grants(truth)
    assert grants
    for received_ms, ended_ms, ttl_ms in grants:
        assert ended_ms <= received_ms + ttl_ms + STEP_MS_MAX
        heard = (at_ms for at_ms in lane.board.heard_ms if received_ms < at_ms < ended_ms)
        silences_ms = (later - before for before, later in pairwise((received_ms, *heard, ended_ms)))
        assert max(silences_ms) <= WATCHDOG_MS_DEFAULT + STEP_MS_MAX
    entries = read_log(audit_review.read(lane.stage, home / "log.bundle").path)
    # Verdicts are not held here: whom an officer admitted and who passed just before a death waits for an officer who settles it.
    assert not [one for one in differences(truth, entries) if one.kind is not Different.VERDICT]
    return Counter(_where(killed, truth, grants) for killed in lane.kills)


def _grants(truth: tuple[Happening, ...]) -> list[tuple[int, int, int]]:
    """Of each grant that the board heard: when, when it ended, and its time to live."""
    found, received = [], None
    for one in truth:
        if one.event == "grant_received":
            assert received is None
            received = one
        elif one.event == "grant_ended":
            assert received is not None
            ttl_ms = received.fields["ttl_ms"]
            assert isinstance(ttl_ms, int)
            found.append((received.at_ms, one.at_ms, ttl_ms))
            received = None
    assert received is None
    return found


def _where(killed: Killed, truth: tuple[Happening, ...], grants: list[tuple[int, int, int]]) -> str:
    """The lane's state, and with a grant of its the board's, too."""
    if not any(received_ms <= killed.at_ms < ended_ms for received_ms, ended_ms, _ in grants):
        return killed.state
    told = [one for one in truth if one.at_ms <= killed.at_ms]
    leaf = next(one for one in reversed(told) if one.event in {"leaf_moved", "leaf_at_rest", "grant_received"})
    people = next((one for one in reversed(told) if one.event in {"at_leaf", "body_entered", "grant_received"}), leaf)
    standing = {"at_leaf": "a traveller at the leaf", "body_entered": "a traveller in the zone"}.get(
        people.event, "nobody there"
    )
    return f"{killed.state}, between order and passage: {leaf.text('to') or leaf.text('at') or 'closed'}, {standing}"
