"""The records of the audit log, one dataclass a kind: what each holds, and what it means for the log.

A record says four things to whoever writes it, whatever the kind: to which class it belongs, whether it leads to an admission (so
it waits while the disk is full, and opens its crossing), whether it ends one, and whether it leaves one waiting for an officer. Time, boot and index come with the envelope. Field
names and words are stored and never renamed; a field that is added has a default, so that older records are read. Nothing here
is personal: names, numbers, pictures and templates never enter `gate.passage`.

How a record is spelt, sealed and kept is left to others.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from gate.passage.counting import Counters
from gate.passage.draws import Draw
from gate.passage.events import Part, RecordClass, RecordKind, Wish
from gate.passage.orders import Concern, Disposition, Said
from gate.passage.policy import Policy, Verdict
from gate_core.evidence.evidence import Alarm, CameraTrouble, Door, Evidence
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.serving import BorderDirection
from gate_core.evidence.trust_lists import PublishedList


class Direction(enum.Enum):
    """Which way somebody goes through the barrier: entry is a grant's, whichever way over the border that leads."""

    ENTRY = "entry"
    EXIT = "exit"


class PassedBy(enum.Enum):
    """What opened for a passage."""

    GRANT = "grant"
    RELEASE = "release"
    EMERGENCY = "emergency"
    UNSEEN = "unseen"  # while the controller was out of reach, or the lane program away: nobody knows
    NOTHING = "nothing"  # nobody was let through


class GrantEnd(enum.Enum):
    """How a grant ended that nobody took back."""

    PASSAGE = "passage"
    TIME = "time"


class ClosedAs(enum.Enum):
    """The one verdict of a crossing."""

    ADMITTED = "admitted"
    REFERRED = "referred"


class IncidentKind(enum.Enum):
    """What an officer or auditor should see."""

    # What made a grant end, or came beside it
    PASSAGE_BEYOND_GRANT = "passage_beyond_grant"
    BODIES_SEVERAL = "bodies_several"
    WALKED_BACK = "walked_back"
    LANE_NOT_CLOSED = "lane_not_closed"
    TRACK_LOST = "track_lost"
    TRACK_SWITCHED = "track_switched"
    FACES_SEVERAL = "faces_several"
    HOLDER_IN_VIEW = "holder_in_view"  # somebody else passed: the camera still sees whom the grant was for
    CAMERA_TAMPERED = "camera_tampered"
    DOCUMENT_PRESENTED_AGAIN = "document_presented_again"
    RELEASED_BY_OFFICER = "released_by_officer"
    HELD_BY_OFFICER = "held_by_officer"
    GRANT_REVOKED = "grant_revoked"  # for any other reason: `revoked` has them all
    RELEASE_OF_NOBODY = "release_of_nobody"  # an officer opened while the beams saw nobody inside
    # Officers' keys: `order` says whose and what it lacked
    FREEING_REFUSED = "freeing_refused"  # an order to free people
    EXPIRED_KEY_USED = "expired_key_used"  # an order under one, whether it was refused or freed people
    # What the barrier was told and does not show in time
    GRANT_NOT_SHOWN = "grant_not_shown"
    REVOKE_NOT_SHOWN = "revoke_not_shown"
    RELEASE_NOT_SHOWN = "release_not_shown"
    EMERGENCY_NOT_ENDED = "emergency_not_ended"
    LAMP_REFUSED = "lamp_refused"
    # Somebody nobody is serving
    PERSON_INSIDE = "person_inside"  # before a closed leaf, with nobody let through
    WAY_BACK = "way_back"  # the first door was opened for somebody inside
    HELP_CALLED = "help_called"  # the call button
    LEFT_OBJECT = "left_object"
    REFERRAL_WAITS = "referral_waits"  # no officer has answered it for longer than it may wait
    ASKED_OFTEN = "asked_often"  # on the page, more often than anybody needs help: for a while officers are told, and nobody is referred for help
    DOCUMENT_EARLY = "document_early"  # laid while the traveller before was still passing; taken up afterwards
    # A part of the gate is gone
    BARRIER_LOST = "barrier_lost"
    FIRST_BARRIER_LOST = "first_barrier_lost"
    SENSORS_LOST = "sensors_lost"
    CABINET_OPEN = "cabinet_open"
    MAINS_LOST = "mains_lost"
    VISION_LOST = "vision_lost"
    CAMERA_LOST = "camera_lost"
    READER_LOST = "reader_lost"
    LOG_LOST = "log_lost"
    SCREEN_LOST = "screen_lost"
    STATE_LOST = "state_lost"  # the lane's state file cannot be written
    STATE_UNKNOWN = "state_unknown"  # it was lost with an earlier run
    # The camera's video is doubted
    CAMERA_COVERED = "camera_covered"
    VIDEO_LOOPED = "video_looped"
    VIDEO_IGNORES_EXPOSURE = "video_ignores_exposure"
    # The barrier controller's alarms
    FORCED = "forced"
    OBSTRUCTED = "obstructed"
    OPEN_TOO_LONG = "open_too_long"
    REVERSE_PASSAGE = "reverse_passage"
    PASSAGE_WITHOUT_GRANT = "passage_without_grant"
    HOST_LOST = "host_lost"
    MOTOR_FAULT = "motor_fault"
    # The log itself
    RECORDS_LOST = "records_lost"
    RECORD_REFUSED = "record_refused"  # for good: a small one of its kind stands in its place

    @classmethod
    def of_reason(cls, reason: Reason) -> IncidentKind:
        """The incident that a revoked grant is."""
        return cls.__members__.get(reason.name, cls.GRANT_REVOKED)

    @classmethod
    def of_loss(cls, part: Part) -> IncidentKind:
        """The incident that a lost part is."""
        return cls(f"{part.value}_lost")

    @classmethod
    def of_alarm(cls, alarm: Alarm) -> IncidentKind:
        """The incident that a controller's alarm is."""
        return cls(alarm.value)

    @classmethod
    def of_trouble(cls, trouble: CameraTrouble) -> IncidentKind:
        """The incident that doubtful video is."""
        return cls(trouble.value)


