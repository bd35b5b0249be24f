"""The process that reads pages: frames of a document camera, or pictures that a vendor's service writes to a folder.

`gate.programs.vision.program` starts it with one end of a socket pair as stdin. A hostile picture can break only this
process: it has no key, dump, trace or core, has limited resources, and ends with its parent. Output: format,
confidence, reasons. Lines go to the document child, the portrait to the face child, over forwarded sockets, and are
then deleted.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import msgspec

from drivers.reader.page import CameraPage, PageEvent, PageSource
from drivers.reader.page_folder import FolderPage
from drivers.reader.settings import PageCamera, PageFolder, PageSettings
from gate.channel import child_messages, vision_messages
from gate.channel.message import words
from gate.channel.sockets import Connection
from gate.page.picture.crosscheck import print_findings
from gate.page.picture.reader import open_recogniser
from gate.page.stream.camera import CameraStream
from gate.page.stream.scanner import ScannerStream
from gate.page.values import Advised, Event, Gone, Read, Recogniser, RecogniserError, Unread, Why
from gate.picture import PICTURE_BYTES_MAX, BadPictureError, decoded, preview
from gate.programs.children import child_runtime, fd_passing, portraits
from gate.programs.children.confine import confine, of_device
from gate.programs.children.descriptors import Handed
from gate.programs.shared.devices.cameras import page_camera
from gate_core.errors import DriverError
from gate_core.evidence.crossing import CheckResult, PageCheck
from gate_core.evidence.names import PageCheckId
from gate_core.evidence.screen import Guidance
from gate_core.ports.values import Frame, PagePresence, PageResult, PageVerdicts
from gate_core.programs.reconnect import Backoff, keep
from gate_core.programs.task_groups import run_until_first_exits

FRAME_EVERY_S = 0.08  # about 12 frames a second
WAIT_S = 0.1
RETRY_S = 1.0
PORTRAIT_WIDTH_MAX = 640
PORTRAIT_BYTES_MAX = 256 * 1024
WRITE_DEADLINE_S = 10.0  # for the face child to take the printed portrait
READINGS_MAX = 2  # tried as the chip's key: a chip slows down with each wrong one

_RESULT_OF: Final = {
    PageResult.PASSED: CheckResult.SUCCESSFUL,
    PageResult.FAILED: CheckResult.FAILED,
    PageResult.UNDETERMINED: CheckResult.UNDETERMINED,
}


def message_of(read: Read, *, source: str, verdicts: PageVerdicts | None) -> vision_messages.PageRead:
    """Return the lane's message for a reading, with all findings about the page."""
    reading = read.reading
    return vision_messages.PageRead(
        page=read.page,
        source=source,
        format=reading.format.value,
        weakest=min(1.0, max(0.0, float(reading.weakest))),
        accepted=read.accepted,
        findings=[*print_findings(reading), *vendors_findings(verdicts)],
    )


def readings_of(read: Read) -> list[list[str]]:
    """Return the different readings, likeliest first, at most READINGS_MAX."""
    unique = dict.fromkeys(tuple(lines) for lines in (read.reading.lines, *read.reading.alternatives))
    return [list(lines) for lines in tuple(unique)[:READINGS_MAX]]


def vendors_findings(verdicts: PageVerdicts | None) -> list[PageCheck]:
    """Return the verdicts of a multispectral reader's service, with its stated rates."""
    if verdicts is None:
        return []
    return [
        PageCheck(
            PageCheckId(one.check.value), _RESULT_OF[one.result], one.score, one.false_alarm_rate, verdicts.reader
        )
        for one in verdicts.verdicts
    ]


def guidance_of(why: Why | None) -> Guidance:
    """Return the guidance for the traveller."""
    match why:
        case None:
            return Guidance.NONE
        case Why.NO_MRZ:
            return Guidance.PAGE_OPEN
        case Why.UPSIDE_DOWN:
            return Guidance.PAGE_TURN
        case Why.TOO_SMALL | Why.BLURRED | Why.UNREADABLE:
            return Guidance.PAGE_FLAT
        case Why.GLARE:
            return Guidance.PAGE_GLARE
        case Why.MOVING:
            return Guidance.PAGE_STILL
        case Why.COVERED:
            return Guidance.PAGE_CLEAR


@dataclass(slots=True, repr=False)
class Kept:
    """The newest page's data, until requested."""

    page: int = 0
    readings: list[list[str]] = field(default_factory=list)
    portrait: bytes | None = None


