"""A small MJPEG server on loopback whose every byte a test decides: pictures, silence, hang-ups, garbage.

Counts the frames in the pictures themselves (mean grey = number of the frame), so that a test can tell how fresh what it
got is.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Self

import cv2
import numpy as np

HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=tick\r\n\r\n"
GREY_STEP = 4


def numbered_picture(number: int, *, width: int = 320, height: int = 240) -> np.ndarray:
    """A flat grey picture that says its number."""
    return np.full((height, width, 3), (number * GREY_STEP) % 256, np.uint8)


def number_of(pixels: np.ndarray) -> int:
    """The number of a picture, modulo 64."""
    return round(float(pixels.mean()) / GREY_STEP)


def part(jpeg: bytes) -> bytes:
    return b"--tick\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(jpeg), jpeg)


class MjpegServer:
    """Serves one client after another. `picture(number)` makes the frames; the modes change what is sent, at once."""

    def __init__(
        self, *, frames_per_second: float = 30, picture: Callable[[int], np.ndarray] = numbered_picture
    ) -> None:
        self.picture = picture
        self.mode = "play"  # play, mute (no answer at all), stall (silence after the head), garbage, drop
        self.sent = 0
        self.connections = 0
        self._period_s = 1 / frames_per_second
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/stream"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()

    def unplug(self) -> None:
        """Nobody listens there any more."""
        self._ended.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(2)

    def _serve(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(1)
                if connection.recv(4096):  # otherwise somebody only wanted to know whether we are here
                    self.connections += 1
                    self._play(connection)

    def _play(self, connection: socket.socket) -> None:
        while self.mode == "mute" and not self._ended.wait(0.01):
            pass
        connection.sendall(HEAD)
        due_s = time.monotonic()
        while not self._ended.wait(max(0.0, due_s - time.monotonic())):
            due_s += self._period_s
            if self.mode == "drop":
                return
            if self.mode == "garbage":
                connection.sendall(part(bytes(3000)))
            elif self.mode == "play":
                fine, jpeg = cv2.imencode(".jpg", self.picture(self.sent))
                assert fine
                connection.sendall(part(jpeg.tobytes()))
                self.sent += 1
