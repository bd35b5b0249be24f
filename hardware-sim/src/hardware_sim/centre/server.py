"""The control centre's socket, with the faults of a line: pauses, silence, nonsense.

A thread a client. At most eight clients, a message at a time; whoever breaks the protocol is hung up on.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path
from typing import Final

from hardware_sim.centre import FrameError
from hardware_sim.centre.answers import Answers
from hardware_sim.centre.faults import Fault
from hardware_sim.centre.frames import Value, decode, encode

_CLIENTS_MAX: Final = 8
_READ_BYTES: Final = 4096
_NONSENSE: Final = b"\x00\x00\x00\x04what"


class CentreServer:
    """Listens from the start until `stop`. Raises OSError when the socket cannot be made."""

    def __init__(self, path: Path, answers: Answers, *, pause_s: float = 5.0) -> None:
        self._path = path
        self._answers = answers
        self._pause_s = pause_s
        self._stopping = threading.Event()
        self._clients = threading.BoundedSemaphore(_CLIENTS_MAX)
        self._threads: list[threading.Thread] = []
        self._listener = _listener(path)
        self._accepting = threading.Thread(target=self._accept, name="centre", daemon=True)
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
                client, _address = self._listener.accept()
            except OSError:
                return  # stopped
            if not self._clients.acquire(blocking=False):
                client.close()
                continue
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            self._threads.append(
                threading.Thread(target=self._serve, args=(client,), name="centre-client", daemon=True)
            )
            self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(0.1)  # how soon a client's thread notices that the server stops
        buffer = b""
        with client, contextlib.suppress(OSError, FrameError):
            while not self._stopping.is_set():
                question, used = decode(buffer)
                if question is not None:
                    buffer = buffer[used:]
                    answer = self._bytes_of(self._answers.answer(question))
                    if answer:
                        client.sendall(answer)
                    continue
                try:
                    read = client.recv(_READ_BYTES)
                except TimeoutError:
                    continue
                if not read:
                    break
                buffer += read
        self._clients.release()

    def _bytes_of(self, answer: dict[str, Value]) -> bytes:
        if self._answers.fault is Fault.SILENT:
            return b""
        if self._answers.fault is Fault.NONSENSE:
            return _NONSENSE
        if self._answers.fault is Fault.SLOW:
            self._stopping.wait(self._pause_s)
        return encode(answer)


def _listener(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener
