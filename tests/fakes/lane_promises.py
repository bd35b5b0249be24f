"""What docs/safety.md and docs/lane.md promise of a lane of two doors, judged on the events and effects of `machine.step` alone.

`Promises` keeps an account of its own: statuses, grants, receipts, crossings. `CLAIMS` has one predicate for each sentence of the text; it
returns the breach, or nothing. Written from the two pages, without the machine's reducers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from gate.passage import effects, events, records
from gate.passage.effects import Effect
from gate.passage.events import Event, Part
from gate.passage.lane import LaneContext
from gate.passage.names import ClosedAs, Disposition, Outcome, RecordKind, TrackChange, Wish
from gate.passage.orders import BePresent, HandOver, Hold, LaneOrder, Ordered, ViewTraveller
from gate.passage.policy import Verdict
from gate.passage.states import Rules
from gate_core.evidence.crossing import Alarm, CheckResult, Door
from gate_core.evidence.reasons import Reason
from gate_core.evidence.screen import Screen
from gate_core.ports.values import Direction

OF_DOOR = {Part.FIRST_BARRIER: Door.FIRST, Part.BARRIER: Door.LAST}
OTHER = {Door.FIRST: Door.LAST, Door.LAST: Door.FIRST}
SLACK_MS = 600  # ticks and statuses come every 100 ms or so; more than that is a pause of the world
PAUSE_MS = 260


class BrokenPromiseError(AssertionError):
    """A sentence of the text does not hold."""


@dataclass
class Out:
    """A grant that may still open its door."""

    crossing: str
    at: int
    ttl: int
    shown: bool = False  # a status showed it, or what it opened
    entered: bool = False
    revoked: int | None = None


@dataclass
class DoorAccount:
    """What is known of a door from outside."""

    seen: events.DoorSeen | None = None
    seen_ms: int = 0
    seen_step: int = 0
    back_ms: int = 0
    counted: events.Counters | None = None
    out: Out | None = None
    revoke_ms: int | None = None
    release_ms: int = -(10**9)
    unshut_ms: int = -(10**9)
    told_ms: int = 0


@dataclass
class Receipt:
    """A durable decision or officer's admission."""

    step: int
    used: bool = False


@dataclass
class Crossing:
    """A crossing's account."""

    opened: bool = False
    started: bool = False
    document: events.DocumentRead | None = None
    hit: bool = False
    answered: bool = False
    face: events.FaceCompared | None = None
    face_ms: int = 0
    session: int | None = None
    face_spoilt: str = ""
    spoilt: str = ""
    objections: set[object] = field(default_factory=set)
    receipts: dict[Door, Receipt] = field(default_factory=dict)
    inside: bool = False
    through: bool = False
    verdict: ClosedAs | None = None
    settled: bool = False
    handed: bool = False
    overruled: bool = False
    erased: bool = False


Kind = TypeVar("Kind")
Kept = TypeVar("Kept", bound=records.Record)


@dataclass
class Step:
    """One step: the event, what it caused, and what the event newly said of a door."""

    event: Event | None
    found: tuple[Effect, ...]
    now: int
    was: events.DoorSeen | None = None
    passed: int = 0
    left: int = 0
    began: bool = False  # an emergency

    def of(self, kind: type[Kind]) -> Iterator[Kind]:
        """The effects of a kind."""
        return (one for one in self.found if isinstance(one, kind))

    def records(self, kind: type[Kept]) -> Iterator[Kept]:
        """The records of a kind that the step writes."""
        return (one.record for one in self.found if isinstance(one, effects.Write) and isinstance(one.record, kind))

    def tells(self, kind: type[effects.Revoke | effects.Release], door: Door) -> bool:
        """Whether the step gives this door an order of this kind."""
        return any(isinstance(one, kind) and one.door is door for one in self.found)


Claim = Callable[["Promises", Step], str]
CLAIMS: dict[str, tuple[str, Claim]] = {}


def claim(sentence: str) -> Callable[[Claim], Claim]:
    """A predicate for this sentence of the text; its name begins with the invariant's number."""

    def kept(predicate: Claim) -> Claim:
        CLAIMS[predicate.__name__] = (sentence, predicate)
        return predicate

    return kept


