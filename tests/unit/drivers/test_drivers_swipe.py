"""The Elyctis command set: frames, noise, arming, and the reader that goes away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from fakes.stories import told_to
from fakes.swipe_unit import PAGE, SwipeUnit, frame

from drivers.links import Link
from drivers.reader.swipe import (
    ARM_AGAIN_S,
    ARMS_UNANSWERED_MAX,
    ElyctisSwipe,
    Letter,
    ScannerFrame,
    ScannerIdentity,
    decode,
    encode,
    mrz_lines,
)
from gate_contract.links import OneByteAtATime
from gate_contract.virtual_time import in_virtual_time, run_virtual
from gate_core.errors import BadFrameError, LinkLostError, NoReplyError
from gate_core.ports.memory_link import memory_pair


def test_frames_are_the_command_sets_examples() -> None:
    assert encode(ScannerFrame(Letter.MRZ)) == bytes.fromhex("49 00 00")
    assert encode(ScannerFrame(Letter.ONE_LINE_MRZ)) == bytes.fromhex("4C 00 00")
    assert encode(ScannerFrame(Letter.CONTINUOUS, b"\x01")) == bytes.fromhex("43 00 01 01")
    assert encode(ScannerFrame(Letter.CONTINUOUS, b"\x00")) == bytes.fromhex("43 00 01 00")
    assert encode(ScannerFrame(Letter.VERSION)) == bytes.fromhex("56 00 00")
    assert encode(ScannerFrame(Letter.SERIAL_NUMBER)) == bytes.fromhex("52 00 00")


@pytest.mark.parametrize("end", ["\r", "\r\n"])
def test_the_lines_of_a_page_come_out_whatever_ends_them(end: str) -> None:
    wire = frame(b"I", end.join((*PAGE, "")).encode())
    found, used = decode(wire + b"tail")
    assert used == len(wire)
    assert found is not None
    assert mrz_lines(found) == PAGE


def test_a_frame_never_shows_what_it_carries() -> None:
    shown = repr(ScannerFrame(Letter.MRZ, "\r".join(PAGE).encode()))
    assert shown == "ScannerFrame(MRZ, 89 bytes)"


def test_an_unfinished_frame_asks_for_more() -> None:
    wire = frame(b"I", "\r".join(PAGE).encode())
    for cut in range(len(wire)):
        assert decode(wire[:cut]) == (None, 0)


@pytest.mark.parametrize(
    "wire",
    [b"X\x00\x00", b"I\x02", b"I\x00\xff", b"C\x00\x02", b"C\x00\x01\x07", b"V\x01", b"I\x00\x05AB\x80", b"L\x00\x2f"],
)
def test_bytes_that_can_never_become_a_frame_are_refused_as_soon_as_they_show(wire: bytes) -> None:
    with pytest.raises(BadFrameError):
        decode(wire)


Wrap = Callable[[Link], Link]


@contextlib.asynccontextmanager
async def swipe_reader(unit: SwipeUnit, wrap: Wrap = lambda link: link) -> AsyncIterator[ElyctisSwipe]:
    async with asyncio.TaskGroup() as tasks:

        async def open_link() -> Link:
            near, far = memory_pair()
            tasks.create_task(unit.serve(far))
            return wrap(near)

        reader = ElyctisSwipe(open_link=open_link)
        try:
            yield reader
        finally:
            reader.close()


def with_reader(
    story: Callable[[ElyctisSwipe, SwipeUnit], Awaitable[None]],
    unit: SwipeUnit | None = None,
    *,
    wrap: Wrap = lambda link: link,
) -> None:
    async def run() -> None:
        made = unit or SwipeUnit()
        async with swipe_reader(made, wrap) as reader:
            await reader.connect()
            await asyncio.sleep(0.01)
            await story(reader, made)

    run_virtual(run())


@told_to(with_reader)
async def test_connecting_asks_who_is_there_and_arms(reader: ElyctisSwipe, unit: SwipeUnit) -> None:
    assert reader.identity == ScannerIdentity("SCANNER 1.7", "0042")
    assert unit.asked == [b"V", b"R", b"C"]
    assert unit.armed


@in_virtual_time
async def test_a_reader_that_says_nothing_is_no_reply_after_three_questions() -> None:
    unit = SwipeUnit(mute=True)
    async with swipe_reader(unit) as reader:
        with pytest.raises(NoReplyError):
            await reader.connect()
        assert unit.asked == [b"V"] * 3
        with pytest.raises(LinkLostError, match="not connected"):
            await reader.next_lines()


@pytest.mark.parametrize("wrap", [lambda link: link, OneByteAtATime])
def test_every_page_is_read_and_the_reader_is_armed_again(wrap: Wrap) -> None:
    async def story(reader: ElyctisSwipe, unit: SwipeUnit) -> None:
        for serial_number in range(3):
            await unit.put_down((PAGE[0], f"{serial_number:<<44}"))
            page = await reader.next_lines()
            assert page.lines == (PAGE[0], f"{serial_number:<<44}")
            assert page.source == "elyctis"
            await asyncio.sleep(0.01)
            assert unit.armed

    with_reader(story, wrap=wrap)


@told_to(with_reader)
async def test_a_page_that_could_not_be_read_is_passed_over_and_the_reader_armed_again(
    reader: ElyctisSwipe, unit: SwipeUnit
) -> None:
    waiting = asyncio.create_task(reader.next_lines())
    await unit.put_down(())
    await asyncio.sleep(0.01)
    assert unit.armed
    await unit.put_down()
    assert (await waiting).lines == PAGE


@told_to(with_reader)
async def test_a_lost_arming_command_is_made_good(reader: ElyctisSwipe, unit: SwipeUnit) -> None:
    unit.armed = False
    waiting = asyncio.create_task(reader.next_lines())
    await asyncio.sleep(ARM_AGAIN_S + 0.1)
    await unit.put_down()
    assert (await waiting).lines == PAGE


@pytest.mark.parametrize(
    "noise",
    [
        b"\x00\xff\x80garbage",
        b"I\x00\x59" + b"A" * 20,
        b"I",
        b"V\x00",
        bytes(range(256)) * 40,
        b"C\x00\x01",
        b"P\x00\x01\x01",
    ],
)
@told_to(with_reader)
async def test_garbage_before_a_page_is_counted_and_never_fatal(
    reader: ElyctisSwipe, unit: SwipeUnit, *, noise: bytes
) -> None:
    waiting = asyncio.create_task(reader.next_lines())
    await asyncio.sleep(0)
    assert unit.link is not None
    for at in range(0, len(noise), 512):
        await unit.link.write(noise[at : at + 512])
        await asyncio.sleep(0.001)
    await asyncio.sleep(6)
    await unit.put_down()
    assert (await waiting).lines == PAGE
    assert reader.bytes_passed_over > 0
    assert len(reader._buffer) == 0


@told_to(with_reader)
async def test_an_unplugged_reader_wakes_the_waiter_and_connecting_recovers(
    reader: ElyctisSwipe, unit: SwipeUnit
) -> None:
    waiting = asyncio.create_task(reader.next_lines())
    await asyncio.sleep(1)
    assert unit.link is not None
    unit.link.close()
    with pytest.raises(LinkLostError):
        await waiting
    await reader.connect()
    await asyncio.sleep(0.01)
    await unit.put_down()
    assert (await reader.next_lines()).lines == PAGE


@told_to(with_reader)
async def test_a_reader_unplugged_while_a_page_waits_is_lost_when_it_is_armed_again(
    reader: ElyctisSwipe, unit: SwipeUnit
) -> None:
    await unit.put_down()
    assert unit.link is not None
    unit.link.close()
    with pytest.raises(LinkLostError):
        await reader.next_lines()


@told_to(with_reader)
async def test_a_page_survives_a_waiter_that_gave_up(reader: ElyctisSwipe, unit: SwipeUnit) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await reader.next_lines()
    await unit.put_down()
    assert (await reader.next_lines()).lines == PAGE


@told_to(with_reader, SwipeUnit(before_answers=frame(b"I", b"OLD\rPAGE\r")))
async def test_a_page_read_while_connecting_is_dropped(reader: ElyctisSwipe, *_: SwipeUnit) -> None:
    waiting = asyncio.create_task(reader.next_lines())
    await asyncio.sleep(1)
    assert not waiting.done()
    waiting.cancel()


@told_to(with_reader)
async def test_a_reader_that_no_longer_answers_is_no_reply_though_its_line_is_up(
    reader: ElyctisSwipe, unit: SwipeUnit
) -> None:
    unit.mute = True
    start_s = asyncio.get_running_loop().time()
    with pytest.raises(NoReplyError, match="no longer"):
        await reader.next_lines()
    took_s = asyncio.get_running_loop().time() - start_s
    assert took_s == pytest.approx((ARMS_UNANSWERED_MAX + 1) * ARM_AGAIN_S, abs=0.1)


@told_to(with_reader)
async def test_a_page_of_one_line_is_a_page(reader: ElyctisSwipe, unit: SwipeUnit) -> None:
    assert unit.link is not None
    await unit.link.write(frame(b"L", b"D1NLD15094111111111111111111\r"))
    assert (await reader.next_lines()).lines == ("D1NLD15094111111111111111111",)
