"""The lane of the booted package killed two hundred times, in every state that a person can bring it into, with one door and with two.

Held against the world's own truth: no leaf begins to close from the moment an emergency has opened it until an officer ends it, however often the
lane dies. A lane that had none serves again by itself. One whose state file is lost opens and closes nothing until an officer has looked.
The controls: a restart that takes longer than a leaf stays open, and a state file that is gone, close a leaf (`test_the_proof_can_fail`).
"""

from __future__ import annotations

import itertools
import json
import logging
import random
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fakes.boot.gate import Gate, installed
from fakes.boot.machine import NoBootError

pytestmark = [pytest.mark.long, pytest.mark.e2e]
log = logging.getLogger(__name__)  # --log-cli-level=INFO shows where the lane was

UNIT = "gate-lane.service"
STATE = "/var/lib/portcullis/lane/state.json"
EMERGENCIES = 12  # of an officer, on each kind of lane; each outlives `DEATHS` of the lane
DEATHS = 5
FIRES = 4
OTHERS = 40  # deaths without an emergency
SCREENS = ("look", "wait", "go", "officer")  # of a traveller who is inside


@pytest.fixture(scope="module", params=["one door", "two doors"])
def lane(request: pytest.FixtureRequest, package: Path) -> Iterator[Gate]:
    folder = Path(tempfile.mkdtemp(prefix="boot-"))
    try:
        with installed(folder, package, two_doors=request.param == "two doors") as made:
            made.until(made.is_in_service, "the gate is in service")
            yield made
    except NoBootError as error:
        pytest.skip(f"no machine can be booted here: {error}")
    finally:
        shutil.rmtree(folder)


def kill(gate: Gate) -> None:
    """SIGKILL the lane's main process; what limits restarts begins anew, for there are more deaths here than a unit may have."""
    gate.machine.systemctl("reset-failed", UNIT, check=False)
    gate.machine.systemctl("kill", "--kill-whom=main", "--signal=KILL", UNIT)


def dies(gate: Gate) -> None:
    """Kill the lane and wait until it answers its officers again."""
    before = gate.pid("lane")
    kill(gate)
    gate.until(lambda: gate.pid("lane") not in {0, before}, "the lane is started anew")
    gate.until(lambda: lane_state(gate) is not None, "the lane answers")


def lane_state(gate: Gate) -> str | None:
    done = gate.officer("list", "--json", check=False)
    return json.loads(done.stdout)["state"] if done.returncode == 0 else None


def closings(gate: Gate, since: int) -> list[dict[str, object]]:
    """Leaves that began to close, or stand closed, since so many happenings."""
    return [
        one
        for one in gate.world.truth()[since:]
        if (one["event"], one.get("to", one.get("at"))) in {("leaf_moved", "closing"), ("leaf_at_rest", "closed")}
    ]


def released_at_ms(gate: Gate, after_ms: float) -> float:
    """When a board first heard after that moment that it is to open; the machine's clock is ours."""
    heard = (
        one for one in gate.world.truth() if one["event"] == "release_received" and one["monotonic_ms"] > after_ms + 50
    )
    return float(next(heard)["monotonic_ms"])


def until_open(gate: Gate) -> None:
    """Wait until every leaf stands open."""
    doors = {one.get("door") for one in gate.world.truth() if one["event"] in {"leaf_at_rest", "leaf_moved"}}

    def are_open() -> bool:
        rests = {one.get("door"): one for one in gate.world.truth() if one["event"] in {"leaf_at_rest", "leaf_moved"}}
        return all((rests[door]["event"], rests[door].get("at")) == ("leaf_at_rest", "open") for door in doors)

    gate.until(are_open, "every leaf stands open", within_s=20)


def serve_again(gate: Gate) -> None:
    gate.officer("present", check=False)
    gate.settle()
    gate.until(gate.is_in_service, "the lane serves again by itself")
    assert gate.is_safe()


