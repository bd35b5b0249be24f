"""Common part of all simulated document readers: a place for a document, the reading time, and faults on request.

A reader does no I/O. The cable (`hardware_sim.pty`) passes it bytes and the time, and sends what it returns.
The world inserts and removes documents from any thread.
"""

from __future__ import annotations

import random
import threading
from abc import ABC, abstractmethod
from enum import Enum

READING_MS = 150.0  # from when the document rests until its lines are known
TICK_MS = 20
GARBAGE_BYTES_MAX = 40


class Fault(Enum):
    """A fault of a reader, from the next reading on."""

    GARBAGE = "garbage"  # noise before each reading
    DROPPED_BYTE = "dropped_byte"  # one byte, or key, of each reading is lost
    TRUNCATED = "truncated"  # each reading stops half-way
    WRONG_CHECK = "wrong_check"  # the check byte is wrong
    SILENT = "silent"  # it sends nothing
    DOUBLE_READ = "double_read"  # each reading is sent twice
    WRONG_KEYMAP = "wrong_keymap"  # it types as a German keyboard


ON_ANY_LINE = frozenset({Fault.GARBAGE, Fault.DROPPED_BYTE, Fault.TRUNCATED, Fault.SILENT, Fault.DOUBLE_READ})


class ReaderDevice(ABC):
    """One reader. Implements `hardware_sim.pty.Device`."""

    tick_ms = TICK_MS
    faults = ON_ANY_LINE

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._chance = random.Random(seed)
        self._fault: Fault | None = None
        self._lines: tuple[str, ...] = ()
        self._arrived = False  # inserted, but not yet timed
        self._readable_at_ms: float | None = None
        self._read_already = False

    # ── the world ────────────────────────────────────────────────────────────────────────────────────────────────────

    def insert(self, lines: tuple[str, ...]) -> None:
        """Insert a document, in place of any other."""
        with self._lock:
            self._lines, self._arrived, self._readable_at_ms, self._read_already = lines, True, None, False

    def remove(self) -> None:
        """Remove the document."""
        with self._lock:
            self._lines, self._arrived, self._readable_at_ms = (), False, None

    def break_with(self, fault: Fault | None) -> None:
        """Set the fault from now on; None clears it. Raises ValueError for a fault that this reader cannot have."""
        if fault is not None and fault not in self.faults:
            raise ValueError(f"this reader has no fault {fault.value}")
        with self._lock:
            self._fault = fault

    # ── the line ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def receive(self, received: bytes, now_ms: float) -> bytes:
        """Receive bytes from the host; return the answer."""
        with self._lock:
            return self._unless_silent(self._hear(received, now_ms))

    def tick(self, now_ms: float) -> bytes:
        """Advance to `now_ms`; return what the reader sends unasked."""
        with self._lock:
            if self._arrived:
                self._arrived, self._readable_at_ms = False, now_ms + READING_MS
            return self._unless_silent(self._pass_time(now_ms))

    @abstractmethod
    def _hear(self, received: bytes, now_ms: float) -> bytes:
        """Return the answer to the host's bytes."""

    @abstractmethod
    def _pass_time(self, now_ms: float) -> bytes:
        """Return what the reader sends by now."""

    def _readable(self, now_ms: float) -> bool:
        return bool(self._lines) and self._readable_at_ms is not None and now_ms >= self._readable_at_ms

    def _spoil(self, reading: bytes) -> bytes:
        """Return the reading as the fault changes it."""
        match self._fault:
            case Fault.GARBAGE:
                return self._chance.randbytes(self._chance.randint(1, GARBAGE_BYTES_MAX)) + reading
            case Fault.DROPPED_BYTE:
                at = self._chance.randrange(len(reading))
                return reading[:at] + reading[at + 1 :]
            case Fault.TRUNCATED:
                return reading[: len(reading) // 2]
            case Fault.DOUBLE_READ:
                return reading + reading
            case _:
                return reading

    def _unless_silent(self, said: bytes) -> bytes:
        return b"" if self._fault is Fault.SILENT else said
