"""A simulated ASCII gate: a board in memory, and the board on a pseudo-terminal.

python board.py /tmp/ascii-gate        # a line for `port` in gate.toml, until Ctrl-C or SIGTERM
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import termios
import time
import tty
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ascii_gate import protocol

from gate_core.ports.drivers import BadFrameError, BarrierStatus, LeafPosition, Link

RELEASE_S = 3.0
AT_REST = BarrierStatus(
    LeafPosition.CLOSED, 0, 0, 0, 0, 0, fire=False, emergency_open=False, alarms=frozenset(), restarts=1
)


class Board:
    """State of a board that nobody walks through. Tests change `now`, and read what it `heard`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.now = AT_REST
        self.heard: list[tuple[str, ...]] = []  # what was ordered; of a grant its way, too
        self.refuses = False
        self._clock = clock
        self._closes_s = 0.0
        self._buffer = b""
        self._last = (0, True)  # the number of the last request, and whether it was carried out

    def look(self) -> BarrierStatus:
        """The status now: the leaf closes in time behind a grant or release that nobody used."""
        is_emergency = self.now.fire or self.now.emergency_open
        if not is_emergency and self.now.position is LeafPosition.OPEN and self._clock() >= self._closes_s:
            self._close()
        return self.now

    def fire(self, *, active: bool) -> None:
        """Set the fire input. An emergency stays until it is ended."""
        position = LeafPosition.OPEN if active else self.now.position
        is_open = active or self.now.emergency_open
        self.now = replace(self.now, fire=active, emergency_open=is_open, position=position)

    def pass_through(self) -> None:
        """Somebody uses the grant; the leaf closes behind them."""
        self.now = replace(
            self.now,
            count_entry=self.now.count_entry + self.now.grants_left_entry,
            count_exit=self.now.count_exit + self.now.grants_left_exit,
        )
        self._close()

    async def status(self) -> BarrierStatus:
        """What replies tell."""
        return self.look()

    async def carry_out(self, words: list[str]) -> bool:
        """Obey a request; False refuses it."""
        now = self.look()
        is_emergency = now.fire or now.emergency_open
        match words:
            case ["?"]:
                return True
            case ["G", ("E" | "X") as way, ttl_ms] if not (
                is_emergency or now.grants_left_entry or now.grants_left_exit
            ):
                self._closes_s = self._clock() + int(ttl_ms) / 1000
                left = {"grants_left_entry": int(way == "E"), "grants_left_exit": int(way == "X")}
                self.now = replace(now, position=LeafPosition.OPEN, **left)
            case ["C"] if not is_emergency:
                self._close()
            case ["R"]:
                self._closes_s = self._clock() + RELEASE_S
                self.now = replace(now, position=LeafPosition.OPEN)
            case ["A", letters]:
                self.now = replace(now, alarms=now.alarms - {protocol.ALARMS.get(letter) for letter in letters})
            case ["N"] if not now.fire:
                self.now = replace(now, emergency_open=False)
                self._close()
            case _:
                return False
        return True

    async def hear(self, received: bytes) -> bytes:
        """Answer every whole request that has arrived; noise is dropped."""
        self._buffer += received
        answers, used = b"", 1
        while self._buffer and used:
            try:
                words, used = protocol.take(self._buffer, "#")
            except BadFrameError:
                words, used = None, self._buffer.find(b"\r") + 1 or len(self._buffer)
            self._buffer = self._buffer[used:]
            if words is not None:
                answers += await self._answer(int(words[1]), words[2:])
        return answers

    async def _answer(self, number: int, words: list[str]) -> bytes:
        if number == 0 or number != self._last[0]:
            self.heard.append(tuple(words[:2] if words[0] == "G" else words[:1]))
            refused = self.refuses and words != ["?"]
            self._last = (number, not refused and await self.carry_out(words))
        return protocol.reply(protocol.Reply(number, self._last[1], await self.status()))

    def _close(self) -> None:
        self.now = replace(self.now, position=LeafPosition.CLOSED, grants_left_entry=0, grants_left_exit=0)


async def serve(board: Board, link: Link) -> None:
    """Have the board answer on a line until it goes. Raises LinkLostError."""
    while True:
        if answer := await board.hear(await link.read(256)):
            await link.write(answer)


class Terminal:
    """The board's end of a pseudo-terminal, and a link to `path` at its other end. Fills `Link`."""

    def __init__(self, path: Path) -> None:
        self._fd, slave = os.openpty()
        tty.setraw(slave, termios.TCSANOW)
        self._slave = slave  # held open: the line stays when a driver hangs up
        if path.is_symlink():
            path.unlink()  # of a board that was killed
        path.symlink_to(os.ttyname(slave))
        self._path = path

    async def read(self, bytes_max: int) -> bytes:
        """Wait for bytes."""
        ready = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().add_reader(self._fd, ready.set_result, None)
        try:
            await ready
        finally:
            asyncio.get_running_loop().remove_reader(self._fd)
        return os.read(self._fd, bytes_max)

    async def write(self, payload: bytes) -> None:
        """Hand over all bytes: a line has room for a reply."""
        os.write(self._fd, payload)

    def discard(self) -> bytes:
        """Nothing is kept here."""
        return b""

    def close(self) -> None:
        """Take the line away."""
        self._path.unlink(missing_ok=True)
        os.close(self._fd)
        os.close(self._slave)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    line = Terminal(Path(sys.argv[1]))
    try:
        asyncio.run(serve(Board(), line))
    finally:
        line.close()
