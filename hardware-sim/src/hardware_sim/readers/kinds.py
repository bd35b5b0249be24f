"""All kinds of simulated readers by name, with the line's speed and the driver's name in `gate.toml`."""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardware_sim.readers.device import ON_ANY_LINE, Fault, ReaderDevice
from hardware_sim.readers.elyctis import ElyctisReader
from hardware_sim.readers.imagers import HoneywellImager, ScanEngine

if TYPE_CHECKING:
    from collections.abc import Callable


KEY_INTERVAL_MS = 6.0
EVENT = struct.Struct("=QQHHi")
_ENTER, _LEFT_SHIFT, _COMMA, _LESS_102ND = 28, 42, 51, 86
_ROWS = ((2, "1234567890"), (16, "QWERTYUIOP"), (30, "ASDFGHJKL"), (44, "ZXCVBNM"))
_US = {character: start + at for start, row in _ROWS for at, character in enumerate(row)}
_GERMAN = {**_US, "Y": _US["Z"], "Z": _US["Y"]}
SOH, STX, ETX, CR = b"\x01", b"\x02", b"\x03", b"\r"
CHARACTERS_OF_THREE, CHARACTERS_OF_TWO = 30, 44  # three lines are a card, two a passport or a visa
USUAL = "elyctis"
PAGE_READER = "page"  # no serial reader, but a document camera, `hardware_sim.page`


def event(at_ms: float, kind: int, code: int, value: int) -> bytes:
    """Return one `struct input_event` in native byte order."""
    microseconds = int(at_ms * 1000)
    return EVENT.pack(microseconds // 1_000_000, microseconds % 1_000_000, kind, code, value)


def stroke(at_ms: float, character: str, *, german: bool = False) -> bytes:
    """Return the events of one character: Shift where needed, the key down and up."""
    if character == "\n":
        key, shift = _ENTER, False
    elif character == "<":
        key, shift = (_LESS_102ND, False) if german else (_COMMA, True)
    else:
        key, shift = (_GERMAN if german else _US)[character], character.isalpha()
    changes = [(_LEFT_SHIFT, 1)] if shift else []
    changes += [(key, 1), (key, 0)]
    changes += [(_LEFT_SHIFT, 0)] if shift else []
    return b"".join(event(at_ms, 1, code, value) + event(at_ms, 0, 0, 0) for code, value in changes)


class KeyboardReader(ReaderDevice):
    """A keyboard wedge, as bytes of the Linux kernel: one `struct input_event` of 24 bytes for each change.

    It types each line and Enter. On a US keyboard `<` is Shift and comma; on a German one it is the key beside the left
    Shift, and Y and Z are exchanged. A pseudo-terminal has no keyboard, so this device replaces /dev/input.
    """

    faults = frozenset({Fault.DROPPED_BYTE, Fault.TRUNCATED, Fault.SILENT, Fault.DOUBLE_READ, Fault.WRONG_KEYMAP})

    def __init__(self, seed: int = 0, *, interval_ms: float = KEY_INTERVAL_MS) -> None:
        super().__init__(seed)
        self._interval_ms = interval_ms
        self._strokes: deque[tuple[float, bytes]] = deque()

    def _hear(self, received: bytes, now_ms: float) -> bytes:
        del received, now_ms
        return b""

    def _pass_time(self, now_ms: float) -> bytes:
        if not self._read_already and self._readable(now_ms):
            self._read_already = True
            self._type(now_ms)
        said = b""
        while self._strokes and self._strokes[0][0] <= now_ms:
            said += self._strokes.popleft()[1]
        return said

    def _type(self, now_ms: float) -> None:
        typed = self._spoil("".join(line + "\n" for line in self._lines).encode("ascii")).decode("ascii")
        for number, character in enumerate(typed):
            at_ms = now_ms + number * self._interval_ms
            self._strokes.append((at_ms, stroke(at_ms, character, german=self._fault is Fault.WRONG_KEYMAP)))


def rte_native(lines: tuple[str, ...]) -> bytes:
    """Return a native message of a 3M RTE6701 (integration manual VC27U, pages 25 and 26), bottom line last."""
    width = CHARACTERS_OF_THREE if len(lines) == 3 else CHARACTERS_OF_TWO
    three = ("",) * (3 - len(lines)) + lines
    optical = b"".join((line[:width].ljust(width, "_") if line else "").encode("ascii") + CR for line in three)
    text = b"0" + optical
    block = len(text).to_bytes(2, "little") + b"OU" + STX + text + ETX  # the length counts from the flag on
    check = 0  # exclusive or of all bytes after SOH
    for byte in block:
        check ^= byte
    return SOH + block + bytes([check])


def stx_plain(lines: tuple[str, ...]) -> bytes:
    """Return the lines between STX and ETX, each with CR at its end."""
    return STX + b"".join(line.encode("ascii") + CR for line in lines) + ETX


def cr100_text(lines: tuple[str, ...]) -> bytes:
    """Return the text message, with an empty magnetic stripe."""
    three = (*lines, "", "")[:3]
    message = ["START", *(f"OCR LINE {number}: {line}".rstrip() for number, line in enumerate(three, 1))]
    message += [f"MSR LINE {number}:" for number in (1, 2, 3)]
    return ("\r\n".join([*message, "END"]) + "\r\n").encode("ascii")


class TalkingReader(ReaderDevice):
    """A reader that ignores the host and sends one message for each document, made by `encode`."""

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


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of reader. `make` takes a seed."""

    make: Callable[[int], ReaderDevice]
    baud: int
    driver: str
    profile: str = ""

    def settings(self) -> dict[str, str | int]:
        """Return the reader's settings in the gate's configuration, without the port."""
        return {"driver": self.driver, "baud": self.baud, **({"profile": self.profile} if self.profile else {})}


KINDS = {
    "elyctis": Kind(ElyctisReader, 9_600, "elyctis"),
    "rte-native": Kind(lambda seed: TalkingReader(rte_native, seed, has_check=True), 9_600, "stx", "rte-native"),
    "stx-plain": Kind(lambda seed: TalkingReader(stx_plain, seed), 9_600, "stx", "stx-plain"),
    "text": Kind(lambda seed: TalkingReader(cr100_text, seed), 115_200, "text"),
    "honeywell": Kind(HoneywellImager, 115_200, "imager", "honeywell"),
    "scan-engine": Kind(ScanEngine, 115_200, "imager", "scan-engine-7e"),
    # One character is many bytes of events; a keyboard has no line speed.
    "keyboard": Kind(KeyboardReader, 921_600, "keyboard"),
}
