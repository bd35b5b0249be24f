"""The vision program's parent: assigns a child process to each crossing and forwards its messages. Sees no pixels.

Frames, portraits and templates stay in the child (`face_child`), whose end erases them. A child that dies or hangs is
reported to the lane at once, as a lost camera with a reason. A lost camera is tested between crossings until it gives
pictures; the spare's models and the camera's presence are tested then, too. Loads no image library.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from drivers.camera.presence import missing
from drivers.pad.driver import connect
from drivers.pad.settings import PadSensor
from gate.channel import child_messages, preview_messages, vision_messages
from gate.channel.errors import ChannelClosedError
from gate.channel.message import Status, StatusRequest, words
from gate.channel.row import Peer
from gate.channel.sockets import Connection, listen, serve
from gate.channel.table import CHANNELS
from gate.programs.children import fd_passing
from gate.programs.children.child_handle import ChildLostError, Process
from gate.programs.children.final_report import last_words, officers_of
from gate.programs.shared.aligned_timer import loop_s
from gate.programs.shared.config import Config
from gate.programs.shared.devices import pads
from gate.programs.shared.fault_latch import FaultLatch
from gate.programs.shared.status import serve_status
from gate.programs.vision.face_children import FACES, ChildMuteError, Faces, FaceSpare, Memory
from gate.programs.vision.page_source import Pages
from gate.programs.vision.readiness import CrossingFacts, Facts, hot_zones, is_alive, state_of
from gate_core.errors import DriverError
from gate_core.programs.task_groups import run_until_first_exits
from gate_core.settings.config_file import ConfigError
from gate_core.settings.toml_file import Problem
from models.acceptance import providers_for
from models.errors import ModelError
from models.site import load_for

REFILL_AFTER_COMPARISON_S = 1.0  # leaves the processor to the decision
PROBE_EVERY_S = 1.0
WATCH_EVERY_S = 2.0
HEAT_EVERY_S = 10.0
PROVE_EVERY_S = 24.0  # plus pause and deadline below `readiness.PROVEN_MAX_S`
OUTBOX_MAX = 16
WAY_DEADLINE_S = 10.0  # for a portrait's crossing to get its face child

log = logging.getLogger("vision")

Lane = Connection[vision_messages.ToVision]
Screen = Connection[preview_messages.ToPreview]
Missing = Callable[[], Awaitable[str | None]]


@dataclass(slots=True, eq=False)
class Crossing:
    """A running crossing: messages for its child, and its end."""

    id: str
    lane: Lane
    page: int | None = None
    look: bool = True
    printed: socket.socket | None = None  # socket for the printed portrait
    child: Faces | None = None
    outbox: asyncio.Queue[child_messages.ToChild] = field(default_factory=lambda: asyncio.Queue(OUTBOX_MAX))
    begun_s: float = field(default_factory=loop_s)
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    ended_s: float | None = None
    seal: vision_messages.SealFor | None = None
    remember_min: int = 0
    erased: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self) -> None:
        """End the crossing: the task that serves it erases it."""
        if not self.ending.is_set():
            self.ended_s = loop_s()
            self.ending.set()

    def facts(self, now_s: float) -> CrossingFacts:
        """Return facts for the program's readiness."""
        ending_s = None if self.ended_s is None else now_s - self.ended_s
        has_child = self.child is not None and not self.child.lost.is_set()
        return CrossingFacts(now_s - self.begun_s, has_child, ending_s)

    def post(self, message: child_messages.ToChild) -> None:
        """Queue a message for the child; drop it if the queue is full, which an honest lane never causes."""
        with contextlib.suppress(asyncio.QueueFull):
            self.outbox.put_nowait(message)


@dataclass(slots=True, eq=False)
class Viewer:
    """A screen that may want the preview, with the newest picture and tint that it has not taken."""

    wants: bool = False
    newest: bytes | None = None
    tint: preview_messages.ShowTint | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self) -> bytes:
        """Return the newest picture, and keep no reference to it."""
        jpeg, self.newest = self.newest or b"", None
        return jpeg


