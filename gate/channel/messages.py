"""The messages between our programs: typed, closed unions, one a direction (`gate.channel.table`).

Unknown kinds and fields, wrong types, and numbers and texts out of their bounds are refused (`BadMessageError`).
"""

from __future__ import annotations

import enum
import json
from datetime import datetime
from typing import Annotated

import msgspec

from gate.channel.message import Message, Name, Status, StatusRequest, refuse_unplain
from gate.passage.events import RecordClass, RecordKind, TrackChange, Wish
from gate.passage.orders import Concern, Disposition, Outcome
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
Moment = Annotated[datetime, msgspec.Meta(tz=True)]  # with its zone: without, nobody knows which one it is


def words(text: object) -> str:
    """What a message may say of a fault: the beginning."""
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
    """The approval that a lane begins on: its serial, the digest (SHA-256, hexadecimal), and who approves, which the log only keeps."""

    serial: Annotated[int, msgspec.Meta(ge=1, le=(1 << 53) - 1)]
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    approvers: Annotated[bytes, msgspec.Meta(max_length=APPROVERS_BYTES_MAX)]


class NewRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One record. `body` are the bytes that are sealed, `bytes_min` says how long they shall look at least.

    `id` is drawn at random for each record; one that is offered again under it is written once. The log believes what the
    sender says of its meaning, and knows no kinds: on a full disk what leads to an admission waits, and the last room is kept for what is
    urgent. `remember` is what the sender wants to be told again at its next start, instead of what
    it said so before; it is kept as durably as the record, in clear, and beside the log. So is `approved`, and no record that rests on an
    older approval than one before is taken: one with a lower serial, or with the same and another digest. `accepts_head`: a supervisor answers
    for the log as this boot found it.
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
        """A record each."""
        return len(self.records)


class OpenCrossingsRequest(Message, frozen=True):
    """Ask what an earlier run of the lane left: crossings that were opened and never closed, or referred and never settled, and what it
    wanted to be told.
    """


class Recorded(Message, frozen=True):
    """The record is on the disk, at this index of the log."""

    index: int


class NotRecorded(Message, frozen=True):
    """The record is not in the log; admissions stop until a later record is. `again`: it may be offered again."""

    reason: Words
    again: bool


class NotKnown(Message, frozen=True):
    """The log cannot be looked into now. `tried`: this very append may have put the record there. To be asked again."""

    reason: Words
    tried: bool


class Appended(Message, frozen=True):
    """What became of each record of an append, in its order."""

    outcomes: list[Recorded | NotRecorded | NotKnown]


class OpenCrossings(Message, frozen=True):
    """The crossings that were opened and never closed, what the latest record asked to remember, the crossings that were referred and
    never settled, and the newest approval that a lane began on. Crossings come oldest first. `written_s` is the latest hour of any record, in
    seconds since 1970: before it it cannot be now.
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
    """Give a crossing a child process of its own and open the camera in it. `page` is the one that was read, if one was. Without `look` the
    camera waits for `OpenCamera`: the traveller is not before it yet.

    To the child itself, vision says so only where the printed portrait of that page is on its way. `earlier` is vision's own to the child: what is remembered of
    the latest crossings that were referred, against swaps; None where nothing may be.
    """

    crossing: CrossingId
    page: PageNumber | None = None
    look: bool = True
    earlier: Annotated[list[RememberedFace], msgspec.Meta(max_length=REMEMBERED_FACES_MAX)] | None = None


class OpenCamera(Message, frozen=True):
    """The traveller is before the camera now."""

    crossing: CrossingId


OFFICERS_MAX = 4  # to whom is sealed
SEALED_PIECE_BYTES_MAX = 48 * 1024
AuthorityKey = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
ShiftCertificate = Annotated[bytes, msgspec.Meta(max_length=2048)]


class OfficersOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose certificates a child takes for those of officers (Ed25519), and at which gate they are to be."""

    gate: Name
    authority: AuthorityKey


class SealFor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """To whom an ending child seals what officers may see: to the officer of each of these shift certificates, if by what it was prepared
    with it is one (`OfficersOf`). `alarm`: moments of the look, too.
    """

    certificates: Annotated[list[ShiftCertificate], msgspec.Meta(min_length=1, max_length=OFFICERS_MAX)]
    alarm: bool


