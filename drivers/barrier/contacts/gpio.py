"""Lines of a GPIO chip, over version 2 of the kernel's character device (linux/gpio.h). Lines and bits, no meaning.

A requested line is exclusive. Outputs are off from the request on. Every edge that interrupted the kernel is counted, also edges
that it could not store. Nothing here relies on a line's state after release or the program's end: that depends on the chip.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag

from gate_core.errors import BusyError, LinkLostError, SetupError, not_opened

GET_CHIPINFO = 0x8044B401  # linux/gpio.h: _IOR(0xB4, 0x01, struct gpiochip_info), and so on
GET_LINE = 0xC250B407
GET_VALUES = 0xC010B40E
SET_VALUES = 0xC010B40F
LINES_MAX = 64  # GPIO_V2_LINES_MAX
# asked of the kernel for each request; when there are more it forgets the oldest, and still numbers them
EVENTS_KEPT = 256
_EVENTS_A_READ = 64
_READS_MAX = 64  # per call: a line with endless edges must not block; counting continues with the next call
_CONSUMER = b"portcullis"
_CHIP_INFO = struct.Struct("=32s32sI")  # name, label, lines
_ATTRIBUTE = struct.Struct("=IIQQ")  # id, padding, value, mask of the lines that it is for
_ATTRIBUTES_MAX = 10  # GPIO_V2_LINE_NUM_ATTRS_MAX
_HEAD = struct.Struct("=64I32sQI20x")  # offsets, consumer, flags of all lines, number of attributes
_TAIL = struct.Struct("=II20xi")  # number of lines, size of the event buffer, the descriptor that comes back
_VALUES = struct.Struct("=QQ")  # bits, mask
_EVENT = struct.Struct("=QIIII24x")  # time in ns, kind of edge, offset, number among all, number on its line
_ID_FLAGS, _ID_VALUES, _ID_DEBOUNCE = 1, 2, 3
# What no second try cures: a line that the chip does not have, or one that cannot do what is asked of it.
_NEVER = frozenset({errno.EINVAL, errno.EOPNOTSUPP, errno.ENXIO, errno.ENOTTY, errno.ERANGE})


class Flag(IntFlag):
    """Flags of a line request (enum gpio_v2_line_flag)."""

    ACTIVE_LOW = 1 << 1
    INPUT = 1 << 2
    OUTPUT = 1 << 3
    EDGE_RISING = 1 << 4
    PULL_UP = 1 << 8
    PULL_DOWN = 1 << 9
    NO_BIAS = 1 << 10


class Kernel:
    """The four system calls for lines. Each raises OSError. Tests substitute a simulated chip."""

    def open(self, path: str) -> int:
        """Open a chip's device and return its descriptor."""
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def ioctl(self, descriptor: int, request: int, argument: bytearray) -> None:
        """Carry out a request; it may change the argument."""
        fcntl.ioctl(descriptor, request, argument)

    def read(self, descriptor: int, bytes_max: int) -> bytes:
        """Return available bytes, possibly none, without waiting."""
        os.set_blocking(descriptor, False)  # the kernel hands requests out as descriptors that wait
        try:
            return os.read(descriptor, bytes_max)
        except BlockingIOError:
            return b""

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        os.close(descriptor)


class Lines:
    """Lines of one chip that were requested together, by their place in the request: bit 0 is the first. Made by `Chip.request`."""

    def __init__(self, kernel: Kernel, descriptor: int, offsets: Sequence[int]) -> None:
        self.edges_forgotten = 0  # by the kernel, which had no room for them; they are counted all the same
        self._kernel = kernel
        self._descriptor = descriptor
        self._all = (1 << len(offsets)) - 1
        self._offsets = tuple(offsets)
        self._numbered = 0
        self._edges = dict.fromkeys(offsets, 0)

    def get(self) -> int:
        """Return the active lines, outputs included, as the chip reads them back. Raises LinkLostError."""
        return self._values(GET_VALUES, 0) & self._all

    def set(self, bits: int) -> None:
        """Make these outputs active and all others inactive. Raises LinkLostError."""
        self._values(SET_VALUES, bits)

    def edges(self) -> tuple[int, ...]:
        """Return each line's number of edges since its request. Raises LinkLostError.

        The kernel numbers each line's edges, so the newest number is the count. A line requested alone never loses its
        newest edge; if several were requested, a quiet line's edges may only be known with its next one.
        """
        for _ in range(_READS_MAX):
            try:
                events = self._kernel.read(self._descriptor, _EVENTS_A_READ * _EVENT.size)
            except OSError as error:
                raise _lost(error) from error
            for _, _, offset, number, number_on_line in _EVENT.iter_unpack(events):
                self.edges_forgotten += (number - self._numbered - 1) % 2**32
                self._numbered = number
                self._edges[offset] = number_on_line
            if len(events) < _EVENTS_A_READ * _EVENT.size:
                break
        return tuple(self._edges[offset] for offset in self._offsets)

    def close(self) -> None:
        """Release the lines."""
        with contextlib.suppress(OSError):  # the chip may be gone already
            self._kernel.close(self._descriptor)

    def _values(self, request: int, bits: int) -> int:
        argument = bytearray(_VALUES.pack(bits, self._all))
        try:
            self._kernel.ioctl(self._descriptor, request, argument)
        except OSError as error:
            raise _lost(error) from error
        values, _ = _VALUES.unpack(argument)
        return int(values)


