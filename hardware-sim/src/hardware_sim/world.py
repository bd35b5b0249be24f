"""The simulated world as a process: hardware at paths in its folder, travellers on request, JSON lines in and out.

docs/protocols/simulated-world.md describes the protocol. The calling thread reads orders; one more thread plays the travellers,
one at a time, in the order of the requests. Several worlds can run at the same time, each in its own folder.
"""

from __future__ import annotations

import json
import queue
import re
import threading
import traceback
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hardware_sim.barrier.device import LATE_MS_MAX, TICK_MS, Barrier
from hardware_sim.clock import WorldClock
from hardware_sim.display import Display, NoPageError
from hardware_sim.pty import SerialLine
from hardware_sim.readers.kinds import KINDS, PAGE_READER, USUAL
from hardware_sim.scenario import HOST_DEEDS, Lane, Scenario
from hardware_sim.screen import Screen, WorldClosedError
from hardware_sim.sensors.device import BAUD as SENSORS_BAUD
from hardware_sim.stage import Cast, Hardware, Stage, TwoDoors
from hardware_sim.story import PAGE_WORDS, SCREENS, Traveller
from hardware_sim.technician import DEEDS, FIRST_BARRIER, STORY, Cable, Technician
from hardware_sim.truth import Field, Truth
from hardware_sim.two_doors.enclosure import Enclosure
from hardware_sim.two_doors.story import InnerTraveller

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from hardware_sim.display import Camera as LitCamera
    from hardware_sim.readers.device import ReaderDevice
    from hardware_sim.sensors.device import SensorDevice
    from hardware_sim.stage import Camera, Chip, DocumentReader

ORDER_BYTES_MAX = 16_384
TRAVELLERS_WAITING_MAX = 1_000
BARRIER_BAUD = 115_200
TRUTH_NAME = "ground-truth.jsonl"
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


class Casting(Protocol):
    """Makes the people of a story."""

    def chance(self, traveller: str) -> random.Random:
        """Return a traveller's random generator."""

    def cast(self, traveller: str, scenario: Scenario) -> Cast:
        """Return the people and the passport of one story."""


class Orders(Protocol):
    """The source of orders."""

    def readline(self, _size: int, /) -> str:
        """Return one line of at most this many characters; empty at the end."""


class Out(Protocol):
    """The destination of events."""

    def write(self, text: str, /) -> object:
        """Write text."""

    def flush(self) -> object:
        """Flush the text."""


class OrderError(Exception):
    """A line on standard input that is not an order."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A traveller in the queue."""

    traveller: str
    scenario: Scenario


class Speaker:
    """Writes events as JSON lines; thread-safe. When the reader is gone, the world ends without a traceback."""

    def __init__(self, out: Out, on_lost: Callable[[], None]) -> None:
        self._out = out
        self._on_lost = on_lost
        self._lock = threading.Lock()

    def say(self, event: str, **fields: object) -> None:
        """Write an event for the host."""
        line = json.dumps({"event": event, **fields}, ensure_ascii=False)
        try:
            with self._lock:
                self._out.write(line + "\n")
                self._out.flush()
        except BrokenPipeError:
            self._on_lost()


