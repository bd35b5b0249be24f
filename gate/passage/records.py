"""The records of the audit log, one dataclass per kind: its content, and its meaning for the log.

A record states four things to its writer: its class, whether it leads to an admission (so it waits while the disk is
full, and opens its crossing), whether it ends one, and whether it leaves one waiting for an officer. Time, boot and
index come with the envelope. Field names and values are stored and never renamed; a new field has a default, so that
older records can be read. Nothing here is personal: names, numbers, pictures and templates never enter `gate.passage`.

Encoding, sealing and storage are elsewhere.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from gate.passage.draws import Draw
from gate.passage.events import Counters
from gate.passage.names import ClosedAs, Concern, Disposition, IncidentKind, RecordClass, RecordKind, Wish
from gate.passage.orders import Said
from gate.passage.policy import Policy, Verdict
from gate_core.evidence.crossing import Alarm, Door, Evidence
from gate_core.evidence.reasons import Objection
from gate_core.evidence.service_scope import BorderDirection
from gate_core.evidence.trust_lists import PublishedList
from gate_core.ports.values import Direction


class PassedBy(enum.Enum):
    """What opened for a passage."""

    GRANT = "grant"
    RELEASE = "release"
    EMERGENCY = "emergency"
    UNSEEN = "unseen"  # while the controller was unreachable or the lane program not running: unknown
    NOTHING = "nothing"  # no passage was allowed


class GrantEnd(enum.Enum):
    """How a grant ended that was not taken back."""

    PASSAGE = "passage"
    TIME = "time"


@dataclass(frozen=True)
class Record:
    """Attributes that every kind of record declares."""

    kind: ClassVar[RecordKind]
    about: ClassVar[RecordClass]  # when it names no crossing
    leads_to_admission: ClassVar[bool]
    ends_crossing: ClassVar[bool]
    accepts_head: ClassVar[bool]  # it answers for the log as this boot found it
    bytes_min: ClassVar[
        int
    ]  # how long its sealed body looks at least: a decision of which little is known, a referral, looks like any other
    urgent: ClassVar[
        bool
    ]  # it frees a person, ends a crossing or states who passed: the disk's last space is for these

    def __init_subclass__(
        cls,
        *,
        kind: RecordKind,
        about: RecordClass = RecordClass.CROSSING,
        leads_to_admission: bool = False,
        ends_crossing: bool = False,
        accepts_head: bool = False,
        bytes_min: int = 0,
        urgent: bool = False,
    ) -> None:
        cls.kind, cls.about, cls.bytes_min, cls.urgent = kind, about, bytes_min, urgent
        cls.leads_to_admission, cls.ends_crossing, cls.accepts_head = leads_to_admission, ends_crossing, accepts_head

    @property
    def awaits_officer(self) -> bool:
        """True if its crossing waits from then on, until a later record ends that."""
        return False


# ── the program and what it judges by ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class FaceSettings:
    """The model that compares faces, its threshold and the threshold's evidence."""

    profile: str
    model: str
    sha256: str
    threshold: float
    fmr: float | None
    kind: str
    evidence: str


@dataclass(frozen=True, slots=True)
class ApprovalSettings:
    """The approval of what decisions rest on: the digest of its canonical text, the serial of the signatures, who signed, and who
    may: each approver's verifier key by name, and that of the authority that may name others. A demo has no serial and no persons.
    """

    sha256: str
    persons: tuple[str, ...]
    keys: Mapping[str, str]
    serial: int = 0
    authority: str = ""


@dataclass(frozen=True)
class Started(Record, kind=RecordKind.STARTED, about=RecordClass.DEVICE, leads_to_admission=True):
    """The lane program started; decisions rest on this. `rules`: as configured and approved; `officers`: the public key
    of the authority whose officers are obeyed, Base64; in `mode` shadow nothing is opened. `recipients`: SHA-256 in hex
    of each recipient of the records; `profile`: how much of a record is written; `registers`: lists and registers that
    must answer about each document, possibly none. Older records are read without the later fields.
    """

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


@dataclass(frozen=True)
class Stopped(Record, kind=RecordKind.STOPPED, about=RecordClass.DEVICE):
    """The lane program received the order to end."""


@dataclass(frozen=True)
class ListsUpdated(Record, kind=RecordKind.LISTS_UPDATED, about=RecordClass.ADMINISTRATION):
    """Other trust lists apply from here on. `version`, `before`: versions of trust stores; `imported_at`: RFC 3339."""

    version: str
    before: str
    certificates: int
    revocation_lists: int
    published: tuple[PublishedList, ...]
    imported_at: str | None


@dataclass(frozen=True)
class NoticeShown(Record, kind=RecordKind.NOTICE_SHOWN, about=RecordClass.ADMINISTRATION):
    """From here on travellers are shown this privacy notice: its SHA-256."""

    notice: str