class _Record:
    """What every record says of itself."""

    __slots__ = ()

    kind: ClassVar[RecordKind]
    about: ClassVar[RecordClass] = RecordClass.CROSSING  # when it names no crossing
    leads_to_admission: ClassVar[bool] = False
    ends_crossing: ClassVar[bool] = False
    accepts_head: ClassVar[bool] = False  # it answers for the log as this boot found it
    bytes_min: ClassVar[int] = 0  # how long its sealed body looks at least
    urgent: ClassVar[bool] = (
        False  # it frees somebody, ends a crossing or says who went through: the disk's last room is for these
    )

    @property
    def awaits_officer(self) -> bool:
        """True when its crossing waits from here on until a later record of it ends it again."""
        return False


# ── the program and what it judges by ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class FaceSettings:
    """The model that compares faces, its threshold and what that rests on."""

    profile: str
    model: str
    sha256: str
    threshold: float
    fmr: float | None
    kind: str
    evidence: str


@dataclass(frozen=True, slots=True)
class ApprovalSettings:
    """Who stands behind what decisions rest on: the digest of its canonical text, the serial under which they signed it, who did, and who
    may: each approver's verifier key by the name, and that of the authority that may name others. A demo's has no serial and nobody.
    """

    sha256: str
    persons: tuple[str, ...]
    keys: Mapping[str, str]
    serial: int = 0
    authority: str = ""


@dataclass(frozen=True, slots=True)
class Started(_Record):
    """The lane program began, and decisions will rest on this. `rules` are as they were configured and approved, `officers` is the
    public key of the authority whose officers are obeyed, Base64; in `mode` shadow nothing is opened. `recipients` are those whom records are
    sealed for, by the SHA-256 of each in hex, `profile` is how much of a record is written, `registers` the lists and registers that must answer
    about each document: none, where none is asked. Records older than these are read without.
    """

    kind: ClassVar = RecordKind.STARTED
    about: ClassVar = RecordClass.DEVICE
    leads_to_admission: ClassVar = True
    purpose: str
    lists: str
    rules: Mapping[str, object]
    face: FaceSettings
    approval: ApprovalSettings
    officers: str = ""
    mode: str = "gate"
    recipients: tuple[str, ...] = ()
    profile: str = "full"
    registers: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Stopped(_Record):
    """The lane program was told to end."""

    kind: ClassVar = RecordKind.STOPPED
    about: ClassVar = RecordClass.DEVICE


@dataclass(frozen=True, slots=True)
class ListsUpdated(_Record):
    """Other lists judge from here on. `version` and `before` are trust stores' versions, `imported_at` is RFC 3339."""

    kind: ClassVar = RecordKind.LISTS_UPDATED
    about: ClassVar = RecordClass.ADMINISTRATION
    version: str
    before: str
    certificates: int
    revocation_lists: int
    published: tuple[PublishedList, ...]
    imported_at: str | None


