"""`gate simulate` on the command line: what it prints, how it ends, what it does not take."""

from __future__ import annotations

import json
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from gate_demo.commands import simulate
from gate_demo.simulate import run as running
from gate_demo.simulate.run import Run, Shortest, Violation, Wishes
from hardware_sim.hall.hall import Tally
from hardware_sim.hall.plan import Kind

APP = typer.Typer()
APP.command()(simulate.command)


def gate(*arguments: str) -> Any:
    return CliRunner().invoke(APP, list(arguments))


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--only", "3-1"), "--only takes"),
        (("--only", "a"), "--only takes"),
        (("--only", "1,,2"), "--only takes"),
        (("--kinds", "rain"), "there is no fault rain"),
        (("--kinds", "blind_counter"), "there is no fault blind_counter"),
        (("--lane", "three-door"), "three-door"),
        (("--crossings", "0"), "crossings"),
        (("--faults", "perhaps"), "faults"),
    ],
)
def test_what_it_cannot_take_ends_with_two_and_says_what_it_takes(arguments: tuple[str, ...], why: str) -> None:
    ended = gate(*arguments)
    assert ended.exit_code == 2
    assert why in ended.output


def test_a_violation_ends_with_one_and_the_command_that_shows_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(wishes: Wishes, _: Any = None) -> Run:
        return Run(
            wishes, Tally(crossings=3), exchanges=9, wire_bytes=90, violation=Violation("locked_lane", "[it] stands", 2)
        )

    monkeypatch.setattr(running, "run", broken)
    monkeypatch.setattr("gate_demo.simulate.run.shortest", lambda found: Shortest(found.wishes, cut_short=True))
    ended = gate("--crossings", "3", "--seed", "5", "--faults", "on", "--kinds", "death", "--json")
    assert ended.exit_code == 1
    (violation,) = json.loads(ended.stdout)["violations"]
    assert violation == {
        "kind": "locked_lane",
        "crossing": 2,
        "why": "[it] stands",
        "replay": "gate simulate --seed 5 --only 0-2 --faults on --kinds death",
        "cut_short": True,
    }
    readable = gate("--crossings", "3", "--seed", "5", "--faults", "on")
    assert readable.exit_code == 1
    assert "[it] stands" in readable.stdout
    assert "--only 0-2" in readable.stdout
    assert "until 60 s of processor time were over" in readable.stdout


def test_its_json_has_what_is_promised() -> None:
    ended = gate("--crossings", "2", "--seed", "3", "--json")
    assert ended.exit_code == 0, ended.output
    said = json.loads(ended.stdout)
    assert said["schema"] == "simulate/1"
    assert said["crossings"] == 2
    assert said["genuine"]["admitted"] == said["genuine"]["total"]
    assert said["violations"] == []
    assert said["faults"] == {}
    assert said["driver"]["exchanges"] > 0
    assert said["seconds"] > 0


def test_a_lane_of_two_doors_is_simulated_on_request() -> None:
    ended = gate(
        "--crossings", "1", "--seed", "3", "--lane", "two-door", "--faults", "on", "--kinds", "blind_counter", "--json"
    )
    assert ended.exit_code == 0, ended.output
    said = json.loads(ended.stdout)
    assert said["lane"] == "two-door"
    assert list(said["faults"]) == ["blind_counter"]


def test_the_kinds_of_fault_are_those_that_the_command_line_promises() -> None:
    promised = (
        "busy_answer burst bit_errors lost_reply doubled_reply power_cycle clock_jump disk_full death slow_leaf stuck_beam "
        "forgetful_officer late_reply reordered_reply"
    )
    assert set(promised.split()) <= {kind.value for kind in Kind}


def test_numbers_of_crossings_may_overlap() -> None:
    assert simulate._numbers("4,1-3,2") == (1, 2, 3, 4)
