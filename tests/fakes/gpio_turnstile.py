"""A simulated turnstile whose contacts are wired to a GPIO chip as docs/protocols/barrier-contacts.md has it. Pure.

Lines 0 to 2 close unlock A, unlock B and stop, 4 and 5 the lamp. The turnstile's own contacts close to ground, over the chip's resistors:
8 Ready (it rests locked), 9 and 10 PASS A and PASS B (a moment for each passage), 11 Detector (somebody stands in it), 13 Alarm. Line 12 is
the fire loop, closed while all is well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hardware_sim.barrier.beams import Way
from hardware_sim.barrier.leaf import LeafState
from hardware_sim.barrier.relays import STOP, PulseGate

if TYPE_CHECKING:
    from collections.abc import Callable

LABEL = "portcullis-contacts"
LINES = 16
READY, PASS_A, PASS_B, DETECTOR, FIRE_LOOP, ALARM = range(8, 14)
LAMP = (4, 5)
PASS_MS = 120


class Chip(Protocol):
    """Where its contacts are wired to."""

    def drive(self, line: int, level: bool | None, /) -> None:  # noqa: FBT001 - a level is high, low or none
        """Put a level on a line; None opens its wire."""


class Turnstile:
    """One turnstile. `chip` is wired once, after it is made; `report` is told what physically happens."""

    def __init__(self, report: Callable[..., None]) -> None:
        self.gate = PulseGate(report)
        self.lamp = 0
        self.at_once = 0  # the most contacts that were ever closed together
        self._chip: Chip | None = None
        self._shown: dict[int, bool] = {}
        self._passed_at_ms: dict[Way, float] = {}
        self._passages = dict.fromkeys(Way, 0)

    def wire(self, chip: Chip) -> None:
        """Connect its contacts."""
        self._chip, self._shown = chip, {}
        self._show()

    def switched(self, line: int, *, high: bool) -> None:
        """A line of the chip's changed, or did not."""
        if line <= STOP:
            self.gate.set_contact(line, closed=high)
            self.at_once = max(self.at_once, self.gate.contacts_closed)
        elif line in LAMP:
            bit = 1 << LAMP.index(line)
            self.lamp = self.lamp | bit if high else self.lamp & ~bit

    def step(self, now_ms: float, broken: tuple[bool, ...]) -> None:
        """Let time pass, with the beams as they are now."""
        self.gate.step(now_ms, broken)
        for way, count in self.gate.passages.items():
            if count != self._passages[way]:
                self._passages[way], self._passed_at_ms[way] = count, now_ms
        self._show()

    def show_again(self) -> None:
        """Close and open its own contacts anew, whoever changed a level in between."""
        self._shown = {}
        self._show()

    def _show(self) -> None:
        """Close and open its own contacts."""
        gate = self.gate
        rests = gate.leaf.state is LeafState.CLOSED and not any(gate.granted(way) for way in Way)
        closed = {
            READY: rests and not gate.motor_fault,
            PASS_A: self._passes(Way.ENTRY),
            PASS_B: self._passes(Way.EXIT),
            DETECTOR: any(gate.broken),
            FIRE_LOOP: not gate.fire,
            ALARM: gate.motor_fault or bool(gate.alarms),
        }
        if self._chip is not None:
            for line in (line for line in closed if closed[line] is not self._shown.get(line)):
                self._chip.drive(line, False if closed[line] else None)
            self._shown = closed

    def _passes(self, way: Way) -> bool:
        since_ms = self._passed_at_ms.get(way)
        return since_ms is not None and self.gate.now_ms - since_ms < PASS_MS