@dataclass(frozen=True, slots=True)
class NoticeShown(_Record):
    """From here on travellers are shown this notice of what happens to their data: its SHA-256."""

    kind: ClassVar = RecordKind.NOTICE_SHOWN
    about: ClassVar = RecordClass.ADMINISTRATION
    notice: str


@dataclass(frozen=True, slots=True)
class RulesStated(_Record):
    """From here on decisions rest on these written rules as well: one of `parts` pieces of their text, JSON with the keys in order, of which
    `sha256` is the SHA-256, and by which a decision's policy names them.
    """

    kind: ClassVar = RecordKind.RULES_STATED
    about: ClassVar = RecordClass.ADMINISTRATION
    leads_to_admission: ClassVar = True
    version: str
    sha256: str
    part: int
    parts: int
    text: str


@dataclass(frozen=True, slots=True)
class DrawCommitted(_Record):
    """From here on so many of 10,000 travellers are drawn for an officer, by a secret with this SHA-256. `kept` is for the lane's next start, and is not
    written.
    """

    kind: ClassVar = RecordKind.DRAW_COMMITTED
    about: ClassVar = RecordClass.ADMINISTRATION
    leads_to_admission: ClassVar = True
    day: str
    per_10000: int
    sha256: str
    kept: Draw | None = None


@dataclass(frozen=True, slots=True)
class DrawRevealed(_Record):
    """Nobody is drawn any more by the secret with this SHA-256: the secret itself, in hex."""

    kind: ClassVar = RecordKind.DRAW_REVEALED
    about: ClassVar = RecordClass.ADMINISTRATION
    day: str
    sha256: str
    secret: str


@dataclass(frozen=True, slots=True)
class GroupCell:
    """What a lane counted of one group, of ten crossings at least (`value` others: of several that are smaller): of `crossings`, how many were `referred`;
    of `attempts`, which no document ended, how many faces were `not_acquired`; of those `compared`, how many were `below` the threshold, and of these
    how many an officer `confirmed` to be the document's holder; of those `looked` at for liveness, how many raised `alarms`, and of these how many an officer
    `cleared`; and of how many the time to the decision is known, its sum in seconds and the sum of its squares.
    """

    attribute: str
    value: str
    crossings: int = 0
    referred: int = 0
    attempts: int = 0
    not_acquired: int = 0
    compared: int = 0
    below: int = 0
    confirmed: int = 0
    looked: int = 0
    alarms: int = 0
    cleared: int = 0
    timed: int = 0
    time_s: float = 0.0
    time_s2: float = 0.0


@dataclass(frozen=True, slots=True)
class GroupsCounted(_Record):
    """What the lane counted by groups of travellers from `since` to `until` (RFC 3339), as the law of `basis` lets it. No crossing is in it."""

    kind: ClassVar = RecordKind.GROUPS_COUNTED
    about: ClassVar = RecordClass.ADMINISTRATION
    since: str
    until: str
    basis: str
    cells: tuple[GroupCell, ...]


# ── the crossing ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Opened(_Record):
    """A document was presented; the chip is not touched yet. Without a `document` somebody called for an officer, and nothing is read.
    `direction` is the one over the border that the lane served then.
    """

    kind: ClassVar = RecordKind.OPENED
    leads_to_admission: ClassVar = True
    crossing: str
    direction: BorderDirection = BorderDirection.ENTRY
    document: bool = True


@dataclass(frozen=True, slots=True)
class EntryDecided(_Record):
    """The decision about the first of two doors, with every reason and everything that is needed to take it again. It admits nobody."""

    kind: ClassVar = RecordKind.ENTRY_DECIDED
    leads_to_admission: ClassVar = True
    bytes_min: ClassVar = 8192
    crossing: str
    decision: Verdict
    reasons: tuple[Objection, ...]
    evidence: Evidence
    policy: Policy


@dataclass(frozen=True, slots=True)
class Decided(_Record):
    """The decision, with every reason and everything that is needed to take it again."""

    kind: ClassVar = RecordKind.DECIDED
    leads_to_admission: ClassVar = True
    bytes_min: ClassVar = 8192  # a decision of which little is known, a referral, looks like any other
    crossing: str
    decision: Verdict
    reasons: tuple[Objection, ...]
    evidence: Evidence
    policy: Policy


