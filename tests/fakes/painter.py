"""A browser that paints: it follows the traveller's page and says after each state and each beat that it has painted it, as the page's script does.

    python tests/fakes/painter.py http://127.0.0.1:8088 /run/portcullis-screens/kiosk/secret

prints each state that it is shown, a line of JSON, and follows the page through restarts of screens until its standard input ends. Then it dies as a
browser does: without a word. It needs the standard library alone, for it runs inside booted machines, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from gate.programs.shared.config import Config

SILENCE_S: Final = 3.0  # then the page calls an officer by itself, and asks anew
RETRY_S: Final = 0.3


@contextlib.asynccontextmanager
async def painting(config: Config) -> AsyncIterator[None]:
    """A browser at the gate's page while the block runs."""
    secret = config.runtime("screens") / "kiosk" / "secret"
    address = f"http://{config.screens.host}:{config.screens.port}"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, address, str(secret)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        await process.wait()


def close(config: Config) -> None:
    """What a page says whose tab is closed on purpose."""
    secret = config.runtime("screens") / "kiosk" / "secret"
    _post(f"{config.screens.host}:{config.screens.port}", "/seen", "", _cookie(secret, config.screens.port))


def _cookie(secret: Path, port: int) -> str:
    return f"kiosk-{port}={secret.read_text()}"


def _post(host: str, path: str, said: str, cookie: str) -> None:
    connection = http.client.HTTPConnection(host, timeout=SILENCE_S)
    with contextlib.closing(connection):
        connection.request("POST", path, said, {"Origin": f"http://{host}", "Cookie": cookie})
        connection.getresponse().read()


def _follow(host: str, cookie: str) -> None:
    """One stream of events, until it ends or falls silent."""
    connection = http.client.HTTPConnection(host, timeout=SILENCE_S)
    with contextlib.closing(connection):
        connection.request("GET", "/events", headers={"Cookie": cookie})
        answer = connection.getresponse()
        newest = event = ""
        while raw := answer.readline():
            field, _, value = raw.decode().rstrip("\n").partition(": ")
            if field == "id":
                newest = value
            elif field == "event":
                event = value
            elif field == "data" and event == "state":
                sys.stdout.write(f"{value}\n")
                sys.stdout.flush()
            elif not field and newest:
                _post(host, "/seen", newest, cookie)


def paint(address: str, secret: Path) -> None:
    """Follow the page at this address for ever."""
    parts = urlsplit(address)
    assert parts.port is not None
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            _follow(parts.netloc, _cookie(secret, parts.port))
        time.sleep(RETRY_S)


if __name__ == "__main__":
    threading.Thread(target=paint, args=(sys.argv[1], Path(sys.argv[2])), daemon=True).start()
    sys.stdin.read()
