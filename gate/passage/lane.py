"""What a lane knows of its surroundings, and when its door may move. Pure.

The machine keeps one `Surroundings` beside its state: the newest status of the barrier controller with its age, the
parts that are lost, the officers and what they ordered, the lists, the clock. Old or unknown status is never "closed" (safety invariant 6).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gate.passage.counting import Counters, passages_between
from gate.passage.events import (
    Event,
    FaceCompared,
    FaceSeen,
    LampAnswered,
    LaneSeen,
    Part,
    PartBack,
    PartLost,
    RecordReplaced,
    SiteSeen,
    TrackChanged,
)
from gate.passage.evidence import Alarm, LaneEvidence, SiteEvidence
from gate.passage.orders import Notice
from gate.passage.reasons import Objection, Reason
from gate.passage.records import IncidentKind

REPLACED_MAX = 32  # crossings; the oldest is forgotten


@dataclass(frozen=True, slots=True)
class Timing:
    """How long each step of a crossing may take, in milliseconds. What happens at the limit stands beside it."""

    opening_max_ms: int = 2_000  # no receipt for the opening: refer
    crossing_max_ms: int = 45_000  # from presenting the document to the decision: decide with what is there
    face_max_ms: int = 8_000  # from the document read to the face compared: decide without
    face_after_failure_max_ms: int = 1_500  # the same when the document has objections already
    receipt_max_ms: int = 2_000  # a late receipt refers
    look_max_ms: int = 300  # no fresh status of the lane: refer
    grant_ttl_ms: int = 10_000  # the controller ends the grant by itself
    grant_slack_ms: int = 1_000  # after that we call the grant ended even if nobody tells
    track_gap_max_ms: int = 2_000  # face gone and nobody in the zone: revoke
    passing_max_ms: int = 15_000  # from the passage to the lane at rest: an officer has a look
    release_ms: int = 15_000  # passages this long after a release are the release's
    emergency_end_max_ms: int = 3_000  # the controller does not leave its emergency: it goes on
    order_again_ms: int = 250  # a status that contradicts a release or a revocation by then: told again
    order_shown_max_ms: int = 2_000  # no status shows an order by then: an incident; a grant is taken back
    inside_max_ms: int = (
        10_000  # somebody inside before a closed leaf with nobody let through for so long: an officer is told
    )
    emergency_hold_ms: int = 1_500  # an emergency that an officer ordered: the controller is told again to be open
    presence_record_ms: int = 60_000  # a presence that changes nothing is written down no more often
    incident_again_ms: int = 1_000  # nor is the loss of a part or a doubt of its video, however often vision says so
    alarm_again_ms: int = (
        10_000  # an alarm that begins `alarm_again_max` times within this waits for an officer, whatever it is
    )
    alarm_again_max: int = 3


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm that began and is not over. `standing`: the controller shows it; `waits`: no officer has acknowledged it who must."""

    alarm: Alarm
    since_ms: int
    standing: bool
    waits: bool


@dataclass(frozen=True, slots=True)
class Told:
    """An order that no status has shown yet: wanted since when, told last when, and whether an incident says that nothing shows it.

    `opened`: of a release, the leaf was seen open since.
    """

    since_ms: int
    at_ms: int
    missed: bool = False
    opened: bool = False


@dataclass(frozen=True, slots=True)
class Inside:
    """Somebody is seen inside before a closed leaf, since when, and whether an officer was told."""

    since_ms: int
    told: bool = False


