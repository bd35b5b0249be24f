"""The composition root of the lane program: drivers, channels, machine."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import socket
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from drivers.barrier.settings import BarrierSettings
from gate.channel import messages
from gate.channel.errors import ChannelError
from gate.channel.sockets import reach
from gate.channel.table import CHANNELS
from gate.passage import draw_periods, draws
from gate.passage.effects import Erase, Shown
from gate.passage.events import (
    DocumentRead,
    Event,
    FaceCompared,
    FaceSeen,
    Part,
    PartBack,
    PartLost,
    SiteSeen,
    TrackChanged,
    TravellerAsked,
    VideoDoubted,
    Wish,
)
from gate.passage.lasting_state import UNKNOWN, LastingEmergency, LastingState
from gate.passage.machine import Emergency, Granted, crossing_of
from gate.passage.orders import Outcome
from gate.passage.records import Incident, IncidentKind, NoticeShown, Record, Started, Stopped
from gate.programs.children import fd_passing
from gate.programs.children.child_handle import ChildLostError
from gate.programs.children.warm_spare import Spare
from gate.programs.lane import readiness
from gate.programs.lane.centre import ControlCentre
from gate.programs.lane.clients import LogClient, VisionClient
from gate.programs.lane.document_session import Reading
from gate.programs.lane.documents import CROSSING_BYTES, Documents, PageListener
from gate.programs.lane.emergency_hold import STATE_FILE, is_held
from gate.programs.lane.engine import Engine
from gate.programs.lane.group_counts import GroupCounts, shift_of
from gate.programs.lane.health_counters import Tally
from gate.programs.lane.leaf import LeafTimes
from gate.programs.lane.list_renewal import CurrentLists, DocumentChild, ready_of, update_of
from gate.programs.lane.officers import Officers
from gate.programs.lane.page_paint import Painted, is_due
from gate.programs.lane.parts import BarrierKeeper, SensorsKeeper, SwipeKeeper, Watching
from gate.programs.lane.published_status import counted, told
from gate.programs.lane.records import Remembered
from gate.programs.lane.referral_timing import Paced
from gate.programs.lane.referrals import Referrals
from gate.programs.lane.registers import RegistersClient
from gate.programs.lane.rules import rules_of, start_of, stated
from gate.programs.lane.stages.face import face_evidence
from gate.programs.lane.state_file import StateFile, StateLostError, read_state
from gate.programs.lane.views import Views
from gate.programs.shared.aligned_timer import beat
from gate.programs.shared.approval import approved, before_of
from gate.programs.shared.config import Config
from gate.programs.shared.devices.barriers import barrier
from gate.programs.shared.devices.mrz_readers import mrz_reader
from gate.programs.shared.devices.sensors import sensors
from gate.programs.shared.status import serve_status
from gate.programs.shared.written_rules import written_rules
from gate_core.evidence.evidence import Door
from gate_core.evidence.registers import asked as registers_asked
from gate_core.evidence.screen import Screen
from gate_core.evidence.serving import BorderDirection
from gate_core.orders.challenge import SECRET_BYTES
from gate_core.orders.sealing import DOCUMENT, FACE
from gate_core.ports.values import LampColour
from gate_core.programs import clock
from gate_core.settings.config_file import zone_of

SITE_LOOK_S = 5.0
LOG_WAIT_S = 0.2
LAST_WORDS_S = 1.0
REFILL_AFTER_COMPARISON_S = (
    2.0  # the decision that follows it has the processor to itself, and vision's own spare comes first
)

TAMPERING = frozenset(
    {
        IncidentKind.FORCED,
        IncidentKind.CABINET_OPEN,
        IncidentKind.REVERSE_PASSAGE,
        IncidentKind.PASSAGE_WITHOUT_GRANT,
        IncidentKind.PASSAGE_BEYOND_GRANT,
        IncidentKind.CAMERA_TAMPERED,
        IncidentKind.CAMERA_COVERED,
        IncidentKind.VIDEO_LOOPED,
        IncidentKind.VIDEO_IGNORES_EXPOSURE,
        IncidentKind.FREEING_REFUSED,
        IncidentKind.EXPIRED_KEY_USED,
    }
)

log = logging.getLogger("lane")

_LAMPS = {
    Screen.GO: LampColour.GREEN,
    Screen.EMERGENCY: LampColour.GREEN,
    Screen.LOOK: LampColour.AMBER,
    Screen.WAIT: LampColour.AMBER,
}


class Lane:
    """One lane, wired."""

    def __init__(
        self,
        config: Config,
        *,
        lists: CurrentLists,
        left: messages.OpenCrossings,
        start: Started,
        state_folder: Path,
    ) -> None:
        """`left` is what an earlier run left in the log, as `state_folder` holds what else it left; `start` is what decisions will rest on."""
        self._config = config
        self._lists = lists
        self._start = start
        self._written = written_rules(config)
        self._floor = clock.Floor()
        self._floor.after(left.written_s)
        remembered = Remembered.of(left.remembered)
        last = _lasting(state_folder, remembered)
        self._state_file = StateFile(
            state_folder, lambda is_right: self._post(PartBack(Part.STATE) if is_right else PartLost(Part.STATE))
        )
        self._zone = zone_of(config.time_zone)
        self._tally = Tally()
        asked = config.fairness
        self._groups = None if asked is None else GroupCounts(asked.groups, asked.basis, self._moment())
        self._shift: tuple[str, int] | None = None
        self._log = LogClient(
            config.socket("log"),
            post=self._post,
            monotonic_ms=clock.monotonic_ms,
            remembered=remembered,
            profile=config.audit.profile,
        )
        self._vision = VisionClient(
            config.socket("vision"),
            post=self._post,
            on_message=self._from_vision,
            greeting=messages.WatchPage() if config.page is not None else None,
        )
        self._barrier = Watching() if config.driven is None else self._keeper(config.driven, Door.LAST)
        first = config.first_driven
        self._first_barrier = None if first is None else self._keeper(first, Door.FIRST)
        inside = config.sensors if config.mode == "gate" else None
        self._sensors = (
            None if inside is None else SensorsKeeper(sensors(inside), post=self._post, poll_s=inside.poll_ms / 1000)
        )
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
        paced = Paced(self._show, clock_ms=lambda: asyncio.get_running_loop().time() * 1000)
        rules = rules_of(config, self._written.book)
        self.engine = Engine(
            rules=rules,
            barrier=self._barrier,
            first_barrier=self._first_barrier,
            look_inside=self._look_inside,
            recorder=self,
            start_crossing=self._cross,
            open_camera=lambda crossing: self._vision.send(messages.OpenCamera(crossing)),
            erase=self._erase,
            forget=self._documents.forget,
            show=paced.show,
            answer=self._answer,
            clock_ms=lambda: asyncio.get_running_loop().time() * 1000,
            purpose=config.purpose,
            open_crossings=tuple(left.crossings),
            referred=tuple(left.referred),
            remembered=remembered,
            last=last,
            keep=self._state_file.keep,
            # All say so when they are there, and the log when it takes admissions.
            missing=frozenset({Part.VISION, Part.CAMERA, Part.LOG, Part.STATE, *self._also_missing()}),
        )
        self._painted = Painted(
            lambda there: self._post(PartBack(Part.SCREEN) if there else PartLost(Part.SCREEN)), due=is_due(config)
        )
        self._views = Views(
            status=self._status,
            purpose=config.purpose,
            asked=self._asked,
            on_notice=lambda notice: self.append(NoticeShown(notice), awaited=False),
            painted=self._painted.hear,
        )
        self._referrals = Referrals()
        self._officers = Officers(
            lane=self.engine,
            rules=rules,
            gate=config.gate_id,
            authority=None if config.officers is None else b64decode(config.officers.authority),
            secret=secrets.token_bytes(SECRET_BYTES),
            clock_ms=lambda: asyncio.get_running_loop().time() * 1000,
            wall_s=self._wall_s,
            floor_s=self._floor_s,
            referrals=self._referrals,
        )
        self._registers = (
            None
            if config.registers is None
            else RegistersClient(
                config.socket("registers"),
                answer_ms=config.registers.answer_ms,
                post=self._post,
                names=lambda: registers_asked(rules.policy.registers, self.engine.around.local),
                exchange=None if config.registers.reuse is None else config.registers.reuse[0],
                entry=lambda: self.engine.around.direction is BorderDirection.ENTRY,
                is_shielded=self._is_shielded,
                left=remembered.hits,
                forget=self._log.forget_hit,
            )
        )
        self._spare: Spare[messages.FromDocument] = Spare(lists.child, log=log)
        self._reading = Reading(
            spare=self._spare,
            centre=ControlCentre(Path(config.document.control_centre)),
            way=self._way,
            post=self._post,
            mark=self.engine.mark,
            issued_by=self.engine.issued_by,
            take_sealed=partial(self._take_sealed, part=DOCUMENT),
            is_shielded=self._is_shielded,
            registers=self._registers,
        )

    def _is_shielded(self, crossing: str) -> bool:
        """True when nothing about a crossing may be asked outside the gate."""
        return crossing in self.engine.around.shielded

    async def last_words(self) -> None:
        """Write that the program ends, and let the log take what it has not taken yet."""
        self._count_groups()
        if Part.STATE not in self.engine.around.lost:  # else the next start must not believe an older file, nor none
            self._log.append(Stopped(), awaited=False)
        await self._log.drain(LAST_WORDS_S)
        await self._state_file.drain(LAST_WORDS_S)

    async def run(self, first: DocumentChild | None = None) -> None:
        """Serve travellers for ever. `first` is the document child that opened the lists."""
        if first is not None:
            await self._spare.replace(first)
        held = self._lists.held
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
                tasks.create_task(self.engine.run())
                tasks.create_task(self._painted.run())
                tasks.create_task(self._log.run())
                tasks.create_task(self._vision.run())
                for keeper in (self._barrier, self._first_barrier, self._sensors):
                    if keeper is not None:
                        tasks.create_task(keeper.run())
                if self._registers is not None:
                    tasks.create_task(self._registers.run())
                if self._swipe is not None:
                    tasks.create_task(self._swipe.run())
                tasks.create_task(self._spare.keep())
                tasks.create_task(self._watch_site())
        finally:
            self._state_file.close()
            await self._lists.close()

    def _also_missing(self) -> Iterator[Part]:
        if self._sensors is not None:
            yield Part.SENSORS
        if is_due(self._config):
            yield Part.SCREEN

    def _keeper(self, settings: BarrierSettings, door: Door) -> BarrierKeeper:
        return BarrierKeeper(
            barrier(settings),
            post=self._post,
            poll_s=settings.poll_ms / 1000,
            door=door,
            holds_open=lambda: isinstance(self.engine.state, Emergency),
        )

    def append(self, record: Record, *, awaited: bool) -> None:
        """Count a record, tell the journal of an incident, and have the log write it."""
        self._tally.record(record)
        self._referrals.record(record)
        if self._groups is not None:
            self._groups.record(record)
        if self._registers is not None:
            self._registers.record(record)
        if isinstance(record, Incident):
            about = {"incident": record.incident.value, "door": record.door.value, "crossing": record.crossing}
            log.warning("tampered" if record.incident in TAMPERING else "incident", extra=about)
        self._log.append(record, awaited=awaited)

    def _look_inside(self) -> None:
        if self._sensors is not None:
            self._sensors.look()

    def _post(self, event: Event) -> None:
        if self._groups is not None and isinstance(event, DocumentRead):
            self._groups.read(event.crossing, event.evidence)
        self.engine.post(event)

    def _asked(self, wish: Wish) -> None:
        self._post(TravellerAsked(secrets.token_hex(CROSSING_BYTES), wish))

    def _erase(self, erasing: Erase) -> None:
        """End both children of a crossing; before an officer's eyes are to see what they have, it is sealed to whoever is present."""
        seal: messages.SealFor | None = None
        if erasing.shown is not Shown.NOTHING and (recipients := self._officers.recipients()):
            self._referrals.expect(erasing.crossing, recipients)
            certificates = [one.certificate for one in recipients]
            seal = messages.SealFor(certificates, alarm=erasing.shown is Shown.ALARM)
        if self._registers is not None:
            self._registers.end(erasing.crossing)
        self._reading.ends(messages.EndCrossing(erasing.crossing, seal))
        minutes = 0 if erasing.shown is Shown.NOTHING else self._config.rules.swap_check_minutes
        self._vision.send(messages.EndCrossing(erasing.crossing, seal, minutes))

    def _take_sealed(self, piece: messages.SealedPiece, part: str) -> None:
        self._referrals.take(piece.crossing, part, piece.number, piece.content, last=piece.last)

    def _show(self, view: messages.View) -> None:
        colour = _LAMPS.get(view.screen, LampColour.RED)
        state = self.engine.state
        granted = state.door if isinstance(state, Granted) else None
        for door, keeper in ((Door.LAST, self._barrier), (Door.FIRST, self._first_barrier)):
            if keeper is not None:
                is_the_other = view.screen is Screen.GO and granted not in {None, door}
                keeper.lamp(LampColour.RED if is_the_other else colour)
        self._views.show(view)

    def _answer(self, number: int, outcome: Outcome, detail: str) -> None:
        self._officers.answer(number, outcome, detail)

    async def _cross(self, crossing: str) -> None:
        """Have the document that opened this crossing read, then watched until the crossing ends."""
        await self._take_newer_lists()
        presented = self._documents.take(crossing)
        page = None if presented.page is None else presented.page.page
        look = self._first_barrier is None  # else the traveller stands before the first door, and the camera behind it
        self._vision.send(messages.StartCrossing(crossing, page, look))
        reading = self._reading.read(crossing, presented, clock_sure=self.engine.around.clock_sure)
        del presented  # the lines are the child's from here on
        await reading

    async def _way(self, address: fd_passing.Address) -> socket.socket | None:
        """A way to one of vision's children, already addressed; None when vision is not there."""
        try:
            end = await reach(CHANNELS.portraits, self._config.socket("portraits"))
        except ChannelError:
            return None
        try:
            await asyncio.get_running_loop().sock_sendall(end, fd_passing.written(address))
        except BaseException as error:
            end.close()
            if isinstance(error, OSError):
                return None
            raise
        return end

    def _from_vision(self, message: messages.FromVision) -> None:
        post = self.engine.post
        match message:
            case messages.CameraUp(crossing):
                if crossing is not None:
                    self.engine.mark(crossing, "camera_up")
                post(PartBack(Part.CAMERA))
            case messages.CameraLost():
                post(PartLost(Part.CAMERA))
            case messages.FaceSeen(crossing, faces, guidance, session, progress):
                self._tally.guided(guidance)
                self._views.fill(crossing, progress)
                post(FaceSeen(crossing, faces, guidance, session))
            case messages.FaceCompared(crossing):
                self.engine.mark(crossing, "good_frame", message.good_frame_ms)
                self.engine.mark(crossing, "face_compared")
                asyncio.get_running_loop().call_later(REFILL_AFTER_COMPARISON_S, self._spare.want)
                self._tally.frames_per_second = message.frames_per_second
                post(FaceCompared(crossing, face_evidence(message), message.session))
            case messages.TrackChanged(crossing, change, session, seen_ago_ms, grown):
                post(TrackChanged(crossing, change, session, seen_ago_ms, grown))
            case messages.VideoDoubted(crossing, trouble):
                post(VideoDoubted(crossing, trouble))
            case messages.SealedPiece():
                self._take_sealed(message, FACE)
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
                self._count_page(message)
                self._page.hear(message)

    def _count_page(self, message: messages.FromPage) -> None:
        match message:
            case messages.PageRead() | messages.PageUnread():
                self._tally.page(read=isinstance(message, messages.PageRead))
            case messages.PageHint(guidance):
                self._tally.guided(guidance)
            case messages.PageGone() | messages.PageSourceUp() | messages.PageSourceLost():
                pass

    async def _watch_site(self) -> None:
        """Look at the lists' age, the clock and the spare now and then."""
        while True:
            await self.look_at_site()
            await beat(SITE_LOOK_S)

    @property
    def _newest_import(self) -> datetime | None:
        return None if self._lists.held is None else self._lists.held.newest_import

    def _clock_is_sure(self) -> bool:
        times = self._log.times
        floor = clock.floor(
            imported=self._newest_import,
            written=times.written,
            cosigned=times.cosigned,
            synchronised=clock.is_synchronised(),
        )
        sure = clock.is_sure(not_before=floor, must_be_synchronised=self._config.purpose == "service")
        if sure:
            self._floor.after(clock.now().timestamp())
        return sure

    def _wall_s(self) -> int | None:
        return int(clock.now().timestamp()) if self._clock_is_sure() else None

    def _floor_s(self) -> int:
        """Before which it cannot be now, for officers' shifts: the latest record counts also while the time service has the word, and no word from
        outside the gate does, by which somebody could keep officers from freeing people (decision 0024).
        """
        written = self._log.times.written or clock.built()
        return self._floor.after(max(written, clock.built()).timestamp())

    async def look_at_site(self) -> None:
        """Look once. Lists and spare are changed between crossings only."""
        await self._lists.look()
        if crossing_of(self.engine.state) is None:
            await self._take_newer_lists()
            await self._reach_chip_reader()
        self._see_site()
        self._see_draw()
        self._see_shift()
        lines = {"barrier": self._barrier, "first_barrier": self._first_barrier, "sensors": self._sensors}
        for name, keeper in lines.items():
            if keeper is not None:
                self._tally.line(name, keeper.describe())

    def _see_site(self) -> None:
        newest, sure = self._newest_import, self._clock_is_sure()
        age_days = None if newest is None else (clock.now() - newest) / timedelta(days=1)
        self.engine.post(SiteSeen(age_days, sure, self._on_the_wall()))

    def _see_draw(self) -> None:
        """Have each day draw by a secret of its own."""
        day, share = self._on_the_wall().date().isoformat(), self._config.rules.random_checks_per_10000
        if (
            due := draw_periods.due(self.engine.around, day, share, secrets.token_bytes(draws.SECRET_BYTES))
        ) is not None:
            self.engine.post(due)

    def _see_shift(self) -> None:
        """Write down what was counted when a shift ends."""
        if self._config.fairness is None:
            return
        shift = shift_of(self._on_the_wall(), self._config.fairness.shift_ends)
        if self._shift not in {None, shift}:
            self._count_groups()
        self._shift = shift

    def _count_groups(self) -> None:
        counted_now = None if self._groups is None else self._groups.take(self._moment())
        if counted_now is not None:
            self._log.append(counted_now, awaited=False)

    @staticmethod
    def _moment() -> str:
        return clock.now().isoformat(timespec="seconds")

    def _on_the_wall(self) -> datetime:
        """What the site's own clock shows, to the minute."""
        return clock.now().astimezone(self._zone).replace(second=0, microsecond=0, tzinfo=None)

    async def _take_newer_lists(self) -> None:
        newer = self._lists.take_newer()
        if newer is None:
            return
        before, child = newer
        await self._spare.replace(child)
        now = self._lists.held
        if now is not None and (before is None or before.version != now.version):
            self._log.append(update_of(before, now), awaited=False)
        self._see_site()

    async def _reach_chip_reader(self) -> None:
        """A spare that was prepared without a chip reader makes room for one that may have it."""
        if self._spare.child is not None and self._chip_problem:
            with contextlib.suppress(ChildLostError):
                await self._spare.replace(await self._lists.child())

    @property
    def _chip_problem(self) -> str:
        """Why the spare has no chip reader; empty when it has one."""
        child = self._spare.child
        return self._spare.problem if child is None else ready_of(child).chip

    def _status(self) -> messages.Status:
        around = self.engine.around
        now_ms = clock.monotonic_ms()
        ages_ms = [None if one.seen is None else now_ms - one.seen_ms for one in around.doors]
        barrier_age_ms = None if None in ages_ms else max(age_ms for age_ms in ages_ms if age_ms is not None)
        lag_ms = self.engine.pulse.lag_ms
        return messages.Status(
            program="lane",
            state=readiness.state_of(barrier_age_ms=barrier_age_ms if self._config.driven else 0, lag_ms=lag_ms),
            alive=readiness.is_alive(turned_ms=self.engine.turned_ms),
            detail={
                **told(around, self.engine.state, now_ms),
                "mode": self._config.mode,
                "barrier_age_ms": barrier_age_ms,
                "barrier_line": self._barrier.describe(),
                "lag_ms": round(lag_ms),
                "late": readiness.is_late(lag_ms=lag_ms),
                "officers": self._config.officers is not None,
                "lists": self._lists.detail(),
                "rules": self._rules_detail(),
                "registers": None if self._registers is None else self._registers.problem or "asked",
                "document_child": "warm" if self._spare.child is not None else self._spare.problem or "warming",
                "chip": self._chip_problem or "up",
                "readers": self._documents.readers(),
                "frames_per_second": self._tally.frames_per_second,
                "records_owed": self._log.owed,
                **counted(self._tally, self._leaves(), self._officers.refused),
                **({} if self._first_barrier is None else self._first_door(self._first_barrier)),
                **({} if self._sensors is None else self._inside(self._sensors)),
            },
        )

    def _rules_detail(self) -> dict[str, object] | None:
        """The written rules in force; None where the site has none."""
        book = self._written.book
        if not book.rules:
            return None
        return {"version": book.version, "days_left": book.days_left(self._on_the_wall().date())}

    def _leaves(self) -> dict[str, LeafTimes]:
        keepers = {"last": self._barrier, "first": self._first_barrier}
        return {door: keeper.leaf for door, keeper in keepers.items() if keeper is not None}

    def _first_door(self, keeper: BarrierKeeper) -> dict[str, object]:
        seen = self.engine.around.doors[0].seen
        return {"first_leaf_closed": None if seen is None else seen.closed, "first_barrier_line": keeper.describe()}

    def _inside(self, keeper: SensorsKeeper) -> dict[str, object]:
        interior = self.engine.around.interior
        return {"people_inside": None if interior is None else interior.people, "sensors_line": keeper.describe()}


