"""A simulated turnstile with LOT's register map, written from public information. Pure.

By default, grants add up (0x3010), a passage must begin within 5 s (0x3011) and end within 10 s (0x3012). There is no
host watchdog. The fire input appears only as mode 2, antipanic, until a technician turns the key at the turnstile
(`reset`) or the host writes mode 0. A power cut restores the defaults.

Assumed, as no source states it: counters begin at 0 at each power-up; a grant ends in its register with the passage.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hardware_sim.barrier.beams import Way
from hardware_sim.barrier.controller import Controller
from hardware_sim.modbus import IllegalAddressError, IllegalValueError, WrongStateError

GRANT_ENTRY, GRANT_EXIT, PRESENCE_ENTRY, PRESENCE_EXIT, COUNTS, ERROR = 0x40, 0x41, 0x42, 0x43, 0x44, 0x48
MODE, ACCUMULATE, START_S, FINISH_S = 0x3000, 0x3010, 0x3011, 0x3012
NORMAL, BLOCKED, ANTIPANIC = 0, 1, 2
SECONDS_MAX = 60
_DELIVERED = {ACCUMULATE: 1, START_S: 5, FINISH_S: 10}


@dataclass(slots=True)
class LotTurnstile(Controller):
    """The turnstile. It has a controller's logic without a host watchdog."""

    timers: dict[int, int] = field(default_factory=lambda: dict(_DELIVERED))
    blocked: bool = False

    def host_spoke(self) -> None:
        """Ignore a valid request: there is no watchdog."""

    def power_cycle(self) -> None:
        """Cut and restore the power: everything returns to its default."""
        Controller.power_cycle(self)
        self.timers = dict(_DELIVERED)
        self.blocked = False

    def reset(self) -> None:
        """Turn the key at the turnstile; has no effect while the fire input is active."""
        if not self.fire:
            self.end_emergency()


class LotRegisters:
    """The turnstile's registers by address; it has holding registers only."""

    def __init__(self, turnstile: LotTurnstile) -> None:
        self._turnstile = turnstile

    def read_input(self, address: int, count: int) -> list[int]:
        """Raise IllegalAddressError: there are no input registers."""
        del address, count
        raise IllegalAddressError

    def read_holding(self, address: int, count: int) -> list[int]:
        """Return holding registers (function 03). Gaps between registers are refused."""
        held = self._held()
        wanted = range(address, address + count)
        if any(register not in held for register in wanted):
            raise IllegalAddressError
        return [held[register] for register in wanted]

    def write_holding(self, address: int, values: list[int]) -> None:
        """Write holding registers (function 16): all are checked before one is written."""
        writes = list(enumerate(values, address))
        for register, value in writes:
            self._check(register, value)
        for register, value in writes:
            self._write(register, value)

    def _held(self) -> dict[int, int]:
        turnstile = self._turnstile
        first, middle, last = turnstile.broken
        mode = ANTIPANIC if turnstile.emergency else BLOCKED if turnstile.blocked else NORMAL
        counts = [turnstile.passages[way] for way in (Way.ENTRY, Way.EXIT)]
        return {
            GRANT_ENTRY: turnstile.granted(Way.ENTRY),
            GRANT_EXIT: turnstile.granted(Way.EXIT),
            PRESENCE_ENTRY: 1 if first else 2 if middle and not last else 0,
            PRESENCE_EXIT: int(last),
            COUNTS: counts[0] % 0x10000,
            COUNTS + 1: counts[0] // 0x10000,
            COUNTS + 2: counts[1] % 0x10000,
            COUNTS + 3: counts[1] // 0x10000,
            ERROR: int(turnstile.motor_fault),
            MODE: mode,
            **turnstile.timers,
        }

    def _check(self, register: int, value: int) -> None:
        if register in {GRANT_ENTRY, GRANT_EXIT}:
            if value > 1:
                raise IllegalValueError  # several grants at once and free passage are not simulated
            if value and (self._turnstile.emergency or self._turnstile.blocked) and register == GRANT_ENTRY:
                raise WrongStateError
        elif register == MODE:
            if value not in {NORMAL, BLOCKED, ANTIPANIC}:
                raise IllegalValueError
        elif register == ACCUMULATE:
            if value > 1:
                raise IllegalValueError
        elif register in {START_S, FINISH_S}:
            if not 1 <= value <= SECONDS_MAX:
                raise IllegalValueError
        else:
            raise IllegalAddressError

    def _write(self, register: int, value: int) -> None:
        turnstile = self._turnstile
        if register in {GRANT_ENTRY, GRANT_EXIT}:
            if value:
                turnstile.report("grant_ordered", side=register - GRANT_ENTRY)
            turnstile.ttl_ms = turnstile.timers[START_S] * 1000
            turnstile.set_grant(Way.ENTRY if register == GRANT_ENTRY else Way.EXIT, value)
        elif register == MODE:
            turnstile.blocked = value == BLOCKED
            if value == ANTIPANIC:
                turnstile.emergency = True
            else:
                turnstile.reset()
        else:
            turnstile.timers[register] = value