class Vision:
    """The parent's state: spare, crossing, viewers, camera."""

    def __init__(
        self,
        *,
        spare: FaceSpare,
        missing: Missing,
        pages: Pages | None = None,
        hot: Callable[[], list[str]] = hot_zones,
        remembers: bool = False,
        sensor: PadSensor | None = None,
    ) -> None:
        """`missing`: returns why the camera is missing, or None. `hot`: returns thermal zones that are too hot.
        `remembers`: the site has the swap check. `sensor`: the PAD sensor, if any.
        """
        self._remembers = remembers
        self._sensor = sensor
        self._sensor_lost = FaultLatch(log, begins="liveness_sensor_lost", ends="liveness_sensor_back", each=False)
        self._memory = Memory()
        self._spare = spare
        self._missing = missing
        self._pages = pages
        self._lanes: set[Lane] = set()
        self._greeted: set[Lane] = set()
        self._crossing: Crossing | None = None
        self._waiting: asyncio.Queue[Crossing] = asyncio.Queue()
        self._watched_s = loop_s()
        self._viewers: set[Viewer] = set()
        self._camera = "closed"
        self._lost_by: Crossing | None = None
        self._camera_lost = asyncio.Event()
        self._begun = asyncio.Condition()
        self._detail: dict[str, object] = {}
        self._look_for_heat = hot
        self._hot: list[str] = []
        self._heat = FaultLatch(log, begins="throttled", ends="at_full_speed", each=False)

    # ── the lane ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def serve_lane(self, lane: Lane) -> None:
        """Serve one connection of a lane."""
        self._lanes.add(lane)
        try:
            async for message in lane:
                await self._obey(lane, message)
        finally:
            self._lanes.discard(lane)
            self._greeted.discard(lane)
            if self._pages is not None:
                self._pages.forget(lane)
            if self._crossing is not None and self._crossing.lane is lane:
                self._crossing.end()  # a crossing ends with its lane's connection

    async def _obey(self, lane: Lane, message: vision_messages.ToVision) -> None:
        crossing = self._crossing
        match message:
            case StatusRequest():
                await lane.send(self.status())
                await self._greet(lane)
            case vision_messages.WatchPage():
                if self._pages is not None:
                    await self._pages.show_to(lane)
            case vision_messages.StartCrossing():
                await self._start(lane, message)
            case vision_messages.OpenCamera(crossing_id):
                if crossing is not None and crossing.id == crossing_id:
                    crossing.post(message)
            case vision_messages.EndCrossing(crossing_id, seal, remember_min):
                if crossing is not None and crossing.id == crossing_id:
                    crossing.seal, crossing.remember_min = seal, remember_min
                    crossing.end()

    async def _greet(self, lane: Lane) -> None:
        """Send a new lane the camera's state once a child is ready: it may still know an earlier loss."""
        is_lost = self._camera_lost.is_set()
        if lane in self._greeted or self._crossing is not None or not (is_lost or self._spare.child is not None):
            return
        self._greeted.add(lane)
        lost = words(self._camera.removeprefix("lost: ")) if is_lost else None
        await lane.send(vision_messages.CameraStatus(None, lost))

    async def _start(self, lane: Lane, start: vision_messages.StartCrossing) -> None:
        """Start a crossing once the previous one is erased."""
        while (before := self._crossing) is not None:
            before.end()
            await before.erased.wait()
        printed = None if self._pages is None else self._pages.printed_portrait(start.page)
        self._crossing = Crossing(start.crossing, lane, page=start.page, look=start.look, printed=printed)
        self._waiting.put_nowait(self._crossing)

    async def serve_crossings(self) -> None:
        """Serve each crossing until its erasure, whatever happens to the lane's connection. Until cancelled."""
        while True:
            crossing = await self._waiting.get()
            await self._serve_crossing(crossing)
            del crossing  # also its child, with partial messages

    async def _serve_crossing(self, crossing: Crossing) -> None:
        try:
            await run_until_first_exits(self._live(crossing), crossing.ending.wait())
            if crossing.child is not None:
                end = vision_messages.EndCrossing(crossing.id, crossing.seal, crossing.remember_min)
                await last_words(crossing.child, end, crossing.lane.send, partial(self._remember, crossing))
        except ChannelClosedError:
            pass  # the lane has disconnected, which ends the crossing
        except ChildLostError as error:
            if crossing.child is not None:
                await crossing.child.end()
            await self._tell_lost(crossing, words(error))
            await crossing.ending.wait()
        finally:
            if crossing.printed is not None:
                crossing.printed.close()
            if crossing.child is not None:
                await crossing.child.end()
            self._crossing = None
            self._camera = "closed" if self._camera == "open" else self._camera
            crossing.erased.set()
            self._spare.want()
        await _say(crossing.lane, vision_messages.Erased(crossing.id))

    async def _live(self, crossing: Crossing) -> None:
        crossing.child = child = await self._spare.take()
        self._detail = child.detail
        page = None if crossing.printed is None else crossing.page
        earlier = self._memory.at(loop_s()) if self._remembers else None
        await child.send(vision_messages.StartCrossing(crossing.id, page, crossing.look, earlier))
        del earlier
        if crossing.printed is not None:
            with crossing.printed as printed:
                child.hand(fd_passing.PRINTED_PORTRAIT, printed.fileno())
        await child.send(preview_messages.WantPreview(self._preview_wanted))
        await self._hand_sensor(child)
        async with self._begun:
            self._begun.notify_all()
        await run_until_first_exits(self._tell_child(crossing, child), self._hear_child(crossing, child))

    async def _hand_sensor(self, child: Faces) -> None:
        """Pass a connection to the sensor to the child, without reading from it. Without one its verdict is not run."""
        if self._sensor is None:
            return
        try:
            with await connect(self._sensor) as end:
                child.hand(fd_passing.SENSOR, end.fileno())
        except DriverError as error:
            self._sensor_lost.is_now(words(error))

    async def _tell_child(self, crossing: Crossing, child: Faces) -> None:
        while True:
            await child.send(await crossing.outbox.get())

    async def _hear_child(self, crossing: Crossing, child: Faces) -> None:
        while True:
            await self._pass_on(crossing, await child.receive())  # no local variable: a cancelled task would keep it

    async def _pass_on(self, crossing: Crossing, message: child_messages.FromChild) -> None:
        match message:
            case preview_messages.Preview(jpeg):
                self._show(jpeg)
            case preview_messages.ShowTint():
                for viewer in self._viewers:
                    viewer.tint = message
                    viewer.arrived.set()
            case vision_messages.CameraStatus(_, lost) if lost is not None:
                await self._tell_lost(crossing, lost)
            case vision_messages.CameraStatus():
                self._camera = "open"
                await crossing.lane.send(message)
            case vision_messages.FaceCompared():
                await crossing.lane.send(message)
                asyncio.get_running_loop().call_later(REFILL_AFTER_COMPARISON_S, self._spare.want)
            case vision_messages.FaceSeen() | vision_messages.TrackChanged() | vision_messages.VideoDoubted():
                await crossing.lane.send(message)
            case child_messages.Prepared() | child_messages.Unfit() | child_messages.Alive() | child_messages.Tried():
                pass  # answers to earlier messages
            case vision_messages.SealedPiece() | vision_messages.FaceRemembered():
                pass  # not requested yet

    def _remember(self, crossing: Crossing, content: bytes) -> None:
        self._memory.remember(content, until_s=loop_s() + 60 * crossing.remember_min)

    # ── ways between children ──────────────────────────────────────────────────────────────────────────────────────────────

    async def hand_on(self, way: socket.socket, _: Peer) -> None:
        """Pass a socket to the child that its address names; the data after the address is not read."""
        with contextlib.suppress(TimeoutError, ChildLostError):
            async with asyncio.timeout(WAY_DEADLINE_S):
                match await fd_passing.address_of(way):
                    case fd_passing.ToCrossing(crossing_id):
                        (await self._child_of(crossing_id)).hand(fd_passing.CHIP_PORTRAIT, way.fileno())
                    case fd_passing.OfPage(page) if self._pages is not None:
                        self._pages.hand_lines(page, way)
                    case _:
                        pass

    async def _child_of(self, crossing_id: str) -> Faces:
        """Return this crossing's face child; wait for it, as the socket may arrive first."""
        while True:
            crossing = self._crossing
            if crossing is not None and crossing.id == crossing_id and crossing.child is not None:
                return crossing.child
            async with self._begun:
                await self._begun.wait()

    # ── a lost camera ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _tell_lost(self, crossing: Crossing | None, why: str) -> None:
        crossing_id = None if crossing is None else crossing.id
        log.warning("camera_lost", extra={"crossing": crossing_id, "reason": why})
        self._camera = f"lost: {why}"
        self._lost_by = crossing
        self._camera_lost.set()
        for lane in tuple(self._lanes) if crossing is None else (crossing.lane,):
            await _say(lane, vision_messages.CameraStatus(crossing_id, why))

    async def watch(self) -> None:
        """Test regularly, between crossings, whether a traveller could be served; report a fault. Until cancelled."""
        while True:
            self._watched_s = loop_s()
            if self._crossing is None and not self._camera_lost.is_set():
                problem = await self._problem()
                if problem is not None and self._crossing is None:
                    await self._tell_lost(None, words(problem))
            if self._crossing is None:
                await self._watch_sensor()
            await asyncio.sleep(WATCH_EVERY_S)

    async def _watch_sensor(self) -> None:
        """Check that the sensor's service is there, and the one of its profile."""
        if self._sensor is None:
            return
        try:
            await pads.check(self._sensor)
        except DriverError as error:
            self._sensor_lost.is_now(words(error))
        else:
            self._sensor_lost.is_now("")

    async def watch_heat(self) -> None:
        """Check regularly whether the machine throttles, and delete expired faces. Until cancelled."""
        while True:
            self._hot = await asyncio.to_thread(self._look_for_heat)
            self._memory.forget(loop_s())
            self._heat.is_now(", ".join(self._hot))
            await asyncio.sleep(HEAT_EVERY_S)

    async def _problem(self) -> str | None:
        """Return why no traveller could be served, or None. A starting child is no reason."""
        if self._spare.problem:
            return self._spare.problem
        try:
            if (self._spare.proven_s or 0.0) > PROVE_EVERY_S and (unproven := await self._spare.prove()) is not None:
                return unproven
        except ChildMuteError as error:
            return str(error)
        except ChildLostError:
            return None  # taken, or lost and being replaced
        return await self._missing()

    async def mend_camera(self) -> None:
        """After a loss, test the camera between crossings until it is back, and report that."""
        while True:
            await self._camera_lost.wait()
            if await self._camera_gives_a_frame():
                await self._tell_back()
            else:
                await asyncio.sleep(PROBE_EVERY_S)

    async def _tell_back(self) -> None:
        self._camera_lost.clear()
        self._camera = "closed"
        log.info("camera_back")
        crossing, self._lost_by = self._lost_by, None
        if crossing is not None:
            await _say(crossing.lane, vision_messages.CameraStatus(crossing.id))
        for lane in self._lanes - {None if crossing is None else crossing.lane}:
            await _say(lane, vision_messages.CameraStatus(None))

    async def _camera_gives_a_frame(self) -> bool:
        if self._crossing is not None:
            return False
        try:
            problem = await self._spare.probe_camera()
        except ChildLostError:
            return False
        if problem is not None:
            self._camera = f"lost: {problem}"
        return problem is None

    # ── the preview ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def serve_screen(self, screen: Screen) -> None:
        """Serve one screen's connection."""
        viewer = Viewer()
        self._viewers.add(viewer)
        try:
            await run_until_first_exits(self._hear_screen(screen, viewer), self._feed_screen(screen, viewer))
        finally:
            self._viewers.discard(viewer)
            self._tell_preview_wanted()

    @property
    def _preview_wanted(self) -> bool:
        return any(viewer.wants for viewer in self._viewers)

    async def _hear_screen(self, screen: Screen, viewer: Viewer) -> None:
        async for message in screen:
            match message:
                case preview_messages.WantPreview(on):
                    viewer.wants = on
                    viewer.newest = None
                    self._tell_preview_wanted()
                case preview_messages.TintShown():
                    if self._crossing is not None:
                        self._crossing.post(message)

    async def _feed_screen(self, screen: Screen, viewer: Viewer) -> None:
        while True:
            await viewer.arrived.wait()
            viewer.arrived.clear()
            if viewer.tint is not None and viewer.wants:
                tint, viewer.tint = viewer.tint, None
                await screen.send(tint)
            if viewer.newest is not None and viewer.wants:
                await screen.send(preview_messages.Preview(viewer.take()))

    def _tell_preview_wanted(self) -> None:
        if self._crossing is not None:
            self._crossing.post(preview_messages.WantPreview(self._preview_wanted))

    def _show(self, jpeg: bytes) -> None:
        for viewer in self._viewers:
            if viewer.wants:
                viewer.newest = jpeg
                viewer.arrived.set()

    async def close(self) -> None:
        """Erase the running crossing, if any."""
        if (crossing := self._crossing) is not None:
            crossing.end()
            await crossing.erased.wait()

    # ── health ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def status(self) -> Status:
        """Return the program's status."""
        child = self._spare.child
        page = "up" if self._pages is None else self._pages.state
        now_s = loop_s()
        facts = Facts(
            lost=self._spare.problem or (self._camera if self._camera_lost.is_set() else ""),
            page=page,
            has_spare=child is not None,
            proven_s=self._spare.proven_s,
            watched_s=now_s - self._watched_s,
            crossing=None if self._crossing is None else self._crossing.facts(now_s),
        )
        spare = "warm" if child is not None else self._spare.problem or "warming"
        known = child.detail if child is not None else self._detail
        source = {} if self._pages is None else {"page": page}
        if self._sensor is not None:
            source["sensor"] = f"lost: {why}" if (why := self._sensor_lost.words) else "up"
        proven_s = None if facts.proven_s is None else round(facts.proven_s, 1)
        detail = {"camera": self._camera, "spare": spare, "proven_s": proven_s, "hot": self._hot, **source, **known}
        return Status("vision", state_of(facts), detail, alive=is_alive(facts))


