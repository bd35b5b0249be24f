"""Profiles of document readers: framings and dialogues as data.

A profile is a file drivers/profiles/readers/*.toml, read strictly: an unknown key, a wrong type or a contradiction is a
SetupError. Bytes are written in hexadecimal. Each names where its bytes come from, and says plainly whether it was ever tried
on hardware.
"""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Annotated, Literal

import msgspec

from gate_core.errors import SetupError

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
Hex = Annotated[str, msgspec.Meta(pattern=r"^([0-9A-F]{2}( [0-9A-F]{2}){0,31})?$")]
Command = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,32}$")]
Baud = Annotated[int, msgspec.Meta(ge=1200, le=921600)]


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The base of every table of a profile."""


class Length(Table, frozen=True):
    """A length word behind the frame's start. It must lie between the text's size and the whole frame's.

    Vendors' texts differ in what it counts, or do not say; this much holds for all of them.
    """

    bytes: Annotated[int, msgspec.Meta(ge=1, le=2)]
    order: Literal["little", "big"]


class Check(Table, frozen=True):
    """A check byte behind the frame's end: exclusive or over the frame, with or without its first and its end bytes."""

    kind: Literal["xor"]
    from_start: bool
    over_end: bool


class StxProfile(Table, frozen=True, kw_only=True):
    """A reader that sends a frame by itself: `start`, a length, `header`, `skip` bytes of any value, text, `end`, a check.

    `padding` is what fills short lines up; it is taken away.
    """

    protocol: Literal["stx"]
    reader: str
    source: str
    verified_on_hardware: bool
    baud: Baud
    start: Hex
    length: Length | None = None
    header: Hex = ""
    skip: Annotated[int, msgspec.Meta(ge=0, le=8)] = 0
    padding: Annotated[str, msgspec.Meta(max_length=1)] = ""
    end: Hex
    check: Check | None = None

    def contradictions(self) -> list[str]:
        """Everything that types alone do not see."""
        empty = [name for name in ("start", "end") if not getattr(self, name)]
        found = [f"{name} is empty" for name in empty]
        if self.end and bytes.fromhex(self.end)[0] >= 0x20:
            found.append("end begins with a character that a line may hold")
        return found


class ImagerProfile(Table, frozen=True, kw_only=True):
    """A scanner that is set up and triggered by text commands, and sends what it read as bare text.

    A command is `command_start`, its text, `command_end`. It is answered by an echo with one status byte in it: `accepted` or
    one of `refused`. `setup` is sent at every connect, into memory that a power cut clears.
    """

    protocol: Literal["imager"]
    reader: str
    source: str
    verified_on_hardware: bool
    baud: Baud
    command_start: Hex
    command_end: Hex
    accepted: Hex
    refused: tuple[Hex, ...]
    setup: tuple[Command, ...]
    trigger: Hex
    stop: Hex
    trigger_again_ms: Annotated[int, msgspec.Meta(ge=500, le=60_000)]

    def contradictions(self) -> list[str]:
        """Everything that types alone do not see."""
        found = [f"{name} is empty" for name in ("accepted", "trigger", "setup") if not getattr(self, name)]
        if any(len(bytes.fromhex(status)) != 1 for status in (self.accepted, *self.refused) if status):
            found.append("accepted and refused are single bytes")
        if self.accepted in self.refused:
            found.append("a status byte both accepts and refuses")
        return found


ReaderProfile = StxProfile | ImagerProfile


def parse_profile(text: str, *, name: str) -> ReaderProfile:
    """Read a profile from TOML. Raises SetupError with everything that is wrong."""
    try:
        table = tomllib.loads(text)
        profile: ReaderProfile
        match table.get("protocol"):
            case "stx":
                profile = msgspec.convert(table, StxProfile)
            case "imager":
                profile = msgspec.convert(table, ImagerProfile)
            case _:
                raise SetupError(f"profile {name}: protocol is neither stx nor imager")
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SetupError(f"profile {name}: {error}") from error
    if found := profile.contradictions():
        raise SetupError(f"profile {name}: " + "; ".join(found))
    return profile


def load_profile(name: str) -> ReaderProfile:
    """Read a shipped reader's profile by its name. Raises SetupError."""
    source = _folder() / f"{name}.toml"
    if not _NAME.fullmatch(name) or not source.is_file():
        raise SetupError(f"there is no reader profile {name!r} in drivers/profiles/readers")
    return parse_profile(source.read_text(encoding="utf-8"), name=name)


def all_profiles() -> dict[str, ReaderProfile]:
    """The shipped profiles by name, in alphabetical order."""
    names = sorted(entry.name.removesuffix(".toml") for entry in _folder().iterdir() if entry.name.endswith(".toml"))
    return {name: load_profile(name) for name in names}


def _folder() -> Traversable:
    return resources.files("drivers.profiles") / "readers"
