"""A barrier controller that counts, written from docs/protocols/barrier-modbus.md alone.

It shares no code with the driver. It takes every grant that arrives as one more passage, as additive boards do, so that a
grant sent twice is seen even where the real map would hide it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from drivers.links import Link
from gate_core.errors import LinkLostError

UNIT = 1
CLOSED, OPEN = 1, 3


def checksum(data: bytes) -> bytes:
    remainder = 0xFFFF
    for byte in data:
        remainder ^= byte
        for _ in range(8):
            low = remainder & 1
            remainder >>= 1
            if low:
                remainder ^= 0xA001
    return bytes((remainder % 256, remainder // 256))


def framed(body: bytes) -> bytes:
    return body + checksum(body)


@dataclass
class CountingController:
    """State of the board, and everything that it was told."""

    identity: int = 0x504C
    map_version: int = 1
    position: int = CLOSED
    bodies: int = 0
    entries: int = 0
    exits: int = 0
    alarms: int = 0
    fire: bool = False
    emergency: bool = False
    granted_entry: int = 0
    granted_exit: int = 0
    restarts: int = 1
    watchdog_ms: int = 1000
    keeps_watchdog_at: int | None = None
    keeps_grants: bool = False
    spare_registers: bool = True
    refuse_with: int | None = None
    deaf: bool = False
    mute_after_writes: int | None = None  # so many writes are obeyed and then answered by silence
    grants_made: int = 0
    grants_made_exit: int = 0
    lamp: int = 0
    releases: int = 0
    cleared: int = 0
    writes: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)

    def input_registers(self) -> list[int]:
        passages = [self.entries >> 16, self.entries & 0xFFFF, self.exits >> 16, self.exits & 0xFFFF]
        return [
            self.identity,
            self.map_version,
            self.position,
            0,
            self.bodies,
            *passages,
            self.alarms,
            int(self.fire),
            int(self.emergency),
            self.granted_entry,
            self.granted_exit,
            0,
            self.restarts,
            self.watchdog_ms,
        ]

    def power_up(self) -> None:
        self.restarts += 1
        self.entries = self.exits = self.granted_entry = self.granted_exit = 0

    def pass_through(self) -> None:
        """The granted traveller goes in."""
        assert self.granted_entry
        self.granted_entry = 0
        self.entries += 1

    def take(self, buffer: bytearray) -> bytes:
        """Answer the first whole request in the buffer; noise before it is dropped."""
        for at in range(len(buffer)):
            length = self._request_length(buffer[at:])
            frame = bytes(buffer[at : at + length])
            if length and len(frame) == length and framed(frame[:-2]) == frame and frame[0] == UNIT:
                del buffer[: at + length]
                return self._answer(frame)
        return b""

    @staticmethod
    def _request_length(data: bytearray) -> int:
        if len(data) < 2 or data[1] not in (3, 4, 16):
            return 0
        if data[1] != 16:
            return 8
        return 9 + data[6] if len(data) > 6 else 0

    def _answer(self, frame: bytes) -> bytes:
        self.requests.append(frame)
        if self.deaf:
            return b""
        if self.refuse_with is not None:
            return framed(bytes((UNIT, frame[1] | 0x80, self.refuse_with)))
        address, count = int.from_bytes(frame[2:4], "big"), int.from_bytes(frame[4:6], "big")
        if frame[1] != 16:
            registers = self.input_registers() if frame[1] == 4 else [0, 0, 0, self.watchdog_ms]
            body = b"".join(value.to_bytes(2, "big") for value in registers[address : address + count])
            return framed(bytes((UNIT, frame[1], len(body))) + body)
        values = tuple(int.from_bytes(frame[7 + 2 * i : 9 + 2 * i], "big") for i in range(count))
        refusal = self._write(address, values)
        if refusal:
            return framed(bytes((UNIT, 0x90, refusal)))
        if self.mute_after_writes is not None:
            self.mute_after_writes -= 1
            if self.mute_after_writes < 0:
                return b""
        return framed(frame[:6])

    def _write(self, address: int, values: tuple[int, ...]) -> int:
        self.writes.append((address, values))
        if address == 7 and self.fire:
            return 4
        for register, value in enumerate(values, address):
            match register:
                case 1 if not (self.keeps_grants and value == 0):
                    self.grants_made += value
                    self.granted_entry = value
                case 2 if not (self.keeps_grants and value == 0):
                    self.grants_made_exit += value
                    self.granted_exit = value
                case 3:
                    self.watchdog_ms = value if self.keeps_watchdog_at is None else self.keeps_watchdog_at
                case 4:
                    self.lamp = value
                case 5:
                    self.releases += value == 0x5245
                case 6:
                    self.cleared = value
                case 7:
                    self.emergency = False
                case _:
                    pass
        return 0

    async def serve(self, link: Link) -> None:
        """Answer on a link until it is lost."""
        buffer = bytearray()
        try:
            while True:
                buffer += await link.read(256)
                del buffer[:-512]
                while buffer:
                    before = len(buffer)
                    answer = self.take(buffer)
                    if answer:
                        await link.write(answer)
                    if len(buffer) == before:
                        break
        except LinkLostError:
            await asyncio.sleep(0)