class EndCrossing(Message, frozen=True):
    """End the crossing's child; its end is the erasure. With `seal` it first says, in pieces, what officers may see, and its end waits for
    that (`gate.programs.children.final_report` says how long). `remember` says for how many minutes vision may remember face and chip portrait in its memory, to hold
    the next referrals of this lane against them; 0: its end is the erasure.
    """

    crossing: CrossingId
    seal: SealFor | None = None
    remember: Annotated[int, msgspec.Meta(ge=0, le=60)] = 0


class SealedPiece(Message, frozen=True):
    """The next piece of what was sealed to the officer of this number. A part that is empty could not be sealed."""

    crossing: CrossingId
    number: Annotated[int, msgspec.Meta(ge=0, lt=OFFICERS_MAX)]
    content: Annotated[bytes, msgspec.Meta(max_length=SEALED_PIECE_BYTES_MAX)]
    last: bool


class FaceRemembered(Message, frozen=True):
    """What an ending child leaves to be remembered of its crossing; empty: there is nothing."""

    crossing: CrossingId
    content: Annotated[bytes, msgspec.Meta(max_length=8192)]


class CameraStatus(Message, frozen=True):
    """A first frame was decoded; or why no frame can be had. Without a crossing: whether the next traveller can be looked at."""

    crossing: CrossingId | None
    lost: Words | None = None


class FaceSeen(Message, frozen=True):
    """How many faces there are, how the traveller can help, and how much of the look is done: of the frames that a comparison needs,
    those that are there. It says nothing of what the comparison will give. Sent when it changes.

    `session`, here and in what follows, is drawn anew whenever a child opens the camera.
    """

    crossing: CrossingId
    faces: Count
    guidance: Guidance
    session: SessionNumber = 0
    progress: Tenths = 0


class PadSaid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The verdict of a sensor beside the camera, as `gate_core.evidence.crossing.PadEvidence` has it."""

    name: Annotated[str, msgspec.Meta(max_length=64)]
    version: Annotated[str, msgspec.Meta(max_length=64)]
    bound: Share
    result: PadResult
    score: Share | None
    age_ms: Annotated[int, msgspec.Meta(ge=0, le=600_000)]


class FaceCompared(Message, frozen=True):
    """The outcome of comparing the tracked face with the chip's portrait.

    `match` and `liveness` are None when they could not be had; `reasons` say why. `frames` is how many frames counted.
    `cues` are what the liveness score rests on, None for one that was not run.
    `page` holds the printed portrait against chip and face, where there was one. `frames_per_second` is what the camera gave since it was
    opened, None before there were two frames. `swap` is what the comparison with those who were referred lately gave, None where there was none.
    `pad` is a sensor's own verdict, None where there is none that counts.
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
    """The camera's video cannot be believed. Each trouble is said once."""

    crossing: CrossingId
    trouble: CameraTrouble


class TrackChanged(Message, frozen=True):
    """After the comparison the tracked face went away or became another one, or several came. That it went away is told again whenever it is proved after all."""

    crossing: CrossingId
    change: TrackChange
    session: SessionNumber = 0
    seen_ago_ms: Milliseconds | None = None  # since the face was last proved to be the traveller's; None: not known
    grown: Annotated[float, msgspec.Meta(ge=0.0, le=1000.0)] | None = None  # how many times as tall as when compared


class Erased(Message, frozen=True):
    """The crossing's child process has ended."""

    crossing: CrossingId


class WatchPage(Message, frozen=True):
    """Tell me from now on what lies before the page source."""


class PageRead(Message, frozen=True):
    """An MRZ was read. `accepted` says whether by the acceptance rule; if not, only the chip can confirm it.

    Pages count from 1 while vision runs. The lines themselves stay in the page source's child until the document child asks for them,
    over a way of their own. `source` is the driver, `weakest` the confidence of the least certain character.
    """

    page: PageNumber
    source: Annotated[str, msgspec.Meta(max_length=64)]
    format: Annotated[str, msgspec.Meta(max_length=8)]
    weakest: Share
    accepted: bool
    findings: Annotated[list[PageCheck], msgspec.Meta(max_length=16)]


class PageHint(Message, frozen=True):
    """How the traveller could lay the page better; NONE when there is nothing to say. Sent when it changes."""

    guidance: Guidance


class PageStatus(Message, frozen=True):
    """The page is gone: nothing lies there any more, or another page does. Or it has lain there for long and cannot be read."""

    page: PageNumber
    gone: bool


class PageSource(Message, frozen=True):
    """The page source gives pictures; or why it gives none, and then vision tries to have it back."""

    lost: Words | None = None