class Promises:
    """The account, and the judge."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.seen: dict[str, int] = {}
        self.step = 0
        self.emergency = False
        self.fire_ms = -1
        self.end_ordered: int | None = None
        self.restarted(0, [], None, unknown=False)
        self.emergency = False

    def restarted(
        self,
        now: int,
        log: list[records.Record],
        through: str | None,
        *,
        unknown: bool,
    ) -> None:
        """The lane program died: what the log says is what is known."""
        before = getattr(self, "doors", {})
        self.doors = {door: DoorAccount(back_ms=now) for door in Door}
        for door, one in before.items():
            self.doors[door].release_ms = one.release_ms
        for record in log:
            if isinstance(record, records.Passed | records.Counted) and record.counters is not None:
                self.doors[record.door].counted = record.counters
        self.sensors: events.SensorsSeen | None = None
        self.sensors_ms = self.sensors_step = self.pressed_ms = 0
        self.crossings: dict[str, Crossing] = {}
        for record in log:
            if isinstance(record, records.Opened):
                self.crossings[record.crossing] = Crossing(opened=True)
            elif isinstance(record, records.Closed):
                self.crossings.setdefault(record.crossing, Crossing()).verdict = record.verdict
            elif isinstance(record, records.Settled):
                self.crossings.setdefault(record.crossing, Crossing()).settled = True
        if through:
            self.crossings[through].through = True
        self.lost: set[Part] = set()
        self.presence_ms = self.site_ms = -(10**9)
        self.clock_sure = False
        self.unknown = unknown
        self.closed_lane = False
        self.pending: dict[tuple[str, RecordKind], records.Record] = {}
        self.views: dict[int, str] = {}
        self.waits_since: int | None = None
        self.officer_release_ms = -(10**9)
        self.last_ms = now
        self.screen = Screen.CLOSED
        self.help = self.object = False
        self.end_ordered = None
        if unknown:
            self.emergency = False

    def running(self) -> Iterator[tuple[str, Crossing]]:
        """Crossings without a verdict, or admitted by an officer and not settled."""
        return (
            (name, one)
            for name, one in self.crossings.items()
            if one.opened and (one.verdict is None or (one.overruled and not one.settled))
        )

    def waiting(self) -> list[str]:
        """Referrals that no officer has settled."""
        return [name for name, one in self.crossings.items() if one.verdict is ClosedAs.REFERRED and not one.settled]

    def judge(self, event: Event | None, found: tuple[Effect, ...], now: int, lane: LaneContext) -> None:
        """Judge a step. Raises BrokenPromiseError."""
        self.step += 1
        self.lane = lane
        step = Step(event, found, now)
        self.hear(step)
        for name, (sentence, predicate) in CLAIMS.items():
            if breach := predicate(self, step):
                raise BrokenPromiseError(
                    f"{name}: {sentence}\n{breach}\nat {now}: {event}\n" + "\n".join(map(str, found))
                )
        self.last_ms = now
        for one in found:
            self.account(one, now)

    def hit(self, name: str) -> None:
        """Count that a predicate had something to judge."""
        self.seen[name] = self.seen.get(name, 0) + 1

    def spoil(self, why: str) -> None:
        """Something happened that lets no running crossing through."""
        for _, one in self.running():
            one.spoilt = one.spoilt or why

    # ── what an event says ──
    def hear(self, step: Step) -> None:  # noqa: C901, PLR0912 - a case for each event
        """Take an event into the account."""
        event, now = step.event, step.now
        for door in self.doors.values():
            if door.out is not None and now > door.out.at + door.out.ttl + self.rules.timing.grant_slack_ms:
                door.out = None
        match event:
            case events.DoorSeen():
                self.see(step, event)
            case events.SensorsSeen():
                before, self.sensors, self.sensors_ms, self.sensors_step = self.sensors, event, now, self.step
                if event.call_pressed and (before is None or not before.call_pressed):
                    self.pressed_ms, self.help = now, True
                self.object = event.object_left is not False
            case events.PartLost(part):
                self.lost.add(part)
                if part in OF_DOOR:
                    self.doors[OF_DOOR[part]].seen = None
                if part is Part.SENSORS:
                    self.sensors = None
                if part in {*OF_DOOR, Part.SENSORS}:
                    self.spoil(f"lost {part}")
            case events.PartBack(part):
                self.lost.discard(part)
                if part in OF_DOOR:
                    self.doors[OF_DOOR[part]].back_ms = now
            case events.SiteSeen(_, sure):
                self.site_ms, self.clock_sure = now, sure
            case events.Recorded(crossing, kind) if (crossing, kind) in self.pending:
                self.receipt(crossing, self.pending.pop((crossing, kind)))
            case events.NotRecorded(crossing, kind):
                self.pending.pop((crossing, kind), None)
            case events.DocumentRead(crossing) if self.runs(crossing):
                self.crossings[crossing].document = event
            case events.RegistersAnswered(crossing, findings) if self.runs(crossing):
                self.crossings[crossing].answered = True
                self.crossings[crossing].hit |= any(one.objection is not None for one in findings)
            case (
                events.FaceSeen(crossing, session=session)
                | events.FaceCompared(crossing, session=session)
                | events.TrackChanged(crossing, session=session)
            ) if crossing in self.crossings:
                self.look(self.crossings[crossing], event, session, now)
            case events.TravellerAsked(_, wish) if wish is not Wish.MORE_TIME:
                if not self.lane.asked_often or wish is Wish.PROTECTION:
                    self.spoil(f"asked for {wish}")
            case Ordered():
                self.obey(event, now)
            case _:
                pass

    def see(self, step: Step, seen: events.DoorSeen) -> None:
        """A door's status."""
        door, now = self.doors[seen.door], step.now
        step.was = door.seen
        known = door.counted
        door.seen, door.seen_ms, door.seen_step, door.counted = seen, now, self.step, seen.counters
        if known is not None:
            anew = seen.power_ups != known.power_ups
            step.passed = seen.passages_entry - (0 if anew else known.entry)
            step.left = seen.passages_exit - (0 if anew else known.exit)
        if not seen.closed or seen.unknown or seen.grants_left:
            door.unshut_ms = now
        out, mine = door.out, None
        if out is not None:
            out.shown = out.shown or seen.grants_left > 0 or not seen.closed or seen.bodies > 0
            if step.passed > 0 and out.revoked is None:
                mine = (seen.door, out)
            elif out.revoked is not None and not seen.grants_left:
                door.out = None
        if seen.fire or seen.emergency_open:
            step.began = not self.emergency
            self.begin_emergency(now)
            if seen.fire:
                self.fire_ms = now
        if step.passed - (mine is not None) > 0 or step.left:
            for _, one in self.running():
                if one.inside:
                    one.spoilt = one.spoilt or "a passage"
        if mine is not None:
            self.pass_door(*mine)

    def begin_emergency(self, now: int) -> None:
        """An emergency ends every grant."""
        self.emergency, self.unknown = True, False
        for state in self.doors.values():
            if state.out is not None and state.out.revoked is None:
                state.out.revoked = now

    def pass_door(self, door: Door, out: Out) -> None:
        """A grant was used."""
        one = self.crossings[out.crossing]
        one.inside, one.through = door is Door.FIRST, door is Door.LAST
        self.doors[door].out = None

    def runs(self, crossing: str) -> bool:
        """True for a crossing without a verdict."""
        return crossing in self.crossings and self.crossings[crossing].verdict is None

    def look(self, one: Crossing, event: events.OfLook, session: int, now: int) -> None:
        """The camera about a crossing's traveller."""
        if one.session is not None and session != one.session:
            one.face_spoilt = "another look"
        one.session = session
        if isinstance(event, events.FaceCompared):
            one.face, one.face_ms = event, now
        elif isinstance(event, events.TrackChanged) and one.face is not None and event.change is not TrackChange.LOST:
            one.face_spoilt = one.face_spoilt or str(event.change)

    def receipt(self, crossing: str, record: records.Record) -> None:
        """An awaited record is durable."""
        one = self.crossings.setdefault(crossing, Crossing())
        match record:
            case records.Opened():
                one.opened = True
            case records.EntryDecided(decision=Verdict.ADMIT):
                one.receipts[Door.FIRST] = Receipt(self.step)
            case records.Decided(decision=Verdict.ADMIT):
                one.receipts[Door.LAST] = Receipt(self.step)
            case records.Overruled():
                one.receipts = {door: Receipt(self.step) for door in Door}
                one.overruled = True
            case _:
                pass

    def obey(self, event: Ordered, now: int) -> None:
        """An officer's order."""
        match event.command:
            case BePresent(age):
                self.presence_ms = max(self.presence_ms, now - age)
            case LaneOrder.OPEN_EMERGENCY:
                self.begin_emergency(now)
                self.end_ordered = None
            case LaneOrder.END_EMERGENCY:
                self.end_ordered = now
                self.unknown = False
            case LaneOrder.RELEASE:
                self.officer_release_ms = now
                self.spoil("released")
            case LaneOrder.PAUSE | LaneOrder.CLOSE:
                self.closed_lane = True
                if event.command is LaneOrder.PAUSE:
                    self.spoil("paused")
            case LaneOrder.OPEN:
                self.closed_lane = False
            case LaneOrder.ACKNOWLEDGE:
                self.help = False
            case Hold(crossing) if crossing in self.crossings:
                self.crossings[crossing].spoilt = "held"
            case ViewTraveller(crossing):
                self.views[event.number] = crossing
            case HandOver(crossing) if crossing in self.crossings:
                self.crossings[crossing].handed = True

    # ── what an effect does ──
    def account(self, one: Effect, now: int) -> None:
        """Take an effect into the account."""
        match one:
            case effects.Grant(crossing, ttl, door):
                self.doors[door].out = Out(crossing, now, ttl)
                self.doors[door].revoke_ms = None
                self.crossings[crossing].receipts[door].used = True
                if self.crossings[crossing].overruled:
                    for receipt in self.crossings[crossing].receipts.values():
                        receipt.used = True
            case effects.Revoke(door):
                self.doors[door].revoke_ms = now
                if (out := self.doors[door].out) is not None and out.revoked is None:
                    out.revoked = now
            case effects.Release(door):
                self.doors[door].release_ms = now
            case effects.Show(screen):
                self.screen = screen
            case effects.StartCrossing(crossing) if crossing in self.crossings:
                self.crossings[crossing].started = True
            case effects.Erase(crossing) if crossing in self.crossings:
                self.crossings[crossing].erased = True
            case effects.Write(record, awaited):
                if awaited:
                    self.pending[str(getattr(record, "crossing", "")), record.kind] = record
                self.write(record)
            case _:
                pass

    def write(self, record: records.Record) -> None:
        """Take a record into the account."""
        match record:
            case records.Opened(crossing):
                self.crossings.setdefault(crossing, Crossing())
            case records.EntryDecided(crossing, reasons=reasons) | records.Decided(crossing, reasons=reasons):
                self.crossings[crossing].objections |= set(reasons)
            case records.Overruled(crossing):
                one = self.crossings[crossing]
                one.receipts, one.spoilt, one.inside, one.through = {}, "", False, False
                self.presence_ms = self.last_ms
            case records.Closed(crossing, verdict):
                self.crossings.setdefault(crossing, Crossing(opened=True)).verdict = verdict
            case records.Settled(crossing):
                self.crossings[crossing].settled = True
            case records.EmergencyEnded():
                self.emergency, self.end_ordered = False, None
            case _:
                pass


