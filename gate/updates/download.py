"""Fetches a repository into a folder from any source: verified while it arrives, resumed after a break, bounded in bytes.

The folder holds `repository/`, with the source's layout, so that the installer verifies everything again; beside it `memory/` is python-tuf's
and `seen.json` ours. It is always complete: new files come first, `timestamp.json` last, and only then are unreferenced files deleted.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec
from tuf.api.exceptions import LengthOrHashMismatchError
from tuf.api.metadata import TargetFile

from gate.updates.errors import RefusedError, SourceAwayError
from gate.updates.layout import METADATA, TARGETS, Here, Offer
from gate.updates.sources import Source
from gate.updates.trust import Seen, Verified, verify
from gate_core import durable
from gate_core.ordinary import open_ordinary

REPOSITORY: Final = "repository"
MEMORY: Final = "memory"
SEEN: Final = "seen.json"
PART: Final = ".part-"
FREE_BYTES_MIN: Final = 1 << 30  # left on the disk by downloads, copies and unpacking: the log's records come first
SEEN_BYTES_MAX: Final = 64 * 1024
ROOT_BYTES_MAX: Final = 64 * 1024
_TIMESTAMP: Final = f"{METADATA}/timestamp.json"


class Store:
    """The folder of fetched files. One user at a time."""

    def __init__(
        self, folder: Path, *, free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free
    ) -> None:
        self._folder = folder
        self._free_bytes = free_bytes

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Lock it for the block. Raises SourceAwayError while another process has it, OSError."""
        try:
            with locked(self._folder, mode=0o750):
                yield
        except BlockingIOError as error:
            raise SourceAwayError(f"another download into {self._folder} goes on") from error

    def fetch(self, source: Source, *, first_root: bytes, here: Here) -> Verified:
        """Fetch the source's content for this gate; requires `locked`. Raises UpdateError, OSError."""
        memory, repository = self._folder / MEMORY, self._folder / REPOSITORY
        for folder in (memory, repository / METADATA, repository / TARGETS):
            durable.make_folder(folder, mode=0o750)
        seen = read_seen(self._folder / SEEN)
        verified = verify(source, first_root=first_root, memory=memory, here=here, seen=seen)
        offers = verified.offers.values()
        self._drop(f"{PART}*", {PART + offer.sha256 for offer in offers})
        for offer in offers:
            self._fetch_target(source, offer)
        self._keep_metadata(verified)
        durable.write(self._folder / SEEN, msgspec.json.encode(seen.with_(verified)))
        self._drop("*", {Path(path).name for path in (*verified.metadata, *(offer.file for offer in offers))})
        return verified

    def _fetch_target(self, source: Source, offer: Offer) -> None:
        place = self._folder / REPOSITORY / offer.file
        durable.make_folder(place.parent, mode=0o750)
        if _is_whole(place, offer):
            return
        part = place.with_name(PART + offer.sha256)
        have = part.stat().st_size if part.is_file() else 0
        if have >= offer.size_bytes:  # it was whole and wrong, or never this one
            part.unlink()
            have = 0
        if self._free_bytes(place.parent) < offer.size_bytes - have + FREE_BYTES_MIN:
            raise OSError(
                errno.ENOSPC, f"{offer.path} would leave less than {FREE_BYTES_MIN >> 20} MiB", str(place.parent)
            )
        chunks = source.read(offer.file, have)
        if chunks is None:
            raise SourceAwayError(f"{offer.file} is not there")
        with part.open("ab") as file:
            for chunk in chunks:
                have += len(chunk)
                if have > offer.size_bytes:
                    file.truncate(0)
                    raise RefusedError(f"{offer.path}: more than {offer.size_bytes} bytes come")
                file.write(chunk)
        if have < offer.size_bytes:
            raise SourceAwayError(f"{offer.path}: {have} of {offer.size_bytes} bytes came; the rest follows")
        if not _is_whole(part, offer):
            part.unlink()
            raise RefusedError(f"{offer.path}: its bytes are not those that were signed")
        durable.replace(part, place, mode=0o640)

    def _keep_metadata(self, verified: Verified) -> None:
        """Write the verified metadata, the timestamp last."""
        for path, content in sorted(verified.metadata.items(), key=lambda one: one[0] == _TIMESTAMP):
            place = self._folder / REPOSITORY / path
            if not place.is_file() or place.read_bytes() != content:
                durable.write(place, content, mode=0o640)

    def _drop(self, pattern: str, kept: set[str]) -> None:
        """Delete files of the repository by their names, which differ by version and hash."""
        for path in (self._folder / REPOSITORY).rglob(pattern):
            if not path.is_dir() and path.name not in kept:
                path.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(folder: Path, *, mode: int) -> Iterator[None]:
    """Make the folder if it is missing, and lock it for the block. Raises BlockingIOError while another process has it, OSError."""
    durable.make_folder(folder, mode=mode)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def read_first_root(path: Path) -> bytes:
    """Return the repository's first root, as the operator supplied it, read up to a root's maximum length. Raises OSError."""
    with path.open("rb") as file:
        return file.read(ROOT_BYTES_MAX)


def read_seen(path: Path) -> Seen:
    """Return what was seen before; empty without a file. Raises OSError for an invalid one: a lost memory is reported."""
    try:
        return msgspec.json.decode(path.read_bytes()[:SEEN_BYTES_MAX], type=Seen)
    except FileNotFoundError:
        return Seen()
    except msgspec.DecodeError as error:
        raise OSError(
            errno.EINVAL, "is no memory of updates; restore it, or remove it to begin anew", str(path)
        ) from error


def _is_whole(path: Path, offer: Offer) -> bool:
    target = TargetFile(offer.size_bytes, {"sha256": offer.sha256}, offer.path)
    try:
        with os.fdopen(open_ordinary(path), "rb") as file:
            target.verify_length_and_hashes(file)
    except (OSError, LengthOrHashMismatchError):
        return False
    return True
