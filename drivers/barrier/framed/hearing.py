"""What comes over the line while somebody listens: our board's reply, strangers, frames that nobody asked for, noise. No I/O.

A two-wire adapter hears what it sends: the request's own bytes at the beginning are no noise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.barrier.framed.frames import Layout, find_reply


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard since the last request. `strangers`: sound frames of another board. `noise`: bytes of no frame of ours.

    `unasked`: sound frames of ours that no request was waiting for.
    """

    reply: Mapping[str, int] | None = None
    strangers: int = 0
    unasked: int = 0
    noise: int = 0


class Hearing:
    """Listens to one line. A frame that is cut by the end of one listening is heard in the next, and belongs to no request in between."""

    def __init__(self, layout: Layout, address: int) -> None:
        self.reply: Mapping[str, int] | None = None
        self._layout = layout
        self._address = address
        self._buffer = bytearray()
        self._early = 0  # bytes in the buffer that came before the request
        self._echo = b""
        self._is_asked = False
        self._strangers = self._unasked = self._noise = 0

    def begin(self, request: bytes = b"") -> None:
        """Listen anew: for the reply to these bytes, or with none of them, to whoever speaks unasked."""
        self.reply = None
        self._early = len(self._buffer)
        self._echo = request
        self._is_asked = bool(request)
        self._strangers = self._unasked = self._noise = 0

    def take(self, received: bytes) -> None:
        """Take more bytes."""
        self._buffer += received
        if self._is_within_echo():
            return
        while self._buffer:
            found = find_reply(self._buffer, self._layout, self._address)
            self._strangers += found.strangers
            self._noise += found.passed_over
            is_early = found.passed_over < self._early
            used = found.passed_over + (self._layout.length if found.reply is not None else 0)
            self._early = max(0, self._early - used)
            if found.reply is None:
                return
            if self._is_asked and self.reply is None and not is_early:
                self.reply = found.reply
            else:
                self._unasked += 1

    def forget(self) -> None:
        """Drop what is no whole frame yet."""
        self._noise += len(self._buffer)
        self._buffer.clear()

    def heard(self, *, after: Heard = Heard()) -> Heard:
        """All of it, behind what came before."""
        return Heard(
            self.reply, after.strangers + self._strangers, after.unasked + self._unasked, after.noise + self._noise
        )

    def _is_within_echo(self) -> bool:
        """Take our own request away; True while it may still be coming."""
        came = self._buffer[self._early :]
        if not self._echo or not came:
            return False
        if came.startswith(self._echo):
            del self._buffer[self._early : self._early + len(self._echo)]
        elif self._echo.startswith(came):
            return True
        self._echo = b""
        return False
