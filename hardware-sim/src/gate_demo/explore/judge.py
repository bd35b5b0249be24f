"""Checks the safety invariants (docs/safety.md, by number) at each step of an exploration, from the lane's events and the true state of the world.

It shares the names of events and effects with the machine, and its time limits; no decision. `Past` holds what the checks need of earlier
steps. `hear` updates it before the machine answers an event. `judge` compares the effects with it. Ages are in ticks.

| number | demanded of every step |
| --- | --- |
| 1 | a grant: its decision is known to be durable, and every door and sensor was heard after that, closed and at most a tick ago |
| 2 | an officer's release and emergency are ordered in the same step, and so is the end of a spoilt grant, before any record |
| 3 | one grant for one decision; records of passages count what the controller counted, in both directions |
| 4 | no grant after an objection; an objection takes it back at once; a status that contradicts an order has it repeated; who is admitted passed on their own grant |
| 5 | no grant lasts longer than its time to live and its slack; one that no status shows is taken back |
| 6 | no grant, camera between doors or way back beside a door that is not heard closed; nobody is invited while a door is unknown |
| 7 | a fire heard opens, shows the way out and closes nothing; what the host opened is ordered again; the end needs an officer and a clear status |
| 8 | whoever waits between two doors is offered the way back in time |
| 9 | no grant by the machine without an officer who was heard of lately |
| 10 | opened durably before the chip; one verdict with reasons; nobody is invited before it, or while a referral waits; each order has one answer |
| 11 | a grant by the machine rests on a document and a face that passed every check |
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from gate.passage import events, orders, records
from gate.passage.effects import (
    Answer,
    Effect,
    EndEmergency,
    Grant,
    OpenCamera,
    Release,
    Revoke,
    Show,
    StartCrossing,
    Write,
)
from gate.passage.events import Event, Part
from gate.passage.names import ClosedAs, Disposition, IncidentKind, RecordKind, TrackChange
from gate.passage.orders import LaneOrder
from gate.passage.policy import Verdict
from gate_core.evidence.crossing import Alarm, Door
from gate_core.evidence.screen import Screen
from gate_core.ports.values import Direction
from gate_demo.explore.clock import PRESENCE_MAX_S, TICK_MS, TIMING

# What is known of a crossing.
OPENED, OPEN_SURE, STARTED, DOC, FACE, SPOILT, DECIDED = 1, 2, 4, 8, 16, 32, 64
SURE, OVERRULED, OVERRULE_SURE, ENTRY_SURE = 128, 256, 512, 1024
GRANTED, PASSED, STOLEN, REFERRED, ADMITTED, BLIND = 2048, 4096, 8192, 1 << 14, 1 << 15, 1 << 16
INSIDE = 1 << 17
ANY_SURE = SURE | OVERRULE_SURE | ENTRY_SURE

OLD: Final = 2  # ticks: older than this is not told apart
_STRANGE = frozenset({Alarm.FORCED, Alarm.REVERSE_PASSAGE, Alarm.PASSAGE_WITHOUT_GRANT})
_TTL = (TIMING.grant_ttl_ms + TIMING.grant_slack_ms) // TICK_MS
_GAP = TIMING.track_gap_max_ms // TICK_MS
_SHOWN = TIMING.order_shown_max_ms // TICK_MS
_RELEASE = TIMING.release_ms // TICK_MS
_WAY_BACK = TIMING.way_back_ms // TICK_MS
_VIEWS = frozenset({Part.VISION, Part.CAMERA})
_BARRIERS = (Part.FIRST_BARRIER, Part.BARRIER)


class Heard(NamedTuple):
    """A door's latest status, and its age. `since`: it came after the last receipt."""

    closed: bool
    grants: int
    bodies: int
    emergency: bool
    fire: bool
    alarms: int
    age: int = 0
    since: bool = False


class Inside(NamedTuple):
    """The sensors' latest status, and how many agreed."""

    people: int | None
    bag: bool | None
    looks: int
    age: int = 0
    since: bool = False


class Standing(NamedTuple):
    """The grant that the lane gave last and has not taken back."""

    crossing: str
    door: int
    age: int = 0
    entered: bool = False
    lost: int | None = None  # since when the camera lost its holder
    shown: bool = False


class Freeing(NamedTuple):
    """An officer's release: since when, and since when it was ordered last."""

    age: int = 0
    told: int = 0