async def _say(lane: Lane, message: vision_messages.FromVision) -> None:
    """Send to a lane, if it is still connected; its own task detects a loss."""
    with contextlib.suppress(ChannelClosedError):
        await lane.send(message)


def preparation(config: Config) -> child_messages.Prepare:
    """Return a face child's first message. Raises ConfigError for an unusable profile or provider."""
    folder = Path(config.paths.models)
    try:
        models = load_for(folder).profile(config.face.profile)
        providers = providers_for(config.face.providers, models, folder)
    except ModelError as error:
        raise ConfigError(Problem("face", str(error))) from error
    return child_messages.Prepare(
        models=str(folder),
        profile=config.face.profile,
        providers=list(providers),
        camera=config.camera.spelt(),
        officers=officers_of(config),
        tints=config.screens.challenge,
    )


async def run(config: Config, *, stop: asyncio.Event) -> None:
    """Run the program until `stop` is set."""
    spare = FaceSpare(partial(Process.start, FACES, preparation(config), incoming=child_messages.FromChild))
    pages = Pages(config.page, models=config.paths.models) if config.page is not None else None
    vision = Vision(
        spare=spare,
        pages=pages,
        missing=lambda: missing(config.camera),
        remembers=config.rules.swap_check_minutes > 0,
        sensor=config.camera.pad,
    )

    async def close_when_stopped() -> None:
        await stop.wait()
        await vision.close()

    async with (
        serve_status(config, "vision", vision.status),
        serve(CHANNELS.vision, config.socket("vision"), vision.serve_lane),
        serve(CHANNELS.preview, config.socket("preview"), vision.serve_screen),
        listen(CHANNELS.portraits, config.socket("portraits"), vision.hand_on),
    ):
        keeping = () if pages is None else (pages.keep(),)
        watching = (vision.serve_crossings(), vision.watch(), vision.mend_camera(), vision.watch_heat())
        await run_until_first_exits(spare.keep(), *watching, *keeping, close_when_stopped())