@dataclass(frozen=True)
class RulesStated(Record, kind=RecordKind.RULES_STATED, about=RecordClass.ADMINISTRATION, leads_to_admission=True):
    """Decisions rest on these written rules from here on: one of `parts` pieces of their text, and its SHA-256."""

    version: str
    sha256: str
    part: int
    parts: int
    text: str


@dataclass(frozen=True)
class DrawCommitted(Record, kind=RecordKind.DRAW_COMMITTED, about=RecordClass.ADMINISTRATION, leads_to_admission=True):
    """From here on this share is drawn, by a secret with this SHA-256. `kept`: for the next start, not written."""

    day: str
    per_10000: int
    sha256: str
    kept: Draw | None = None


@dataclass(frozen=True)
class DrawRevealed(Record, kind=RecordKind.DRAW_REVEALED, about=RecordClass.ADMINISTRATION):
    """The draw with this SHA-256 is over; its secret, in hex."""

    day: str
    sha256: str
    secret: str


@dataclass(frozen=True, slots=True)
class GroupCell:
    """The lane's counts of one group, of at least ten crossings (`value` others: several smaller ones): of `crossings`, the number
    `referred`; of `attempts` that no document ended, the faces `not_acquired`; of those `compared`, the number `below` the threshold, and
    of these the number that an officer `confirmed` as the holder; of those `looked` at for liveness, the number of `alarms`, and of these
    the number that an officer `cleared`; and the number with a known time to the decision, its sum in seconds and the sum of squares.
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


@dataclass(frozen=True)
class GroupsCounted(Record, kind=RecordKind.GROUPS_COUNTED, about=RecordClass.ADMINISTRATION):
    """The lane's counts by group from `since` to `until` (RFC 3339), as the law of `basis` permits. It names no crossing."""

    since: str
    until: str
    basis: str
    cells: tuple[GroupCell, ...]


# ── the crossing ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Opened(Record, kind=RecordKind.OPENED, leads_to_admission=True):
    """A document was presented; the chip is not touched yet. Without a `document`, an officer was called."""

    crossing: str
    direction: BorderDirection = BorderDirection.ENTRY
    document: bool = True


@dataclass(frozen=True)
class EntryDecided(Record, kind=RecordKind.ENTRY_DECIDED, leads_to_admission=True, bytes_min=8192):
    """The decision about the first of two doors, with every reason and all evidence to take it again. It admits nobody."""

    crossing: str
    decision: Verdict
    reasons: tuple[Objection, ...]
    evidence: Evidence
    policy: Policy


@dataclass(frozen=True)
class Decided(Record, kind=RecordKind.DECIDED, leads_to_admission=True, bytes_min=8192):
    """The decision, with every reason and all evidence to take it again."""

    crossing: str
    decision: Verdict
    reasons: tuple[Objection, ...]
    evidence: Evidence
    policy: Policy


@dataclass(frozen=True)
class WouldAdmit(Record, kind=RecordKind.WOULD_ADMIT):
    """An officer would admit the traveller in spite of these reasons; a second officer must too. It admits nobody."""

    crossing: str
    order: Said
    reasons: tuple[Objection, ...]


@dataclass(frozen=True)
class Overruled(Record, kind=RecordKind.OVERRULED, leads_to_admission=True):
    """An officer admits the traveller in spite of these reasons. `first`: the first order, if two are needed."""

    crossing: str
    order: Said
    reasons: tuple[Objection, ...]
    first: Said | None = None


@dataclass(frozen=True)
class Granted(Record, kind=RecordKind.GRANTED, urgent=True):
    """One person may pass; the barrier was told before. `direction`: through the barrier, not over the border."""

    crossing: str
    ttl_ms: int
    direction: Direction = Direction.ENTRY
    door: Door = Door.LAST


@dataclass(frozen=True)
class Passed(Record, kind=RecordKind.PASSED, urgent=True, about=RecordClass.DEVICE):
    """A number of passages, as the beams count. `counters`: the controller's after them."""

    crossing: str | None
    count: int
    how: PassedBy = PassedBy.GRANT
    direction: Direction = Direction.ENTRY
    counters: Counters | None = None
    door: Door = Door.LAST


@dataclass(frozen=True)
class Counted(Record, kind=RecordKind.COUNTED, urgent=True, about=RecordClass.DEVICE):
    """The controller's counters when the series began, or began again. `before`: the last known ones."""

    counters: Counters
    before: Counters | None = None
    door: Door = Door.LAST


@dataclass(frozen=True)
class Revoked(Record, kind=RecordKind.REVOKED, urgent=True):
    """The grant was taken back."""

    crossing: str
    reasons: tuple[Objection, ...]


@dataclass(frozen=True)
class GrantEnded(Record, kind=RecordKind.GRANT_ENDED, urgent=True):
    """The grant ended by itself."""

    crossing: str
    how: GrantEnd
    door: Door = Door.LAST


