"""A whole gate whose lane drives another distribution's barrier: the example's, installed as a wheel, on a pseudo-terminal.

The simulated world has a barrier of ours. Whoever asks the example's board asks that one, so that its leaf moves and its beams count.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.roots import ROOT
from fakes.whole_gate import running

from drivers.barrier.settings import Modbus
from gate.programs.shared.devices.barriers import barrier
from gate_core.errors import RefusedError
from gate_core.evidence.screen import Screen
from gate_core.outside import installed
from gate_core.ports.drivers import BarrierDriver, BarrierStatus, Direction

pytestmark = [pytest.mark.e2e, pytest.mark.long]
EXAMPLE = ROOT / "docs/examples/ascii-gate"


@pytest.fixture
def outside(short_path: Path) -> Path:
    """A folder with the example's wheel."""
    folder = short_path / "outside"
    command = (
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "--target",
        folder,
        EXAMPLE,
    )
    subprocess.run(command, check=True, timeout=300)
    return folder


@pytest.fixture
def example() -> Iterator[None]:
    """The example's own modules can be imported, its simulated board among them."""
    places = [str(EXAMPLE / "src"), str(EXAMPLE / "tests")]
    sys.path += places
    yield
    for place in places:
        sys.path.remove(place)


@pytest.mark.usefixtures("example")
async def test_a_traveller_passes_a_barrier_that_another_distribution_drives(short_path: Path, outside: Path) -> None:
    from board import Board, Terminal, serve

    class Translated(Board):
        """The example's board, in front of the world's."""

        world: BarrierDriver

        async def status(self) -> BarrierStatus:
            return await self.world.status()

        async def carry_out(self, words: list[str]) -> bool:
            try:
                match words:
                    case ["?"]:
                        pass
                    case ["G", way, ttl_ms]:
                        await self.world.grant(Direction.ENTRY if way == "E" else Direction.EXIT, int(ttl_ms))
                    case ["C"]:
                        await self.world.revoke()
                    case ["R"]:
                        await self.world.release()
                    case _:
                        return False
            except RefusedError:
                return False
            return True

    board, line = Translated(), Terminal(short_path / "line")
    table = {
        "driver": "outside",
        "port": str(short_path / "line"),
        "code": {
            "name": "ascii-gate",
            "folder": str(outside),
            "distributions": {"ascii-gate": installed("ascii-gate", outside).sha256},
            "settings": {"baud": 19200},
        },
    }
    async with running(short_path, tables={"barrier": table}) as gate:
        board.world = barrier(Modbus(port=str(gate.world.ready.barrier)))
        await board.world.connect()
        serving = asyncio.ensure_future(serve(board, line))
        try:
            await gate.until(Screen.WELCOME)
            assert await gate.passes()
        finally:
            serving.cancel()
            board.world.close()
            line.close()
    assert ("G", "E") in board.heard, "the lane's grant came over the example's line"
