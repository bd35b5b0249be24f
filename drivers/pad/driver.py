"""The way to a sensor that gives verdicts: a Unix socket of its service on this computer.

`connect` makes sure who listens there; `converse` speaks on a connection, wherever it was opened: whoever looks at strangers may open none.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import socket
import struct
from typing import TYPE_CHECKING, Final

from drivers.pad.session import Session
from gate_core.errors import DriverError, LinkLostError, NoReplyError, NoRightError, SetupError, not_opened

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.pad.settings import PadProfile, PadSensor

CONNECT_S: Final = 0.3
GREETING_S: Final = 1.0
_READ_BYTES: Final = 4096
_CREDENTIALS: Final = struct.Struct("3i")  # process, user, group
_NOBODY: Final = "0" * 32


async def connect(settings: PadSensor) -> socket.socket:
    """A connection to the sensor's service. Raises DriverError, also when somebody else listens there."""
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
    """Nobody gives verdicts in the sensor's place: the kernel says who listens."""
    _, user, _ = _CREDENTIALS.unpack(end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    try:
        wanted = {pwd.getpwnam(settings.user).pw_uid} if settings.user else {0, os.geteuid()}
    except KeyError as error:
        raise SetupError(f"camera.pad.user: there is no user {settings.user}") from error
    if user not in wanted:
        raise NoRightError(f"at {settings.socket} listens user {user}, not the sensor's service", settings.socket)


async def converse(end: socket.socket, session: Session, *, clock_ms: Callable[[], int]) -> None:
    """Ask the sensor to look and hear it for as long as the connection is open. Raises DriverError at its end; the session knows, too."""
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


async def check(settings: PadSensor, profile: PadProfile) -> str:
    """Connect, hear who it is, and hang up; nobody is looked at. Raises DriverError."""
    session = Session(profile, crossing=_NOBODY)
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