class World:
    """One world in one folder. Use as a context manager; `run` serves orders until `stop` or the end of input."""

    def __init__(
        self,
        folder: Path,
        *,
        seed: int,
        chip: Chip,
        camera: Camera,
        casting: Casting,
        scenarios: Mapping[str, Scenario],
        out: Out,
        pace: float = 1.0,
        reader_kind: str = USUAL,
        page_scanner: DocumentReader | None = None,
        lit_camera: LitCamera | None = None,
        clock: WorldClock | None = None,
        lane: Lane = Lane.ONE_DOOR,
        cables: Mapping[str, Cable] | None = None,
    ) -> None:
        """`cables` are those of devices that the caller passes in; the world adds its own."""
        self._casting = casting
        self._scenarios = scenarios
        self._arrivals: queue.Queue[Arrival | None] = queue.Queue()
        self._passed = 0
        self._clock = WorldClock() if clock is None else clock
        self._screen = Screen(self._clock)
        self._speaker = Speaker(out, self._screen.close)
        self._cleanup = ExitStack()
        self.truth = self._cleanup.enter_context(Truth(folder / TRUTH_NAME, self._clock))
        self._cables = dict(cables or {})
        self._lane: dict[str, str] = {}
        self._two_doors = self._between(folder, seed) if lane is Lane.TWO_DOOR else None
        self.barrier = self._only_barrier() if self._two_doors is None else self._two_doors.enclosure.last
        self._lit_camera = lit_camera
        self._display: Display | None = None
        self._lays_pages = page_scanner is not None
        self.barrier_line = self._line(folder / "barrier", self.barrier, BARRIER_BAUD, seed)
        self._reader: dict[str, object] = {"reader": {"kind": PAGE_READER}}
        reader = page_scanner or self._serial_reader(folder / "swipe", reader_kind, seed)
        hardware = Hardware(self.barrier, self.barrier_line, reader, chip, camera, self.truth, self._two_doors)
        self._hardware = hardware
        self._technician: Technician | None = None
        self._stage = Stage(
            hardware, self._screen, ask_host=self._ask_host, touch=self._touch, clock=self._clock, pace=pace
        )

    def _only_barrier(self) -> Barrier:
        part = self._clock.part("barrier", every_s=TICK_MS / 1000, late_s_max=LATE_MS_MAX / 1000)
        return Barrier(self._report, part=part)

    def _between(self, folder: Path, seed: int) -> TwoDoors:
        """Return two doors and the sensor unit between them."""
        enclosure = Enclosure(self._report, self._clock)
        first = self._line(folder / FIRST_BARRIER, enclosure.first, BARRIER_BAUD, seed)
        sensors = self._line(folder / "sensors", enclosure.sensors, SENSORS_BAUD, seed)
        self._lane = {"first_barrier": str(first.path), "sensors": str(sensors.path)}
        return TwoDoors(enclosure, first, sensors)

    def _serial_reader(self, path: Path, name: str, seed: int) -> ReaderDevice:
        kind = KINDS[name]
        device = kind.make(seed)
        line = self._line(path, device, kind.baud, seed)
        self._reader = {"swipe": str(line.path), "reader": {"kind": name, **kind.settings()}}
        return device

    def _line(self, path: Path, device: Barrier | SensorDevice | ReaderDevice, baud: int, seed: int) -> SerialLine:
        line = SerialLine(path, device, baud=baud, seed=seed)
        line.start()
        self._cleanup.callback(line.stop)
        self._cables[path.name] = Cable(line.unplug, line.replug)
        return line

    def close(self) -> None:
        """Stop everything; afterwards the ground truth on the disk is complete."""
        self._cleanup.close()

    def run(self, orders: Orders, ready: Mapping[str, object]) -> None:
        """Report that the world is ready, with these additional fields, then obey orders."""
        player = threading.Thread(target=self._play_all, name="travellers")
        player.start()
        self._speaker.say(
            "ready",
            barrier=str(self.barrier_line.path),
            truth=str(self.truth.path),
            scenarios=sorted(self._scenarios),
            **self._lane,
            **self._reader,
            **ready,
        )
        try:
            self._obey_all(orders)
        finally:
            self._screen.close()
            self._arrivals.put(None)
            player.join()

    # ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _obey_all(self, orders: Orders) -> None:
        while line := orders.readline(ORDER_BYTES_MAX):
            try:
                order = _parse(line)
                if order.get("do") == "stop":
                    return
                self._obey(order)
            except OrderError as error:
                self._speaker.say("error", why=str(error))

    def _obey(self, order: dict[str, object]) -> None:
        if "see" in order:
            self._screen.show(_screen_of(order["see"]))
        elif order.get("do") == "traveller":
            self._expect(order)
        elif order.get("do") == "host_done":
            what = order.get("what")
            if not isinstance(what, str) or what not in {deed.value for deed in HOST_DEEDS}:
                raise OrderError("host_done names what was done")
            self._screen.host_did(what)
        elif order.get("do") in DEEDS:
            self._move_technician(order)
        elif order.get("do") == "display":
            self._show_page(order.get("page"), is_seen=order.get("seen") is True)
        else:
            raise OrderError("an order is see, or do: traveller, display, host_done, stop or a technician's")

    def _move_technician(self, order: dict[str, object]) -> None:
        """Carry out a technician's order. No traveller should come meanwhile."""
        if self._technician is None:
            self._technician = Technician(self._hardware, self._casting.cast(STORY.name, STORY), self._cables)
        try:
            self._technician.do(order)
        except ValueError as error:
            raise OrderError(str(error)) from error
        self._speaker.say("did", do=order["do"])

    def _show_page(self, page: object, *, is_seen: bool) -> None:
        """Show this page on the display beside the camera from now on; with `is_seen` travellers look at it, too."""
        if not isinstance(page, str) or self._display is not None or self._lit_camera is None:
            raise OrderError("display names the traveller's page, once, where a camera can be lit")
        try:
            display = Display(page, self._lit_camera, seen=self._see if is_seen else lambda _: None)
        except NoPageError as error:
            raise OrderError(str(error)) from error
        self._display = display
        display.start()
        self._cleanup.callback(display.stop)
        self._speaker.say("did", do="display")

    def _touch(self, wish: str) -> None:
        if self._display is not None:
            self._display.touch(wish)

    def _see(self, screen: str) -> None:
        if screen in SCREENS:
            self._screen.show(screen)

    def _expect(self, order: dict[str, object]) -> None:
        traveller, name = order.get("id"), order.get("scenario")
        if not isinstance(traveller, str) or not _ID.match(traveller):
            raise OrderError("a traveller's id has 1 to 64 letters, digits, - or _")
        if not isinstance(name, str) or name not in self._scenarios:
            raise OrderError("a traveller needs the name of a scenario")
        if self._arrivals.qsize() >= TRAVELLERS_WAITING_MAX:
            raise OrderError(f"more than {TRAVELLERS_WAITING_MAX} travellers wait")
        self._arrivals.put(Arrival(traveller, self._scenarios[name]))

    # ── travellers ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _play_all(self) -> None:
        try:
            while (arrival := self._arrivals.get()) is not None:
                self._play(arrival)
        except WorldClosedError:
            return
        except Exception as fault:  # noqa: BLE001 - the outermost loop: without it the host waits for ever for a `done`
            traceback.print_exc()
            self._speaker.say("broken", why=f"{type(fault).__name__}: {fault}")

    def _play(self, arrival: Arrival) -> None:
        traveller, scenario = arrival.traveller, arrival.scenario
        cast = self._casting.cast(traveller, scenario)
        self._passed = 0
        self._clock.take_lateness()  # the time for making people and passports counts for no story
        self.truth.record("arrived", traveller=traveller, scenario=scenario.name)
        chance = self._casting.chance(traveller)
        kind = Traveller if self._two_doors is None else InnerTraveller
        story = kind(scenario, chance, lays_pages=self._lays_pages).story()
        served = self._stage.play(traveller, scenario, cast, story)
        late = self._clock.take_lateness()
        self.truth.record("left", traveller=traveller, served=served)
        self._speaker.say(
            "done",
            id=traveller,
            passed=self._passed,
            served=served,
            left=True,
            late={"part": late.part, "late_ms": late.late_ms, "stood_ms": late.stood_ms},
        )

    def _report(self, event: str, *, at_ms: int, **fields: Field) -> None:
        if event == "passed" and fields.get("door") != "first":
            self._passed += 1
        self.truth.record(event, world_ms=at_ms, **fields)

    def _ask_host(self, what: str) -> None:
        self._speaker.say("host", do=what)


def _parse(line: str) -> dict[str, object]:
    if not line.endswith("\n"):
        raise OrderError(f"an order is one line of less than {ORDER_BYTES_MAX} characters")
    try:
        order = json.loads(line)
    except ValueError as error:
        raise OrderError("an order is one JSON object a line") from error
    if not isinstance(order, dict):
        raise OrderError("an order is one JSON object a line")
    return order


def _screen_of(seen: object) -> str:
    """Return what the traveller sees: the screen, or the invitation's request about the document."""
    screen = seen.get("screen") if isinstance(seen, dict) else None
    if not isinstance(screen, str) or screen not in SCREENS:
        raise OrderError(f"a screen is one of {', '.join(sorted(SCREENS))}")
    guidance = seen.get("guidance") if isinstance(seen, dict) else None
    return guidance if screen == "welcome" and isinstance(guidance, str) and guidance in PAGE_WORDS else screen
