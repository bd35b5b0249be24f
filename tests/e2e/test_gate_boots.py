"""The shipped units under a real systemd, users and sandboxes real, hardware simulated outside: they start a gate that works.

One boot serves all tests; each leaves the gate in service. What has no effect on such a machine (MemoryMax, LimitMEMLOCK, swap) is
checked as content, by test_systemd_units.
"""

from __future__ import annotations

import pytest
from fakes.boot.gate import Gate

from gate.programs.runner import PROGRAMS

pytestmark = [pytest.mark.long, pytest.mark.e2e]

WATCHDOG_S = 10


def test_every_program_is_active_ready_and_linked_to_the_others(gate: Gate) -> None:
    status = gate.status()
    assert set(status["programs"]) == set(PROGRAMS)
    assert status["devices"] == dict.fromkeys(("barrier", "reader", "vision", "log"), True)
    details = status["detail"]
    assert (details["screens"]["lane"], details["screens"]["preview"]) == ("up", "up")
    assert details["vision"]["spare"] == "warm"
    gate.until(lambda: gate.status()["detail"]["log"]["mirrored"] > 0, "the mirror has signed for the log")
    for program in PROGRAMS:
        unit = gate.machine.show(f"gate-{program}.service")
        assert (unit["SubState"], unit["NRestarts"], unit["User"]) == ("running", "0", f"portcullis-{program}")


def test_without_an_officer_everybody_is_referred(gate: Gate) -> None:
    alone = gate.world.travel("genuine", "t0", officer=lambda: gate.officer("hand-over", "taken_over"))
    assert (alone.passed, alone.screens.count("officer"), "go" in alone.screens) == (0, 1, False)


def test_a_genuine_traveller_passes_and_an_impostor_is_referred(gate: Gate) -> None:
    gate.officer("present")
    genuine = gate.world.travel("genuine", "t1")
    assert (genuine.passed, "go" in genuine.screens) == (1, True), (genuine.screens, gate.report())
    gate.officer("present")
    impostor = gate.world.travel(
        "someone_elses_passport", "t2", officer=lambda: gate.officer("hand-over", "taken_over")
    )
    assert (impostor.passed, impostor.screens.count("officer"), "go" in impostor.screens) == (0, 1, False)
    gate.until(gate.is_in_service, "the impostor was settled")
    assert gate.is_safe()


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_that_is_killed_comes_back_and_the_lane_is_safe(gate: Gate, program: str) -> None:
    before = gate.pid(program)
    gate.machine.systemctl("kill", "--kill-whom=main", "--signal=KILL", f"gate-{program}.service")
    gate.until(lambda: gate.pid(program) not in {0, before}, f"{program} is started anew")
    gate.until(gate.is_in_service, "the gate is in service again")
    assert gate.is_safe()


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_that_hangs_is_ended_by_its_watchdog_and_comes_back(gate: Gate, program: str) -> None:
    before = gate.pid(program)
    gate.machine.run("kill", "-STOP", str(before))
    took_s = gate.until(lambda: gate.pid(program) not in {0, before}, f"{program} is started anew")
    assert took_s < 2 * WATCHDOG_S
    gate.until(gate.is_in_service, "the gate is in service again")
    assert gate.is_safe()
    assert "watchdog" in gate.machine.journal("-u", f"gate-{program}.service", "-n", "40").lower()