# ── 1, 3, 4, 6, 9, 11, 15: a grant ──


def granting(promises: Promises, step: Step, name: str) -> Iterator[tuple[effects.Grant, Crossing, Receipt | None]]:
    """The grants of a step with their crossings and receipts."""
    for one in step.found:
        if isinstance(one, effects.Grant):
            promises.hit(name)
            crossing = promises.crossings.get(one.crossing, Crossing())
            yield one, crossing, crossing.receipts.get(one.door)


@claim("No admission is granted before the decision is durable.")
def i1_durable(promises: Promises, step: Step) -> str:
    return next(
        (f"no receipt for {one}" for one, _, receipt in granting(promises, step, "i1_durable") if receipt is None), ""
    )


@claim(
    "The grant answers the receipt and a fresh look at the lane: doors and sensors must all have reported after its receipt, at most 300 ms ago."
)
def i1_fresh_look(promises: Promises, step: Step) -> str:
    for one, _, receipt in granting(promises, step, "i1_fresh_look"):
        for door, state in promises.doors.items():
            if (
                state.seen is None
                or receipt is None
                or state.seen_step <= receipt.step
                or step.now - state.seen_ms > 300
            ):
                return f"{one}: {door} seen {step.now - state.seen_ms} ms ago"
        if (
            promises.sensors is None
            or receipt is None
            or promises.sensors_step <= receipt.step
            or step.now - promises.sensors_ms > 600
        ):
            return f"{one}: sensors"
    return ""


