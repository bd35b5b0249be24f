"""What a simulation is worth: how many hand-made mutants of `gate.passage` it finds in two thousand crossings.

One is found when the run ends with a violation, or fewer genuine travellers are admitted than the floor. Those in `SURVIVE` are not, each with
why: something else of the gate makes up for them, or the hall has nobody who would notice.
"""

from __future__ import annotations

import pytest
from fakes.mutants import Mutant, living

from gate.passage import alarms, books, endings, machine, obeying, policy, waiting, wanting
from gate.passage.lane import Surroundings
from gate.simulate.report import GENUINE_SHARE_MIN
from gate.simulate.run import Run, Wishes, run

SEED = 20_261_126
CROSSINGS = tuple(range(2_000))

FOUND = (
    Mutant(machine._recording, "state.decision.verdict is Verdict.REFER or state.spoiled", "state.spoiled"),
    Mutant(machine._inspecting, "removed=state.removed or state.document is not None", "removed=False"),
    Mutant(machine._strays, "if state.entered and seen.bodies == 0 and not enclosed:", "if False:"),
    Mutant(machine._passing, "around.at_rest()", "False"),
    Mutant(
        machine._decide,
        "return Recording(state.crossing, decision, now_ms), (Write(record, awaited=True), Show(Screen.WAIT))",
        "return Looking(state.crossing, now_ms), (Write(record), LookAtLane()) if not decision.objections "
        "else (Write(record, awaited=True),)",
    ),
    Mutant(policy._check_objection, "check.result is CheckResult.SUCCESSFUL", "check.result is not CheckResult.FAILED"),
    Mutant(policy.face_objections, "face.liveness.value < policy", "face.liveness.value > 1 + policy"),
    Mutant(policy.face_objections, "face.match.value < policy", "face.match.value > 1 + policy"),
    Mutant(policy.face_objections, "face.faces > 1", "face.faces > 2"),
    Mutant(policy.site_objections, "site.officer_seen_ago_s > policy.officer_presence_max_s", "False"),
    Mutant(
        wanting._take_back,
        "return replace(doorway, revoking=replace(wanted, at_ms=now_ms)), (Revoke(doorway.door),)",
        "return doorway, ()",
    ),
    Mutant(books._entries, "if count:\n", "if count > 1:\n"),
    Mutant(books._entries, "now.just_passed - granted, others", "0, others"),
    Mutant(waiting._after, "return (*waiting, Referral(crossing, objections, now_ms))", "return waiting"),
    Mutant(alarms._acknowledged, "waits=False", "waits=one.waits"),
    Mutant(
        Surroundings.in_service,
        "not self.lost and not self.hinders and self.closed_by is None",
        "self.closed_by is None and False",
    ),
)
SURVIVE = (
    # The end of an emergency is told again while the controller shows one.
    Mutant(
        obeying._end_emergency, "EndEmergency(one.door) for one in around.doors if one.emergency()", "one for one in ()"
    ),
    # Between the decision and the look lie some 20 ms, and the decision itself has looked at lane and site.
    Mutant(machine._looking, "    if objections:", "    if False:"),
    # A release that no status shows is told again.
    Mutant(obeying._free, "freed: list[Effect] = [Release(way_out), ", "freed: list[Effect] = ["),
    # The status after it shows a grant that nobody has, and it is told again (`gate.passage.wanting`).
    Mutant(endings.revoke, "return referred, (Revoke(state.door), ", "return referred, ("),
    # The controller ends a grant by itself when its leaf was passed.
    Mutant(machine._passed, "(Revoke(), *effects)", "tuple(effects)"),
    # The controller closes behind the first body, and tells of a second one that went through.
    Mutant(machine._strays, "if seen.bodies > 1:", "if seen.bodies > 2:"),
)


def is_found(result: Run) -> bool:
    """True when somebody who reads the report sees that something is wrong."""
    tally = result.tally
    return result.violation is not None or tally.genuine_admitted < GENUINE_SHARE_MIN * tally.genuine


@pytest.mark.long
def test_the_machine_itself_is_found_sound() -> None:
    assert not is_found(run(Wishes(SEED, CROSSINGS, faults=True)))


@pytest.mark.long
@pytest.mark.parametrize("mutant", FOUND, ids=str)
def test_a_mutant_is_found(mutant: Mutant) -> None:
    with living(mutant):
        assert is_found(run(Wishes(SEED, CROSSINGS, faults=True)))


@pytest.mark.long
@pytest.mark.parametrize("mutant", SURVIVE, ids=str)
def test_a_mutant_that_something_else_makes_up_for_is_not_found(mutant: Mutant) -> None:
    with living(mutant):
        assert not is_found(run(Wishes(SEED, CROSSINGS, faults=True)))


@pytest.mark.parametrize("mutant", [*FOUND, *SURVIVE], ids=str)
def test_every_mutant_lives_and_dies(mutant: Mutant) -> None:
    sound = mutant.function.__code__
    with living(mutant):
        assert mutant.function.__code__ is not sound
    assert mutant.function.__code__ is sound