@dataclass(frozen=True, slots=True)
class WouldAdmit(_Record):
    """An officer would let the traveller through in spite of these reasons, and another officer must, too. It lets nobody through."""

    kind: ClassVar = RecordKind.WOULD_ADMIT
    crossing: str
    order: Said
    reasons: tuple[Objection, ...]


@dataclass(frozen=True, slots=True)
class Overruled(_Record):
    """An officer lets the traveller through in spite of these reasons, for which the crossing was referred. `first` is the order of the one before
    them, where it takes two.
    """

    kind: ClassVar = RecordKind.OVERRULED
    leads_to_admission: ClassVar = True
    crossing: str
    order: Said
    reasons: tuple[Objection, ...]
    first: Said | None = None


@dataclass(frozen=True, slots=True)
class Granted(_Record):
    """One person may pass. The order to the barrier went out before."""

    kind: ClassVar = RecordKind.GRANTED
    urgent: ClassVar = True
    crossing: str
    ttl_ms: int
    direction: Direction = Direction.ENTRY
    door: Door = Door.LAST


@dataclass(frozen=True, slots=True)
class Passed(_Record):
    """So many went through, as the beams count. `counters` is what the controller had counted by then."""

    kind: ClassVar = RecordKind.PASSED
    urgent: ClassVar = True
    about: ClassVar = RecordClass.DEVICE
    crossing: str | None
    count: int
    how: PassedBy = PassedBy.GRANT
    direction: Direction = Direction.ENTRY
    counters: Counters | None = None
    door: Door = Door.LAST


@dataclass(frozen=True, slots=True)
class Counted(_Record):
    """Where the controller's counters stood when the books began, or began anew. `before` is what was known until then."""

    kind: ClassVar = RecordKind.COUNTED
    urgent: ClassVar = True
    about: ClassVar = RecordClass.DEVICE
    counters: Counters
    before: Counters | None = None
    door: Door = Door.LAST


@dataclass(frozen=True, slots=True)
class Revoked(_Record):
    """The grant was taken back."""

    kind: ClassVar = RecordKind.REVOKED
    urgent: ClassVar = True
    crossing: str
    reasons: tuple[Objection, ...]


@dataclass(frozen=True, slots=True)
class GrantEnded(_Record):
    """The grant came to its end by itself."""

    kind: ClassVar = RecordKind.GRANT_ENDED
    urgent: ClassVar = True
    crossing: str
    how: GrantEnd
    door: Door = Door.LAST


@dataclass(frozen=True, slots=True)
class Closed(_Record):
    """The machine's one verdict. `stages_ms` is when each stage was reached, in milliseconds since the document was presented."""

    kind: ClassVar = RecordKind.CLOSED
    urgent: ClassVar = True
    ends_crossing: ClassVar = True
    crossing: str
    verdict: ClosedAs
    reasons: tuple[Objection, ...] = ()
    stages_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def awaits_officer(self) -> bool:
        """A referral ends with the officer's disposition."""
        return self.verdict is ClosedAs.REFERRED


@dataclass(frozen=True, slots=True)
class Asked(_Record):
    """The traveller asked for something on the page. `no_outbound_query`: from here on nothing about this crossing is asked outside the gate."""

    kind: ClassVar = RecordKind.ASKED
    urgent: ClassVar = True
    crossing: str
    wish: Wish
    no_outbound_query: bool


@dataclass(frozen=True, slots=True)
class Settled(_Record):
    """What an officer did about a referral: the last that is said of a crossing."""

    kind: ClassVar = RecordKind.DISPOSITION
    urgent: ClassVar = True
    ends_crossing: ClassVar = True
    crossing: str
    order: Said
    disposition: Disposition


# ── what happens around crossings ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Incident(_Record):
    """An alarm, a lost part, a passage beyond a grant. `count` is how many, where that can be said; `waits` is true of a
    controller's alarm that an officer must acknowledge. `door` is the one that an alarm or a passage belongs to. `order` is whose order
    it was and what that lacked, where a certified key had signed it.
    """

    kind: ClassVar = RecordKind.INCIDENT
    about: ClassVar = RecordClass.DEVICE
    crossing: str | None
    incident: IncidentKind
    count: int | None = None
    waits: bool = False
    door: Door = Door.LAST
    order: Said | None = None


