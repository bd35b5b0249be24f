"""What every reader of machine-readable zones does, each driver with its simulator on a paced pseudo-terminal.

The kinds of one test run side by side: they wait for their lines' time, not for the processor.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from drivers.reader import imager, swipe
from drivers.reader.settings import MrzReaderSettings
from gate.programs.shared.devices.mrz_readers import find_reader, mrz_reader, profile_of
from gate_core.errors import LinkLostError, NoReplyError, SetupError
from gate_core.ports.drivers import MrzReader
from hardware_sim.pty import LineFaults, SerialLine
from hardware_sim.readers.device import Fault, ReaderDevice
from hardware_sim.readers.kinds import KINDS

PASSPORT = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
CARD = ("I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<")
SMALL_CARD = ("I<UTOSTEVENSON<<PETER<<<<<<<<<<<<<<<", "D231458907UTO3407127M9507122<<<<<<<2")
ANSWERING = ("elyctis", "honeywell", "scan-engine")
TALKING = ("rte-native", "stx-plain", "text")


@dataclass
class Desk:
    driver: MrzReader
    device: ReaderDevice
    line: SerialLine

    async def reads(self, lines: tuple[str, ...]) -> str:
        """Put a document on the reader, see that exactly its lines come, and take it away; returns their source."""
        self.device.insert(lines)
        read = await self.driver.next_lines()
        self.device.remove()
        assert read.lines == lines
        return read.source


@contextlib.asynccontextmanager
async def desk(folder: Path, kind: str, **more: int) -> AsyncIterator[Desk]:
    settings: dict[str, Any] = {**KINDS[kind].settings(), **more}
    device = KINDS[kind].make(1)
    line = SerialLine(folder / "swipe", device, baud=settings["baud"], seed=1)
    line.start()
    driver = mrz_reader(msgspec.convert({"port": str(line.path), **settings}, MrzReaderSettings))
    try:
        async with asyncio.timeout(30):
            yield Desk(driver, device, line)
    finally:
        driver.close()
        line.stop()


async def everywhere(
    folder: Path, story: Callable[[Desk, str], Awaitable[None]], kinds: Iterable[str] = tuple(KINDS)
) -> None:
    """Play a story with each kind of reader."""

    async def play(kind: str) -> None:
        (folder / kind).mkdir()
        try:
            async with desk(folder / kind, kind) as at:
                await story(at, kind)
        except BaseException as error:
            error.add_note(f"kind of reader: {kind}")
            raise

    async with asyncio.TaskGroup() as tasks:
        for kind in kinds:
            tasks.create_task(play(kind))


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulators answer at once, so nobody need wait a second for those that never will."""
    for module in (swipe, imager):
        monkeypatch.setattr(module, "ANSWER_DEADLINE_S", 0.15)


async def test_one_document_after_another_is_read_and_its_source_named(tmp_path: Path) -> None:
    async def story(at: Desk, kind: str) -> None:
        await at.driver.connect()
        for lines in (PASSPORT, CARD, SMALL_CARD, PASSPORT):
            source = await at.reads(lines)
            assert source == at.driver.source == (KINDS[kind].profile or KINDS[kind].driver)

    await everywhere(tmp_path, story)


async def test_a_document_that_stays_is_one_presentation(tmp_path: Path) -> None:
    async def story(at: Desk, _kind: str) -> None:
        await at.driver.connect()
        at.device.insert(PASSPORT)
        assert (await at.driver.next_lines()).lines == PASSPORT
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await at.driver.next_lines()
        at.device.insert(CARD)
        assert (await at.driver.next_lines()).lines == CARD

    await everywhere(tmp_path, story)


async def test_a_waiter_that_gave_up_loses_no_document(tmp_path: Path) -> None:
    async def story(at: Desk, _kind: str) -> None:
        await at.driver.connect()
        at.device.insert(PASSPORT)
        read = None
        while read is None:  # gives up again and again, also in the middle of a reading
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.01):
                    read = await at.driver.next_lines()
        assert read.lines == PASSPORT

    await everywhere(tmp_path, story)


async def test_a_reader_pulled_out_is_lost_and_works_again_when_it_is_back(tmp_path: Path) -> None:
    async def story(at: Desk, _kind: str) -> None:
        with pytest.raises(LinkLostError):
            await at.driver.next_lines()
        await at.driver.connect()
        waiting = asyncio.create_task(at.driver.next_lines())
        await asyncio.sleep(0.05)
        await asyncio.to_thread(at.line.unplug)
        with pytest.raises(LinkLostError):
            await waiting
        with pytest.raises(LinkLostError):
            await at.driver.connect()
        await asyncio.to_thread(at.line.replug)
        await at.driver.connect()
        await at.reads(PASSPORT)

    await everywhere(tmp_path, story)


