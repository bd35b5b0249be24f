"""The connection to a network camera: one HTTP request per connection; nothing is sent before the camera is authenticated. Loads no image library.

    https   TLS 1.2 or newer. The camera shows the pinned certificate, whatever names and dates it has; or one issued by the site's
            authorities, valid now and for the camera's address
    http    no authentication: the settings permit a password only if they name the risk

HTTP/1.0, so that the answer comes in one piece: first without the password, then with it as the camera requests it; a redirection is refused.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import re
import secrets
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit
from urllib.request import parse_http_list, parse_keqv_list

from drivers.camera.mjpeg import head_of
from drivers.camera.settings import address_problem
from gate_core.errors import BadFrameError, LinkLostError, NotWellError, RefusedError, SetupError
from gate_core.ordinary import open_ordinary
from gate_core.settings.base import Reach

STREAM_TIMEOUT_MS: Final = 1500  # until an answer's head is there, and between two pictures
_READ_BYTES: Final = 64 * 1024
_AT_ONCE_READS_MAX: Final = 64  # of what has come already, 4 MiB at most: more than a second of pictures
_AUTHORITIES_BYTES_MAX: Final = 1024 * 1024


class Answer:
    """An answer on a connection, until `close`. `head`: its head; `rest`: bytes that came with it. All methods raise LinkLostError."""

    def __init__(self, connection: socket.socket, until_s: float, clock: Callable[[], float]) -> None:
        self._connection = connection
        self._clock = clock
        received, found = b"", None
        while found is None:
            received += self.read(until_s)
            try:
                found = head_of(received)
            except BadFrameError as error:
                raise LinkLostError(str(error)) from error
        self.head, self.rest = found

    def read(self, until_s: float) -> bytes:
        """Return all bytes that have arrived, so that a late reader finds the newest. Waits only for the first byte."""
        try:
            if (left_s := until_s - self._clock()) <= 0:
                raise TimeoutError
            self._connection.settimeout(left_s)
            received = [self._connection.recv(_READ_BYTES)]
        except OSError as error:
            why = "sends nothing" if isinstance(error, TimeoutError) else "has gone"
            raise LinkLostError(f"the camera {why}") from error
        if not received[0]:
            raise LinkLostError("the camera ended the connection")
        with contextlib.suppress(OSError):  # nothing more has come, or nothing more will: the next read finds out
            self._connection.settimeout(0)
            while len(received) < _AT_ONCE_READS_MAX and (more := self._connection.recv(_READ_BYTES)):
                received.append(more)
        return b"".join(received)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class Link:
    """The connection to one camera. Raises SetupError for an invalid address, and for unusable authorities.

    `certificate_sha256`: the pin, in hexadecimal; `authorities`: a file of certificates (PEM). An https address has one
    of both. `clock` gives monotonic seconds; `timeout_ms`: the longest time until an answer begins.
    """

    def __init__(
        self,
        address: str,
        *,
        certificate_sha256: str = "",
        authorities: str = "",
        credentials: Credentials | None = None,
        timeout_ms: int = STREAM_TIMEOUT_MS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if why := address_problem(address):
            raise SetupError(f"camera.address: {why}")
        parts, reach = urlsplit(address), Reach(address=address)
        self._place = (reach.host or "", reach.port)
        self._called = parts.netloc
        self.target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self.timeout_s = timeout_ms / 1000
        self._credentials = credentials
        self._clock = clock
        self._pin = bytes.fromhex(certificate_sha256.replace(":", ""))
        self._tls = None if parts.scheme == "http" else _tls(pinned=bool(self._pin), authorities=authorities)
        self._challenges: tuple[str, ...] = ()  # the camera's, of its last 401
        self._answered = 0  # how often they were answered

    def ask(self, method: str, target: str, body: bytes = b"") -> Answer:
        """Send a request, with the password if the camera requires it. Raises LinkLostError, RefusedError, and NotWellError for another camera."""
        answer = self.send(method, target, body)
        if answer.head.status == 401 and self._credentials is not None:
            answer.close()
            self._challenges, self._answered = answer.head.values("www-authenticate"), 0
            answer = self.send(method, target, body)
        if not 200 <= (status := answer.head.status) < 300 or answer.head.values("transfer-encoding"):
            answer.close()
            why = ": see credentials" if status == 401 else ""
            if status < 300:
                why = ", in pieces that HTTP/1.0 does not have"
            elif status < 400:
                why = ": name the address that it leads to"
            raise RefusedError(f"the camera answered {method} {target.partition('?')[0]} with status {status}{why}")
        return answer

    def send(self, method: str, target: str, body: bytes = b"") -> Answer:
        """Send one request and return any answer. Raises LinkLostError, and NotWellError for another camera."""
        until_s = self._clock() + self.timeout_s
        connection = self._connected()
        try:
            connection.sendall(self._request(method, target, body))
            return Answer(connection, until_s, self._clock)
        except (OSError, LinkLostError) as error:
            connection.close()
            raise LinkLostError("the camera does not answer" if isinstance(error, OSError) else str(error)) from error

    def _request(self, method: str, target: str, body: bytes) -> bytes:
        fields = [f"Host: {self._called}", "Connection: close"]
        if body:
            fields += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        if self._credentials is not None and self._challenges:
            self._answered += 1
            drawn = secrets.token_hex(16)
            said = self._credentials.answer(self._challenges, method, target, cnonce=drawn, count=self._answered)
            fields += [] if said is None else [f"Authorization: {said}"]
        return "\r\n".join([f"{method} {target} HTTP/1.0", *fields, "", ""]).encode() + body

    def _connected(self) -> socket.socket:
        """Return a connection to this camera only. Raises LinkLostError and NotWellError."""
        try:
            connection = socket.create_connection(self._place, self.timeout_s)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is None:
                return connection
            connection = self._tls.wrap_socket(connection, server_hostname=self._place[0])
        except ssl.SSLCertVerificationError as error:
            raise NotWellError(f"authorities do not vouch for this camera: {error.verify_message}") from error
        except OSError as error:
            raise LinkLostError("the camera does not answer") from error
        shown = hashlib.sha256(connection.getpeercert(binary_form=True) or b"").digest()
        if self._pin and not hmac.compare_digest(shown, self._pin):
            connection.close()
            raise NotWellError("the camera shows another certificate than certificate_sha256 names")
        return connection


def _tls(*, pinned: bool, authorities: str) -> ssl.SSLContext:
    """Return the TLS settings for the camera's certificate; the caller compares the pin. Raises SetupError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # asks for a certificate that holds and is made out to the host
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if pinned:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        with Path(authorities).open("rb") as file:
            context.load_verify_locations(cadata=file.read(_AUTHORITIES_BYTES_MAX).decode("ascii"))
    except (OSError, ValueError) as error:
        why = "it holds no certificates (PEM)" if isinstance(error, ssl.SSLError | ValueError) else error.strerror
        raise SetupError(f"camera.authorities: {authorities} cannot be used: {why}") from error
    return context


_BYTES_MAX: Final = 1024
_HASHES: Final = {"MD5": "md5", "SHA-256": "sha256"}  # of Digest; cameras know MD5 as a rule


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user and a password. Has no useful repr."""

    user: str = field(repr=False)
    password: str = field(repr=False)

    @classmethod
    def read(cls, path: Path, *, sealed: bool = False) -> Self:
        """Read a file of one line, `user:password`. `sealed`: systemd's folder, which no other program can read. Raises
        SetupError without the content.
        """
        try:
            with os.fdopen(open_ordinary(path), "rb") as file:
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
        """Return the Authorization header for these WWW-Authenticate values: Digest before Basic (RFC 7616, RFC 7617); None for others.

        `count`: how often the challenge was answered, this one included; `cnonce`: random, for this answer.
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
        """RFC 7616 §3.4; without `qop` as in RFC 2069. None for an unknown algorithm or protection."""
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