@claim("Grants in a direction never exceed verified travellers; a grant is sent once.")
def i3_once(promises: Promises, step: Step) -> str:
    return next(
        (
            f"{one} again"
            for one, _, receipt in granting(promises, step, "i3_once")
            if receipt is not None and receipt.used
        ),
        "",
    )


@claim(
    "Two doors are never both granted, and neither is granted while the other is not seen closed. Old or unknown status is never closed."
)
def i6_seen_closed(promises: Promises, step: Step) -> str:
    for one, _, _ in granting(promises, step, "i6_seen_closed"):
        for door, state in promises.doors.items():
            seen = state.seen
            if state.out is not None or (seen is not None and seen.grants_left):
                return f"{one}: {door} is granted: {state.out}"
            released = (
                door is not one.door
                and seen is not None
                and seen.may_be_old
                and step.now - state.release_ms <= promises.rules.timing.release_ms
            )
            if seen is None or not seen.closed or seen.unknown or released or step.now - state.seen_ms > 300:
                return f"{one}: {seen}"
    return ""


@claim("The first door opens if no person or object is between them; the last one, if one person is inside.")
def i6_who_is_inside(promises: Promises, step: Step) -> str:
    for one, crossing, _ in granting(promises, step, "i6_who_is_inside"):
        seen = promises.sensors
        if seen is None or (one.door is Door.FIRST and (seen.people != 0 or seen.object_left is not False)):
            return f"{one}: {seen}"
        if not crossing.overruled and seen.people != (one.door is Door.LAST):
            return f"{one}: {seen}"
    return ""


@claim("No fresh officer presence, no admission.")
def i9_presence(promises: Promises, step: Step) -> str:
    for one, crossing, _ in granting(promises, step, "i9_presence"):
        if (
            not crossing.overruled
            and step.now - promises.presence_ms > promises.rules.policy.officer_presence_max_s * 1_000
        ):
            return f"{one}: present {step.now - promises.presence_ms} ms ago"
    return ""


@claim("When the clock is unsure, the machine admits nobody.")
def i15_clock(promises: Promises, step: Step) -> str:
    return next(
        (
            f"{one}"
            for one, crossing, _ in granting(promises, step, "i15_clock")
            if not (promises.clock_sure or crossing.overruled)
        ),
        "",
    )


