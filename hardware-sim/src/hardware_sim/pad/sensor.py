"""The messages of the simulated sensor, one a line, and the faults that it can have. Pure: time is an argument, in ms.

It measures ten times a second who stands before it. It has no knowledge of its faults and does not report them.
"""

from __future__ import annotations

import contextlib
import enum
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from hardware_sim.local_server import LocalServer

if TYPE_CHECKING:
    import socket
    import threading
    from pathlib import Path


MEASURE_MS = 100.0
LATE_MS = 5_000
STALE_MS = 60_000
NAME, VERSION, BOUND = "Simulated PAD", "1", 0.5
_OTHER_CROSSING = "f" * 32
_LINE_BYTES_MAX: Final = 512
_TICK_S: Final = 0.02


class Stands(enum.Enum):
    """Who stands before the sensor."""

    PERSON = "person"
    PICTURE = "picture"
    NOBODY = "nobody"


class Fault(enum.Enum):
    """A fault of the sensor."""

    NONE = "none"
    MUTE = "mute"  # accepts the connection and sends nothing
    SILENT = "silent"  # identifies itself, and sends no verdict
    LATE = "late"  # gives no verdict before LATE_MS
    STALE = "stale"  # reports with each verdict that it is STALE_MS old
    GARBAGE = "garbage"  # bytes that are no line
    ENDLESS = "endless"  # a line without an end
    TORN = "torn"  # hangs up in the middle of its first verdict
    WRONG_CROSSING = "wrong_crossing"  # gives the verdict of another crossing, as a recording would
    ALWAYS_LIVE = "always_live"  # takes everything for a person
    CONTRARY = "contrary"  # reports live with a score under its bound
    STRANGER = "stranger"  # is another make than it was bought as
    BACKWARDS = "backwards"  # numbers its verdicts downwards


@dataclass(slots=True)
class PadSensor:
    """The state of one sensor, which all its connections share."""

    stands: Stands = Stands.PERSON
    fault: Fault = Fault.NONE


@dataclass(slots=True)
class Conversation:
    """One connection. Send `greeting` first, then the bytes of `due`. `ended` is True when the sensor closes it."""

    sensor: PadSensor
    crossing: str | None = None
    ended: bool = False
    _number: int = 0
    _asked_ms: float = 0.0
    _next_ms: float = field(default=0.0)

    def greeting(self) -> bytes:
        """Return the sensor's identification."""
        if self.sensor.fault is Fault.MUTE:
            return b""
        name = "Another PAD" if self.sensor.fault is Fault.STRANGER else NAME
        return _line(say="sensor", name=name, version=VERSION, bound=BOUND)

    def ask(self, line: bytes, now_ms: float) -> None:
        """Receive a line from the gate. Raises ValueError when it is not a request."""
        said = json.loads(line)
        if not isinstance(said, dict) or said.get("ask") != "look" or not isinstance(said.get("crossing"), str):
            raise ValueError("the gate asks for what there is not")
        self.crossing, self._number = said["crossing"], 0
        self._asked_ms, self._next_ms = now_ms, now_ms + MEASURE_MS

    def due(self, now_ms: float) -> bytes:
        """Return the bytes that are due by now."""
        if self.crossing is None or now_ms < self._next_ms or self.ended:
            return b""
        self._next_ms = now_ms + MEASURE_MS
        match self.sensor.fault:
            case Fault.MUTE | Fault.SILENT:
                return b""
            case Fault.LATE if now_ms - self._asked_ms < LATE_MS:
                return b""
            case Fault.GARBAGE:
                return b"\x00\xff{]\n"
            case Fault.ENDLESS:
                return b"x" * 64
            case Fault.TORN:
                self.ended = True
                return self._verdict()[:20]
            case _:
                return self._verdict()

    def _verdict(self) -> bytes:
        fault, stands = self.sensor.fault, self.sensor.stands
        self._number += 1
        number = 1_000 - self._number if fault is Fault.BACKWARDS else self._number
        result = {Stands.PERSON: "live", Stands.PICTURE: "attack", Stands.NOBODY: "undetermined"}[stands]
        score = {Stands.PERSON: 0.93, Stands.PICTURE: 0.04, Stands.NOBODY: None}[stands]
        if fault is Fault.ALWAYS_LIVE:
            result, score = "live", 0.99
        if fault is Fault.CONTRARY:
            result, score = "live", 0.2
        crossing = _OTHER_CROSSING if fault is Fault.WRONG_CROSSING else self.crossing
        age_ms = STALE_MS if fault is Fault.STALE else 20
        return _line(say="verdict", crossing=crossing, number=number, result=result, score=score, age_ms=age_ms)


def _line(**fields: object) -> bytes:
    return json.dumps(fields).encode() + b"\n"


class PadServer(LocalServer):
    """The sensor's service: a Unix socket with one thread for each connection, at most eight, paced by the clock."""

    def __init__(self, path: Path, sensor: PadSensor) -> None:
        self._sensor = sensor
        super().__init__(path, self._speak)

    def _speak(self, client: socket.socket, stopping: threading.Event) -> None:
        conversation, heard = Conversation(self._sensor), b""
        client.settimeout(_TICK_S)
        with contextlib.suppress(OSError, ValueError):
            client.sendall(conversation.greeting())
            while not stopping.is_set() and not conversation.ended:
                try:
                    read = client.recv(_LINE_BYTES_MAX)
                except TimeoutError:
                    read = None
                if read == b"":
                    break
                heard += read or b""
                if b"\n" in heard:
                    line, _, heard = heard.partition(b"\n")
                    conversation.ask(line, time.monotonic() * 1000)
                if len(heard) > _LINE_BYTES_MAX:
                    break
                if due := conversation.due(time.monotonic() * 1000):
                    client.sendall(due)
