"""The barrier as a device on a serial line: controller, leaf, beams and bodies in one physical model with one clock.

The host uses `receive`; the world moves bodies, the fire input and the power through the other methods, from any
thread. Physical events go into the ground truth from here, whatever the controller measures. The model uses the world's
time, which stops when a tick is late. Frame ends use the line's own time.
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
STEP_MS_MAX = 20.0  # a late tick is processed in steps of at most this length, so that no body skips a beam
LATE_MS_MAX = 50.0  # in a world: when a tick is later than this, time stops
MOVING = {LeafState.OPENING, LeafState.CLOSING}


class Judge(Protocol):
    """The logic of a board: beams, inputs and orders. Pure; each step receives the time."""

    leaf: Leaf
    fire: bool
    motor_fault: bool
    now_ms: float

    @property
    def calm_until_ms(self) -> float:
        """Return the time until which an idle line and free beams change nothing; at most `now_ms` if unknown."""

    def host_spoke(self) -> None:
        """Note that a request of the host was answered."""

    def step(self, now_ms: float, broken: tuple[bool, ...]) -> None:
        """Advance to `now_ms`, with the present state of the beams."""

    def force_leaf(self, degrees: float) -> None:
        """Push the leaf to an angle by hand."""

    def power_cycle(self) -> None:
        """Cut and restore the power."""


class Speaker(Protocol):
    """The protocol of a board on its line. `answered` counts the requests answered since it was last set to 0."""

    answered: int

    def receive(self, received: bytes, now_ms: float) -> bytes:
        """Receive bytes; return the bytes to send."""

    def quiet(self, now_ms: float) -> bytes:
        """Advance to `now_ms`; return the bytes to send."""


AnyJudge = TypeVar("AnyJudge", bound=Judge)
AnySpeaker = TypeVar("AnySpeaker", bound=Speaker)


class BarrierDevice(Generic[AnyJudge, AnySpeaker]):
    """One barrier with the board that `make` returns. `report` receives event, time in milliseconds and fields.

    The time is the model's: an event in a late tick has the time at which it was due. `part` is the barrier as a part
    of its world; without one, time never stops.
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
        """Receive bytes from the host; return the reply."""
        with self._lock:
            self._pass_time(now_ms)
            return self._served(self._slave.receive(received, now_ms))

    def tick(self, now_ms: float) -> bytes:
        """Advance to `now_ms`. Modbus slaves send only a late reply unasked, to a frame that silence ended."""
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
        """Send a body in entry direction, from `from_m` (metres along the lane)."""
        with self._lock:
            self._bodies.append(Body(traveller, from_m, WALK_M_S))
            self._places[traveller] = Place.WAITING

    def walk_out(self, traveller: str) -> None:
        """Send a body from the far side, in exit direction."""
        with self._lock:
            self._bodies.append(Body(traveller, GONE_M, -WALK_M_S, across=True, outbound=True))
            self._places[traveller] = Place.WAITING

    def turn_back(self, traveller: str) -> None:
        """Send a body back to where it came from. One that is through the leaf continues."""
        with self._lock:
            for body in self._bodies:
                if body.traveller == traveller and body.across is body.outbound:
                    body.speed_m_s = WALK_M_S if body.outbound else -WALK_M_S

    def join(self, body: Body) -> None:
        """Add a body that another part moves."""
        with self._lock:
            self._bodies.append(body)

    def come_back(self, traveller: str) -> None:
        """Reverse a joined body: beyond the leaf, it now counts as coming from the far side."""
        with self._lock:
            for body in self._bodies:
                if body.traveller == traveller:
                    body.outbound, body.entered = body.across, body.in_zone

    def place_of(self, traveller: str) -> Place:
        """Return a traveller's place; WAITING before they set out."""
        with self._lock:
            return self._places.get(traveller, Place.WAITING)

    def position_of(self, traveller: str) -> float:
        """Return a traveller's position in metres along the lane (`zone`); START_M when they are not in it."""
        with self._lock:
            return next((body.centre_m for body in self._bodies if body.traveller == traveller), START_M)

    def forget(self, traveller: str) -> None:
        """End a traveller's story. A body that is still in the lane continues to walk."""
        with self._lock:
            self._places.pop(traveller, None)

    @property
    def leaf_closed(self) -> bool:
        """Return True when the leaf is closed and at rest."""
        with self._lock:
            return self._controller.leaf.state is LeafState.CLOSED

    @property
    def is_wide_open(self) -> bool:
        """Return True when a body fits through."""
        return self._controller.leaf.angle_degrees >= WIDE_ENOUGH_DEGREES

    @property
    def leaf_opens(self) -> bool:
        """Return True when the leaf is open or opening."""
        return self._controller.leaf.state in {LeafState.OPENING, LeafState.OPEN}

    def set_fire(self, *, active: bool) -> None:
        """Set the contact of the fire alarm system."""
        with self._lock:
            if active != self._controller.fire:
                self._controller.fire = active
                self._report("fire_on" if active else "fire_off")

    def set_motor_fault(self, *, faulty: bool) -> None:
        """Break or repair the motor."""
        with self._lock:
            self._controller.motor_fault = faulty
            self._report("motor_fault" if faulty else "motor_repaired")

    def push_leaf(self, degrees: float) -> None:
        """Push the leaf to an angle by hand."""
        with self._lock:
            before = self._controller.leaf.state
            self._controller.force_leaf(degrees)
            fields: dict[str, str | int] = {"from": before.name.lower(), "degrees": round(degrees)}
            self._report("leaf_forced", **fields)

    def slow_leaf(self, travel_ms: float) -> None:
        """Set the motor's time from closed to open from now on, in milliseconds."""
        with self._lock:
            self._controller.leaf.travel_ms = travel_ms

    @property
    def leaf_is_slow(self) -> bool:
        """Return True while the motor is slower than normal."""
        return self._controller.leaf.travel_ms > TRAVEL_MS

    def stick_beam(self, at: int | None) -> None:
        """Make one beam, counted from 0 at the entry side, permanently broken; None repairs it."""
        with self._lock:
            self._stuck = at

    @property
    def bodies_m(self) -> dict[str, float]:
        """Return the positions in metres of travellers in the lane or on the way there."""
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
    """The barrier in docs/protocols/barrier-modbus.md."""

    def __init__(self, report: Callable[..., None], *, unit: int = UNIT, part: Part | None = None) -> None:
        def make(told: Callable[..., None]) -> tuple[Controller, Slave]:
            controller = Controller(told)
            return controller, Slave(unit, BarrierRegisters(controller))

        super().__init__(report, make, part=part)

    def be_busy(self, *, busy: bool) -> None:
        """Make the controller answer requests with exception 06, busy."""
        with self._lock:
            self._slave.busy = busy

    @property
    def controller(self) -> Controller:
        """Return the controller, for inspection."""
        return self._controller
