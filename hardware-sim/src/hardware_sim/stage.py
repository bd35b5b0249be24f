"""Carries out a story's moves on the simulated hardware, in the world's time, and records who presented which document.

One traveller at a time. The stage uses the hardware through small ports, so that tests can use doubles, and the people
through `Cast`. The stage waits; the story does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from hardware_sim.barrier.zone import START_M, Place, nearness
from hardware_sim.scenario import HOST_DEEDS, TOUCHES, Deed, Owner, Scenario, ScenarioError, Sight
from hardware_sim.story import (
    BACK_MS_MAX,
    Await,
    Disturb,
    Hide,
    LayAgain,
    LookUp,
    Move,
    Pause,
    Present,
    Seen,
    Stand,
    Story,
    TakeBack,
    TurnBack,
    Walk,
    WalkOn,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from hardware_sim.barrier.device import Barrier
    from hardware_sim.clock import Timer, WorldClock
    from hardware_sim.pty import SerialLine
    from hardware_sim.scenario import Step
    from hardware_sim.screen import Screen
    from hardware_sim.truth import Truth
    from hardware_sim.two_doors.enclosure import Enclosure


# A typical chip: slower ones take 30 ms a command, faster ones have 848 kbit/s.
CHIP_DELAY_PER_APDU_MS = 10.0
CHIP_BIT_RATE_KBIT_S = 424.0
WAY_BACK_MS_MAX = 40_000  # from the end of a story to the way back for a person left between two doors


class Chip(Protocol):
    """The chip reader of the lane."""

    def insert(
        self,
        passport: Any,  # noqa: ANN401 - the cast's business
        *,
        pull_out_after_apdus: int | None,
        delay_per_apdu_ms: float,
        bit_rate_kbit_s: float,
    ) -> None:
        """Place a passport on the reader."""

    def remove(self) -> None:
        """Take the passport off the reader."""


class Camera(Protocol):
    """The camera of the lane."""

    def show(self, scene: Any) -> None:  # noqa: ANN401 - the cast's business
        """Set the scene before the camera from now on."""

    def follow(self, nearness: Callable[[], float]) -> None:
        """Let the person in the scene appear nearer by the returned factor; 1 is where they stand."""


class DocumentReader(Protocol):
    """The place for the document: a serial reader, or a bed under a document camera."""

    def insert(self, document: Any) -> None:  # noqa: ANN401 - the cast's business
        """Place a document, instead of any other."""

    def remove(self) -> None:
        """Remove the document."""


@dataclass(frozen=True, slots=True)
class Cast:
    """The people of one story: the presented passport, its form for the reader, and the scene of each sight.

    `laid` has one element for each time that the document is placed: lines for a serial reader, pages for a camera.
    """

    passport: object = field(repr=False)
    laid: tuple[object, ...] = field(repr=False)
    scenes: dict[Sight, Hashable] = field(repr=False)


@dataclass(frozen=True, slots=True)
class TwoDoors:
    """The additional hardware of a two-door lane. The one-door lane's barrier is its last door's."""

    enclosure: Enclosure
    first_line: SerialLine
    sensors_line: SerialLine


@dataclass(frozen=True, slots=True)
class Hardware:
    """Everything in the lane that the world moves."""

    barrier: Barrier
    barrier_line: SerialLine
    reader: DocumentReader
    chip: Chip
    camera: Camera
    truth: Truth
    two_doors: TwoDoors | None = None

    @property
    def floor(self) -> Barrier | Enclosure:
        """Return the part that moves people."""
        return self.barrier if self.two_doors is None else self.two_doors.enclosure

    @property
    def enclosure(self) -> Enclosure:
        """Return the space between two doors. Raises ScenarioError in a one-door lane."""
        return self._both.enclosure

    def line_of(self, deed: Deed) -> SerialLine:
        """Return the cable that this deed unplugs. Raises ScenarioError when the lane has none."""
        if deed is Deed.UNPLUG_BARRIER:
            return self.barrier_line
        return self._both.first_line if deed is Deed.UNPLUG_FIRST_BARRIER else self._both.sensors_line

    def tell_cable(self, deed: Deed, how: str) -> None:
        """Record a cable's change in the ground truth."""
        if deed is Deed.UNPLUG_FIRST_BARRIER:
            self.truth.record(f"barrier_{how}", door="first")
        else:
            self.truth.record(f"{'sensors' if deed is Deed.UNPLUG_SENSORS else 'barrier'}_{how}")

    @property
    def _both(self) -> TwoDoors:
        if self.two_doors is None:
            raise ScenarioError("this lane has one door")
        return self.two_doors


