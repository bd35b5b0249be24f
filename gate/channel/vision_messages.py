"""Messages between the lane and the vision program, on channel `vision`. Types, unions and bounds: `gate.channel.table`."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gate.channel.message import (
    Count,
    CrossingId,
    Message,
    Milliseconds,
    Name,
    PageNumber,
    SessionNumber,
    Share,
    Status,
    StatusRequest,
    Tenths,
    Words,
)
from gate.passage.names import TrackChange
from gate_core.evidence.crossing import CameraTrouble, PadResult, PageCheck, Swap
from gate_core.evidence.screen import Guidance

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
