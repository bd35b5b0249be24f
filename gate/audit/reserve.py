"""Reserved disk space, as a file of real blocks. Without the first reserve no admission is recorded, without both only urgent records.

It is taken again when there is space for it twice, so that its own release is not mistaken for free space.
"""

import os
from contextlib import suppress
from pathlib import Path

# More than the longest write-ahead log, which must find room when the database is opened.
RESERVE_BYTES = 8 * 1024 * 1024
# Some hundred urgent records, and the write-ahead log that is kept short by then.
LAST_RESERVE_BYTES = 2 * 1024 * 1024
# Less than this beside the reserve is none: a commit that writes over the write-ahead log needs no room, and would not find out.
ROOM_BYTES = 1024 * 1024


class Reserve:
    """The file with the space. Construction takes it."""

    def __init__(self, path: Path, reserve_bytes: int = RESERVE_BYTES) -> None:
        self._path = path
        self._bytes = reserve_bytes
        self.is_held = False
        self.take()

    def take(self) -> bool:
        """Take the space if the disk has it; also if an earlier run took it."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            try:
                status = os.fstat(descriptor)
                has_blocks = status.st_size >= self._bytes and status.st_blocks * 512 >= self._bytes
                self.is_held = has_blocks or self._allocate(descriptor)
            finally:
                os.close(descriptor)
        except OSError:
            self.is_held = False
        if not self.is_held:
            # Half a reserve would be in the way of the very records it is for.
            self.give_up()
        return self.is_held

    def _allocate(self, descriptor: int) -> bool:
        if _free_bytes(descriptor) < 2 * self._bytes:
            return False
        os.posix_fallocate(descriptor, 0, self._bytes)
        return True

    def is_all_there_is(self) -> bool:
        """True if the disk has no space besides the reserve. If unknown, False: a write will show it."""
        try:
            return self.is_held and _free_bytes(self._path) < ROOM_BYTES
        except OSError:
            return False

    def give_up(self) -> None:
        """Release the space."""
        self.is_held = False
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


def _free_bytes(place: Path | int) -> int:
    disk = os.statvfs(place)
    return disk.f_bavail * disk.f_frsize