@claim(
    "What happens until the grant refers: a passage, a lost part, a request, an officer's word, somebody in the zone."
)
def i4_unspoilt(promises: Promises, step: Step) -> str:
    for one, crossing, _ in granting(promises, step, "i4_unspoilt"):
        face = one.door is Door.LAST and crossing.face_spoilt and not crossing.overruled
        bodies = (
            any(state.seen is not None and state.seen.bodies for state in promises.doors.values())
            and not crossing.overruled
        )
        if crossing.spoilt or face or bodies:
            return f"{one}: {crossing.spoilt or crossing.face_spoilt} {bodies=}"
    return ""


@claim(
    "A check that did not run, is stale, or was aborted never counts as passed; known lists and clock count only while young."
)
def i11_checks(promises: Promises, step: Step) -> str:
    decisions: tuple[records.Decided | records.EntryDecided, ...]
    decisions = (*step.records(records.Decided), *step.records(records.EntryDecided))
    for record in decisions:
        if record.decision is not Verdict.ADMIT:
            continue
        promises.hit("i11_checks")
        one = promises.crossings[record.crossing]
        if one.document is None or any(
            check.result is not CheckResult.SUCCESSFUL for check in one.document.evidence.checks
        ):
            return f"{record.crossing}: document {one.document}"
        if one.hit or not one.answered:
            return f"{record.crossing}: registers"
        if step.now - promises.site_ms > promises.rules.policy.site_age_max_s * 1_000 or not promises.clock_sure:
            return f"{record.crossing}: site"
        if record.reasons:
            return f"{record.crossing}: {record.reasons}"
    return ""


@claim(
    "Liveness below its bound, or not run, refers. A comparison counts only in the session of the camera in which it was made."
)
def i11_face(promises: Promises, step: Step) -> str:
    for record in step.records(records.Decided):
        if record.decision is not Verdict.ADMIT:
            continue
        promises.hit("i11_face")
        one, policy = promises.crossings[record.crossing], promises.rules.policy
        face = None if one.face is None else one.face.evidence
        if (
            one.face is None
            or face is None
            or face.match is None
            or face.liveness is None
            or face.faces != 1
            or not face.track_held
            or one.face_spoilt
        ):
            return f"{record.crossing}: {face} {one.face_spoilt}"
        if face.match.value < policy.face_match_min.value or face.liveness.value < policy.liveness_min.value:
            return f"{record.crossing}: {face}"
        if step.now - one.face_ms > policy.face_age_max_ms or one.face.session != one.session:
            return f"{record.crossing}: old, or of another session"
    return ""


# ── 2, 3: what never waits, and what is written ──


@claim("An officer's release waits for nothing. It opens the first door, towards the hall.")
def i2_release(promises: Promises, step: Step) -> str:
    if not (isinstance(step.event, Ordered) and step.event.command is LaneOrder.RELEASE) or promises.emergency:
        return ""
    promises.hit("i2_release")
    for one in step.found:
        if isinstance(one, effects.Release) and one.door is Door.FIRST:
            return ""
        if isinstance(one, effects.Write) and isinstance(one.record, records.Released):
            break
    return "no release before its record"


@claim("An emergency that an officer orders waits for nothing. It opens both doors.")
def i2_emergency(promises: Promises, step: Step) -> str:
    if not (isinstance(step.event, Ordered) and step.event.command is LaneOrder.OPEN_EMERGENCY):
        return ""
    for door, state in promises.doors.items():
        held = step.now - state.release_ms <= 1_000 + SLACK_MS or step.now - promises.last_ms > PAUSE_MS
        if (
            not step.tells(effects.Release, door)
            and not held
            and not (state.seen is not None and state.seen.emergency_open)
        ):
            return f"{door} gets no order"
    promises.hit("i2_emergency")
    return ""


@claim(
    "Whoever passes is in the log with the controller's own counters, in both directions and whatever the lane does meanwhile."
)
def i3_passages(promises: Promises, step: Step) -> str:
    if not isinstance(step.event, events.DoorSeen) or (step.passed <= 0 and step.left <= 0):
        return ""
    promises.hit("i3_passages")
    written = dict.fromkeys(Direction, 0)
    for record in step.records(records.Passed):
        if record.door is step.event.door and record.counters == step.event.counters:
            written[record.direction] += record.count
    expected = (max(0, step.passed), max(0, step.left))
    return "" if tuple(written.values()) == expected else f"{expected} passages, {written}"


# ── 4: what takes a grant back ──


def revoking(step: Step, door: Door) -> bool:
    """Whether a status says that a grant of this door must be taken back."""
    seen = step.event
    if not isinstance(seen, events.DoorSeen):
        return False
    if seen.door is not door:
        return not seen.closed or step.passed > 0 or step.left > 0
    return seen.bodies > 1 or step.left > 0 or Alarm.FORCED in seen.alarms or step.passed > 1


