"""Profiles of devices as files: where they come from, and errors that name file, key and line.

A profile is shipped in a folder of drivers/profiles/, one a room of drivers, and named there, or is a site's own file, given by its
absolute path: a technician writes what a device of their hall needs. It is read strictly, and a site's file only if nobody but its owner
can write it, and the owner is root or whoever reads. What a profile holds is its room's.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections import Counter
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from drivers.errors import SetupError

FILE_BYTES_MAX = 64 * 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_HEADER = re.compile(r"\s*\[\[?\s*([A-Za-z0-9_.-]+)\s*\]\]?")
_KEY = re.compile(r"\s*([A-Za-z0-9_.-]+)\s*=")
_AT = re.compile(r"^(?P<why>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_FIELD = re.compile(r"unknown field `([^`]+)`")
_TOML_LINE = re.compile(r"^(?P<why>.*) \((?:at line (?P<line>\d+), column \d+|at end of document)\)$", re.DOTALL)

Verified = Literal["hardware", "simulator", "no"]  # on what a profile was tried
Milliseconds = Annotated[int, msgspec.Meta(ge=1, le=60_000)]


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The base of every table of a profile."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a profile, at the key that is to be changed (`status.position`)."""

    key: str
    why: str


@dataclass(frozen=True, slots=True)
class ProfileFile:
    """A profile's text, and the name of the file for those who must correct it."""

    name: str
    text: str

    @classmethod
    def open(cls, profile: str, *, room: str) -> ProfileFile:
        """Find a profile of a room of drivers (`barrier`) by its name, or a site's by its path. Raises SetupError."""
        if profile.startswith("/"):
            return cls(profile, _text_of(Path(profile)))
        folder = f"drivers/profiles/{room}"
        source = resources.files("drivers.profiles") / room / f"{profile}.toml"
        if not _NAME.fullmatch(profile) or not source.is_file():
            raise SetupError(
                f"there is no profile {profile!r} in {folder}; a site's own file is named by its absolute path"
            )
        return cls(f"{folder}/{profile}.toml", source.read_text(encoding="utf-8"))

    @classmethod
    def beside(cls, profile: str, name: str, *, room: str, bytes_max: int) -> ProfileFile:
        """A file in the same folder as a profile. Raises SetupError."""
        if profile.startswith("/"):
            path = Path(profile).with_name(name)
            return cls(str(path), _text_of(path, bytes_max))
        folder = f"drivers/profiles/{room}"
        source = resources.files("drivers.profiles") / room / name
        if not source.is_file():
            raise SetupError(f"there is no {name} in {folder}")
        return cls(f"{folder}/{name}", source.read_text(encoding="utf-8"))

    def table(self) -> dict[str, object]:
        """The file as TOML. Raises SetupError."""
        try:
            return tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            found = _TOML_LINE.match(str(error))
            line = (found and found["line"]) or max(1, len(self.text.splitlines()))
            raise SetupError(f"{self.name}:{line}: {found['why'] if found else error}") from error

    def error(self, *wrong: Wrong) -> SetupError:
        """The error that says all of it, each with its line."""
        said = (f"{self.name}:{line_of(self.text, each.key)}: {each.key or 'the file'}: {each.why}" for each in wrong)
        return SetupError("; ".join(said))

    def misfit(self, error: msgspec.ValidationError) -> SetupError:
        """The same of what the types refuse."""
        found = _AT.match(str(error))
        why, path = (found["why"], found["path"] or "") if found else (str(error), "")
        unknown = _FIELD.search(why)
        steps = [*re.findall(r"[A-Za-z0-9_-]+", path), *([unknown[1]] if unknown else [])]
        return self.error(Wrong(".".join(steps), why))


def line_of(text: str, key: str) -> int:
    """The line of a key such as `status.position` or `reads.2.count`, or of the table nearest above it that stands in the file."""
    steps = key.split(".")
    best, best_depth = 1, 0
    table: list[str] = []
    tables: Counter[str] = Counter()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            name = header[1].split(".")
            table = [*name, str(tables[header[1]])] if line.lstrip().startswith("[[") else name
            tables[header[1]] += 1
            places = [name, table]
        elif named := _KEY.match(line):
            places = [[*table, *named[1].split(".")]]
        else:
            continue
        for here in places:
            if len(here) > best_depth and steps[: len(here)] == here:
                best, best_depth = number, len(here)
    return best


def _text_of(path: Path, bytes_max: int = FILE_BYTES_MAX) -> str:
    """A site's own file. Raises SetupError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            held = os.fstat(file.fileno())
            if not stat.S_ISREG(held.st_mode):
                raise SetupError(f"{path} is no file")
            if held.st_uid not in {0, os.geteuid()} or held.st_mode & 0o022:
                raise SetupError(f"{path} can be written by others: it must be root's, mode 0644")
            raw = file.read(bytes_max + 1)
        if len(raw) > bytes_max:
            raise SetupError(f"{path} is larger than {bytes_max // 1024} KiB")
        return raw.decode()
    except OSError as error:
        raise SetupError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SetupError(f"{path} is not UTF-8") from error
