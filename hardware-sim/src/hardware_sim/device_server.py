"""One simulated device on its own line, controlled by orders on standard input.

Orders are JSON objects, one a line. Every device accepts `{"do":"line"}` with the probabilities `drop`, `flip` and
`garbage`, `unplug`, `replug` and `stop`; the functions below list each device's own. Events are JSON objects on
standard output: `ready`, then `done` or `error` for each order, and `happened` for each physical event.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from hardware_sim.barrier.boards import baud_of, device_of
from hardware_sim.pty import LineFaults, SerialLine
from hardware_sim.readers.device import Fault
from hardware_sim.readers.kinds import KINDS
from hardware_sim.sensors.device import BAUD, SensorDevice

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hardware_sim.barrier.boards import FramedDevice, ModbusDevice
    from hardware_sim.readers.device import ReaderDevice

ORDER_BYTES_MAX = 4_096
Order: TypeAlias = dict[str, Any]
SPECIMEN = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")


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


class Teller:
    """Prints events, one a line; thread-safe, because the line's thread reports physical events."""

    def __init__(self, out: Out) -> None:
        self._out = out
        self._lock = threading.Lock()

    def say(self, event: str, **fields: object) -> None:
        """Print one event."""
        with self._lock:
            self._out.write(json.dumps({"event": event, **fields}) + "\n")
            self._out.flush()

    def happened(self, what: str, **fields: object) -> None:
        """Print a physical event."""
        self.say("happened", what=what, **fields)


def serve_orders(
    line: SerialLine, orders: Orders, teller: Teller, obey: Callable[[Order], None], **ready: object
) -> None:
    """Run a line until `stop` or the end of the orders. `obey` raises ValueError, TypeError or KeyError if invalid."""
    line.start()
    try:
        teller.say("ready", **ready)
        while text := orders.readline(ORDER_BYTES_MAX):
            try:
                order = json.loads(text)
                if order["do"] == "stop":
                    return
                _obey(order, line, obey)
            except (ValueError, TypeError, KeyError) as error:
                teller.say("error", why=str(error))
            else:
                teller.say("done")
    finally:
        line.stop()


def _obey(order: Order, line: SerialLine, obey: Callable[[Order], None]) -> None:
    match order["do"]:
        case "line":
            chances = {name: float(order.get(name, 0.0)) for name in ("drop", "flip", "garbage")}
            line.faults = LineFaults(**chances)
        case "unplug":
            line.unplug()
        case "replug":
            line.replug()
        case _:
            obey(order)


def serve_sensors(
    profile: str, path: Path, *, number: int, baud: int | None, seed: int, orders: Orders, out: Out
) -> None:
    """Run one sensor unit until `stop` or the end of the orders. Raises OSError when it cannot create the line."""
    teller, speed = Teller(out), baud or BAUD
    unit = SensorDevice(profile, teller.happened, number=number)
    line = SerialLine(path, unit, baud=speed, seed=seed)
    ready = {"profile": profile, "port": str(path), "baud": speed, "unit": number}
    serve_orders(line, orders, teller, lambda order: _obey_sensors(order, unit), **ready)


def _obey_sensors(order: Order, unit: SensorDevice) -> None:
    """Obey `walk` with `person` and `to_m`, `lay` with `thing`, `at_m` and `size_cm`, `take` with `thing`, `press` and `let_go` (the call button), `cabinet` with
    `open`, `mains` with `present`, `power_cycle`, `fault` with `what` (a name; null clears the fault).
    """
    match order["do"]:
        case "walk":
            unit.walk(str(order["person"]), float(order["to_m"]))
        case "lay":
            unit.lay(str(order["thing"]), float(order["at_m"]), float(order["size_cm"]))
        case "take":
            unit.take(str(order["thing"]))
        case "press" | "let_go" as done:
            unit.press(pressed=done == "press")
        case "cabinet":
            unit.open_cabinet(is_open=bool(order["open"]))
        case "mains":
            unit.set_mains(present=bool(order["present"]))
        case "power_cycle":
            unit.power_cycle()
        case "fault":
            unit.break_by_name(order["what"])
        case other:
            raise ValueError(f"there is no order {other!r}")


def serve_reader(kind: str, path: Path, *, seed: int, orders: Orders, out: Out) -> None:
    """Run one reader until `stop` or the end of the orders. Raises OSError when it cannot create the line."""
    chosen = KINDS[kind]
    device = chosen.make(seed)
    line = SerialLine(path, device, baud=chosen.baud, seed=seed)
    ready = {"kind": kind, "port": str(path), **chosen.settings()}
    serve_orders(line, orders, Teller(out), lambda order: _obey_reader(order, device), **ready)


def _obey_reader(order: Order, device: ReaderDevice) -> None:
    """Obey `insert` with `lines` (default: ICAO's specimen), `remove`, `fault` with `what` (a name; null clears it)."""
    match order["do"]:
        case "insert":
            device.insert(tuple(str(text).upper() for text in order.get("lines", SPECIMEN)))
        case "remove":
            device.remove()
        case "fault":
            device.break_with(None if order["what"] is None else Fault(order["what"]))
        case other:
            raise ValueError(f"there is no order {other!r}")


def serve_barrier(
    profile: str, path: Path, *, number: int, baud: int | None, seed: int, orders: Orders, out: Out
) -> None:
    """Run one board until `stop` or the end of the orders. Raises OSError when it cannot create the line."""
    teller, speed = Teller(out), baud or baud_of(profile)
    barrier = device_of(profile, teller.happened, number=number, baud=speed, seed=seed)
    line = SerialLine(path, barrier, baud=speed, seed=seed)
    ready = {"profile": profile, "port": str(path), "baud": speed, "unit": number}
    serve_orders(line, orders, teller, lambda order: _obey_barrier(order, barrier), **ready)


def _obey_barrier(order: Order, barrier: FramedDevice | ModbusDevice) -> None:
    """Obey `walk_in`, `walk_out` and `turn_back` with `traveller`, `fire` with `active`, `push` with `degrees`, `motor` with `faulty`, `power_cycle`, `reset` (the
    key at a turnstile), `fault` with `what` (a name; null clears all).
    """
    match order["do"]:
        case "walk_in":
            barrier.walk_in(str(order["traveller"]))
        case "walk_out":
            barrier.walk_out(str(order["traveller"]))
        case "turn_back":
            barrier.turn_back(str(order["traveller"]))
        case "fire":
            barrier.set_fire(active=bool(order["active"]))
        case "push":
            barrier.push_leaf(float(order["degrees"]))
        case "motor":
            barrier.set_motor_fault(faulty=bool(order["faulty"]))
        case "power_cycle":
            barrier.power_cycle()
        case "reset":
            barrier.reset()
        case "fault":
            barrier.break_by_name(order["what"])
        case other:
            raise ValueError(f"there is no order {other!r}")
