"""Whatever noise comes first, the next document is read: every reader, and a line that gives one byte at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.links import Link
from drivers.reader import text_wedge
from drivers.reader.framed import OpenLink, TalkingReader
from drivers.reader.keyboard import KeyboardWedge
from drivers.reader.profile import StxProfile, load_profile
from drivers.reader.stx import StxDecoder
from gate_contract.links import OneByteAtATime
from gate_contract.virtual_time import run_virtual
from gate_core.ports.drivers import MrzReader
from gate_core.ports.memory_link import MemoryLink, memory_pair
from hardware_sim.readers.kinds import cr100_text, rte_native, stroke, stx_plain

PASSPORT = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
Make = Callable[[OpenLink], MrzReader]


def stx(name: str) -> Make:
    profile = load_profile(name)
    assert isinstance(profile, StxProfile)
    return lambda open_link: TalkingReader(StxDecoder(profile), source=name, open_link=open_link)


def typed(lines: tuple[str, ...]) -> bytes:
    characters = "".join(line + "\n" for line in lines)
    return b"".join(stroke(1_000_000.0 + 5.0 * number, character) for number, character in enumerate(characters))


READERS: dict[str, tuple[Make, bytes]] = {
    "rte-native": (stx("rte-native"), rte_native(PASSPORT)),
    "stx-plain": (stx("stx-plain"), stx_plain(PASSPORT)),
    "text": (
        lambda open_link: TalkingReader(text_wedge.decode, source="text", open_link=open_link),
        cr100_text(PASSPORT),
    ),
    "keyboard": (lambda open_link: KeyboardWedge(open_link=open_link), typed(PASSPORT)),
}
BEGINNINGS = (
    b"\x01",
    b"\x01\x5e\x00OU\x02",
    b"\x02",
    b"START\r\nOCR LINE 1: ",
    rte_native(PASSPORT)[:60],
    b"\x16M\r\x06",
)
NOISE = st.lists(st.one_of(st.binary(max_size=80), st.sampled_from(BEGINNINGS)), max_size=4).map(b"".join)


async def say(far: MemoryLink, said: bytes) -> None:
    for at in range(0, len(said), 480):
        await far.write(said[at : at + 480])
        await asyncio.sleep(0.005)


async def reads_after(noise: bytes, kind: str, *, one_by_one: bool) -> tuple[str, ...]:
    near, far = memory_pair()
    link: Link = OneByteAtATime(near) if one_by_one else near

    async def open_link() -> Link:
        return link

    make, wire = READERS[kind]
    reader = make(open_link)
    await reader.connect()
    reading = asyncio.create_task(reader.next_lines())
    await say(far, noise)
    await asyncio.sleep(30)
    await say(far, wire)
    lines = (await reading).lines
    reader.close()
    return lines


@pytest.mark.parametrize("kind", sorted(READERS))
@given(noise=NOISE, one_by_one=st.booleans())
@settings(max_examples=40, deadline=None)
def test_noise_does_not_cost_the_next_document(kind: str, noise: bytes, one_by_one: bool) -> None:  # noqa: FBT001
    assert run_virtual(reads_after(noise, kind, one_by_one=one_by_one)) == PASSPORT
