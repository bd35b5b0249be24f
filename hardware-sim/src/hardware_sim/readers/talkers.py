"""Readers that only talk: one message for each document, and deaf to the host.

`rte_native`: 3M RTE6701 (integration manual VC27U, pages 25 and 26), the bottom line always being line 3, lines padded with `_`.
`stx_plain`: lines between STX and ETX. `cr100_text`: the 3M CR100's text mode, START to END.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardware_sim.readers.device import ON_ANY_LINE, Fault, ReaderDevice

if TYPE_CHECKING:
    from collections.abc import Callable

SOH, STX, ETX, CR = b"\x01", b"\x02", b"\x03", b"\r"
CHARACTERS_OF_THREE, CHARACTERS_OF_TWO = 30, 44  # a third line means a card, otherwise it is a passport or visa


def rte_native(lines: tuple[str, ...]) -> bytes:
    """One RTE native message. The length counts the text from the flag on; the check is the exclusive or behind SOH."""
    width = CHARACTERS_OF_THREE if len(lines) == 3 else CHARACTERS_OF_TWO
    three = ("",) * (3 - len(lines)) + lines
    optical = b"".join((line[:width].ljust(width, "_") if line else "").encode("ascii") + CR for line in three)
    text = b"0" + optical
    block = len(text).to_bytes(2, "little") + b"OU" + STX + text + ETX
    check = 0
    for byte in block:
        check ^= byte
    return SOH + block + bytes([check])


def stx_plain(lines: tuple[str, ...]) -> bytes:
    """Lines with CR behind each, between STX and ETX."""
    return STX + b"".join(line.encode("ascii") + CR for line in lines) + ETX


def cr100_text(lines: tuple[str, ...]) -> bytes:
    """The text message, with a magnetic stripe that the document does not have."""
    three = (*lines, "", "")[:3]
    message = ["START", *(f"OCR LINE {number}: {line}".rstrip() for number, line in enumerate(three, 1))]
    message += [f"MSR LINE {number}:" for number in (1, 2, 3)]
    return ("\r\n".join([*message, "END"]) + "\r\n").encode("ascii")


class TalkingReader(ReaderDevice):
    """One reader with an encoder of its own."""

    def __init__(self, encode: Callable[[tuple[str, ...]], bytes], seed: int = 0, *, has_check: bool = False) -> None:
        super().__init__(seed)
        self._encode = encode
        self.faults = ON_ANY_LINE | ({Fault.WRONG_CHECK} if has_check else set())

    def _hear(self, received: bytes, now_ms: float) -> bytes:
        del received, now_ms
        return b""

    def _pass_time(self, now_ms: float) -> bytes:
        if self._read_already or not self._readable(now_ms):
            return b""
        self._read_already = True
        reading = self._encode(self._lines)
        if self._fault is Fault.WRONG_CHECK:
            reading = reading[:-1] + bytes([reading[-1] ^ 0x5A])
        return self._spoil(reading)
