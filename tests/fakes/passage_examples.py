"""A lane for tests: rules, facts and a small driver that feeds events to the machine and collects its effects."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from gate.passage import machine, states
from gate.passage.effects import Effect, Write
from gate.passage.events import DocumentPresented, DocumentRead, DoorSeen, Event, FaceCompared, Recorded, SiteSeen
from gate.passage.lane import LaneContext, Timing
from gate.passage.names import RecordKind
from gate.passage.orders import Admit, BePresent, Command, Missing, Ordered, Said
from gate.passage.policy import Policy
from gate.passage.records import Decided
from gate_core.evidence.crossing import Check, CheckId, CheckResult, DocumentEvidence, FaceEvidence, Score
from gate_core.evidence.names import Role

CROSSING = "c1"
RULES = states.Rules(
    Policy(
        face_match_min=Score(0.411),
        liveness_min=Score(0.5),
        officer_presence_max_s=120,
        trust_age_max_days=90,
        test_documents=True,
    ),
    Timing(),
)
AT_REST = DoorSeen(
    closed=True,
    bodies=0,
    passages_entry=0,
    passages_exit=0,
    power_ups=1,
    grants_left=0,
    fire=False,
    emergency_open=False,
    alarms=(),
)
GENUINE = DocumentEvidence(
    checks=tuple(Check(check_id, CheckResult.SUCCESSFUL) for check_id in CheckId), issuer="UTO", test_issuer=True
)
SAME_FACE = FaceEvidence(
    faces=1, match=Score(0.8), liveness=Score(0.9), portrait_usable=True, track_held=True, model="m"
)


def said(officer: str = "officer-1", missing: tuple[Missing, ...] = ()) -> Said:
    """An officer's word; the name says the role (`supervisor-1`), else it is an officer's."""
    role = next((one for one in Role if officer.startswith(f"{one.value}-")), Role.OFFICER)
    return Said(officer, role, "a reason", missing)


def ordered(command: Command, officer: str = "officer-1", *, version: int = 0, number: int = 1) -> Ordered:
    """An order, answering a challenge of this version."""
    return Ordered(number, version, said(officer), command)


@dataclass
class Run:
    """One lane under test."""

    rules: states.Rules = RULES
    now_ms: int = 1_000
    lane: LaneContext = field(default_factory=LaneContext)
    state: states.State = field(default_factory=lambda: machine.start(())[0])
    effects: list[Effect] = field(default_factory=list)

    def feed(self, *events: Event, after_ms: int = 0) -> list[Effect]:
        """Feed events and return the effects of these alone."""
        self.now_ms += after_ms
        new: list[Effect] = []
        for event in events:
            self.lane, self.state, effects = machine.step(self.rules, self.lane, self.state, event, self.now_ms)
            new.extend(effects)
        self.effects.extend(new)
        return new

    def order(self, command: Command, officer: str = "officer-1", *, after_ms: int = 0) -> list[Effect]:
        """Feed an order that answers a fresh challenge."""
        return self.feed(ordered(command, officer, version=self.lane.version), after_ms=after_ms)


def ready() -> Run:
    """A lane that invites travellers."""
    run = Run()
    run.feed(AT_REST, ordered(BePresent()), SiteSeen(1.0, clock_sure=True))
    return run


def inspecting() -> Run:
    """A crossing whose opening is durable."""
    run = ready()
    run.feed(DocumentPresented(CROSSING), Recorded(CROSSING, RecordKind.OPENED))
    return run


def recording(document: DocumentEvidence = GENUINE, face: FaceEvidence = SAME_FACE) -> Run:
    """A decision that waits for its receipt."""
    run = inspecting()
    run.feed(DocumentRead(CROSSING, document), FaceCompared(CROSSING, face))
    return run


def decided_record() -> Decided:
    """The record of a decision to admit."""
    (record,) = (
        one.record for one in recording().effects if isinstance(one, Write) and isinstance(one.record, Decided)
    )
    return record


def looking() -> Run:
    """An admission whose receipt has come; the lane is looked at again."""
    run = recording()
    run.feed(Recorded(CROSSING, RecordKind.DECIDED))
    return run


def referred() -> Run:
    """A traveller whose face is not that of the document waits for an officer."""
    run = recording(face=replace(SAME_FACE, match=Score(0.1)))
    run.feed(Recorded(CROSSING, RecordKind.DECIDED))
    return run


def overruling() -> Run:
    """An officer's admission that waits for its receipt."""
    run = referred()
    run.order(Admit(CROSSING))
    return run


def granted_by_officer() -> Run:
    """An officer's grant on its way."""
    run = overruling()
    run.feed(Recorded(CROSSING, RecordKind.OVERRULED))
    run.feed(AT_REST, after_ms=10)
    return run


def granted() -> Run:
    """A grant on its way."""
    run = looking()
    run.feed(AT_REST, after_ms=10)
    return run