FromPage = PageRead | PageHint | PageStatus | PageSource
ToVision = StartCrossing | OpenCamera | EndCrossing | WatchPage | StatusRequest
FromFace = CameraStatus | FaceSeen | FaceCompared | TrackChanged | VideoDoubted | SealedPiece
FromVision = FromFace | Erased | FromPage | Status

# ── vision ↔ the child process of a crossing ─────────────────────────────────────────────────────────────────────────


class Prepare(Message, frozen=True):
    """The first message to a new child: where its models are, which of them to use, which camera or page source it will open.

    `camera` is its driver's settings, as JSON. `tints`: the display beside it shows colours when it is asked to. `officers` None: the gate has
    none, and nothing is sealed. `first_page` is the number of a page source's next page.
    """

    models: str
    camera: DeviceSettings
    officers: OfficersOf | None = None
    tints: bool = False
    profile: str = "standard"
    providers: list[str] = []
    first_page: PageNumber = 1


class Prepared(Message, frozen=True):
    """The models are loaded and proved; `detail` is for the status. The child waits for a crossing."""

    detail: dict[str, object]

    def __post_init__(self) -> None:
        """Refuse what JSON has not: it becomes part of a status."""
        refuse_unplain(self.detail)


class Unfit(Message, frozen=True):
    """The child cannot work, and says why. It ends."""

    reason: Words


class Trial(enum.Enum):
    """What a child that waits for a crossing can be asked to try."""

    CAMERA = "camera"  # after a loss: open it, decode one frame, drop it, close
    MODELS = "models"  # run every model on its golden input


class Try(Message, frozen=True):
    """Without a crossing: try this. Answered by Tried."""

    what: Trial


class Tried(Message, frozen=True):
    """Whether the camera gave a frame, or every model its golden values; and why not."""

    what: Trial
    ok: bool
    reason: Words


class Alive(Message, frozen=True):
    """The child's loop turns. It is sent a few times a second; silence means that it hangs."""


# ── vision ↔ the child process of the page source ────────────────────────────────────────────────────────────────────


ToPageChild = Prepare
FromPageChild = Prepared | Unfit | Alive | FromPage

# ── screens ↔ vision ─────────────────────────────────────────────────────────────────────────────────────────────────


class WantPreview(Message, frozen=True):
    """A page shows the preview, or none does any more."""

    on: bool


class ShowTint(Message, frozen=True):
    """Have the page be of this pale colour from now on. Tints of a crossing count from 1."""

    number: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    colour: Annotated[str, msgspec.Meta(pattern=r"^#[0-9a-f]{6}$")]


class TintShown(Message, frozen=True):
    """Every page that is open has painted this tint."""

    number: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    at_ms: Milliseconds  # CLOCK_MONOTONIC of the last page's word, in milliseconds


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
    """Ask for the card-verifiable certificates that lead from one of these authorities to an inspection system."""

    authorities: Annotated[list[Reference], msgspec.Meta(min_length=1, max_length=2)]


class Chain(Message, frozen=True):
    """The certificates, the one that the authority signed first, the inspection system's last."""

    certificates: Annotated[list[Annotated[bytes, msgspec.Meta(max_length=4096)]], msgspec.Meta(max_length=8)]


class SignatureWanted(Message, frozen=True):
    """Sign this message, which names a chip, its challenge and our key, with the key of this inspection system."""

    holder: Reference
    message: Annotated[bytes, msgspec.Meta(max_length=1024)]


class Signature(Message, frozen=True):
    """The signature, as the algorithm of the inspection system's certificate has it; ECDSA plain (TR-03111 §5.2.1)."""

    signature: Annotated[bytes, msgspec.Meta(max_length=1024)]


class NotGranted(Message, frozen=True):
    """The control centre has no such certificates or key, or will not use them."""

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
    """A document in the letters of its MRZ, its fillers taken away. Names and `born` (YYYY-MM-DD, or nothing) are empty where no register needs them.
    With `mark`, which is for the exchange of a site, everything else is empty.
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
    """Say within so many milliseconds what each of these registers says of a document; who hangs up wants to know no more, and nothing more is asked
    elsewhere. `entry` is which way over the border the lane serves. One question a connection.
    """

    registers: Annotated[list[RegisterName], msgspec.Meta(min_length=1, max_length=REGISTERS_MAX)]
    deadline_ms: Annotated[int, msgspec.Meta(ge=100, le=10_000)]
    entry: bool
    question: DocumentQuestion


class RegisterFound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one register said, as `gate_core.evidence.registers.RegisterFinding` has it."""

    register: RegisterName
    answer: RegisterAnswer
    cause: RegisterCause | None = None
    edition: Annotated[str, msgspec.Meta(max_length=32)] = ""
    handle: Handle = ""
    about: Annotated[str, msgspec.Meta(max_length=300)] = ""


