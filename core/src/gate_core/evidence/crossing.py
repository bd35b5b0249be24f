"""What a crossing knows: the document, the face, the lane, the officer, the lists, the clock. Nothing here is personal.

Enum values are stored in the audit log and never renamed; older records are read without fields that have a default.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from gate_core.evidence.names import Head, PageCheckId
from gate_core.evidence.registers import RegisterFinding
from gate_core.evidence.service_scope import BorderDirection

PLACE_CHARACTERS_MAX = 64  # of what a rate was measured on


class CheckResult(enum.Enum):
    """The result of one check, in the terms of BSI TR-03135-1 §3.5.2."""

    SUCCESSFUL = "successful"
    FAILED = "failed"
    UNDETERMINED = "undetermined"
    NOT_SUPPORTED = "not_supported"
    ABORTED = "aborted"


class CheckId(enum.Enum):
    """The document checks a decision looks at."""

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
    """One check: its result, a reason in the checker's words, the clause it comes from."""

    id: CheckId
    result: CheckResult
    reason: str = ""
    clause: str = ""


class AccessProtocol(enum.Enum):
    """How a chip was opened (ICAO 9303-11 §4). NONE: it has no access control, and anyone may read it."""

    BAC = "BAC"
    PACE = "PACE"
    NONE = "none"


class Password(enum.Enum):
    """What was printed on the document and opened its chip: the machine-readable zone, or the card access number."""

    MRZ = "MRZ"
    CARD_ACCESS_NUMBER = "CAN"


class PaceMapping(enum.Enum):
    """How PACE turned the nonce into a generator (ICAO 9303-11 §4.4.3.3)."""

    GENERIC = "GM"
    INTEGRATED = "IM"
    CHIP_AUTHENTICATION = "CAM"


class KeyAgreement(enum.Enum):
    """The kind of group in which chip and terminal agreed on keys."""

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
    """How the chip was opened (TR-03135-1 §5.6.3.1 wants it logged). From `version` on all is empty with Basic Access Control, which has nothing to choose;
    a chip without access control has no password either. `parameters` is the name of the domain parameters, such as brainpoolP256r1.
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
    """How Chip Authentication was carried out: the object identifier of its protocol, cipher and domain parameters."""

    protocol: str
    cipher: Cipher
    parameters: str


@dataclass(frozen=True, slots=True)
class AuthorityEvidence:
    """A CSCA certificate that the document was judged against: serial number and SHA-256 fingerprint in hex."""

    subject: str
    serial: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class PageCheck:
    """One look at the printed page. `measured` is its number in its own unit, `false_alarm_rate` the share of genuine pages that fail it, as measured on
    `measured_on`; None where there is none.
    """

    id: PageCheckId
    result: CheckResult
    measured: float | None = None
    false_alarm_rate: float | None = None
    measured_on: str = ""

    def __post_init__(self) -> None:
        """Refuse a rate that is none, and more words than a record has room for."""
        if self.false_alarm_rate is not None and not 0.0 <= self.false_alarm_rate <= 1.0:
            raise ValueError(f"no rate: {self.false_alarm_rate}")
        if len(self.measured_on) > PLACE_CHARACTERS_MAX:
            raise ValueError("measured on too many words")


def page_checks(found: Iterable[PageCheck]) -> tuple[PageCheck, ...]:
    """What vision found on a page, the first of a kind; whether a page is accepted is not for vision alone to say."""
    checks = {one.id: one for one in reversed(tuple(found)) if one.id is not PageCheckId.PAGE_ACCEPTED}
    return tuple(checks.values())


@dataclass(frozen=True, slots=True)
class PageEvidence:
    """How a camera or scanner read the printed page. `weakest` is the confidence of the least certain character, `tries` how many readings were tried as
    the chip's key; `visa` says that a visa's page was shown before this one.
    """

    source: str
    format: str
    weakest: float
    tries: int
    visa: bool = False
    checks: tuple[PageCheck, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentEvidence:
    """What the inspection of the document found. `issuer` is the MRZ's three-letter code. `access` is None for a chip that was not opened, `agreement`
    where Chip Authentication was not carried out, `page` when the MRZ came from a reader that gives text alone. `weak_algorithms` are places and algorithms
    such as `ds_key:rsa-1024`, weak by the standards of that day. `lists` is the version of the trust store that judged it, and `authorities` its CSCA
    certificates for this signer. Of `nationality`, `sex` (M, F or X) and `age` (whole years) only what a rule asks for is kept.
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
        """The evidence when the chip was never spoken to: `broken` has this result, and nothing after it ran."""
        aborted = {one: Check(one, CheckResult.ABORTED) for one in CheckId}
        return cls(checks=tuple((aborted | {broken: Check(broken, result, reason)}).values()))


@dataclass(frozen=True, slots=True)
class Score:
    """A probability or similarity from -1 (unlike) to 1 (alike), as the model gives it."""

    value: float

    def __post_init__(self) -> None:
        """Refuse what no model gives, NaN included."""
        if not -1.0 <= self.value <= 1.0:
            raise ValueError(f"score out of range: {self.value}")


