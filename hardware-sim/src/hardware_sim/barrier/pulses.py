"""A simulated gate that takes pulses on three contacts: unlock A, unlock B, stop. Pure.

A contact that closes asks for one passage, which the gate ends after 5 s by itself; an unlock contact that stays closed longer than 1.5 s
holds the gate open, the trap of level contacts, until it opens. The emergency is the fire loop's, and ends with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hardware_sim.barrier.beams import Way
from hardware_sim.barrier.controller import Controller

UNLOCK_A, UNLOCK_B, STOP = range(3)
PASSAGE_MS = 5_000
HELD_OPEN_MS = 1_500


@dataclass(slots=True)
class PulseGate(Controller):
    """One gate."""

    _closed_since_ms: dict[int, float] = field(default_factory=dict)

    def set_contact(self, contact: int, *, closed: bool) -> None:
        """A contact closes or opens, or stays as it is."""
        if not closed:
            self._closed_since_ms.pop(contact, None)
        elif contact not in self._closed_since_ms:
            self._closed_since_ms[contact] = self.now_ms
            self._contact_closed(contact)

    @property
    def contacts_closed(self) -> int:
        """How many of the three are closed now."""
        return len(self._closed_since_ms)

    @property
    def calm_until_ms(self) -> float:
        """It has more that goes by time than its leaf: contacts that are held, and what is before them."""
        return self.now_ms

    def step(self, now_ms: float, broken: tuple[bool, ...]) -> None:
        """Let time pass: contacts that are held, then the leaf."""
        unlocked = (self._closed_since_ms.get(contact, now_ms) for contact in (UNLOCK_A, UNLOCK_B))
        if any(now_ms - since_ms >= HELD_OPEN_MS for since_ms in unlocked):
            self.report("held_open")
            self.release()
        if self.emergency and not self.fire:
            self.end_emergency()
        Controller.step(self, now_ms, broken)

    def _contact_closed(self, contact: int) -> None:
        if contact == STOP:
            self.set_grant(Way.ENTRY, 0)
            self.set_grant(Way.EXIT, 0)
            return
        self.report("grant_ordered", side=contact)
        if not self.emergency:
            self.ttl_ms = PASSAGE_MS
            self.set_grant(Way.ENTRY if contact == UNLOCK_A else Way.EXIT, 1)
