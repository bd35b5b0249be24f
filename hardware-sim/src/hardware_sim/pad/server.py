"""The simulated sensor's service: a Unix socket, a thread a connection, paced by the clock. At most eight at a time."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING, Final

from hardware_sim.pad.sensor import Conversation, PadSensor

if TYPE_CHECKING:
    from pathlib import Path

_CLIENTS_MAX: Final = 8
_LINE_BYTES_MAX: Final = 512
_TICK_S: Final = 0.02


class PadServer:
    """Listens from the start until `stop`. Raises OSError when the socket cannot be made."""

    def __init__(self, path: Path, sensor: PadSensor) -> None:
        self.connections = 0
        self._path = path
        self._sensor = sensor
        self._stopping = threading.Event()
        self._clients = threading.BoundedSemaphore(_CLIENTS_MAX)
        self._threads: list[threading.Thread] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listener.bind(str(path))
            self._listener.listen()
        except OSError:
            self._listener.close()
            raise
        self._accepting = threading.Thread(target=self._accept, name="pad", daemon=True)
        self._accepting.start()

    def stop(self) -> None:
        """Hang up on everybody and remove the socket."""
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        for thread in self._threads:
            thread.join()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # stopped
            if not self._clients.acquire(blocking=False):
                client.close()
                continue
            self.connections += 1
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            self._threads.append(threading.Thread(target=self._serve, args=(client,), name="pad-client", daemon=True))
            self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        conversation, heard = Conversation(self._sensor), b""
        client.settimeout(_TICK_S)
        with client, contextlib.suppress(OSError, ValueError):
            client.sendall(conversation.greeting())
            while not self._stopping.is_set() and not conversation.ended:
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
        self._clients.release()
