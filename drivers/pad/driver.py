"""A sensor with its own verdict: the connection to its service on this computer, a Unix socket, and validation of its
messages (docs/protocols/pad-sensor.md). `connect` verifies the listener; `converse` uses an open connection: a program
that sees travellers may open none. A `Session` does no I/O. A verdict counts only for the crossing that requested it,
if measured after the request, newer than the one before, and for a short time. A protocol error ends the session
permanently, and earlier verdicts with it.
"""

import asyncio
import os
import pwd
import socket
import struct
from collections.abc import Callable
from typing import Final

import msgspec

from drivers.pad.settings import PadProfile, PadSensor
from gate_core.errors import (
    BadFrameError,
    DriverError,
    LinkLostError,
    NoReplyError,
    NoRightError,
    NotWellError,
    SetupError,
    not_opened,
)
from gate_core.evidence.crossing import PadResult
from gate_core.ports.pad import PadCodec, Sensor, Verdict
from gate_core.ports.values import PadVerdict

LINE_BYTES_MAX: Final = 512
LINES_MAX: Final = 4_000  # of one crossing: more than twenty a second for as long as any takes

Said = Sensor | Verdict
_DECODER: Final = msgspec.json.Decoder(Said)


class PadLines:
    """Our own protocol (docs/protocols/pad-sensor.md). Fills `PadCodec`."""

    def ask(self, crossing: str) -> bytes:
        """Look, for as long as the connection is open."""
        return b'{"ask":"look","crossing":"%s"}\n' % crossing.encode("ascii")

    def decode(self, buffer: bytes) -> tuple[Said | None, int]:
        """Return the first line's value and the number of bytes it used. `(None, 0)` means: read more. Raises BadFrameError."""
        end = buffer.find(b"\n", 0, LINE_BYTES_MAX)
        if end < 0:
            if len(buffer) >= LINE_BYTES_MAX:
                raise BadFrameError(f"the sensor sends a line of more than {LINE_BYTES_MAX} bytes")
            return None, 0
        try:
            return _DECODER.decode(buffer[:end]), end + 1
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadFrameError("the sensor sends a line that is none of its protocol") from error


OWN: Final[PadCodec] = PadLines()


class Session:
    """Receives bytes with `hear`, and gives the `verdict`. `crossing`: 32 hexadecimal digits that nobody can predict."""

    def __init__(self, profile: PadProfile, *, crossing: str, codec: PadCodec = OWN) -> None:
        self._profile, self._codec = profile, codec
        self._crossing = crossing
        self._buffer = b""
        self.sensor: Sensor | None = None  # after its identity was received and matches the profile
        self._asked_ms: int | None = None
        self._newest: tuple[Verdict, int] | None = None  # and when it was measured
        self._lines = 0
        self.broken = ""

    def ask(self, now_ms: int) -> bytes:
        """Return the request: look at the person there while the connection is open. Earlier measurements do not count."""
        self._asked_ms = now_ms
        return self._codec.ask(self._crossing)

    def hear(self, chunk: bytes, now_ms: int) -> None:
        """Add received bytes. Raises BadFrameError or NotWellError, permanently: close the connection then."""
        try:
            self._hear(chunk, now_ms)
        except DriverError as error:
            self.give_up(str(error))
            raise

    def give_up(self, why: str) -> None:
        """The sensor is no longer trusted in this crossing, or is gone."""
        self.broken, self._newest, self._buffer = self.broken or why, None, b""

    def verdict(self, now_ms: int, *, since_ms: int) -> PadVerdict | None:
        """Return the newest verdict, if fresh and measured after `since_ms`, when this person arrived; None: not run."""
        if self._newest is None or self.sensor is None or self.broken:
            return None
        said, measured_ms = self._newest
        age_ms = now_ms - measured_ms
        if measured_ms < since_ms or age_ms > self._profile.age_ms_max:
            return None
        return PadVerdict(
            name=self.sensor.name,
            version=self.sensor.version,
            bound=self.sensor.bound,
            result=said.result,
            score=said.score,
            age_ms=max(0, age_ms),
        )

    def _hear(self, chunk: bytes, now_ms: int) -> None:
        if self.broken:
            raise BadFrameError(self.broken)
        self._buffer += chunk
        while True:
            said, used = self._decoded()
            if said is None:
                return
            self._buffer = self._buffer[used:]
            self._lines += 1
            if self._lines > LINES_MAX:
                raise BadFrameError(f"the sensor sends more than {LINES_MAX} lines in a crossing")
            if isinstance(said, Sensor):
                self._greet(said)
            else:
                self._take(said, now_ms)

    def _decoded(self) -> tuple[Said | None, int]:
        try:
            return self._codec.decode(self._buffer)
        except DriverError:
            raise
        except Exception as error:
            raise BadFrameError(f"its driver fails: {type(error).__name__}") from error

    def _greet(self, said: Sensor) -> None:
        known = self._profile
        if self.sensor is not None:
            raise BadFrameError("the sensor says a second time who it is")
        if said.name != known.name or said.version not in known.versions or said.bound != known.bound:
            raise NotWellError(
                f"the sensor says it is {said.name} {said.version} with a bound of {said.bound:g}; its profile expects {known.name} "
                f"{' or '.join(known.versions)} with {known.bound:g}"
            )
        self.sensor = said

    def _take(self, said: Verdict, now_ms: int) -> None:
        if self.sensor is None:
            raise BadFrameError("the sensor gives a verdict before it says who it is")
        if not _is_sound(said, self.sensor.bound):
            raise BadFrameError("the sensor's verdict contradicts its score")
        if self._asked_ms is None or said.crossing != self._crossing:
            return  # another crossing's
        measured_ms = now_ms - said.age_ms
        is_newer = self._newest is None or (said.number > self._newest[0].number and measured_ms >= self._newest[1])
        if measured_ms >= self._asked_ms and is_newer:
            self._newest = said, measured_ms


