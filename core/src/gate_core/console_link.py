"""What a gate and an officers' console say to each other (docs/protocols/console.md). Pure.

Unknown members are passed over, so that a newer gate can say more. Durations are ages in seconds; there is no wall clock.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeVar

import msgspec

EVENTS: Final = "/events"
LOOK: Final = "/look"
ORDERS: Final = "/orders"
EVENT_STREAM: Final = "text/event-stream"
BEAT_S: Final = 1.0
SILENCE_S: Final = 2.0  # without an event or a beat for so long, the gate is not there
EVENT_BYTES_MAX: Final = 256 * 1024
ORDER_BYTES_MAX: Final = 8 * 1024
ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024  # of an order: with sealed pictures
WAITING_MAX: Final = 64  # a lane has 32 at most
REASONS_MAX: Final = 64  # of one referral
CONSOLES_MAX: Final = 8  # certificates that one gate knows

Word = Annotated[str, msgspec.Meta(max_length=128)]
Text = Annotated[str, msgspec.Meta(max_length=500)]
Seconds = Annotated[float, msgspec.Meta(ge=0.0, le=1e9)]
Whole = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
Several = Annotated[list[Word], msgspec.Meta(max_length=64)]


class _Said(msgspec.Struct, frozen=True, kw_only=True):
    """The base of everything that is said."""


class Why(_Said, frozen=True):
    """One reason of a referral."""

    reason: Word
    detail: Text = ""


class Waits(_Said, frozen=True):
    """A crossing that waits for an officer, and all that is known of it. `sealed_for`: the officers who can open its pictures. `two_officers`: it takes two
    to admit, and `first` is who has ordered it.
    """

    crossing: Word
    waiting_s: Seconds | None = None
    reasons: Annotated[list[Why], msgspec.Meta(max_length=REASONS_MAX)] = []
    findings: dict[str, object] = {}
    sealed_for: Several = []
    flags: Several = []
    two_officers: bool = False
    first: Word | None = None


class Present(_Said, frozen=True):
    """An officer who said that they are there; without a name where the lane gives none."""

    officer: Word | None
    seen_s: Seconds


class Without(_Said, frozen=True):
    """What the gate does without now: a row of docs/operations.md."""

    mode: Word
    effect: Text
    tell: Text


class LaneEvent(_Said, frozen=True):
    """A lane as an officer sees it. `boot` is another after each start of the gate's `screens`.

    `state` is None while the lane does not answer: then nothing else is known of it. `last` are the stages of the last crossing that ended,
    in seconds from laying the document. `flags` are over whoever is served now, or somebody who has no crossing.
    """

    boot: Word
    gate: Word
    purpose: Word
    mode: Word
    state: Word | None
    in_service: bool
    direction: Word | None
    travellers: Word | None
    version: Whole | None
    running: Word | None
    waiting: Annotated[list[Waits], msgspec.Meta(max_length=WAITING_MAX)]
    alarms: Several
    notices: Several
    closed_by: Word | None
    officers: Annotated[list[Present], msgspec.Meta(max_length=64)]
    lost: Several
    degraded: Annotated[list[Without], msgspec.Meta(max_length=64)]
    last: Annotated[dict[Word, Seconds], msgspec.Meta(max_length=64)]
    flags: Several = []


class Challenge(_Said, frozen=True):
    """What an order must answer (docs/protocols/orders.md)."""

    gate: Word
    issued_ms: Whole
    nonce: Word
    version: Whole


class Answer(_Said, frozen=True):
    """What the lane did. `sealed`: of a view, the sealed parts in Base64."""

    outcome: Word
    detail: Text
    state: Word
    sealed: Annotated[list[str], msgspec.Meta(max_length=8)] | None = None


class Refusal(_Said, frozen=True):
    """Why nothing else was answered, for people. `maybe_done`: an order was handed to the lane, and nobody knows what came of it."""

    problem: Text
    maybe_done: bool = False


class NotOfTheRoadError(Exception):
    """What came is nothing that is said here."""


Said = TypeVar("Said", bound=_Said)


def encode(said: _Said) -> bytes:
    """One line of JSON."""
    return msgspec.json.encode(said)


def decode(raw: bytes, kind: type[Said]) -> Said:
    """What was said. Raises NotOfTheRoadError, which says where it is wrong and never what stood there."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        place = str(error).rpartition(" - at ")[2] if isinstance(error, msgspec.ValidationError) else ""
        raise NotOfTheRoadError(f"no {kind.__name__} {place}".rstrip()) from error


def event(said: LaneEvent) -> bytes:
    """A server-sent event."""
    return b"event: lane\ndata: " + encode(said) + b"\n\n"


BEAT: Final = b"event: beat\ndata: 1\n\n"
