"""The simulated GPIO chip keeps to the kernel's rules, whoever asks; and the turnstile's contacts close and open with what happens to it."""

from __future__ import annotations

import errno
import struct

import pytest
from fakes.gpio_chip import GpioChip
from fakes.gpio_turnstile import ALARM, DETECTOR, FIRE_LOOP, LABEL, LINES, PASS_A, READY, Turnstile

GET_LINE, GET_VALUES, SET_VALUES = 0xC250B407, 0xC010B40E, 0xC010B40F
LOW, INPUT, OUTPUT, RISING, FALLING, UP = 2, 4, 8, 16, 32, 256


class Time:
    now_s = 10.0

    def __call__(self) -> float:
        return self.now_s


def made(*, keeps_outputs: bool = False) -> tuple[GpioChip, Time]:
    time = Time()
    return GpioChip("/dev/chip", label="test", lines=8, clock=time, keeps_outputs=keeps_outputs), time


def request(
    *offsets: int, flags: int, attributes: tuple[tuple[int, int, int], ...] = (), room: int = 0, padding: int = 0
) -> bytearray:
    """A struct gpio_v2_line_request."""
    packed = b"".join(struct.pack("=IIQQ", kind, 0, value, mask) for kind, value, mask in attributes)
    return bytearray(
        struct.pack("=64I", *offsets, *[0] * (64 - len(offsets)))
        + b"test".ljust(32, b"\0")
        + struct.pack("=QI5I", flags, len(attributes), padding, 0, 0, 0, 0)
        + packed.ljust(240, b"\0")
        + struct.pack("=II5Ii", len(offsets), room, 0, 0, 0, 0, 0, 0)
    )


def take(chip: GpioChip, asked: bytearray) -> int:
    chip.ioctl(chip.open("/dev/chip"), GET_LINE, asked)
    (descriptor,) = struct.unpack_from("=i", asked, 588)
    return int(descriptor)


def get(chip: GpioChip, lines: int, mask: int = 0xFF) -> int:
    argument = bytearray(struct.pack("=QQ", 0, mask))
    chip.ioctl(lines, GET_VALUES, argument)
    return int(struct.unpack("=QQ", argument)[0])


def put(chip: GpioChip, lines: int, bits: int, mask: int = 0xFF) -> None:
    chip.ioctl(lines, SET_VALUES, bytearray(struct.pack("=QQ", bits, mask)))


def refused(chip: GpioChip, asked: bytearray) -> int:
    with pytest.raises(OSError, match=r"\[Errno") as raised:
        take(chip, asked)
    assert raised.value.errno is not None
    return raised.value.errno


@pytest.mark.parametrize(
    "asked",
    [
        request(8, flags=INPUT),
        request(flags=INPUT),
        request(1, flags=INPUT | OUTPUT),
        request(1, flags=0),
        request(1, flags=OUTPUT | RISING),
        request(1, flags=INPUT | UP | 512),
        request(1, flags=INPUT | 1 << 40),
        request(1, flags=INPUT, padding=1),
        request(1, flags=INPUT, attributes=((7, 0, 1),)),
        request(1, flags=INPUT, attributes=((3, 100, 0),)),
        request(1, flags=OUTPUT, attributes=((3, 100, 1),)),
    ],
)
def test_what_the_kernel_refuses_is_refused(asked: bytearray) -> None:
    assert refused(made()[0], asked) == errno.EINVAL


def test_a_line_has_one_owner_until_it_is_let_go() -> None:
    chip, _ = made()
    lines = take(chip, request(1, 2, flags=INPUT))
    assert refused(chip, request(2, flags=INPUT)) == errno.EBUSY
    assert refused(chip, request(3, 3, flags=INPUT)) == errno.EBUSY
    chip.close(lines)
    take(chip, request(2, flags=INPUT))


