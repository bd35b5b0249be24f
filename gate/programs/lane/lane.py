"""Composition root of the lane program. Each group is built by its module; events between groups are connected here.

| group | built by | holds |
| --- | --- | --- |
| records | `clients.LogClient`, `recorder` | client of the log, counters of records |
| devices | `devices` | barriers, sensors, serial MRZ reader, with their keepers |
| document | `documents`, `list_renewal`, `document_session`, `registers` | presented document, warm child, reading, queries of registers |
| face | `clients.VisionClient`, `vision_events` | client of vision, its messages |
| orders | `officers`, `referrals` | waiting referrals, officers' orders |
| publishing | `views`, `published_status` | pages, lamps and status; whether a browser shows the page |
| the machine | `engine`, `state_file`, `Site` | event loop, lasting state, the site's lists and clock |
"""

from __future__ import annotations

import asyncio
import secrets
from base64 import b64decode
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from gate.channel import log_messages, screen_messages, vision_messages
from gate.channel.message import Status
from gate.passage import draw_periods, draws
from gate.passage.effects import Erase, Shown
from gate.passage.events import DrawDue, Event, Part, PartBack, PartLost, SiteSeen, TravellerAsked
from gate.passage.lane import LaneContext
from gate.passage.records import NoticeShown, Started, Stopped
from gate.passage.states import Rules, State, crossing_of
from gate.programs.lane.clients import LogClient, VisionClient, left_behind
from gate.programs.lane.devices import Devices
from gate.programs.lane.document_session import ControlCentre, Reading, ways_by
from gate.programs.lane.documents import CROSSING_BYTES, Documents
from gate.programs.lane.engine import Engine
from gate.programs.lane.list_renewal import CurrentLists, DocumentChild, DocumentChildren
from gate.programs.lane.officers import Officers
from gate.programs.lane.published_status import counted, rules_told, status_of
from gate.programs.lane.recorder import Recorder
from gate.programs.lane.records import Remembered
from gate.programs.lane.referrals import Referrals
from gate.programs.lane.registers import RegistersClient
from gate.programs.lane.rules import rules_of, start_of, stated
from gate.programs.lane.state_file import StateFile, lasting_left
from gate.programs.lane.views import Paced, Painted, Views, is_due
from gate.programs.lane.vision_events import VisionEvents
from gate.programs.shared.aligned_timer import beat
from gate.programs.shared.approval import approved, before_of
from gate.programs.shared.config import Config
from gate.programs.shared.status import serve_status
from gate.programs.shared.written_rules import written_rules
from gate_core.orders.envelope import DOCUMENT, FACE
from gate_core.orders.order import SECRET_BYTES
from gate_core.programs import clock
from gate_core.settings.config_file import zone_of

LOOK_S: Final = 5.0
LAST_WORDS_S: Final = 1.0


class Site:
    """The site's data: age of the lists, certainty of the clock, daily draw and shift.

    `log`: times of its records. `children`: age of the lists. `written_s`: latest record of an earlier run. The time
    cannot be before the clock's floor, whatever the clock shows (decision 0024).
    """

    def __init__(self, config: Config, *, log: LogClient, children: DocumentChildren, written_s: int) -> None:
        self._config = config
        self._log = log
        self._children = children
        self._zone = zone_of(config.time_zone)
        self._floor = clock.Floor()
        self._floor.after(written_s)

    def seen(self) -> SiteSeen:
        """Return lists and clock as they are now."""
        newest, sure = self._children.newest_import, self.clock_is_sure()
        age_days = None if newest is None else (clock.now() - newest) / timedelta(days=1)
        return SiteSeen(age_days, sure, self.local())

    def draw_due(self, lane: LaneContext) -> DrawDue | None:
        """Return the draw to begin or end today, if any: each day has its own secret."""
        share = self._config.rules.random_checks_per_10000
        return draw_periods.due(lane, self.local().date().isoformat(), share, secrets.token_bytes(draws.SECRET_BYTES))

    def clock_is_sure(self) -> bool:
        """True while the wall clock is reliable."""
        times = self._log.times
        floor = clock.floor(
            imported=self._children.newest_import,
            written=times.written,
            cosigned=times.cosigned,
            synchronised=clock.is_synchronised(),
        )
        sure = clock.is_sure(not_before=floor, must_be_synchronised=self._config.purpose == "service")
        if sure:
            self._floor.after(clock.now().timestamp())
        return sure

    def wall_s(self) -> int | None:
        """Return the wall clock in seconds since 1970; None while it is unsure."""
        return int(clock.now().timestamp()) if self.clock_is_sure() else None

    def floor_s(self) -> int:
        """Return the clock's floor in seconds since 1970, for officers' shifts. The latest record counts even while a
        time service works; no time from outside counts, as it could keep officers from freeing people (decision 0024).
        """
        written = self._log.times.written or clock.built()
        return self._floor.after(max(written, clock.built()).timestamp())

    def local(self) -> datetime:
        """Return the site's local time, to the minute."""
        return clock.now().astimezone(self._zone).replace(second=0, microsecond=0, tzinfo=None)