def _is_sound(said: Verdict, bound: float) -> bool:
    """True if a graded verdict has its score, on the verdict's side of the bound."""
    if said.result is PadResult.UNDETERMINED:
        return True
    return said.score is not None and (said.score >= bound) is (said.result is PadResult.LIVE)


CONNECT_S: Final = 0.3
GREETING_S: Final = 1.0
_READ_BYTES: Final = 4096
_CREDENTIALS: Final = struct.Struct("3i")  # process, user, group
_NOBODY: Final = "0" * 32


async def connect(settings: PadSensor) -> socket.socket:
    """Connect to the sensor's service. Raises DriverError, also if another program listens there."""
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    end.setblocking(False)
    try:
        async with asyncio.timeout(CONNECT_S):
            await asyncio.get_running_loop().sock_connect(end, settings.socket)
        _require_user(end, settings)
    except TimeoutError as error:
        end.close()
        raise NoReplyError(f"the sensor's service at {settings.socket} takes no connection") from error
    except OSError as error:
        end.close()
        raise not_opened(settings.socket, error.errno, error.strerror or str(error)) from error
    except BaseException:
        end.close()
        raise
    return end


def _require_user(end: socket.socket, settings: PadSensor) -> None:
    """Check the listener's user, as the kernel reports it, so that no other program gives verdicts."""
    _, user, _ = _CREDENTIALS.unpack(end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    try:
        wanted = {pwd.getpwnam(settings.user).pw_uid} if settings.user else {0, os.geteuid()}
    except KeyError as error:
        raise SetupError(f"camera.pad.user: there is no user {settings.user}") from error
    if user not in wanted:
        raise NoRightError(f"at {settings.socket} listens user {user}, not the sensor's service", settings.socket)


async def converse(end: socket.socket, session: Session, *, clock_ms: Callable[[], int]) -> None:
    """Request a look and receive verdicts while the connection is open. Raises DriverError at its end, which the session also notes."""
    loop = asyncio.get_running_loop()
    try:
        with end:
            await loop.sock_sendall(end, session.ask(clock_ms()))
            while chunk := await loop.sock_recv(end, _READ_BYTES):
                session.hear(chunk, clock_ms())
        raise LinkLostError("the sensor's service hung up")
    except OSError as error:
        session.give_up("the sensor's service has gone")
        raise LinkLostError("the sensor's service has gone") from error
    except DriverError as error:
        session.give_up(str(error))
        raise


async def check(settings: PadSensor, profile: PadProfile, codec: PadCodec = OWN) -> str:
    """Connect, read the sensor's identity, and close; nobody is looked at. Raises DriverError."""
    session = Session(profile, crossing=_NOBODY, codec=codec)
    loop = asyncio.get_running_loop()
    with await connect(settings) as end:
        try:
            async with asyncio.timeout(GREETING_S):
                while session.sensor is None:
                    chunk = await loop.sock_recv(end, _READ_BYTES)
                    if not chunk:
                        raise LinkLostError("the sensor's service hung up")
                    session.hear(chunk, 0)
        except TimeoutError as error:
            raise NoReplyError(f"the sensor did not say within {GREETING_S:g} s who it is") from error
        except OSError as error:
            raise LinkLostError("the sensor's service has gone") from error
    found = session.sensor
    return f"{found.name} {found.version}, bound {found.bound:g}"
