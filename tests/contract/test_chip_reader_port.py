"""What every chip reader does, whatever carries its commands: PC/SC before a card service in memory, and the direct link."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from fakes.direct_slot import DirectSlot
from fakes.scard import FakeScard

from drivers.reader.direct import DirectReader
from drivers.reader.pcsc import PcscReader
from gate_core.errors import CardGoneError, LinkLostError, NoReplyError

SELECT = bytes.fromhex("00A4040C07A0000002471001")


@dataclass
class Desk:
    """A reader and the hand that lays documents on it."""

    reader: PcscReader | DirectReader
    insert: Callable[[], None]
    remove: Callable[[], None]
    stop: Callable[[], Awaitable[None]]
    restart: Callable[[], Awaitable[None]]
    answers: Callable[[bytes], None]


def _pcsc() -> Desk:
    service = FakeScard()

    async def stop() -> None:
        service.stop()

    async def restart() -> None:
        service.up = True

    return Desk(
        reader=PcscReader("Virtual", None, scard=service),
        insert=service.insert,
        remove=service.remove,
        stop=stop,
        restart=restart,
        answers=lambda answer: setattr(service, "answer", answer),
    )


async def _direct(folder: Path) -> Desk:
    slot = DirectSlot(folder / "apdu.sock")
    await slot.start()
    return Desk(
        reader=DirectReader(slot.path),
        insert=lambda: setattr(slot, "card", True),
        remove=lambda: setattr(slot, "card", False),
        stop=slot.stop,
        restart=slot.start,
        answers=lambda answer: setattr(slot, "answer", answer),
    )


@contextlib.asynccontextmanager
async def standing(kind: str, folder: Path) -> AsyncIterator[Desk]:
    made = _pcsc() if kind == "pcsc" else await _direct(folder)
    try:
        async with asyncio.timeout(10):
            yield made
    finally:
        await made.reader.close()
        await made.stop()


@pytest.mark.parametrize("kind", ["pcsc", "direct"])
async def test_a_card_that_comes_is_powered_and_answers_commands(kind: str, tmp_path: Path) -> None:
    async with standing(kind, tmp_path) as desk:
        waiting = asyncio.create_task(desk.reader.wait_for_card(5))
        await asyncio.sleep(0)
        desk.insert()
        await waiting
        assert desk.reader.present
        assert await desk.reader.transmit(SELECT) == b"\x90\x00"


@pytest.mark.parametrize("kind", ["pcsc", "direct"])
async def test_no_card_in_time_is_no_reply(kind: str, tmp_path: Path) -> None:
    async with standing(kind, tmp_path) as desk:
        with pytest.raises(NoReplyError):
            await desk.reader.wait_for_card(0.05)
        assert not desk.reader.present


@pytest.mark.parametrize("kind", ["pcsc", "direct"])
async def test_a_card_taken_away_is_gone_at_the_next_command_and_another_one_works(kind: str, tmp_path: Path) -> None:
    async with standing(kind, tmp_path) as desk:
        desk.insert()
        await desk.reader.wait_for_card(5)
        desk.remove()
        for _ in range(2):
            with pytest.raises(CardGoneError):
                await desk.reader.transmit(SELECT)
        desk.insert()
        await desk.reader.wait_for_card(5)
        assert await desk.reader.transmit(SELECT) == b"\x90\x00"


@pytest.mark.parametrize("kind", ["pcsc", "direct"])
async def test_a_removal_is_waited_for_while_commands_go_on(kind: str, tmp_path: Path) -> None:
    async with standing(kind, tmp_path) as desk:
        desk.insert()
        await desk.reader.wait_for_card(5)
        waiting = asyncio.create_task(desk.reader.wait_for_removal())
        for _ in range(10):
            await desk.reader.transmit(SELECT)
            await asyncio.sleep(0.01)
        assert not waiting.done()
        desk.remove()
        await waiting
        assert not desk.reader.present


@pytest.mark.parametrize("kind", ["pcsc", "direct"])
async def test_a_card_that_was_let_go_is_not_spoken_to(kind: str, tmp_path: Path) -> None:
    async with standing(kind, tmp_path) as desk:
        desk.insert()
        await desk.reader.wait_for_card(5)
        await desk.reader.disconnect()
        with pytest.raises(CardGoneError):
            await desk.reader.transmit(SELECT)
        await desk.reader.wait_for_card(5)
        assert await desk.reader.transmit(SELECT) == b"\x90\x00"


@pytest.mark.parametrize("kind", ["pcsc", "direct"])
async def test_a_service_that_went_away_is_a_lost_link_and_is_found_again(kind: str, tmp_path: Path) -> None:
    async with standing(kind, tmp_path) as desk:
        desk.insert()
        await desk.reader.wait_for_card(5)
        waiting = asyncio.create_task(desk.reader.wait_for_removal())
        await asyncio.sleep(0)
        await desk.stop()
        with pytest.raises(LinkLostError):
            await desk.reader.transmit(SELECT)
        with pytest.raises(LinkLostError):
            await waiting
        with pytest.raises(LinkLostError):
            await desk.reader.wait_for_card(1)
        await desk.reader.disconnect()
        await desk.restart()
        await desk.reader.wait_for_card(5)
        assert await desk.reader.transmit(SELECT) == b"\x90\x00"


@pytest.mark.parametrize("kind", ["pcsc", "direct"])
async def test_the_longest_response_comes_through(kind: str, tmp_path: Path) -> None:
    async with standing(kind, tmp_path) as desk:
        desk.insert()
        await desk.reader.wait_for_card(5)
        desk.answers(bytes(65_536) + b"\x90\x00")
        assert len(await desk.reader.transmit(SELECT)) == 65_538


@pytest.mark.parametrize("kind", ["pcsc", "direct"])
@pytest.mark.parametrize("command", [b"", b"\x00\xa4\x04", bytes(65_546)])
async def test_what_is_no_command_is_a_value_error_and_not_sent(kind: str, tmp_path: Path, command: bytes) -> None:
    async with standing(kind, tmp_path) as desk:
        desk.insert()
        await desk.reader.wait_for_card(5)
        with pytest.raises(ValueError, match="command of"):
            await desk.reader.transmit(command)