def test_no_leaf_closes_in_an_officers_emergency_however_often_the_lane_dies(lane: Gate) -> None:
    chance, deaths, took_ms = random.Random(1), 0, list[float]()
    for number in range(EMERGENCIES):
        lane.officer("open-emergency", "--reason", f"smoke {number}")
        until_open(lane)
        since = len(lane.world.truth())
        for _ in range(DEATHS):
            time.sleep(chance.uniform(0.0, 1.5))
            killed_ms = time.monotonic() * 1000
            dies(lane)
            deaths += 1
            took_ms.append(released_at_ms(lane, killed_ms) - killed_ms)
            assert closings(lane, since) == [], f"the first order came {took_ms[-1]:.0f} ms after the death"
            assert lane_state(lane) == "emergency"
            assert lane.world.screens[-1] == "emergency"
        assert closings(lane, since) == []
        lane.officer("end-emergency")
        serve_again(lane)
    took_ms.sort()
    log.info("%s deaths in emergencies of officers, no leaf closed", deaths)
    log.info(
        "from a death to the next order to open: median %.0f ms, longest %.0f ms", took_ms[deaths // 2], took_ms[-1]
    )


@pytest.mark.parametrize("file_is_gone", [False, True])
def test_the_proof_can_fail(lane: Gate, *, file_is_gone: bool) -> None:
    """Where the next start comes too late, or knows nothing, the same death closes a leaf, and it is seen."""
    lane.officer("open-emergency", "--reason", "smoke")
    until_open(lane)
    since = len(lane.world.truth())
    with lane.changed("lane", "[Service]\nRestartSec=5\n"):
        kill(lane)
        if file_is_gone:
            lane.machine.run("rm", STATE)
        lane.until(lambda: lane_state(lane) == "emergency", "the lane answers")
        assert closings(lane, since) != []
        lane.officer("end-emergency")
        serve_again(lane)
    serve_again(lane)


@pytest.mark.parametrize("lane", ["one door"], indirect=True)
def test_a_fire_outlives_the_lane_and_its_end_is_an_officers(lane: Gate) -> None:
    """On one door: the world of two has no order for its fire loops, which tests/property/test_two_door_walks.py closes over restarts."""
    for _ in range(FIRES):
        lane.world.tell(do="fire", active=True)
        until_open(lane)
        since = len(lane.world.truth())
        dies(lane)
        assert closings(lane, since) == []
        lane.world.tell(do="fire", active=False)
        dies(lane)
        assert lane_state(lane) == "emergency"
        assert closings(lane, since) == []
        lane.officer("end-emergency")
        serve_again(lane)


def test_a_lane_without_an_emergency_serves_again_by_itself(lane: Gate) -> None:
    chance, where = random.Random(2), Counter[str]()
    for number, what in zip(
        range(OTHERS), itertools.cycle(("rest", "release", *SCREENS, "pause", "soon")), strict=False
    ):
        lane.officer("present")
        if what == "rest":
            dies(lane)
        elif what == "release":
            lane.officer("release", "--reason", "somebody is inside")
            dies(lane)
        elif what == "pause":
            lane.officer("pause")
            dies(lane)
            assert not lane.is_in_service()
            lane.officer("open")
        else:
            scenario = "someone_elses_passport" if what == "officer" else "genuine"
            _killed_with_a_traveller(lane, scenario, f"k{number}", what, after_s=chance.uniform(0.0, 1.0))
        where[what] += 1
        serve_again(lane)
    log.info("killed without an emergency: %s", dict(where))


def _killed_with_a_traveller(gate: Gate, scenario: str, name: str, screen: str, *, after_s: float) -> None:
    """Send a traveller and kill the lane when the page shows this, or so long after they came."""
    seen = len(gate.world.screens)
    killing = threading.Thread(
        target=_kill_when, args=(gate, lambda: screen in {"soon", *gate.world.screens[seen:]}, after_s)
    )
    killing.start()
    gate.world.travel(scenario, name, officer=gate.settle)
    killing.join()


def _kill_when(gate: Gate, shown: Callable[[], bool], after_s: float) -> None:
    deadline_s = time.monotonic() + 15
    while not shown() and time.monotonic() < deadline_s:
        time.sleep(0.01)
    time.sleep(after_s / 4)
    kill(gate)


@pytest.mark.parametrize("content", [None, "", '{"schema":1'])
def test_a_lost_state_opens_and_closes_nothing_until_an_officer_has_looked(lane: Gate, content: str | None) -> None:
    since = len(lane.world.truth())
    with lane.changed("lane", "[Service]\nRestartSec=3\n"):
        kill(lane)
        if content is None:
            lane.machine.run("rm", STATE)
        else:
            lane.machine.write(STATE, content)
        lane.until(lambda: lane_state(lane) == "emergency", "the lane waits for an officer")
        said = json.loads(lane.officer("list", "--json").stdout)
        assert "state_unknown" in said["notices"]
        assert "state_unknown" in {one["mode"] for one in lane.status()["degraded"]}
        time.sleep(3)
        assert [one for one in lane.world.truth()[since:] if one["event"] in {"leaf_moved", "release_received"}] == []
        assert lane.world.screens[-1] == "closed"
        lane.officer("end-emergency")
        serve_again(lane)
    serve_again(lane)
