"""The keyboard wedge: a reader that types the MRZ. Only a wedge's input counts, recognised by its speed.

The kernel's `input_event` is seconds and microseconds (64 bits each), type, code, value: 24 bytes. One ioctl and a read
suffice: python-evdev would require a compiler on every gate. Keys are positions, so the wedge must use the US layout;
another one is a SetupError, detected by the filler `<`, which is Shift+comma in the US layout.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import stat
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from drivers.links import DescriptorLink
from drivers.reader.framed import LineReader, OpenLink
from drivers.reader.mrz_text import LINES_MAX, is_mrz
from gate_core.errors import BadFrameError, BusyError, LinkLostError, SetupError, not_opened
from gate_core.ports.values import MrzLines

EVIOCGRAB = 0x40044590  # linux/input.h: _IOW('E', 0x90, int)
INPUT_MAJOR = 13  # Documentation/admin-guide/devices.txt
EVENT = struct.Struct("<qqHHi")  # the kernel's struct input_event on 64-bit little-endian machines
EV_SYN, EV_KEY, SYN_DROPPED = 0x00, 0x01, 3
RELEASED, PRESSED, HELD = 0, 1, 2
_TYPE_MAX, _CODE_MAX = 0x1F, 0x2FF  # linux/input-event-codes.h
_MICROSECONDS = 1_000_000
_SECONDS_MAX = 0xFFFF_FFFF  # the year 2106; helps to find back into events that lost a byte
_SHIFTS = frozenset({42, 54})
_NOT_TYPED = frozenset({29, 97, 56, 100, 125, 126, 58, 69, 70})  # Control, Alt, Meta; Caps, Num and Scroll Lock
_LINE_ENDS = frozenset({28, 96, 15})  # Enter, Enter of the number block, Tab
_COMMA = 51
_DIGITS = {2: "1", 3: "2", 4: "3", 5: "4", 6: "5", 7: "6", 8: "7", 9: "8", 10: "9", 11: "0"}
_NUMBER_BLOCK = {82: "0", 79: "1", 80: "2", 81: "3", 75: "4", 76: "5", 77: "6", 71: "7", 72: "8", 73: "9"}
_LETTERS = {
    **{16 + at: letter for at, letter in enumerate("QWERTYUIOP")},
    **{30 + at: letter for at, letter in enumerate("ASDFGHJKL")},
    **{44 + at: letter for at, letter in enumerate("ZXCVBNM")},
}
UNKNOWN = "?"  # a key that no MRZ holds
PAUSE_MS = 300  # ends a burst; slow wedges type a character in 50 ms
# median between two characters; slow wedges take 30 to 50, no person types an MRZ at 200 words a minute
WEDGE_INTERVAL_MS_MAX = 60.0
CHARACTERS_MIN = 60  # the shortest MRZ has 72
CHARACTERS_MAX = 256  # at the limit the burst is no MRZ, and the oldest are forgotten
_LENGTHS = frozenset({30, 36, 44})  # ICAO 9303-5, 6, 4


class InputDevice(DescriptorLink):
    """One device, grabbed exclusively: the reader's input reaches neither a console nor the traveller's page. Made by `open`; fills `Link`.

    The kernel gives whole events only, and accepts none.
    """

    def __init__(self, descriptor: int, name: str) -> None:
        super().__init__(name, descriptor, lambda: _let_go(descriptor))

    @classmethod
    async def open(cls, path: str) -> InputDevice:
        """Open and grab a device. Raises LinkLostError if it is absent or in use, SetupError if it is no input device."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError as error:
            raise not_opened(path, error.errno, str(error.strerror)) from error
        try:
            _grab(descriptor, path)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(descriptor, path)

    async def write(self, payload: bytes) -> None:
        """Refuse. Raises LinkLostError: the device accepts no bytes."""
        raise LinkLostError(f"{self._name} takes no bytes, {len(payload)} were meant for it")

    def discard(self) -> bytes:
        """Drop the events that have arrived, which are keys and no bytes. Raises LinkLostError."""
        super().discard()
        return b""


def _let_go(descriptor: int) -> None:
    with contextlib.suppress(OSError):  # it may be gone already
        os.close(descriptor)


