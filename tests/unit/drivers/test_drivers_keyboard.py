"""The keyboard wedge: the kernel's events, the US layout, a wedge told from a person, and another layout found out."""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.links import Link
from drivers.reader import keyboard
from drivers.reader.keyboard import InputDevice, InputEvent, KeyboardWedge, Typed, Typing, decode, mrz_of
from gate_contract.links import OneByteAtATime
from gate_contract.virtual_time import run_virtual
from gate_core.errors import BadFrameError, LinkLostError, SetupError
from gate_core.ports.memory_link import MemoryLink, memory_pair

PASSPORT = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
SHIFT, COMMA, LESS, ENTER, CAPS_LOCK, LEFT_CONTROL = 42, 51, 86, 28, 58, 29
PLACES = {  # linux/input-event-codes.h
    **{digit: 1 + number for number, digit in enumerate("1234567890", 1)},
    **{letter: 16 + number for number, letter in enumerate("QWERTYUIOP")},
    **{letter: 30 + number for number, letter in enumerate("ASDFGHJKL")},
    **{letter: 44 + number for number, letter in enumerate("ZXCVBNM")},
}
Change = tuple[int, int, int]  # type, code, value


def press(code: int, *, shifted: bool = False) -> list[Change]:
    keys = [(1, code, 1), (0, 0, 0), (1, code, 0), (0, 0, 0)]
    return [(1, SHIFT, 1), *keys, (1, SHIFT, 0)] if shifted else keys


def key(character: str, *, less: int | None = None) -> list[Change]:
    if character == "<":
        return press(COMMA, shifted=True) if less is None else press(less)
    return press(ENTER) if character == "\n" else press(PLACES[character], shifted=character.isalpha())


