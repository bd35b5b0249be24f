"""The base of every message between our programs, and the two messages of each program's status. The others are in a module a channel, such as `gate.channel.log_messages`."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Annotated

import msgspec

_DEPTH_MAX = 8

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


Name = Annotated[str, msgspec.Meta(max_length=128)]


class Message(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The base of every message; the class name is the tag on the wire."""

    @property
    def weight(self) -> int:
        """Its weight in its sender's rate."""
        return 1


class StatusRequest(Message, frozen=True):
    """Ask a program for its health."""


class Status(Message, frozen=True):
    """A program's health. `state`: one word; `detail`: shown by `gate status` and the self-test.

    It is `ready` only while the program has proved that it can do its work. `alive` is False if its own work has
    stopped, which a restart may fix; a program that waits for a device or another program is alive.
    """

    program: Name
    state: Name
    detail: dict[str, object]
    alive: bool = True

    def __post_init__(self) -> None:
        """Refuse values that JSON cannot represent: the detail is printed and written as JSON."""
        refuse_unplain(self.detail)


def refuse_unplain(detail: dict[str, object]) -> None:
    """Raise ValueError for a detail that JSON cannot represent."""
    if not _is_plain(detail, _DEPTH_MAX):
        raise ValueError("a detail is plain data")


def _is_plain(value: object, depth: int) -> bool:
    match value:
        case None | bool() | int() | str():  # most are
            return True
        case float():
            return math.isfinite(value)
        case dict():
            return depth > 0 and all(isinstance(key, str) and _is_plain(one, depth - 1) for key, one in value.items())
        case list() | tuple():
            return depth > 0 and all(_is_plain(one, depth - 1) for one in value)
        case _:
            return False
