"""Boards of short frames that count, written from docs/protocols/barrier-ds205a.md and barrier-italdis.md alone.

They share no code with the driver. Every opening that arrives adds one more passage, so that a grant sent twice is seen.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from drivers.barrier.framed.driver import FramedBarrier
from drivers.barrier.framed.profile import FramedProfile
from drivers.barrier.profiles import load_profile
from drivers.links import Link
from gate_contract.virtual_time import run_virtual
from gate_core.errors import LinkLostError
from gate_core.ports.memory_link import memory_pair

UNIT = 1
BAUD = 9600
CLOSED, OPENING, OPEN, CLOSING, STOPPED = 1, 2, 3, 4, 5
FIRE, EMERGENCY, FORCED, OBSTRUCTED = 1, 2, 4, 8
Kind = Literal["ds205a", "italdis"]
KINDS: tuple[Kind, ...] = ("ds205a", "italdis")


@dataclass
class CountingBoard:
    """State of a board, and everything that it was told: `status`, `left`, `right`, `close`, `end`, `clear`."""

    kind: Kind = "ds205a"
    unit: int = UNIT
    position: int = CLOSED
    beams: int = 0
    left: int = 0
    right: int = 0
    alarm: int = 0
    local: bool = False
    fire: bool = False
    emergency: bool = False
    powered_up: bool = False
    granted_left: int = 0
    granted_right: int = 0
    moves: bool = True  # the leaf opens at once when it is told to
    refuses: bool = False
    deaf: bool = False
    mute_after: int | None = None  # so many openings are obeyed and then answered by silence
    grants_made: int = 0
    grants_made_right: int = 0
    told: list[str] = field(default_factory=list)

    def pass_through(self) -> None:
        """The traveller who was granted it goes to the left, and the leaf closes behind them."""
        assert self.granted_left
        self.granted_left -= 1
        self.left += 1
        self.position = CLOSED

    def power_up(self) -> None:
        self.left = self.right = self.granted_left = self.granted_right = 0
        self.position, self.powered_up = CLOSED, True

    # ── bytes ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def take(self, buffer: bytearray) -> bytes:
        """Answer every whole request in the buffer; noise before it is dropped."""
        answers, length = b"", 8 if self.kind == "ds205a" else 7
        while len(buffer) >= length:
            order = self._order(bytes(buffer[:length]))
            del buffer[: length if order else 1]
            if order:
                answers += self._answer(order)
        return answers

    def _order(self, frame: bytes) -> str | None:
        if self.kind == "ds205a":
            if frame[:3] != bytes((0x7E, 0, self.unit)) or sum(frame) % 256 != 255:
                return None
            return {0x10: "status", 0x80: "left", 0x82: "right", 0x84: "close"}.get(frame[3])
        total = sum(frame[:4]) % 256
        if frame[0] != 0x20 + self.unit or frame[4:] != bytes((0xA0 + total // 16, 0xB0 + total % 16, 0xC0)):
            return None
        if frame[1:3] == b"\x70\x90":
            return "status"
        if frame[1] != 0x61:
            return None
        return {0x91: "left", 0x92: "right", 0x93: "close", 0x94: "end", 0x95: "clear"}.get(frame[2])

    def _answer(self, order: str) -> bytes:
        self.told.append(order)
        if self.deaf:
            return b""
        if not self.refuses:
            self._obey(order)
        if order in {"left", "right"} and self.mute_after is not None:
            self.mute_after -= 1
            if self.mute_after < 0:
                return b""
        return self.status()

    def _obey(self, order: str) -> None:
        if order != "status":
            self.powered_up = False
        match order:
            case "left":
                self.grants_made += 1
                self.granted_left += 1
            case "right":
                self.grants_made_right += 1
                self.granted_right += 1
            case "close" | "end":
                self.granted_left = self.granted_right = 0
                self.position, self.emergency = CLOSED, False
            case "clear":
                self.alarm = 0
            case _:
                pass
        if order in {"left", "right"} and self.moves:
            self.position = OPEN

    def status(self) -> bytes:
        alarm = self.alarm | (FIRE if self.fire else 0) | (EMERGENCY if self.emergency else 0)
        if self.kind == "ds205a":
            counts = self.left.to_bytes(3, "big") + self.right.to_bytes(3, "big")
            executed = 0x33 if self.refuses else 0x55
            body = (
                bytes((0x7F, 1, self.unit, 0, self.position, alarm)) + counts + bytes((self.beams, executed, 24, 0, 0))
            )
            return body + bytes((255 - sum(body) % 256,))
        nibbles = f"{self.position:x}{self.beams:x}{alarm:02x}{self.left:04x}{self.right:04x}"
        body = bytes((0x40 + self.unit, *(0x80 + int(nibble, 16) for nibble in nibbles)))
        end = 0xE0 + 2 * self.refuses + 4 * self.powered_up + 8 * self.local
        return body + bytes((0xA0 + sum(body) % 256 // 16, 0xB0 + sum(body) % 16, end))

    async def serve(self, link: Link) -> None:
        """Answer on a link until it is lost."""
        buffer = bytearray()
        try:
            while True:
                buffer += await link.read(256)
                del buffer[:-512]
                if answer := self.take(buffer):
                    await link.write(answer)
        except LinkLostError:
            await asyncio.sleep(0)


def profile(kind: Kind) -> FramedProfile:
    found = load_profile(kind)
    assert isinstance(found, FramedProfile)
    return found


class FramedBench:
    """The real driver, a line in memory, and a counting board at its far end."""

    def __init__(self, board: CountingBoard, tasks: asyncio.TaskGroup, *, entry_is_left: bool = True) -> None:
        self.board = board
        self.plugged = True
        self.host_line: Callable[[Link], Link] = lambda link: link
        self.board_line: Callable[[Link], Link] = lambda link: link
        self._tasks = tasks
        self._near: Link | None = None
        self.far: Link | None = None
        self.barrier = FramedBarrier(
            open_link=self.open_link, profile=profile(board.kind), baud=BAUD, unit=UNIT, entry_is_left=entry_is_left
        )

    async def open_link(self) -> Link:
        """The host's end of a new line, with the board at the other one. Raises LinkLostError while it is unplugged."""
        if not self.plugged:
            raise LinkLostError("no such port")
        self._near, far = memory_pair()
        self.far = self.board_line(far)
        self._tasks.create_task(self.board.serve(self.far))
        return self.host_line(self._near)

    def unplug(self) -> None:
        """Pull the cable; nothing opens until it is put back."""
        self.plugged = False
        if self._near is not None:
            self._near.close()


@contextlib.asynccontextmanager
async def framed_bench(board: CountingBoard | None = None, *, entry_is_left: bool = True) -> AsyncIterator[FramedBench]:
    """A bench that is cleared at the end."""
    async with asyncio.TaskGroup() as tasks:
        made = FramedBench(board or CountingBoard(), tasks, entry_is_left=entry_is_left)
        try:
            yield made
        finally:
            made.barrier.close()
            made.unplug()


def on_framed_bench(
    story: Callable[[FramedBench], Awaitable[None]], board: CountingBoard | None = None, *, entry_is_left: bool = True
) -> None:
    """Tell a story to a connected driver, in virtual time."""

    async def run() -> None:
        async with framed_bench(board, entry_is_left=entry_is_left) as made:
            await made.barrier.connect()
            await story(made)

    run_virtual(run())
