"""The age files of one class of records and one day, in one file outside the database: unlinking the file erases them.

A line is an age file in Base64, its ID the SHA-256 of the decoded line. An incomplete line after a kill is cut off by the next write.
"""

import contextlib
import hashlib
import os
import re
from binascii import Error as Base64Error
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Self

from gate_core import durable
from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.note import decode_base64, encode_base64
from gate_core.audit_format.record import Header

LINE_BYTES_MAX: Final = 128 * 1024
_NAME: Final = re.compile(r"(crossing|device|administration)-([0-9]{4}-[0-9]{2}-[0-9]{2})")


@dataclass(frozen=True, slots=True, order=True)
class KeyDay:
    """One class of records on one day, by the log's wall clock then (UTC)."""

    day: date
    about: str

    @classmethod
    def of(cls, header: Header) -> Self:
        """Return a record's class and day. Raises BadFormatError for an impossible day."""
        return cls.named(f"{header.about}-{header.hour[:10]}")

    @classmethod
    def named(cls, name: str) -> Self:
        """Return a file's class and day. Raises BadFormatError."""
        match = _NAME.fullmatch(name)
        if match is None:
            raise BadFormatError(f"{name!r} is no class and day")
        try:
            return cls(date.fromisoformat(match[2]), match[1])
        except ValueError as error:
            raise BadFormatError(f"{name!r} is no class and day") from error

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.about}-{self.day.isoformat()}"


def filed(own: KeyDay, *, dated: bool, latest: date | None, today: date) -> KeyDay:
    """Return the day to store a key under, so that a wrong clock never ends its time early. `own`: its first record's day; `today` is confirmed.

    If the clock was unconfirmed then (`dated` false), the key may be of any earlier day: today. Otherwise its own day, but not before the latest day
    with keys, in case the clock was confirmed wrongly, and not after today.
    """
    if not dated:
        return KeyDay(today, own.about)
    return KeyDay(min(max(own.day, latest or own.day), today), own.about)


class KeyDays:
    """The folder. Raises OSError; the caller decides what unstorable keys mean."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def days(self) -> list[KeyDay]:
        """Return the existing days, oldest first."""
        found: list[KeyDay] = []
        with contextlib.suppress(FileNotFoundError):
            for path in self._folder.iterdir():
                with contextlib.suppress(BadFormatError):
                    found.append(KeyDay.named(path.name))
        return sorted(found)

    def read(self, day: KeyDay) -> dict[str, bytes]:
        """Return a day's age files by ID; none for an erased day."""
        found: dict[str, bytes] = {}
        with contextlib.suppress(FileNotFoundError), (self._folder / day.name).open("rb") as file:
            while line := file.readline(LINE_BYTES_MAX):
                with contextlib.suppress(BadFormatError, Base64Error, UnicodeDecodeError):
                    wrapped = decode_base64(line.removesuffix(b"\n").decode("ascii")) if line.endswith(b"\n") else b""
                    if wrapped:
                        found[hashlib.sha256(wrapped).hexdigest()] = wrapped
        return found

    def add(self, day: KeyDay, wrapped: Iterable[bytes]) -> None:
        """Store age files under their day; durable on return."""
        durable.make_folder(self._folder, mode=0o700)
        path = self._folder / day.name
        is_new = not path.exists()
        lines = b"".join(encode_base64(one).encode("ascii") + b"\n" for one in wrapped)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            _cut_off(file.fileno())
            while lines:
                lines = lines[file.write(lines) or 0 :]
            os.fsync(file.fileno())
        if is_new:
            durable.sync(self._folder)

    def holding(self, ids: Collection[str]) -> list[KeyDay]:
        """Return the days of these keys."""
        return [day for day in self.days() if not self.read(day).keys().isdisjoint(ids)]

    def erase(self, ids: Collection[str]) -> None:
        """Rewrite the files of these keys' days without them; the keys are erased permanently on return.

        Remains of a kill, an incomplete line or a draft, may contain one of them and are removed too.
        """
        for day in self.days():
            kept = self.read(day)
            if kept.keys().isdisjoint(ids) and not _is_torn(self._folder / day.name):
                continue
            left = [wrapped for key_id, wrapped in kept.items() if key_id not in ids]
            lines = b"".join(encode_base64(one).encode("ascii") + b"\n" for one in left)
            durable.write(self._folder / day.name, lines, mode=0o600)
        self._drop_drafts()

    def forget(self, day: KeyDay) -> None:
        """Unlink a day; it is erased permanently on return."""
        (self._folder / day.name).unlink(missing_ok=True)
        self._drop_drafts()

    def _drop_drafts(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            for draft in self._folder.glob(f"{durable.DRAFT}*"):
                draft.unlink()
            durable.sync(self._folder)


def _is_torn(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        return size > 0 and file.read(1) != b"\n"


def _cut_off(descriptor: int) -> None:
    """Remove an incomplete line after a kill or a full disk."""
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, LINE_BYTES_MAX, max(0, size - LINE_BYTES_MAX))
    if tail and not tail.endswith(b"\n"):
        os.ftruncate(descriptor, size - len(tail) + tail.rfind(b"\n") + 1)