class Past(NamedTuple):
    """What has happened so far: what the lane was told, what it did, and what is true of each crossing."""

    crossings: tuple[tuple[str, int], ...] = ()
    screen: Screen = Screen.CLOSED
    heard: tuple[Heard | None, ...] = (None,)
    inside: Inside | None = None
    presence: int | None = None
    grant: Standing | None = None
    revoked: tuple[int, ...] = (OLD,)
    freeing: tuple[Freeing | None, ...] = (None,)
    emergency: int = 0  # 1: by a status; 2: the host keeps doors open
    held: int = 0
    ended: bool = False
    called: bool = False
    closed: bool = False
    lost: frozenset[Part] = frozenset()
    waits: int = 0  # ticks for which somebody was heard inside whom nobody serves
    offered: int = 9  # ticks since the first door was opened for them
    sent_back: bool = False

    def flags(self, crossing: str) -> int:
        """Return what is known of a crossing."""
        for name, flags in self.crossings:
            if name == crossing:
                return flags
        return 0

    def marked(self, crossing: str, flags: int, gone: int = 0) -> Past:
        """Return it with flags set for a known crossing."""
        return self._replace(
            crossings=tuple(
                (name, (known | flags) & ~gone if name == crossing else known) for name, known in self.crossings
            )
        )

    def all_marked(self, flags: int, where: int) -> Past:
        """Return it with flags set for every crossing that has one of the flags `where` and no verdict."""
        return self._replace(
            crossings=tuple(
                (name, known | flags if known & where and not known & (ADMITTED | REFERRED) else known)
                for name, known in self.crossings
            )
        )

    @property
    def running(self) -> bool:
        """True while a crossing is open that has no verdict, or an officer lets one through."""
        return any(
            (known & OPENED and not known & (ADMITTED | REFERRED)) or known & (OVERRULED | OVERRULE_SURE)
            for _, known in self.crossings
        )


class Demand(NamedTuple):
    """What the machine's answer must have, found before it answers."""

    take_back: str = ""  # why the grant ends now
    passed: tuple[int, int] = (0, 0)
    repeat_revoke: int | None = None
    repeat_release: int | None = None


def aged(past: Past) -> Past:
    """Return the past after a tick."""
    grant = past.grant
    if grant is not None:
        lost = None if grant.lost is None else min(grant.lost + 1, _GAP + 1)
        grant = grant._replace(age=min(grant.age + 1, _TTL + 1), lost=lost)
    seen = past.inside is not None and past.inside.people and not past.running and not past.emergency
    shut = all(one is not None and one.closed and not one.grants for one in past.heard)
    waits = min(past.waits + 1, _WAY_BACK + 2) if seen and shut else 0
    return past._replace(
        heard=tuple(None if one is None else one._replace(age=min(one.age + 1, OLD)) for one in past.heard),
        inside=None if past.inside is None else past.inside._replace(age=min(past.inside.age + 1, OLD)),
        presence=None if past.presence is None else min(past.presence + 1, PRESENCE_MAX_S + 1),
        grant=grant,
        revoked=tuple(min(one + 1, OLD) for one in past.revoked),
        freeing=tuple(
            None if one is None or one.age >= _RELEASE else one._replace(age=one.age + 1, told=min(one.told + 1, OLD))
            for one in past.freeing
        ),
        held=min(past.held + 1, OLD),
        waits=waits,
        offered=min(past.offered + 1, 9) if waits else 9,
        sent_back=past.sent_back and bool(waits),
    )