class RegistersSaid(Message, frozen=True):
    """What each register said, or that nothing is known."""

    found: Annotated[list[RegisterFound], msgspec.Meta(max_length=REGISTERS_MAX)]


class HitSettled(Message, frozen=True):
    """What an officer made of a register's hit, for its owner. Answered by `SettlementKept` when it is durable."""

    register: RegisterName
    handle: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")]
    disposition: Disposition


class SettlementKept(Message, frozen=True):
    """It is on the disk, or the register is none of ours any more."""


class DayKeyWanted(Message, frozen=True):
    """Ask which key makes marks of chips today."""


class DayKeyIs(Message, frozen=True):
    """The day's key of the site's exchange; empty: there is none now."""

    key: Annotated[bytes, msgspec.Meta(max_length=DAY_KEY_BYTES)]

    def __post_init__(self) -> None:
        """Refuse half a key."""
        if len(self.key) not in {0, DAY_KEY_BYTES}:
            raise ValueError("a key of another length")

    def __repr__(self) -> str:
        """Never shows the key."""
        return "DayKeyIs(…)"


ToRegisters = AskRegisters | HitSettled | DayKeyWanted | StatusRequest
FromRegisters = RegistersSaid | SettlementKept | DayKeyIs | Status

# ── lane ↔ the child process of a document ──────────────────────────────────────────────────────────────────────────


class PrepareDocument(Message, frozen=True):
    """The first message to a new document child: its chip reader, the lists that it judges by, and what for.

    `chip` is the reader's settings, as JSON. `lists` is the trust store's file; one with anything marked as
    test is refused where `service` is True. `fingers` says whether there is a control centre to be asked for the right to read them.
    `time_zone` is the IANA name of the one that the gate stands in. `registers`: it says what may be asked about the document, with `names` and the date of
    birth where one needs these. `officers` None: the gate has none, and nothing is sealed.
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
    """What the lists of a document child are: never their content."""

    version: Annotated[str, msgspec.Meta(max_length=64)]
    certificates: int
    newest_import: Moment | None
    published: Annotated[list[PublishedList], msgspec.Meta(max_length=1024)]
    revocation_lists: Annotated[list[Edition], msgspec.Meta(max_length=4096)]


class DocumentReady(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `detail` of a document child's `Prepared`. `chip` is empty, or why the chip reader cannot be had."""

    lists: Lists
    chip: str
    confined: dict[str, bool]


class ReadDocument(Message, frozen=True):
    """Read and judge the document of this crossing: the one of this process. `page` says how the page was read, `visa` that a visa was shown before.

    `readings` are the MRZs to try; where `lines` says so they come over a way that is handed over, from the page source's child. Likewise
    `portrait` says that a way to the face child is handed over: the portrait is written to it. With `day_key` a mark of the chip is made for the
    site's exchange; empty: none is.
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
    """Which state the document is of, as it is printed. Said before the chip is looked for."""

    issuer: Issuer


class ChipStage(enum.Enum):
    """How far the reading has come, by the name that the lane's tally has for it."""

    FOUND = "chip_found"  # a chip lies on the reader
    PORTRAIT = "portrait_read"  # EF.DG2, whose hash is that of EF.SOD; the picture goes to the face child by itself


class ChipReached(Message, frozen=True):
    """The reading of the chip has come so far."""

    stage: ChipStage


class DocumentKnown(Message, frozen=True):
    """What lists and registers may be asked about this document. Said once, as soon as its MRZ is known; while the chip is read they have time to answer."""

    question: DocumentQuestion


class CentreAnswered(Message, frozen=True):
    """What the control centre answered; None for nothing that can be used."""

    answer: Annotated[bytes, msgspec.Meta(max_length=8 * 4096)] | None


EVIDENCE_ITEMS_MAX = 64  # checks, weak algorithms, authorities, checks of the page: each of them
EVIDENCE_BYTES_MAX = 16 * 1024  # as it is recorded, where weak algorithms stand among the reasons, too


