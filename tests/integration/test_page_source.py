"""The page source's real child, before a simulated document camera and at a vendor's folder."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable
from datetime import date
from pathlib import Path
from typing import Any, TypeVar, cast

import cv2
import msgspec
import numpy as np
import pytest

from drivers.reader.settings import PageCamera, PageFolder, PageSettings
from gate.channel import vision_messages
from gate.channel.errors import ChannelClosedError
from gate.picture import decode
from gate.programs.children import fd_passing, portraits
from gate.programs.vision.page_source import Pages
from gate_core.evidence.crossing import CheckResult
from gate_core.evidence.names import PageCheckId
from gate_core.evidence.screen import Guidance
from gate_core.settings.toml_file import Contradictions
from hardware_sim.page.placement import Manner, PlacedPage
from hardware_sim.page.printing import Page, Size
from hardware_sim.page.scanner import PageScanner
from hardware_sim.passport import mrz

DEADLINE_S = 30.0
Wanted = TypeVar("Wanted")

LINES = mrz.lines(
    issuer="UTO",
    surname="ERIKSSON",
    given="ANNA MARIA",
    number="L898902C3",
    nationality="UTO",
    birth=date(1990, 8, 12),
    sex="F",
    expiry=date(2030, 4, 15),
)
OVAL = cv2.ellipse(np.full((480, 360, 3), 210, np.uint8), (180, 230), (90, 130), 0, 0, 360, (120, 140, 190), -1)
PASSPORT = Page(Size.TD3, LINES, cv2.imencode(".jpg", OVAL)[1].tobytes())


class Lane:
    """A lane's end: what it was told, in order."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[vision_messages.FromPage] = asyncio.Queue()
        self.hung_up = False

    async def send(self, message: vision_messages.FromPage) -> None:
        await asyncio.sleep(0)
        if self.hung_up:
            raise ChannelClosedError("gone")
        # What the real channel would let through.
        self.told.put_nowait(msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=vision_messages.FromPage))

    async def next(self, kind: type[Wanted], *, also: Callable[[Any], bool] = lambda _: True) -> Wanted:
        """The next message of that kind; others are skipped."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                message = await self.told.get()
                if isinstance(message, kind) and also(message):
                    return message


@contextlib.asynccontextmanager
async def watching(settings: PageSettings) -> AsyncIterator[tuple[Pages, Lane]]:
    pages, lane = Pages(settings, models="a folder that is not there"), Lane()
    await pages.show_to(cast("Any", lane))
    keeping = asyncio.ensure_future(pages.keep())
    try:
        yield pages, lane
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        assert children() == []


def children() -> list[int]:
    """The page source's children of this test's process."""
    mine = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            parent = int((entry / "stat").read_text().rpartition(") ")[2].split()[1])
            if parent == os.getpid() and b"page_source_child" in (entry / "cmdline").read_bytes():
                mine.append(int(entry.name))
    return mine


@pytest.fixture
def scanner() -> Any:
    camera = PageScanner()
    camera.start()
    yield camera
    camera.stop()


async def lines_of(pages: Pages, page: int) -> list[list[str]]:
    """The lines of a page, as a document child gets them."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with theirs:
        pages.hand_lines(page, theirs)
    return await fd_passing.receive_lines(ours)


async def portrait_of(pages: Pages, page: int) -> portraits.SentPortrait | None:
    """The printed portrait of a page, as the face child gets it."""
    end = pages.printed_portrait(page)
    assert end is not None
    end.setblocking(False)
    return await portraits.receive(end)


def seen_by(scanner: PageScanner) -> PageSettings:
    return PageCamera(address=scanner.address)


async def test_a_page_is_read_its_portrait_waits_for_the_crossing_and_it_is_gone_when_taken(
    scanner: PageScanner,
) -> None:
    async with watching(seen_by(scanner)) as (pages, lane):
        await lane.next(vision_messages.PageSource)
        assert pages.state == "up"
        scanner.insert(PlacedPage(PASSPORT))
        read = await lane.next(vision_messages.PageRead)
        assert (read.page, read.source, read.format) == (1, "camera", "TD3")
        assert not read.accepted, "nothing changed between the frames: the chip is to confirm it"
        assert (await lines_of(pages, read.page))[0] == list(LINES)
        found = {finding.id: finding.result for finding in read.findings}
        assert found[PageCheckId.MRZ_PITCH_EVEN] is CheckResult.SUCCESSFUL
        assert await portrait_of(pages, 7) is None, "of another page"
        portrait = await portrait_of(pages, read.page)
        assert portrait is not None
        assert decode(bytes(portrait.image)).shape[0] > 100
        assert await portrait_of(pages, read.page) is None, "once"
        scanner.remove()
        assert await lane.next(vision_messages.PageStatus) == vision_messages.PageStatus(1, gone=True)


async def test_a_portrait_that_no_crossing_takes_is_dropped_with_the_page(scanner: PageScanner) -> None:
    async with watching(seen_by(scanner)) as (pages, lane):
        await lane.next(vision_messages.PageSource)
        scanner.insert(PlacedPage(PASSPORT))
        read = await lane.next(vision_messages.PageRead)
        scanner.remove()
        assert (await lane.next(vision_messages.PageStatus)).gone
        assert await portrait_of(pages, read.page) is None
        assert await lines_of(pages, read.page) == []


