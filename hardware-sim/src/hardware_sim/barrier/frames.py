"""The board's side of short RS-485 frames: a request in, one answer out, on a half-duplex line. No I/O.

A codec has one board's bytes, this module the line: the board receives nothing while it sends, answers after a
turnaround time, and ignores frames for other boards. Faults are set by name at run time.
"""

from __future__ import annotations

import enum
import random
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hardware_sim.barrier.beams import Way
from hardware_sim.barrier.swing import SwingAlarm

if TYPE_CHECKING:
    from hardware_sim.barrier.swing import SwingBoard


TURNAROUND_MS = 2.0
LATE_MS = 150.0  # delay of an answer with the fault LATE
SLOW_MS = 300.0  # delay of the leaf's movement with the fault SLOW
BUFFER_BYTES_MAX = 256
BITS_PER_BYTE = 10
VERSION = 0x12
VOLTS = 24
DONE, NOT_DONE = 0x55, 0x00
STATUS, OPEN_LEFT, OPEN_RIGHT, CLOSE = 0x10, 0x80, 0x82, 0x84
_ALARM_BITS = {
    SwingAlarm.FORCED: 0x04,
    SwingAlarm.OBSTRUCTED: 0x08,
    SwingAlarm.OPEN_TOO_LONG: 0x10,
    SwingAlarm.PASSAGE_WITHOUT_GRANT: 0x20,
}
LEASE_MS = 7_000
START_IN, START_OUT, SET, REQUEST, DATUM, REGISTER = 0x20, 0x40, 0x61, 0x70, 0x80, 0x90
CHECK_UPPER, CHECK_LOWER, END_IN, END_OUT = 0xA0, 0xB0, 0xC0, 0xE0
NOT_TAKEN, POWERED_UP, LOCAL = 0x02, 0x04, 0x08
_ALARM_BITS = {
    SwingAlarm.FORCED: 0x04,
    SwingAlarm.OBSTRUCTED: 0x08,
    SwingAlarm.OPEN_TOO_LONG: 0x10,
    SwingAlarm.PASSAGE_WITHOUT_GRANT: 0x20,
}
_MOTOR_FAULT = 0x40


class FrameFault(enum.Enum):
    """A fault of a board, from the next request on."""

    SILENT = "silent"  # it obeys and does not answer
    DEAF = "deaf"  # it receives nothing
    LATE = "late"  # its answers arrive after the host's deadline
    GARBLED = "garbled"  # a byte of each answer is wrong
    REFUSES = "refuses"  # it carries out no order and reports this
    STRANGER = "stranger"  # a board of another number also answers
    CLASH = "clash"  # a second board of the same number also answers
    ECHO = "echo"  # the adapter receives what it sends
    SLOW = "slow"  # the leaf begins to move late


class Codec(Protocol):
    """The messages of one board."""

    request_bytes: int

    def obey(self, frame: bytes, board: SwingBoard, number: int, *, refuses: bool) -> bool:
        """Carry out a request; return False when it is not one, or not for this number."""

    def status(self, board: SwingBoard, number: int, *, refuses: bool) -> bytes:
        """Return the board's status report."""


@dataclass(frozen=True, slots=True)
class _Answer:
    due_ms: float
    wire: bytes


class FramedSlave:
    """One board on its line. Replaces a Modbus slave in `hardware_sim.barrier.device.Barrier`."""

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
        """Add a fault from now on; None clears all faults."""
        self._faults = self._faults | {fault} if fault is not None else set()
        self._board.reacts_ms = SLOW_MS if FrameFault.SLOW in self._faults else 0.0

    def receive(self, received: bytes, now_ms: float) -> bytes:
        """Receive bytes; return the bytes that have been sent by now."""
        echo = received if FrameFault.ECHO in self._faults else b""
        if FrameFault.DEAF not in self._faults and now_ms >= self._speaks_until_ms:
            self._buffer += received
            self._hear(now_ms)
            del self._buffer[:-BUFFER_BYTES_MAX]
        return echo + self.quiet(now_ms)

    def quiet(self, now_ms: float) -> bytes:
        """Return the answers that are due."""
        said = b""
        while self._answers and self._answers[0].due_ms <= now_ms:
            said += self._answers.popleft().wire
        return said

    def _hear(self, now_ms: float) -> None:
        """Search for requests, byte by byte."""
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