@claim(
    "A second body, somebody who comes the other way, a leaf forced, a switched track, a second person inside or a lost part revokes a grant."
)
def i4_revokes(promises: Promises, step: Step) -> str:  # noqa: C901 - a case for each cause
    if promises.emergency:
        return ""
    for door, state in promises.doors.items():
        out, event = state.out, step.event
        if out is None or out.revoked is not None:
            continue
        one = promises.crossings[out.crossing]
        why = ""
        match event:
            case events.DoorSeen() if revoking(step, door):
                why = "status"
            case events.TrackChanged(out.crossing, TrackChange.SWITCHED) if door is Door.LAST and not one.overruled:
                why = "switched"
            case events.SensorsSeen(people=people) if people is not None and people > 1:
                why = "inside" if not one.overruled or door is Door.FIRST else ""
            case events.SensorsSeen(call_pressed=True):
                why = "call button" if door is Door.LAST else ""
            case events.PartLost(part) if part in {*OF_DOOR, Part.SENSORS}:
                why = "lost"
            case Ordered(command=LaneOrder.RELEASE):
                why = "release"
            case Ordered(command=Hold(out.crossing)):
                why = "hold"
            case events.TravellerAsked(_, Wish.PROTECTION):
                why = "asked"
            case _:
                pass
        if why:
            promises.hit("i4_revokes")
            if not step.tells(effects.Revoke, door) and not step.tells(effects.Release, door):
                return f"{door}: {why}: {out}"
    return ""


@claim("A body that walked back out of the zone revokes it.")
def i4_walked_back(promises: Promises, step: Step) -> str:
    seen, was = step.event, step.was
    if not isinstance(seen, events.DoorSeen) or was is None or promises.emergency:
        return ""
    out = promises.doors[seen.door].out
    if (
        out is None
        or seen.door is Door.LAST
        or out.revoked is not None
        or not was.bodies
        or seen.bodies
        or not out.entered
    ):
        if out is not None and seen.bodies:
            out.entered = True
        return ""
    promises.hit("i4_walked_back")
    return "" if step.tells(effects.Revoke, seen.door) else f"{out}"


@claim("A grant is taken back when no status shows it within 2 s.")
def i4_not_shown(promises: Promises, step: Step) -> str:
    for door, state in promises.doors.items():
        out = state.out
        if out is None or out.shown or out.revoked is not None or step.now - out.at <= 2_000 or promises.emergency:
            continue
        promises.hit("i4_not_shown")
        if not step.tells(effects.Revoke, door):
            return f"{door}: {out}"
    return ""


@claim("A revocation is sent again until the controller's status shows it.")
def i4_again(promises: Promises, step: Step) -> str:
    seen = step.event
    if not isinstance(seen, events.DoorSeen) or not seen.grants_left or promises.emergency or promises.unknown:
        return ""
    state = promises.doors[seen.door]
    if (
        state.revoke_ms is None
        or (state.out is not None and state.out.revoked is None)
        or step.now - state.revoke_ms <= 250
    ):
        return ""
    if step.now - state.release_ms <= promises.rules.timing.release_ms:
        return ""
    promises.hit("i4_again")
    return "" if step.tells(effects.Revoke, seen.door) else f"{seen.door}: revoked {step.now - state.revoke_ms} ms ago"


# ── 7: emergencies ──


@claim("In an emergency the host sends no closing command, and grants nothing; alarms are cleared afterwards.")
def i7_nothing_closes(promises: Promises, step: Step) -> str:
    if not promises.emergency:
        return ""
    promises.hit("i7_nothing_closes")
    ended = any(True for _ in step.records(records.EmergencyEnded))
    bad = [one for one in step.found if isinstance(one, effects.Grant | effects.Revoke | effects.ClearAlarms)]
    return f"{bad}" if bad and not ended else ""


@claim("A fire or a board that stands open is an emergency at once: the screens show the way out.")
def i7_begins(promises: Promises, step: Step) -> str:
    if not step.began:
        return ""
    promises.hit("i7_begins")
    shown = any(one.screen is Screen.EMERGENCY for one in step.of(effects.Show)) or promises.screen is Screen.EMERGENCY
    return "" if shown and any(True for _ in step.records(records.EmergencyBegan)) else "no emergency"


@claim(
    "It ends only when the input is clear, an officer says so and the controller's status shows it; only then is its end written. A fire after the order takes another order."
)
def i7_end(promises: Promises, step: Step) -> str:
    for _ in step.records(records.EmergencyEnded):
        promises.hit("i7_end")
        if promises.end_ordered is None or promises.fire_ms > promises.end_ordered:
            return f"ordered at {promises.end_ordered}, fire at {promises.fire_ms}"
        for state in promises.doors.values():
            if state.seen is None or state.seen.fire or state.seen.emergency_open:
                return f"{state.seen}"
    return ""


@claim("The screens show the way out until the end.")
def i7_screen(promises: Promises, step: Step) -> str:
    if not promises.emergency or any(True for _ in step.records(records.EmergencyEnded)):
        return ""
    wrong = [one for one in step.of(effects.Show) if one.screen is not Screen.EMERGENCY]
    promises.hit("i7_screen")
    return f"{wrong}" if wrong else ""