def hear(past: Past, event: Event, doors: tuple[Door, ...]) -> tuple[Past, Demand]:
    """Return the past after an event, and what the machine must do about it."""
    two, grant, why = len(doors) > 1, past.grant, ""
    match event:
        case events.DoorSeen():
            return _door(past, event, doors.index(event.door), two=two)
        case events.SensorsSeen(people=people, object_left=bag, call_pressed=call):
            before = past.inside
            agrees = before is not None and before.people == people
            looks = min(before.looks + 1, 2) if agrees and before is not None else 1
            if agrees and before is not None and before.age == 0:
                looks = before.looks  # the sensors may have measured once only
            inside = Inside(people, bag, looks, 0, since=True)
            past = past._replace(inside=inside, called=past.called or call)
            if (people or 0) > 1 or call:
                past, why = past.all_marked(SPOILT, FACE | DECIDED), "somebody else is inside, or calls"
        case events.TrackChanged(crossing, change):
            flags = past.flags(crossing)
            if flags & FACE or change is not TrackChange.LOST:
                past = past.marked(crossing, SPOILT if not flags & GRANTED else 0)
            if grant is not None and grant.crossing == crossing:
                if change is TrackChange.LOST:
                    lost = 0 if grant.lost is None else grant.lost
                    past = past._replace(grant=grant._replace(lost=lost))
                else:
                    why = "the face changed"
        case events.FaceSeen(crossing, faces) if faces != 1 and past.flags(crossing) & FACE and grant is None:
            past = past.marked(crossing, SPOILT)
        case events.VideoDoubted(crossing):
            past, why = past.marked(crossing, SPOILT), "the video is doubted"
        case events.DocumentRead(crossing, evidence):
            good = all(one.result.value == "successful" for one in evidence.checks) and len(evidence.checks) > 1
            past = past.marked(crossing, DOC if good else 0)
        case events.FaceCompared(crossing, face):
            good = (
                face.faces == 1
                and face.match is not None
                and face.match.value > 0.5
                and face.liveness is not None
                and face.liveness.value > 0.5
                and bool(face.portrait_usable)
            )
            past = past.marked(crossing, FACE if good else SPOILT)
        case events.DocumentRemoved() if not two and grant is None:
            past = past.all_marked(SPOILT, DOC)
        case events.DocumentPresented() if not two:
            past, why = past.all_marked(SPOILT, FACE | DECIDED), "another document was laid"
        case events.PartLost(part):
            past = past._replace(lost=past.lost | {part})
            if part in _BARRIERS:
                at = len(doors) - 1 if part is Part.BARRIER else 0
                past = past._replace(heard=_put(past.heard, at, None)).all_marked(SPOILT, DECIDED)
                why = "the barrier is lost"
            elif part is Part.SENSORS:
                past, why = past._replace(inside=None).all_marked(SPOILT, DECIDED | INSIDE), "the sensors are lost"
            elif part in _VIEWS:
                past = past.all_marked(SPOILT, STARTED) if not two else past.all_marked(SPOILT, FACE | DECIDED)
                why = "" if grant is None or past.flags(grant.crossing) & OVERRULED else "the camera is lost"
        case events.PartBack(part):
            past = past._replace(lost=past.lost - {part})
        case events.GrantFailed():
            why = "the grant failed"
        case events.Recorded(crossing, kind):
            past = _sure(past, crossing, kind)
        case events.NotRecorded(crossing):
            past = past.marked(crossing, 0, ANY_SURE)
        case orders.Ordered(command=orders.BePresent()):
            past = past._replace(presence=0)
        case events.Tick():
            why = _overdue(past)
        case _:
            pass
    return past, Demand(why if grant is not None and not past.emergency else "")


def _put(of: tuple[Any, ...], at: int, value: object) -> tuple[Any, ...]:
    return (*of[:at], value, *of[at + 1 :])


def _sure(past: Past, crossing: str, kind: RecordKind) -> Past:
    """Return the past after a receipt. Only a look at the lane after it counts."""
    flags = past.flags(crossing)
    sure = {
        RecordKind.OPENED: OPEN_SURE,
        RecordKind.ENTRY_DECIDED: ENTRY_SURE if flags & DECIDED else 0,
        RecordKind.DECIDED: SURE if flags & DECIDED else 0,
        RecordKind.OVERRULED: OVERRULE_SURE if flags & OVERRULED else 0,
    }.get(kind, 0)
    if not sure or flags & sure:
        return past
    past = past.marked(crossing, sure)
    if sure == OPEN_SURE:
        return past
    heard = tuple(None if one is None else one._replace(since=False) for one in past.heard)
    return past._replace(heard=heard, inside=None if past.inside is None else past.inside._replace(since=False))


def _overdue(past: Past) -> str:
    """Return why a grant must end by time. The past has aged already."""
    grant = past.grant
    if grant is None:
        return ""
    if grant.age > _TTL:
        return "its time is over"
    if grant.lost is not None and grant.lost > _GAP and not grant.entered:
        return "its holder is out of sight"
    return "no status shows it" if grant.age >= _SHOWN and not grant.shown else ""