@dataclass(frozen=True, slots=True)
class CueEvidence:
    """One cue that the liveness score rests on, in its own unit (docs/liveness.md); None means that it was not run."""

    cue: str
    value: float | None


class CameraTrouble(enum.Enum):
    """What makes the video itself doubtful: nothing to see, a recording, pictures that do not obey the camera's controls."""

    COVERED = "camera_covered"
    LOOPED = "video_looped"
    DEAF = "video_ignores_exposure"


class Swap(enum.Enum):
    """What a face and a chip's portrait were to those whom this lane has referred in the latest minutes. Stored; never renamed."""

    NONE = "none"
    OTHER_DOCUMENT = "other_document"  # the same face came with another document
    OTHER_FACE = "other_face"  # the same document came with another face


class PadResult(enum.Enum):
    """What a sensor with a verdict of its own said of whoever stood before it. Stored; never renamed."""

    LIVE = "live"
    ATTACK = "attack"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class PadEvidence:
    """The verdict of a sensor beside the camera (near infrared, depth): its name and version by its own word, its score from 0 (a picture) to 1 (a
    person), from which on it says live, and how old its measurement was when the face was compared.
    """

    name: str
    version: str
    bound: Score
    result: PadResult
    score: Score | None
    age_ms: int


@dataclass(frozen=True, slots=True)
class FaceEvidence:
    """What the camera and the matcher found. None means: not run, or no usable picture. `track_held`: the compared face is still the one in front of the
    camera. `cues` are what the liveness score rests on, `trouble` what was found with the video; `page_checks` hold the printed portrait against chip and
    face. `age_ms` is how long before the decision the face was compared; `swap` what face and document were to those referred lately; `pad` what a sensor
    of its own said.
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
    """A lane's doors in the order in which travellers come to them: into the lane, and out of it. A lane of one door has the last alone."""

    FIRST = "first"
    LAST = "last"


class Alarm(enum.Enum):
    """What a barrier controller reports by itself."""

    FORCED = "forced"
    OBSTRUCTED = "obstructed"
    OPEN_TOO_LONG = "open_too_long"
    REVERSE_PASSAGE = "reverse_passage"
    PASSAGE_WITHOUT_GRANT = "passage_without_grant"
    HOST_LOST = "host_lost"
    MOTOR_FAULT = "motor_fault"


class Notice(enum.Enum):
    """What is wrong with barrier and lane now, beside alarms, and an officer must know."""

    REVOKE_NOT_SHOWN = "revoke_not_shown"
    RELEASE_NOT_SHOWN = "release_not_shown"
    PERSON_INSIDE = "person_inside"
    HELP_CALLED = "help_called"
    LEFT_OBJECT = "left_object"
    CABINET_OPEN = "cabinet_open"
    MAINS_LOST = "mains_lost"
    REFERRAL_WAITS = "referral_waits"  # for longer than a referral may
    LAMP_REFUSED = "lamp_refused"
    STATE_UNKNOWN = "state_unknown"  # after an unclean end the state file is lost: look whether there is an emergency
    ASKED_OFTEN = "asked_often"  # for help on the page, and nobody is referred for it for a while, or until an officer acknowledges it
    HEAD_UNCONFIRMED = "head_unconfirmed"  # the log may be from the past: mirror or supervisor has yet to accept it
    FREEING_REFUSED = "freeing_refused"  # an order to free people, since an officer acknowledged the last
    EXPIRED_KEY_USED = "expired_key_used"  # an order under one, likewise


@dataclass(frozen=True, slots=True)
class DoorEvidence:
    """What a door's barrier controller says, and how old that is, in milliseconds."""

    age_ms: int
    closed: bool
    bodies: int
    grants_left: int
    emergency: bool
    alarms: tuple[Alarm, ...] = ()


@dataclass(frozen=True, slots=True)
class InsideEvidence:
    """What the sensors between the doors say. `people` and `object_left` are None when they cannot tell; `looks` running agreed on the
    people, in one `session` of the sensors, and the last of them is so old, in milliseconds. `help_called`: nobody has answered it yet.
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
    """What surrounds the crossing: officer, lists, clock, log. None means never seen. `age_s` is how long ago lists and clock were looked at, `head_age_s`
    how long ago the latest word of the log's head came, `local` what the site's own clock showed, where a rule asks for it.
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
    """What a lane says of itself: the last door, the first one where there are two, and what the sensors see inside."""

    last: DoorEvidence | None
    first: DoorEvidence | None = None
    inside: InsideEvidence | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything a decision is taken from. `lane` is the last door. `no_outbound_query`: the traveller asked for protection, and nothing about them
    may be asked outside the gate. `direction` is the one over the border, where a rule asks for it. `drawn`: chance wants an officer to see them; None:
    nothing is drawn by now. `registers` is what lists and registers said, None where they were not asked or did not answer.
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
        """What the lane says of itself."""
        return LaneEvidence(self.lane, self.first, self.inside)
