"""The base of every message between our programs, and the two messages of each program's status. `gate.channel.messages` has the others."""

from __future__ import annotations

import math
from typing import Annotated

import msgspec

_DEPTH_MAX = 8

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
