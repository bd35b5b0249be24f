"""What a driver can be told to do, and what came of it, in words: the lines of a trace that are no bytes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from drivers.barrier.port import BarrierDriver
from drivers.barrier.tracing.trace import one_line
from gate_core.errors import DriverError, RefusedError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import BarrierStatus, Direction, LampColour


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call: a status, or nothing but that it was done, or an error."""

    call: str
    status: BarrierStatus | None = None
    error: DriverError | None = None

    @property
    def ok(self) -> bool:
        """True when it was done."""
        return self.error is None

    def spelt(self) -> str:
        """In words, as a trace has it. Says everything that a status says."""
        if self.error is not None:
            return one_line(f"{type(self.error).__name__}: {self.error}")
        return "done" if self.status is None else described(self.status)


def described(status: BarrierStatus) -> str:
    """A status in words."""
    inputs = [name for name, on in (("fire", status.fire), ("emergency", status.emergency_open)) if on]
    alarms = sorted(alarm.value for alarm in status.alarms)
    return (
        f"{status.position.value}, bodies {status.bodies}, counted {status.count_entry} in {status.count_exit} out, "
        f"granted {status.grants_left_entry} in {status.grants_left_exit} out, power-ups {status.restarts}"
        + "".join(f", {word}" for word in (*inputs, *alarms))
    )


_PLAIN: Mapping[str, Callable[[BarrierDriver], Awaitable[BarrierStatus | None]]] = {
    "connect": lambda barrier: barrier.connect(),
    "status": lambda barrier: barrier.status(),
    "revoke": lambda barrier: barrier.revoke(),
    "release": lambda barrier: barrier.release(),
    "clear-alarms": lambda barrier: barrier.clear_alarms(tuple(Alarm)),
    "end-emergency": lambda barrier: barrier.end_emergency(),
}
WORDS = (*_PLAIN, "grant entry MILLISECONDS", "grant exit MILLISECONDS", "lamp COLOUR")


def understood(call: str) -> Callable[[BarrierDriver], Awaitable[BarrierStatus | None]]:
    """What a call means. Raises ValueError for words that are none."""
    match call.split():
        case [word] if word in _PLAIN:
            return _PLAIN[word]
        case ["grant", direction, ttl_ms]:
            way, lives_ms = Direction(direction), int(ttl_ms)
            return lambda barrier: barrier.grant(way, lives_ms)
        case ["lamp", shade]:
            colour = LampColour(shade)
            return lambda barrier: barrier.lamp(colour)
        case _:
            raise ValueError(f"{call!r} is none of: {', '.join(WORDS)}")


async def carry_out(barrier: BarrierDriver, call: str) -> Outcome:
    """Have the driver do it; a time to live that the board does not take is refused. Raises ValueError for words that are none."""
    doing = understood(call)
    try:
        return Outcome(call, status=await doing(barrier))
    except DriverError as error:
        return Outcome(call, error=error)
    except ValueError as error:
        return Outcome(call, error=RefusedError(str(error)))
