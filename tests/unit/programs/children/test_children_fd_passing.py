"""Ways between children: addresses, lines, portraits, and the descriptors that lead to them, with whatever may come instead."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.programs.children import descriptors, fd_passing, portraits
from gate.programs.children.descriptors import HANDED_MAX, Handed
from gate.programs.children.portraits import BrokenPortraitError
from gate_contract.virtual_time import run_virtual

LINES = [["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"]]
JPEG = b"\xff\xd8\xff" + bytes(range(256)) * 40


def pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    return ours, theirs


async def read_of(content: bytes) -> portraits.SentPortrait | None:
    ours, theirs = pair()
    with ours:
        ours.sendall(content)
    async with asyncio.timeout(5):
        return await portraits.receive(theirs)


@pytest.mark.parametrize("address", [fd_passing.ToCrossing("a" * 32), fd_passing.OfPage(7)])
async def test_an_address_is_read_and_nothing_after_it(address: fd_passing.Address) -> None:
    ours, theirs = pair()
    with ours, theirs:
        ours.sendall(fd_passing.written(address) + b"what follows")
        assert await fd_passing.address_of(theirs) == address
        assert theirs.recv(100) == b"what follows"


@pytest.mark.parametrize(
    "written",
    [b"", b"crossing", b"x" * 64, b"page one".ljust(64), b"crossing".ljust(64), b"\xff" * 64, b"page -1".ljust(64)],
)
async def test_what_is_no_address_leads_nowhere(written: bytes) -> None:
    ours, theirs = pair()
    with theirs:
        with ours:
            ours.sendall(written)
        assert await fd_passing.address_of(theirs) is None


async def test_lines_arrive_as_they_were_read() -> None:
    ours, theirs = pair()
    sending = asyncio.ensure_future(fd_passing.send_lines(ours, LINES * 2))
    assert await fd_passing.receive_lines(theirs) == LINES * 2
    await sending


def test_lines_that_are_not_complete_in_time_are_none() -> None:
    ours, theirs = pair()
    with ours:
        ours.sendall(b"\x92")
        assert run_virtual(fd_passing.receive_lines(theirs)) == []


@pytest.mark.parametrize("content", [b"", b"\xc1", bytes(4000), b"\x93\x90\x90\x90", b"\x91\x91\xd9\x45" + b"A" * 0x45])
async def test_what_are_no_lines_are_none(content: bytes) -> None:
    ours, theirs = pair()
    with ours:
        ours.sendall(content)
    assert await fd_passing.receive_lines(theirs) == []


@pytest.mark.parametrize("encoding", ["jpeg", "jpeg2000"])
async def test_a_portrait_arrives_whole_and_shows_itself_nowhere(encoding: str) -> None:
    ours, theirs = pair()
    sending = asyncio.ensure_future(portraits.send(ours, encoding, JPEG))
    sent = await portraits.receive(theirs)
    await sending
    assert sent is not None
    assert (sent.encoding, bytes(sent.image)) == (encoding, JPEG)
    assert "\\xff" not in repr(sent)


async def test_who_hangs_up_without_a_portrait_sent_none() -> None:
    assert await read_of(b"") is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x01", "head"),
        (b"\x03\x00\x00\x00\x01x", "head"),
        (b"\x01" + (portraits.BYTES_MAX + 1).to_bytes(4, "big"), "head"),
        (b"\x01\x00\x00\x00\x09short", "incomplete"),
    ],
)
async def test_what_is_no_portrait_is_told_from_none(content: bytes, reason: str) -> None:
    with pytest.raises(BrokenPortraitError, match=reason):
        await read_of(content)


def test_a_portrait_that_does_not_go_on_is_broken() -> None:
    ours, theirs = pair()
    with ours:
        ours.sendall(b"\x01\x00\x00\x00\x09half")
        with pytest.raises(BrokenPortraitError, match="not complete"):
            run_virtual(portraits.receive(theirs))


async def test_one_that_is_too_long_is_refused_by_its_head_alone() -> None:
    ours, theirs = pair()
    await portraits.send(ours, "jpeg", bytes(portraits.BYTES_MAX + 1))
    with pytest.raises(BrokenPortraitError, match="head"):
        await portraits.receive(theirs)


@given(content=st.binary(max_size=200))
def test_whatever_comes_is_a_portrait_none_or_broken(content: bytes) -> None:
    try:
        sent = asyncio.run(read_of(content))
    except BrokenPortraitError:
        return
    assert (sent is None) == (content == b"")


# ── descriptors ──────────────────────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def handed() -> AsyncIterator[tuple[socket.socket, Handed]]:
    ours, theirs = descriptors.pair()
    child = Handed(theirs)
    try:
        yield ours, child
    finally:
        ours.close()
        child.close()


async def test_a_descriptor_is_taken_by_its_letter_with_its_number() -> None:
    async with handed() as (way, child), asyncio.timeout(5):
        for label in (b"I12", b"P", b"L7"):
            ours, theirs = socket.socketpair()
            with ours, theirs:
                descriptors.hand(way, label, theirs.fileno())
                ours.sendall(label)
        for letter, number in ((b"L", 7), (b"I", 12), (b"P", 0)):
            found, end = await child.take_numbered(letter)
            with end:
                assert found == number
                assert end.recv(8)[:1] == letter


async def test_more_than_can_wait_are_closed_and_so_is_what_was_never_taken() -> None:
    others = []
    async with handed() as (way, child):
        for _ in range(HANDED_MAX + 1):
            ours, theirs = socket.socketpair()
            with theirs:
                descriptors.hand(way, b"P", theirs.fileno())
            others.append(ours)
        await asyncio.sleep(0.01)
        others[-1].settimeout(5)
        assert others[-1].recv(1) == b"", "one too many is hung up on"
        (await child.take(b"P")).close()
    for ours in others:
        with ours:
            ours.settimeout(5)
            assert ours.recv(1) == b""


async def test_a_parent_that_hangs_up_leaves_nothing_open() -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names are enough
    async with handed() as (way, _):
        way.close()
        await asyncio.sleep(0.01)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def hand_many(way: socket.socket, descriptor: int) -> None:
    for _ in range(10_000):
        descriptors.hand(way, b"P", descriptor)


async def test_a_child_that_takes_nothing_does_not_hold_its_parent_up() -> None:
    ours, theirs = descriptors.pair()
    with ours, theirs, pytest.raises(BlockingIOError):
        hand_many(ours, theirs.fileno())
