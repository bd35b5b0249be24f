"""A small MJPEG server on loopback, of http or https, whose every byte a test decides: pictures, silence, hang-ups, garbage, refusals.

Counts the frames in the pictures themselves (mean grey = number of the frame), so that a test can tell how fresh what it
got is.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
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


# What it answers instead of a stream, by its mode.
ANSWERS = {
    "redirect": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/stream\r\nContent-Length: 0\r\n\r\n",
    "missing": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    "chunked": HEAD.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "page": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>",
    "playlist": b"HTTP/1.0 200 OK\r\nContent-Type: application/vnd.apple.mpegurl\r\n\r\n#EXTM3U\nfile:///etc/hostname\n",
    "babble": b"220 mail.example ESMTP\r\n\r\n",
}
# What it sends over and over in place of good parts.
FAULTS: dict[str, Callable[[bytes], bytes]] = {
    "garbage": lambda _: part(bytes(3000)),
    "wrong_boundary": lambda jpeg: part(jpeg).replace(b"--tick", b"--tock"),
    "truncated_part": lambda jpeg: part(jpeg)[: len(jpeg) // 2],
    "huge_part": lambda _: b"--tick\r\nContent-Length: 900000000\r\n\r\n",
    "endless_part": lambda jpeg: b"--tick\r\n\r\n" + jpeg[:-2] + bytes(9_000_000),
    "endless_fields": lambda _: b"--tick\r\n" + b"X-Filler: 0123456789\r\n" * 1000,
}


class MjpegServer:
    """Serves one client after another. `picture(number)` makes the frames; the modes change what is sent, at once."""

    def __init__(
        self,
        *,
        frames_per_second: float = 30,
        picture: Callable[[int], np.ndarray] = numbered_picture,
        tls: ssl.SSLContext | None = None,
        wants: Callable[[bytes], bytes | None] = lambda _: None,
    ) -> None:
        self.picture = picture
        # play, mute (no answer at all), slow (a byte now and then), endless_head, stall (silence after the head), drop, or one of the tables
        self.mode = "play"
        self.wants = wants  # what a request is answered instead, such as a 401
        self.requests: list[bytes] = []
        self.accepted = 0  # connections, whatever came of them
        self.tls = tls
        self.sent = 0
        self.connections = 0
        self._period_s = 1 / frames_per_second
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def address(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self._socket.getsockname()[1]}/stream"

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
            self.accepted += 1
            with contextlib.suppress(OSError):
                connection.settimeout(1)
                with connection if self.tls is None else self.tls.wrap_socket(connection, server_side=True) as spoken:
                    if request := spoken.recv(4096):  # otherwise somebody only wanted to know whether we are here
                        self.connections += 1
                        self.requests.append(request)
                        self._answer(spoken, request)

    def _answer(self, connection: socket.socket, request: bytes) -> None:
        answer = self.wants(request) or ANSWERS.get(self.mode)
        if answer is None:
            self._play(connection)
        else:
            connection.sendall(answer)

    def _play(self, connection: socket.socket) -> None:
        while self.mode == "mute" and not self._ended.wait(0.01):
            pass
        while self.mode == "slow" and not self._ended.wait(0.05):
            connection.sendall(b"H")
        while self.mode == "endless_head" and not self._ended.is_set():
            connection.sendall(b"X-Filler: 0123456789\r\n" * 50)
        connection.sendall(HEAD)
        due_s = time.monotonic()
        while not self._ended.wait(max(0.0, due_s - time.monotonic())):
            due_s += self._period_s
            if self.mode == "drop":
                return
            if self.mode == "play" or self.mode in FAULTS:
                fine, jpeg = cv2.imencode(".jpg", self.picture(self.sent))
                assert fine
                connection.sendall(FAULTS.get(self.mode, part)(jpeg.tobytes()))
                self.sent += self.mode == "play"