@claim("In an emergency doors that no controller holds are opened each second, also after a restart.")
def i7_held(promises: Promises, step: Step) -> str:
    if not promises.emergency or promises.end_ordered is not None:
        return ""
    for door, state in promises.doors.items():
        seen = state.seen
        if (
            seen is None
            or seen.emergency_open
            or step.tells(effects.Release, door)
            or step.now - promises.last_ms > PAUSE_MS
            or step.began
        ):
            state.told_ms = step.now
        elif step.now - max(state.told_ms, state.back_ms, state.release_ms) > 1_000 + SLACK_MS:
            return f"{door}: told {step.now - state.release_ms} ms ago"
    promises.hit("i7_held")
    return ""


# ── 8: people can leave ──


@claim("The way back does not open while the last door is seen open or its grant may be in force.")
def i8_way_back_alone(promises: Promises, step: Step) -> str:
    if promises.emergency or step.now - promises.officer_release_ms <= promises.rules.timing.release_ms + 1_000:
        return ""
    if not step.tells(effects.Release, Door.FIRST):
        return ""
    promises.hit("i8_way_back_alone")
    last = promises.doors[Door.LAST]
    if last.seen is not None and step.now - last.seen_ms <= 300 and not last.seen.closed and not last.seen.unknown:
        return f"{last.seen}"
    out = last.out
    if out is not None and (out.revoked is None or step.now - out.revoked < 2_000):
        return f"{out}"
    return ""


@claim(
    "Whoever waits between two doors is offered the way back: after 30 s of a referral, again every 20 s, while the last door is closed."
)
def i8_way_back(promises: Promises, step: Step) -> str:
    last, first, seen = promises.doors[Door.LAST], promises.doors[Door.FIRST], promises.sensors
    waits = (
        seen is not None
        and bool(seen.people)
        and last.seen is not None
        and first.seen is not None
        and step.now - max(last.unshut_ms, last.back_ms) > 2_500
        and last.out is None
        and first.out is None
        and not promises.emergency
        and not promises.unknown
        and not any(True for _ in promises.running())
        and step.now - promises.last_ms <= 5_000
    )
    if not waits or step.tells(effects.Release, Door.FIRST) or first.seen is None or not first.seen.closed:
        promises.waits_since = None
    elif promises.waits_since is None:
        promises.waits_since = step.now
    elif step.now - promises.waits_since > 31_000:
        return f"inside since {step.now - promises.waits_since} ms"
    else:
        promises.hit("i8_way_back")
    return ""


@claim("It opens at once on the call button, while no traveller is being admitted.")
def i8_call(promises: Promises, step: Step) -> str:
    seen, last, first = step.event, promises.doors[Door.LAST], promises.doors[Door.FIRST]
    if (
        not isinstance(seen, events.SensorsSeen)
        or not seen.call_pressed
        or promises.pressed_ms != step.now
        or promises.emergency
        or promises.unknown
    ):
        return ""
    quiet = last.seen is not None and last.out is None and step.now - max(last.unshut_ms, last.back_ms) > 12_000
    if (
        not quiet
        or first.seen is None
        or not first.seen.closed
        or first.out is not None
        or step.now - first.release_ms < 21_000
    ):
        return ""
    if any(True for _ in promises.running()) or step.now - promises.last_ms > PAUSE_MS:
        return ""
    promises.hit("i8_call")
    return "" if step.tells(effects.Release, Door.FIRST) else "no way back"


# ── 10, 12, 13: crossings ──


@claim("Every crossing is opened durably before the chip is touched.")
def i10_opened(promises: Promises, step: Step) -> str:
    for one in step.found:
        if isinstance(one, effects.StartCrossing | effects.OpenCamera):
            promises.hit("i10_opened")
            crossing = promises.crossings.get(one.crossing, Crossing())
            if not crossing.opened or (crossing.verdict is not None and not crossing.overruled):
                return f"{one}"
    return ""


def unsaid(one: Crossing, record: records.Closed) -> str:
    """What was found of a document or a register and is no reason."""
    found = {reason.reason for reason in record.reasons}
    if one.hit and not found & {Reason.REGISTER_HIT, Reason.REGISTER_UNKNOWN}:
        return "the register"
    failed = one.document is not None and any(
        check.result is CheckResult.FAILED for check in one.document.evidence.checks
    )
    return "the document" if failed and Reason.DOCUMENT_CHECK_FAILED not in found else ""