def _grab(descriptor: int, path: str) -> None:
    """Check that it is an input device, and grab it exclusively. Raises SetupError or LinkLostError."""
    found = os.fstat(descriptor)
    if not stat.S_ISCHR(found.st_mode) or os.major(found.st_rdev) != INPUT_MAJOR:
        raise SetupError(f"{path} is no input device")
    try:
        fcntl.ioctl(descriptor, EVIOCGRAB, 1)
    except OSError as error:
        kind = BusyError if error.errno == errno.EBUSY else LinkLostError
        raise kind(f"{path} cannot be grabbed: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class InputEvent:
    """One event. `at_us`: the kernel's time in microseconds; only differences are meaningful."""

    at_us: int
    type: int
    code: int
    value: int

    def __repr__(self) -> str:
        """Never shows the key: it may be part of an MRZ."""
        return f"InputEvent(type={self.type})"


def decode(buffer: bytes) -> tuple[InputEvent | None, int]:
    """Return the event that the buffer begins with, and the number of bytes it used; `(None, 0)` means: read more.

    Raises BadFrameError for an event that no keyboard sends.
    """
    if len(buffer) < EVENT.size:
        return None, 0
    seconds, microseconds, type_, code, value = EVENT.unpack_from(buffer)
    if not (0 <= seconds <= _SECONDS_MAX and 0 <= microseconds < _MICROSECONDS):
        raise BadFrameError("an impossible time")
    if type_ > _TYPE_MAX or code > _CODE_MAX:
        raise BadFrameError("no input event")
    if type_ == EV_SYN and (code > SYN_DROPPED or value not in {0, 1}):
        raise BadFrameError("no end of a change")
    if type_ == EV_KEY and value not in {RELEASED, PRESSED, HELD}:
        raise BadFrameError("a key that is neither pressed nor released")
    return InputEvent(seconds * _MICROSECONDS + microseconds, type_, code, value), EVENT.size


@dataclass(frozen=True, slots=True)
class Typed:
    """Input without a pause: lines of characters, UNKNOWN for keys that no MRZ contains."""

    lines: tuple[str, ...]
    interval_ms: float

    @property
    def by_a_wedge(self) -> bool:
        """True if no person types so much so fast."""
        return sum(map(len, self.lines)) >= CHARACTERS_MIN and self.interval_ms <= WEDGE_INTERVAL_MS_MAX

    def __repr__(self) -> str:
        """Never shows the characters."""
        return f"Typed({len(self.lines)} lines, {self.interval_ms:.0f} ms a character)"


class Typing:
    """Collects the keys of one burst."""

    def __init__(self) -> None:
        self._shifts: set[int] = set()
        self._keys: list[tuple[int, str]] = []

    @property
    def has_begun(self) -> bool:
        """True if there was input since `finish`."""
        return bool(self._keys)

    def take(self, event: InputEvent) -> Typed | None:
        """Add one event; return the burst before it if a pause lies between."""
        if (event.type, event.code) == (EV_SYN, SYN_DROPPED):
            self._keys.clear()  # the kernel lost events of this burst: it can be no MRZ any more
            self._shifts.clear()
        if event.type != EV_KEY or event.value == HELD:
            return None
        if event.code in _SHIFTS:
            (self._shifts.add if event.value == PRESSED else self._shifts.discard)(event.code)
            return None
        if event.value == RELEASED or event.code in _NOT_TYPED:
            return None
        paused = self.has_begun and event.at_us - self._keys[-1][0] > PAUSE_MS * 1000
        before = self.finish() if paused else None
        self._keys.append((event.at_us, _character(event.code, shifted=bool(self._shifts))))
        del self._keys[:-CHARACTERS_MAX]
        return before

    def finish(self) -> Typed:
        """End the burst and return it."""
        keys, self._keys = self._keys, []
        text = "".join(character for _, character in keys)
        return Typed(tuple(line for line in text.split("\n") if line), _interval_ms([at_us for at_us, _ in keys]))


def _character(code: int, *, shifted: bool) -> str:
    """Return a key's character in the US layout. Letters ignore Shift and Caps Lock: an MRZ has capitals only."""
    if code in _LINE_ENDS:
        return "\n"
    if code == _COMMA and shifted:
        return "<"
    if code in _DIGITS and not shifted:
        return _DIGITS[code]
    return _LETTERS.get(code) or _NUMBER_BLOCK.get(code) or UNKNOWN


def _interval_ms(times_us: Sequence[int]) -> float:
    if len(times_us) < 2:
        return float("inf")
    return median(later - earlier for earlier, later in pairwise(times_us)) / 1000


class KeyboardWedge(LineReader[InputEvent]):
    """One wedge. One task uses it. `open_link` gives the bytes of the kernel's input events."""

    def __init__(self, *, open_link: OpenLink) -> None:
        super().__init__(decode, source="keyboard", open_link=open_link)
        self._typing = Typing()
        self._typed_at_s = 0.0

    async def next_lines(self) -> MrzLines:
        """Wait for the next document and return its lines. Raises LinkLostError, and SetupError for a wrong layout."""
        loop = asyncio.get_running_loop()
        while True:
            pause_ends_s = self._typed_at_s + PAUSE_MS / 1000 if self._typing.has_begun else None
            event = await self.next_frame(pause_ends_s)
            if event is not None:
                self._typed_at_s = loop.time()
            typed = self._typing.take(event) if event is not None else self._typing.finish()
            lines = mrz_of(typed) if typed is not None else None
            if lines is not None and not self._is_repeat(lines):
                return MrzLines(lines, self.source)

    def close(self) -> None:
        """Release the device."""
        super().close()
        self._typing = Typing()


def mrz_of(typed: Typed) -> tuple[str, ...] | None:
    """Return the lines of an MRZ, if a wedge typed one. Raises SetupError for another keyboard layout."""
    if not typed.by_a_wedge:
        return None
    if is_mrz(typed.lines) and any("<" in line for line in typed.lines):
        return typed.lines
    # Every MRZ has fillers: lines of an MRZ's size without them, or with other keys in their place, are typed wrongly.
    lengths = {len(line) for line in typed.lines}
    if 2 <= len(typed.lines) <= LINES_MAX and len(lengths) == 1 and lengths <= _LENGTHS:
        raise SetupError("the reader types on another keyboard layout; set it to US")
    return None