def _door(past: Past, seen: events.DoorSeen, at: int, *, two: bool) -> tuple[Past, Demand]:
    emergency = seen.fire or seen.emergency_open
    strange = sum(one in _STRANGE for one in seen.alarms)
    heard = Heard(seen.closed, seen.grants_left, seen.bodies, emergency, seen.fire, len(seen.alarms), 0, since=True)
    past = past._replace(heard=_put(past.heard, at, heard))
    entered, left = seen.passages_entry, seen.passages_exit
    grant, why = past.grant, ""
    if entered or left:
        past = past.all_marked(SPOILT, DECIDED | INSIDE) if grant is None else past
    if grant is not None and grant.door == at:
        alone = two and at == 1
        if entered:
            why = "its holder passed"
        elif strange or left or seen.bodies > 1 or (grant.entered and not seen.bodies and not alone):
            why = "somebody else may pass"
        else:
            shown = grant.shown or seen.grants_left > 0 or not seen.closed
            past = past._replace(grant=grant._replace(entered=seen.bodies > 0, shown=shown))
    elif grant is not None and (not seen.closed or seen.grants_left or strange):
        why = "the other door is open"
    unwanted = seen.grants_left and (grant is None or grant.door != at) and past.revoked[at] >= 1
    freeing = past.freeing[at]
    if freeing is not None and not seen.closed and not seen.may_be_old:
        freeing = None  # shown
        past = past._replace(freeing=_put(past.freeing, at, None))
    due = freeing is not None and seen.closed and freeing.told >= 1 and freeing.age < _RELEASE
    if past.emergency or emergency:
        return past, Demand(passed=(entered, left))
    return past, Demand(why, (entered, left), at if unwanted else None, at if due else None)


def judge(
    past: Past, demand: Demand, event: Event, effects: tuple[Effect, ...], doors: tuple[Door, ...]
) -> tuple[Past, tuple[str, ...]]:
    """Return the past after the machine's answer, and what it broke."""
    broken: list[str] = []
    begins = not past.emergency and any(one is not None and one.emergency for one in past.heard)
    ordered = event.command if isinstance(event, orders.Ordered) else None
    if ordered is LaneOrder.OPEN_EMERGENCY or begins:
        past = past._replace(
            emergency=2 if ordered is LaneOrder.OPEN_EMERGENCY or len(doors) > 1 else 1, ended=False, held=0
        )
    broken.extend(_must(past, demand, ordered, effects, doors, begins=begins))
    if past.emergency:
        past = past._replace(grant=None)  # everybody may pass
    for effect in effects:
        past, said = _effect(past, effect, doors)
        broken.extend(said)
    broken.extend(_after(past, event))
    return past, tuple(broken)


def _must(
    past: Past, demand: Demand, ordered: object, effects: tuple[Effect, ...], doors: tuple[Door, ...], *, begins: bool
) -> Iterator[str]:
    """Yield what the answer lacks."""
    first = next((at for at, one in enumerate(effects) if isinstance(one, Write)), len(effects))
    early = effects[:first]
    released = {one.door for one in effects if isinstance(one, Release)}
    taken = {one.door for one in early if isinstance(one, Revoke)}
    grant = past.grant
    freed = ordered in {LaneOrder.RELEASE, LaneOrder.OPEN_EMERGENCY}
    if demand.take_back and grant is not None and not begins and doors[grant.door] not in taken and not freed:
        yield f"4: the grant of {grant.crossing} is not taken back, though {demand.take_back}"
    if demand.repeat_revoke is not None and not any(isinstance(one, Revoke) for one in effects) and not begins:
        yield "4: a status shows a grant that nobody has, and it is not taken back"
    if demand.repeat_release is not None and not any(isinstance(one, Release) for one in effects) and not begins:
        yield "4: a status does not show the release, and it is not ordered again"
    if ordered is LaneOrder.RELEASE and doors[0] not in released:
        yield "2: an officer frees people, and no door is released in the same step"
    if ordered is LaneOrder.OPEN_EMERGENCY and released != set(doors):
        yield "2: an officer opens in an emergency, and not every door is released in the same step"
    if begins:
        if not any(isinstance(one, Show) and one.screen is Screen.EMERGENCY for one in effects):
            yield "7: a status shows an emergency, and the way out is not shown"
        others = {door for door, one in zip(doors, past.heard, strict=True) if one is None or not one.emergency}
        if not others <= released:
            yield "7: a fire at one door does not open the other"
    written = {Direction.ENTRY: 0, Direction.EXIT: 0}
    for one in effects:
        if isinstance(one, Write) and isinstance(one.record, records.Passed):
            written[one.record.direction] += one.record.count
    if (written[Direction.ENTRY], written[Direction.EXIT]) != demand.passed:
        yield f"3: {demand.passed} passages in and out were counted, {tuple(written.values())} are recorded"
    answers = sum(isinstance(one, Answer) for one in effects)
    if answers != (ordered is not None):
        yield f"10: an order has {answers} answers"