def wire(strokes: Iterable[list[Change]], *, interval_ms: float = 5.0, from_ms: float = 1_000.0) -> bytes:
    events = b""
    for number, changes in enumerate(strokes):
        at_us = int((from_ms + number * interval_ms) * 1000)
        for change in changes:
            events += struct.pack("=qqHHi", at_us // 1_000_000, at_us % 1_000_000, *change)
    return events


def typed_on(strokes: Iterable[list[Change]], **pace: float) -> Typed:
    events, typing = wire(strokes, **pace), Typing()
    for at in range(0, len(events), 24):
        event, used = decode(events[at : at + 24])
        assert event is not None
        assert used == 24
        assert typing.take(event) is None
    return typing.finish()


def mrz(lines: tuple[str, ...] = PASSPORT, *, less: int | None = None) -> list[list[Change]]:
    return [key(character, less=less) for character in "".join(line + "\n" for line in lines)]


# ── events ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_event_is_what_the_kernels_header_says() -> None:
    at = bytes.fromhex("0200000000000000 0300000000000000 0100 1e00 01000000")
    assert decode(at + b"tail") == (InputEvent(2_000_003, 1, 30, 1), 24)
    assert decode(at[:23]) == (None, 0)
    assert repr(InputEvent(2_000_003, 1, 30, 1)) == "InputEvent(type=1)"


@pytest.mark.parametrize(
    "event",
    [
        struct.pack("=qqHHi", -1, 0, 0, 0, 0),
        struct.pack("=qqHHi", 1 << 32, 0, 0, 0, 0),
        struct.pack("=qqHHi", 1, 1_000_000, 0, 0, 0),
        struct.pack("=qqHHi", 1, 0, 0, 4, 0),
        struct.pack("=qqHHi", 1, 0, 0, 0, 2),
        struct.pack("=qqHHi", 1, 0, 32, 0, 0),
        struct.pack("=qqHHi", 1, 0, 1, 0x300, 0),
        struct.pack("=qqHHi", 1, 0, 1, 30, 3),
    ],
)
def test_what_no_keyboard_sends_is_refused(event: bytes) -> None:
    with pytest.raises(BadFrameError):
        decode(event)


@given(noise=st.binary(max_size=64))
def test_noise_is_an_event_an_error_or_too_little(noise: bytes) -> None:
    try:
        event, used = decode(noise)
    except BadFrameError:
        return
    assert used == (24 if event is not None else 0)


# ── what was typed ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_wedge_types_an_mrz() -> None:
    typed = typed_on(mrz())
    assert typed.lines == PASSPORT
    assert typed.by_a_wedge
    assert mrz_of(typed) == PASSPORT
    assert repr(typed) == "Typed(2 lines, 5 ms a character)"


def test_letters_count_whatever_shift_and_caps_lock_say_and_the_number_block_too() -> None:
    strokes = [press(CAPS_LOCK), press(PLACES["A"]), press(PLACES["B"], shifted=True), press(LEFT_CONTROL)]
    strokes += [press(82), press(79), press(73)]
    assert typed_on(strokes).lines == ("AB019",)


def test_a_held_key_counts_once() -> None:
    held = [(1, PLACES["A"], 1), *[(1, PLACES["A"], 2)] * 5, (1, PLACES["A"], 0)]
    assert typed_on([held]).lines == ("A",)


@pytest.mark.parametrize("strange", [press(LESS), press(COMMA), press(PLACES["1"], shifted=True), press(39)])
def test_a_key_that_no_mrz_holds_is_marked(strange: list[Change]) -> None:
    assert typed_on([key("A"), strange]).lines == ("A?",)


def test_a_person_is_no_wedge_however_patient() -> None:
    typed = typed_on(mrz(), interval_ms=110.0)
    assert typed.lines == PASSPORT
    assert not typed.by_a_wedge
    assert mrz_of(typed) is None


@pytest.mark.parametrize("interval_ms", [1.0, 30.0, 50.0])
def test_quick_and_slow_wedges_are_wedges(interval_ms: float) -> None:
    assert mrz_of(typed_on(mrz(), interval_ms=interval_ms)) == PASSPORT


@pytest.mark.parametrize("less", [LESS, COMMA, 39])
def test_fillers_on_another_key_show_another_layout(less: int) -> None:
    with pytest.raises(SetupError, match="keyboard layout"):
        mrz_of(typed_on(mrz(less=less)))


@pytest.mark.parametrize(
    "strokes",
    [
        pytest.param([key(digit) for digit in "4006381333931\n"], id="bar code"),
        pytest.param([key(digit) for digit in "1" * 70 + "\n"], id="long bar code"),
        pytest.param(mrz((PASSPORT[0], PASSPORT[1][:-1])), id="a key was lost"),
        pytest.param(mrz(PASSPORT * 3), id="six lines"),
        pytest.param([key("<")], id="one key"),
    ],
)
def test_what_is_no_mrz_is_passed_over(strokes: list[list[Change]]) -> None:
    assert mrz_of(typed_on(strokes)) is None


def test_a_burst_is_bounded() -> None:
    typed = typed_on([key("A")] * 1000)
    assert sum(map(len, typed.lines)) == 256


def test_events_that_the_kernel_lost_spoil_their_burst() -> None:
    strokes = mrz()
    strokes.insert(40, [(0, 3, 0)])
    assert mrz_of(typed_on(strokes)) is None


# ── the driver ───────────────────────────────────────────────────────────────────────────────────────────────────────


def with_wedge(story: Callable[[KeyboardWedge, MemoryLink], Awaitable[None]], *, one_by_one: bool = False) -> None:
    async def run() -> None:
        near, far = memory_pair()
        link: Link = OneByteAtATime(near) if one_by_one else near

        async def open_link() -> Link:
            return link

        wedge = KeyboardWedge(open_link=open_link)
        await wedge.connect()
        await story(wedge, far)
        wedge.close()

    run_virtual(run())


async def type_on(far: MemoryLink, events: bytes) -> None:
    for at in range(0, len(events), 480):
        await far.write(events[at : at + 480])
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("one_by_one", [False, True])
def test_an_mrz_is_read_when_the_wedge_pauses(one_by_one: bool) -> None:  # noqa: FBT001 - both lines
    async def story(wedge: KeyboardWedge, far: MemoryLink) -> None:
        waiting = asyncio.create_task(wedge.next_lines())
        await type_on(far, b"\xff" * 5 + wire(mrz()))
        page = await waiting
        assert (page.lines, page.source) == (PASSPORT, "keyboard")
        assert wedge.bytes_passed_over == 5

    with_wedge(story, one_by_one=one_by_one)


def test_two_bursts_that_arrive_together_stay_two() -> None:
    async def story(wedge: KeyboardWedge, far: MemoryLink) -> None:
        card = ("I<UTOSTEVENSON<<PETER<<<<<<<<<<<<<<<", "D231458907UTO3407127M9507122<<<<<<<2")
        waiting = asyncio.create_task(wedge.next_lines())
        await type_on(far, wire([key("A")] * 5) + wire(mrz(card), from_ms=2_000))
        assert (await waiting).lines == card

    with_wedge(story)


# ── the device ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("what", ["file", "null", "absent"])
async def test_only_an_input_device_is_opened(tmp_path: Path, what: str) -> None:
    (tmp_path / "file").touch()
    path = "/dev/null" if what == "null" else str(tmp_path / what)
    with pytest.raises(LinkLostError if what == "absent" else SetupError):
        await InputDevice.open(path)


async def test_a_device_that_another_has_grabbed_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """/dev/null stands for a device here: it takes no grab, as one that is taken does not."""
    monkeypatch.setattr(keyboard, "INPUT_MAJOR", os.major(os.stat("/dev/null").st_rdev))  # noqa: PTH116
    with pytest.raises(LinkLostError, match="grabbed"):
        await InputDevice.open("/dev/null")


async def test_a_device_gives_its_events_and_wakes_its_waiter_when_it_goes() -> None:
    reading, writing = os.pipe2(os.O_NONBLOCK)
    device = InputDevice(reading, "wedge")
    waiting = asyncio.create_task(device.read(256))
    await asyncio.sleep(0)
    events = wire([key("A")])
    os.write(writing, events)
    assert await waiting == events
    os.write(writing, events)
    device.discard()
    with pytest.raises(LinkLostError, match="takes no bytes"):
        await device.write(b"x")
    waiting = asyncio.create_task(device.read(256))
    await asyncio.sleep(0)
    os.close(writing)
    with pytest.raises(LinkLostError, match="no data"):
        await waiting
    device.close()
    device.close()
    with pytest.raises(LinkLostError, match="closed"):
        await device.read(1)


async def test_closing_a_device_wakes_its_waiter() -> None:
    reading, writing = os.pipe2(os.O_NONBLOCK)
    device = InputDevice(reading, "wedge")
    waiting = asyncio.create_task(device.read(256))
    await asyncio.sleep(0)
    device.close()
    with pytest.raises(LinkLostError, match="closed"):
        await waiting
    os.close(writing)


async def test_a_device_that_was_unplugged_is_lost(tmp_path: Path) -> None:
    device = InputDevice(os.open(tmp_path, os.O_RDONLY), "wedge")  # reading a folder fails, as ENODEV does
    with pytest.raises(LinkLostError, match="went away"):
        await device.read(1)
    os.close(device._fd)
