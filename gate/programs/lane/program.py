"""The composition root of the lane program: drivers, channels, machine."""

from __future__ import annotations

import asyncio
import secrets
from base64 import b64decode
from datetime import timedelta
from pathlib import Path

from drivers.barrier.modbus.driver import ModbusBarrier
from drivers.barrier.modbus.profile import load_profile
from drivers.errors import DriverError
from drivers.links import SerialLink
from drivers.reader.direct import DirectReader
from drivers.reader.pcsc import PcscReader
from drivers.values import LampColour
from gate.channel import messages
from gate.channel.errors import ChannelError
from gate.document.inspection import Portrait
from gate.orders.challenge import SECRET_BYTES
from gate.passage.events import (
    DocumentRead,
    Event,
    FaceCompared,
    FaceSeen,
    Part,
    PartBack,
    PartLost,
    SiteSeen,
    TrackChange,
    TrackChanged,
    VideoDoubted,
)
from gate.passage.evidence import CameraTrouble, CheckId
from gate.passage.machine import crossing_of
from gate.passage.orders import Outcome
from gate.passage.records import Stopped
from gate.passage.screen import Screen
from gate.programs import clock
from gate.programs.centre import ControlCentre
from gate.programs.config import Config
from gate.programs.lane.clients import LogClient, VisionClient
from gate.programs.lane.desk import Desk
from gate.programs.lane.documents import Documents, PageListener
from gate.programs.lane.engine import Engine
from gate.programs.lane.inspecting import ChipSide, inspect_presented
from gate.programs.lane.officers import Officers
from gate.programs.lane.parts import BarrierKeeper, ChipDriver, SwipeKeeper, watch_removal
from gate.programs.lane.renewal import CurrentLists, update_of
from gate.programs.lane.rules import rules_of, start_of
from gate.programs.readers import mrz_reader
from gate.programs.stages.anchors import RememberingAnchors
from gate.programs.stages.document import unreadable
from gate.programs.stages.face import face_evidence
from gate.programs.status import serve_status

FINGERS: frozenset[int] = frozenset({3})
SITE_LOOK_S = 5.0
LOG_WAIT_S = 0.2
LAST_WORDS_S = 1.0

_LAMPS = {
    Screen.GO: LampColour.GREEN,
    Screen.EMERGENCY: LampColour.GREEN,
    Screen.LOOK: LampColour.AMBER,
    Screen.WAIT: LampColour.AMBER,
}


def chip_reader(config: Config) -> ChipDriver:
    """The configured chip reader."""
    if config.chip.driver == "direct":
        return DirectReader(Path(config.chip.socket))
    return PcscReader(config.chip.reader, socket=config.chip.socket or None)


def barrier(config: Config) -> ModbusBarrier:
    """The configured barrier driver."""
    settings = config.barrier
    return ModbusBarrier(
        open_link=lambda: SerialLink.open(settings.port, settings.baud),
        profile=load_profile(settings.profile),
        baud=settings.baud,
        unit=settings.unit,
        entry_is_left=settings.entry_is_left,
    )


