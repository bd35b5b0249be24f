"""The authority's configuration, `authority.toml`: key, folder, the passkeys' relying party, and its consoles."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

import msgspec

from gate_core.settings import config_file
from gate_core.settings.base import Text
from gate_core.settings.config_file import Section, address_of, wrong_if_refused
from gate_core.settings.toml_file import Wrong

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEFAULT: Final = "/etc/portcullis/authority.toml"
ACT_LOG_FILE: Final = "book.jsonl"
IDENTITY: Final = "authority.pem"
_LOCAL: Final = ("localhost", "127.0.0.1")
_DOMAIN: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")

Domain = Annotated[str, msgspec.Meta(pattern=rf"\A{_DOMAIN.pattern}\Z", max_length=253)]


class AuthorityConfig(Section, frozen=True, kw_only=True):
    """The settings of `authority.toml`.

    `key`: file of the authority's Ed25519 key (`gate officer authority init`). `folder`: holds its log and TLS key.
    `rp_id`: domain of the passkeys. `origins`: of the consoles' pages. `hours`: lifetime of a shift certificate.
    Listens over TLS at `address`, for the consoles with a certificate in the file `consoles`, or at the Unix `socket`.
    """

    key: Text
    folder: Text
    rp_id: Domain
    origins: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1, max_length=8)]
    hours: Annotated[float, msgspec.Meta(ge=0.05, le=23.0)] = 8.0
    address: Text | None = None
    consoles: Text | None = None
    socket: Text | None = None

    def contradictions(self) -> Iterator[Wrong]:
        """Yield an error unless exactly one listening place is set and each origin fits `rp_id`."""
        if (self.address is None) is (self.socket is None):
            yield Wrong(
                "address", "is where it listens for consoles over TLS; else name a socket, and only one of them"
            )
        if self.address is not None:
            yield from wrong_if_refused("address", address_of, self.address, such_as="192.0.2.9:8450")
            if self.consoles is None:
                yield Wrong("consoles", "is missing: the file of the consoles' certificates (gate console init)")
        for number, origin in enumerate(self.origins):
            if why := _no_origin(origin, self.rp_id):
                yield Wrong(f"origins[{number}]", why)


def _no_origin(origin: str, rp_id: str) -> str:
    """Return why pages of this origin cannot use passkeys of `rp_id`; empty if they can."""
    parts = urlsplit(origin)
    host = parts.hostname or ""
    if f"{parts.scheme}://{parts.netloc}" != origin or "@" in origin or not host:
        return "is no origin: https://, a name, and a port unless it is 443, such as https://console.example:8443"
    if parts.scheme != "https" and host not in _LOCAL:
        return "has no https: browsers make no passkeys there"
    if host != rp_id and not host.endswith(f".{rp_id}"):
        return f"is outside {rp_id}: browsers make no passkeys of that domain there"
    return ""


def load(path: Path) -> AuthorityConfig:
    """Read the file. Raises ConfigError with all its errors."""
    return config_file.load(path, AuthorityConfig)
