"""The bytes of a Gunnebo Italdis board, as docs/protocols/barrier-italdis.md has them: every byte says by its upper bits what it is.

To the board: `001n nnnn` start, `0110 cccc` set or `0111 cccc` request, `1001 rrrr` register, `1000 dddd` datum, `1010 hhhh 1011 llll` check,
`1100 0000` end. From it: `010n nnnn` start, data, check, `111y yyyy` end. Registers and what they hold are made up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardware_sim.barrier.beams import Way
from hardware_sim.barrier.swing import SwingAlarm

if TYPE_CHECKING:
    from hardware_sim.barrier.swing import SwingBoard

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


class Italdis:
    """Fills `hardware_sim.barrier.frames.Codec`."""

    request_bytes = 7

    def obey(self, frame: bytes, board: SwingBoard, number: int, *, refuses: bool) -> bool:
        """Carry out a message; False when it is none, or not for this number."""
        start, kind, register, datum, *_, end = frame
        if start != START_IN | number or end != END_IN or frame[4:6] != _check(frame[:4]):
            return False
        if register & 0xF0 != REGISTER or datum & 0xF0 != DATUM or kind not in {SET, REQUEST}:
            return False
        if kind == SET and not refuses:
            _set(board, register & 0x0F, datum & 0x0F)
        return True

    def status(self, board: SwingBoard, number: int, *, refuses: bool) -> bytes:
        """Sixteen bytes: leaf, beams, alarms, both counters, check, and the end with the board's own bits."""
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