class Lane:
    """One lane, wired."""

    def __init__(self, config: Config, *, lists: CurrentLists, open_crossings: tuple[str, ...]) -> None:
        self._config = config
        self._lists = lists
        self._chip = chip_reader(config)
        # Without a control centre nothing guarded is asked for, and so nothing of the centre.
        self._centre = ControlCentre(Path(config.document.control_centre))
        self._guarded = FINGERS if config.document.control_centre else frozenset()
        self._log = LogClient(config.socket("log"), post=self._post, monotonic_ms=clock.monotonic_ms)
        self._vision = VisionClient(
            config.socket("vision"),
            post=self._post,
            on_message=self._from_vision,
            greeting=messages.WatchPage() if config.page is not None else None,
        )
        self._barrier = BarrierKeeper(barrier(config), post=self._post, poll_s=config.barrier.poll_ms / 1000)
        readers = {SwipeKeeper.NAME: config.swipe, PageListener.NAME: config.page}
        self._documents = Documents(
            readers=frozenset(name for name, settings in readers.items() if settings is not None), post=self._post
        )
        self._swipe = None if config.swipe is None else SwipeKeeper(mrz_reader(config.swipe), self._documents)
        self._page = PageListener(
            self._documents,
            post=self._post,
            idle=lambda: crossing_of(self.engine.state) is None,
            clock_s=lambda: asyncio.get_running_loop().time(),
        )
        self.engine = Engine(
            rules=rules_of(config),
            barrier=self._barrier,
            recorder=self._log,
            start_crossing=self._cross,
            erase=self._erase,
            show=self._show,
            answer=self._answer,
            clock_ms=lambda: asyncio.get_running_loop().time() * 1000,
            purpose=config.purpose,
            open_crossings=open_crossings,
        )
        self._desk = Desk(status=self._status, purpose=config.purpose)
        self._officers = Officers(
            lane=self.engine,
            gate=config.gate_id,
            authority=None if config.officers is None else b64decode(config.officers.authority),
            secret=secrets.token_bytes(SECRET_BYTES),
            clock_ms=lambda: asyncio.get_running_loop().time() * 1000,
            wall_s=self._wall_s,
        )

    async def last_words(self) -> None:
        """Write that the program ends, and let the log take what it has not taken yet."""
        self._log.append(Stopped(), awaited=False)
        await self._log.drain(LAST_WORDS_S)

    async def run(self) -> None:
        """Serve travellers for ever."""
        self._log.append(start_of(self._config, self._lists.store.version), awaited=False)
        try:
            async with (
                serve_status(self._config, "lane", self._status),
                self._desk.serve(self._config.socket("lane")),
                self._officers.serve(self._config.socket("orders")),
                asyncio.TaskGroup() as tasks,
            ):
                tasks.create_task(self.engine.run())
                tasks.create_task(self._log.run())
                tasks.create_task(self._vision.run())
                tasks.create_task(self._barrier.run())
                if self._swipe is not None:
                    tasks.create_task(self._swipe.run())
                tasks.create_task(self._watch_site())
        finally:
            await self._chip.close()

    def _post(self, event: Event) -> None:
        self.engine.post(event)

    def _erase(self, crossing: str) -> None:
        self._vision.send(messages.EndCrossing(crossing))

    def _show(self, view: messages.View) -> None:
        self._barrier.lamp(_LAMPS.get(view.screen, LampColour.RED))
        self._desk.show(view)

    def _answer(self, number: int, outcome: Outcome, detail: str) -> None:
        self._officers.answer(number, outcome, detail)

    async def _cross(self, crossing: str) -> None:
        """Read the chip of the document that opened this crossing, then watch it until the crossing ends."""
        self._take_newer_lists()
        anchors = RememberingAnchors(self._lists.store)  # the same to the end of this crossing
        presented = self._documents.take(crossing)
        self._vision.send(messages.StartCrossing(crossing, None if presented.page is None else presented.page.page))

        async def on_portrait(portrait: Portrait) -> None:
            self.engine.mark(crossing, "portrait_read")
            self._vision.send(messages.ChipPortrait(crossing, portrait.encoding, portrait.image))

        side = ChipSide(
            self._chip,
            lambda: self.engine.mark(crossing, "chip_found"),
            on_portrait,
            self._centre.ask,
            self._guarded,
            self.engine.around.clock_sure,
        )
        try:
            try:
                evidence = await inspect_presented(presented, side, anchors)
            except DriverError as error:
                self.engine.post(DocumentRead(crossing, unreadable(str(error), CheckId.CHIP_ACCESS)))
                return
            self.engine.mark(crossing, "chip_read")
            self.engine.post(DocumentRead(crossing, evidence))
            await watch_removal(self._chip, self.engine.post)
        finally:
            await self._chip.disconnect()

    def _from_vision(self, message: messages.FromVision) -> None:
        post = self.engine.post
        match message:
            case messages.CameraUp(crossing):
                self.engine.mark(crossing, "camera_up")
                post(PartBack(Part.CAMERA))
            case messages.CameraLost():
                post(PartLost(Part.CAMERA))
            case messages.FaceSeen(crossing, faces, guidance):
                post(FaceSeen(crossing, faces, guidance))
            case messages.FaceCompared(crossing):
                self.engine.mark(crossing, "good_frame", message.good_frame_ms)
                self.engine.mark(crossing, "face_compared")
                post(FaceCompared(crossing, face_evidence(message)))
            case messages.TrackChanged(crossing, change):
                post(TrackChanged(crossing, TrackChange(change)))
            case messages.VideoDoubted(crossing, trouble):
                post(VideoDoubted(crossing, CameraTrouble(trouble)))
            case messages.Erased() | messages.Status():
                pass
            case (
                messages.PageRead()
                | messages.PageUnread()
                | messages.PageHint()
                | messages.PageGone()
                | messages.PageSourceUp()
                | messages.PageSourceLost()
            ):
                self._page.hear(message)

    async def _watch_site(self) -> None:
        """Look at the lists' age and the clock now and then."""
        while True:
            await self._lists.look()
            if crossing_of(self.engine.state) is None:
                self._take_newer_lists()
            self._see_site()
            await asyncio.sleep(SITE_LOOK_S)

    def _clock_is_sure(self) -> bool:
        return clock.is_sure(
            not_before=self._lists.store.newest_import, must_be_synchronised=self._config.purpose == "service"
        )

    def _wall_s(self) -> int | None:
        return int(clock.now().timestamp()) if self._clock_is_sure() else None

    def _see_site(self) -> None:
        newest, sure = self._lists.store.newest_import, self._clock_is_sure()
        age_days = None if newest is None else (clock.now() - newest) / timedelta(days=1)
        self.engine.post(SiteSeen(age_days, sure))

    def _take_newer_lists(self) -> None:
        before = self._lists.take_newer()
        if before is None:
            return
        if before.version != self._lists.store.version:
            self._log.append(update_of(before, self._lists.store), awaited=False)
        self._see_site()

    def _status(self) -> messages.Status:
        around = self.engine.around
        seen_ago_s = around.site_evidence(clock.monotonic_ms()).officer_seen_ago_s
        return messages.Status(
            program="lane",
            state=type(self.engine.state).__name__.lower(),
            detail={
                "lost": sorted(part.value for part in around.lost),
                "in_service": around.in_service(),
                "officers": self._config.officers is not None,
                "officer_seen_ago_s": seen_ago_s,
                "closed_by": around.closed_by,
                "trust_age_days": around.trust_age_days,
                "lists": self._lists.detail(),
                "clock_sure": around.clock_sure,
                "records_owed": self._log.owed,
                "leaf_closed": None if around.lane is None else around.lane.closed,
            },
        )


async def run(config: Config, *, stop: asyncio.Event) -> None:
    """The lane program. Ends when `stop` is set. Raises ConfigError on lists that this gate must not use."""
    lists = CurrentLists(config)
    open_crossings = await _open_crossings(config)
    lane = Lane(config, lists=lists, open_crossings=open_crossings)
    running = asyncio.ensure_future(lane.run())
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not running.done():
        await lane.last_words()
    running.cancel()
    stopping.cancel()
    await asyncio.gather(running, stopping, return_exceptions=True)
    if not running.cancelled() and (error := running.exception()):
        raise error


async def _open_crossings(config: Config) -> tuple[str, ...]:
    """What an earlier run left open. Waits for the log: no crossing may begin before these are closed."""
    client = LogClient(config.socket("log"), post=lambda _: None, monotonic_ms=clock.monotonic_ms)
    while True:
        try:
            return await client.open_crossings()
        except ChannelError:
            await asyncio.sleep(LOG_WAIT_S)