class Lane:
    """One lane with all its groups. Most are built before the engine, and use it through this class."""

    def __init__(
        self,
        config: Config,
        *,
        lists: CurrentLists,
        left: log_messages.OpenCrossings,
        start: Started,
        state_folder: Path,
    ) -> None:
        """`left`: what an earlier run left in the log; `state_folder`: its state file. `start`: record of the start."""
        self._config, self._start, self._written = config, start, written_rules(config)
        rules, remembered = rules_of(config, self._written.rule_set), Remembered.of(left.remembered)
        self._log = LogClient.of(config, post=self.post, remembered=remembered)
        self._referrals = Referrals()
        self._registers = RegistersClient.of(config, lane=self, left=remembered.hits, forget=self._log.forget_hit)
        self._recorder = Recorder(config, self._log, referrals=self._referrals, registers=self._registers)
        self._documents = Documents.of(config, post=self.post)
        self._devices = Devices.of(config, lane=self, documents=self._documents)
        self._children = DocumentChildren(lists)
        self._site = Site(config, log=self._log, children=self._children, written_s=left.written_s)
        self._painted = Painted(partial(self._tell_part, Part.SCREEN), due=is_due(config))
        self._views = Views(
            status=self._status,
            purpose=config.purpose,
            asked=lambda wish: self.post(TravellerAsked(secrets.token_hex(CROSSING_BYTES), wish)),
            on_notice=lambda notice: self._recorder.append(NoticeShown(notice), awaited=False),
            painted=self._painted.hear,
        )
        self._paced = Paced(self._show, clock_ms=_loop_ms)
        self._state_file = StateFile(state_folder, partial(self._tell_part, Part.STATE))
        self._officers = Officers(
            lane=self,
            gate=config.gate_id,
            authority=None if config.officers is None else b64decode(config.officers.authority),
            secret=secrets.token_bytes(SECRET_BYTES),
            clock_ms=_loop_ms,
            wall_s=self._site.wall_s,
            floor_s=self._site.floor_s,
            referrals=self._referrals,
            rules=rules,
        )
        self.engine = self._engine_with(rules, left, remembered, state_folder)
        self._reading = Reading(
            spare=self._children.spare,
            centre=ControlCentre(Path(config.document.control_centre)),
            way=ways_by(config.socket("portraits")),
            post=self.post,
            mark=self.engine.mark,
            issued_by=self.engine.issued_by,
            take_sealed=self._referrals.taker(DOCUMENT),
            is_shielded=lambda crossing: crossing in self.context.shielded,
            registers=self._registers,
        )
        events = VisionEvents(
            self.engine,
            documents=self._documents,
            views=self._views,
            tally=self._recorder.tally,
            spare=self._children.spare,
            take_sealed=self._referrals.taker(FACE),
        )
        greeting = vision_messages.WatchPage() if config.page is not None else None
        self._vision = VisionClient(config.socket("vision"), post=self.post, on_message=events.hear, greeting=greeting)

    def _engine_with(
        self, rules: Rules, left: log_messages.OpenCrossings, remembered: Remembered, state_folder: Path
    ) -> Engine:
        missing = {Part.VISION, Part.CAMERA, Part.LOG, Part.STATE} | self._devices.missing
        return Engine(
            rules=rules,
            barrier=self._devices.last,
            first_barrier=self._devices.first,
            look_inside=self._devices.look_inside,
            recorder=self._recorder,
            start_crossing=self._cross,
            open_camera=lambda crossing: self._vision.send(vision_messages.OpenCamera(crossing)),
            erase=self._erase,
            forget=self._documents.forget,
            took=self._recorder.tally.order_took,
            show=self._paced.show,
            answer=self._officers.answer,
            clock_ms=_loop_ms,
            purpose=self._config.purpose,
            open_crossings=tuple(left.crossings),
            referred=tuple(left.referred),
            remembered=remembered,
            last=lasting_left(state_folder, remembered),
            keep=self._state_file.keep,
            # Each reports when it works; the log, when it takes admissions.
            missing=frozenset(missing | ({Part.SCREEN} if is_due(self._config) else set())),
        )

    @property
    def state(self) -> State:
        """The machine's state."""
        return self.engine.state

    @property
    def context(self) -> LaneContext:
        """The lane's context."""
        return self.engine.context

    def post(self, event: Event) -> None:
        """Queue an event, and note the traveller's groups from it."""
        self._recorder.hear(event)
        self.engine.post(event)

    def _tell_part(self, part: Part, there: bool) -> None:  # noqa: FBT001 - a callback with one value
        self.post(PartBack(part) if there else PartLost(part))

    def _show(self, view: screen_messages.View) -> None:
        self._devices.show(view.screen, self.state)
        self._views.show(view)

    async def last_words(self) -> None:
        """Record that the program ends, and let the log take waiting records."""
        self._recorder.end_shift()
        if Part.STATE not in self.context.lost:  # otherwise the next start must not trust the file, or its absence
            self._log.append(Stopped(), awaited=False)
        await self._log.drain(LAST_WORDS_S)
        await self._state_file.drain(LAST_WORDS_S)

    async def run(self, first: DocumentChild | None = None) -> None:
        """Serve travellers until cancelled. `first`: the document child that opened the lists."""
        if first is not None:
            await self._children.spare.replace(first)
        held = self._children.lists.held
        self._log.append(replace(self._start, lists="" if held is None else held.version), awaited=False)
        for piece in stated(self._written):
            self._log.append(piece, awaited=False)
        try:
            async with (
                serve_status(self._config, "lane", self._status),
                self._views.serve(self._config.socket("lane")),
                self._officers.serve(self._config.socket("orders")),
                asyncio.TaskGroup() as tasks,
            ):
                for one in (self.engine, self._painted, self._log, self._vision, *self._devices.keepers()):
                    tasks.create_task(one.run())
                if self._registers is not None:
                    tasks.create_task(self._registers.run())
                tasks.create_task(self._children.spare.keep())
                tasks.create_task(self._watch_site())
        finally:
            self._state_file.close()
            await self._children.lists.close()

    def _erase(self, erasing: Erase) -> None:
        """End a crossing's two children; after a referral, they first encrypt what officers see to those present."""
        seal = self._officers.seal_for(erasing)
        if self._registers is not None:
            self._registers.end(erasing.crossing)
        self._reading.ends(vision_messages.EndCrossing(erasing.crossing, seal))
        minutes = 0 if erasing.shown is Shown.NOTHING else self._config.rules.swap_check_minutes
        self._vision.send(vision_messages.EndCrossing(erasing.crossing, seal, minutes))

    async def _cross(self, crossing: str) -> None:
        """Read the crossing's document, then watch it until the crossing ends."""
        await self._take_newer_lists()
        presented = self._documents.take(crossing)
        page = None if presented.page is None else presented.page.page
        look = self._devices.first is None  # with two doors, the camera is behind the first
        self._vision.send(vision_messages.StartCrossing(crossing, page, look))
        reading = self._reading.read(crossing, presented, clock_sure=self.context.clock_sure)
        del presented  # only the child keeps the lines
        await reading

    async def _watch_site(self) -> None:
        while True:
            await self.look_at_site()
            await beat(LOOK_S)

    async def look_at_site(self) -> None:
        """Update the site's data once. Lists and spare change only between crossings."""
        await self._children.lists.look()
        if crossing_of(self.state) is None:
            await self._take_newer_lists()
            await self._children.reach_chip_reader()
        self.engine.post(self._site.seen())
        if (due := self._site.draw_due(self.context)) is not None:
            self.engine.post(due)
        self._recorder.see_shift(self._site.local())
        for name, keeper in self._devices.lines():
            self._recorder.tally.line(name, keeper.describe())

    async def _take_newer_lists(self) -> None:
        if (updates := await self._children.take_newer()) is not None:
            for update in updates:
                self._log.append(update, awaited=False)
            self.engine.post(self._site.seen())

    def _status(self) -> Status:
        registers, tally = self._registers, self._recorder.tally
        return status_of(
            self._config,
            self.engine,
            {
                **self._devices.detail(self.context),
                **self._children.detail(),
                "rules": rules_told(self._written.rule_set, self._site.local().date()),
                "registers": None if registers is None else registers.problem or "asked",
                "readers": self._documents.readers(),
                "frames_per_second": tally.frames_per_second,
                "records_owed": self._log.owed,
                **counted(tally, self._officers.refused, leaf_slow=self._devices.slow_leaves()),
            },
        )


def _loop_ms() -> float:
    return asyncio.get_running_loop().time() * 1000


async def prepare(config: Config, *, state_folder: Path) -> tuple[Lane, DocumentChild | None]:
    """Build the lane, and start the document child that opens the lists. Waits for the log. Raises as `program.run`."""
    lists = CurrentLists(config, folder=config.socket("lane").parent)
    first = await lists.begin()
    try:
        left = await left_behind(config.socket("log"))
        await asyncio.to_thread(written_rules, config)  # takes seconds; doors of an emergency are held meanwhile
        start = start_of(config, approved(config, before_of(left.approved)))
        return Lane(config, lists=lists, left=left, start=start, state_folder=state_folder), first
    except BaseException:
        if first is not None:
            await first.end()
        raise


async def serve(prepared: tuple[Lane, DocumentChild | None], *, stop: asyncio.Event) -> None:
    """Run a lane until `stop` is set."""
    lane, first = prepared
    running = asyncio.ensure_future(lane.run(first))
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not running.done():
        await lane.last_words()
    running.cancel()
    stopping.cancel()
    await asyncio.gather(running, stopping, return_exceptions=True)
    if not running.cancelled() and (error := running.exception()):
        raise error
