"""A technician who sets the lane up: moves by orders, outside of stories, with their own passport.

Orders, one a line, in a one-door lane: `{"do":"walk_in","who":"anna"}` and `walk_out` (through the barrier, if it opens), `walk_in` with `followed_by`
(a second person close behind), `turn_back`, `fire` with `active`, `power_cycle` (the barrier's board), `stand` with `shows` (`self`, `nobody`, `two`) before the
camera, `lay` and `take` (a document). Faults: `unplug` and `replug` with `what` (a cable), `line` with `drop` (probability that the barrier's cable
loses a byte), `push` with `degrees` (the leaf, by hand), `motor` with `faulty`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardware_sim.barrier.zone import START_M
from hardware_sim.pty import LineFaults
from hardware_sim.scenario import Scenario, Sight, Verdict
from hardware_sim.stage import CHIP_BIT_RATE_KBIT_S, CHIP_DELAY_PER_APDU_MS
from hardware_sim.story import FOLLOWING_M

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hardware_sim.device_server import Order
    from hardware_sim.stage import Cast, Hardware

HARM = frozenset({"unplug", "replug", "line", "push", "motor"})
DEEDS = frozenset({"walk_in", "walk_out", "turn_back", "fire", "power_cycle", "stand", "lay", "take"}) | HARM
FIRST_BARRIER = "first-barrier"
STORY = Scenario("technician", "Somebody sets the lane up", Verdict.ADMITTED, incidents=(), passages=0)
_WHO = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_SIGHTS = {sight.value: sight for sight in (Sight.SELF, Sight.NOBODY, Sight.TWO)}


@dataclass(frozen=True, slots=True)
class Cable:
    """The data or power cable of one of the lane's devices."""

    unplug: Callable[[], None]
    replug: Callable[[], None]


class Technician:
    """A technician. Invalid orders raise ValueError."""

    def __init__(self, hardware: Hardware, cast: Cast, cables: Mapping[str, Cable]) -> None:
        self._hardware = hardware
        self._cast = cast
        self._cables = cables
        self._out: set[str] = set()

    def do(self, order: Order) -> None:
        """Carry out one order."""
        if order["do"] in HARM:
            self._harm(order)
            return
        hardware = self._hardware
        if hardware.two_doors is not None:
            raise ValueError("a technician moves in a lane of one door")
        match order["do"]:
            case "walk_in":
                who, follower = _who(order), _name(order["followed_by"]) if "followed_by" in order else ""
                hardware.barrier.walk_in(who)
                if follower:
                    hardware.barrier.walk_in(follower, from_m=START_M - FOLLOWING_M)
            case "walk_out":
                hardware.barrier.walk_out(_who(order))
            case "turn_back":
                hardware.barrier.turn_back(_who(order))
            case "fire":
                hardware.barrier.set_fire(active=order.get("active") is True)
            case "power_cycle":
                hardware.barrier.power_cycle()
            case "stand":
                hardware.camera.show(self._cast.scenes[_sight(order)])
            case "lay":
                hardware.reader.insert(self._cast.laid[0])
                hardware.chip.insert(
                    self._cast.passport,
                    pull_out_after_apdus=None,
                    delay_per_apdu_ms=CHIP_DELAY_PER_APDU_MS,
                    bit_rate_kbit_s=CHIP_BIT_RATE_KBIT_S,
                )
            case "take":
                hardware.chip.remove()
                hardware.reader.remove()
            case other:
                raise ValueError(f"there is no order {other!r}")

    def _harm(self, order: Order) -> None:
        """Break or repair a device."""
        barrier = self._hardware.barrier
        match order["do"]:
            case "unplug" | "replug" as how:
                self._pull(order.get("what"), out=how == "unplug")
            case "line":
                self._hardware.barrier_line.faults = LineFaults(drop=_number(order, "drop"))
            case "push":
                barrier.push_leaf(_number(order, "degrees"))
            case "motor":
                barrier.set_motor_fault(faulty=order.get("faulty") is True)
            case other:
                raise ValueError(f"there is no order {other!r}")

    def _pull(self, what: object, *, out: bool) -> None:
        if not isinstance(what, str) or what not in self._cables:
            raise ValueError(f"what is one of {', '.join(sorted(self._cables))}")
        if out is (what in self._out):
            raise ValueError(f"the cable of the {what} is {'out' if out else 'in'} already")
        if out:
            self._tell_cable(what, "unplugged")
            self._cables[what].unplug()
            self._out.add(what)
        else:
            self._cables[what].replug()
            self._tell_cable(what, "plugged")
            self._out.remove(what)

    def _tell_cable(self, what: str, how: str) -> None:
        if what == FIRST_BARRIER:
            self._hardware.truth.record(f"barrier_{how}", door="first")
        else:
            self._hardware.truth.record(f"{what}_{how}")


def _who(order: Order) -> str:
    return _name(order.get("who", STORY.name))


def _name(who: object) -> str:
    if not isinstance(who, str) or not _WHO.match(who):
        raise ValueError("who has 1 to 64 letters, digits, - or _")
    return who


def _number(order: Order, name: str) -> float:
    number = order.get(name)
    if isinstance(number, int | float) and not isinstance(number, bool):
        return float(number)
    raise ValueError(f"{name} is a number")


def _sight(order: Order) -> Sight:
    shows = order.get("shows")
    if shows not in _SIGHTS:
        raise ValueError(f"stand shows one of {', '.join(sorted(_SIGHTS))}")
    return _SIGHTS[str(shows)]
