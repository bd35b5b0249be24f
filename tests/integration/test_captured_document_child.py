"""A real document child that a hostile chip has taken over: what it can do to the lane, and what it still reaches."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from document_fakes.inspections import NOW
from document_fakes.sample_passports import utopia
from fakes.roots import search_path

from drivers.reader.settings import Direct
from gate.channel import document_messages
from gate.programs.children import confine
from gate.programs.children.child_handle import WORDS_BYTES_MAX, WORDS_PIECES_MAX, ChildLostError, Process
from gate.programs.lane.list_renewal import DocumentChild
from gate.trust.list_import import import_sources
from gate.trust.sources import read_source
from hardware_sim.chip.direct import DirectSlot

ROOT = Path(__file__).parents[2]
DEADLINE_S = 15.0
HELD_MAX_S = 0.5  # of processor time: a message of 4 MiB, decoded, held the loop for more than a second


@pytest.fixture
def lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The lists, in a folder where a simulated chip reader is, too."""
    monkeypatch.setenv("PYTHONPATH", search_path())
    path = tmp_path / "trust.sqlite"
    sources = [read_source(name, data) for name, data in utopia().csca_files().items()]
    import_sources(path, sources, signer=None, test=True, now=NOW)
    slot = DirectSlot(tmp_path / "apdu")
    yield path
    slot.stop()


@contextlib.asynccontextmanager
async def captured(lists: Path, deed: str) -> AsyncIterator[DocumentChild]:
    """A child that does this with its crossing."""
    prepare = document_messages.PrepareDocument(
        Direct(socket=str(lists.parent / "apdu")).spelt(), str(lists), service=False
    )
    child: DocumentChild = await Process.start("fakes.captured_child", prepare, incoming=document_messages.FromDocument)
    try:
        await child.send(
            document_messages.ReadDocument(deed, [], clock_sure=True, page=None, lines=False, portrait=False)
        )
        yield child
    finally:
        await child.end()


async def found_by(child: DocumentChild) -> str:
    """What it says of its deed."""
    async with asyncio.timeout(DEADLINE_S):
        message = await child.receive()
    assert isinstance(message, document_messages.DocumentJudged)
    return message.evidence.checks[0].reason


@pytest.mark.skipif(confine.landlock_version() == 0, reason="only Landlock closes files to read")
async def test_it_reads_no_file_where_the_lane_was_started_in_the_root_folder_as_in_service(
    lists: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    async with captured(lists, "read") as child:
        assert await found_by(child) == "EACCES"


async def test_it_cannot_hold_the_lane_with_a_message_that_takes_long_to_decode(lists: Path) -> None:
    async with captured(lists, "flood") as child:
        before_s = time.thread_time()
        with pytest.raises(ChildLostError, match="exceeds"):
            await found_by(child)
        assert time.thread_time() - before_s < HELD_MAX_S


async def test_it_is_lost_when_it_says_a_second_time_that_it_is_prepared(lists: Path) -> None:
    async with captured(lists, "again") as child:
        with pytest.raises(ChildLostError, match="a second time"):
            await found_by(child)


async def test_only_the_beginning_of_what_it_writes_to_its_standard_error_is_logged_and_nothing_waits_for_it(
    lists: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with captured(lists, "chatter") as child:
        assert await found_by(child) == "EPIPE"
    said = [vars(record)["text"] for record in caplog.records if record.message == "child_said"]
    assert said[0].startswith("a stranger's words?[2J")
    assert sum(map(len, said)) <= WORDS_BYTES_MAX
    assert len(said) <= WORDS_PIECES_MAX


def standard_error_of(process: int | str) -> str:
    return str(Path(f"/proc/{process}/fd/2").readlink())


async def test_it_does_not_share_the_lanes_standard_error(lists: Path) -> None:
    async with captured(lists, "read") as child:
        assert standard_error_of(child.pid).startswith("pipe:")
        assert standard_error_of(child.pid) != standard_error_of("self")