async def test_the_traveller_is_told_to_turn_a_page_that_lies_across_and_to_open_a_closed_passport(
    scanner: PageScanner,
) -> None:
    async with watching(seen_by(scanner)) as (pages, lane):
        await lane.next(vision_messages.PageSource)
        scanner.insert(PlacedPage(PASSPORT, Manner.FACE_DOWN))
        await lane.next(vision_messages.PageHint, also=lambda hint: hint.guidance is Guidance.PAGE_OPEN)
        scanner.insert(PlacedPage(PASSPORT, Manner.SIDEWAYS))
        await lane.next(vision_messages.PageHint, also=lambda hint: hint.guidance is Guidance.PAGE_TURN)
        scanner.insert(PlacedPage(PASSPORT))
        read = await lane.next(vision_messages.PageRead)
        assert (await lines_of(pages, read.page))[0] == list(LINES)


async def test_a_camera_that_goes_is_told_once_and_had_back(scanner: PageScanner) -> None:
    async with watching(seen_by(scanner)) as (pages, lane):
        await lane.next(vision_messages.PageSource)
        scanner.stop()
        lost = await lane.next(vision_messages.PageSource)
        assert pages.state == lost.lost
        late = Lane()
        await pages.show_to(cast("Any", late))
        assert await late.next(vision_messages.PageSource) == lost, "who comes later is told what is known"
        scanner.start()
        await lane.next(vision_messages.PageSource)
        scanner.insert(PlacedPage(PASSPORT))
        assert (await lane.next(vision_messages.PageRead)).page == 1


async def test_a_child_that_is_killed_is_replaced_and_pages_count_on(scanner: PageScanner) -> None:
    async with watching(seen_by(scanner)) as (_, lane):
        await lane.next(vision_messages.PageSource)
        scanner.insert(PlacedPage(PASSPORT))
        assert (await lane.next(vision_messages.PageRead)).page == 1
        (child,) = children()
        os.kill(child, signal.SIGKILL)
        assert "lost" in str((await lane.next(vision_messages.PageSource)).lost)
        await lane.next(vision_messages.PageSource)
        assert (await lane.next(vision_messages.PageRead)).page == 2


async def test_a_lane_that_is_gone_disturbs_nobody(scanner: PageScanner) -> None:
    async with watching(seen_by(scanner)) as (pages, lane):
        gone = Lane()
        gone.hung_up = True
        pages._lanes.add(cast("Any", gone))
        await lane.next(vision_messages.PageSource)
        pages.forget(cast("Any", gone))


def test_an_address_that_is_none_is_a_setting_that_is_refused() -> None:
    with pytest.raises(Contradictions, match="no network camera's address"):
        PageCamera(address="telnet://192.0.2.7")


async def test_a_vendors_pictures_are_read_with_its_verdicts_and_are_doubtful_alone(tmp_path: Path) -> None:
    async with watching(PageFolder(path=str(tmp_path))) as (pages, lane):
        await lane.next(vision_messages.PageSource)
        verdicts = {
            "schema": "page-verdicts/1",
            "reader": "ACME Pages 3",
            "verdicts": [{"check": "b900_ink", "result": "failed", "score": 0.2, "false_alarm_rate": 0.01}],
        }
        dropped = threading.Thread(target=drop, args=(tmp_path, verdicts))
        dropped.start()
        read = await lane.next(vision_messages.PageRead)
        dropped.join()
        assert (read.source, read.accepted) == ("folder", False)
        assert (await lines_of(pages, read.page))[0] == list(LINES)
        b900 = next(finding for finding in read.findings if finding.id is PageCheckId.B900_INK)
        assert (b900.result, b900.false_alarm_rate, b900.measured_on) == (CheckResult.FAILED, 0.01, "ACME Pages 3")
        (tmp_path / "removed").touch()
        assert await lane.next(vision_messages.PageStatus) == vision_messages.PageStatus(read.page, gone=True)
        assert os.listdir(tmp_path) == [], "no page stays on the disk"  # noqa: PTH208 - names are enough


async def test_a_file_that_is_no_picture_is_passed_over(tmp_path: Path) -> None:
    async with watching(PageFolder(path=str(tmp_path))) as (pages, lane):
        await lane.next(vision_messages.PageSource)
        (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff" + b"nonsense" * 40)
        async with asyncio.timeout(DEADLINE_S):
            while os.listdir(tmp_path):  # noqa: ASYNC110, PTH208 - a folder has no event
                await asyncio.sleep(0.05)
        drop(tmp_path, None)
        read = await lane.next(vision_messages.PageRead)
        assert (await lines_of(pages, read.page))[0] == list(LINES)


def drop(folder: Path, verdicts: dict[str, Any] | None) -> None:
    if verdicts is not None:
        (folder / "page.json").write_bytes(msgspec.json.encode(verdicts))
    jpeg = cv2.imencode(".jpg", PlacedPage(PASSPORT).picture(0))[1].tobytes()
    (folder / ".page").write_bytes(jpeg)
    (folder / ".page").rename(folder / "page.jpg")
