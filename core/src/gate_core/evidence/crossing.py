"""The evidence for a decision: document, face, lane, officer, lists, clock.

Absence is part of each type. No personal data: names, numbers, pictures and templates never enter `gate.passage`. Enum
values are stored in the audit log and never renamed. New fields have defaults, so that older records stay readable.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from gate_core.evidence.names import Head, PageCheckId
from gate_core.evidence.registers import RegisterFinding
from gate_core.evidence.service_scope import BorderDirection

PLACE_CHARACTERS_MAX = 64  # of `measured_on`


class CheckResult(enum.Enum):
    """The result of one check, in the terms of BSI TR-03135-1 §3.5.2."""

    SUCCESSFUL = "successful"
    FAILED = "failed"
    UNDETERMINED = "undetermined"
    NOT_SUPPORTED = "not_supported"
    ABORTED = "aborted"


class CheckId(enum.Enum):
    """The document checks that a decision uses."""

    MRZ = "mrz"
    CHIP_ACCESS = "chip_access"
    SOD_SIGNATURE = "sod_signature"
    DS_SIGNATURE = "ds_signature"
    DS_VALIDITY = "ds_validity"
    CSCA_VALIDITY = "csca_validity"
    REVOCATION = "revocation"
    COM_SOD = "com_sod"
    DG_HASHES = "dg_hashes"
    COUNTRY = "country"
    CHIP_AUTHENTICITY = "chip_authenticity"
    EXPIRY = "expiry"
    MRZ_DG1 = "mrz_dg1"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its result, the checker's reason as text, and the clause of the standard."""

    id: CheckId
    result: CheckResult
    reason: str = ""
    clause: str = ""


class AccessProtocol(enum.Enum):
    """The chip's access control (ICAO 9303-11 §4). NONE: the chip has none."""

    BAC = "BAC"
    PACE = "PACE"
    NONE = "none"


class Password(enum.Enum):
    """The printed password of the chip: machine-readable zone, or card access number."""

    MRZ = "MRZ"
    CARD_ACCESS_NUMBER = "CAN"


class PaceMapping(enum.Enum):
    """The mapping of PACE (ICAO 9303-11 §4.4.3.3)."""

    GENERIC = "GM"
    INTEGRATED = "IM"
    CHIP_AUTHENTICATION = "CAM"


class KeyAgreement(enum.Enum):
    """The key agreement of chip and terminal."""

    DH = "DH"
    ECDH = "ECDH"


class Cipher(enum.Enum):
    """The cipher of a session of secure messaging."""

    TDES = "3DES"
    AES_128 = "AES-128"
    AES_192 = "AES-192"
    AES_256 = "AES-256"


@dataclass(frozen=True, slots=True)
class AccessEvidence:
    """How the chip was accessed (logged as TR-03135-1 §5.6.3.1 requires). BAC has none of the fields from `version` on;
    a chip without access control has no password. `parameters`: name of the domain parameters, such as brainpoolP256r1.
    """

    protocol: AccessProtocol
    password: Password | None
    version: int | None = None
    mapping: PaceMapping | None = None
    agreement: KeyAgreement | None = None
    cipher: Cipher | None = None
    parameters: str = ""


@dataclass(frozen=True, slots=True)
class AgreementEvidence:
    """Chip Authentication as performed: the protocol's object identifier, cipher and domain parameters."""

    protocol: str
    cipher: Cipher
    parameters: str


