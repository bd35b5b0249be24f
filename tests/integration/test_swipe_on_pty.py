"""The swipe reader's driver on the simulator's paced pseudo-terminal."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drivers.links import SerialLink
from drivers.reader.swipe import ElyctisSwipe, Letter
from gate_core.errors import LinkLostError
from hardware_sim.pty import LineFaults, SerialLine
from hardware_sim.readers.elyctis import ElyctisReader

PAGE = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
CARD = ("I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<")


@contextlib.asynccontextmanager
async def desk(folder: Path, *, baud: int = 115200) -> AsyncIterator[tuple[ElyctisSwipe, ElyctisReader, SerialLine]]:
    device = ElyctisReader()
    line = SerialLine(folder / "swipe", device, baud=baud, seed=1)
    line.start()
    driver = ElyctisSwipe(open_link=lambda: SerialLink.open(str(line.path), baud))
    try:
        async with asyncio.timeout(20):
            yield driver, device, line
    finally:
        driver.close()
        line.stop()


@pytest.mark.parametrize("baud", [115200, 9600])
async def test_one_document_after_another_is_read_once_each(tmp_path: Path, baud: int) -> None:
    async with desk(tmp_path, baud=baud) as (driver, device, _):
        await driver.connect()
        assert driver.identity is not None
        assert driver.identity.version == "IDBOX-SIM 1.7"
        for lines in (PAGE, CARD, PAGE):
            device.insert(lines)
            assert (await driver.next_lines()).lines == lines
            device.remove()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await driver.next_lines()


async def test_a_reader_pulled_out_is_lost_and_works_again_when_it_is_back(tmp_path: Path) -> None:
    async with desk(tmp_path) as (driver, device, line):
        await driver.connect()
        waiting = asyncio.create_task(driver.next_lines())
        await asyncio.sleep(0.05)
        await asyncio.to_thread(line.unplug)
        with pytest.raises(LinkLostError):
            await waiting
        with pytest.raises(LinkLostError):
            await driver.connect()
        await asyncio.to_thread(line.replug)
        await driver.connect()
        device.insert(PAGE)
        assert (await driver.next_lines()).lines == PAGE


async def test_garbage_on_the_line_does_not_stop_the_reader(tmp_path: Path) -> None:
    async with desk(tmp_path) as (driver, device, line):
        await driver.connect()
        await asyncio.sleep(0.1)  # until the arming command has arrived
        line.faults = LineFaults(garbage=0.5)
        device.insert(PAGE)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await driver.next_lines()
        line.faults = LineFaults()
        device.insert(CARD)
        while (await driver.next_lines()).lines != CARD:
            pass
        assert driver.bytes_passed_over > 0


async def test_it_can_be_asked_what_it_is_and_what_lies_on_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as (driver, device, _):
        await driver.connect()
        assert await driver.inquire(Letter.OCR_VERSION) == "OCR-SIM 1.0"
        assert await driver.inquire(Letter.PRODUCT) == "ID BOX One (simulated)"
        assert await driver.lines_now() is None
        for lines in (PAGE, ("D1NLD15094111111111111111111",)):
            device.insert(lines)
            assert (await driver.next_lines()).lines == lines
            read = await driver.lines_now()
            assert read is not None
            assert read.lines == lines
            device.remove()
