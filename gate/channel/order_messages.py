"""Messages between officers' terminals or consoles and the lane, on channel `orders`. Types, unions and bounds: `gate.channel.table`."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gate.channel.message import (
    CLAUSE_MAX,
    WORDS_MAX,
    CrossingId,
    Message,
    Milliseconds,
    Name,
    Status,
    StatusRequest,
    Words,
)
from gate.channel.screen_messages import PagePainted, TravellerAsks, View, WatchView
from gate.passage.names import Concern, Outcome
from gate_core.evidence.crossing import (
    AccessProtocol,
    Alarm,
    Check,
    Notice,
    PageCheck,
)
from gate_core.evidence.reasons import Objection
from gate_core.evidence.service_scope import EVERYBODY, BorderDirection

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


ToOrders = LookWanted | SubmitOrder
FromOrders = Look | OrderAnswer

ToLane = WatchView | PagePainted | TravellerAsks | StatusRequest
FromLane = View | Status
