"""A service on a local Unix socket: one thread for each client, at most eight; further clients are disconnected."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_CLIENTS_MAX: Final = 8


class LocalServer:
    """Listens until `stop`. `serve` handles one client, and must end soon after `stopping` is set. Raises OSError when it cannot
    create the socket.
    """

    def __init__(self, path: Path, serve: Callable[[socket.socket, threading.Event], None]) -> None:
        self._path = path
        self._serve = serve
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
        self._accepting = threading.Thread(target=self._accept, name=path.name, daemon=True)
        self._accepting.start()

    def stop(self) -> None:
        """Close all connections and remove the socket."""
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
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            self._threads.append(threading.Thread(target=self._attend, args=(client,), daemon=True))
            self._threads[-1].start()

    def _attend(self, client: socket.socket) -> None:
        try:
            with client:
                self._serve(client, self._stopping)
        finally:
            self._clients.release()
