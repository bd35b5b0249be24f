"""One simulated sensor unit on a line of its own, moved by orders on standard input.

Its orders: `{"do":"walk","person":"anna","to_m":1.5}`, `{"do":"lay","thing":"bag","at_m":1.0,"size_cm":55}`, `take` with `thing`, `press` and
`let_go` (the call button), `cabinet` with `open`, `mains` with `present`, `power_cycle`, `fault` with `what` (a name, or null to mend all); and
those of every device (`hardware_sim.serving`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardware_sim.pty import SerialLine
from hardware_sim.sensors.device import BAUD, SensorDevice
from hardware_sim.serving import Teller, serve_orders

if TYPE_CHECKING:
    from pathlib import Path

    from hardware_sim.serving import Order, Orders, Out


def serve(profile: str, path: Path, *, number: int, baud: int | None, seed: int, orders: Orders, out: Out) -> None:
    """Run one unit until `stop` or the end of the orders. Raises OSError when no line can be had."""
    teller, speed = Teller(out), baud or BAUD
    unit = SensorDevice(profile, teller.happened, number=number)
    line = SerialLine(path, unit, baud=speed, seed=seed)
    ready = {"profile": profile, "port": str(path), "baud": speed, "unit": number}
    serve_orders(line, orders, teller, lambda order: _obey(order, unit), **ready)


def _obey(order: Order, unit: SensorDevice) -> None:
    """Carry out one order. Raises ValueError, TypeError or KeyError for what is none."""
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
