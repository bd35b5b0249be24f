"""Shared by all configuration files: strictly checked tables, and one error with file, key and line of each problem."""

from __future__ import annotations

import ipaddress
import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec

from gate_core.settings.toml_file import Contradictions, FileError, Problem, Read, TomlFile, Wrong, line_of

FILE_BYTES_MAX = 1024 * 1024
_ZONE_NAME = re.compile(r"(?!(?:posix|right)/)[A-Z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")


class ConfigError(Exception):
    """The configuration is invalid. Has every problem found, with its key and what to do.

    A problem without a file belongs to the configuration file itself: see `placed`.
    """

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems

    @property
    def is_unreadable(self) -> bool:
        """True if all problems are unreadable files."""
        return all(problem.unreadable for problem in self.problems)

    def placed(self, path: Path) -> ConfigError:
        """Return a copy with file and line of each key, if the configuration file can be read."""
        try:
            text = text_of(path)
        except ConfigError:
            return self
        return ConfigError(
            *(
                each if each.file else replace(each, file=str(path), line=line_of(text, each.key) if each.key else None)
                for each in self.problems
            )
        )


def load(path: Path, type_: type[Read]) -> Read:
    """Read a file of settings as this type. Raises ConfigError with all its problems."""
    file = TomlFile(str(path), text_of(path))
    try:
        return file.fitted(file.table(), type_)
    except FileError as error:
        raise ConfigError(*error.problems) from error


def problems_from(key: str, error: Exception) -> tuple[Problem, ...]:
    """Return the problems of an error in a file that `key` names, with their places if known."""
    return error.problems if isinstance(error, FileError) else (Problem(key, str(error)),)


def zone_of(name: str) -> ZoneInfo:
    """Return the time zone with this IANA name. Raises ValueError if it is unknown on this machine."""
    if _ZONE_NAME.fullmatch(name) is not None:
        try:
            return ZoneInfo(name)
        except (KeyError, OSError, ValueError):
            pass
    raise ValueError(f"{name!r} is no time zone's IANA name, such as Europe/Amsterdam, or not on this machine")


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The base of every table in `gate.toml`."""

    def __post_init__(self) -> None:
        if found := tuple(self.contradictions()):
            raise Contradictions(found)

    def contradictions(self) -> Iterator[Wrong]:
        """Yield errors that the types do not detect, such as values that do not fit together."""
        yield from ()


def wrong_if_refused(key: str, check: Callable[..., object], *values: object, **more: object) -> Iterator[Wrong]:
    """Yield an error for `key` if `check` raises ValueError for the values."""
    try:
        check(*values, **more)
    except ValueError as error:
        yield Wrong(key, str(error))


def address_of(text: str, *, such_as: str) -> tuple[str, int]:
    """Parse an IP address with a port from 1024 on. Raises ValueError; `such_as` is the example in its message."""
    parts = urlsplit(f"//{text}")
    try:
        host, port = str(ipaddress.ip_address(parts.hostname or "")), parts.port or 0
    except ValueError:
        host, port = "", 0
    if "@" in text or parts.netloc != text or not 1024 <= port <= 65535:
        raise ValueError(f"{text!r} is no IP address with a port from 1024 on: {such_as}")
    return host, port


def text_of(path: Path) -> str:
    """Read a settings file's text. Raises ConfigError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # do not block on a pipe
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise ConfigError(Problem("", "cannot be read: it is no file", str(path), unreadable=True))
        with os.fdopen(descriptor, "rb") as file:
            raw = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise ConfigError(Problem("", f"cannot be read: {error.strerror}", str(path), unreadable=True)) from error
    if len(raw) > FILE_BYTES_MAX:
        raise ConfigError(Problem("", f"is larger than {FILE_BYTES_MAX // 1024} KiB", str(path)))
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(Problem("", "is not UTF-8", str(path))) from error