class Stage:
    """Plays stories. `ask_host` and `touch` reach the host and the traveller's page; `pace` above 1 makes only people faster."""

    def __init__(
        self,
        hardware: Hardware,
        screen: Screen,
        *,
        ask_host: Callable[[str], None],
        touch: Callable[[str], None] = lambda _: None,
        clock: WorldClock,
        pace: float = 1.0,
    ) -> None:
        self._hardware = hardware
        self._screen = screen
        self._ask_host = ask_host
        self._touch = touch
        self._clock = clock
        self._pace = pace
        self._timers: list[Timer] = []

    def play(self, traveller: str, scenario: Scenario, cast: Cast, story: Story) -> bool:
        """Play one story to its end, and wait until its people have left the lane. Return the story's result."""
        scene = _Scene(traveller, scenario, cast)
        try:
            move = next(story)
            while True:
                self._carry_out(scene, move)
                move = story.send(self._seen(scene))
        except StopIteration as end:
            self._clear(scene)
            return bool(end.value)
        finally:
            self._screen.rest()
            for timer in self._timers:
                timer.join()
            self._timers.clear()

    def _seen(self, scene: _Scene) -> Seen:
        floor = self._hardware.floor
        return Seen(self._screen.noticed, floor.place_of(scene.walker), self._way_back_is_open)

    @property
    def _way_back_is_open(self) -> bool:
        two = self._hardware.two_doors
        return two is not None and two.enclosure.way_back_is_open

    def _carry_out(self, scene: _Scene, move: Move) -> None:
        match move:
            case Pause(ms):
                self._screen.pause(ms / self._pace)
            case Await():
                self._screen.notice(lambda seen: self._is_awaited(scene, move, seen), move.limit_ms)
            case LookUp():
                self._screen.look_up()
            case Present(by):
                self._present(scene, by)
            case LayAgain():
                self._lay(scene)
            case TakeBack():
                self._take_back(scene)
            case Stand(sight):
                scene.sight = sight
                self._hardware.camera.show(scene.cast.scenes[sight])
            case Walk() | WalkOn() | Hide() | TurnBack():
                self._walk(scene, move)
            case Disturb():
                self._disturb(move)

    def _is_awaited(self, scene: _Scene, move: Await, seen: str) -> bool:
        here = seen in move.screens or self._hardware.floor.place_of(scene.walker) in move.places
        return here or (move.way_back and self._way_back_is_open)

    def _walk(self, scene: _Scene, move: Walk | WalkOn | Hide | TurnBack) -> None:
        name = scene.name_of(move.who)
        match move:
            case Walk(_, behind_m):
                if not behind_m:
                    scene.walker = name
                    is_seen = (move.who is Owner.OTHER) == (scene.sight is Sight.OTHER)
                    if is_seen and self._hardware.two_doors is None:
                        self._hardware.camera.follow(lambda: nearness(self._hardware.barrier.position_of(name)))
                self._hardware.floor.walk_in(name, from_m=START_M - behind_m)
            case WalkOn():
                self._hardware.enclosure.walk_on(name)
            case Hide():
                self._hardware.truth.record("hidden", traveller=name)
                self._hardware.enclosure.hide(name)
            case TurnBack():
                self._hardware.floor.turn_back(name)

    def _present(self, scene: _Scene, by: Owner) -> None:
        holder = scene.name_of(scene.scenario.document)
        self._hardware.truth.record("presented", traveller=scene.name_of(by), holder=holder)
        scene.lain = 0
        self._lay(scene)
        self._hardware.chip.insert(
            scene.cast.passport,
            pull_out_after_apdus=scene.scenario.pull_out_after_apdus,
            delay_per_apdu_ms=CHIP_DELAY_PER_APDU_MS,
            bit_rate_kbit_s=CHIP_BIT_RATE_KBIT_S,
        )

    def _lay(self, scene: _Scene) -> None:
        """Place the document in its next way; the last way repeats."""
        laid = scene.cast.laid
        self._hardware.reader.insert(laid[min(scene.lain, len(laid) - 1)])
        scene.lain += 1

    def _take_back(self, scene: _Scene) -> None:
        self._hardware.chip.remove()
        self._hardware.reader.remove()
        self._hardware.truth.record("document_removed", traveller=scene.traveller)

    def _disturb(self, move: Disturb) -> None:
        step, hardware = move.step, self._hardware
        hardware.truth.record("disturbance", what=step.do.value)
        if step.do in HOST_DEEDS:
            self._ask_host(step.do.value)
            done = self._screen.wait_for_host(step.do.value, move.limit_ms)
            hardware.truth.record("host_did" if done else "host_did_not", what=step.do.value)
        elif step.do in TOUCHES:
            self._touch(TOUCHES[step.do])
        elif step.do is Deed.FIRE:
            hardware.barrier.set_fire(active=True)
            self._later(step.for_ms, lambda: hardware.barrier.set_fire(active=False))
        elif step.do is Deed.LEAVE_BAG:
            hardware.enclosure.lay_bag()
            self._later(step.for_ms, hardware.enclosure.take_bag)
        elif step.do is Deed.CALL_FOR_HELP:
            hardware.enclosure.sensors.press(pressed=True)
            self._later(step.for_ms, lambda: hardware.enclosure.sensors.press(pressed=False))
        else:
            self._unplug(step)

    def _unplug(self, step: Step) -> None:
        line = self._hardware.line_of(step.do)

        def replug() -> None:
            line.replug()
            self._hardware.tell_cable(step.do, "plugged")

        self._hardware.tell_cable(step.do, "unplugged")
        line.unplug()
        self._later(step.for_ms, replug)

    def _later(self, after_ms: float, act: Callable[[], None]) -> None:
        self._timers.append(self._clock.later(after_ms / 1000, act))

    def _clear(self, scene: _Scene) -> None:
        """Wait until no person of this story is in the zone or between two doors."""
        floor = self._hardware.floor
        names = [scene.name_of(owner) for owner in Owner]
        limit_ms = BACK_MS_MAX if self._hardware.two_doors is None else WAY_BACK_MS_MAX
        self._screen.pause(
            limit_ms,
            until=lambda: all(floor.place_of(name) not in {Place.IN_ZONE, Place.INSIDE} for name in names),
        )
        for name in names:
            floor.forget(name)


@dataclass(slots=True)
class _Scene:
    traveller: str
    scenario: Scenario
    cast: Cast
    walker: str = ""
    lain: int = 0
    sight: Sight = Sight.NOBODY

    def __post_init__(self) -> None:
        self.walker = self.traveller

    def name_of(self, who: Owner) -> str:
        return self.traveller if who is Owner.SELF else f"{self.traveller}-other"