def test_outputs_begin_as_asked_for_read_back_and_only_they_can_be_set() -> None:
    chip, _ = made()
    lines = take(chip, request(0, 1, 2, flags=OUTPUT, attributes=((1, OUTPUT | LOW, 2), (2, 4, 7))))
    assert [chip.level(line) for line in range(3)] == [False, True, True]
    assert get(chip, lines) == 4
    put(chip, lines, 0b011, mask=0b011)
    assert [chip.level(line) for line in range(3)] == [True, False, True]
    assert get(chip, lines, mask=0b110) == 0b110
    inputs = take(chip, request(5, flags=INPUT))
    for call, number in ((lambda: put(chip, inputs, 1), errno.EPERM), (lambda: get(chip, inputs, 0), errno.EINVAL)):
        with pytest.raises(OSError, match=r"\[Errno") as raised:
            call()
        assert raised.value.errno == number


@pytest.mark.parametrize("keeps_outputs", [True, False])
def test_an_output_that_is_let_go_is_as_the_chip_has_it(keeps_outputs: bool) -> None:  # noqa: FBT001
    chip, _ = made(keeps_outputs=keeps_outputs)
    lines = take(chip, request(0, flags=OUTPUT, attributes=((2, 1, 1),)))
    chip.close(lines)
    assert chip.level(0) is keeps_outputs


def test_edges_are_numbered_and_the_oldest_forgotten() -> None:
    chip, _ = made()
    lines = take(chip, request(3, 4, flags=INPUT | RISING | UP, attributes=((1, INPUT | RISING | LOW | UP, 1),)))
    for _ in range(20):
        chip.drive(3, False)
        chip.drive(3, None)
        chip.drive(4, False)
        chip.drive(4, True)
    events = [struct.unpack("=QIIII24x", chip.read(lines, 48)) for _ in range(32)]
    assert chip.read(lines, 48) == b""
    assert [event[3] for event in events] == list(range(9, 41))
    assert events[-1][1:] == (1, 4, 40, 20)
    assert events[-2][1:] == (1, 3, 39, 20)


def test_a_debounced_line_changes_when_it_has_been_quiet_for_so_long() -> None:
    chip, time = made()
    lines = take(chip, request(3, flags=INPUT | RISING, attributes=((3, 5000, 1),)))
    for wait_s in (0.002, 0.002, 0.002, 0.002):
        chip.drive(3, not chip.level(3))
        time.now_s += wait_s
    chip.drive(3, True)
    time.now_s += 0.004
    assert get(chip, lines) == 0
    time.now_s += 0.002
    assert get(chip, lines) == 1
    assert len(chip.read(lines, 480)) == 48


def test_a_chip_that_is_gone_says_so_to_every_call() -> None:
    chip, _ = made()
    lines = take(chip, request(3, flags=INPUT))
    chip.unplug()
    for call in (lambda: get(chip, lines), lambda: chip.read(lines, 48), lambda: chip.open("/dev/chip")):
        with pytest.raises(OSError, match=r"No such"):
            call()
    chip.close(lines)


def test_the_turnstiles_contacts_tell_what_happens_to_it() -> None:
    told: list[str] = []
    turnstile = Turnstile(lambda event, **_: told.append(event))
    chip = GpioChip(
        "/dev/chip",
        label=LABEL,
        lines=LINES,
        clock=Time(),
        on_output=lambda line, high: turnstile.switched(line, high=high),
    )
    turnstile.wire(chip)
    take(chip, request(READY, PASS_A, DETECTOR, FIRE_LOOP, ALARM, flags=INPUT | UP))
    outputs = take(chip, request(0, 1, 2, 4, 5, flags=OUTPUT))
    now_ms = 1000.0

    def closed(*broken: bool, steps: int = 1) -> set[int]:
        nonlocal now_ms
        for _ in range(steps):
            now_ms += 10
            turnstile.step(now_ms, broken or (False, False, False))
        return {line for line in (READY, PASS_A, DETECTOR, FIRE_LOOP, ALARM) if not chip.level(line)}

    assert closed() == {READY, FIRE_LOOP}
    put(chip, outputs, 0b01001)
    assert turnstile.lamp == 1
    closed(steps=30)
    put(chip, outputs, 0)
    assert closed(steps=100) == {FIRE_LOOP}
    assert closed(True, False, False) == {FIRE_LOOP, DETECTOR}
    closed(True, True, False)
    closed(False, True, True)
    assert PASS_A in closed(False, False, True)
    assert closed(steps=200) == {READY, FIRE_LOOP}
    turnstile.gate.fire = turnstile.gate.motor_fault = True
    assert closed() == {ALARM}
