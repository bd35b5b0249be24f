"""Short frames described by a layout: values to bytes, bytes to values. No I/O and no clock.

A layout names the content of every byte of a frame, in words separated by spaces:

    7E            a byte that is always the same
    address       a byte that holds a field; `left*3` is three such bytes, the first one highest
    0110:command  constant upper bits, and a field in those below them

`check` is the field with the check of all bytes before it; `address` is the sending or addressed board. A reply is
searched byte by byte: only bytes that cannot begin one are skipped, because a start byte may occur anywhere in a frame.
"""

from __future__ import annotations

import enum
import functools
import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gate_core.errors import BadFrameError

FRAME_BYTES_MAX = 64
CHECK = "check"
ADDRESS = "address"
_CONSTANT = re.compile(r"[0-9A-F]{2}")
_HELD = re.compile(r"(?:([01]{1,7}):)?([a-z][a-z_]{0,30})(?:\*([1-9]))?")


class CheckKind(enum.Enum):
    """How the check is computed from the bytes before it, in eight bits."""

    SUM = "sum"
    COMPLEMENT_SUM = "complement_sum"
    XOR = "xor"


def check_of(kind: CheckKind, body: bytes) -> int:
    """Return the check of these bytes, 0 to 255."""
    match kind:
        case CheckKind.SUM:
            return sum(body) & 0xFF
        case CheckKind.COMPLEMENT_SUM:
            return ~sum(body) & 0xFF
        case CheckKind.XOR:
            return functools.reduce(operator.xor, body, 0)


@dataclass(frozen=True, slots=True)
class Place:
    """One byte of a frame: its constant upper bits, and the field of which its lower `bits` are a part."""

    constant: int
    bits: int = 0
    field: str = ""

    def fits(self, byte: int) -> bool:
        """True if this byte is possible here."""
        return byte >> self.bits == self.constant >> self.bits


@dataclass(frozen=True, slots=True)
class Layout:
    """The content of every byte of a frame. Made by `parse_layout`; `widths` has the bits of every field."""

    places: tuple[Place, ...]
    check: CheckKind
    lowest_first: frozenset[str] = frozenset()
    widths: Mapping[str, int] = field(init=False)
    _order: Mapping[str, list[int]] = field(init=False)  # the places of each field, the one of its highest bits first

    def __post_init__(self) -> None:
        order: dict[str, list[int]] = {}
        for at, place in enumerate(self.places):
            if place.field:
                order.setdefault(place.field, []).append(at)
        for name in self.lowest_first & order.keys():
            order[name].reverse()
        widths = {name: sum(self.places[at].bits for at in found) for name, found in order.items()}
        object.__setattr__(self, "widths", widths)
        object.__setattr__(self, "_order", order)

    @property
    def length(self) -> int:
        """Number of bytes in a frame."""
        return len(self.places)

    def encode(self, values: Mapping[str, int]) -> bytes:
        """Return a frame with these values (0 for others) and its check. Raises ValueError for a value out of range."""
        for name, value in values.items():
            if value >> self.widths[name]:
                raise ValueError(f"{name} = {value:#x} does not fit into {self.widths[name]} bits")
        return self._laid_out({**values, CHECK: self._check_of(self._laid_out(values))})

    def decode(self, buffer: bytes) -> tuple[Mapping[str, int] | None, int]:
        """Return the values of the frame that the buffer begins with, and the number of bytes it used.

        `(None, 0)` means: read more. Raises BadFrameError when the buffer can never begin a frame.
        """
        if not all(place.fits(byte) for place, byte in zip(self.places, buffer, strict=False)):
            raise BadFrameError("not a frame of this layout")
        if len(buffer) < self.length:
            return None, 0
        values = self._values(buffer[: self.length])
        if values[CHECK] != self._check_of(buffer):
            raise BadFrameError("wrong check")
        return values, self.length

    def _check_of(self, frame: bytes) -> int:
        return check_of(self.check, frame[: min(self._order[CHECK])])

    def _laid_out(self, values: Mapping[str, int]) -> bytes:
        frame = bytearray(place.constant for place in self.places)
        for name, order in self._order.items():
            left = values.get(name, 0)
            for at in reversed(order):
                frame[at] |= left & (1 << self.places[at].bits) - 1
                left >>= self.places[at].bits
        return bytes(frame)

    def _values(self, frame: bytes) -> Mapping[str, int]:
        values = dict.fromkeys(self.widths, 0)
        for name, order in self._order.items():
            for at in order:
                bits = self.places[at].bits
                values[name] = values[name] << bits | frame[at] & (1 << bits) - 1
        return values


