"""Profiles of document readers: framings and dialogues as data (drivers/profiles/readers/*.toml), parsed strictly. Bytes are hexadecimal.

Each names the source of its bytes, and whether it was tested on hardware.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from drivers.profile_file import SHIPPED, ProfileFile, Table
from gate_core.errors import SetupError
from gate_core.settings.base import Baud
from gate_core.settings.toml_file import Wrong

Hex = Annotated[str, msgspec.Meta(pattern=r"^([0-9A-F]{2}( [0-9A-F]{2}){0,31})?$")]
Command = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,32}$")]


class Length(Table, frozen=True):
    """A length word after the frame's start. It must lie between the text's size and the whole frame's.

    Vendors' documents differ in what it counts, or do not state it; these limits hold for all.
    """

    bytes: Annotated[int, msgspec.Meta(ge=1, le=2)]
    order: Literal["little", "big"]


class Check(Table, frozen=True):
    """A check byte after the frame's end: exclusive or over the frame, with or without its first and its end bytes."""

    kind: Literal["xor"]
    from_start: bool
    over_end: bool


class _Reader(Table, frozen=True, kw_only=True, tag_field="protocol"):
    """The common part of every profile; a subclass's tag is its `protocol`."""

    reader: str
    source: str
    verified_on_hardware: bool
    baud: Baud

    @property
    def protocol(self) -> str:
        """The driver that uses it."""
        return str(self.__struct_config__.tag)

    def _empty(self, *names: str) -> list[Wrong]:
        return [Wrong("", f"{name} is empty") for name in names if not getattr(self, name)]


class StxProfile(_Reader, frozen=True, kw_only=True, tag="stx"):
    """A reader that sends frames: `start`, a length, `header`, `skip` bytes of any value, text, `end`, a check.

    `padding` fills short lines; it is removed.
    """

    start: Hex
    length: Length | None = None
    header: Hex = ""
    skip: Annotated[int, msgspec.Meta(ge=0, le=8)] = 0
    padding: Annotated[str, msgspec.Meta(max_length=1)] = ""
    end: Hex
    check: Check | None = None

    def contradictions(self) -> list[Wrong]:
        """Return errors that types do not detect."""
        found = self._empty("start", "end")
        if self.end and bytes.fromhex(self.end)[0] >= 0x20:
            found.append(Wrong("end", "begins with a character that a line may hold"))
        return found


class ImagerProfile(_Reader, frozen=True, kw_only=True, tag="imager"):
    """A scanner configured and triggered by text commands, which sends the text that it reads.

    A command is `command_start`, its text, `command_end`. Its answer is an echo with one status byte in it: `accepted`
    or one of `refused`. `setup` is sent at every connect, into memory that a power cut clears.
    """

    command_start: Hex
    command_end: Hex
    accepted: Hex
    refused: tuple[Hex, ...]
    setup: tuple[Command, ...]
    trigger: Hex
    stop: Hex
    trigger_again_ms: Annotated[int, msgspec.Meta(ge=500, le=60_000)]

    def contradictions(self) -> list[Wrong]:
        """Return errors that types do not detect."""
        found = self._empty("accepted", "trigger", "setup")
        if any(len(bytes.fromhex(status)) != 1 for status in (self.accepted, *self.refused) if status):
            found.append(Wrong("", "accepted and refused are single bytes"))
        if self.accepted in self.refused:
            found.append(Wrong("refused", "a status byte both accepts and refuses"))
        return found


ReaderProfile = StxProfile | ImagerProfile


def load_profile(name: str) -> ReaderProfile:
    """Read a shipped reader's profile by its name. Raises SetupError."""
    file = ProfileFile.shipped(f"{name}.toml", room="readers")
    if file is None:
        raise SetupError(f"there is no reader profile {name!r} in drivers/profiles/readers")
    profile: ReaderProfile = file.profile(ReaderProfile)
    return profile


def all_profiles() -> dict[str, ReaderProfile]:
    """The shipped profiles by name, in alphabetical order."""
    return {file.stem: load_profile(file.stem) for file in sorted(SHIPPED.joinpath("readers").glob("*.toml"))}
