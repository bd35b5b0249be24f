"""The display beside the lane's camera: follows the traveller's page as its browser does, and emits the page's colours.

It opens the page's events and, while the page shows it, the camera's preview. A colour from the preview appears on the
panel one or two frames later, lights the person before the camera, and is acknowledged by its number. Otherwise the
panel is dark. Pictures are discarded. The page is another program's and may be late, absent or invalid.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware_sim.camera.settings import Rgb

PAINT_S = 0.03  # two frames of a 60 Hz panel
EVENTS_SILENCE_S = 3.0
RETRY_S = 0.3
MESSAGE_BYTES_MAX = 1024 * 1024
LINE_BYTES_MAX = 64 * 1024
DARK: Rgb = (0.0, 0.0, 0.0)
_LEADS_TO = re.compile(r'location\.replace\("([^"]{1,300})"\)')


class NoPageError(ValueError):
    """The address is not that of a traveller's page."""


class Camera(Protocol):
    """The camera beside the display."""

    def shine(self, rgb: Rgb) -> None:
        """Set the light, linear, that falls on the person before the camera."""


def led_to(address: str) -> str:
    """Return the page's address; for a start page, file:///…, the address that it redirects to. Raises NoPageError."""
    if not address.startswith("file://"):
        return address
    try:
        found = _LEADS_TO.search(Path(urlsplit(address).path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise NoPageError(f"no start page: {address}") from error
    if found is None:
        raise NoPageError(f"a start page that leads nowhere: {address}")
    return found[1]


class Display:
    """A display of the page at `address`, http://HOST:PORT/#SECRET, or behind a start page. Raises NoPageError."""

    def __init__(self, address: str, camera: Camera, *, seen: Callable[[str], None] = lambda _: None) -> None:
        address = led_to(address)
        parts = urlsplit(address)
        if parts.scheme != "http" or not parts.hostname or not parts.port:
            raise NoPageError(f"no page's address: {address}")
        self._host = f"{parts.hostname}:{parts.port}"
        self._secret = parts.fragment
        self._cookie = ""
        self._camera = camera
        self._seen = seen
        self._ending = threading.Event()
        self._preview: _Preview | None = None
        self._thread = threading.Thread(target=self._run, name="display", daemon=True)

    def start(self) -> None:
        """Start following the page, as soon as it is available."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, and turn the panel dark."""
        self._ending.set()
        self._thread.join(EVENTS_SILENCE_S + 2 * RETRY_S)

    def touch(self, wish: str) -> None:
        """Touch this element of the page. No effect without a page."""
        connection = http.client.HTTPConnection(self._host, timeout=EVENTS_SILENCE_S)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
            said = {"Origin": f"http://{self._host}", "Cookie": self._cookie}
            connection.request("POST", "/ask", wish, said)
            connection.getresponse().read()

    def _run(self) -> None:
        while not self._ending.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                self._enter()
                self._follow()
            self._show_preview(on=False)
            self._ending.wait(RETRY_S)

    def _enter(self) -> None:
        """Send the page's secret, as its browser does, and keep the returned cookie."""
        connection = http.client.HTTPConnection(self._host, timeout=EVENTS_SILENCE_S)
        with contextlib.closing(connection):
            connection.request("POST", "/enter", self._secret, {"Origin": f"http://{self._host}"})
            self._cookie = connection.getresponse().getheader("Set-Cookie", "").partition(";")[0]

    def _follow(self) -> None:
        """Follow the page's events until they end or time out."""
        connection = http.client.HTTPConnection(self._host, timeout=EVENTS_SILENCE_S)
        with contextlib.closing(connection):
            connection.request("GET", "/events", headers={"Cookie": self._cookie})
            answer = connection.getresponse()
            while not self._ending.is_set() and (line := answer.readline(LINE_BYTES_MAX)):
                if line.startswith(b"data: {"):
                    state = json.loads(line[6:])
                    self._show_preview(on=state.get("preview") is True)
                    self._seen(str(state.get("screen")))

    def _show_preview(self, *, on: bool) -> None:
        if on and self._preview is None:
            self._preview = _Preview(self._host, self._cookie, self._camera)
        elif not on and self._preview is not None:
            self._preview.close()
            self._preview = None


class _Preview:
    """The page's preview while the page shows it."""

    def __init__(self, host: str, cookie: str, camera: Camera) -> None:
        self._host = host
        self._cookie = cookie
        self._camera = camera
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="display-preview", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Close the preview: the page shows another screen."""
        self._closing.set()
        self._thread.join(PAINT_S + RETRY_S + 1)
        self._camera.shine(DARK)

    def _run(self) -> None:
        while not self._closing.is_set():
            with contextlib.suppress(OSError, WebSocketException, ValueError, KeyError, TypeError):
                self._watch()
            self._camera.shine(DARK)
            self._closing.wait(RETRY_S)

    def _watch(self) -> None:
        address, origin = f"ws://{self._host}/preview", Origin(f"http://{self._host}")
        opening = connect(
            address, origin=origin, additional_headers={"Cookie": self._cookie},
            max_size=MESSAGE_BYTES_MAX, compression=None, proxy=None,
        )  # fmt: skip
        with opening as page:
            while not self._closing.is_set():
                with contextlib.suppress(TimeoutError):
                    message = page.recv(timeout=RETRY_S)
                    if isinstance(message, str):
                        self._paint(page, json.loads(message))

    def _paint(self, page: ClientConnection, tint: dict[str, str]) -> None:
        colour, number = light_of(tint["colour"]), int(tint["number"])
        time.sleep(PAINT_S)
        self._camera.shine(colour)
        page.send(str(number))


def light_of(colour: str) -> Rgb:
    """Return the linear light, 0 to 1, of a panel that shows `#rrggbb` (sRGB). Raises ValueError, TypeError."""
    if len(colour) != 7 or colour[0] != "#":
        raise ValueError(f"no colour: {colour}")
    red, green, blue = (level / 255 for level in bytes.fromhex(colour[1:]))
    return _decoded(red), _decoded(green), _decoded(blue)


def _decoded(level: float) -> float:
    return float(((level + 0.055) / 1.055) ** 2.4) if level > 0.04045 else level / 12.92
