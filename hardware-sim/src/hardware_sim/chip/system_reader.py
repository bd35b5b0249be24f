"""The reader of a machine whose own pcscd runs as a service: the card is in that service's virtual reader.

The service starts on demand and may stop or restart at any time; the present card is offered to it again each time.
Thread-safe. `reader` starts a private pcscd; this module does not.
"""

from __future__ import annotations

import os
import select
import socket
import threading
from pathlib import Path
from typing import Final, Literal, Unpack

from hardware_sim.chip import ReaderGoneError
from hardware_sim.chip.card import Card, Switches
from hardware_sim.chip.vpcd import DRIVER, PORT, VpcdSlot
from hardware_sim.passport.issuer import Passport

_OFFER_EVERY_S: Final = 0.05


class SystemReader:
    """One virtual reader of the machine's own pcscd. An empty `socket` means the usual path."""

    kind: Literal["pcsc"] = "pcsc"
    socket = ""
    why = ""

    def __init__(self, port: int = PORT, *, driver: Path = DRIVER) -> None:
        self._driver = driver
        self._slot = VpcdSlot(port)
        self._lock = threading.Lock()
        self._wake_read, self._wake_write = os.pipe()
        self._card: Card | None = None
        self._stopping = False
        self._server: threading.Thread | None = None

    def start(self) -> None:
        """Serve the reader from now on. Raises ReaderGoneError when the machine has no virtual reader."""
        if not self._driver.exists():
            raise ReaderGoneError("not installed: the virtual reader's driver (vsmartcard-vpcd)")
        self._server = threading.Thread(target=self._serve, name="card")
        self._server.start()

    def insert(self, passport: Passport, **switches: Unpack[Switches]) -> None:
        """Insert a passport, in place of any other."""
        self._lay(Card(passport, **switches))

    def remove(self) -> None:
        """Remove the passport; no effect without one."""
        self._lay(None)

    def stop(self) -> None:
        """Remove the card and stop serving."""
        self._stopping = True
        self._wake()
        if self._server is not None:
            self._server.join()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _lay(self, card: Card | None) -> None:
        with self._lock:
            self._slot.remove()
            self._card = card
        self._wake()

    def _wake(self) -> None:
        os.write(self._wake_write, b".")

    def _serve(self) -> None:
        while not self._stopping:
            with self._lock:
                card, waiting = self._card, self._slot.socket
            offers = card is not None and waiting is None and not card.gone
            wanted: list[int | socket.socket] = [self._wake_read, *([] if waiting is None else [waiting])]
            ready, _, _ = select.select(wanted, [], [], _OFFER_EVERY_S if offers else None)
            if self._wake_read in ready:
                os.read(self._wake_read, 64)
            with self._lock:
                if self._slot.socket is not waiting or self._card is not card:
                    continue  # another card is there by now, or none
                if waiting is not None and waiting in ready:
                    self._slot.serve_one()
                elif offers and card is not None:
                    self._slot.insert(card)
        with self._lock:
            self._slot.remove()