@dataclass(frozen=True, slots=True)
class Chip:
    """An open chip. `label`: the driver's name for it, which does not change with the order of detection."""

    kernel: Kernel
    descriptor: int
    label: str

    @classmethod
    def open(cls, kernel: Kernel, path: str) -> Chip:
        """Open a chip's device. Raises LinkLostError if it is absent or not accessible, SetupError if it is no GPIO chip."""
        try:
            descriptor = kernel.open(path)
        except OSError as error:
            raise not_opened(path, error.errno, str(error.strerror)) from error
        argument = bytearray(_CHIP_INFO.size)
        try:
            kernel.ioctl(descriptor, GET_CHIPINFO, argument)
        except OSError as error:
            kernel.close(descriptor)
            raise SetupError(f"{path} is no GPIO chip: {error.strerror}") from error
        _, label, _ = _CHIP_INFO.unpack(argument)
        return cls(kernel, descriptor, bytes(label).rstrip(b"\0").decode(errors="replace"))

    def request(self, lines: Sequence[tuple[int, Flag]], *, debounce_us: int = 0) -> Lines:
        """Request lines, each an offset with flags. Raises BusyError if one is in use, SetupError if it is unusable."""
        offsets = [offset for offset, _ in lines]
        argument = bytearray(_request(lines, debounce_us))
        try:
            self.kernel.ioctl(self.descriptor, GET_LINE, argument)
        except OSError as error:
            named = f"lines {', '.join(map(str, offsets))} of {self.label}"
            if error.errno == errno.EBUSY:
                raise BusyError(f"of {named} one is in use by another program or driver") from error
            interrupts = debounce_us or any(flags & Flag.EDGE_RISING for _, flags in lines)
            if error.errno in _NEVER or (error.errno == errno.ENODEV and interrupts):
                why = "; edges and debounce_ms need lines that can interrupt" if interrupts else ""
                raise SetupError(f"{named} cannot be had as the profile says: {error.strerror}{why}") from error
            raise _lost(error) from error
        _, _, descriptor = _TAIL.unpack_from(argument, len(argument) - _TAIL.size)
        return Lines(self.kernel, descriptor, offsets)

    def close(self) -> None:
        """Close the chip; requested lines stay ours."""
        with contextlib.suppress(OSError):
            self.kernel.close(self.descriptor)


def _request(lines: Sequence[tuple[int, Flag]], debounce_us: int) -> bytes:
    """Return a struct gpio_v2_line_request: the first line's flags for all, and an attribute for lines that differ."""
    masks: dict[Flag, int] = {}
    for place, (_, flags) in enumerate(lines):
        masks[flags] = masks.get(flags, 0) | 1 << place
    (usual, _), *others = masks.items()
    attributes = [(_ID_FLAGS, int(flags), mask) for flags, mask in others]
    if Flag.OUTPUT in usual:
        attributes.append((_ID_VALUES, 0, (1 << len(lines)) - 1))
    if debounce_us:
        attributes.append((_ID_DEBOUNCE, debounce_us, (1 << len(lines)) - 1))
    packed = b"".join(_ATTRIBUTE.pack(kind, 0, value, mask) for kind, value, mask in attributes)
    offsets = [offset for offset, _ in lines] + [0] * (LINES_MAX - len(lines))
    return (
        _HEAD.pack(*offsets, _CONSUMER, usual, len(attributes))
        + packed.ljust(_ATTRIBUTES_MAX * _ATTRIBUTE.size, b"\0")
        + _TAIL.pack(len(lines), EVENTS_KEPT, 0)
    )


def _lost(error: OSError) -> LinkLostError:
    return LinkLostError(f"the GPIO chip went away: {error.strerror}")