class DocumentJudged(Message, frozen=True):
    """What the inspection found, in no more words than a record has room for. `mark` is of the chip, made with the day's key that came with the
    document; empty where there was none, or EF.SOD was not read.
    """

    evidence: DocumentEvidence
    mark: Mark = ""

    def __post_init__(self) -> None:
        """Refuse what could not be recorded."""
        found = self.evidence
        lists = (found.checks, found.weak_algorithms, found.authorities, found.page.checks if found.page else ())
        if max(map(len, lists)) > EVIDENCE_ITEMS_MAX:
            raise ValueError("evidence of more than could be found")
        if len(json.dumps(msgspec.to_builtins(found), allow_nan=False)) > EVIDENCE_BYTES_MAX:
            raise ValueError("evidence too long to be recorded")


class DocumentUnread(Message, frozen=True):
    """No chip could be found, and why."""

    reason: Annotated[str, msgspec.Meta(max_length=500)]


class DocumentLeft(Message, frozen=True):
    """The document was taken from the reader, or the reader itself is gone."""


ToDocument = PrepareDocument | ReadDocument | CentreAnswered | EndCrossing
FromReading = IssuerSeen | ChipReached | DocumentKnown | ToCentre | DocumentJudged | DocumentUnread
FromDocument = Prepared | Unfit | Alive | FromReading | DocumentLeft | SealedPiece

# ── lane ↔ screens ──────────────────────────────────────────────────────────────────────────────────────


class WatchView(Message, frozen=True):
    """Send me the view now and at every change. `notice` is the SHA-256 of the notice that my pages show to travellers; empty: they show none."""

    notice: Annotated[str, msgspec.Meta(pattern=r"^(?:[0-9a-f]{64})?$")] = ""


class TravellerAsks(Message, frozen=True):
    """Somebody asks for this on the traveller's page. Nothing answers it but the view."""

    wish: Wish


class View(Message, frozen=True):
    """What the screens show. Why a crossing waits is told to officers alone (`Waiting`).

    `direction` is the one over the border that a lane serves which may serve both; `travellers` is the group that it serves. `issuer` is the state
    of the document as it is printed, once it is known, whatever is thought of the document: the page speaks that traveller's language.
    `progress` is how much of the look is done, and 0 on every screen but `look`.
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
    """Whether a browser has painted what the lane shows: said once a second from the first time on, and at once when one does again. None: there is none
    to miss any more.
    """

    ok: bool | None


# ── officers' terminals and consoles → lane ──────────────────────────────────────────────────────────────────────────


SEALED_BYTES_MAX = 256 * 1024  # of one part, for one officer
Sealed = Annotated[bytes, msgspec.Meta(max_length=SEALED_BYTES_MAX)]


class LookWanted(Message, frozen=True):
    """Ask what waits for an officer, and for a challenge that an order can answer."""


class Findings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was found about a traveller, nothing of it personal. `page_checks` are those of the printed page, `access` is how the chip was opened.

    `face_score` and `liveness` stand beside the bounds that they had to reach; None for one that could not be had. `quality` are words for
    what may have made them worse: `no_face`, `several_faces`, `portrait_unusable`, `track_lost`, and what was found with the video.
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
        """Refuse more words of a check than an officer is shown."""
        if any(len(one.reason) > WORDS_MAX or len(one.clause) > CLAUSE_MAX for one in self.checks):
            raise ValueError("a check of too many words")


class Flag(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A flag that an officer raised `since_ms` ago, over the traveller of a crossing or somebody who has none. For officers alone."""

    concern: Concern
    officer: Name
    since_ms: Milliseconds
    crossing: CrossingId | None


class Present(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An officer at the lane, who said so `seen_ms` ago."""

    officer: Name
    seen_ms: Milliseconds


class Waiting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A crossing that waits for an officer, for how long, and every reason.

    `findings` are those of the decision, None where it never came to one or an earlier run of the lane took it. `sealed_for` are the
    officers who can view pictures and particulars now. `two_officers`: it takes two to admit, and `first` is the one who has ordered it.
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
        """Refuse more words of an objection than an officer is shown."""
        if any(len(one.detail) > WORDS_MAX for one in self.objections):
            raise ValueError("an objection of too many words")


class Look(Message, frozen=True):
    """The lane as an officer needs to know it. `issued_ms`, `nonce` and `version` are a challenge (docs/protocols/orders.md).

    `present` are the officers at the lane, who was heard of last first; `flags` all that are remembered, the newest first.
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
    """An officer's order, opaque to whoever carries it."""

    order: Annotated[bytes, msgspec.Meta(max_length=8192)]


class OrderAnswer(Message, frozen=True):
    """What the lane did, in the words of `outcome` and `detail`, and how it stands now.

    `sealed`, after a view, is what was sealed to this officer: of the face, then of the document; an empty one could not be sealed.
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