async def prepare(config: Config, *, state_folder: Path) -> tuple[Lane, DocumentChild | None]:
    """The lane and the document child that opened the lists; nothing moves yet. Waits for the log. Raises as `gate.programs.lane.program.run`."""
    lists = CurrentLists(config, folder=config.socket("lane").parent)
    first = await lists.begin()
    try:
        left = await _left(config)
        await asyncio.to_thread(written_rules, config)  # tried for seconds, while the doors of an emergency are held
        start = start_of(config, approved(config, before_of(left.approved)))
        return Lane(config, lists=lists, left=left, start=start, state_folder=state_folder), first
    except BaseException:
        if first is not None:
            await first.end()
        raise


def _lasting(folder: Path, logged: Remembered) -> LastingState | None:
    """What the last run left in its state file; None after a clean end, or before the first start, without one. The log must not contradict it."""
    try:
        found = read_state(folder)
    except StateLostError as error:
        why = str(error)
        if is_held(folder / STATE_FILE):  # by a program that knows more than this one: it is an emergency all the same
            return LastingState(emergency=LastingEmergency(held=True))
    else:
        if logged.emergency and (found is None or found.emergency is None):
            why = f"the log knows of an emergency that has not ended, and {folder / STATE_FILE} does not"
        elif found is None and logged.running:
            why = f"no state file in {folder} after an unclean end"
        else:
            return found
    log.critical("state_lost", extra={"reason": why})
    return UNKNOWN


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


async def _left(config: Config) -> messages.OpenCrossings:
    """What an earlier run left. Waits for the log: no crossing may begin before these are closed."""
    client = LogClient(config.socket("log"), post=lambda _: None, monotonic_ms=clock.monotonic_ms)
    while True:
        try:
            return await client.left()
        except ChannelError:
            await asyncio.sleep(LOG_WAIT_S)
