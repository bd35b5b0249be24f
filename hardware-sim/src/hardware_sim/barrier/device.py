"""The barrier as a device on a serial line: controller, leaf, beams and bodies in one physical model with one clock.

The host talks to it through `receive`; the world moves bodies, the fire input and the power through the other methods, from any
thread. What physically happens goes into the ground truth from here, whatever the controller believes. The model lives in the world's
time: when a tick comes late, that stands still. Frames end by the wire's own time.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from hardware_sim.barrier.controller import Controller
from hardware_sim.barrier.leaf import TRAVEL_MS, LeafState
from hardware_sim.barrier.registers import BarrierRegisters
from hardware_sim.barrier.zone import (
    GONE_M,
    LEAF_M,
    NONE_BROKEN,
    START_M,
    WALK_M_S,
    WIDE_ENOUGH_DEGREES,
    Body,
    Place,
    broken_beams,
)
from hardware_sim.modbus import Slave

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware_sim.barrier.leaf import Leaf
    from hardware_sim.clock import Part

UNIT = 1
TICK_MS = 10
STEP_MS_MAX = 20.0  # a late tick is made up in steps this short, so that no body jumps over a beam
LATE_MS_MAX = 50.0  # in a world: beyond, its time stands still
MOVING = {LeafState.OPENING, LeafState.CLOSING}


class Judge(Protocol):
    """What a board makes of its beams, inputs and orders. Pure; time comes in with every step."""

    leaf: Leaf
    fire: bool
    motor_fault: bool
    now_ms: float

    @property
    def calm_until_ms(self) -> float:
        """Until then a step with no beam broken changes nothing, if nothing comes from outside; not after `now_ms` where that is not known."""

    def host_spoke(self) -> None:
        """A request of the host's was answered."""

    def step(self, now_ms: float, broken: tuple[bool, ...]) -> None:
        """Let time pass, with the beams as they are now."""

    def force_leaf(self, degrees: float) -> None:
        """A hand pushes the leaf."""

    def power_cycle(self) -> None:
        """The power went and came back."""


class Speaker(Protocol):
    """What speaks for a board on its line. `answered`: requests that were answered since this was last set to 0."""

    answered: int

    def receive(self, received: bytes, now_ms: float) -> bytes:
        """Take bytes; return what is to be sent."""

    def quiet(self, now_ms: float) -> bytes:
        """Let time pass; return what is to be sent."""


AnyJudge = TypeVar("AnyJudge", bound=Judge)
AnySpeaker = TypeVar("AnySpeaker", bound=Speaker)


