"""The lane's state besides the crossing, and the time limits. Pure.

The machine keeps one `LaneContext` beside its state: each door, lost parts, officers and their orders, lists, the
clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from gate.passage import events
from gate.passage.door_state import DoorState, Raised
from gate.passage.draws import Draw
from gate.passage.events import Event, Part
from gate.passage.interior import Interior
from gate.passage.names import IncidentKind, RecordKind
from gate.passage.orders import Said
from gate_core.evidence.crossing import Door, LaneEvidence, Notice, SiteEvidence
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.service_scope import EVERYBODY, BorderDirection, Travellers

REPLACED_MAX = 32  # crossings; the oldest that does not wait is forgotten


@dataclass(frozen=True, slots=True)
class Timing:
    """Time limits of a crossing's steps, in milliseconds. What happens at each limit is stated beside it."""

    opening_max_ms: int = 2_000  # no receipt for the opening: refer
    crossing_max_ms: int = 45_000  # from presenting the document to the decision: decide with what is there
    face_max_ms: int = 8_000  # from the document read to the face compared: decide without
    face_after_failure_max_ms: int = 1_500  # the same when the document has objections already
    registers_max_ms: int = 3_000  # from the document read to the registers' answers: decide without, which refers
    receipt_max_ms: int = 2_000  # a late receipt refers
    entering_max_ms: int = 15_000  # from the passage of the first door to one person alone between closed doors: refer
    look_max_ms: int = 300  # no fresh status of the lane: refer
    grant_ttl_ms: int = 10_000  # the controller ends the grant by itself
    grant_slack_ms: int = 1_000  # after that the grant counts as ended without a report
    track_gap_max_ms: int = 2_000  # face gone and nobody in the zone: revoke
    view_after_passage_ms: int = 3_000  # the camera sees the holder so long after a passage: refer (`passage_stage`)
    walks_out_ms: int = 1_100  # their face was proved so long after it: refer (800 to walk out, 300 for late frames)
    seen_again_ms: int = 1_000  # a holder who was lost is looked for so long after it: refer when they did not pass
    passing_max_ms: int = 15_000  # from the passage to the lane at rest: an officer has a look
    release_ms: int = 15_000  # passages this long after a release are the release's
    emergency_end_max_ms: int = 3_000  # the controller does not end its emergency: it continues
    release_again_ms: int = 1_000  # status may be old: a release is repeated
    order_again_ms: int = 250  # a status contradicts a release or a revocation: repeated
    order_shown_max_ms: int = 2_000  # no status shows an order by then: an incident; a grant is taken back
    inside_max_ms: int = 10_000  # a person inside before a closed leaf, with nobody admitted: an officer is notified
    inside_seen_ms: int = 2_000  # a person seen waiting inside for this long entered, whatever the doors counted
    way_back_ms: int = 30_000  # a referral whose traveller waits between the doors: the first one opens
    way_back_again_ms: int = 20_000  # a person is still inside: it opens again
    referral_max_ms: int = 120_000  # no officer has answered a referral: an incident, and a notice from then on
    consent_max_ms: int = 300_000  # a supervisor's consent to maintenance: ask again
    first_word_max_ms: int = 300_000  # the first of two officers' orders to admit: after that it is to be given again
    emergency_hold_ms: int = 1_000  # an officer's emergency: the order is repeated; a leaf outlasts a restart
    presence_record_ms: int = 60_000  # a presence that changes nothing is written down no more often
    misuse_again_ms: int = 10_000  # misuse of an officer's key is counted meanwhile, and written down once
    incident_again_ms: int = 1_000  # nor the loss of a part or a doubt of its video, however often vision reports it
    alarm_again_ms: int = 10_000  # an alarm that begins `alarm_again_max` times within this waits for an officer
    alarm_again_max: int = 3
    more_time_ms: int = 30_000  # a traveller who asks for more time has so much more, once a crossing
    asked_again_ms: int = 600_000  # calls from the page: after `asked_again_max` within this only officers are notified
    asked_again_max: int = 6


