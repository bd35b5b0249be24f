"""The simulated sensor's service: a Unix socket, a thread a connection, paced by the clock. At most eight at a time."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final

from hardware_sim.local_server import LocalServer
from hardware_sim.pad.sensor import Conversation, PadSensor

if TYPE_CHECKING:
    import socket
    import threading
    from pathlib import Path

_LINE_BYTES_MAX: Final = 512
_TICK_S: Final = 0.02


class PadServer(LocalServer):
    """The sensor, for whoever comes."""

    def __init__(self, path: Path, sensor: PadSensor) -> None:
        self._sensor = sensor
        super().__init__(path, self._speak)

    def _speak(self, client: socket.socket, stopping: threading.Event) -> None:
        conversation, heard = Conversation(self._sensor), b""
        client.settimeout(_TICK_S)
        with contextlib.suppress(OSError, ValueError):
            client.sendall(conversation.greeting())
            while not stopping.is_set() and not conversation.ended:
                try:
                    read = client.recv(_LINE_BYTES_MAX)
                except TimeoutError:
                    read = None
                if read == b"":
                    break
                heard += read or b""
                if b"\n" in heard:
                    line, _, heard = heard.partition(b"\n")
                    conversation.ask(line, time.monotonic() * 1000)
                if len(heard) > _LINE_BYTES_MAX:
                    break
                if due := conversation.due(time.monotonic() * 1000):
                    client.sendall(due)
