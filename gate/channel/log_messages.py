"""Messages between the lane and the log, on channel `log`. Types, unions and bounds: `gate.channel.table`."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gate.channel.message import Message, Name, Status, StatusRequest, Words
from gate.passage.names import RecordClass, RecordKind

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
