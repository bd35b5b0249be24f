"""Requests to the kernel's GPIO device, byte for byte, and what its errors mean. The numbers were taken from a C program with linux/gpio.h."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

import pytest

from drivers.barrier.contacts import gpio
from drivers.barrier.contacts.gpio import Chip, Flag, Kernel
from gate_core.errors import LinkLostError, SetupError


class Recorder(Kernel):
    """A kernel that notes what it is asked, and answers with what it was given."""

    def __init__(self, *, fails: int = 0, events: bytes = b"") -> None:
        self.asked: list[tuple[int, bytes]] = []
        self.closed: list[int] = []
        self._fails = fails
        self._events = events

    def open(self, path: str) -> int:
        assert path == "/dev/gpiochip0"
        return 3

    def ioctl(self, descriptor: int, request: int, argument: bytearray) -> None:
        assert descriptor in {3, 7}
        self.asked.append((request, bytes(argument)))
        if request == gpio.GET_CHIPINFO:
            argument[32:36] = b"sim\0"
            return
        if self._fails:
            raise OSError(self._fails, os.strerror(self._fails))
        argument[-4:] = struct.pack("=i", 7)

    def read(self, descriptor: int, bytes_max: int) -> bytes:
        assert descriptor == 7
        taken, self._events = self._events[:bytes_max], self._events[bytes_max:]
        return taken

    def close(self, descriptor: int) -> None:
        self.closed.append(descriptor)


def event(line: int, number: int, number_on_line: int) -> bytes:
    return struct.pack("=QIIII24x", 1, 1, line, number, number_on_line)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_requests_have_the_headers_sizes_and_numbers() -> None:
    kernel = Recorder()
    chip = Chip.open(kernel, "/dev/gpiochip0")
    lines = chip.request([(4, Flag.OUTPUT), (5, Flag.OUTPUT | Flag.ACTIVE_LOW)])
    lines.get()
    lines.set(2)
    assert [(f"{request:#x}", len(argument)) for request, argument in kernel.asked] == [
        ("0x8044b401", 68), ("0xc250b407", 592), ("0xc010b40e", 16), ("0xc010b40f", 16),
    ]  # fmt: skip
    assert chip.label == "sim"
    assert kernel.asked[3][1] == struct.pack("=QQ", 2, 3)


def test_a_request_of_lines_has_everything_where_the_header_has_it() -> None:
    kernel = Recorder()
    Chip.open(kernel, "/dev/gpiochip0").request(
        [(9, Flag.INPUT | Flag.EDGE_RISING), (63, Flag.INPUT | Flag.EDGE_RISING | Flag.PULL_UP)], debounce_us=5000
    )
    request = kernel.asked[1][1]
    assert struct.unpack_from("=3I", request) == (9, 63, 0)
    assert request[256:288].rstrip(b"\0") == b"portcullis"
    assert struct.unpack_from("=QI", request, 288) == (0x14, 2)  # inputs with rising edges, two attributes
    assert struct.unpack_from("=IIQQ", request, 320) == (1, 0, 0x114, 2)  # flags of the second line
    assert struct.unpack_from("=IIQQ", request, 344) == (3, 0, 5000, 3)  # debounce of both
    assert struct.unpack_from("=II", request, 560) == (2, 256)
    assert not any(request[300:320])
    assert not any(request[368:560])
    assert not any(request[568:592])


def test_outputs_are_asked_for_as_off() -> None:
    kernel = Recorder()
    Chip.open(kernel, "/dev/gpiochip0").request([(1, Flag.OUTPUT), (2, Flag.OUTPUT)])
    assert struct.unpack_from("=IIQQ", kernel.asked[1][1], 320) == (2, 0, 0, 3)


def test_the_newest_edges_number_says_how_many_there_were() -> None:
    kernel = Recorder(events=event(9, 1, 1) + event(10, 2, 1) + event(9, 300, 298))
    lines = Chip.open(kernel, "/dev/gpiochip0").request([(9, Flag.INPUT), (10, Flag.INPUT)])
    assert lines.edges() == (298, 1)
    assert lines.edges_forgotten == 297
    assert lines.edges() == (298, 1)


def test_a_flood_of_edges_does_not_hold_the_program() -> None:
    kernel = Recorder(events=b"".join(event(9, number, number) for number in range(1, 6001)))
    lines = Chip.open(kernel, "/dev/gpiochip0").request([(9, Flag.INPUT)])
    assert lines.edges() == (4096,)
    assert lines.edges() == (6000,)


@pytest.mark.parametrize(
    ("number", "error", "why"),
    [
        (errno.EBUSY, LinkLostError, "in use by another"),
        (errno.EINVAL, SetupError, "cannot be had"),
        (errno.ENODEV, SetupError, "need lines that can interrupt"),
        (errno.EIO, LinkLostError, "went away"),
    ],
)
def test_a_request_that_fails_says_whether_to_try_again(number: int, error: type[Exception], why: str) -> None:
    chip = Chip.open(Recorder(fails=number), "/dev/gpiochip0")
    with pytest.raises(error, match=why):
        chip.request([(1, Flag.INPUT | Flag.EDGE_RISING)])


def test_what_is_no_chip_is_said_by_the_real_kernel() -> None:
    with pytest.raises(LinkLostError, match="cannot be opened"):
        Chip.open(Kernel(), "/dev/no-such-chip")
    before = descriptors()
    with pytest.raises(SetupError, match="no GPIO chip"):
        Chip.open(Kernel(), "/dev/null")
    assert descriptors() == before


def test_the_real_kernels_read_never_waits() -> None:
    reading, writing = os.pipe()
    try:
        assert Kernel().read(reading, 48) == b""
        os.write(writing, b"x")
        assert Kernel().read(reading, 48) == b"x"
    finally:
        Kernel().close(reading)
        os.close(writing)
