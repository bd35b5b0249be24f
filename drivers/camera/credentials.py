"""Who a network camera lets in: a user and a password, in a file of their own that nobody else reads. Never in an address or a message."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self
from urllib.request import parse_http_list, parse_keqv_list

from gate_core.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_BYTES_MAX: Final = 1024
_HASHES: Final = {"MD5": "md5", "SHA-256": "sha256"}  # of Digest; cameras know MD5 as a rule


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

    def answer(self, challenges: Iterable[str], method: str, target: str, *, cnonce: str, count: int) -> str | None:
        """What goes into Authorization for these values of WWW-Authenticate: Digest before Basic (RFC 7616, RFC 7617). None for others.

        `count` is how often the challenge was answered, with this time; `cnonce` is drawn for it.
        """
        asked = [challenge.partition(" ") for challenge in challenges]
        for scheme, _, said in asked:
            if scheme.lower() == "digest":
                told = parse_keqv_list([pair for pair in parse_http_list(said) if "=" in pair[:-1]])
                if digest := self._digest(told, method, target, cnonce, f"{count:08x}"):
                    return digest
        if any(scheme.lower() == "basic" for scheme, _, _ in asked):
            return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return None

    def _digest(self, told: Mapping[str, str], method: str, target: str, cnonce: str, count: str) -> str | None:
        """RFC 7616 §3.4; without `qop` as RFC 2069 had it. None for an algorithm or a protection that is not known here."""
        realm, nonce, algorithm = told.get("realm", ""), told.get("nonce", ""), told.get("algorithm", "MD5")
        name, has_qop = _HASHES.get(algorithm.upper()), "qop" in told
        if name is None or (has_qop and "auth" not in re.split(r"[ ,]+", told["qop"])):
            return None

        def hashed(*parts: str) -> str:
            return hashlib.new(name, ":".join(parts).encode(), usedforsecurity=False).hexdigest()

        drawn = (count, cnonce, "auth") if has_qop else ()
        response = hashed(hashed(self.user, realm, self.password), nonce, *drawn, hashed(method, target))
        quoted = {"username": self.user, "realm": realm, "nonce": nonce, "uri": target, "response": response}
        quoted |= {"opaque": told["opaque"]} if "opaque" in told else {}
        quoted |= {"cnonce": cnonce} if has_qop else {}
        said = [f'{key}="{_escaped(value)}"' for key, value in quoted.items()]
        said += [f"algorithm={algorithm}"] if "algorithm" in told else []
        said += [f"qop=auth, nc={count}"] if has_qop else []
        return "Digest " + ", ".join(said)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _open(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise SetupError(f"{path} is no file")
    return descriptor
