"""The messages between our programs: typed, closed unions, one per direction (`gate.channel.table`).

Unknown kinds and fields, wrong types, and numbers and texts out of their bounds are refused (`BadMessageError`).
"""

from __future__ import annotations

import enum
import json
from datetime import datetime
from typing import Annotated

import msgspec

from gate.channel.message import Message, Name, Status, StatusRequest, refuse_unplain
from gate.passage.names import Concern, Disposition, Outcome, RecordClass, RecordKind, TrackChange, Wish
from gate_core.evidence.crossing import (
    AccessProtocol,
    Alarm,
    CameraTrouble,
    Check,
    DocumentEvidence,
    Notice,
    PadResult,
    PageCheck,
    Swap,
)
from gate_core.evidence.reasons import Objection
from gate_core.evidence.registers import RegisterAnswer, RegisterCause
from gate_core.evidence.screen import Guidance, Purpose, Screen
from gate_core.evidence.service_scope import EVERYBODY, BorderDirection
from gate_core.evidence.trust_lists import Edition, PublishedList

__all__ = ["Message", "Name", "Status", "StatusRequest"]  # beside what stands here

WORDS_MAX = 500
CLAUSE_MAX = 128

CrossingId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Words = Annotated[str, msgspec.Meta(max_length=WORDS_MAX)]  # for a log line; `words` makes them fit
Count = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]  # CLOCK_MONOTONIC
PageNumber = Annotated[int, msgspec.Meta(ge=0, le=1 << 31)]
SessionNumber = Annotated[int, msgspec.Meta(ge=0, le=(1 << 53) - 1)]
Issuer = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{1,3}$")]  # a state in the letters of the MRZ
Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Tenths = Annotated[int, msgspec.Meta(ge=0, le=10)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]  # with its zone, without which it is ambiguous


def words(text: object) -> str:
    """Return the beginning of a fault's text, as long as a message permits."""
    return str(text)[:WORDS_MAX]


# ── lane → log ───────────────────────────────────────────────────────────────────────────────────────────────────────


RECORDS_MAX = 64  # in one append
BODY_BYTES_MAX = 48 * 1024
AppendId = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
REMEMBERED_BYTES_MAX = 3072
APPROVERS_BYTES_MAX = 4096
DeviceSettings = Annotated[str, msgspec.Meta(max_length=4096)]
Remembered = Annotated[bytes, msgspec.Meta(max_length=REMEMBERED_BYTES_MAX)]