class BarrierDevice(Generic[AnyJudge, AnySpeaker]):
    """One barrier with a board that `make` makes. `report` receives an event's name, its time in milliseconds and its fields (the truth's `record`).

    The time is the model's own: an event that a late tick makes up for is told with the time at which it was due. `part` is the
    barrier as a part of its world; without one, every tick's time counts in full.
    """

    tick_ms = TICK_MS

    def __init__(
        self,
        report: Callable[..., None],
        make: Callable[[Callable[..., None]], tuple[AnyJudge, AnySpeaker]],
        *,
        part: Part | None = None,
    ) -> None:
        self._told = report
        self._part = part
        self._lock = threading.RLock()
        self._controller, self._slave = make(self._report)
        self._bodies: list[Body] = []
        self._places: dict[str, Place] = {}
        self._now_ms: float | None = None
        self._stuck: int | None = None

    def _report(self, event: str, **fields: str | int | bool) -> None:
        self._told(event, at_ms=int(self._now_ms or 0.0), **fields)

    # ── the line ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def receive(self, received: bytes, now_ms: float) -> bytes:
        """Bytes from the host; returns the reply."""
        with self._lock:
            self._pass_time(now_ms)
            return self._served(self._slave.receive(received, now_ms))

    def tick(self, now_ms: float) -> bytes:
        """Let time pass. Modbus slaves send nothing unasked, except a late reply to a frame that silence ended."""
        with self._lock:
            self._pass_time(now_ms)
            if self._part is not None:
                self._part.moved()
            return self._served(self._slave.quiet(now_ms))

    def _served(self, reply: bytes) -> bytes:
        if self._slave.answered:
            self._slave.answered = 0
            self._controller.host_spoke()
        return reply

    # ── the world ────────────────────────────────────────────────────────────────────────────────────────────────────

    def walk_in(self, traveller: str, *, from_m: float = START_M) -> None:
        """A body sets out in entry direction."""
        with self._lock:
            self._bodies.append(Body(traveller, from_m, WALK_M_S))
            self._places[traveller] = Place.WAITING

    def walk_out(self, traveller: str) -> None:
        """A body sets out from the far side, in exit direction."""
        with self._lock:
            self._bodies.append(Body(traveller, GONE_M, -WALK_M_S, across=True, outbound=True))
            self._places[traveller] = Place.WAITING

    def turn_back(self, traveller: str) -> None:
        """A body walks back to where it came from. One that is through the leaf stays on its way."""
        with self._lock:
            for body in self._bodies:
                if body.traveller == traveller and body.across is body.outbound:
                    body.speed_m_s = WALK_M_S if body.outbound else -WALK_M_S

    def join(self, body: Body) -> None:
        """Add a body that another part moves."""
        with self._lock:
            self._bodies.append(body)

    def come_back(self, traveller: str) -> None:
        """Such a body turns round: beyond the leaf, it comes from the far side now."""
        with self._lock:
            for body in self._bodies:
                if body.traveller == traveller:
                    body.outbound, body.entered = body.across, body.in_zone

    def place_of(self, traveller: str) -> Place:
        """Where a traveller is; WAITING before setting out."""
        with self._lock:
            return self._places.get(traveller, Place.WAITING)

    def position_of(self, traveller: str) -> float:
        """Metres along the lane (`zone`); where travellers stand before the camera, for whoever is not in it."""
        with self._lock:
            return next((body.centre_m for body in self._bodies if body.traveller == traveller), START_M)

    def forget(self, traveller: str) -> None:
        """End a traveller's story. A body that is still in the lane continues to walk."""
        with self._lock:
            self._places.pop(traveller, None)

    @property
    def leaf_closed(self) -> bool:
        """True when the leaf rests closed."""
        with self._lock:
            return self._controller.leaf.state is LeafState.CLOSED

    @property
    def is_wide_open(self) -> bool:
        """True when a body fits through."""
        return self._controller.leaf.angle_degrees >= WIDE_ENOUGH_DEGREES

    @property
    def leaf_opens(self) -> bool:
        """True when the leaf is open, or on its way there."""
        return self._controller.leaf.state in {LeafState.OPENING, LeafState.OPEN}

    def set_fire(self, *, active: bool) -> None:
        """The fire alarm system's contact."""
        with self._lock:
            if active != self._controller.fire:
                self._controller.fire = active
                self._report("fire_on" if active else "fire_off")

    def set_motor_fault(self, *, faulty: bool) -> None:
        """The motor stands still, or is repaired."""
        with self._lock:
            self._controller.motor_fault = faulty
            self._report("motor_fault" if faulty else "motor_repaired")

    def push_leaf(self, degrees: float) -> None:
        """Force the leaf by hand."""
        with self._lock:
            before = self._controller.leaf.state
            self._controller.force_leaf(degrees)
            fields: dict[str, str | int] = {"from": before.name.lower(), "degrees": round(degrees)}
            self._report("leaf_forced", **fields)

    def slow_leaf(self, travel_ms: float) -> None:
        """The motor takes so long from closed to open from now on."""
        with self._lock:
            self._controller.leaf.travel_ms = travel_ms

    @property
    def leaf_is_slow(self) -> bool:
        """True while its motor is slower than it should be."""
        return self._controller.leaf.travel_ms > TRAVEL_MS

    def stick_beam(self, at: int | None) -> None:
        """Show a beam, entry side first, as broken whether or not anything is there; None: no beam."""
        with self._lock:
            self._stuck = at

    @property
    def bodies_m(self) -> dict[str, float]:
        """Who is in the lane or on the way there, and where."""
        with self._lock:
            return {body.traveller: body.centre_m for body in self._bodies}

    @property
    def empty(self) -> bool:
        """Return True when no one is in the lane or on the way there."""
        return not self._bodies

    def power_cycle(self) -> None:
        """Cut the controller's power and restore it."""
        with self._lock:
            self._controller.power_cycle()

    # ── the physics ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _pass_time(self, real_ms: float) -> None:
        now_ms = real_ms if self._part is None else self._part.clock.at_s(real_ms / 1000) * 1000
        if self._now_ms is None:
            self._controller.now_ms = self._now_ms = now_ms
        while self._now_ms < now_ms:
            step_ms = min(STEP_MS_MAX, now_ms - self._now_ms)
            self._now_ms += step_ms
            self._step(self._now_ms, step_ms)

    def _step(self, now_ms: float, step_ms: float) -> None:
        controller = self._controller
        if self._bodies:
            self._walk(step_ms, controller.leaf.angle_degrees)
        broken = broken_beams(self._bodies)
        if self._stuck is not None:
            broken = tuple(is_broken or at == self._stuck for at, is_broken in enumerate(broken))
        if broken == NONE_BROKEN and now_ms < controller.calm_until_ms:
            controller.now_ms = now_ms
            return
        leaf = controller.leaf
        before = leaf.state
        controller.step(now_ms, broken)
        if leaf.state is not before:
            self._report_leaf(before, leaf.state)

    def _walk(self, step_ms: float, leaf_degrees: float) -> None:
        for body in self._bodies:
            body.walk(step_ms, leaf_degrees)
            self._follow(body)
        self._bodies = [body for body in self._bodies if not body.gone]

    def _follow(self, body: Body) -> None:
        in_zone = body.in_zone
        if in_zone and not body.entered:
            body.entered = True
            self._places[body.traveller] = Place.IN_ZONE
            self._report("body_entered", traveller=body.traveller)
        elif not in_zone and body.entered and body.across is body.outbound:
            body.entered = False
            self._places[body.traveller] = Place.BACK
            self._report("walked_back", traveller=body.traveller)
        elif not in_zone and body.speed_m_s < 0 and not body.across and not body.outbound:
            self._places[body.traveller] = Place.BACK
        if body.at_leaf != body.covers(LEAF_M):
            body.at_leaf = not body.at_leaf
            self._report("at_leaf" if body.at_leaf else "left_leaf", traveller=body.traveller)
        if not body.across and not body.outbound and body.rear_m > LEAF_M:
            body.across = True
            self._places[body.traveller] = Place.PASSED
            self._report("passed", direction="entry", traveller=body.traveller)
        elif body.outbound and body.across and body.front_m < LEAF_M:
            body.across = False
            self._places[body.traveller] = Place.PASSED
            self._report("passed", direction="exit", traveller=body.traveller)

    def _report_leaf(self, before: LeafState, after: LeafState) -> None:
        obstacle = any(body.covers(LEAF_M) for body in self._bodies)
        if after in MOVING:
            fields: dict[str, str | bool] = {
                "from": before.name.lower(),
                "to": after.name.lower(),
                "obstacle": obstacle,
            }
            self._report("leaf_moved", **fields)
        else:
            self._report("leaf_at_rest", at=after.name.lower())


class Barrier(BarrierDevice[Controller, Slave]):
    """The barrier of docs/protocols/barrier-modbus.md."""

    def __init__(self, report: Callable[..., None], *, unit: int = UNIT, part: Part | None = None) -> None:
        def make(told: Callable[..., None]) -> tuple[Controller, Slave]:
            controller = Controller(told)
            return controller, Slave(unit, BarrierRegisters(controller))

        super().__init__(report, make, part=part)

    def be_busy(self, *, busy: bool) -> None:
        """The controller has no time for what it is asked."""
        with self._lock:
            self._slave.busy = busy

    @property
    def controller(self) -> Controller:
        """What the controller knows and does: to be looked at."""
        return self._controller