@claim(
    "A crossing ends in exactly one machine verdict with all its reasons; admitted is who is through on their grant."
)
def i10_one_verdict(promises: Promises, step: Step) -> str:
    for record in step.records(records.Closed):
        promises.hit("i10_one_verdict")
        one = promises.crossings.get(record.crossing)
        if one is not None and one.verdict is not None:
            return f"closed again: {record}"
        if record.verdict is ClosedAs.ADMITTED and (one is None or not one.through or record.reasons):
            return f"admitted: {record}"
        if record.verdict is ClosedAs.REFERRED and (
            not record.reasons or (one is not None and not one.objections <= set(record.reasons))
        ):
            return f"reasons: {record} {one}"
        if (
            record.verdict is ClosedAs.REFERRED
            and step.event is not None
            and one is not None
            and (missing := unsaid(one, record))
        ):
            return f"{missing}: {record}"
    return ""


@claim("A referral waits until an officer has settled it, through emergencies and restarts.")
def i10_waits(promises: Promises, step: Step) -> str:
    for record in step.records(records.Settled):
        one = promises.crossings.get(record.crossing)
        if one is None or one.verdict is not ClosedAs.REFERRED or one.settled or not (one.handed or one.overruled):
            return f"{record}: {one}"
        if record.disposition is Disposition.ADMITTED_BY_OFFICER and not one.through and not one.handed:
            return f"{record}: not through"
    if not step.found:
        return ""
    settled = {record.crossing for record in step.records(records.Settled)}
    closing = {record.crossing for record in step.records(records.Closed) if record.verdict is ClosedAs.REFERRED}
    expected = ({*promises.waiting()} | closing) - settled
    held = {one.crossing for one in promises.lane.waiting}
    promises.hit("i10_waits")
    return f"{expected - held} forgotten" if expected - held else ""


@claim(
    "Nobody is invited or begun while a referral waits, in an emergency, with a lost state, in a closed lane, before help or an object is seen to."
)
def i10_nobody_else(promises: Promises, step: Step) -> str:
    for one in step.found:
        begins = isinstance(one, effects.StartCrossing) or (
            isinstance(one, effects.Show) and one.screen is Screen.WELCOME
        )
        if not begins:
            continue
        promises.hit("i10_nobody_else")
        settled = {record.crossing for record in step.records(records.Settled)}
        ended = any(True for _ in step.records(records.EmergencyEnded))
        if {*promises.waiting()} - settled or (promises.emergency and not ended) or promises.unknown:
            return f"{one}: {promises.waiting()} {promises.emergency=} {promises.unknown=}"
        if isinstance(one, effects.Show) and (
            promises.closed_lane or promises.help or promises.object or promises.lost
        ):
            return f"{one}: {promises.closed_lane=} {promises.help=} {promises.object=} {promises.lost=}"
    return ""


@claim("What officers must see of a referral is handed to nobody before the record that they saw it is durable.")
def i12_view(promises: Promises, step: Step) -> str:
    for one in step.of(effects.Answer):
        if one.number in promises.views and one.outcome is Outcome.DONE:
            promises.hit("i12_view")
            event = step.event
            if not (
                isinstance(event, events.Recorded)
                and event.kind is RecordKind.VIEWED
                and event.crossing == promises.views[one.number]
            ):
                return f"{one}"
    return ""


@claim("Faces and templates live in memory for the crossing only.")
def i12_erased(promises: Promises, step: Step) -> str:
    for record in step.records(records.Closed):
        if (
            record.crossing in promises.crossings
            and promises.crossings[record.crossing].started
            and step.event is not None
        ):
            promises.hit("i12_erased")
            before = record.crossing in promises.crossings and promises.crossings[record.crossing].erased
            if not before and not any(one.crossing == record.crossing for one in step.of(effects.Erase)):
                return f"{record.crossing}"
    return ""


@claim("What a traveller sees is the same for every cause of referral.")
def i13_same_screen(promises: Promises, step: Step) -> str:
    if (
        step.event is None
        or promises.emergency
        or not any(one.verdict is ClosedAs.REFERRED for one in step.records(records.Closed))
    ):
        return ""
    promises.hit("i13_same_screen")
    shown = [one.screen for one in step.of(effects.Show)]
    return f"{shown}" if any(one is not Screen.OFFICER for one in shown) else ""


@claim("A page that says go has a grant behind it.")
def i13_go(promises: Promises, step: Step) -> str:
    for one in step.of(effects.Show):
        if one.screen is Screen.GO:
            promises.hit("i13_go")
            out = any(state.out is not None for state in promises.doors.values()) or any(
                crossing.through for crossing in promises.crossings.values()
            )
            if not out and not any(True for _ in step.of(effects.Grant)):
                return f"{one}"
    return ""


@claim("With a lost state, no order opens or closes a door.")
def i7_unknown(promises: Promises, step: Step) -> str:
    if not promises.unknown:
        return ""
    promises.hit("i7_unknown")
    freed = step.now - promises.officer_release_ms <= promises.rules.timing.release_ms + 1_000
    orders = effects.Grant | effects.Revoke | effects.EndEmergency | effects.Release
    bad = [
        one
        for one in step.found
        if isinstance(one, orders) and not (freed and isinstance(one, effects.Release | effects.Revoke))
    ]
    return f"{bad}" if bad else ""
