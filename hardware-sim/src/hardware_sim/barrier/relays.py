"""A simulated board: eight relays, eight inputs, two counters, a host watchdog, before a pulse-controlled gate. Pure.

Relays 0 to 2 are the gate's contacts: unlock A, unlock B, stop. Relays 4 and 5 control the lamp. The watchdog (holding
register 0, milliseconds) is 0 by default, which is off; when it expires all relays open.

Inputs: 0 leaf closed, 1 leaf open, 2 and 3 beams before and behind the leaf, 4 fire loop (open on alarm), 5 motor
fault. Input registers 0 and 1 count passages A and B, with 16 bits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from hardware_sim.barrier.beams import Way
from hardware_sim.barrier.controller import Controller
from hardware_sim.barrier.leaf import LeafState
from hardware_sim.modbus import IllegalAddressError, IllegalValueError

UNLOCK_A, UNLOCK_B, STOP = range(3)
PASSAGE_MS = 5_000
HELD_OPEN_MS = 1_500
RELAYS = 8
WATCHDOG_MS_MAX = 60_000
_Cell = TypeVar("_Cell", bool, int)


@dataclass(slots=True)
class PulseGate(Controller):
    """A gate with three pulse contacts: unlock A, unlock B, stop.

    A contact that closes requests one passage, which the gate ends after 5 s. An unlock contact that stays closed for 1.5 s
    holds the gate open until it opens, a known risk of level contacts. The fire loop begins and ends the emergency.
    """

    _closed_since_ms: dict[int, float] = field(default_factory=dict)

    def set_contact(self, contact: int, *, closed: bool) -> None:
        """Close or open a contact; no effect when it already is."""
        if not closed:
            self._closed_since_ms.pop(contact, None)
        elif contact not in self._closed_since_ms:
            self._closed_since_ms[contact] = self.now_ms
            self._contact_closed(contact)

    @property
    def contacts_closed(self) -> int:
        """Return how many of the three contacts are closed."""
        return len(self._closed_since_ms)

    @property
    def calm_until_ms(self) -> float:
        """Return `now_ms`: closed contacts depend on time, so no step may be skipped."""
        return self.now_ms

    def step(self, now_ms: float, broken: tuple[bool, ...]) -> None:
        """Advance to `now_ms`: closed contacts first, then the leaf."""
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


@dataclass(slots=True)
class RelayBoard(PulseGate):
    """Board and gate. `watchdog_works` False: the watchdog expires without opening relays."""

    coils: list[bool] = field(default_factory=lambda: [False] * RELAYS)
    board_watchdog_ms: int = 0
    watchdog_works: bool = True
    _heard_ms: float = 0.0

    def host_spoke(self) -> None:
        """Note that a valid request arrived."""
        self._heard_ms = self.now_ms

    def power_cycle(self) -> None:
        """Cut and restore the power: all relays open, the watchdog is off."""
        PulseGate.power_cycle(self)
        self.switch(0, [False] * RELAYS)
        self.board_watchdog_ms = 0

    def step(self, now_ms: float, broken: tuple[bool, ...]) -> None:
        """Advance to `now_ms`: the watchdog first, then the gate."""
        if self.board_watchdog_ms and self.watchdog_works and now_ms - self._heard_ms >= self.board_watchdog_ms:
            if any(self.coils):
                self.report("outputs_dropped")
            self.switch(0, [False] * RELAYS)
        PulseGate.step(self, now_ms, broken)

    def switch(self, first: int, values: list[bool]) -> None:
        """Close or open consecutive relays from `first` on."""
        for relay, on in enumerate(values, first):
            self.coils[relay] = on
            if relay <= STOP:
                self.set_contact(relay, closed=on)


class RelayRegisters:
    """The board's registers and bits by address."""

    def __init__(self, board: RelayBoard) -> None:
        self._board = board

    def read_coils(self, address: int, count: int) -> list[bool]:
        """Return coils (function 01)."""
        return _part(self._board.coils, address, count)

    def read_discrete(self, address: int, count: int) -> list[bool]:
        """Return discrete inputs (function 02)."""
        board = self._board
        first, middle, last = board.broken
        inputs = [
            board.leaf.state is LeafState.CLOSED,
            board.leaf.state is LeafState.OPEN,
            first or (middle and not last),
            last,
            not board.fire,
            board.motor_fault,
            False,
            False,
        ]
        return _part(inputs, address, count)

    def write_coils(self, address: int, values: list[bool]) -> None:
        """Write coils (functions 05 and 15)."""
        if address + len(values) > RELAYS:
            raise IllegalAddressError
        self._board.switch(address, values)

    def read_input(self, address: int, count: int) -> list[int]:
        """Return input registers (function 04)."""
        return _part([self._board.passages[way] % 0x10000 for way in (Way.ENTRY, Way.EXIT)], address, count)

    def read_holding(self, address: int, count: int) -> list[int]:
        """Return holding registers (function 03)."""
        return _part([self._board.board_watchdog_ms], address, count)

    def write_holding(self, address: int, values: list[int]) -> None:
        """Write holding registers (functions 06 and 16)."""
        if address or len(values) != 1:
            raise IllegalAddressError
        if values[0] > WATCHDOG_MS_MAX:
            raise IllegalValueError
        self._board.board_watchdog_ms = values[0]


def _part(cells: list[_Cell], address: int, count: int) -> list[_Cell]:
    if address + count > len(cells):
        raise IllegalAddressError
    return cells[address : address + count]
