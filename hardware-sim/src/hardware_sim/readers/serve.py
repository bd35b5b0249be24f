"""One simulated reader on a line of its own, moved by orders on standard input.

Orders are JSON objects, one a line: `{"do":"insert","lines":[…]}` (without lines: ICAO's specimen), `remove`, `fault` with `what`
(a name, or null to mend it), `unplug`, `replug`, `stop`. Events are JSON objects on standard output: `ready`, then `done` or
`error` for each order.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from hardware_sim.pty import SerialLine
from hardware_sim.readers.device import Fault
from hardware_sim.readers.kinds import KINDS

if TYPE_CHECKING:
    from pathlib import Path

    from hardware_sim.readers.device import ReaderDevice

ORDER_BYTES_MAX = 4_096
SPECIMEN = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")


class Orders(Protocol):
    """Where orders come from."""

    def readline(self, _size: int, /) -> str:
        """One line of at most so many characters; empty at the end."""


class Out(Protocol):
    """Where events go."""

    def write(self, text: str, /) -> object:
        """Add text."""

    def flush(self) -> object:
        """Send it off."""


def serve(kind: str, path: Path, *, seed: int, orders: Orders, out: Out) -> None:
    """Run one reader until `stop` or the end of the orders. Raises OSError when no line can be had."""
    chosen = KINDS[kind]
    device = chosen.make(seed)
    line = SerialLine(path, device, baud=chosen.baud, seed=seed)
    line.start()
    try:
        _say(out, {"event": "ready", "kind": kind, "port": str(path), **chosen.settings()})
        while order := orders.readline(ORDER_BYTES_MAX):
            try:
                if not _obey(json.loads(order), device, line):
                    return
            except (ValueError, TypeError, KeyError) as error:
                _say(out, {"event": "error", "why": str(error)})
            else:
                _say(out, {"event": "done"})
    finally:
        line.stop()


def _obey(order: dict[str, Any], device: ReaderDevice, line: SerialLine) -> bool:
    """Carry out one order; False for `stop`. Raises ValueError, TypeError or KeyError for what is none."""
    match order["do"]:
        case "insert":
            device.insert(tuple(str(text).upper() for text in order.get("lines", SPECIMEN)))
        case "remove":
            device.remove()
        case "fault":
            device.break_with(None if order["what"] is None else Fault(order["what"]))
        case "unplug":
            line.unplug()
        case "replug":
            line.replug()
        case "stop":
            return False
        case other:
            raise ValueError(f"there is no order {other!r}")
    return True


def _say(out: Out, event: dict[str, object]) -> None:
    out.write(json.dumps(event) + "\n")
    out.flush()