class Approved(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The approval with which a lane starts: its serial, its digest (SHA-256, hexadecimal), and its approvers, which the log only stores."""

    serial: Annotated[int, msgspec.Meta(ge=1, le=(1 << 53) - 1)]
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    approvers: Annotated[bytes, msgspec.Meta(max_length=APPROVERS_BYTES_MAX)]


class NewRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One record. `body`: the bytes to seal; `bytes_min`: the minimum length that they appear to have.

    `id` is random for each record; a record offered again with it is written once. The log trusts the sender's
    statement of its meaning, and knows no kinds: on a full disk records that lead to an admission wait, and the last
    space is kept for urgent ones. `remember`: data that the sender receives at its next start, instead of earlier such
    data; stored as durably as the record, in clear, beside the log. So is `approved`, and a record that rests on an
    older approval than an earlier record is refused: one with a lower serial, or with the same and another digest.
    `accepts_head`: a supervisor vouches for the log as this boot found it.
    """

    id: AppendId
    kind: RecordKind
    about: RecordClass
    crossing: Name | None
    monotonic_ms: int
    leads_to_admission: bool
    ends_crossing: bool
    bytes_min: Annotated[int, msgspec.Meta(ge=0, le=BODY_BYTES_MAX)]
    body: Annotated[bytes, msgspec.Meta(max_length=BODY_BYTES_MAX)]
    urgent: bool = False
    remember: Remembered = b""
    awaits_officer: bool = False
    approved: Approved | None = None
    accepts_head: bool = False

    def __repr__(self) -> str:
        """Never shows the body."""
        return f"NewRecord({self.kind.value}, {self.id.hex()[:8]})"


class Append(Message, frozen=True):
    """Write these records, in this order; the answer is `Appended`. A second one waits for the first one's answer."""

    records: Annotated[list[NewRecord], msgspec.Meta(min_length=1, max_length=RECORDS_MAX)]

    @property
    def weight(self) -> int:
        """One per record."""
        return len(self.records)


class OpenCrossingsRequest(Message, frozen=True):
    """Request what an earlier run of the lane left: crossings opened and not closed, or referred and not settled, and
    its remembered data.
    """


class Recorded(Message, frozen=True):
    """The record is on the disk, at this index of the log."""

    index: int


class NotRecorded(Message, frozen=True):
    """The record is not in the log; admissions stop until a later record is. `again`: it may be offered again."""

    reason: Words
    again: bool


class NotKnown(Message, frozen=True):
    """The log cannot be read now. `tried`: this append may have written the record. To be asked again."""

    reason: Words
    tried: bool


class Appended(Message, frozen=True):
    """The result for each record of an append, in order."""

    outcomes: list[Recorded | NotRecorded | NotKnown]


class OpenCrossings(Message, frozen=True):
    """The crossings opened and not closed, the latest record's remembered data, the crossings referred and not settled,
    and the newest approval with which a lane started. Crossings come oldest first. `written_s`: the latest hour of any
    record, in seconds since 1970; the present time is not earlier.
    """

    crossings: list[str]
    remembered: Remembered = b""
    referred: list[str] = []
    approved: Approved | None = None
    written_s: int = 0


ToLog = Append | OpenCrossingsRequest | StatusRequest
FromLog = Appended | OpenCrossings | Status

# ── lane ↔ vision ────────────────────────────────────────────────────────────────────────────────────────────────────


REMEMBERED_FACES_MAX = 10
RememberedFace = Annotated[bytes, msgspec.Meta(min_length=8, max_length=8192)]  # two templates of one model, float32


class StartCrossing(Message, frozen=True):
    """Give a crossing its own child process and open the camera in it. `page`: the page that was read, if any. Without
    `look` the camera waits for `OpenCamera`: the traveller is not before it yet.

    Vision forwards `page` to the child only if the printed portrait of that page is on its way. Vision adds `earlier`
    for the child: data of recently referred crossings, against swaps; None if none may be kept.
    """

    crossing: CrossingId
    page: PageNumber | None = None
    look: bool = True
    earlier: Annotated[list[RememberedFace], msgspec.Meta(max_length=REMEMBERED_FACES_MAX)] | None = None


class OpenCamera(Message, frozen=True):
    """The traveller is before the camera now."""

    crossing: CrossingId


OFFICERS_MAX = 4  # recipients of sealed data
SEALED_PIECE_BYTES_MAX = 48 * 1024
AuthorityKey = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
ShiftCertificate = Annotated[bytes, msgspec.Meta(max_length=2048)]


class OfficersOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The authority whose certificates a child accepts for officers (Ed25519), and the gate that they must cover."""

    gate: Name
    authority: AuthorityKey


class SealFor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The officers for whom an ending child seals pictures and data: the holders of these shift certificates, if valid
    by the child's preparation (`OfficersOf`). `alarm`: moments of the look too.
    """

    certificates: Annotated[list[ShiftCertificate], msgspec.Meta(min_length=1, max_length=OFFICERS_MAX)]
    alarm: bool


class EndCrossing(Message, frozen=True):
    """End the crossing's child; its end is the erasure. With `seal` it first sends, in pieces, what officers may see, and its
    end waits for that (`gate.programs.children.final_report` has the limit). `remember`: minutes for which vision may keep
    face and chip portrait in memory, to compare them with this lane's next referrals; 0: its end is the erasure.
    """

    crossing: CrossingId
    seal: SealFor | None = None
    remember: Annotated[int, msgspec.Meta(ge=0, le=60)] = 0


class SealedPiece(Message, frozen=True):
    """The next piece of the data sealed to the officer of this number. An empty part could not be sealed."""

    crossing: CrossingId
    number: Annotated[int, msgspec.Meta(ge=0, lt=OFFICERS_MAX)]
    content: Annotated[bytes, msgspec.Meta(max_length=SEALED_PIECE_BYTES_MAX)]
    last: bool


class FaceRemembered(Message, frozen=True):
    """Data of its crossing that an ending child leaves to be remembered; empty: none."""

    crossing: CrossingId
    content: Annotated[bytes, msgspec.Meta(max_length=8192)]


class CameraStatus(Message, frozen=True):
    """A first frame was decoded; or why there is no frame. Without a crossing: whether the next traveller can be looked at."""

    crossing: CrossingId | None
    lost: Words | None = None


class FaceSeen(Message, frozen=True):
    """The number of faces, guidance, and the progress of the look: how many of the frames needed for a comparison
    exist. It does not predict the comparison's result. Sent when it changes.

    `session`, here and below, is drawn anew whenever a child opens the camera.
    """

    crossing: CrossingId
    faces: Count
    guidance: Guidance
    session: SessionNumber = 0
    progress: Tenths = 0


class PadSaid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A PAD sensor's verdict, as `gate_core.evidence.crossing.PadEvidence` has it."""

    name: Annotated[str, msgspec.Meta(max_length=64)]
    version: Annotated[str, msgspec.Meta(max_length=64)]
    bound: Share
    result: PadResult
    score: Share | None
    age_ms: Annotated[int, msgspec.Meta(ge=0, le=600_000)]


class FaceCompared(Message, frozen=True):
    """The result of comparing the tracked face with the chip's portrait.

    `match` and `liveness` are None if unavailable; `reasons` explains why. `frames`: number of frames used. `cues`: the
    basis of the liveness score, None for one that was not run. `page`: the printed portrait compared with chip and
    face, if there was one. `frames_per_second`: the camera's rate since it was opened, None before there were two
    frames. `swap`: comparison with recent referrals, None without one. `pad`: a sensor's own verdict, None without a
    valid one.
    """

    crossing: CrossingId
    faces: Count
    match: float | None
    liveness: float | None
    portrait_usable: bool
    model: Name
    frames: Count
    good_frame_ms: Milliseconds  # CLOCK_MONOTONIC of the frame that completed the number a comparison needs
    reasons: Annotated[list[Name], msgspec.Meta(max_length=16)]
    cues: Annotated[dict[Name, float | None], msgspec.Meta(max_length=16)] = {}
    page: Annotated[list[PageCheck], msgspec.Meta(max_length=16)] = []
    session: SessionNumber = 0
    frames_per_second: Annotated[float, msgspec.Meta(ge=0.0, le=1000.0)] | None = None
    swap: Swap | None = None
    pad: PadSaid | None = None


class VideoDoubted(Message, frozen=True):
    """The camera's video is not trustworthy. Each trouble is sent once."""

    crossing: CrossingId
    trouble: CameraTrouble


class TrackChanged(Message, frozen=True):
    """After the comparison the tracked face left or changed, or several came. Its loss is sent again whenever it is proved afterwards."""

    crossing: CrossingId
    change: TrackChange
    session: SessionNumber = 0
    seen_ago_ms: Milliseconds | None = None  # since the face was last proved to be the traveller's; None: not known
    grown: Annotated[float, msgspec.Meta(ge=0.0, le=1000.0)] | None = None  # how many times as tall as when compared


class Erased(Message, frozen=True):
    """The crossing's child process has ended."""

    crossing: CrossingId


class WatchPage(Message, frozen=True):
    """Send the page source's events from now on."""


class PageRead(Message, frozen=True):
    """An MRZ was read. `accepted`: by the acceptance rule; otherwise only the chip can confirm it.

    Pages count from 1 while vision runs. The lines themselves stay in the page source's child until the document child
    requests them over a connection of their own. `source`: the driver; `weakest`: confidence of the least certain character.
    """

    page: PageNumber
    source: Annotated[str, msgspec.Meta(max_length=64)]
    format: Annotated[str, msgspec.Meta(max_length=8)]
    weakest: Share
    accepted: bool
    findings: Annotated[list[PageCheck], msgspec.Meta(max_length=16)]


class PageHint(Message, frozen=True):
    """How to lay the page better; NONE for nothing. Sent when it changes."""

    guidance: Guidance


class PageStatus(Message, frozen=True):
    """The page was removed or replaced; or it has been there for long and cannot be read."""

    page: PageNumber
    gone: bool


class PageSource(Message, frozen=True):
    """The page source gives pictures; or why it does not, and vision tries to recover it."""

    lost: Words | None = None


FromPage = PageRead | PageHint | PageStatus | PageSource
ToVision = StartCrossing | OpenCamera | EndCrossing | WatchPage | StatusRequest
FromFace = CameraStatus | FaceSeen | FaceCompared | TrackChanged | VideoDoubted | SealedPiece
FromVision = FromFace | Erased | FromPage | Status

# ── vision ↔ the child process of a crossing ─────────────────────────────────────────────────────────────────────────


class Prepare(Message, frozen=True):
    """The first message to a new child: the model folder, the models to use, the camera or page source to open.

    `camera`: its driver's settings, as JSON. `tints`: the display beside it can show colours. `officers` None: the gate
    has none, and nothing is sealed. `first_page`: the number of a page source's next page.
    """

    models: str
    camera: DeviceSettings
    officers: OfficersOf | None = None
    tints: bool = False
    profile: str = "standard"
    providers: list[str] = []
    first_page: PageNumber = 1


class Prepared(Message, frozen=True):
    """The models are loaded and verified; `detail` is for the status. The child waits for a crossing."""

    detail: dict[str, object]

    def __post_init__(self) -> None:
        """Refuse values that JSON cannot represent: it becomes part of a status."""
        refuse_unplain(self.detail)


class Unfit(Message, frozen=True):
    """The child cannot work; the reason. It ends."""

    reason: Words


class Trial(enum.Enum):
    """What a child without a crossing can test."""

    CAMERA = "camera"  # after a loss: open it, decode one frame, drop it, close
    MODELS = "models"  # run every model on its golden input


class Try(Message, frozen=True):
    """Without a crossing: run this test. Answered by Tried."""

    what: Trial


class Tried(Message, frozen=True):
    """Whether the camera gave a frame, or every model its golden values; and why not."""

    what: Trial
    ok: bool
    reason: Words


class Alive(Message, frozen=True):
    """The child's loop is running. Sent a few times a second; silence means that it hangs."""


# ── vision ↔ the child process of the page source ────────────────────────────────────────────────────────────────────


ToPageChild = Prepare
FromPageChild = Prepared | Unfit | Alive | FromPage

# ── screens ↔ vision ─────────────────────────────────────────────────────────────────────────────────────────────────


class WantPreview(Message, frozen=True):
    """True if a page shows the preview, False if none does."""

    on: bool


class ShowTint(Message, frozen=True):
    """Give the page this pale colour from now on. A crossing's tints count from 1."""

    number: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    colour: Annotated[str, msgspec.Meta(pattern=r"^#[0-9a-f]{6}$")]


class TintShown(Message, frozen=True):
    """Every open page has painted this tint."""

    number: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    at_ms: Milliseconds  # CLOCK_MONOTONIC of the last page's report, in milliseconds


class Preview(Message, frozen=True):
    """One preview frame as JPEG, 640 pixels wide at most."""

    jpeg: bytes


ToPreview = WantPreview | TintShown
FromPreview = Preview | ShowTint

ToChild = Prepare | StartCrossing | OpenCamera | EndCrossing | WantPreview | TintShown | Try
FromChild = Prepared | Unfit | Alive | Tried | FromFace | FromPreview | FaceRemembered

# ── lane, or a hand-held reader → control centre ─────────────────────────────────────────────────────────────────────

Reference = Annotated[str, msgspec.Meta(min_length=7, max_length=16)]  # of a key, TR-03110-3 §A.7.1


class ChainWanted(Message, frozen=True):
    """Request the card-verifiable certificates from one of these authorities to an inspection system."""

    authorities: Annotated[list[Reference], msgspec.Meta(min_length=1, max_length=2)]


class Chain(Message, frozen=True):
    """The certificates: first the one signed by the authority, last the inspection system's."""

    certificates: Annotated[list[Annotated[bytes, msgspec.Meta(max_length=4096)]], msgspec.Meta(max_length=8)]


class SignatureWanted(Message, frozen=True):
    """Sign this message, which names a chip, its challenge and our key, with the key of this inspection system."""

    holder: Reference
    message: Annotated[bytes, msgspec.Meta(max_length=1024)]


class Signature(Message, frozen=True):
    """The signature in the form of the inspection system's certificate; ECDSA plain (TR-03111 §5.2.1)."""

    signature: Annotated[bytes, msgspec.Meta(max_length=1024)]


class NotGranted(Message, frozen=True):
    """The control centre has no such certificates or key, or refuses to use them."""

    reason: Annotated[str, msgspec.Meta(max_length=200)]


ToCentre = ChainWanted | SignatureWanted
FromCentre = Chain | Signature | NotGranted

# ── lane → registers ─────────────────────────────────────────────────────────────────────────────────────────────────

REGISTERS_MAX = 16
RegisterName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
Handle = Annotated[str, msgspec.Meta(pattern=r"^(?:[0-9a-f]{32})?$")]
OfMrz = Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9< ]{0,44}$")]
Mark = Annotated[str, msgspec.Meta(pattern=r"^(?:[0-9a-f]{80})?$")]  # protocols/exchange.md
DAY_KEY_BYTES = 32


class DocumentQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A document in its MRZ's letters, without fillers. Names and `born` (YYYY-MM-DD, or empty) are empty if no
    register needs them. With `mark`, which is for a site's exchange, everything else is empty.
    """

    document_type: OfMrz
    issuer: OfMrz
    number: OfMrz
    nationality: OfMrz
    surname: OfMrz = ""
    given: OfMrz = ""
    born: Annotated[str, msgspec.Meta(pattern=r"^(?:\d{4}-\d{2}-\d{2})?$")] = ""
    mark: Mark = ""

    def __repr__(self) -> str:
        """Never shows a field: they are personal data."""
        return "DocumentQuestion(…)"


class AskRegisters(Message, frozen=True):
    """Query these registers about a document within this number of milliseconds. Closing the connection cancels it, and
    stops further queries. `entry`: the lane's direction over the border is entry. One question per connection.
    """

    registers: Annotated[list[RegisterName], msgspec.Meta(min_length=1, max_length=REGISTERS_MAX)]
    deadline_ms: Annotated[int, msgspec.Meta(ge=100, le=10_000)]
    entry: bool
    question: DocumentQuestion


class RegisterFound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One register's answer, as `gate_core.evidence.registers.RegisterFinding` has it."""

    register: RegisterName
    answer: RegisterAnswer
    cause: RegisterCause | None = None
    edition: Annotated[str, msgspec.Meta(max_length=32)] = ""
    handle: Handle = ""
    about: Annotated[str, msgspec.Meta(max_length=300)] = ""


