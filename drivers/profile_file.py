"""Profiles of devices as files: where they come from, and who may have written them.

A profile is shipped in a folder of drivers/profiles/, one per room of drivers, and named there, or is a site's own file,
given by its absolute path: a technician writes what a device of their hall needs. It is parsed strictly, and a site's file
only if no one but its owner can write it, and the owner is root or the reading user. The room defines a profile's content.
"""

from __future__ import annotations

import os
import re
import stat
import types
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec

from gate_core.errors import SetupError
from gate_core.settings.base import LineSettings, Text
from gate_core.settings.toml_file import FileError, Problem, TomlFile, Wrong

SHIPPED = Path(__file__).with_name("profiles")
FILE_BYTES_MAX = 64 * 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,68}")

Verified = Literal["hardware", "simulator", "no"]  # on what a profile was tried
Milliseconds = Annotated[int, msgspec.Meta(ge=1, le=60_000)]
PollMs = Annotated[int, msgspec.Meta(ge=20, le=250)]


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The base of every table of a profile."""

    def contradictions(self) -> Sequence[Wrong]:
        """Return errors that types do not detect."""
        return ()


Profile = TypeVar("Profile", bound=Table)


class ProfiledDevice(LineSettings, frozen=True, kw_only=True):
    """The base of settings of a device that a profile describes. `poll_ms`: the interval of status queries."""

    profile: Text
    poll_ms: PollMs = 100

    def simulated(self) -> list[str]:
        """Return the simulator's profile and line, if used."""
        profile = [f"profile = {self.profile} is the simulator's"] if Path(self.profile).stem.endswith("-sim") else []
        return profile + super().simulated()


@dataclass(frozen=True, slots=True)
class ProfileFile(TomlFile):
    """A profile's file, shipped or the site's own."""

    @classmethod
    def open(cls, profile: str, *, room: str) -> ProfileFile:
        """Find a profile of a room of drivers (`barrier`) by its name, or a site's by its path. Raises SetupError."""
        if profile.startswith("/"):
            return cls(profile, _text_of(Path(profile)))
        if (file := cls.shipped(f"{profile}.toml", room=room)) is not None:
            return file
        why = f"there is no profile {profile!r} in drivers/profiles/{room}"
        raise SetupError(f"{why}; a site's own file is named by its absolute path")

    def profile(self, type_: type[Profile] | types.UnionType) -> Profile:
        """Return the parsed content. Raises SetupError with every error, each with file, line and key."""
        profile: Profile = self.fitted(self.table(), type_)
        if found := profile.contradictions():
            raise self.error(*found)
        return profile

    @classmethod
    def beside(cls, profile: str, name: str, *, room: str, bytes_max: int) -> ProfileFile:
        """Return a file in a profile's folder. Raises SetupError."""
        if profile.startswith("/"):
            path = Path(profile).with_name(name)
            return cls(str(path), _text_of(path, bytes_max))
        if (file := cls.shipped(name, room=room)) is not None:
            return file
        raise SetupError(f"there is no {name} in drivers/profiles/{room}")

    @classmethod
    def shipped(cls, name: str, *, room: str) -> ProfileFile | None:
        """Return a file from a room's folder of shipped profiles, None if there is none of this name."""
        source = SHIPPED / room / name
        if not _NAME.fullmatch(name) or not source.is_file():
            return None
        return cls(f"drivers/profiles/{room}/{name}", source.read_text(encoding="utf-8"))


def _text_of(path: Path, bytes_max: int = FILE_BYTES_MAX) -> str:
    """Return the content of a site's own file. Raises FileError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            held = os.fstat(file.fileno())
            if not stat.S_ISREG(held.st_mode):
                raise FileError(Problem("", "is no file", str(path)))
            if held.st_uid not in {0, os.geteuid()} or held.st_mode & 0o022:
                raise FileError(Problem("", "can be written by others: it must be root's, mode 0644", str(path)))
            raw = file.read(bytes_max + 1)
        if len(raw) > bytes_max:
            raise FileError(Problem("", f"is larger than {bytes_max // 1024} KiB", str(path)))
        return raw.decode()
    except OSError as error:
        raise FileError(Problem("", f"cannot be read: {error.strerror}", str(path), unreadable=True)) from error
    except UnicodeDecodeError as error:
        raise FileError(Problem("", "is not UTF-8", str(path))) from error