def _effect(past: Past, effect: Effect, doors: tuple[Door, ...]) -> tuple[Past, tuple[str, ...]]:
    """Return the past after one effect, and what the effect broke."""
    match effect:
        case Show(screen):
            if screen is Screen.OFFICER:  # an officer's admission led no further: the referral waits again
                known = tuple(
                    (name, flags & ~(OVERRULED | OVERRULE_SURE) if flags & REFERRED else flags)
                    for name, flags in past.crossings
                )
                past = past._replace(crossings=known)
            return past._replace(screen=screen), ()
        case StartCrossing(crossing):
            sure = past.flags(crossing) & OPEN_SURE
            return past.marked(crossing, STARTED), () if sure else (
                "10: the chip is touched before the record is durable",
            )
        case OpenCamera():
            shut = all(one is not None and one.closed and not one.grants for one in past.heard)
            alone = past.inside is not None and past.inside.people == 1
            return past, () if shut and alone else (
                "6: the camera opens while a door is open or nobody is alone inside",
            )
        case Grant(crossing, _, door):
            return _granted(past, crossing, doors.index(door), doors)
        case Revoke(door):
            at = doors.index(door)
            grant = None if past.grant is not None and past.grant.door == at else past.grant
            said = ("7: an order closes in an emergency",) if past.emergency else ()
            return past._replace(revoked=_put(past.revoked, at, 0), grant=grant), said
        case Release(door):
            return _released(past, doors.index(door), doors)
        case EndEmergency():
            return past, () if past.ended else ("7: the emergency is ended without an officer",)
        case Write(record):
            return _written(past, record)
        case _:
            return past, ()


def _granted(past: Past, crossing: str, at: int, doors: tuple[Door, ...]) -> tuple[Past, tuple[str, ...]]:
    flags, broken, two = past.flags(crossing), [], len(doors) > 1
    officers = bool(flags & OVERRULED)
    sure = OVERRULE_SURE if officers else ENTRY_SURE if two and at == 0 else SURE
    if not flags & sure:
        broken.append(f"1: {crossing} is granted before its decision is durable, or twice")
    if past.grant is not None:
        broken.append("3: a grant is given while another stands")
    for door, one in zip(doors, past.heard, strict=True):
        if one is None or one.age > 1 or not one.since:
            broken.append(f"1: a grant without a fresh look at the {door.value} door after the receipt")
        elif not one.closed or one.grants or one.emergency:
            broken.append(f"6: a grant while the {door.value} door is not closed")
        elif one.bodies > (1 if two or officers else 0) and not (two and at == 0 and door is doors[0]):
            broken.append("4: a grant while others are in the zone")
        elif one.alarms:
            broken.append("4: a grant during an alarm")
    if two:
        inside, people = past.inside, 0 if at == 0 else 1
        if inside is None or inside.people != people or inside.looks < 2 or inside.age > 1 or not inside.since:
            broken.append(f"6: a grant without {people} people seen inside")
        elif at == 0 and inside.bag is not False:
            broken.append("6: a grant while something is left inside")
    if past.emergency:
        broken.append("7: a grant in an emergency")
    if past.called:
        broken.append("4: a grant while somebody calls for help")
    if not officers:
        if past.presence is None or past.presence > PRESENCE_MAX_S:
            broken.append("9: a grant without an officer")
        if not flags & DOC or not (flags & FACE or (two and at == 0)):
            broken.append("11: a grant without every check passed")
        if flags & SPOILT:
            broken.append("4: a grant after an objection")
    past = past.marked(crossing, GRANTED, ANY_SURE | (DECIDED if two and at == 0 else 0))
    # A grant opens the leaf, too: a release of that door is not ordered beside it.
    return past._replace(grant=Standing(crossing, at), freeing=_put(past.freeing, at, None)), tuple(broken)


