"""Scenario files: the built-in ones, and what a file may not say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from hardware_sim.barrier.controller import End
from hardware_sim.decision_log import Wrong
from hardware_sim.passport.editions import KNOWN
from hardware_sim.passport.issuer import FAULTS
from hardware_sim.scenario import (
    DEEDS_MAX,
    FILE_BYTES_MAX,
    Deed,
    Lane,
    Moment,
    Owner,
    ScenarioError,
    Sight,
    Step,
    Verdict,
    parse_scenario,
    read_scenario,
    read_scenarios,
    scenario_folder,
)

BUILT_IN = {
    "genuine",
    "page_card",
    "page_covered",
    "page_face_down",
    "page_glare",
    "page_other_zone",
    "page_upside_down",
    "page_visa",
    "page_without_zone",
    "someone_elses_passport",
    "swap_after_match",
    "handed_over_at_the_door",
    "dg1_changed",
    "dg2_swapped",
    "unknown_issuer",
    "expired",
    "no_private_key",
    "chip_pulled_out",
    "no_face",
    "two_faces",
    "printed_picture",
    "bent_print",
    "picture_on_a_screen",
    "looped_video",
    "covered_camera",
    "tailgater",
    "walked_back",
    "young_traveller",
    "old_photograph",
    "closed_by_a_rule",
    "reported_stolen",
    "sent_a_companion",
    "zone_occupied",
    "barrier_cut",
    "lane_killed",
    "log_disk_full",
    "fire",
    "officer_absent",
    "central_away",
    "signer_revoked",
    "pace_downgraded",
    "clone_with_own_key",
    "weak_algorithm",
    "asked_for_help",
    "asked_for_protection",
    "protection_without_document",
    "unaccompanied_child",
    "help_without_document",
}


def table(**changes: Any) -> dict[str, Any]:
    return {"name": "n", "title": "t", "verdict": "referred", "incidents": [], "passages": 0} | changes


def test_the_built_in_scenarios_are_these() -> None:
    scenarios = read_scenarios(scenario_folder())
    assert set(scenarios) == BUILT_IN
    admitted = {name for name, scenario in scenarios.items() if scenario.verdict is Verdict.ADMITTED}
    laid = {"page_card", "page_visa", "page_face_down", "page_upside_down"}
    assert admitted == {"genuine", "tailgater", "central_away"} | laid
    for scenario in scenarios.values():
        somebody_passes = scenario.verdict is Verdict.ADMITTED or scenario.name == "sent_a_companion"
        assert scenario.passages == int(somebody_passes), scenario.name
        assert scenario.title


def test_what_a_scenario_takes_from_the_host_it_gives_back() -> None:
    pairs = {
        Deed.FILL_LOG_DISK: Deed.FREE_LOG_DISK,
        Deed.OFFICER_ABSENT: Deed.OFFICER_BACK,
        Deed.CENTRAL_AWAY: Deed.CENTRAL_BACK,
    }
    for scenario in read_scenarios(scenario_folder()).values():
        done = [step.do for step in scenario.steps]
        for taken, given in pairs.items():
            assert (taken in done) == (given in done), scenario.name
            assert taken not in done or done.index(taken) < done.index(given), scenario.name


def test_a_scenario_may_say_everything() -> None:
    scenario = parse_scenario(
        table(
            incidents=["barrier_lost"],
            reasons=["barrier_lost"],
            document={"of": "other", "edition": "bac_ca", "age": 0, "faults": ["expired"], "pull_out_after_apdus": 3},
            camera={"shows": "two", "late": True},
            walk={"hesitates_ms": 500},
            steps=[
                {"at": "go", "do": "unplug_barrier", "for_ms": 2000},
                {"at": "look", "do": "kill_lane"},
                {"at": "go", "do": "swap_person"},
            ],
        )
    )
    assert (scenario.document, scenario.sight, scenario.sight_late) == (Owner.OTHER, Sight.TWO, True)
    assert (scenario.edition, scenario.age, scenario.document_faults) == ("bac_ca", 0, {"expired"})
    assert (scenario.pull_out_after_apdus, scenario.hesitates_ms) == (3, 500)
    assert scenario.deeds(Moment.GO) == (
        Step(Moment.GO, Deed.UNPLUG_BARRIER, 2000),
        Step(Moment.GO, Deed.SWAP_PERSON),
    )
    assert scenario.deeds(Moment.LEAVING) == ()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"verdict": "refused"}, "none of: admitted, referred"),
        ({"passages": 5}, "between 0 and 4"),
        ({"passages": True}, "passages must be a int"),
        ({"incidents": [1]}, "something else"),
        ({"incidents": "x"}, "incidents must be a list"),
        ({"colour": "red"}, "unknown setting colour"),
        ({"document": {"of": "nobody"}}, "none of: self, other"),
        ({"document": {"edition": "golden"}}, "'golden' is none of: bac_aa_rsa"),
        ({"document": {"pages": 3}}, "unknown setting pages"),
        ({"camera": {"shows": "cat"}}, "none of"),
        ({"camera": {"late": 1}}, "late must be a bool"),
        ({"camera": {"people": ["elena", "moriarty"]}}, "nobody is named moriarty"),
        ({"walk": {"hesitates_ms": 60_001}}, "between"),
        ({"steps": [{"at": "go", "do": "dance"}]}, "none of"),
        ({"steps": [{"at": "noon", "do": "swap_person"}]}, "none of"),
        ({"steps": [{"do": "swap_person"}]}, "at is missing"),
        ({"steps": [{"at": "go", "do": "fire"}]}, "between"),
        ({"steps": [{"at": "go", "do": "fire", "for_ms": 0}]}, "needs for_ms"),
        ({"steps": [{"at": "go", "do": "swap_person", "for_ms": 5}]}, "has no for_ms"),
        ({"steps": [{"at": "go", "do": "swap_person", "who": "x"}]}, "unknown setting who"),
        ({"steps": ["go"]}, "a step is a table"),
        ({"steps": [{"at": "go", "do": "swap_person"}] * (DEEDS_MAX + 1)}, "more than"),
    ],
)
def test_what_no_scenario_can_say_is_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ScenarioError, match=why):
        parse_scenario(table(**changes))


def test_a_missing_setting_is_named() -> None:
    incomplete = table()
    del incomplete["verdict"]
    with pytest.raises(ScenarioError, match="verdict is missing"):
        parse_scenario(incomplete)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("name = ", "bad.toml: "),
        ('name = "good"\ntitle = "t"\nverdict = "referred"\nincidents = []\npassages = 0', "is named good"),
        ('name = "bad"', "bad.toml: title is missing"),
        ("#" * (FILE_BYTES_MAX + 1), "larger than"),
        ('name = "\xff"', "bad.toml"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ScenarioError, match=why):
        read_scenario(path)


def test_a_scenario_is_told_of_the_lanes_that_it_names_and_expects_of_two_doors_what_it_says(tmp_path: Path) -> None:
    both = 'name = "both"\ntitle = "t"\nverdict = "referred"\nincidents = []\npassages = 0\n'
    (tmp_path / "both.toml").write_text(both + '[two_doors]\nverdict = "admitted"\npassages = 1\n')
    (tmp_path / "two.toml").write_text(both.replace("both", "two") + 'lanes = ["two-door"]\n')
    one, two = (read_scenarios(tmp_path, lane) for lane in (Lane.ONE_DOOR, Lane.TWO_DOOR))
    assert (one.keys(), two.keys()) == ({"both"}, {"both", "two"})
    assert (one["both"].verdict, one["both"].passages) == (Verdict.REFERRED, 0)
    assert (two["both"].verdict, two["both"].passages) == (Verdict.ADMITTED, 1)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ('lanes = ["three-door"]', "none of: one-door, two-door"),
        ("two_doors = 3", r"\[two_doors\] has other settings"),
        ('[two_doors]\ntitle = "x"', r"\[two_doors\] has other settings"),
    ],
)
def test_lanes_and_what_two_doors_expect_are_checked(tmp_path: Path, more: str, why: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('name = "bad"\ntitle = "t"\nverdict = "referred"\nincidents = []\npassages = 0\n' + more)
    with pytest.raises(ScenarioError, match=why):
        read_scenario(path)


def test_a_folder_without_scenarios_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="no scenarios"):
        read_scenarios(tmp_path)


def test_the_document_names_every_word_of_a_scenario_and_of_the_judge() -> None:
    document = (Path(__file__).resolve().parents[2] / "docs/protocols/simulated-world.md").read_text()
    words = {member.value for kind in (Deed, Moment, Sight, Owner, Verdict, Wrong, End) for member in kind}
    words |= KNOWN.keys()
    words |= FAULTS & {
        fault for scenario in read_scenarios(scenario_folder()).values() for fault in scenario.document_faults
    }
    assert [word for word in sorted(words) if not re.search(rf"[` ]{word}[` ]", document)] == []


def test_every_fault_of_a_scenario_is_one_that_the_issuer_knows() -> None:
    for scenario in read_scenarios(scenario_folder()).values():
        assert scenario.document_faults <= FAULTS, scenario.name