@dataclass(frozen=True, slots=True)
class Referral:
    """A crossing that waits for an officer, and every reason."""

    crossing: str
    objections: tuple[Objection, ...]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The newest known facts. `just_passed` and `just_left` are the numbers of entry and exit passages that the latest event brought to
    light; `counted` is where the controller's counters stood when it was last heard, however long ago.

    `version` counts the orders that changed something; `decided` names the officers who answered the last referrals, `recorded` those
    whose presence was written down last, and when; `closed_by` is who took the lane out of service. `granting`, `revoking` and `freeing`
    are what the barrier was told and no status has borne out yet (`gate.passage.wanting`). `waiting` are the referrals that no officer
    has settled, oldest first, also while an officer lets one through (`gate.passage.waiting`).
    `replaced` are the latest crossings of which a record could not be kept: nobody is granted one of these.
    `incidents` are those that were written down just now, of which crossing, and when. `site_at_ms` is when lists and clock were looked
    at. `look` is the running crossing and vision's session in which its traveller was seen last, `another_look` says that the latest
    event comes from another session than what was seen of the same traveller before.
    `alarms` are those that are not over, `new_alarms` began with the latest event, `begun` lately, and `clearing_ms` is when the controller
    was last told to clear some. `hinders` is what keeps the lane from admitting anybody, by its rules, as of the latest event.
    """

    lane: LaneSeen | None = None
    lane_at_ms: int = 0
    lost: frozenset[Part] = frozenset()
    officer_seen_ms: int | None = None
    trust_age_days: float | None = None
    clock_sure: bool = False
    site_at_ms: int | None = None
    look: tuple[str, int] | None = None
    another_look: bool = False
    released_ms: int | None = None
    granting: Told | None = None
    revoking: Told | None = None
    freeing: Told | None = None
    counted: Counters | None = None
    waiting: tuple[Referral, ...] = ()
    inside: Inside | None = None
    lamp_refused: bool = False
    just_passed: int = 0
    just_left: int = 0
    alarms: tuple[Raised, ...] = ()
    new_alarms: tuple[Alarm, ...] = ()
    begun: tuple[tuple[Alarm, int], ...] = ()
    clearing_ms: int | None = None
    hinders: tuple[Objection, ...] = (Objection(Reason.BARRIER_LOST),)
    version: int = 0
    closed_by: str | None = None
    decided: tuple[tuple[str, str], ...] = ()
    recorded: tuple[tuple[str, int], ...] = ()
    incidents: tuple[tuple[IncidentKind, str | None, int], ...] = ()
    replaced: tuple[str, ...] = ()

    def observe(self, event: Event, now_ms: int) -> Surroundings:
        """The surroundings after an event."""
        news = self.just_passed or self.just_left or self.new_alarms or self.another_look
        calm = replace(self, just_passed=0, just_left=0, new_alarms=(), another_look=False) if news else self
        if isinstance(event, LaneSeen):
            passed, left = passages_between(self.counted, event.counters)
            return replace(
                calm,
                lane=event,
                lane_at_ms=now_ms,
                counted=event.counters,
                just_passed=passed,
                just_left=left,
            )
        if isinstance(event, PartLost):
            lane = None if event.part is Part.BARRIER else calm.lane
            return replace(calm, lost=calm.lost | {event.part}, lane=lane)
        if isinstance(event, LampAnswered):
            return replace(calm, lamp_refused=not event.shown)
        if isinstance(event, RecordReplaced) and event.crossing is not None:
            return replace(calm, replaced=(*calm.replaced, event.crossing)[-REPLACED_MAX:])
        if isinstance(event, PartBack):
            return replace(calm, lost=calm.lost - {event.part})
        if isinstance(event, SiteSeen):
            return replace(calm, trust_age_days=event.trust_age_days, clock_sure=event.clock_sure, site_at_ms=now_ms)
        return calm

    def looked(self, event: Event, crossing: str | None) -> Surroundings:
        """The surroundings after an event, as to vision's sessions: only what is said of the running crossing counts."""
        if not isinstance(event, FaceSeen | FaceCompared | TrackChanged) or event.crossing != crossing:
            return self
        look = (event.crossing, event.session)
        before = self.look
        return replace(self, look=look, another_look=before is not None and before[0] == crossing and before != look)

    def lane_evidence(self, now_ms: int) -> LaneEvidence | None:
        """The lane as evidence, None when nothing is known. An alarm that waits for an officer stands, whatever the controller says."""
        if self.lane is None:
            return None
        return LaneEvidence(
            age_ms=now_ms - self.lane_at_ms,
            closed=self.lane.closed,
            bodies=self.lane.bodies,
            grants_left=self.lane.grants_left,
            emergency=self.lane.fire or self.lane.emergency_open,
            alarms=tuple(one.alarm for one in self.alarms),
        )

    def site_evidence(self, now_ms: int) -> SiteEvidence:
        """Officer, lists and clock as evidence."""
        seen = None if self.officer_seen_ms is None else (now_ms - self.officer_seen_ms) / 1000
        age = None if self.site_at_ms is None else (now_ms - self.site_at_ms) / 1000
        return SiteEvidence(seen, self.trust_age_days, self.clock_sure, age)

    def emergency(self) -> bool:
        """True while the fire input is active or the controller stands open for an emergency."""
        return self.lane is not None and (self.lane.fire or self.lane.emergency_open)

    def at_rest(self) -> bool:
        """True when the leaf is closed, nobody is in the zone and nothing is granted."""
        lane = self.lane
        return lane is not None and lane.closed and lane.bodies == 0 and lane.grants_left == 0

    def in_service(self) -> bool:
        """True when a traveller may be invited: nothing lost, nothing hinders an admission, and no officer closed it."""
        return not self.lost and not self.hinders and self.closed_by is None

    def notices(self) -> tuple[Notice, ...]:
        """What an officer must know now."""
        found = {
            Notice.REVOKE_NOT_SHOWN: self.revoking is not None and self.revoking.missed,
            Notice.RELEASE_NOT_SHOWN: self.freeing is not None and self.freeing.missed,
            Notice.PERSON_INSIDE: self.inside is not None and self.inside.told,
            Notice.LAMP_REFUSED: self.lamp_refused,
        }
        return tuple(notice for notice, is_so in found.items() if is_so)

    def waits(self, crossing: str) -> Referral | None:
        """The referral of a crossing that no officer has settled."""
        return next((one for one in self.waiting if one.crossing == crossing), None)

    def decided_by(self, crossing: str) -> str | None:
        """Who answered this referral, as far as it is remembered."""
        return dict(self.decided).get(crossing)

    def released(self, now_ms: int, timing: Timing) -> bool:
        """True while passages belong to an officer's release."""
        return self.released_ms is not None and now_ms - self.released_ms <= timing.release_ms