class Ds205a:
    """The messages of a DS205A swing-gate board, as in docs/protocols/barrier-ds205a.md. Implements `Codec`.

    Request: `7E 00 number command d0 d1 d2 check`, answer: 18 bytes from `7F`; the check makes all bytes add up to FF. `left` is entry here.
    """

    request_bytes = 8

    def obey(self, frame: bytes, board: SwingBoard, number: int, *, refuses: bool) -> bool:
        """Carry out a request; return False when it is not one, or not for this number."""
        if frame[:3] != bytes([0x7E, 0x00, number]) or sum(frame) & 0xFF != 0xFF:
            return False
        command, openings = frame[3], frame[4]
        if refuses:
            return True
        if command in {OPEN_LEFT, OPEN_RIGHT}:
            for _ in range(openings):
                board.open_for(Way.ENTRY if command == OPEN_LEFT else Way.EXIT)
        elif command == CLOSE:
            board.close()
        return True

    def status(self, board: SwingBoard, number: int, *, refuses: bool) -> bytes:
        """Return the status message, 18 bytes."""
        alarm = int(board.fire) | int(board.emergency) << 1
        alarm |= sum(bit for named, bit in _ALARM_BITS.items() if board.shows(named))
        body = bytes(
            [
                *(0x7F, VERSION, number, int(board.motor_fault), int(board.leaf.state), alarm),
                *(board.passages[Way.ENTRY] & 0xFFFFFF).to_bytes(3, "big"),
                *(board.passages[Way.EXIT] & 0xFFFFFF).to_bytes(3, "big"),
                sum(1 << bit for bit, broken in enumerate(board.broken) if broken),
                NOT_DONE if refuses else DONE,
                *(VOLTS, 0x00, 0x00),
            ]
        )
        return body + bytes([0xFF - (sum(body) & 0xFF)])


class Italdis:
    """The messages of a Gunnebo Italdis board (docs/protocols/barrier-italdis.md): a byte's upper bits give its kind. Fills `Codec`.

    To the board: `001n nnnn` start, `0110 cccc` set or `0111 cccc` request, `1001 rrrr` register, `1000 dddd` datum,
    `1010 hhhh 1011 llll` check, `1100 0000` end. From it: `010n nnnn` start, data, check, `111y yyyy` end. Content is invented.
    """

    request_bytes = 7

    def obey(self, frame: bytes, board: SwingBoard, number: int, *, refuses: bool) -> bool:
        """Carry out a message; return False when it is not one, or not for this number."""
        start, kind, register, datum, *_, end = frame
        if start != START_IN | number or end != END_IN or frame[4:6] != _check(frame[:4]):
            return False
        if register & 0xF0 != REGISTER or datum & 0xF0 != DATUM or kind not in {SET, REQUEST}:
            return False
        if kind == SET and not refuses:
            _set(board, register & 0x0F, datum & 0x0F)
        return True

    def status(self, board: SwingBoard, number: int, *, refuses: bool) -> bytes:
        """Return the status message, 16 bytes: leaf, beams, alarms, both counters, check, end with the board's bits."""
        alarm = int(board.fire) | int(board.emergency) << 1 | (_MOTOR_FAULT if board.motor_fault else 0)
        alarm |= sum(bit for named, bit in _ALARM_BITS.items() if board.shows(named))
        beams = sum(1 << bit for bit, broken in enumerate(board.broken) if broken)
        left, right = (board.passages[way] & 0xFFFF for way in (Way.ENTRY, Way.EXIT))
        data = f"{int(board.leaf.state):x}{beams:x}{alarm:02x}{left:04x}{right:04x}"
        body = bytes([START_OUT | number, *(DATUM | int(digit, 16) for digit in data)])
        end = END_OUT | (NOT_TAKEN if refuses else 0) | (POWERED_UP if board.powered_up else 0)
        return body + _check(body) + bytes([end | (LOCAL if board.local else 0)])


def _set(board: SwingBoard, register: int, datum: int) -> None:
    match register, datum:
        case 1, count:
            for _ in range(count):
                board.open_for(Way.ENTRY)
        case 2, count:
            for _ in range(count):
                board.open_for(Way.EXIT)
        case ((3 | 4), 0):
            board.close()
        case 5, 0:
            board.clear_alarms()
        case _:
            pass


def _check(body: bytes) -> bytes:
    total = sum(body) & 0xFF
    return bytes([CHECK_UPPER | total >> 4, CHECK_LOWER | total & 0x0F])
