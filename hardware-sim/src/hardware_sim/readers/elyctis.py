"""An Elyctis ID BOX One as a device on a serial line: reads the MRZ of a document that is put into its slot.

Frames both ways are `command, length (two bytes, high first), data` (Scanner Command Set v1.7). `I` asks for the MRZ, `L` for a
one-line MRZ, `C` arms or disarms continuous reading, `V` `W` `R` `T` ask for versions, serial number and product. Continuous
reading disarms itself after each success, and a document that stays in the slot is not read twice until `C` is sent anew.

Presence detection is left out: the text at hand names the mode but not its bytes.
"""

from __future__ import annotations

from hardware_sim.readers.device import ReaderDevice

FRAME_HEAD_BYTES = 3
COMMAND_DATA_BYTES_MAX = 16  # no command carries more; a longer one is noise
GAP_MS = 200.0  # a command that is not complete by then is forgotten
ANSWERS = {b"V": b"IDBOX-SIM 1.7", b"W": b"OCR-SIM 1.0", b"R": b"SIM00000001", b"T": b"ID BOX One (simulated)"}
LINE_END = b"\r"


def frame(command: bytes, data: bytes = b"") -> bytes:
    """One frame."""
    return command + len(data).to_bytes(2, "big") + data


class ElyctisReader(ReaderDevice):
    """One reader of the command set."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._buffer = bytearray()
        self._last_byte_ms = 0.0
        self._continuous = False

    def _hear(self, received: bytes, now_ms: float) -> bytes:
        if now_ms - self._last_byte_ms > GAP_MS:
            self._buffer.clear()
        self._last_byte_ms = now_ms
        self._buffer += received
        answers = b""
        while (command := self._next_command()) is not None:
            answers += self._answer(*command, now_ms)
        return answers

    def _pass_time(self, now_ms: float) -> bytes:
        if not self._continuous or self._read_already or not self._readable(now_ms):
            return b""
        self._continuous, self._read_already = False, True
        return self._spoil(frame(b"I", self._mrz(now_ms)))

    def _next_command(self) -> tuple[bytes, bytes] | None:
        if len(self._buffer) < FRAME_HEAD_BYTES:
            return None
        length = int.from_bytes(self._buffer[1:3], "big")
        if length > COMMAND_DATA_BYTES_MAX:
            self._buffer.clear()
            return None
        if len(self._buffer) < FRAME_HEAD_BYTES + length:
            return None
        command, data = bytes(self._buffer[:1]), bytes(self._buffer[3 : 3 + length])
        del self._buffer[: FRAME_HEAD_BYTES + length]
        return command, data

    def _answer(self, command: bytes, data: bytes, now_ms: float) -> bytes:
        if command == b"I":
            return frame(b"I", self._mrz(now_ms))
        if command == b"L":
            lines = self._lines if self._readable(now_ms) and len(self._lines) == 1 else ()
            return frame(b"L", LINE_END.join(line.encode("ascii") for line in lines))
        if command in ANSWERS:
            return frame(command, ANSWERS[command])
        if command == b"C" and data in {b"\x00", b"\x01"}:
            return self._arm(on=data == b"\x01")
        return b""  # the real one says nothing to what it does not know

    def _arm(self, *, on: bool) -> bytes:
        if not on:
            self._read_already = False  # resetting the mode allows the same document again
        self._continuous = on
        return frame(b"C", bytes([on]))

    def _mrz(self, now_ms: float) -> bytes:
        if not self._readable(now_ms):
            return b""
        return LINE_END.join(line.encode("ascii") for line in self._lines)
