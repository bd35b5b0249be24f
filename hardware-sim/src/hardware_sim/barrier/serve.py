"""One simulated board on a line of its own, moved by orders on standard input.

Its orders: `{"do":"walk_in","traveller":"anna"}`, `walk_out`, `turn_back`, `fire` with `active`, `push` with `degrees`, `motor` with `faulty`,
`power_cycle`, `reset` (the key at a turnstile), `fault` with `what` (a name, or null to mend all); and those of every device
(`hardware_sim.serving`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardware_sim.barrier.boards import baud_of, device_of
from hardware_sim.pty import SerialLine
from hardware_sim.serving import Teller, serve_orders

if TYPE_CHECKING:
    from pathlib import Path

    from hardware_sim.barrier.boards import FramedDevice, ModbusDevice
    from hardware_sim.serving import Order, Orders, Out


def serve(profile: str, path: Path, *, number: int, baud: int | None, seed: int, orders: Orders, out: Out) -> None:
    """Run one board until `stop` or the end of the orders. Raises OSError when no line can be had."""
    teller, speed = Teller(out), baud or baud_of(profile)
    barrier = device_of(profile, teller.happened, number=number, baud=speed, seed=seed)
    line = SerialLine(path, barrier, baud=speed, seed=seed)
    ready = {"profile": profile, "port": str(path), "baud": speed, "unit": number}
    serve_orders(line, orders, teller, lambda order: _obey(order, barrier), **ready)


def _obey(order: Order, barrier: FramedDevice | ModbusDevice) -> None:
    """Carry out one order. Raises ValueError, TypeError or KeyError for what is none."""
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