@pytest.mark.parametrize("fault", [Fault.GARBAGE, Fault.DROPPED_BYTE, Fault.TRUNCATED, Fault.WRONG_CHECK])
async def test_after_a_spoilt_reading_the_next_is_right(tmp_path: Path, fault: Fault) -> None:
    """A spoilt reading is dropped or, where the protocol has no check, comes shorter than it was; nothing is invented."""

    async def story(at: Desk, _kind: str) -> None:
        await at.driver.connect()
        at.device.break_with(fault)
        at.device.insert(CARD)
        with contextlib.suppress(TimeoutError, SetupError):
            async with asyncio.timeout(1.0):
                await at.driver.next_lines()
        at.device.break_with(None)
        at.device.insert(PASSPORT)
        read = await at.driver.next_lines()
        while read.lines != PASSPORT:
            assert read.lines == CARD or len("".join(read.lines)) < len("".join(CARD))
            read = await at.driver.next_lines()

    await everywhere(tmp_path, story, [kind for kind, made in KINDS.items() if fault in made.make(0).faults])


async def test_a_double_reading_is_one_presentation(tmp_path: Path) -> None:
    async def story(at: Desk, _kind: str) -> None:
        await at.driver.connect()
        at.device.break_with(Fault.DOUBLE_READ)
        at.device.insert(PASSPORT)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.5):
                assert (await at.driver.next_lines()).lines == PASSPORT
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await at.driver.next_lines()

    await everywhere(tmp_path, story)


@pytest.mark.usefixtures("short_waits")
async def test_a_reader_that_can_be_asked_is_missed_when_it_says_nothing(tmp_path: Path) -> None:
    async def story(at: Desk, _kind: str) -> None:
        at.device.break_with(Fault.SILENT)
        with pytest.raises(NoReplyError):
            await at.driver.connect()

    await everywhere(tmp_path, story, ANSWERING)


async def test_a_keyboard_of_another_layout_is_a_matter_for_the_technician(tmp_path: Path) -> None:
    async with desk(tmp_path, "keyboard") as at:
        await at.driver.connect()
        at.device.break_with(Fault.WRONG_KEYMAP)
        at.device.insert(PASSPORT)
        with pytest.raises(SetupError, match="keyboard layout"):
            await at.driver.next_lines()


@pytest.mark.parametrize("baud", [115200, 9600])
async def test_an_elyctis_can_be_asked_what_it_is_and_what_lies_on_it(tmp_path: Path, baud: int) -> None:
    async with desk(tmp_path, "elyctis", baud=baud) as at:
        await at.driver.connect()
        assert isinstance(at.driver, swipe.ElyctisSwipe)
        assert at.driver.identity == swipe.ScannerIdentity("IDBOX-SIM 1.7", "SIM00000001")
        assert await at.driver.inquire(swipe.Letter.OCR_VERSION) == "OCR-SIM 1.0"
        assert await at.driver.inquire(swipe.Letter.PRODUCT) == "ID BOX One (simulated)"
        assert await at.driver.lines_now() is None
        for lines in (PASSPORT, ("D1NLD15094111111111111111111",)):
            at.device.insert(lines)
            assert (await at.driver.next_lines()).lines == lines
            read = await at.driver.lines_now()
            assert read is not None
            assert read.lines == lines
            at.device.remove()
        at.line.faults = LineFaults(garbage=0.5)
        at.device.insert(PASSPORT)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await at.driver.next_lines()
        at.line.faults = LineFaults()
        at.device.insert(CARD)
        while (await at.driver.next_lines()).lines != CARD:
            pass
        assert at.driver.bytes_passed_over > 0


@pytest.mark.usefixtures("short_waits")
async def test_a_reader_that_can_be_asked_is_found_by_its_answer(tmp_path: Path) -> None:
    async def story(at: Desk, kind: str) -> None:
        found = await find_reader(str(at.line.path), listen_s=0.2)
        assert found is not None
        assert (found.settings.driver, profile_of(found.settings) or "") == (KINDS[kind].driver, KINDS[kind].profile)
        assert "answers" in found.detail

    await everywhere(tmp_path, story, ANSWERING)


@pytest.mark.usefixtures("short_waits")
async def test_a_reader_that_only_talks_is_found_by_its_first_document(tmp_path: Path) -> None:
    async def story(at: Desk, kind: str) -> None:
        async def swipe_again_and_again() -> None:
            while True:
                at.device.insert(PASSPORT)
                await asyncio.sleep(0.5)

        swiping = asyncio.create_task(swipe_again_and_again())
        found = await find_reader(str(at.line.path), listen_s=3.0)
        swiping.cancel()
        assert found is not None
        assert (found.settings.driver, profile_of(found.settings) or "") == (KINDS[kind].driver, KINDS[kind].profile)

    await everywhere(tmp_path, story, TALKING)


@pytest.mark.usefixtures("short_waits")
async def test_nothing_is_found_where_nothing_is_said(tmp_path: Path) -> None:
    async with desk(tmp_path, "text") as at:
        assert await find_reader(str(at.line.path), listen_s=0.2) is None
