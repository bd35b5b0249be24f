"""Messages between the lane and the child process that reads one document. Types, unions and bounds: `gate.channel.table`."""

from __future__ import annotations

import enum
import json
from typing import Annotated

import msgspec

from gate.channel.centre_messages import ToCentre
from gate.channel.child_messages import Alive, Prepared, Unfit
from gate.channel.log_messages import DeviceSettings
from gate.channel.message import Issuer, Message, Moment
from gate.channel.register_messages import DAY_KEY_BYTES, DocumentQuestion, Mark
from gate.channel.vision_messages import EndCrossing, OfficersOf, PageRead, SealedPiece
from gate_core.evidence.crossing import DocumentEvidence
from gate_core.evidence.trust_lists import Edition, PublishedList


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
