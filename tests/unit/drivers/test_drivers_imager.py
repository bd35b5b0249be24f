"""Imagers: set up by commands that they echo, triggered again and again, and bare text that is an MRZ or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from fakes.stories import told_to

from drivers.links import Link
from drivers.reader.imager import ATTEMPTS_MAX, Imager, Text
from drivers.reader.profile import ImagerProfile, load_profile
from gate_contract.links import OneByteAtATime
from gate_contract.virtual_time import run_virtual
from gate_core.errors import LinkLostError, NoReplyError, RefusedError
from gate_core.ports.memory_link import memory_pair

PASSPORT = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
TRIGGER = b"\x16T\r"


@dataclass
class Unit:
    """A Xenon in memory, written from docs/protocols/readers.md alone."""

    status: bytes = b"\x06"
    deaf_to: int = 0
    wrong_echo: bytes = b""
    heard: list[bytes] = field(default_factory=list)
    triggers: int = 0
    link: Link | None = None

    async def say(self, said: bytes) -> None:
        assert self.link is not None
        await self.link.write(said)

    async def mrz(self, lines: tuple[str, ...] = PASSPORT, end: str = "\r") -> None:
        await self.say("".join(line + end for line in lines).encode())

    async def serve(self, link: Link) -> None:
        self.link = link
        heard = b""
        try:
            while True:
                heard += await link.read(64)
                while heard.startswith((TRIGGER, b"\x16U\r")):
                    self.triggers += heard.startswith(TRIGGER)
                    heard = heard[3:]
                while heard.startswith(b"\x16M\r") and b"!" in heard:
                    command, _, heard = heard[3:].partition(b"!")
                    self.heard.append(command)
                    if self.deaf_to:
                        self.deaf_to -= 1
                        continue
                    await link.write(self.wrong_echo + command.upper() + self.status + b"!")
                    while heard.startswith(TRIGGER):
                        self.triggers += 1
                        heard = heard[3:]
        except LinkLostError:
            return


def with_imager(
    story: Callable[[Imager, Unit], Awaitable[None]], unit: Unit | None = None, *, one_by_one: bool = False
) -> None:
    async def run() -> None:
        made = unit or Unit()
        profile = load_profile("honeywell")
        assert isinstance(profile, ImagerProfile)
        async with asyncio.TaskGroup() as tasks:

            async def open_link() -> Link:
                near, far = memory_pair()
                tasks.create_task(made.serve(far))
                return OneByteAtATime(near) if one_by_one else near

            imager = Imager(profile, source="honeywell", open_link=open_link)
            try:
                await story(imager, made)
            finally:
                imager.close()

    run_virtual(run())


@pytest.mark.parametrize("one_by_one", [False, True])
def test_connecting_sets_it_up_for_travel_documents_and_pulls_the_trigger(one_by_one: bool) -> None:  # noqa: FBT001
    async def story(imager: Imager, unit: Unit) -> None:
        await imager.connect()
        await asyncio.sleep(0.01)
        assert unit.heard == [b"allena0", b"ocrena1", b"ocrats2"]
        assert unit.triggers == 1

    with_imager(story, one_by_one=one_by_one)


@told_to(with_imager, Unit(deaf_to=2))
async def test_a_command_that_was_lost_is_sent_again(imager: Imager, unit: Unit) -> None:
    await imager.connect()
    assert unit.heard == [b"allena0"] * 2 + [b"allena0", b"ocrena1", b"ocrats2"]


@told_to(with_imager, Unit(deaf_to=99))
async def test_an_imager_that_says_nothing_is_no_reply(imager: Imager, unit: Unit) -> None:
    with pytest.raises(NoReplyError):
        await imager.connect()
    assert unit.heard == [b"allena0"] * ATTEMPTS_MAX
    with pytest.raises(LinkLostError, match="not connected"):
        await imager.next_lines()


@pytest.mark.parametrize("status", [b"\x05", b"\x15"])
def test_an_imager_without_ocr_refuses(status: bytes) -> None:
    async def story(imager: Imager, *_: Unit) -> None:
        with pytest.raises(RefusedError, match="allena0"):
            await imager.connect()

    with_imager(story, Unit(status=status))


@told_to(with_imager, Unit(status=b"?\x06"))
async def test_a_status_without_its_echo_is_nobodys_answer(imager: Imager, *_: Unit) -> None:
    with pytest.raises(NoReplyError):
        await imager.connect()


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
@told_to(with_imager)
async def test_an_mrz_is_read_and_the_trigger_pulled_again_and_again(imager: Imager, unit: Unit, *, end: str) -> None:
    await imager.connect()
    waiting = asyncio.create_task(imager.next_lines())
    await asyncio.sleep(5.5)
    assert unit.triggers == 6
    await unit.mrz(end=end)
    page = await waiting
    assert (page.lines, page.source) == (PASSPORT, "honeywell")


@pytest.mark.parametrize("said", [b"4006381333931\r", b"P<UTOERIKSSON<<ANNA\r", b"!\x06;;\r\n", bytes(range(256)) * 9])
@told_to(with_imager)
async def test_what_is_no_mrz_is_passed_over(imager: Imager, unit: Unit, *, said: bytes) -> None:
    await imager.connect()
    waiting = asyncio.create_task(imager.next_lines())
    await unit.say(said)
    await asyncio.sleep(1)
    await unit.mrz()
    assert (await waiting).lines == PASSPORT
    assert imager.bytes_passed_over == sum(
        byte >= 0x7F or byte < 0x20 for byte in said if byte not in b"\r\n\x05\x06\x15"
    )


@told_to(with_imager)
async def test_a_document_that_stays_is_told_once_and_told_anew_when_it_comes_back(imager: Imager, unit: Unit) -> None:
    await imager.connect()
    await unit.mrz()
    assert (await imager.next_lines()).lines == PASSPORT
    waiting = asyncio.create_task(imager.next_lines())
    for _ in range(5):
        await unit.mrz()
        await asyncio.sleep(1)
    assert not waiting.done()
    await asyncio.sleep(3)
    await unit.mrz()
    assert (await waiting).lines == PASSPORT


@told_to(with_imager)
async def test_an_unplugged_imager_wakes_the_waiter(imager: Imager, unit: Unit) -> None:
    await imager.connect()
    waiting = asyncio.create_task(imager.next_lines())
    await asyncio.sleep(0.1)
    assert unit.link is not None
    unit.link.close()
    with pytest.raises(LinkLostError):
        await waiting


def test_text_never_shows_what_it_carries() -> None:
    assert repr(Text(PASSPORT[0])) == "Text(44 characters)"