def _released(past: Past, at: int, doors: tuple[Door, ...]) -> tuple[Past, tuple[str, ...]]:
    """A release: an officer's, an emergency's, or the way back."""
    known = past.freeing[at]
    if past.emergency:
        return past._replace(held=0), ()
    broken: tuple[str, ...] = ()
    if len(doors) > 1 and known is None:  # nobody ordered it: the way back
        last = past.heard[1]
        if last is not None and (not last.closed or last.grants):
            broken = ("6: the way back opens while the last door is open",)
        return past._replace(offered=0, sent_back=False), broken
    if known is not None:
        past = past._replace(freeing=_put(past.freeing, at, known._replace(told=0)))
    return past, broken


def _written(past: Past, record: records.Record) -> tuple[Past, tuple[str, ...]]:
    match record:
        case records.Opened(crossing):
            return past.marked(crossing, OPENED), ()
        case records.EntryDecided(crossing, verdict) | records.Decided(crossing, verdict):
            return past.marked(crossing, DECIDED if verdict is Verdict.ADMIT else 0), ()
        case records.Overruled(crossing):
            return past.marked(crossing, OVERRULED), ()
        case records.Revoked(crossing) if past.flags(crossing) & OVERRULED:
            return past.marked(crossing, 0, OVERRULED | OVERRULE_SURE | GRANTED), ()
        case records.Closed(crossing, verdict, reasons):
            return _closed(past, crossing, verdict, reasons)
        case records.Settled(crossing, _, disposition):
            flags = past.flags(crossing)
            said = () if flags & REFERRED else ("10: a crossing is settled that does not wait",)
            if disposition is Disposition.ADMITTED_BY_OFFICER and not flags & (PASSED | STOLEN):
                said = (*said, "4: an officer's traveller is said to be through who is not")
            return past.marked(crossing, ADMITTED), said
        case records.EmergencyEnded():
            clear = all(one is not None and not one.emergency for one in past.heard)
            said = () if clear and past.ended else ("7: the emergency's end is recorded before it ended",)
            nothing = (None,) * len(past.freeing)  # with an emergency ends what opened for it
            return past._replace(emergency=0, ended=False, freeing=nothing), said
        case records.Incident(incident=IncidentKind.EMERGENCY_NOT_ENDED):
            return past._replace(ended=False), ()  # the officer orders it again
        case records.Incident(incident=IncidentKind.LANE_NOT_CLOSED):
            rests = all(
                one is not None and one.closed and not one.grants and not one.bodies and one.age < OLD
                for one in past.heard
            )
            inside = past.inside is not None and bool(past.inside.people)
            return past, ("10: a lane at rest is said not to be closed",) if rests and not inside else ()
        case _:
            return past, ()


def _closed(past: Past, crossing: str, verdict: ClosedAs, reasons: tuple[object, ...]) -> tuple[Past, tuple[str, ...]]:
    flags = past.flags(crossing)
    broken = []
    if flags & (ADMITTED | REFERRED):
        broken.append(f"10: {crossing} has two verdicts")
    if verdict is ClosedAs.REFERRED:
        if not reasons:
            broken.append(f"10: {crossing} is referred without a reason")
        return past.marked(crossing, REFERRED, DECIDED | ANY_SURE), tuple(broken)
    if not flags & PASSED and not flags & BLIND:
        broken.append(f"4: {crossing} is closed as admitted, and its traveller did not pass on their grant")
    return past.marked(crossing, ADMITTED), tuple(broken)


def _after(past: Past, event: Event) -> Iterator[str]:
    """Yield what is wrong once the answer is given."""
    if past.screen is Screen.WELCOME:
        if any(flags & OPENED and not flags & ADMITTED for _, flags in past.crossings):
            yield "10: the lane invites while a crossing has no verdict, or a referral waits"
        if any(one is None or one.emergency or not one.closed for one in past.heard):
            yield "6: the lane invites while a door is open or unknown"
        if past.called or past.closed or past.lost or any(one is not None and one.alarms for one in past.heard):
            yield "6: the lane invites though a part is lost, an alarm stands, somebody calls or an officer closed it"
    if not isinstance(event, events.Tick):
        return
    held_by_host = past.emergency == 2 and any(one is None or not one.emergency for one in past.heard)
    if held_by_host and not past.ended and past.held > 1:
        yield "7: what the host holds open is not ordered again"
    if past.sent_back and past.waits > 1:
        yield "8: an officer sent somebody back, and nothing opens"
    if past.waits > _WAY_BACK + 1 and past.offered > TIMING.way_back_again_ms // TICK_MS + 1:
        yield "8: somebody waits between the doors, and the way back does not open"
