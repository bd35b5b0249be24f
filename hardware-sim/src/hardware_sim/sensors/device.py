"""The sensor unit as a device on a serial line, in one model with the space between the doors, with one clock.

The host uses `receive`. The world moves people, things and contacts through the other methods, from any thread.
`report` receives the physical events, whatever the unit measures. In a world the unit uses the world's clock.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from hardware_sim.modbus import Slave, seal
from hardware_sim.sensors.inside import Inside, Person, Thing
from hardware_sim.sensors.registers import InputsRegisters, SimRegisters
from hardware_sim.sensors.unit import Fault, SensorUnit

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware_sim.clock import Part

TICK_MS = 5
STEP_MS_MAX = 5.0  # a late tick is processed in steps of at most this length, so that each bounce is seen
BAUD = 9_600
PROFILES: dict[str, type[SimRegisters | InputsRegisters]] = {
    "inputs-8": InputsRegisters,
    "portcullis-sim": SimRegisters,
}
_TWINS_SESSION = 0x7777


class SensorDevice:
    """One unit on its line. `report` receives event, time in milliseconds and fields. Raises KeyError for an unknown profile."""

    tick_ms = TICK_MS

    def __init__(
        self,
        profile: str,
        report: Callable[..., None],
        *,
        number: int = 1,
        inside: Inside | None = None,
        part: Part | None = None,
    ) -> None:
        self._told = report
        self._part = part
        self._lock = threading.RLock()
        self._number = number
        self.unit = SensorUnit(self._report, inside or Inside())
        self._twin = SensorUnit(lambda *_, **__: None, session=_TWINS_SESSION)
        registers, twins = PROFILES[profile](self.unit), PROFILES[profile](self._twin)
        self._slave, self._twins_slave = Slave(number, registers, registers), Slave(number, twins, twins)
        self._now_ms: float | None = None

    def _report(self, event: str, **fields: str | int | bool) -> None:
        self._told(event, at_ms=int(self._now_ms or 0.0), **fields)

    # ── the line ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def receive(self, received: bytes, now_ms: float) -> bytes:
        """Receive bytes from the host; return the answer of all units on the line."""
        with self._lock:
            self._pass_time(now_ms)
            if self.unit.fault is Fault.SILENT:
                return b""
            twins = self._twins_slave.receive(received, now_ms)
            return self._with_others(self._slave.receive(received, now_ms), twins)

    def tick(self, now_ms: float) -> bytes:
        """Advance to `now_ms`; return bytes to send: only a late reply to a frame that silence ended."""
        with self._lock:
            self._pass_time(now_ms)
            if self._part is not None:
                self._part.moved()
            twins = self._twins_slave.quiet(now_ms)
            return self._with_others(self._slave.quiet(now_ms), twins)

    def _with_others(self, reply: bytes, twins: bytes) -> bytes:
        if reply and self.unit.fault is Fault.STRANGER:
            return seal(bytes([self._number % 247 + 1]) + reply[1:-2]) + reply
        return twins + reply if self.unit.fault is Fault.CLASH else reply

    # ── the world ────────────────────────────────────────────────────────────────────────────────────────────────────

    def walk(self, person: str, to_m: float) -> None:
        """Let a person walk to a position in the lane, or out of it, in metres."""
        with self._lock:
            self.unit.inside.walk(person, to_m)

    def come(self, name: str, person: Person) -> None:
        """Put a person into the lane, or before one of its doors."""
        with self._lock:
            self.unit.inside.people[name] = person

    def lay(self, thing: str, at_m: float, size_cm: float) -> None:
        """Put a thing on the floor, position in metres, size in centimetres."""
        with self._lock:
            self.unit.inside.things[thing] = Thing(at_m, size_cm)

    def take(self, thing: str) -> None:
        """Take a thing away. Raises KeyError when it does not lie there."""
        with self._lock:
            del self.unit.inside.things[thing]

    def press(self, *, pressed: bool) -> None:
        """Press or release the call button."""
        with self._lock:
            self.unit.inside.button.move(pressed=pressed, now_ms=self.unit.now_ms)

    def open_cabinet(self, *, is_open: bool) -> None:
        """Open or close the cabinet's door."""
        with self._lock:
            self.unit.inside.cabinet_open = is_open

    def set_mains(self, *, present: bool) -> None:
        """Connect or disconnect the mains. Without mains the unit runs on its battery."""
        with self._lock:
            self.unit.inside.mains = present

    def power_cycle(self) -> None:
        """Turn the unit's power off and on."""
        with self._lock:
            self.unit.power_cycle()

    def break_by_name(self, fault: str | None) -> None:
        """Set the unit's fault from now on; None clears it. Raises ValueError for an unknown name."""
        broken = None if fault is None else Fault(fault)
        with self._lock:
            self.unit.fault = broken

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _pass_time(self, real_ms: float) -> None:
        now_ms = real_ms if self._part is None else self._part.clock.at_s(real_ms / 1000) * 1000
        if self._now_ms is None:
            self._now_ms = now_ms
            self._step(0.0)
        while self._now_ms < now_ms:
            step_ms = min(STEP_MS_MAX, now_ms - self._now_ms)
            self._now_ms += step_ms
            self._step(step_ms)
        self._twin.step(self._now_ms)

    def _step(self, step_ms: float) -> None:
        before = len(self.unit.inside.bodies_m)
        self.unit.inside.pass_time(step_ms)
        if (now := len(self.unit.inside.bodies_m)) != before:
            self._report("people", inside=now)
        self.unit.step(self._now_ms or 0.0)
