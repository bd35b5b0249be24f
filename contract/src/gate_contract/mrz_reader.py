"""What every driver of an MRZ reader does, told to what the author's fixture `reader_bench` makes: `from gate_contract.mrz_reader import *`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from gate_core.errors import LinkLostError
from gate_core.ports.drivers import MrzReader

# ICAO 9303-4 appendix B, and -5.
PASSPORT = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
CARD = ("I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<")


@dataclass
class ReaderBench:
    """A driver that is not connected, before a reader without a document, and its cable."""

    reader: MrzReader
    present: Callable[[tuple[str, ...]], None]
    remove: Callable[[], None]
    unplug: Callable[[], None]
    replug: Callable[[], None]


OnReader = Callable[[Callable[[ReaderBench], Awaitable[None]]], None]


def test_one_document_after_another_is_read_and_its_source_named(on_reader: OnReader) -> None:
    async def story(bench: ReaderBench) -> None:
        await bench.reader.connect()
        for lines in (PASSPORT, CARD, PASSPORT):
            bench.present(lines)
            read = await bench.reader.next_lines()
            bench.remove()
            assert (read.lines, read.source) == (lines, bench.reader.source)
            assert lines[0] not in repr(read)

    on_reader(story)


def test_a_document_that_stays_is_one_presentation(on_reader: OnReader) -> None:
    async def story(bench: ReaderBench) -> None:
        await bench.reader.connect()
        bench.present(PASSPORT)
        await bench.reader.next_lines()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await bench.reader.next_lines()

    on_reader(story)


def test_a_pulled_cable_wakes_who_waits_and_connecting_recovers(on_reader: OnReader) -> None:
    async def story(bench: ReaderBench) -> None:
        await bench.reader.connect()
        waiting = asyncio.ensure_future(bench.reader.next_lines())
        await asyncio.sleep(0.1)
        bench.unplug()
        with pytest.raises(LinkLostError):
            await waiting
        with pytest.raises(LinkLostError):
            await bench.reader.connect()
        bench.replug()
        await bench.reader.connect()
        bench.present(CARD)
        assert (await bench.reader.next_lines()).lines == CARD

    on_reader(story)


def test_a_check_says_what_was_found_and_lets_the_line_go(on_reader: OnReader) -> None:
    async def story(bench: ReaderBench) -> None:
        assert await bench.reader.check()
        with pytest.raises(LinkLostError):
            await bench.reader.next_lines()

    on_reader(story)
