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
from hardware_sim.local_server import LocalServer

_READ_BYTES: Final = 4096
_NONSENSE: Final = b"\x00\x00\x00\x04what"


class CentreServer(LocalServer):
    """The centre, for whoever comes."""

    def __init__(self, path: Path, answers: Answers, *, pause_s: float = 5.0) -> None:
        self._answers = answers
        self._pause_s = pause_s
        super().__init__(path, self._speak)

    def _speak(self, client: socket.socket, stopping: threading.Event) -> None:
        client.settimeout(0.1)  # how soon a client's thread notices that the server stops
        buffer = b""
        with contextlib.suppress(OSError, FrameError):
            while not stopping.is_set():
                question, used = decode(buffer)
                if question is not None:
                    buffer = buffer[used:]
                    answer = self._bytes_of(self._answers.answer(question), stopping)
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

    def _bytes_of(self, answer: dict[str, Value], stopping: threading.Event) -> bytes:
        if self._answers.fault is Fault.SILENT:
            return b""
        if self._answers.fault is Fault.NONSENSE:
            return _NONSENSE
        if self._answers.fault is Fault.SLOW:
            stopping.wait(self._pause_s)
        return encode(answer)
