"""One simulated device on a line of its own, moved by orders on standard input.

Orders are JSON objects, one a line. Every device takes `{"do":"line"}` with the chances `drop`, `flip` and `garbage`, `unplug`, `replug` and
`stop`; its own are its room's. Events are JSON objects on standard output: `ready`, then `done` or `error` for each order, and
`happened` for whatever physically happens.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from hardware_sim.pty import LineFaults

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware_sim.pty import SerialLine

ORDER_BYTES_MAX = 4_096
Order: TypeAlias = dict[str, Any]


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


class Teller:
    """Says events, one a line; the line's thread tells what happens."""

    def __init__(self, out: Out) -> None:
        self._out = out
        self._lock = threading.Lock()

    def say(self, event: str, **fields: object) -> None:
        """Say one event."""
        with self._lock:
            self._out.write(json.dumps({"event": event, **fields}) + "\n")
            self._out.flush()

    def happened(self, what: str, **fields: object) -> None:
        """Say what physically happened."""
        self.say("happened", what=what, **fields)


def serve_orders(
    line: SerialLine, orders: Orders, teller: Teller, obey: Callable[[Order], None], **ready: object
) -> None:
    """Run a line until `stop` or the end of the orders. `obey` raises ValueError, TypeError or KeyError for what is no order.

    Raises OSError when no line can be had.
    """
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