class Child:
    """One child; `run` serves the parent until it closes the connection."""

    def __init__(self, parent: Connection[child_messages.ToPageChild], handed: Handed) -> None:
        self._parent = parent
        self._handed = handed
        self._kept = Kept()
        self._verdicts: PageVerdicts | None = None
        self._up: bool | None = None
        self._next_page = 1

    async def run(self) -> None:
        """Prepare, then read pages until the parent closes."""
        prepare = await self._parent.receive()
        self._next_page = prepare.first_page
        settings: PageSettings = msgspec.json.decode(prepare.camera, type=PageSettings)
        confine(of_device(settings.reach))
        try:
            recogniser = await asyncio.to_thread(open_recogniser, Path(prepare.models))
        except RecogniserError as error:
            await self._parent.send(child_messages.Unfit(words(error)))
            return
        await self._parent.send(child_messages.Prepared({}))
        looking = self._look(settings, recogniser)
        await run_until_first_exits(self._until_hung_up(), looking, self._give_lines(), self._give_portraits())

    async def _until_hung_up(self) -> None:
        while True:
            await self._parent.receive()

    async def _give_lines(self) -> None:
        """Send the newest page's lines on each socket received for them. Keeps no reference between pages."""
        while True:
            page, end = await self._handed.take_numbered(fd_passing.LINES)
            await _written(fd_passing.send_lines(end, self._taken_readings(page)))

    def _taken_readings(self, page: int) -> list[list[str]]:
        if page != self._kept.page:
            return []
        readings, self._kept.readings = self._kept.readings, []
        return readings

    async def _give_portraits(self) -> None:
        """Send the newest page's portrait on each socket received for it; close the socket if there is none."""
        while True:
            page, end = await self._handed.take_numbered(fd_passing.PAGE_PORTRAIT)
            await self._give_portrait(page, end)

    async def _give_portrait(self, page: int, end: socket.socket) -> None:
        portrait: bytes | None = None
        if page == self._kept.page:
            portrait, self._kept.portrait = self._kept.portrait, None
        if portrait is None:
            end.close()
        else:
            await _written(portraits.send(end, "jpeg", portrait))

    async def _look(self, settings: PageSettings, recogniser: Recogniser) -> None:
        """Read the source, and reopen it when lost. Page numbers continue."""

        async def session() -> None:
            kind = CameraStream if isinstance(settings, PageCamera) else ScannerStream
            eye = kind(recogniser, first_page=self._next_page)
            source = source_for(settings)
            try:
                source.open()
                await self._look_until_lost(source, eye, settings.driver)
            finally:
                source.close()
                self._next_page = eye.next_page

        await keep(session, ending=DriverError, lost=self._lose_source, backoff=Backoff(RETRY_S))

    async def _lose_source(self, error: DriverError) -> None:
        await self._tell_source(up=False, reason=str(error))

    async def _look_until_lost(self, source: PageSource, eye: CameraStream | ScannerStream, driver: str) -> None:
        """Read until the source is lost. Raises DriverError."""
        if isinstance(eye, ScannerStream):
            await self._tell_source(up=True)  # an open folder counts as working
        while True:
            started_s = time.monotonic()
            event = await asyncio.to_thread(source.next_event, wait_s=WAIT_S)
            if event is not None:
                await self._tell_source(up=True)
            for seen in await asyncio.to_thread(self._see, eye, event):
                await self._tell(seen, driver)
            await asyncio.sleep(max(0.0, FRAME_EVERY_S - (time.monotonic() - started_s)))

    def _see(self, eye: CameraStream | ScannerStream, event: PageEvent | None) -> tuple[Event, ...]:
        at_ms = int(time.monotonic() * 1000)
        match event:
            case Frame(pixels=pixels):
                try:
                    return eye.see(pixels, at_ms=at_ms)
                except BadPictureError:
                    return ()  # too small for a page; the source limits the size
            case PageVerdicts():
                self._verdicts = event
            case PagePresence.REMOVED:
                self._verdicts = None
                return eye.removed() if isinstance(eye, ScannerStream) else ()
            case PagePresence.PRESENT | None:
                pass
        return eye.tick(at_ms=at_ms) if isinstance(eye, ScannerStream) else ()

    async def _tell(self, seen: Event, driver: str) -> None:
        match seen:
            case Read(page, _, _, portrait):
                bounds = {"width_max": PORTRAIT_WIDTH_MAX, "bytes_max": PORTRAIT_BYTES_MAX}
                self._kept = Kept(
                    page, readings_of(seen), portrait if portrait is None else preview(portrait, **bounds)
                )
                await self._parent.send(message_of(seen, source=driver, verdicts=self._verdicts))
                self._verdicts = None
            case Unread(page):
                await self._parent.send(vision_messages.PageStatus(page, gone=False))
            case Advised(why):
                await self._parent.send(vision_messages.PageHint(guidance_of(why)))
            case Gone(page):
                self._kept = Kept()
                await self._parent.send(vision_messages.PageStatus(page, gone=True))

    async def _tell_source(self, *, up: bool, reason: str = "") -> None:
        if up is self._up:
            return
        self._up = up
        await self._parent.send(vision_messages.PageSource(None if up else words(reason)))


def source_for(settings: PageSettings) -> PageSource:
    """Return the source, not open: a network or USB camera, or a folder. Raises SetupError."""
    match settings:
        case PageCamera():
            return CameraPage(page_camera(settings))
        case PageFolder():
            return FolderPage(Path(settings.path), decode=decoded, bytes_max=PICTURE_BYTES_MAX)


async def _written(writing: Coroutine[Any, Any, None]) -> None:
    """Run a send with a time limit; a slow or lost receiver gets nothing."""
    with contextlib.suppress(TimeoutError, OSError):
        async with asyncio.timeout(WRITE_DEADLINE_S):
            await writing


def main() -> None:
    """Run the child."""
    cv2.setNumThreads(1)
    child_runtime.run(child_messages.ToPageChild, lambda parent, handed, _: Child(parent, handed).run())


if __name__ == "__main__":
    main()