@dataclass(frozen=True, slots=True)
class Referral:
    """A crossing that waits for an officer: since when, with all reasons. `late`: it exceeds the time limit."""

    crossing: str
    objections: tuple[Objection, ...]
    since_ms: int = 0
    late: bool = False


@dataclass(frozen=True, slots=True)
class FirstWord:
    """The first of two officers' orders to admit a traveller: for which objections, since when, and the `keys` that
    identify the officer. `number` is the order's until its record is durable; until then the order does not count.
    """

    crossing: str
    said: Said
    keys: frozenset[str]
    objections: tuple[Objection, ...]
    since_ms: int
    number: int | None


@dataclass(frozen=True, slots=True)
class Misuse:
    """The misuse of one officer's key recorded last, its time, and the number of repetitions since. It `stands` until an officer acknowledges it."""

    kind: IncidentKind
    order: Said | None
    told_ms: int
    more: int = 0
    stands: bool = True


@dataclass(frozen=True, slots=True)
class LaneContext:
    """The newest known facts. `doors`: in the order in which travellers reach them; `interior`: the sensors' state, if
    there are any.

    `version` counts orders that changed something; `decided`: the officers who settled the latest referrals;
    `recorded`: those whose presence was recorded last, and when; `closed_by`: who took the lane out of service;
    `maintained_by`: the technician who works on it since; `asked`: the technician who requested it, and when.
    `direction`, `travellers`: what it serves. `waiting`: referrals that no officer has settled, oldest first, also
    while an officer admits one (`gate.passage.open_referrals`). `unanswered`: crossings with an officer's admission, or
    a first of two, that the log has not answered yet; `viewing`: those with an officer's view, and the order's number.
    `first_words`: first of two officers' orders in force (`gate.passage.two_officers`). `replaced`: the latest
    crossings with a record that could not be kept; these get no grant. `incidents`: those recorded just now, with
    crossing and time. `site_at_ms`: when lists and clock were checked. `look`: the running crossing and vision's
    session in which its traveller was seen last; `another_look`: the latest event is from another session than earlier
    ones about the same traveller. `calls`: times of recent calls from the page; `asked_often`: more than the limit, and
    not acknowledged by an officer. `shielded`: the latest crossings for which nothing is queried outside the gate.
    `head`: the log's latest report of its head, and when. `draw`: in force; `drawing`: in force once the log has its
    hash; `draw_left`: an earlier run's draw, neither recorded again nor revealed. `blockers`: what prevents every
    admission by the rules, as of the latest event. `state_unknown`: an earlier run's state is lost
    (`gate.passage.lasting_state`), and no officer has looked since.
    """

    doors: tuple[DoorState, ...] = (DoorState(),)
    interior: Interior | None = None
    lost: frozenset[Part] = frozenset()
    officer_seen_ms: int | None = None
    trust_age_days: float | None = None
    clock_sure: bool = False
    local: datetime | None = None
    site_at_ms: int | None = None
    look: tuple[str, int] | None = None
    another_look: bool = False
    waiting: tuple[Referral, ...] = ()
    lamp_refused: bool = False
    blockers: tuple[Objection, ...] = (Objection(Reason.BARRIER_LOST),)
    version: int = 0
    closed_by: str | None = None
    maintained_by: str | None = None
    asked: tuple[str, int] | None = None
    direction: BorderDirection = BorderDirection.ENTRY
    travellers: Travellers = EVERYBODY
    decided: tuple[tuple[str, str], ...] = ()
    recorded: tuple[tuple[str, int], ...] = ()
    incidents: tuple[tuple[IncidentKind, str | None, int], ...] = ()
    misuses: tuple[Misuse, ...] = ()
    replaced: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()
    viewing: tuple[tuple[str, int], ...] = ()
    first_words: tuple[FirstWord, ...] = ()
    calls: tuple[int, ...] = ()
    asked_often: bool = False
    shielded: tuple[str, ...] = ()
    head: tuple[events.HeadSeen, int] | None = None
    draw: Draw | None = None
    drawing: Draw | None = None
    draw_left: Draw | None = None
    state_unknown: bool = False

    def door_state(self, door: Door) -> DoorState:
        """Return a door's state. Raises KeyError if the lane has no such door."""
        for one in self.doors:
            if one.door is door:
                return one
        raise KeyError(door)

    def with_door_state(self, changed: DoorState) -> LaneContext:
        """Return the lane with one door's state replaced."""
        if self.door_state(changed.door) is changed:
            return self
        return replace(self, doors=tuple(changed if one.door is changed.door else one for one in self.doors))

    @property
    def two_doors(self) -> bool:
        """True if the lane has a first door too."""
        return len(self.doors) > 1

    @property
    def last(self) -> DoorState:
        """The door that leads out of the lane."""
        return self.doors[-1]

    def observe(self, event: Event, now_ms: int) -> LaneContext:
        """Return the lane after an event."""
        calm = self
        if self.another_look or any(one.has_news for one in self.doors):
            calm = replace(self, doors=tuple(one.calm() for one in self.doors), another_look=False)
        if isinstance(event, events.Tick):  # most events are
            return calm
        if isinstance(event, events.DoorSeen):
            return calm.with_door_state(calm.door_state(event.door).observe(event, now_ms)).with_counted(event.door)
        if isinstance(event, events.PartLost):
            return replace(calm, lost=calm.lost | {event.part}).without(event.part)
        if isinstance(event, events.SensorsSeen):
            return replace(calm, interior=(calm.interior or Interior()).observe(event, now_ms))
        if isinstance(event, events.LampAnswered):
            return replace(calm, lamp_refused=not event.shown)
        if isinstance(event, events.RecordReplaced) and event.crossing is not None:
            return calm.with_replaced(event.crossing)
        if isinstance(event, events.Recorded | events.NotRecorded) and event.kind in {
            RecordKind.OVERRULED,
            RecordKind.WOULD_ADMIT,
        }:
            return replace(calm, unanswered=tuple(one for one in calm.unanswered if one != event.crossing))
        if isinstance(event, events.PartBack):
            return replace(calm, lost=calm.lost - {event.part})
        if isinstance(event, events.SiteSeen):
            calm = replace(
                calm,
                trust_age_days=event.trust_age_days,
                clock_sure=event.clock_sure,
                local=event.local,
                site_at_ms=now_ms,
            )
        elif isinstance(event, events.HeadSeen):
            calm = replace(calm, head=(event, now_ms))
        return calm

    def with_replaced(self, crossing: str) -> LaneContext:
        """Return the lane after a record of a crossing was replaced. A crossing that waits for an officer is never forgotten."""
        others = [one for one in self.replaced if one != crossing]
        surplus = max(0, len(others) + 1 - REPLACED_MAX)
        forgotten = [one for one in others if self.waits(one) is None][:surplus]
        return replace(self, replaced=(*(one for one in others if one not in forgotten), crossing))

    def with_counted(self, door: Door) -> LaneContext:
        """Return the lane with people counted at a door added: sensors that see nobody may be stuck."""
        if not self.two_doors or self.interior is None:
            return self
        passed = self.door_state(door)
        inwards = passed.just_passed - passed.just_left
        interior = self.interior.counted(inwards if door is Door.FIRST else -inwards)
        return self if interior is self.interior else replace(self, interior=interior)

    def without(self, part: Part) -> LaneContext:
        """Return the lane without the state that a lost part reported."""
        match part:
            case Part.BARRIER:
                return self.with_door_state(self.last.unseen())
            case Part.FIRST_BARRIER if self.two_doors:
                return self.with_door_state(self.doors[0].unseen())
            case Part.SENSORS if self.interior is not None:
                return replace(self, interior=self.interior.unseen())
            case _:
                return self

    def looked(self, event: Event, crossing: str | None) -> LaneContext:
        """Return the lane after an event, with vision's session updated; only events about the running crossing count."""
        if not isinstance(event, events.OfLook) or event.crossing != crossing:
            return self
        look = (event.crossing, event.session)
        before = self.look
        return replace(self, look=look, another_look=before is not None and before[0] == crossing and before != look)

    def lane_evidence(self, now_ms: int) -> LaneEvidence:
        """Doors and sensors as evidence."""
        first = self.doors[0].evidence(now_ms) if self.two_doors else None
        inside = None if self.interior is None else self.interior.evidence(now_ms)
        return LaneEvidence(self.last.evidence(now_ms), first, inside)

    def seen_since(self, since_ms: int) -> bool:
        """True if both doors and the sensors between them reported after that time, whatever the age of the sensors' measurement."""
        doors = all(one.seen is not None and one.seen_ms > since_ms for one in self.doors)
        return doors and self.interior is not None and self.interior.heard_ms > since_ms

    def site_evidence(self, now_ms: int) -> SiteEvidence:
        """Return officer, lists, clock and log as evidence."""
        seen = None if self.officer_seen_ms is None else (now_ms - self.officer_seen_ms) / 1000
        age = None if self.site_at_ms is None else (now_ms - self.site_at_ms) / 1000
        head, head_age = None, None
        if self.head is not None:
            found, said_ms = self.head
            head, head_age = found.head, None if found.age_s is None else found.age_s + (now_ms - said_ms) / 1000
        return SiteEvidence(seen, self.trust_age_days, self.clock_sure, age, head, head_age, self.local)

    def emergency(self) -> bool:
        """True while a fire input is active or a controller stands open for an emergency."""
        return any(one.emergency() for one in self.doors)

    def at_rest(self) -> bool:
        """True when every leaf is closed, nothing is granted, and nobody is in a zone or between two doors."""
        inside = self.two_doors and (self.interior is None or not self.interior.nobody)
        return all(one.at_rest() for one in self.doors) and not inside

    @property
    def alarms(self) -> tuple[Raised, ...]:
        """The alarms of all doors that have not ended."""
        return tuple(raised for one in self.doors for raised in one.alarms)

    @property
    def moved(self) -> bool:
        """True if the latest event showed a passage."""
        return any(one.just_passed or one.just_left for one in self.doors)

    def in_service(self) -> bool:
        """True if a traveller may be invited: nothing lost, no blocker, and not closed by an officer."""
        return not self.lost and not self.blockers and self.closed_by is None

    def notices(self) -> tuple[Notice, ...]:
        """Return the conditions that officers must know now."""
        misused = {one.kind for one in self.misuses if one.stands}
        found = {
            Notice.REVOKE_NOT_SHOWN: any(one.revoking is not None and one.revoking.missed for one in self.doors),
            Notice.RELEASE_NOT_SHOWN: any(one.freeing is not None and one.freeing.missed for one in self.doors),
            Notice.PERSON_INSIDE: any(one.inside is not None and one.inside.told for one in self.doors),
            Notice.REFERRAL_WAITS: any(one.late for one in self.waiting),
            Notice.LAMP_REFUSED: self.lamp_refused,
            Notice.ASKED_OFTEN: self.asked_often,
            Notice.STATE_UNKNOWN: self.state_unknown,
            Notice.HEAD_UNCONFIRMED: any(one.reason is Reason.HEAD_UNCONFIRMED for one in self.blockers),
            Notice.FREEING_REFUSED: IncidentKind.FREEING_REFUSED in misused,
            Notice.EXPIRED_KEY_USED: IncidentKind.EXPIRED_KEY_USED in misused,
        }
        said = tuple(notice for notice, is_so in found.items() if is_so)
        return said if self.interior is None else (*said, *self.interior.notices())

    def waits(self, crossing: str) -> Referral | None:
        """Return the referral of a crossing that no officer has settled."""
        return next((one for one in self.waiting if one.crossing == crossing), None)

    def first_word(self, crossing: str) -> FirstWord | None:
        """Return the first of two officers' orders for this crossing, if it is in force or its record awaits the log's answer."""
        return next((one for one in self.first_words if one.crossing == crossing), None)

    def decided_by(self, crossing: str) -> str | None:
        """Return who settled this referral, as far as remembered."""
        return dict(self.decided).get(crossing)