class RegistersSaid(Message, frozen=True):
    """Each register's answer, or that nothing is known."""

    found: Annotated[list[RegisterFound], msgspec.Meta(max_length=REGISTERS_MAX)]


class HitSettled(Message, frozen=True):
    """An officer's disposition after a register's hit, for its owner. Answered by `SettlementKept` when it is durable."""

    register: RegisterName
    handle: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")]
    disposition: Disposition


class SettlementKept(Message, frozen=True):
    """It is durable, or the register is no longer configured."""


class DayKeyWanted(Message, frozen=True):
    """Request the key for today's marks of chips."""


class DayKeyIs(Message, frozen=True):
    """The day's key of the site's exchange; empty if there is none now."""

    key: Annotated[bytes, msgspec.Meta(max_length=DAY_KEY_BYTES)]

    def __post_init__(self) -> None:
        """Refuse an incomplete key."""
        if len(self.key) not in {0, DAY_KEY_BYTES}:
            raise ValueError("a key of another length")

    def __repr__(self) -> str:
        """Never shows the key."""
        return "DayKeyIs(…)"


ToRegisters = AskRegisters | HitSettled | DayKeyWanted | StatusRequest
FromRegisters = RegistersSaid | SettlementKept | DayKeyIs | Status

# ── lane ↔ the child process of a document ──────────────────────────────────────────────────────────────────────────


