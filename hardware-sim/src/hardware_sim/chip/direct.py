"""The card behind a plain Unix socket, for machines without PC/SC or namespaces.

Each message is a 4-byte big-endian length and a body. The first byte of a request is its kind: 0 "is a card there?"
(answer: one byte, 0 or 1), 1 power on (answer: the ATR, empty without a card), 2 and a command APDU (answer: 0 and the
response, or 1 when the card is gone). Anything else ends the connection.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from pathlib import Path
from typing import Final

from hardware_sim.chip import CardGoneError
from hardware_sim.chip.card import Card

_ANSWERED: Final = b"\x00"
_GONE: Final = b"\x01"
_MESSAGE_BYTES_MAX: Final = 0x1_0010  # the longest extended APDU with its header; more ends the connection
_CLIENTS_MAX: Final = 8  # further clients are disconnected
_LENGTH: Final = struct.Struct(">I")


class DirectSlot:
    """A slot for at most eight clients at the same time; the card receives one command at a time."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._card: Card | None = None
        self._clients: set[socket.socket] = set()
        self._stopping = False
        self._path = path
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._accept, name="chip-direct", daemon=True).start()

    def insert(self, card: Card) -> None:
        """Insert a card, in place of any other."""
        with self._lock:
            self._card = card

    def remove(self) -> None:
        """Take the card away."""
        with self._lock:
            self._card = None

    def stop(self) -> None:
        """Close all connections and remove the socket."""
        with self._lock:
            self._stopping = True
            clients = tuple(self._clients)
        for connection in (self._listener, *clients):
            with contextlib.suppress(OSError):  # it may have ended already
                connection.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return  # stopped
            with self._lock:
                welcome = not self._stopping and len(self._clients) < _CLIENTS_MAX
                if welcome:
                    self._clients.add(client)
            if welcome:
                threading.Thread(target=self._serve, args=(client,), name="chip-direct-client", daemon=True).start()
            else:
                client.close()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), client.makefile("rwb") as stream:
            while True:
                head = stream.read(_LENGTH.size)
                size = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 0
                request = stream.read(size) if size <= _MESSAGE_BYTES_MAX else b""
                answer = self._answer(request) if request and len(request) == size else None
                if answer is None:
                    break
                stream.write(_LENGTH.pack(len(answer)) + answer)
                stream.flush()
        with self._lock:
            self._clients.discard(client)

    def _answer(self, request: bytes) -> bytes | None:
        with self._lock:
            match request[0]:
                case 0x00 if len(request) == 1:
                    return bytes([self._card is not None])
                case 0x01 if len(request) == 1:
                    return self._with_card(b"")
                case 0x02 if len(request) > 1:
                    return self._with_card(request[1:])
                case _:
                    return None

    def _with_card(self, apdu: bytes) -> bytes:
        """Power on when `apdu` is empty, otherwise transmit it. A card that removes itself stays away."""
        if self._card is not None:
            with contextlib.suppress(CardGoneError):
                if apdu:
                    return _ANSWERED + self._card.transmit(apdu)
                self._card.reset()
                return self._card.atr
            self._card = None
        return _GONE if apdu else b""