@dataclass(frozen=True, slots=True)
class AlarmEnded(_Record):
    """The controller shows an alarm no more that began, as an incident of the same name, so long ago."""

    kind: ClassVar = RecordKind.ALARM_ENDED
    about: ClassVar = RecordClass.DEVICE
    alarm: Alarm
    lasted_ms: int
    door: Door = Door.LAST


@dataclass(frozen=True, slots=True)
class Released(_Record):
    """An officer freed whoever was inside."""

    kind: ClassVar = RecordKind.RELEASE
    urgent: ClassVar = True
    about: ClassVar = RecordClass.ADMINISTRATION
    crossing: str | None
    order: Said


@dataclass(frozen=True, slots=True)
class EmergencyBegan(_Record):
    """The lane stands open, by itself or by an officer's `order`."""

    kind: ClassVar = RecordKind.EMERGENCY_BEGAN
    urgent: ClassVar = True
    about: ClassVar = RecordClass.DEVICE
    crossing: str | None
    order: Said | None = None


@dataclass(frozen=True, slots=True)
class EmergencyEnded(_Record):
    """The emergency is over: an officer at the lane said so, and the controller agreed."""

    kind: ClassVar = RecordKind.EMERGENCY_ENDED
    urgent: ClassVar = True
    about: ClassVar = RecordClass.ADMINISTRATION
    order: Said


@dataclass(frozen=True, slots=True)
class Presence(_Record):
    """An officer at the lane said: I am here. Written when nobody was present, or this officer had not said so for a minute."""

    kind: ClassVar = RecordKind.PRESENCE
    about: ClassVar = RecordClass.ADMINISTRATION
    leads_to_admission: ClassVar = True
    order: Said


class ObeyedVerb(enum.Enum):
    """The orders that have no record of their own."""

    REFER = "refer"
    ACKNOWLEDGE = "acknowledge"
    CLOSE = "close"
    PAUSE = "pause"
    MAINTAIN = "maintain"
    CONSENT = "consent"
    OPEN = "open"
    DIRECTION = "direction"
    MODE = "mode"


@dataclass(frozen=True, slots=True)
class Obeyed(_Record):
    """The lane did what an officer ordered. `alarms` are those that were acknowledged; `before` and `after` are the direction, or the name of
    the group of travellers, that the lane served until then and serves from here on.
    """

    kind: ClassVar = RecordKind.OBEYED
    about: ClassVar = RecordClass.ADMINISTRATION
    crossing: str | None
    order: Said
    verb: ObeyedVerb
    alarms: tuple[Alarm, ...] = ()
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Viewed(_Record):
    """An officer was shown the pictures and particulars of this crossing, which waits. It is durable before they are handed out."""

    kind: ClassVar = RecordKind.VIEWED
    crossing: str
    order: Said


@dataclass(frozen=True, slots=True)
class Flagged(_Record):
    """An officer raised a flag over somebody who may need protection; of nobody's crossing, if the person has none. Nothing else changed."""

    kind: ClassVar = RecordKind.FLAGGED
    about: ClassVar = RecordClass.ADMINISTRATION
    crossing: str | None
    order: Said
    concern: Concern


@dataclass(frozen=True, slots=True)
class HeadAccepted(_Record):
    """A supervisor answers for the log as this boot of the machine found it: so many entries, with this root (hex)."""

    kind: ClassVar = RecordKind.HEAD_ACCEPTED
    about: ClassVar = RecordClass.ADMINISTRATION
    leads_to_admission: ClassVar = True
    accepts_head: ClassVar = True
    order: Said
    entries: int
    root: str


Record = (
    Started
    | Stopped
    | ListsUpdated
    | NoticeShown
    | RulesStated
    | DrawCommitted
    | DrawRevealed
    | GroupsCounted
    | Opened
    | EntryDecided
    | Decided
    | WouldAdmit
    | Overruled
    | Granted
    | Passed
    | Counted
    | Revoked
    | GrantEnded
    | Closed
    | Asked
    | Settled
    | Incident
    | AlarmEnded
    | Released
    | EmergencyBegan
    | EmergencyEnded
    | Presence
    | Obeyed
    | Viewed
    | Flagged
    | HeadAccepted
)


def crossing_of(record: Record) -> str | None:
    """The crossing that a record belongs to."""
    crossing: str | None = getattr(record, "crossing", None)
    return crossing


def class_of(record: Record) -> RecordClass:
    """What the log says in clear of a record: whatever belongs to a crossing looks alike."""
    return record.about if crossing_of(record) is None else RecordClass.CROSSING
