"""Messages between a gate and an officers' console (docs/protocols/console.md), used by both. Pure.

Received messages are untrusted: they must have these types and limits. Unknown members are ignored, so that a newer
gate can send more. Times are ages in seconds at sending; no wall clock is used.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeVar

import msgspec

EVENTS: Final = "/events"
LOOK: Final = "/look"
ORDERS: Final = "/orders"
EVENT_STREAM: Final = "text/event-stream"
BEAT_S: Final = 1.0
SILENCE_S: Final = 2.0  # without an event or beat for so long, the gate counts as lost
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
    """Base of the messages."""


class Why(_Said, frozen=True):
    """One reason of a referral."""

    reason: Word
    detail: Text = ""


class Waits(_Said, frozen=True):
    """A crossing that waits for an officer. `sealed_for`: officers who can decrypt its pictures. `two_officers`:
    admission needs two; `first`: the one who ordered it already.
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
    """An officer reported present; `officer` None if the lane has no name."""

    officer: Word | None
    seen_s: Seconds


class Without(_Said, frozen=True):
    """A degraded mode of the gate: a row of docs/operations.md."""

    mode: Word
    effect: Text
    tell: Text


class LaneEvent(_Said, frozen=True):
    """A lane's state for officers. `boot` changes at each start of the gate's `screens`.

    `state`: None while the lane does not answer; then nothing else is known. `last`: times of the last crossing's
    stages, in seconds since the document was presented. `flags`: those of the current traveller, or without a crossing.
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
    """A challenge that an order must contain (docs/protocols/orders.md)."""

    gate: Word
    issued_ms: Whole
    nonce: Word
    version: Whole


class Answer(_Said, frozen=True):
    """The lane's answer to an order. `sealed`: for a view order, the encrypted parts in Base64."""

    outcome: Word
    detail: Text
    state: Word
    sealed: Annotated[list[str], msgspec.Meta(max_length=8)] | None = None


class Refusal(_Said, frozen=True):
    """A failed request; `problem` is for people. `maybe_done`: the lane got the order, with an unknown result."""

    problem: Text
    maybe_done: bool = False


class BadLinkMessageError(Exception):
    """The received bytes are not a valid message."""


Said = TypeVar("Said", bound=_Said)


def encode(said: _Said) -> bytes:
    """Encode a message as one line of JSON."""
    return msgspec.json.encode(said)


def decode(raw: bytes, kind: type[Said]) -> Said:
    """Decode a message. Raises BadLinkMessageError, which names the place of the error but not the content."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        place = str(error).rpartition(" - at ")[2] if isinstance(error, msgspec.ValidationError) else ""
        raise BadLinkMessageError(f"no {kind.__name__} {place}".rstrip()) from error


def event(said: LaneEvent) -> bytes:
    """Encode a lane event as a server-sent event."""
    return b"event: lane\ndata: " + encode(said) + b"\n\n"


BEAT: Final = b"event: beat\ndata: 1\n\n"
