"""Who a network camera lets in: a user and a password, in a file of their own that nobody else reads. Never in an address or a message."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import quote, urlsplit

from drivers.errors import SetupError

if TYPE_CHECKING:
    from pathlib import Path

_BYTES_MAX: Final = 1024


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user and a password. Shows nothing of either."""

    user: str = field(repr=False)
    password: str = field(repr=False)

    @classmethod
    def read(cls, path: Path, *, sealed: bool = False) -> Self:
        """Read a file of one line, `user:password`. `sealed`: systemd's own folder, which no other program enters. Raises SetupError, which
        repeats nothing of it.
        """
        try:
            with open(path, "rb", opener=_open) as file:
                if not sealed and os.fstat(file.fileno()).st_mode & 0o077:
                    raise SetupError(
                        f"{path} is open to others; set its mode to 0600, and give it to the user of vision"
                    )
                raw = file.read(_BYTES_MAX + 1)
        except OSError as error:
            raise SetupError(f"cannot read the camera's credentials {path}: {error.strerror}") from error
        try:
            user, colon, password = raw.decode().removesuffix("\n").partition(":")
        except UnicodeDecodeError:
            user = colon = password = ""
        if not (user and colon and len(raw) <= _BYTES_MAX and (user + password).isprintable()):
            raise SetupError(f"{path} must hold one line, user:password")
        return cls(user, password)

    def in_address(self, address: str) -> str:
        """The address as FFmpeg wants it, with both inside. For the library's ears only."""
        parts = urlsplit(address)
        both = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        return parts._replace(netloc=f"{both}@{parts.netloc}").geturl()


def _open(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise SetupError(f"{path} is no file")
    return descriptor
