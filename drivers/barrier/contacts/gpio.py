"""Lines of a GPIO chip, over version 2 of the kernel's character device (linux/gpio.h). Lines and bits, no meaning.

A line is ours alone until it is let go; outputs are off from the first moment; every edge that interrupted the kernel is counted, also those that it had
no room to keep. What a line does when it is let go, or its program dies, is the chip's affair: nothing here relies on it.
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
_READS_MAX = 64  # of one look; a line that gives edges without end must not hold us, and its count goes on at the next
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
    """What a line is asked to be (enum gpio_v2_line_flag)."""

    ACTIVE_LOW = 1 << 1
    INPUT = 1 << 2
    OUTPUT = 1 << 3
    EDGE_RISING = 1 << 4
    PULL_UP = 1 << 8
    PULL_DOWN = 1 << 9
    NO_BIAS = 1 << 10


class Kernel:
    """The four calls of the operating system that lines are reached by. Each raises OSError. A test puts a simulated chip in its place."""

    def open(self, path: str) -> int:
        """Open a chip's device and return its descriptor."""
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def ioctl(self, descriptor: int, request: int, argument: bytearray) -> None:
        """Carry out a request, whose argument may be changed."""
        fcntl.ioctl(descriptor, request, argument)

    def read(self, descriptor: int, bytes_max: int) -> bytes:
        """Return what is there, which may be nothing; never wait."""
        os.set_blocking(descriptor, False)  # the kernel hands requests out as descriptors that wait
        try:
            return os.read(descriptor, bytes_max)
        except BlockingIOError:
            return b""

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        os.close(descriptor)


class Lines:
    """Lines of one chip that were asked for together, by their place in the request: bit 0 is the first. Made by `Chip.request`."""

    def __init__(self, kernel: Kernel, descriptor: int, offsets: Sequence[int]) -> None:
        self.edges_forgotten = 0  # by the kernel, which had no room for them; they are counted all the same
        self._kernel = kernel
        self._descriptor = descriptor
        self._all = (1 << len(offsets)) - 1
        self._offsets = tuple(offsets)
        self._numbered = 0
        self._edges = dict.fromkeys(offsets, 0)

    def get(self) -> int:
        """Which lines are active, of outputs as well: as the chip reads them back. Raises LinkLostError."""
        return self._values(GET_VALUES, 0) & self._all

    def set(self, bits: int) -> None:
        """Make these outputs active and all others inactive. Raises LinkLostError."""
        self._values(SET_VALUES, bits)

    def edges(self) -> tuple[int, ...]:
        """How many edges each line gave since it was asked for. Raises LinkLostError.

        The kernel numbers the edges of each line, so the newest one's number says how many there were. A line that is asked for by itself
        never loses its newest one; of several, those of a quiet line may be known with its next edge only.
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
        """Let the lines go."""
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
    """An open chip. `label` is what its driver calls it, which does not change with the order in which chips are found."""

    kernel: Kernel
    descriptor: int
    label: str

    @classmethod
    def open(cls, kernel: Kernel, path: str) -> Chip:
        """Open a chip's device. Raises LinkLostError when it is absent or not for us, SetupError when it is none."""
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
        """Ask for lines, each an offset and what it is to be. Raises BusyError when one is in use, SetupError when it can never be had."""
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
        """Let the chip go; lines that were asked for stay ours."""
        with contextlib.suppress(OSError):
            self.kernel.close(self.descriptor)


def _request(lines: Sequence[tuple[int, Flag]], debounce_us: int) -> bytes:
    """A struct gpio_v2_line_request: the flags of the first line for all, and an attribute for the lines that differ."""
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
