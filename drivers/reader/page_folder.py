"""Pictures that a vendor's service puts into a folder (docs/protocols/readers.md).

Only complete files are taken (unchanged for a while), the newest first, each once. Taken and outdated ones are deleted, so that no traveller's
page stays on the disk; files present at the start are deleted unread. Links are not followed, sizes are bounded, too many files end the source.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from gate_core.errors import BadFrameError, LinkLostError, SetupError
from gate_core.ordinary import read_ordinary
from gate_core.ports.values import Frame, PagePresence, PageResult, PageVerdict, PageVerdicts, VendorCheck

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from drivers.reader.page import PageEvent


SIDECAR_BYTES_MAX = 16 * 1024
_Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
ENTRIES_MAX = 256  # of the folder; more are a fault of the service, and end the source
SETTLE_S = 0.2  # unchanged for so long is whole
POLL_S = 0.05
REMOVED_NAME = "removed"  # a file of this name reports that the page was removed
PICTURES = frozenset({".bmp", ".jp2", ".jpeg", ".jpg", ".png", ".tif", ".tiff"})
SIDECAR = ".json"


class _Verdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    check: VendorCheck
    result: PageResult
    score: _Share | None = None
    false_alarm_rate: _Share | None = None


class _Sidecar(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: Literal["page-verdicts/1"]
    reader: Annotated[str, msgspec.Meta(pattern=r"^[ -~]{1,64}$")]
    verdicts: Annotated[tuple[_Verdict, ...], msgspec.Meta(max_length=len(VendorCheck))]


def parse_sidecar(content: bytes) -> PageVerdicts:
    """Parse a vendor's verdicts on the page, schema `page-verdicts/1`. Raises BadFrameError; then nothing of the file counts."""
    if len(content) > SIDECAR_BYTES_MAX:
        raise BadFrameError(f"a sidecar of more than {SIDECAR_BYTES_MAX} bytes")
    try:
        sidecar = msgspec.json.decode(content, type=_Sidecar)
        return PageVerdicts(
            reader=sidecar.reader,
            verdicts=tuple(
                PageVerdict(found.check, found.result, found.score, found.false_alarm_rate)
                for found in sidecar.verdicts
            ),
        )
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise BadFrameError(f"no sidecar: {error}") from error


@dataclass(frozen=True, slots=True)
class _Found:
    """A file at one look at the folder."""

    name: str
    inode: int
    bytes: int
    changed_ns: int

    @property
    def is_picture(self) -> bool:
        return PurePath(self.name).suffix.lower() in PICTURES

    @property
    def sidecar(self) -> str:
        return PurePath(self.name).stem + SIDECAR


class FolderPage:
    """One folder. Fills `PageSource`.

    `decode` turns a picture file's bytes, at most `bytes_max`, into (height, width, 3) uint8 BGR, or None if it is no
    picture; it limits its memory.
    """

    def __init__(
        self,
        folder: Path,
        *,
        decode: Callable[[bytes], npt.NDArray[np.uint8] | None],
        bytes_max: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.pictures_refused = 0
        self.sidecars_refused = 0
        self._folder = folder
        self._decode = decode
        self._bytes_max = bytes_max
        self._clock = clock
        self._descriptor: int | None = None
        self._closing = threading.Event()
        self._events: deque[PageEvent] = deque()
        self._candidate: _Found | None = None
        self._candidate_since_s = 0.0
        self._present = False
        self._seq = 0

    def open(self) -> None:
        """Open the folder and empty it. Raises SetupError."""
        try:
            self._descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise SetupError(f"{self._folder} is no folder that can be read: {error.strerror}") from error
        for found in self._files():
            self._remove(found.name)

    def next_event(self, *, wait_s: float) -> PageEvent | None:
        """Return the next event. Raises LinkLostError if the folder is gone or has too many files, or after `close`."""
        until_s = self._clock() + wait_s
        while not self._events:
            self.look()
            if self._events:
                break
            if (left_s := until_s - self._clock()) <= 0:
                return None
            self._closing.wait(min(POLL_S, left_s))
        return self._events.popleft()

    def look(self) -> None:
        """Check the folder once, now. Raises LinkLostError."""
        files = self._files()
        pictures = sorted(
            (found for found in files if found.is_picture), key=lambda found: (found.changed_ns, found.name)
        )
        for marker in (found for found in files if found.name == REMOVED_NAME):
            gone = [found for found in pictures if found.changed_ns <= marker.changed_ns]
            self._clear(gone)
            self._remove(marker.name)
            self._tell_present(PagePresence.REMOVED)
            pictures = pictures[len(gone) :]
        if not pictures:
            return
        newest = pictures[-1]
        now_s = self._clock()
        if newest != self._candidate:
            self._candidate, self._candidate_since_s = newest, now_s
        if newest.bytes <= self._bytes_max and now_s - self._candidate_since_s < SETTLE_S:
            return
        self._take(newest, now_s)
        self._clear(pictures)

    def close(self) -> None:
        """Close the folder."""
        self._closing.set()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _take(self, picture: _Found, now_s: float) -> None:
        content = self._read(picture.name, self._bytes_max)
        pixels = self._decode(content) if content is not None else None
        if pixels is None:
            self.pictures_refused += 1
            return
        self._tell_present(PagePresence.PRESENT)
        if (sidecar := self._read(picture.sidecar, SIDECAR_BYTES_MAX)) is not None:
            try:
                self._events.append(parse_sidecar(sidecar))
            except BadFrameError:
                self.sidecars_refused += 1
        self._seq += 1
        self._events.append(Frame(pixels=pixels, seq=self._seq, at_s=now_s))

    def _tell_present(self, presence: PagePresence) -> None:
        present = presence is PagePresence.PRESENT
        if present != self._present:
            self._present = present
            self._events.append(presence)

    def _files(self) -> list[_Found]:
        """Return the folder's plain files. Hidden ones are still being written; links are ignored."""
        folder = self._opened()
        found = []
        try:
            if not os.fstat(folder).st_nlink:
                raise LinkLostError(f"{self._folder} went away")
            with os.scandir(folder) as entries:
                for count, entry in enumerate(entries):
                    if count >= ENTRIES_MAX:
                        raise LinkLostError(f"{self._folder} holds more than {ENTRIES_MAX} files")
                    seen = _plain_file(entry)
                    if seen is not None and not entry.name.startswith("."):
                        found.append(_Found(entry.name, seen.st_ino, seen.st_size, seen.st_mtime_ns))
        except OSError as error:
            raise LinkLostError(f"{self._folder} cannot be read: {error.strerror}") from error
        return found

    def _read(self, name: str, bytes_max: int) -> bytes | None:
        """Return a plain file's content, None if there is none or it is too large. No link, no pipe, never blocking."""
        try:
            return read_ordinary(name, bytes_max, folder_descriptor=self._opened())
        except OSError:
            return None  # gone, too large, or no plain file: the same to us

    def _clear(self, pictures: list[_Found]) -> None:
        for found in pictures:
            self._remove(found.name)
            self._remove(found.sidecar)

    def _remove(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            try:
                os.unlink(name, dir_fd=self._opened())
            except PermissionError as error:
                raise LinkLostError(f"{self._folder}: files cannot be removed") from error

    def _opened(self) -> int:
        if self._descriptor is None:
            raise LinkLostError(f"{self._folder} is not open")
        return self._descriptor


def _plain_file(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        seen = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None  # it went while we looked
    return seen if stat.S_ISREG(seen.st_mode) else None
