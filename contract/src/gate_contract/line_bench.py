"""A bench for a board on a line: everything that happens on the line, so that an author fills in the board alone."""

from __future__ import annotations

import abc
import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final, TypeVar

from gate_contract.barrier_bench import BarrierBench, Damage
from gate_contract.cable import Cable, Trouble
from gate_contract.links import BitFlips, Bursts, ByteLoss, Delay, Echo, OneByteAtATime, RandomLoss, Wrapped
from gate_core.errors import LinkLostError
from gate_core.ports.drivers import Link
from gate_core.ports.memory_link import memory_pair

DAMAGES: Final[dict[Damage, Callable[[Link, int], Link]]] = {
    "pieces": lambda link, _: OneByteAtATime(link),
    "loss": lambda link, seed: RandomLoss(link, seed=seed),
    "delay": lambda link, seed: Delay(link, seed=seed, delay_s_max=0.025),
    "bits": lambda link, seed: BitFlips(link, seed=seed, share=1e-3),
    "bytes": lambda link, seed: ByteLoss(link, seed=seed, share=0.005),
    "bursts": lambda link, seed: Bursts(link, seed=seed, share=0.1),
    "echo": lambda link, _: Echo(link),
    "everything": lambda link, seed: RandomLoss(
        BitFlips(Delay(link, seed=seed, delay_s_max=0.02), seed=seed, share=1e-4), seed=seed, share=0.1
    ),
}
_BOARD_SEED: Final = 100_000


class _HostEnd(Wrapped):
    """Where requests set out, and some go no further."""

    def __init__(self, inner: Link, bench: LineBench) -> None:
        super().__init__(inner)
        self._bench = bench

    async def write(self, payload: bytes) -> None:
        if self._bench.arrives():
            await self.inner.write(payload)


class LineBench(BarrierBench):
    """A driver's line, with the board at its other end. Fills `gate_core.ports.drivers.Line`, made on a running loop.

    `host_line` and `board_line` make of a new line's ends what they like.
    """

    port = "a line in memory"

    def __init__(self, tasks: asyncio.TaskGroup, *, trouble: Trouble | None = None, seed: int = 1) -> None:
        self.plugged = True
        self._deaf = False
        self._lost = self._muted = self._opened = 0
        self._tasks = tasks
        self._ends: list[Link] = []
        self._trouble = trouble or Trouble(share=0.0, requests_lost=0.0)
        self._cable = Cable(self._trouble, seed)
        self.host_line: Callable[[Link], Link] = lambda link: link
        self.board_line: Callable[[Link], Link] = lambda link: link
        self.far: Link | None = None

    @abc.abstractmethod
    async def answer(self, received: bytes) -> bytes:
        """What the board says to what has arrived, pieces of requests too; empty: nothing yet."""

    def ends(self, near: Link, far: Link) -> tuple[Link, Link]:
        """The host's and the board's end of a new line."""
        return self._cable.host_end(near), self._cable.board_end(far)

    async def open(self, baud: int) -> Link:
        """The host's end of a new line. Raises LinkLostError while it is unplugged."""
        del baud
        if not self.plugged:
            raise LinkLostError("no such port")
        self._opened += 1
        near, far = memory_pair()
        self._ends.append(near)
        host, board = self.ends(near, far)
        self.far = self.board_line(board)
        self._tasks.create_task(self._serve(self.far))
        return self.host_line(_HostEnd(host, self))

    def arrives(self) -> bool:
        """Whether the next request reaches the board."""
        if self._lost:
            self._lost -= 1
            return False
        return not self._deaf

    async def _serve(self, link: Link) -> None:
        with contextlib.suppress(LinkLostError):
            while True:
                if answer := await self.answer(await link.read(256)):
                    if self._muted:
                        self._muted -= 1
                    else:
                        await link.write(answer)

    def unplug(self) -> None:
        self.plugged = False
        for end in self._ends:
            end.close()

    def replug(self) -> None:
        self.plugged = True

    def deafen(self, *, deaf: bool = True) -> None:
        self._deaf = deaf

    def lose(self, requests: int) -> None:
        self._lost = requests

    def mute(self, answers: int) -> None:
        self._muted = answers

    def delay(self, seconds: float) -> None:
        self._trouble.share, self._trouble.late_s = 1.0, (seconds, seconds)

    def damage(self, damage: Damage) -> None:
        wear = DAMAGES[damage]
        # Another seed at each connect: the same line would lose the same frame again.
        self.host_line = lambda link: wear(link, self._opened)
        if damage != "echo":
            self.board_line = lambda link: wear(link, _BOARD_SEED + self._opened)


Made = TypeVar("Made", bound=LineBench)


@contextlib.asynccontextmanager
async def standing(make: Callable[[asyncio.TaskGroup], Made]) -> AsyncIterator[Made]:
    """A bench that is cleared at the end."""
    async with asyncio.TaskGroup() as tasks:
        made = make(tasks)
        try:
            yield made
        finally:
            made.barrier.close()
            made.unplug()
