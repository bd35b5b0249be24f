"""A network camera on loopback: plays one scene at a time as MJPEG, and fails on request.

One thread owns all sockets. Other threads only change what it plays (`player`), under a lock and for microseconds, so a
world can switch scenes at any time. `POST /control` and `POST /light` set exposure, gain and the display's light, from
the next picture on. Pictures have absolute deadlines; a late picture is left out, never sent in a burst. A slow client
misses pictures and delays no one. In a world, time waits for a camera that has a client.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hardware_sim.camera import mjpeg
from hardware_sim.camera.player import Player
from hardware_sim.camera.settings import Settings, SettingsError

if TYPE_CHECKING:
    from hardware_sim.camera.scenes import Live, Scene
    from hardware_sim.camera.settings import Rgb
    from hardware_sim.clock import Part

FPS = 15.0
LATE_S_MAX = 0.2  # in a world: when it is later than this (three pictures), time stops
CLIENTS_MAX = 4  # further clients are refused: one reader, at times its successor, and settings
_STOP_TIMEOUT_S = 5.0


@dataclass(slots=True, eq=False)
class _Client:
    """One connection: its request so far, whether it receives the stream, and the bytes still to send."""

    connection: socket.socket
    request: bytes = b""
    watching: bool = False
    closing: bool = False
    pending: memoryview = field(default_factory=lambda: memoryview(b""))


class MjpegCamera:
    """A camera at `address` that shows `Empty` first. A restart uses the same port; the first is `port` (0: any free one).

    `fps` pictures a second of `size` (width, height) pixels; scenes of another size are scaled. `part` is the camera as
    a part of its world; with `tls` it serves https with that context's certificate.
    """

    def __init__(
        self,
        *,
        fps: float = FPS,
        size: tuple[int, int] = (640, 480),
        part: Part | None = None,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        if not 0 < fps <= 120:
            raise ValueError(f"pictures a second out of range: {fps}")
        self._period_s = 1 / fps
        self._part = part
        self._tls = tls
        self._player = Player(size=size, period_s=self._period_s)
        self._lock = threading.Lock()
        self._drop_wanted = False
        self._stop_wanted = False
        self._port = port
        self._thread: threading.Thread | None = None
        self._waker: socket.socket | None = None

    # ── from any thread ──────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def address(self) -> str:
        """Return the stream's URL. Only after `start`."""
        return f"http{'' if self._tls is None else 's'}://127.0.0.1:{self.port}{mjpeg.STREAM_PATH}"

    @property
    def port(self) -> int:
        """Return the TCP port. Only after `start`."""
        if not self._port:
            raise RuntimeError("the camera was never started")
        return self._port

    def start(self) -> None:
        """Listen and play. Raises OSError when the port of an earlier start is taken."""
        if self._thread is not None:
            raise RuntimeError("the camera runs already")
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", self._port))
            listener.listen(CLIENTS_MAX)
            listener.setblocking(False)
        except OSError:
            listener.close()
            raise
        self._port = listener.getsockname()[1]
        self._stop_wanted = False
        self._waker, wake = socket.socketpair()
        self._thread = threading.Thread(target=self._run, args=(listener, wake), name="sim-camera", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close every connection and the port, as a camera without power. Idempotent."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        with self._lock:
            self._stop_wanted = True
        self._wake()
        thread.join(_STOP_TIMEOUT_S)
        if self._waker is not None:
            self._waker.close()
        if thread.is_alive():
            raise RuntimeError("the camera's thread does not end")

    def show(self, scene: Scene | Live) -> None:
        """Play `scene` from its beginning; ends a stall and garbage."""
        self._player.show(scene)

    def stall(self) -> None:
        """Keep the connections and send nothing, until the next `show`."""
        self._player.stall()

    def garbage(self) -> None:
        """Send noise where the pictures should be, until the next `show`."""
        self._player.garbage()

    @property
    def settings(self) -> Settings:
        """Return how pictures are taken now."""
        return self._player.settings

    def shine(self, display: Rgb) -> None:
        """Set the light of the traveller's display, linear, 0 to 1; `POST /light` does the same."""
        self._player.adjust(lambda now: replace(now, display=display))

    def drop(self) -> None:
        """Close all connections once; new ones are accepted."""
        with self._lock:
            self._drop_wanted = True
        self._wake()

    def _wake(self) -> None:
        if self._waker is not None:
            with contextlib.suppress(OSError):  # stopped meanwhile
                self._waker.send(b"!")

    # ── the camera's thread ──────────────────────────────────────────────────────────────────────────────────────────

    def _run(self, listener: socket.socket, wake: socket.socket) -> None:
        with selectors.DefaultSelector() as selector, listener, wake:
            selector.register(listener, selectors.EVENT_READ)
            selector.register(wake, selectors.EVENT_READ)
            clients: dict[socket.socket, _Client] = {}
            deadline_s = time.monotonic()
            while not self._stop_wanted:
                events = selector.select(max(0.0, deadline_s - time.monotonic()))
                for key, mask in events:
                    if key.fileobj is listener:
                        self._accept(listener, selector, clients)
                    elif key.fileobj is wake:
                        wake.recv(64)
                    else:
                        self._serve(key.data, mask)
                if self._take_drop_wanted():
                    for client in clients.values():
                        client.closing = True
                        client.pending = memoryview(b"")
                late_s = time.monotonic() - deadline_s
                if late_s >= 0:
                    deadline_s += self._period_s * (1 + late_s // self._period_s)
                    self._publish(clients)
                self._settle(selector, clients)
            for client in clients.values():
                client.connection.close()
            if self._part is not None:
                self._part.rests()

    def _take_drop_wanted(self) -> bool:
        with self._lock:
            wanted, self._drop_wanted = self._drop_wanted, False
        return wanted

    def _accept(
        self, listener: socket.socket, selector: selectors.BaseSelector, clients: dict[socket.socket, _Client]
    ) -> None:
        try:
            connection, _ = listener.accept()
        except OSError:  # closed before it was accepted
            return
        if len(clients) >= CLIENTS_MAX:
            connection.close()
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:  # the handshake happens with the first read or write
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        client = clients[connection] = _Client(connection)
        selector.register(connection, selectors.EVENT_READ, client)

    def _serve(self, client: _Client, mask: int) -> None:
        """Receive a request or the end of the connection, and send pending bytes."""
        try:
            if mask & selectors.EVENT_READ:
                received = client.connection.recv(mjpeg.REQUEST_BYTES_MAX)
                if not received:
                    client.closing, client.pending = True, memoryview(b"")
                elif not client.watching and not client.closing:
                    client.request += received
                    _answer(client, self._player)
            if mask & selectors.EVENT_WRITE and client.pending:
                client.pending = client.pending[client.connection.send(client.pending) :]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:
            client.closing, client.pending = True, memoryview(b"")

    def _publish(self, clients: dict[socket.socket, _Client]) -> None:
        """Queue the due picture for every client that has taken the last one."""
        watched = any(client.watching for client in clients.values())
        picture = self._player.take(watched=watched)
        if self._part is not None:
            if watched:
                self._part.moved()
            else:
                self._part.rests()
        if picture is None:
            return
        payload = mjpeg.part(picture)
        for client in clients.values():
            if client.watching and not client.pending:
                client.pending = memoryview(payload)

    def _settle(self, selector: selectors.BaseSelector, clients: dict[socket.socket, _Client]) -> None:
        """Remove clients that are gone; wait for writability only where bytes are pending."""
        for client in tuple(clients.values()):
            if client.closing and not client.pending:
                selector.unregister(client.connection)
                client.connection.close()
                del clients[client.connection]
            else:
                wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.pending else 0)
                selector.modify(client.connection, wanted, client)


def _answer(client: _Client, player: Player) -> None:
    try:
        request = mjpeg.request(client.request)
    except mjpeg.BadRequestError:
        client.closing = True
        return
    if request is None:
        return
    if (request.method, request.path) == ("GET", mjpeg.STREAM_PATH):
        client.watching, client.pending = True, memoryview(mjpeg.RESPONSE_HEAD)
    else:
        client.closing, client.pending = True, memoryview(_set(request, player))


def _set(request: mjpeg.Request, player: Player) -> bytes:
    """Apply the setting in a request; return the answer."""
    try:
        match request.method, request.path:
            case "POST", mjpeg.CONTROL_PATH:
                player.adjust(lambda now: now.controlled(request.body))
            case "POST", mjpeg.LIGHT_PATH:
                player.adjust(lambda now: now.shone_at(request.body))
            case _:
                return mjpeg.NOT_FOUND
    except SettingsError as error:
        return mjpeg.refused(str(error))
    return mjpeg.DONE