@dataclass(frozen=True, slots=True)
class AuthorityEvidence:
    """A CSCA certificate used to verify the document: serial number and SHA-256 fingerprint in hex."""

    subject: str
    serial: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class PageCheck:
    """One check of the printed page. `measured`: value in the check's unit. `false_alarm_rate`: share of genuine pages
    that fail, measured on `measured_on`. None: unknown.
    """

    id: PageCheckId
    result: CheckResult
    measured: float | None = None
    false_alarm_rate: float | None = None
    measured_on: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError for an invalid rate, or for too long a `measured_on`."""
        if self.false_alarm_rate is not None and not 0.0 <= self.false_alarm_rate <= 1.0:
            raise ValueError(f"no rate: {self.false_alarm_rate}")
        if len(self.measured_on) > PLACE_CHARACTERS_MAX:
            raise ValueError("measured on too many words")


def page_checks(found: Iterable[PageCheck]) -> tuple[PageCheck, ...]:
    """Return the first check of each kind, without PAGE_ACCEPTED, which vision does not decide alone."""
    checks = {one.id: one for one in reversed(tuple(found)) if one.id is not PageCheckId.PAGE_ACCEPTED}
    return tuple(checks.values())


@dataclass(frozen=True, slots=True)
class PageEvidence:
    """The reading of the printed page by camera or scanner. `weakest`: lowest confidence of a character. `tries`:
    number of readings tried as the chip's key. `visa`: a visa page was presented before.
    """

    source: str
    format: str
    weakest: float
    tries: int
    visa: bool = False
    checks: tuple[PageCheck, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentEvidence:
    """The document inspection's result. `issuer`: three-letter code in the MRZ. None: chip not accessed (`access`), no
    Chip Authentication (`agreement`), or MRZ from a text-only reader (`page`). `weak_algorithms`: place and algorithm,
    such as `ds_key:rsa-1024`. `lists`: version of the trust store; `authorities`: its CSCA certificates for this
    signer. Of `nationality`, `sex` (M, F or X) and `age` (years) only those are set that a rule needs.
    """

    checks: tuple[Check, ...]
    issuer: str = ""
    document_type: str = ""
    issued: date | None = None
    expires: date | None = None
    test_issuer: bool = False
    access: AccessEvidence | None = None
    agreement: AgreementEvidence | None = None
    weak_algorithms: tuple[str, ...] = ()
    lists: str = ""
    authorities: tuple[AuthorityEvidence, ...] = ()
    page: PageEvidence | None = None
    nationality: str = ""
    sex: str = ""
    age: int | None = None

    @classmethod
    def unreadable(cls, reason: str, broken: CheckId, result: CheckResult = CheckResult.ABORTED) -> DocumentEvidence:
        """Return the evidence if the chip was not accessed: `broken` has this result, all other checks are aborted."""
        aborted = {one: Check(one, CheckResult.ABORTED) for one in CheckId}
        return cls(checks=tuple((aborted | {broken: Check(broken, result, reason)}).values()))


@dataclass(frozen=True, slots=True)
class Score:
    """A model's probability or similarity, from -1 (unlike) to 1 (alike)."""

    value: float

    def __post_init__(self) -> None:
        """Raise ValueError if out of range, also for NaN."""
        if not -1.0 <= self.value <= 1.0:
            raise ValueError(f"score out of range: {self.value}")


@dataclass(frozen=True, slots=True)
class CueEvidence:
    """One cue of the liveness score, in its own unit (docs/liveness.md); None: not run."""

    cue: str
    value: float | None


class CameraTrouble(enum.Enum):
    """Faults of the video: camera covered, video repeats, or exposure changes have no effect."""

    COVERED = "camera_covered"
    LOOPED = "video_looped"
    DEAF = "video_ignores_exposure"


class Swap(enum.Enum):
    """Comparison of face and document with the travellers referred in the last minutes. Stored; never renamed."""

    NONE = "none"
    OTHER_DOCUMENT = "other_document"  # the same face came with another document
    OTHER_FACE = "other_face"  # the same document came with another face


class PadResult(enum.Enum):
    """The verdict of a separate PAD sensor. Stored; never renamed."""

    LIVE = "live"
    ATTACK = "attack"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class PadEvidence:
    """The verdict of a PAD sensor (near infrared, depth): its reported name and version, its score from 0 (attack) to 1
    (live), its threshold `bound`, and the measurement's age when the face was compared.
    """

    name: str
    version: str
    bound: Score
    result: PadResult
    score: Score | None
    age_ms: int


@dataclass(frozen=True, slots=True)
class FaceEvidence:
    """The result of camera and matcher. None: not run, or no usable picture. `track_held`: the compared face is still
    in front of the camera. `trouble`: faults of the video. `page_checks`: printed portrait against chip and face.
    `age_ms`: time from comparison to decision. `swap`: comparison with recent referrals.
    """

    faces: int
    match: Score | None = None
    liveness: Score | None = None
    portrait_usable: bool | None = None
    track_held: bool = False
    model: str = ""
    cues: tuple[CueEvidence, ...] = ()
    trouble: tuple[CameraTrouble, ...] = ()
    page_checks: tuple[PageCheck, ...] = ()
    age_ms: int | None = None
    swap: Swap | None = None
    pad: PadEvidence | None = None


class Door(enum.Enum):
    """A lane's doors, in walking order: entrance and exit. A lane with one door has only LAST."""

    FIRST = "first"
    LAST = "last"


class Alarm(enum.Enum):
    """Alarms reported by a barrier controller."""

    FORCED = "forced"
    OBSTRUCTED = "obstructed"
    OPEN_TOO_LONG = "open_too_long"
    REVERSE_PASSAGE = "reverse_passage"
    PASSAGE_WITHOUT_GRANT = "passage_without_grant"
    HOST_LOST = "host_lost"
    MOTOR_FAULT = "motor_fault"


class Notice(enum.Enum):
    """Conditions of barrier and lane, besides alarms, that officers must know."""

    REVOKE_NOT_SHOWN = "revoke_not_shown"
    RELEASE_NOT_SHOWN = "release_not_shown"
    PERSON_INSIDE = "person_inside"
    HELP_CALLED = "help_called"
    LEFT_OBJECT = "left_object"
    CABINET_OPEN = "cabinet_open"
    MAINS_LOST = "mains_lost"
    REFERRAL_WAITS = "referral_waits"  # longer than the time limit
    LAMP_REFUSED = "lamp_refused"
    STATE_UNKNOWN = "state_unknown"  # the state file was lost in a crash: check for an emergency
    ASKED_OFTEN = "asked_often"  # too many help requests on the page: ignored for a while, or until acknowledged
    HEAD_UNCONFIRMED = "head_unconfirmed"  # the log may be outdated: neither mirror nor supervisor has confirmed it
    FREEING_REFUSED = "freeing_refused"  # an order to free people was refused, and is not acknowledged yet
    EXPIRED_KEY_USED = "expired_key_used"  # an order with an expired key, not acknowledged yet


@dataclass(frozen=True, slots=True)
class DoorEvidence:
    """The status of a door's barrier controller; `age_ms`: its age."""

    age_ms: int
    closed: bool
    bodies: int
    grants_left: int
    emergency: bool
    alarms: tuple[Alarm, ...] = ()


@dataclass(frozen=True, slots=True)
class InsideEvidence:
    """The readings between the doors. `people`, `object_left`: None if unknown. `looks`: number of consecutive
    readings, in one sensor `session`, with this number of people; `age_ms`: age of the last. `help_called`: not
    answered yet.
    """

    age_ms: int
    people: int | None
    object_left: bool | None
    looks: int
    session: int
    cabinet_open: bool = False
    mains_present: bool = True
    help_called: bool = False


@dataclass(frozen=True, slots=True)
class SiteEvidence:
    """Officer, lists, clock and log. None: never known. `age_s`: seconds since lists and clock were checked.
    `head_age_s`: seconds since the log's head was last reported. `local`: the site's local time, if a rule needs it.
    """

    officer_seen_ago_s: float | None
    trust_age_days: float | None
    clock_sure: bool
    age_s: float | None = None
    head: Head | None = None
    head_age_s: float | None = None
    local: datetime | None = None


@dataclass(frozen=True, slots=True)
class LaneEvidence:
    """A lane's doors, the first only if there are two, and the readings between them."""

    last: DoorEvidence | None
    first: DoorEvidence | None = None
    inside: InsideEvidence | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All input of a decision. `lane`: the last door. `no_outbound_query`: the traveller asked for protection, so no
    query may leave the gate. `direction`: over the border, if a rule needs it. `drawn`: selected for a random check;
    None: not drawn yet. `registers`: findings of lists and registers; None: not asked, or no answer.
    """

    document: DocumentEvidence | None
    face: FaceEvidence | None
    lane: DoorEvidence | None
    site: SiteEvidence
    first: DoorEvidence | None = None
    inside: InsideEvidence | None = None
    no_outbound_query: bool = False
    direction: BorderDirection | None = None
    drawn: bool | None = None
    registers: tuple[RegisterFinding, ...] | None = None

    @property
    def doors(self) -> LaneEvidence:
        """The lane's part of the evidence."""
        return LaneEvidence(self.lane, self.first, self.inside)
