"""One simulated reader on a line of its own, moved by orders on standard input.

Its orders: `{"do":"insert","lines":[…]}` (without lines: ICAO's specimen), `remove`, `fault` with `what` (a name, or null to mend it); and
those of every device (`hardware_sim.serving`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardware_sim.pty import SerialLine
from hardware_sim.readers.device import Fault
from hardware_sim.readers.kinds import KINDS
from hardware_sim.serving import Teller, serve_orders

if TYPE_CHECKING:
    from pathlib import Path

    from hardware_sim.readers.device import ReaderDevice
    from hardware_sim.serving import Order, Orders, Out

SPECIMEN = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")


def serve(kind: str, path: Path, *, seed: int, orders: Orders, out: Out) -> None:
    """Run one reader until `stop` or the end of the orders. Raises OSError when no line can be had."""
    chosen = KINDS[kind]
    device = chosen.make(seed)
    line = SerialLine(path, device, baud=chosen.baud, seed=seed)
    ready = {"kind": kind, "port": str(path), **chosen.settings()}
    serve_orders(line, orders, Teller(out), lambda order: _obey(order, device), **ready)


def _obey(order: Order, device: ReaderDevice) -> None:
    """Carry out one order. Raises ValueError, TypeError or KeyError for what is none."""
    match order["do"]:
        case "insert":
            device.insert(tuple(str(text).upper() for text in order.get("lines", SPECIMEN)))
        case "remove":
            device.remove()
        case "fault":
            device.break_with(None if order["what"] is None else Fault(order["what"]))
        case other:
            raise ValueError(f"there is no order {other!r}")
