"""Frames of boards with short frames, by the simulator's codecs; and a leaf in the position that a test sets."""

from __future__ import annotations

from dataclasses import dataclass

from fakes.line_bench import profile_of

from drivers.barrier.framed.profile import FramedProfile
from drivers.links import Link
from gate_contract.links import Wrapped
from hardware_sim.barrier.beams import Way
from hardware_sim.barrier.boards import BOARDS
from hardware_sim.barrier.leaf import Leaf
from hardware_sim.barrier.swing import SwingBoard


class Standing(Leaf):
    """A leaf that no motor and no hand moves."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._at = at

    @property
    def state(self) -> int:  # type: ignore[override] # and what no document names
        return self._at

    def drive(self, *, towards_open: bool, elapsed_ms: float) -> None:
        del towards_open, elapsed_ms


@dataclass(frozen=True)
class Said:
    """One status of a board, and its bytes."""

    kind: str = "ds205a"
    position: int = 1
    beams: tuple[bool, ...] = (False, False, False)
    left: int = 0
    right: int = 0
    forced: bool = False
    fire: bool = False
    emergency: bool = False

    def wire(self, number: int = 1) -> bytes:
        board = SwingBoard(lambda *_, **__: None, broken=self.beams, fire=self.fire, emergency=self.emergency)
        board.passages = {Way.ENTRY: self.left, Way.EXIT: self.right}
        if self.forced:
            board.force_leaf(0)
        board.leaf = Standing(self.position)
        return BOARDS[self.kind].codec().status(board, number, refuses=False)


class Beside(Wrapped):
    """More boards on the same wire: whatever the first answers, they answer, too."""

    def __init__(self, inner: Link, kind: str, numbers: list[int]) -> None:
        super().__init__(inner)
        self._kind, self._numbers = kind, numbers

    async def write(self, payload: bytes) -> None:
        await self.inner.write(payload)
        for number in self._numbers:
            await self.inner.write(Said(self._kind).wire(number))


def framed_profile(kind: str) -> FramedProfile:
    found = profile_of(kind)
    assert isinstance(found, FramedProfile)
    return found
