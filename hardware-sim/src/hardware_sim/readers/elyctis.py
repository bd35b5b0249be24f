"""An Elyctis ID BOX One as a device on a serial line: reads the MRZ of a document in its slot.

Frames both ways are `command, length (two bytes, high first), data` (Scanner Command Set v1.7). `I` asks for the MRZ,
`L` for a one-line MRZ, `C` turns continuous reading on or off, `V` `W` `R` `T` ask for versions, serial number, product.
A successful reading turns continuous reading off. A document that stays in the slot is read again after a new `C`.

Presence detection is missing: the available text names the mode but not its bytes.
"""

from __future__ import annotations

from hardware_sim.readers.device import ReaderDevice

FRAME_HEAD_BYTES = 3
COMMAND_DATA_BYTES_MAX = 16  # the most that a command carries; a longer one is noise
GAP_MS = 200.0  # an incomplete command is dropped after this time
ANSWERS = {b"V": b"IDBOX-SIM 1.7", b"W": b"OCR-SIM 1.0", b"R": b"SIM00000001", b"T": b"ID BOX One (simulated)"}
LINE_END = b"\r"


def frame(command: bytes, data: bytes = b"") -> bytes:
    """Return one frame."""
    return command + len(data).to_bytes(2, "big") + data


class ElyctisReader(ReaderDevice):
    """One reader with this command set."""

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
        return b""  # the real reader does not answer unknown commands

    def _arm(self, *, on: bool) -> bytes:
        if not on:
            self._read_already = False  # setting the mode again permits reading the same document again
        self._continuous = on
        return frame(b"C", bytes([on]))

    def _mrz(self, now_ms: float) -> bytes:
        if not self._readable(now_ms):
            return b""
        return LINE_END.join(line.encode("ascii") for line in self._lines)
