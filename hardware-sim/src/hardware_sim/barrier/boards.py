"""The boards of short frames that can be simulated, by the names of their profiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardware_sim.barrier.device import BarrierDevice
from hardware_sim.barrier.ds205a import Ds205a
from hardware_sim.barrier.frames import FramedSlave, FrameFault
from hardware_sim.barrier.italdis import LEASE_MS, Italdis
from hardware_sim.barrier.swing import SwingBoard

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of board: its bytes, its usual speed, its lease."""

    codec: type[Ds205a | Italdis]
    baud: int
    lease_ms: int | None = None


BOARDS = {"ds205a": Kind(Ds205a, 9_600), "italdis": Kind(Italdis, 9_600, LEASE_MS)}


class FramedDevice(BarrierDevice[SwingBoard, FramedSlave]):
    """A barrier with a board of short frames. Raises KeyError for a profile that is none of BOARDS."""

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
        """Have the board speak wrongly, too, from now on; None mends everything."""
        with self._lock:
            self._slave.break_with(fault)
