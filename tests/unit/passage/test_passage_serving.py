"""Whom a lane serves and which way over the border: by order, between two travellers only, and never a refusal."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fakes import passage_examples as one
from fakes import two_door_lane as two
from fakes.passage_examples import AT_REST, CROSSING, GENUINE, RULES, SAME_FACE, Run

from gate.channel.log_messages import REMEMBERED_BYTES_MAX
from gate.passage.draws import Draw
from gate.passage.effects import Answer, Effect, OpenCamera, Show, Write
from gate.passage.events import (
    Counters,
    DocumentPresented,
    DocumentRead,
    Event,
    FaceCompared,
    Recorded,
    SensorsSeen,
    SiteSeen,
    Tick,
)
from gate.passage.names import Disposition, Outcome, RecordKind
from gate.passage.orders import Admit, BePresent, Command, HandOver, Hold, LaneOrder, ServeDirection, ServeTravellers
from gate.passage.policy import Verdict, document_objections
from gate.passage.records import Decided, EntryDecided, Obeyed, ObeyedVerb, Opened
from gate.passage.states import Emergency, Inspecting, Recording, Referred, crossing_of
from gate.programs.lane.records import HITS_MAX, PROTECTED_MAX, REPLACED_MAX, Hit, Remembered, encode, replay
from gate_core.evidence.crossing import Alarm, CheckId, CheckResult, DocumentEvidence, Door, Score
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.screen import Screen
from gate_core.evidence.service_scope import EU, EVERYBODY, BorderDirection, Service, Travellers
from gate_documents.countries import is_state_code

ENTRY, EXIT = BorderDirection
CREW = Travellers("crew", ("PHL", "IND"))
SERVICE = Service((ENTRY, EXIT), (EVERYBODY, EU, CREW))
EUROPEAN: DocumentEvidence = replace(GENUINE, nationality="FRA")
OTHER: DocumentEvidence = replace(GENUINE, nationality="CAN")
NAMELESS = GENUINE
FORGED = tuple(
    replace(check, result=CheckResult.FAILED) if check.id is CheckId.SOD_SIGNATURE else check
    for check in GENUINE.checks
)
SERVE: tuple[Command, ...] = (ServeDirection(EXIT), ServeTravellers("eu"))


def serving(stage: Callable[[], Run] = one.ready, *commands: Command) -> Run:
    """A run that has come so far, of a lane that may serve everything, after these orders."""
    run = stage()
    run.rules = replace(run.rules, service=SERVICE)
    for command in commands:
        assert answer(run.order(command)).outcome is Outcome.DONE
    return run


def answer(effects: list[Effect]) -> Answer:
    """How an order was answered."""
    (said,) = (effect for effect in effects if isinstance(effect, Answer))
    return said


def decided(run: Run) -> Decided | EntryDecided:
    """The latest decision that was written."""
    found = [effect.record for effect in run.effects if isinstance(effect, Write)]
    return [record for record in found if isinstance(record, Decided | EntryDecided)][-1]


def body(record: Decided | EntryDecided) -> dict[str, Any]:
    """A decision as an auditor has it."""
    fields: dict[str, Any] = json.loads(encode(record))
    return fields


def comes(run: Run, document: DocumentEvidence, score: float = 0.8) -> Run:
    """A traveller comes to a lane of one door and is decided on, durably."""
    run.feed(AT_REST, DocumentPresented(CROSSING), Recorded(CROSSING, RecordKind.OPENED))
    run.feed(DocumentRead(CROSSING, document), FaceCompared(CROSSING, replace(SAME_FACE, match=Score(score))))
    run.feed(Recorded(CROSSING, RecordKind.DECIDED))
    return run


def shown(run: Run) -> Screen:
    """What the traveller sees."""
    return [effect.screen for effect in run.effects if isinstance(effect, Show)][-1]


# ── whom ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_group_eu_is_of_31_states_in_the_letters_of_the_mrz() -> None:
    assert EU.nationalities is not None
    assert len(set(EU.nationalities)) == len(EU.nationalities) == 27 + 3 + 1
    assert all(is_state_code(code) for code in EU.nationalities)
    assert {"D", "CHE", "NOR", "ISL", "LIE"} < set(EU.nationalities)
    assert not {"DEU", "GBR", "EUE", "UTO"} & set(EU.nationalities)


@pytest.mark.parametrize(
    ("travellers", "document", "objections"),
    [
        (EVERYBODY, OTHER, ()),
        (EVERYBODY, NAMELESS, ()),
        (EU, EUROPEAN, ()),
        (EU, OTHER, (Objection(Reason.NOT_SERVED, "eu"),)),
        (EU, NAMELESS, (Objection(Reason.DOCUMENT_CHECK_MISSING, "nationality"),)),
        (EU, replace(GENUINE, nationality="XXA"), (Objection(Reason.NOT_SERVED, "eu"),)),
        (CREW, EUROPEAN, (Objection(Reason.NOT_SERVED, "crew"),)),
        (Travellers("gone", ()), EUROPEAN, (Objection(Reason.NOT_SERVED, "gone"),)),
    ],
)
def test_whom_the_lane_does_not_serve_it_refers(
    travellers: Travellers, document: DocumentEvidence, objections: tuple[Objection, ...]
) -> None:
    assert document_objections(document, replace(RULES.policy, travellers=travellers)) == objections


def test_it_stands_beside_whatever_else_is_found() -> None:
    policy = replace(RULES.policy, travellers=EU, test_documents=False)
    found = document_objections(replace(OTHER, checks=FORGED), policy)
    reasons = [objection.reason for objection in found]
    assert reasons == [Reason.DOCUMENT_CHECK_FAILED, Reason.TEST_DOCUMENT, Reason.NOT_SERVED]


def test_a_european_is_let_through_a_lane_for_europeans_and_everybody_else_is_shown_theirs() -> None:
    run = comes(serving(one.ready, ServeTravellers("eu")), EUROPEAN)
    assert decided(run).decision is Verdict.ADMIT
    run = comes(serving(one.ready, ServeTravellers("eu")), OTHER)
    assert isinstance(run.state, Referred)
    assert run.state.objections == (Objection(Reason.NOT_SERVED, "eu"),)
    assert shown(run) is Screen.OTHER_LANE
    run.order(Admit(CROSSING))  # an officer may, as in every referral
    run.feed(Recorded(CROSSING, RecordKind.OVERRULED))
    run.feed(AT_REST, after_ms=10)
    assert shown(run) is Screen.GO


@pytest.mark.parametrize("document", [OTHER, replace(OTHER, checks=FORGED)])
@pytest.mark.parametrize("score", [0.8, 0.1])
def test_that_another_lane_serves_somebody_shows_whatever_else_is_found(
    document: DocumentEvidence, score: float
) -> None:
    run = comes(serving(one.ready, ServeTravellers("eu")), document, score)
    assert shown(run) is Screen.OTHER_LANE


@pytest.mark.parametrize("document", [replace(EUROPEAN, checks=FORGED), NAMELESS])
def test_whom_the_lane_serves_sees_the_screen_of_every_referral(document: DocumentEvidence) -> None:
    assert shown(comes(serving(one.ready, ServeTravellers("eu")), document)) is Screen.OFFICER


def test_a_referral_that_an_emergency_came_between_is_shown_as_before() -> None:
    run = comes(serving(one.ready, ServeTravellers("eu")), OTHER)
    run.feed(replace(AT_REST, fire=True, emergency_open=True), AT_REST)
    assert shown(run) is Screen.EMERGENCY
    run.order(LaneOrder.END_EMERGENCY)
    run.feed(AT_REST, after_ms=10)
    assert isinstance(run.state, Referred)
    assert shown(run) is Screen.OTHER_LANE


def test_whom_another_lane_serves_is_kept_no_longer_for_a_face_than_a_document_that_fails() -> None:
    for document in (OTHER, replace(EUROPEAN, checks=FORGED)):
        run = serving(one.ready, ServeTravellers("eu"))
        run.feed(DocumentPresented(CROSSING), Recorded(CROSSING, RecordKind.OPENED), DocumentRead(CROSSING, document))
        run.feed(Tick(), after_ms=run.rules.timing.face_after_failure_max_ms)
        assert isinstance(run.state, Inspecting)
        run.feed(Tick(), after_ms=1)
        assert isinstance(run.state, Recording)


def test_before_two_doors_it_is_the_document_that_says_so_and_the_first_door_stays_closed() -> None:
    run = serving(two.ready, ServeTravellers("eu"))
    run.feed(two.FIRST, two.LAST, two.EMPTY, DocumentPresented(CROSSING), Recorded(CROSSING, RecordKind.OPENED))
    run.feed(two.FIRST, two.LAST, two.EMPTY, DocumentRead(CROSSING, OTHER))
    run.feed(Recorded(CROSSING, RecordKind.ENTRY_DECIDED))
    assert isinstance(run.state, Referred)
    assert run.state.objections == (Objection(Reason.NOT_SERVED, "eu"),)
    assert shown(run) is Screen.OTHER_LANE
    assert OpenCamera(CROSSING) not in run.effects
    again, same = replay(body(decided(run)), door=Door.FIRST)
    assert same
    assert again.objections == run.state.objections


def test_two_decisions_of_one_crossing_are_by_the_same_travellers() -> None:
    run = serving(two.ready, ServeTravellers("eu"))
    run.feed(two.FIRST, two.LAST, two.EMPTY, DocumentPresented(CROSSING), Recorded(CROSSING, RecordKind.OPENED))
    run.feed(two.FIRST, two.LAST, two.EMPTY, DocumentRead(CROSSING, EUROPEAN))
    first = decided(run)
    run.feed(Recorded(CROSSING, RecordKind.ENTRY_DECIDED))
    run.feed(two.FIRST, two.LAST, two.EMPTY, after_ms=10)
    run.feed(replace(two.FIRST, closed=False, bodies=1, grants_left=1), after_ms=500)
    passed = replace(two.FIRST, passages_entry=1)
    run.feed(replace(passed, closed=False), after_ms=500)
    run.feed(passed, two.LAST, two.ALONE, two.ALONE, after_ms=500)
    run.feed(passed, two.LAST, two.ALONE, FaceCompared(CROSSING, SAME_FACE), after_ms=200)
    last = decided(run)
    assert isinstance(last, Decided)
    assert first.policy.travellers == last.policy.travellers == EU
    assert last.evidence.document == EUROPEAN


# ── what is written ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("document", [EUROPEAN, OTHER, NAMELESS])
@pytest.mark.parametrize("name", ["all", "eu", "crew"])
def test_a_decision_replays_from_its_record(document: DocumentEvidence, name: str) -> None:
    run = comes(serving(one.ready, *([] if name == "all" else [ServeTravellers(name)])), document)
    record = decided(run)
    again, same = replay(body(record))
    assert same
    assert again.objections == record.reasons
    assert record.policy.travellers.name == name


def test_a_decision_that_was_for_others_does_not_replay() -> None:
    fields = body(decided(comes(serving(one.ready, ServeTravellers("eu")), EUROPEAN)))
    assert replay(fields)[1]
    fields["policy"]["travellers"]["nationalities"].remove("FRA")
    assert not replay(fields)[1]


def test_a_record_from_before_is_of_everybody() -> None:
    fields = body(decided(comes(serving(), OTHER)))
    del fields["policy"]["travellers"], fields["evidence"]["document"]["nationality"]
    again, same = replay(fields)
    assert same
    assert again.verdict is Verdict.ADMIT


def test_a_nationality_is_written_only_where_it_is_asked_for() -> None:
    assert body(decided(comes(serving(), OTHER)))["evidence"]["document"]["nationality"] == ""
    run = comes(serving(one.ready, ServeTravellers("eu")), OTHER)
    assert body(decided(run))["evidence"]["document"]["nationality"] == "CAN"


def test_every_crossing_is_opened_with_its_direction() -> None:
    for commands, direction in (((), ENTRY), ((ServeDirection(EXIT),), EXIT)):
        run = comes(serving(one.ready, *commands), GENUINE)
        assert Write(Opened(CROSSING, direction), awaited=True) in run.effects


# ── when ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def passing() -> Run:
    """The traveller is through, and the leaf has not closed yet."""
    run = one.granted()
    run.feed(replace(AT_REST, closed=False, passages_entry=1), after_ms=100)
    return run


def opening() -> Run:
    """A document was laid, and its opening is not durable yet."""
    run = one.ready()
    run.feed(DocumentPresented(CROSSING))
    return run


def in_an_emergency() -> Run:
    """The fire input is active."""
    run = one.ready()
    run.feed(replace(AT_REST, fire=True, emergency_open=True))
    return run


def in_the_zone() -> Run:
    """Somebody stands in the zone and has laid nothing."""
    run = one.ready()
    run.feed(replace(AT_REST, bodies=1))
    return run


def inside(seen: SensorsSeen) -> Callable[[], Run]:
    """Nobody is served, and the sensors say this."""

    def stage() -> Run:
        run = two.ready()
        run.feed(seen, seen)
        return run

    return stage


def nobody_tells() -> Run:
    """Nothing is known yet of what is between two doors."""
    return two.lane()


MID_CROSSING: dict[str, Callable[[], Run]] = {
    "opening": opening,
    "inspecting": one.inspecting,
    "recording": one.recording,
    "looking": one.looking,
    "granted": one.granted,
    "passing": passing,
    "referred": one.referred,
    "overruling": one.overruling,
    "granted by an officer": one.granted_by_officer,
    "emergency": in_an_emergency,
    "in the zone": in_the_zone,
    "reading": two.reading,
    "let in": two.let_in,
    "first granted": two.first_granted,
    "entering": two.entering,
    "enclosed": two.enclosed,
    "deciding": two.deciding,
    "last granted": two.granted,
    "referred inside": two.referred_inside,
    "somebody inside": inside(two.ALONE),
    "several inside": inside(two.TWO),
    "sensors cannot tell": inside(replace(two.EMPTY, people=None)),
    "nobody tells": nobody_tells,
}
BETWEEN: dict[str, Callable[[], Run]] = {
    "one door": one.ready,
    "two doors": two.ready,
    "closed": lambda: after(one.ready, LaneOrder.PAUSE),
    "asked to maintain": lambda: after(one.ready, LaneOrder.MAINTAIN),
    "two doors closed": lambda: after(two.ready, LaneOrder.PAUSE),
}


def after(stage: Callable[[], Run], command: Command) -> Run:
    """A run that has come so far, and an order."""
    run = stage()
    assert answer(run.order(command)).outcome is Outcome.DONE
    return run


@pytest.mark.parametrize("command", SERVE, ids=lambda command: type(command).__name__)
@pytest.mark.parametrize("stage", MID_CROSSING.values(), ids=MID_CROSSING)
def test_while_somebody_is_in_the_lane_or_waits_nothing_changes(stage: Callable[[], Run], command: Command) -> None:
    run = serving(stage)
    state, version = run.state, run.lane.version
    effects = run.order(command)
    why = "an emergency" if isinstance(state, Emergency) else "somebody is in the lane, or waits for an officer"
    assert effects == [Answer(1, Outcome.IMPOSSIBLE, why)]
    assert (run.state, run.lane.version) == (state, version)
    assert (run.lane.direction, run.lane.travellers) == (ENTRY, EVERYBODY)


@pytest.mark.parametrize("command", SERVE, ids=lambda command: type(command).__name__)
@pytest.mark.parametrize("stage", BETWEEN.values(), ids=BETWEEN)
def test_between_two_travellers_the_lane_serves_others_from_now_on(stage: Callable[[], Run], command: Command) -> None:
    run = serving(stage)
    state, version = run.state, run.lane.version
    assert answer(run.order(command)).outcome is Outcome.DONE
    assert (run.state, run.lane.version) == (state, version + 1)
    assert (run.lane.direction, run.lane.travellers) in {(EXIT, EVERYBODY), (ENTRY, EU)}


# ── over a restart ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_next_start_is_told_what_was_ordered() -> None:
    told = Remembered()
    for effect in serving(one.ready, *SERVE).effects:
        if isinstance(effect, Write):
            told = told.after(effect.record)
    told = Remembered.of(told.to_bytes())
    assert (told.direction, told.travellers) == (EXIT, "eu")
    assert SERVICE.direction_after(told.direction) is EXIT
    assert SERVICE.travellers_after(told.travellers) is EU


def test_a_start_after_the_rules_were_changed_serves_no_more_than_was_ordered() -> None:
    assert Service().direction_after(EXIT) is ENTRY
    assert Service((EXIT,)).direction_after(None) is EXIT
    assert Service().travellers_after(None) is EVERYBODY
    assert Service().travellers_after("crew") == Travellers("crew", ())
    larger = Travellers("crew", ("PHL",))
    assert Service(groups=(EVERYBODY, larger)).travellers_after("crew") == larger


def test_whatever_is_remembered_fits_what_the_log_keeps() -> None:
    counters = Counters(2**32 - 1, 2**32 - 1, 0xFFFF)
    crossing, officer, alarms = (
        "c" * 32,
        "o" * 64,
        tuple(Alarm),
    )  # as long as the lane draws them, and as an authority certifies
    everything = Remembered(
        counters,
        (crossing,) * REPLACED_MAX,
        crossing,
        alarms,
        officer,
        officer,
        officer,
        counters,
        alarms,
        ENTRY,
        "t" * 32,
        called=True,
        protected=("p" * 32,) * PROTECTED_MAX,
        draw=Draw("2026-12-05", 10_000, bytes(32)),
        hits=(Hit(crossing, "r" * 32, "h" * 32, Disposition.ADMITTED_BY_OFFICER),) * HITS_MAX,
    )
    assert len(everything.to_bytes()) <= REMEMBERED_BYTES_MAX


# ── whatever happens ─────────────────────────────────────────────────────────────────────────────────────────────────


def days(stage: Callable[[], Run], seed: int) -> tuple[int, int]:
    """What may happen, in any order, three thousand times; how many decisions and how many changes there were."""
    rng, run = random.Random(seed), serving(stage)
    of: dict[str, tuple[BorderDirection, Travellers]] = {}
    decisions = changes = 0
    for number in range(3_000):
        what = rng.choice(may_happen(run, number, rng))
        effects = run.feed(what, after_ms=20) if isinstance(what, Event) else run.order(what, after_ms=20)
        for record in (effect.record for effect in effects if isinstance(effect, Write)):
            match record:
                case Opened(crossing, direction):
                    of[crossing] = (direction, run.lane.travellers)
                case Decided(crossing, policy=policy) | EntryDecided(crossing, policy=policy):
                    decisions += 1
                    assert of[crossing] == (run.lane.direction, policy.travellers)
                case Obeyed(verb=ObeyedVerb.DIRECTION | ObeyedVerb.MODE):
                    changes += 1
                case _:
                    pass
    return decisions, changes


def may_happen(run: Run, number: int, rng: random.Random) -> list[Event | Command]:
    """What takes a crossing on or ends it, and orders."""
    crossing = crossing_of(run.state) or ""
    rare: list[Event | Command] = (
        [LaneOrder.OPEN_EMERGENCY, LaneOrder.PAUSE, Hold(crossing)] if rng.random() < 0.1 else []
    )
    goes_on: list[Event | Command] = [
        *(Recorded(crossing, kind) for kind in (RecordKind.OPENED, RecordKind.ENTRY_DECIDED, RecordKind.DECIDED)),
        DocumentRead(crossing, rng.choice([EUROPEAN, OTHER])),
        FaceCompared(crossing, SAME_FACE),
    ]
    lane: list[Event | Command] = [two.FIRST, two.LAST, two.EMPTY] if run.lane.two_doors else [AT_REST]
    return [
        *(ServeDirection(direction) for direction in BorderDirection),
        *(ServeTravellers(name) for name in ("all", "eu", "crew")),
        *(HandOver(waits.crossing, Disposition.WALKED_BACK) for waits in run.lane.waiting),
        DocumentPresented(f"c{number}"),
        *(4 * goes_on),
        *(3 * lane),
        *(BePresent(), LaneOrder.OPEN, LaneOrder.END_EMERGENCY, SiteSeen(1.0, clock_sure=True)),
        *rare,
    ]


@pytest.mark.parametrize("stage", [one.ready, two.ready], ids=["one door", "two doors"])
@pytest.mark.parametrize("seed", range(3))
def test_no_crossing_is_of_two_directions_or_two_groups(stage: Callable[[], Run], seed: int) -> None:
    decisions, changes = days(stage, seed)
    assert decisions > 10
    assert changes > 40