class PrepareDocument(Message, frozen=True):
    """The first message to a new document child: its chip reader, its trust lists, and its purpose.

    `chip`: the reader's settings, as JSON. `lists`: the trust store's file; with `service`, one with anything marked as
    test is refused. `fingers`: there is a control centre that can grant reading them. `time_zone`: IANA name of the
    gate's zone. `registers`: it reports what may be queried about the document, with `names` and the date of birth if a
    register needs these. `officers` None: the gate has none, and nothing is sealed.
    """

    chip: DeviceSettings
    lists: str
    service: bool
    officers: OfficersOf | None = None
    fingers: bool = False
    registers: bool = False
    names: bool = False
    time_zone: Annotated[str, msgspec.Meta(max_length=64)] = "UTC"


class Lists(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The description of a document child's lists, without content."""

    version: Annotated[str, msgspec.Meta(max_length=64)]
    certificates: int
    newest_import: Moment | None
    published: Annotated[list[PublishedList], msgspec.Meta(max_length=1024)]
    revocation_lists: Annotated[list[Edition], msgspec.Meta(max_length=4096)]


class DocumentReady(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `detail` of a document child's `Prepared`. `chip`: empty, or why the chip reader is unavailable."""

    lists: Lists
    chip: str
    confined: dict[str, bool]


class ReadDocument(Message, frozen=True):
    """Read and judge this crossing's document, the only one of this process. `page`: how the page was read; `visa`: a visa was shown before.

    `readings`: the MRZs to try; with `lines` they come over a connection from the page source's child. With `portrait`, a connection to the
    face child is passed, and the portrait is written to it. With `day_key` a mark of the chip is made for the site's exchange; empty: none.
    """

    crossing: str
    readings: Annotated[list[Annotated[list[str], msgspec.Meta(max_length=3)]], msgspec.Meta(max_length=2)]
    clock_sure: bool
    page: PageRead | None
    lines: bool
    portrait: bool
    visa: bool = False
    day_key: Annotated[bytes, msgspec.Meta(max_length=DAY_KEY_BYTES)] = b""

    def __repr__(self) -> str:
        """Never shows the lines, which are personal data, nor the key."""
        return f"ReadDocument({self.crossing}, {len(self.readings)} readings)"


class IssuerSeen(Message, frozen=True):
    """The document's printed issuer. Sent before the chip is looked for."""

    issuer: Issuer


class ChipStage(enum.Enum):
    """Stage of the reading, by its name in the lane's tally."""

    FOUND = "chip_found"  # a chip lies on the reader
    PORTRAIT = "portrait_read"  # EF.DG2, whose hash is that of EF.SOD; the picture goes to the face child directly


class ChipReached(Message, frozen=True):
    """The reading of the chip has reached this stage."""

    stage: ChipStage


class DocumentKnown(Message, frozen=True):
    """The data for queries to lists and registers. Sent once, as soon as the MRZ is known; they can answer while the chip is read."""

    question: DocumentQuestion


class CentreAnswered(Message, frozen=True):
    """The control centre's answer; None if it is unusable."""

    answer: Annotated[bytes, msgspec.Meta(max_length=8 * 4096)] | None


EVIDENCE_ITEMS_MAX = 64  # checks, weak algorithms, authorities, checks of the page: each of them
EVIDENCE_BYTES_MAX = 16 * 1024  # as it is recorded, where weak algorithms stand among the reasons, too


class DocumentJudged(Message, frozen=True):
    """The inspection's result, limited to what fits into a record. `mark`: the chip's, made with the day's key that
    came with the document; empty without a key, or if EF.SOD was not read.
    """

    evidence: DocumentEvidence
    mark: Mark = ""

    def __post_init__(self) -> None:
        """Refuse a result that cannot be recorded."""
        found = self.evidence
        lists = (found.checks, found.weak_algorithms, found.authorities, found.page.checks if found.page else ())
        if max(map(len, lists)) > EVIDENCE_ITEMS_MAX:
            raise ValueError("evidence of more than could be found")
        if len(json.dumps(msgspec.to_builtins(found), allow_nan=False)) > EVIDENCE_BYTES_MAX:
            raise ValueError("evidence too long to be recorded")


class DocumentUnread(Message, frozen=True):
    """No chip was found, and why."""

    reason: Annotated[str, msgspec.Meta(max_length=500)]


class DocumentLeft(Message, frozen=True):
    """The document was removed from the reader, or the reader is gone."""


ToDocument = PrepareDocument | ReadDocument | CentreAnswered | EndCrossing
FromReading = IssuerSeen | ChipReached | DocumentKnown | ToCentre | DocumentJudged | DocumentUnread
FromDocument = Prepared | Unfit | Alive | FromReading | DocumentLeft | SealedPiece

# ── lane ↔ screens ──────────────────────────────────────────────────────────────────────────────────────


class WatchView(Message, frozen=True):
    """Send the view now and at every change. `notice`: SHA-256 of the privacy notice on the pages; empty: they show none."""

    notice: Annotated[str, msgspec.Meta(pattern=r"^(?:[0-9a-f]{64})?$")] = ""


class TravellerAsks(Message, frozen=True):
    """A request on the traveller's page. The only answer is the view."""

    wish: Wish


class View(Message, frozen=True):
    """The screens' content. Only officers receive why a crossing waits (`Waiting`).

    `direction`: over the border, for a lane that may serve both; `travellers`: the group that it serves. `issuer`: the
    document's printed issuer, once known, whatever the inspection's result: the page uses that traveller's language.
    `progress`: of the look, and 0 on every other screen than `look`.
    """

    screen: Screen
    guidance: Guidance
    crossing: CrossingId | None
    referred: CrossingId | None  # the crossing that waits for an officer
    purpose: Purpose
    direction: BorderDirection | None = None
    travellers: Name = EVERYBODY.name
    issuer: Issuer | None = None
    progress: Tenths = 0


class PagePainted(Message, frozen=True):
    """Whether a browser has painted what the lane shows: sent once a second after the first time, and at once when
    painting resumes. None: no page is expected.
    """

    ok: bool | None


# ── officers' terminals and consoles → lane ──────────────────────────────────────────────────────────────────────────


SEALED_BYTES_MAX = 256 * 1024  # of one part, for one officer
Sealed = Annotated[bytes, msgspec.Meta(max_length=SEALED_BYTES_MAX)]


class LookWanted(Message, frozen=True):
    """Request what waits for an officer, and a challenge for an order."""


class Findings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The findings about a traveller, without personal data. `page_checks`: of the printed page; `access`: how the chip was opened.

    `face_score` and `liveness` come with their bounds; None if unavailable. `quality`: possible causes of low scores: `no_face`,
    `several_faces`, `portrait_unusable`, `track_lost`, and findings about the video.
    """

    checks: list[Check]
    page_checks: list[PageCheck]
    access: AccessProtocol | None
    face_score: float | None
    face_threshold: float
    liveness: float | None
    liveness_bound: float
    quality: list[Name]

    def __post_init__(self) -> None:
        """Refuse longer texts of a check than an officer is shown."""
        if any(len(one.reason) > WORDS_MAX or len(one.clause) > CLAUSE_MAX for one in self.checks):
            raise ValueError("a check of too many words")


class Flag(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An officer's flag, raised `since_ms` ago, about a crossing's traveller or a person without one. Only officers receive it."""

    concern: Concern
    officer: Name
    since_ms: Milliseconds
    crossing: CrossingId | None


class Present(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An officer at the lane, who last reported `seen_ms` ago."""

    officer: Name
    seen_ms: Milliseconds


class Waiting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A crossing that waits for an officer, its waiting time, and every reason.

    `findings`: the decision's, None without one or if an earlier run of the lane took it. `sealed_for`: the officers
    who can view pictures and data now. `two_officers`: two must admit; `first`: who has ordered it.
    """

    crossing: CrossingId
    objections: list[Objection]
    since_ms: Milliseconds = 0
    findings: Findings | None = None
    sealed_for: list[Name] = []
    flags: list[Flag] = []
    two_officers: bool = False
    first: Name | None = None

    def __post_init__(self) -> None:
        """Refuse longer texts of an objection than an officer is shown."""
        if any(len(one.detail) > WORDS_MAX for one in self.objections):
            raise ValueError("an objection of too many words")


class Look(Message, frozen=True):
    """The lane's state for officers. `issued_ms`, `nonce` and `version` are a challenge (docs/protocols/orders.md).

    `present`: the officers at the lane, most recent first; `flags`: all that are remembered, newest first.
    """

    gate: Name
    officers: bool  # whether the gate knows an officers' authority
    state: Name
    running: CrossingId | None  # the crossing that runs and is not referred
    referred: list[Waiting]
    closed_by: Name | None  # who closed the lane
    issued_ms: Milliseconds
    nonce: Name
    version: Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
    alarms: list[Alarm] = []  # those that wait for an officer to acknowledge them
    notices: list[Notice] = []  # what else is wrong with barrier and lane now
    direction: BorderDirection = BorderDirection.ENTRY  # over the border
    travellers: Name = EVERYBODY.name  # the group that is served
    present: list[Present] = []
    flags: list[Flag] = []


class SubmitOrder(Message, frozen=True):
    """An officer's order, opaque to the carrier."""

    order: Annotated[bytes, msgspec.Meta(max_length=8192)]


class OrderAnswer(Message, frozen=True):
    """The result of an order, as `outcome` and `detail`, and the lane's present state.

    `sealed`, after a view: the data sealed to this officer: of the face, then of the document; an empty one could not be sealed.
    """

    outcome: Outcome
    detail: Words
    state: Name
    referred: list[Waiting]
    sealed: Annotated[list[Sealed], msgspec.Meta(min_length=2, max_length=2)] | None = None


ToDesk = LookWanted | SubmitOrder
FromDesk = Look | OrderAnswer

ToLane = WatchView | PagePainted | TravellerAsks | StatusRequest
FromLane = View | Status
