"""The board's side of short RS-485 frames: requests in, one answer each out, on a line that carries one direction at a time. No I/O.

A codec knows one board's bytes; this knows the wire: the board is deaf while it speaks, answers after a turnaround, and says nothing
to what is not for it. Faults are switched on by name while it runs.
"""

from __future__ import annotations

import enum
import random
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hardware_sim.barrier.swing import SwingBoard

TURNAROUND_MS = 2.0
LATE_MS = 150.0  # of an answer that comes too late
SLOW_MS = 300.0  # of a leaf that begins to move late
BUFFER_BYTES_MAX = 256
BITS_PER_BYTE = 10


class FrameFault(enum.Enum):
    """What a board can be made to do wrong, from the next request on."""

    SILENT = "silent"  # it obeys and answers nothing
    DEAF = "deaf"  # it hears nothing
    LATE = "late"  # its answers come when nobody waits any more
    GARBLED = "garbled"  # a byte of each answer is wrong
    REFUSES = "refuses"  # it carries out nothing and says so
    STRANGER = "stranger"  # a board of another number answers, too
    CLASH = "clash"  # a second board of the same number answers, too
    ECHO = "echo"  # the adapter hears what it sends
    SLOW = "slow"  # the leaf begins to move late


class Codec(Protocol):
    """One board's bytes."""

    request_bytes: int

    def obey(self, frame: bytes, board: SwingBoard, number: int, *, refuses: bool) -> bool:
        """Carry out a request; False when it is none, or not for this number."""

    def status(self, board: SwingBoard, number: int, *, refuses: bool) -> bytes:
        """What the board says of itself."""


@dataclass(frozen=True, slots=True)
class _Answer:
    due_ms: float
    wire: bytes


class FramedSlave:
    """One board on its line. Takes the place of a Modbus slave in `hardware_sim.barrier.device.Barrier`."""

    def __init__(self, board: SwingBoard, codec: Codec, *, number: int, baud: int, seed: int = 0) -> None:
        self.answered = 0  # requests that were answered
        self._board = board
        self._codec = codec
        self._number = number
        self._byte_ms = 1000 * BITS_PER_BYTE / baud
        self._chance = random.Random(seed)
        self._faults: set[FrameFault] = set()
        self._buffer = bytearray()
        self._answers: deque[_Answer] = deque()
        self._speaks_until_ms = 0.0

    def break_with(self, fault: FrameFault | None) -> None:
        """Do this wrong, too, from now on; None mends everything."""
        self._faults = self._faults | {fault} if fault is not None else set()
        self._board.reacts_ms = SLOW_MS if FrameFault.SLOW in self._faults else 0.0

    def receive(self, received: bytes, now_ms: float) -> bytes:
        """Take bytes; return what is on the wire back by now."""
        echo = received if FrameFault.ECHO in self._faults else b""
        if FrameFault.DEAF not in self._faults and now_ms >= self._speaks_until_ms:
            self._buffer += received
            self._hear(now_ms)
            del self._buffer[:-BUFFER_BYTES_MAX]
        return echo + self.quiet(now_ms)

    def quiet(self, now_ms: float) -> bytes:
        """The answers that are due."""
        said = b""
        while self._answers and self._answers[0].due_ms <= now_ms:
            said += self._answers.popleft().wire
        return said

    def _hear(self, now_ms: float) -> None:
        """Look for requests byte by byte."""
        length = self._codec.request_bytes
        while len(self._buffer) >= length:
            refuses = FrameFault.REFUSES in self._faults
            if not self._codec.obey(bytes(self._buffer[:length]), self._board, self._number, refuses=refuses):
                del self._buffer[0]
                continue
            del self._buffer[:length]
            self.answered += 1
            self._answer(now_ms, refuses=refuses)

    def _answer(self, now_ms: float, *, refuses: bool) -> None:
        if FrameFault.SILENT in self._faults:
            return
        wire = bytearray(self._codec.status(self._board, self._number, refuses=refuses))
        if FrameFault.GARBLED in self._faults:
            wire[self._chance.randrange(len(wire))] ^= 1 << self._chance.randrange(8)
        for fault, number in ((FrameFault.STRANGER, self._number + 1), (FrameFault.CLASH, self._number)):
            if fault in self._faults:
                wire += self._codec.status(self._board, number, refuses=refuses)
        late_ms = LATE_MS if FrameFault.LATE in self._faults else 0.0
        due_ms = now_ms + TURNAROUND_MS + late_ms
        self._answers.append(_Answer(due_ms, bytes(wire)))
        if not late_ms:
            self._speaks_until_ms = due_ms + len(wire) * self._byte_ms
