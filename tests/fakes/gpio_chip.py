"""A simulated GPIO chip with the kernel's character device before it: version 2 of its interface, written from linux/gpio.h.

It takes the four system calls that lines are reached by (`open`, `ioctl`, `read`, `close`), with the header's own bytes, and raises OSError
with the kernel's numbers. The world drives inputs from outside, or leaves them open to the chip's resistors, and is told of outputs.

As the kernel does: a line has one owner; padding must be zero; edges are numbered on each line and over all lines of a request, and when
there is no room for more of them the oldest are forgotten; a debounced line changes when it has been quiet for so long. What a line
does when its owner lets it go is the chip's affair: `keeps_outputs` has it go on as it was.
"""

from __future__ import annotations

import errno
import os
import struct
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drivers.barrier.contacts.gpio import Kernel

if TYPE_CHECKING:
    from collections.abc import Callable

_CHIPINFO, _GET_LINE, _GET_VALUES, _SET_VALUES = 0x8044B401, 0xC250B407, 0xC010B40E, 0xC010B40F
_ACTIVE_LOW, _INPUT, _OUTPUT, _RISING, _FALLING = 2, 4, 8, 16, 32
_UP, _DOWN, _NO_BIAS = 256, 512, 1024
_KNOWN = _ACTIVE_LOW | _INPUT | _OUTPUT | _RISING | _FALLING | _UP | _DOWN | _NO_BIAS
_LINES_MAX, _ATTRIBUTES_MAX = 64, 10
# Places in struct gpio_v2_line_request.
_FLAGS_AT, _COUNT_AT, _PADDING_AT, _ATTRIBUTES_AT, _LINES_AT, _BUFFER_AT, _FD_AT = 288, 296, 300, 320, 560, 564, 588
_EVENT_BYTES = 48


@dataclass(slots=True)
class _Line:
    """One line. `driven`: the level from outside, None when its wire is open; `out`: the level that the chip drives, None as an input."""

    driven: bool | None = None
    out: bool | None = None
    flags: int = 0
    seen: bool = False  # the debounced level
    changed_at_s: float | None = None  # since when the level is another one than `seen`
    sticks_at: bool | None = None  # a defect: whatever is written, it reads so

    @property
    def level(self) -> bool:
        """The level at the pin."""
        if self.sticks_at is not None:
            return self.sticks_at
        if self.out is not None:
            return self.out
        return bool(self.flags & _UP) if self.driven is None else self.driven


@dataclass(slots=True)
class _Request:
    offsets: tuple[int, ...]
    debounce_s: float
    room: int
    numbers: dict[int, int]
    number: int = 0
    events: deque[bytes] = field(default_factory=deque)


