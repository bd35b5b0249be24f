"""Handovers at the end of a shift: what was open at each lane, who signed off, who has read it.

Kept in one file, written whole or not at all, so that a new start of the console loses none; the oldest of many is forgotten. Nothing
of a traveller stands in it but the ids of crossings that waited.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import msgspec

from gate import durable

HANDOVERS_MAX: Final = 20
WORDS_MAX: Final = 500
_FILE_BYTES_MAX: Final = 1024 * 1024


class HandoverError(Exception):
    """The file of handovers cannot be read or written; the message says where."""


class Reader(msgspec.Struct, frozen=True):
    """Who has read a handover, and when (RFC 3339)."""

    officer: str
    at: str


class OpenAt(msgspec.Struct, frozen=True):
    """What was open at one lane, in words."""

    gate: str
    state: str
    things: tuple[str, ...]


class Signed(msgspec.Struct, frozen=True):
    """One handover."""

    officer: str
    at: str
    open_at: tuple[OpenAt, ...]
    words: Annotated[str, msgspec.Meta(max_length=WORDS_MAX)] = ""
    read: tuple[Reader, ...] = ()

    def among(self, covers: Callable[[str], bool]) -> Signed:
        """The same, with nothing of other gates than these."""
        return msgspec.structs.replace(self, open_at=tuple(one for one in self.open_at if covers(one.gate)))

    def waits_for(self, officer: str) -> bool:
        """Whether somebody other than its writer has yet to read it."""
        return officer != self.officer and not self.read


class Handovers:
    """The handovers of one console, the newest first. Raises HandoverError, also when it is made."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept = self._load()

    @property
    def kept(self) -> tuple[Signed, ...]:
        """Every handover that is kept."""
        return self._kept

    def of(self, covers: Callable[[str], bool]) -> tuple[Signed, ...]:
        """Those of these gates, and nothing in them of others."""
        return tuple(ours for one in self._kept if (ours := one.among(covers)).open_at)

    def sign(self, signed: Signed) -> None:
        """Keep one more."""
        self._keep((signed, *self._kept)[:HANDOVERS_MAX])

    def mark_read(self, officer: str, at: str, covers: Callable[[str], bool]) -> None:
        """Somebody has read every handover of these gates that waits for them."""
        read = Reader(officer, at)
        self._keep(
            tuple(
                msgspec.structs.replace(one, read=(*one.read, read))
                if one.waits_for(officer) and one.among(covers).open_at
                else one
                for one in self._kept
            )
        )

    def _keep(self, kept: tuple[Signed, ...]) -> None:
        """Raises HandoverError."""
        while len(text := msgspec.json.encode(kept)) > _FILE_BYTES_MAX:  # what is longer is not read again
            if len(kept) <= 1:
                raise HandoverError("too much is open to be written down")
            kept = kept[:-1]
        try:
            durable.write(self._path, text, mode=0o600)
        except OSError as error:
            raise HandoverError(f"cannot write {self._path}: {error.strerror}") from error
        self._kept = kept

    def _load(self) -> tuple[Signed, ...]:
        try:
            with self._path.open("rb") as file:
                return msgspec.json.decode(file.read(_FILE_BYTES_MAX), type=tuple[Signed, ...])
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise HandoverError(f"cannot read {self._path}: {error.strerror}") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise HandoverError(f"{self._path} holds no handovers; move it away") from error
