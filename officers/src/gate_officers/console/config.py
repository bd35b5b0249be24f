"""The console's configuration, `console.toml`: its key, pages, authority, and each gate's address and pinned key."""

from __future__ import annotations

import ipaddress
from base64 import b64decode
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

import msgspec

from gate_core.orders.signed_text import Key
from gate_core.settings import config_file
from gate_core.settings.base import Text
from gate_core.settings.config_file import Section, address_of, wrong_if_refused
from gate_core.settings.toml_file import Wrong

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GATES_MAX: Final = 64

GateId = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


class GateEntry(Section, frozen=True, kw_only=True):
    """One gate: its address for consoles, and the SHA-256 of its key (see `gate status` or its acceptance report)."""

    address: Text
    key: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]

    def contradictions(self) -> Iterator[Wrong]:
        """Yield an error if the address is invalid."""
        yield from wrong_if_refused("address", address_of, self.address, such_as="192.0.2.5:8443")


class AuthorityEntry(Section, frozen=True, kw_only=True):
    """The officers' authority. `public`: key that verifies its certificates, as on each gate. For passkeys, its service
    is at `address` with the fingerprint `key` (printed by `gate officer authority serve`), or at the Unix `socket`.
    """

    public: Key
    address: Text | None = None
    key: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")] | None = None
    socket: Text | None = None

    @property
    def public_key(self) -> bytes:
        """The public key, 32 bytes."""
        return b64decode(self.public)

    def contradictions(self) -> Iterator[Wrong]:
        """Yield an error for an address beside a socket, an address without `key`, or an invalid address."""
        if self.address is not None and self.socket is not None:
            yield Wrong("socket", "is named beside an address: the authority is reached in one way")
        if (self.address is None) is not (self.key is None):
            yield Wrong("key", "and address go together: the service is known by its key")
        if self.address is not None:
            yield from wrong_if_refused("address", address_of, self.address, such_as="192.0.2.9:8450")


class Pages(Section, frozen=True, kw_only=True):
    """The officers' pages: `address` is where they are served, `origin` the URL that browsers open.

    `certificate`: PEM file with key and certificate chain; needed unless `address` is loopback. Passkeys need a host
    name in `origin`: on the console's own machine that is localhost.
    """

    address: Text = "127.0.0.1:8090"
    origin: Text = "http://localhost:8090"
    certificate: Text | None = None

    def contradictions(self) -> Iterator[Wrong]:
        """Yield an error for an invalid address or origin, and for pages on the network without TLS."""
        try:
            host, _ = self.served_at()
        except ValueError as error:
            yield Wrong("address", str(error))
            return
        parts = urlsplit(self.origin)
        wanted = "http" if self.certificate is None else "https"
        if f"{parts.scheme}://{parts.netloc}" != self.origin or "@" in self.origin or not parts.hostname:
            yield Wrong("origin", f"is no origin: {wanted}://, a name and a port, such as {wanted}://localhost:8090")
        elif parts.scheme != wanted:
            yield Wrong("origin", "is https where there is a certificate, and only there")
        if self.certificate is None and not ipaddress.ip_address(host).is_loopback:
            yield Wrong("certificate", "is missing: pages on the network come over TLS")

    def served_at(self) -> tuple[str, int]:
        """Return IP address and port. Raises ValueError if `address` is invalid."""
        return address_of(self.address, such_as="127.0.0.1:8090")


class ConsoleConfig(Section, frozen=True, kw_only=True):
    """The settings of `console.toml`. `identity`: the console's key and certificate; `folder`: holds the handovers."""

    identity: Text
    folder: Text = "/var/lib/portcullis-console"
    pages: Pages = Pages()
    authority: AuthorityEntry
    gates: Annotated[dict[GateId, GateEntry], msgspec.Meta(min_length=1, max_length=GATES_MAX)]

    def contradictions(self) -> Iterator[Wrong]:
        """Yield an error if two gates have the same address or key."""
        for what in ("address", "key"):
            first: dict[str, str] = {}
            for name, entry in self.gates.items():
                if (other := first.setdefault(getattr(entry, what), name)) != name:
                    yield Wrong(f"gates.{name}.{what}", f"is that of {other}, too")


def load(path: Path) -> ConsoleConfig:
    """Read the file. Raises ConfigError with all its errors."""
    return config_file.load(path, ConsoleConfig)
