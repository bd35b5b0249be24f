"""The bytes of a DS205A swing-gate board, as docs/protocols/barrier-ds205a.md has them.

Request: `7E 00 number command d0 d1 d2 check`, answer: 18 bytes from `7F`; the check makes all bytes add up to FF. `left` is entry here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardware_sim.barrier.beams import Way
from hardware_sim.barrier.swing import SwingAlarm

if TYPE_CHECKING:
    from hardware_sim.barrier.swing import SwingBoard

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


class Ds205a:
    """Fills `hardware_sim.barrier.frames.Codec`."""

    request_bytes = 8

    def obey(self, frame: bytes, board: SwingBoard, number: int, *, refuses: bool) -> bool:
        """Carry out a request; False when it is none, or not for this number."""
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
        """The eighteen bytes."""
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
