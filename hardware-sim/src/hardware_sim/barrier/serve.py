"""One simulated board on a line of its own, moved by orders on standard input.

Orders are JSON objects, one a line: `{"do":"walk_in","traveller":"anna"}`, `walk_out`, `turn_back`, `fire` with `active`, `push` with `degrees`,
`motor` with `faulty`, `power_cycle`, `reset` (the key at a turnstile), `fault` with `what` (a name, or null to mend all), `line` with the chances `drop`, `flip` and `garbage`,
`unplug`, `replug`, `stop`. Events are JSON objects on standard output: `ready`, then `done` or `error` for each order, and
`happened` for whatever physically happens.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from hardware_sim.barrier.boards import baud_of, device_of
from hardware_sim.pty import LineFaults, SerialLine

if TYPE_CHECKING:
    from pathlib import Path

    from hardware_sim.barrier.boards import FramedDevice, ModbusDevice
    from hardware_sim.readers.serve import Orders, Out

ORDER_BYTES_MAX = 4_096


def serve(profile: str, path: Path, *, number: int, baud: int | None, seed: int, orders: Orders, out: Out) -> None:
    """Run one board until `stop` or the end of the orders. Raises OSError when no line can be had."""
    telling = threading.Lock()  # the line's thread tells what happens

    def say(**event: object) -> None:
        with telling:
            out.write(json.dumps(event) + "\n")
            out.flush()

    def happened(what: str, **fields: object) -> None:
        say(event="happened", what=what, **fields)

    speed = baud or baud_of(profile)
    barrier = device_of(profile, happened, number=number, baud=speed, seed=seed)
    line = SerialLine(path, barrier, baud=speed, seed=seed)
    line.start()
    try:
        say(event="ready", profile=profile, port=str(path), baud=speed, unit=number)
        while order := orders.readline(ORDER_BYTES_MAX):
            try:
                if not _obey(json.loads(order), barrier, line):
                    return
            except (ValueError, TypeError, KeyError) as error:
                say(event="error", why=str(error))
            else:
                say(event="done")
    finally:
        line.stop()


def _obey(order: dict[str, Any], barrier: FramedDevice | ModbusDevice, line: SerialLine) -> bool:
    """Carry out one order; False for `stop`. Raises ValueError, TypeError or KeyError for what is none."""
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
        case "stop":
            return False
        case _:
            _disturb(order, barrier, line)
    return True


def _disturb(order: dict[str, Any], barrier: FramedDevice | ModbusDevice, line: SerialLine) -> None:
    match order["do"]:
        case "fault":
            barrier.break_by_name(order["what"])
        case "line":
            chances = {name: float(order.get(name, 0.0)) for name in ("drop", "flip", "garbage")}
            line.faults = LineFaults(**chances)
        case "unplug":
            line.unplug()
        case "replug":
            line.replug()
        case other:
            raise ValueError(f"there is no order {other!r}")
