"""A swipe reader of the Elyctis command set in memory, written from docs/protocols/readers.md alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from drivers.links import Link
from gate_core.errors import LinkLostError

PAGE = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")


def frame(letter: bytes, data: bytes = b"") -> bytes:
    return letter + bytes(divmod(len(data), 256)) + data


@dataclass
class SwipeUnit:
    """Answers inquiries and hands out a page when armed."""

    armed: bool = False
    arms: int = 0
    mute: bool = False
    before_answers: bytes = b""
    asked: list[bytes] = field(default_factory=list)
    link: Link | None = None

    async def put_down(self, lines: tuple[str, ...] = PAGE, *, end: str = "\r") -> None:
        """A document is put on the reader."""
        assert self.link is not None
        if self.armed:
            self.armed = False
            await self.link.write(frame(b"I", end.join(lines).encode() + end.encode() * bool(lines)))

    async def serve(self, link: Link) -> None:
        self.link = link
        try:
            while True:
                command = await link.read(64)
                while command:
                    length = 3 + command[2]
                    await self._obey(command[:length], link)
                    command = command[length:]
        except LinkLostError:
            self.armed = False

    async def _obey(self, command: bytes, link: Link) -> None:
        self.asked.append(command[:1])
        if self.mute:
            return
        match command[:1]:
            case b"V":
                await link.write(self.before_answers + frame(b"V", b"SCANNER 1.7"))
            case b"R":
                await link.write(frame(b"R", b"0042"))
            case b"C":
                self.armed = command[3:] == b"\x01"
                self.arms += self.armed
                await link.write(command)
            case _:
                pass
