"""The boards that can be simulated on their own line, by the names of their profiles."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardware_sim.barrier.device import BarrierDevice
from hardware_sim.barrier.frames import LEASE_MS, Ds205a, FramedSlave, FrameFault, Italdis
from hardware_sim.barrier.lot import LotRegisters, LotTurnstile
from hardware_sim.barrier.relays import RelayBoard, RelayRegisters
from hardware_sim.barrier.swing import SwingBoard
from hardware_sim.modbus import Slave

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of board: its codec, its usual speed, its lease."""

    codec: type[Ds205a | Italdis]
    baud: int
    lease_ms: int | None = None


BOARDS = {"ds205a": Kind(Ds205a, 9_600), "italdis": Kind(Italdis, 9_600, LEASE_MS)}


class FramedDevice(BarrierDevice[SwingBoard, FramedSlave]):
    """A barrier with a board of short frames. Raises KeyError for a profile that is not in BOARDS."""

    def __init__(
        self,
        profile: str,
        report: Callable[..., None],
        *,
        number: int = 1,
        baud: int | None = None,
        seed: int = 0,
    ) -> None:
        kind = BOARDS[profile]

        def make(told: Callable[..., None]) -> tuple[SwingBoard, FramedSlave]:
            board = SwingBoard(told, lease_ms=kind.lease_ms)
            return board, FramedSlave(board, kind.codec(), number=number, baud=baud or kind.baud, seed=seed)

        super().__init__(report, make)

    def break_with(self, fault: FrameFault | None) -> None:
        """Add a fault to the board from now on; None clears all faults."""
        with self._lock:
            self._slave.break_with(fault)

    def break_by_name(self, fault: str | None) -> None:
        """Add a fault by its name; None clears all. Raises ValueError for an unknown name."""
        self.break_with(None if fault is None else FrameFault(fault))

    def reset(self) -> None:
        """Raise ValueError: these boards have no key."""
        raise ValueError("this board has no key")


class ModbusFault(enum.Enum):
    """A fault of a Modbus board, from the next request on."""

    DEAF = "deaf"  # it receives nothing
    BUSY = "busy"  # it answers that it is busy
    WATCHDOG = "watchdog"  # its host watchdog expires without effect


def _lot(report: Callable[..., None], unit: int) -> tuple[LotTurnstile, Slave]:
    turnstile = LotTurnstile(report)
    return turnstile, Slave(unit, LotRegisters(turnstile))


def _relay_board(report: Callable[..., None], unit: int) -> tuple[RelayBoard, Slave]:
    board = RelayBoard(report)
    registers = RelayRegisters(board)
    return board, Slave(unit, registers, registers)


MODBUS: dict[str, Callable[[Callable[..., None], int], tuple[LotTurnstile | RelayBoard, Slave]]] = {
    "lot": _lot,
    "relay-8": _relay_board,
}
MODBUS_BAUD = 9_600
PROFILES = sorted({*BOARDS, *MODBUS})


class ModbusDevice(BarrierDevice[LotTurnstile | RelayBoard, Slave]):
    """A barrier with a Modbus board. Raises KeyError for a profile that is not in MODBUS."""

    def __init__(self, profile: str, report: Callable[..., None], *, unit: int = 1) -> None:
        make = MODBUS[profile]
        super().__init__(report, lambda told: make(told, unit))
        self._deaf = False

    def receive(self, received: bytes, now_ms: float) -> bytes:
        """Receive bytes from the host; return the reply."""
        return super().receive(b"" if self._deaf else received, now_ms)

    def break_by_name(self, fault: str | None) -> None:
        """Set the board's fault from now on; None clears it. Raises ValueError for an unknown name."""
        broken = None if fault is None else ModbusFault(fault)
        with self._lock:
            self._deaf = broken is ModbusFault.DEAF
            self._slave.busy = broken is ModbusFault.BUSY
            if isinstance(self._controller, RelayBoard):
                self._controller.watchdog_works = broken is not ModbusFault.WATCHDOG

    def reset(self) -> None:
        """Turn the key at a turnstile that is open for an emergency. Raises ValueError for a board without one."""
        with self._lock:
            if not isinstance(self._controller, LotTurnstile):
                raise ValueError("this board has no key")  # noqa: TRY004 - the order is wrong, not a type
            self._controller.reset()


def device_of(
    profile: str, report: Callable[..., None], *, number: int, baud: int, seed: int
) -> FramedDevice | ModbusDevice:
    """Return a barrier with the board of this profile. Raises KeyError for a name that is not in PROFILES."""
    if profile in MODBUS:
        return ModbusDevice(profile, report, unit=number)
    return FramedDevice(profile, report, number=number, baud=baud, seed=seed)


def baud_of(profile: str) -> int:
    """Return a board's usual speed in bits per second. Raises KeyError for an unknown profile."""
    return MODBUS_BAUD if profile in MODBUS else BOARDS[profile].baud