class GpioChip(Kernel):
    """One chip, at one path. `clock` gives seconds; `on_output` hears of each output that changes, by its offset and its level at the pin."""

    def __init__(
        self,
        path: str,
        *,
        label: str,
        lines: int,
        clock: Callable[[], float],
        on_output: Callable[[int, bool], None] = lambda _offset, _level: None,
        keeps_outputs: bool = False,
    ) -> None:
        self.plugged = True
        self._path = path
        self._label = label
        self._clock = clock
        self._on_output = on_output
        self._keeps_outputs = keeps_outputs
        self._lines = [_Line() for _ in range(lines)]
        self._open: set[int] = set()
        self._requests: dict[int, _Request] = {}
        self._next = 1000

    # ── the world ────────────────────────────────────────────────────────────────────────────────────────────────────

    def drive(self, offset: int, level: bool | None) -> None:  # noqa: FBT001 - a level is high, low or none
        """Put a level on a line from outside; None opens its wire."""
        line = self._lines[offset]
        if line.driven is not level:
            self._settle()
            line.driven = level
            self._changed(offset)

    def stick(self, offset: int, level: bool | None) -> None:  # noqa: FBT001
        """A line is damaged, and reads so whatever is written; None mends it."""
        self._lines[offset].sticks_at = level
        self._told(offset)

    def level(self, offset: int) -> bool:
        """The level at a pin."""
        return self._lines[offset].level

    def unplug(self) -> None:
        """The chip goes away; its owners' descriptors are good for nothing but to be closed."""
        self.plugged = False
        for line in self._lines:
            line.out = None

    @property
    def owned(self) -> int:
        """How many lines somebody has."""
        return sum(len(request.offsets) for request in self._requests.values())

    # ── the system calls ─────────────────────────────────────────────────────────────────────────────────────────────

    def open(self, path: str) -> int:
        """Open the chip's device."""
        if path != self._path or not self.plugged:
            raise _error(errno.ENOENT)
        self._next += 1
        self._open.add(self._next)
        return self._next

    def ioctl(self, descriptor: int, request: int, argument: bytearray) -> None:
        """Carry out a request of the header's."""
        if descriptor not in self._open:
            raise _error(errno.EBADF)
        if not self.plugged:
            raise _error(errno.ENODEV)
        self._settle()
        lines = self._requests.get(descriptor)
        if lines is not None:
            if request not in {_GET_VALUES, _SET_VALUES}:
                raise _error(errno.EINVAL)
            (self._get if request == _GET_VALUES else self._set)(lines, argument)
        elif request == _CHIPINFO:
            argument[:] = struct.pack("=32s32sI", b"gpiochip0", self._label.encode(), len(self._lines))
        elif request == _GET_LINE:
            struct.pack_into("=i", argument, _FD_AT, self._take(argument))
        else:
            raise _error(errno.EINVAL)

    def read(self, descriptor: int, bytes_max: int) -> bytes:
        """Whole events of a request, as many as there are and fit."""
        if descriptor not in self._requests:
            raise _error(errno.EBADF)
        if not self.plugged:
            raise _error(errno.ENODEV)
        if bytes_max < _EVENT_BYTES:
            raise _error(errno.EINVAL)
        self._settle()
        events = self._requests[descriptor].events
        return b"".join(events.popleft() for _ in range(min(len(events), bytes_max // _EVENT_BYTES)))

    def close(self, descriptor: int) -> None:
        """Let a chip or the lines of a request go."""
        if descriptor not in self._open:
            raise _error(errno.EBADF)
        self._open.remove(descriptor)
        request = self._requests.pop(descriptor, None)
        for offset in () if request is None else request.offsets:
            line = self._lines[offset]
            line.flags = 0
            if not self._keeps_outputs:
                line.out = None
            self._told(offset)

    # ── requests of lines ────────────────────────────────────────────────────────────────────────────────────────────

    def _take(self, argument: bytearray) -> int:
        """Give lines to an owner, and return their descriptor."""
        count, room = struct.unpack_from("=II", argument, _LINES_AT)
        if (
            not 0 < count <= _LINES_MAX
            or any(argument[_BUFFER_AT + 4 : _FD_AT])
            or any(argument[_PADDING_AT:_ATTRIBUTES_AT])
        ):
            raise _error(errno.EINVAL)
        offsets = struct.unpack_from(f"={count}I", argument, 0)
        flags, values, debounce_s = _config(argument, count)
        for offset, wanted in zip(offsets, flags, strict=True):
            if offset >= len(self._lines) or not _is_valid(wanted):
                raise _error(errno.EINVAL)
        taken = {offset for request in self._requests.values() for offset in request.offsets}
        if taken & set(offsets) or len(set(offsets)) < count:
            raise _error(errno.EBUSY)
        if debounce_s and any(wanted & _OUTPUT for wanted in flags):
            raise _error(errno.EINVAL)
        for place, (offset, wanted) in enumerate(zip(offsets, flags, strict=True)):
            line = self._lines[offset]
            line.flags = wanted
            line.out = bool(values >> place & 1) is not bool(wanted & _ACTIVE_LOW) if wanted & _OUTPUT else None
            line.seen, line.changed_at_s = line.level, None
            self._told(offset)
        self._next += 1
        self._open.add(self._next)
        numbers = dict.fromkeys(offsets, 0)
        self._requests[self._next] = _Request(offsets, debounce_s, max(room, 16 * count), numbers)
        return self._next

    def _get(self, request: _Request, argument: bytearray) -> None:
        _, mask = struct.unpack("=QQ", argument)
        if not mask & ((1 << len(request.offsets)) - 1):
            raise _error(errno.EINVAL)
        bits = 0
        for place, offset in enumerate(request.offsets):
            line = self._lines[offset]
            level = line.seen if line.flags & _INPUT else line.level
            if mask >> place & 1 and level is not bool(line.flags & _ACTIVE_LOW):
                bits |= 1 << place
        struct.pack_into("=Q", argument, 0, bits)

    def _set(self, request: _Request, argument: bytearray) -> None:
        bits, mask = struct.unpack("=QQ", argument)
        chosen = [(place, offset) for place, offset in enumerate(request.offsets) if mask >> place & 1]
        if not chosen:
            raise _error(errno.EINVAL)
        if any(not self._lines[offset].flags & _OUTPUT for _, offset in chosen):
            raise _error(errno.EPERM)
        for place, offset in chosen:
            line = self._lines[offset]
            line.out = bool(bits >> place & 1) is not bool(line.flags & _ACTIVE_LOW)
            self._told(offset)

    # ── edges ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _settle(self) -> None:
        """Let every level that has been quiet for long enough count."""
        for request in self._requests.values():
            for offset in request.offsets:
                since_s = self._lines[offset].changed_at_s
                if since_s is not None and self._clock() - since_s >= request.debounce_s:
                    self._count(request, offset, since_s + request.debounce_s)

    def _changed(self, offset: int) -> None:
        line = self._lines[offset]
        is_other = line.level is not line.seen
        line.changed_at_s = self._clock() if is_other else None
        self._settle()

    def _count(self, request: _Request, offset: int, at_s: float) -> None:
        """A line has another level from now on: its owner is told, if they asked for this kind of edge."""
        line = self._lines[offset]
        line.seen, line.changed_at_s = line.level, None
        is_active = line.seen is not bool(line.flags & _ACTIVE_LOW)
        if not line.flags & (_RISING if is_active else _FALLING):
            return
        request.number += 1
        request.numbers[offset] += 1
        event = (int(at_s * 1e9), 1 if is_active else 2, offset, request.number, request.numbers[offset])
        request.events.append(struct.pack("=QIIII24x", *event))
        if len(request.events) > request.room:
            request.events.popleft()

    def _told(self, offset: int) -> None:
        """The world sees the pin, wherever it was."""
        self._on_output(offset, self._lines[offset].level)


def _config(argument: bytearray, count: int) -> tuple[list[int], int, float]:
    """What each line is to be, the first values of outputs, and the debounce time in seconds."""
    (usual,) = struct.unpack_from("=Q", argument, _FLAGS_AT)
    (attributes,) = struct.unpack_from("=I", argument, _COUNT_AT)
    if attributes > _ATTRIBUTES_MAX:
        raise _error(errno.EINVAL)
    flags, values, debounce_s = [usual] * count, 0, 0.0
    for at in range(attributes):
        kind, padding, value, mask = struct.unpack_from("=IIQQ", argument, _ATTRIBUTES_AT + 24 * at)
        if padding or not mask:
            raise _error(errno.EINVAL)
        match kind:
            case 1:
                flags = [value if mask >> place & 1 else wanted for place, wanted in enumerate(flags)]
            case 2:
                values = value & mask
            case 3:
                debounce_s = (value & 0xFFFFFFFF) / 1e6
            case _:
                raise _error(errno.EINVAL)
    return flags, values, debounce_s


def _is_valid(flags: int) -> bool:
    """True for what the kernel accepts: one direction, edges of inputs only, one resistor at most."""
    one_way = bool(flags & _INPUT) is not bool(flags & _OUTPUT)
    edges_of_output = flags & (_RISING | _FALLING) and not flags & _INPUT
    resistors = sum(bool(flags & bias) for bias in (_UP, _DOWN, _NO_BIAS))
    return one_way and not edges_of_output and resistors <= 1 and not flags & ~_KNOWN


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