def parse_layout(text: str, check: CheckKind, *, lowest_first: tuple[str, ...] = ()) -> Layout:
    """Parse a layout. Raises ValueError with the invalid word."""
    places: list[Place] = []
    for word in text.split():
        if _CONSTANT.fullmatch(word):
            places.append(Place(int(word, 16)))
        elif held := _HELD.fullmatch(word):
            upper, name, times = held[1] or "", held[2], int(held[3] or 1)
            bits = 8 - len(upper)
            places += [Place(int(upper or "0", 2) << bits, bits, name)] * times
        else:
            raise ValueError(
                f"{word!r} is neither a byte such as 7E nor a field such as address, left*3 or 0110:command"
            )
    layout = Layout(tuple(places), check, frozenset(lowest_first))
    if layout.widths.get(CHECK) != 8:
        raise ValueError("the field check must have eight bits in all: without a check nothing is believed")
    if ADDRESS not in layout.widths:
        raise ValueError("there is no field address: another board could answer")
    if unknown := sorted(layout.lowest_first - set(layout.widths)):
        raise ValueError(f"lowest_first names {', '.join(unknown)}, which the layout does not hold")
    if layout.length > FRAME_BYTES_MAX:
        raise ValueError(f"a frame has at most {FRAME_BYTES_MAX} bytes")
    return layout


@dataclass(frozen=True, slots=True)
class Found:
    """Result of a search: the board's first frame, and what was skipped before it."""

    reply: Mapping[str, int] | None
    strangers: int  # sound frames of another address
    passed_over: int  # bytes that were part of no frame of our board


def find_reply(buffer: bytearray, layout: Layout, address: int) -> Found:
    """Remove the board's first frame from the buffer, skipping everything else. What stays is shorter than one frame."""
    strangers = passed_over = 0
    while buffer:
        try:
            values, used = layout.decode(bytes(buffer[: layout.length]))
        except BadFrameError:
            values, used = None, -1
        if used == 0:
            break
        if values is not None and values[ADDRESS] == address:
            del buffer[:used]
            return Found(values, strangers, passed_over)
        strangers += values is not None
        # By one byte only, behind a stranger's frame too: it may be ours, seen askew.
        del buffer[0]
        passed_over += 1
    return Found(None, strangers, passed_over)


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard since the last request. `strangers`: valid frames of another board. `noise`: bytes outside of frames.

    `unasked`: valid frames of our board without a request.
    """

    reply: Mapping[str, int] | None = None
    strangers: int = 0
    unasked: int = 0
    noise: int = 0


class Hearing:
    """Listens to one line. A frame that spans two listenings is heard in the second, and belongs to no request in between.

    A two-wire adapter hears its own requests: their bytes at the beginning are no noise.
    """

    def __init__(self, layout: Layout, address: int) -> None:
        self.reply: Mapping[str, int] | None = None
        self._layout = layout
        self._address = address
        self._buffer = bytearray()
        self._early = 0  # bytes in the buffer that came before the request
        self._echo = b""
        self._is_asked = False
        self._strangers = self._unasked = self._noise = 0

    def begin(self, request: bytes = b"") -> None:
        """Start listening for the reply to these bytes; without bytes, for unrequested frames."""
        self.reply = None
        self._early = len(self._buffer)
        self._echo = request
        self._is_asked = bool(request)
        self._strangers = self._unasked = self._noise = 0

    def take(self, received: bytes) -> None:
        """Add received bytes."""
        self._buffer += received
        if self._is_within_echo():
            return
        while self._buffer:
            found = find_reply(self._buffer, self._layout, self._address)
            self._strangers += found.strangers
            self._noise += found.passed_over
            is_early = found.passed_over < self._early
            used = found.passed_over + (self._layout.length if found.reply is not None else 0)
            self._early = max(0, self._early - used)
            if found.reply is None:
                return
            if self._is_asked and self.reply is None and not is_early:
                self.reply = found.reply
            else:
                self._unasked += 1

    def forget(self) -> None:
        """Drop an incomplete frame."""
        self._noise += len(self._buffer)
        self._buffer.clear()

    def heard(self, *, after: Heard = Heard()) -> Heard:
        """Return everything heard, after earlier results."""
        return Heard(
            self.reply, after.strangers + self._strangers, after.unasked + self._unasked, after.noise + self._noise
        )

    def _is_within_echo(self) -> bool:
        """Remove the echo of the own request; True while more of it may arrive."""
        came = self._buffer[self._early :]
        if not self._echo or not came:
            return False
        if came.startswith(self._echo):
            del self._buffer[self._early : self._early + len(self._echo)]
        elif self._echo.startswith(came):
            return True
        self._echo = b""
        return False