@dataclass(frozen=True)
class Closed(Record, kind=RecordKind.CLOSED, urgent=True, ends_crossing=True):
    """The machine's one verdict. `stages_ms`: when each stage was reached, in milliseconds since the document was presented."""

    crossing: str
    verdict: ClosedAs
    reasons: tuple[Objection, ...] = ()
    stages_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def awaits_officer(self) -> bool:
        """A referral ends with the officer's disposition."""
        return self.verdict is ClosedAs.REFERRED


@dataclass(frozen=True)
class Asked(Record, kind=RecordKind.ASKED, urgent=True):
    """The traveller's request on the page. `no_outbound_query`: from here on nothing about this crossing is queried outside the gate."""

    crossing: str
    wish: Wish
    no_outbound_query: bool


@dataclass(frozen=True)
class Settled(Record, kind=RecordKind.DISPOSITION, urgent=True, ends_crossing=True):
    """An officer's disposition of a referral: the last record of a crossing."""

    crossing: str
    order: Said
    disposition: Disposition


# ── what happens around crossings ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Incident(Record, kind=RecordKind.INCIDENT, about=RecordClass.DEVICE):
    """An alarm, a lost part, a passage beyond a grant. `count`: how many, if known; `waits`: a controller's alarm that
    an officer must acknowledge. `door`: of an alarm or a passage. `order`: who gave it and what it lacked, if a
    certified key had signed it.
    """

    crossing: str | None
    incident: IncidentKind
    count: int | None = None
    waits: bool = False
    door: Door = Door.LAST
    order: Said | None = None


@dataclass(frozen=True)
class AlarmEnded(Record, kind=RecordKind.ALARM_ENDED, about=RecordClass.DEVICE):
    """The controller no longer shows an alarm, which began this long ago as an incident of the same name."""

    alarm: Alarm
    lasted_ms: int
    door: Door = Door.LAST


@dataclass(frozen=True)
class Released(Record, kind=RecordKind.RELEASE, urgent=True, about=RecordClass.ADMINISTRATION):
    """An officer freed the people inside."""

    crossing: str | None
    order: Said


@dataclass(frozen=True)
class EmergencyBegan(Record, kind=RecordKind.EMERGENCY_BEGAN, urgent=True, about=RecordClass.DEVICE):
    """The lane is open, by itself or by an officer's `order`."""

    crossing: str | None
    order: Said | None = None


@dataclass(frozen=True)
class EmergencyEnded(Record, kind=RecordKind.EMERGENCY_ENDED, urgent=True, about=RecordClass.ADMINISTRATION):
    """The emergency ended: by the order of an officer at the lane, and by the controller's status."""

    order: Said


@dataclass(frozen=True)
class Presence(Record, kind=RecordKind.PRESENCE, about=RecordClass.ADMINISTRATION, leads_to_admission=True):
    """An officer reported to be at the lane. Written if nobody was present, or this officer was not recorded for a minute."""

    order: Said


class ObeyedVerb(enum.Enum):
    """The orders without a record kind of their own."""

    REFER = "refer"
    ACKNOWLEDGE = "acknowledge"
    CLOSE = "close"
    PAUSE = "pause"
    MAINTAIN = "maintain"
    CONSENT = "consent"
    OPEN = "open"
    DIRECTION = "direction"
    MODE = "mode"


@dataclass(frozen=True)
class Obeyed(Record, kind=RecordKind.OBEYED, about=RecordClass.ADMINISTRATION):
    """The lane carried out an officer's order. `alarms`: those acknowledged; `before`, `after`: the direction or the
    group of travellers that the lane served until then and serves from then on.
    """

    crossing: str | None
    order: Said
    verb: ObeyedVerb
    alarms: tuple[Alarm, ...] = ()
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Viewed(Record, kind=RecordKind.VIEWED):
    """An officer was shown the pictures and data of this waiting crossing. It is durable before they are handed out."""

    crossing: str
    order: Said


@dataclass(frozen=True)
class Flagged(Record, kind=RecordKind.FLAGGED, about=RecordClass.ADMINISTRATION):
    """An officer flagged a person who may need protection; without a crossing if the person has none. Nothing else changed."""

    crossing: str | None
    order: Said
    concern: Concern


@dataclass(frozen=True)
class HeadAccepted(
    Record, kind=RecordKind.HEAD_ACCEPTED, about=RecordClass.ADMINISTRATION, leads_to_admission=True, accepts_head=True
):
    """A supervisor vouches for the log as this boot of the machine found it: number of entries and root (hex)."""

    order: Said
    entries: int
    root: str


def crossing_of(record: Record) -> str | None:
    """Return the record's crossing, or None."""
    crossing: str | None = getattr(record, "crossing", None)
    return crossing


def class_of(record: Record) -> RecordClass:
    """Return the class that the log has in clear: all records of crossings look alike."""
    return record.about if crossing_of(record) is None else RecordClass.CROSSING
