"""A whole gate that nobody has confirmed since its boot: it admits nobody and frees people; then a supervisor accepts its log, then the mirror confirms it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes.gate_operator import Called
from fakes.whole_gate import Gate, running

from gate_core.command_line.output import Exit
from gate_core.evidence.screen import Screen
from gate_demo.stage import GATE_ID, command

pytestmark = [pytest.mark.e2e, pytest.mark.long]


@contextlib.asynccontextmanager
async def carried(gate: Gate) -> AsyncIterator[None]:
    """The sync program, which this gate was started without."""
    path = str(gate.stage.config_path)
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "gate.cli", "run", "sync", "--config", path)
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


def supervisor(gate: Gate) -> str:
    """A supervisor's shift key."""
    key = gate.stage.folder / "supervisor.key"
    command(
        *("officer", "authority", "certify", "--authority", str(gate.stage.folder / "officers-authority.key")),
        *("--out", str(key), "--officer", "chief", "--role", "supervisor", "--gate", GATE_ID),
    )
    return str(key)


async def test_until_somebody_bears_the_head_out_nobody_is_admitted_and_people_are_freed() -> None:
    folder = Path(tempfile.mkdtemp(prefix="gate-"))  # short: socket paths have 107 bytes
    try:
        async with running(folder, central=True) as gate:
            called, chief = Called(gate), supervisor(gate)
            await called.until(called.status, lambda shown: "head_unconfirmed" in shown.modes)
            await called.until(called.status, lambda shown: shown.lines["lost"] == "nothing")
            assert gate.screens[-1] is Screen.CLOSED
            assert Screen.WELCOME not in gate.screens
            assert (await called.orders("release"))[0] == Exit.OK
            assert (await called.orders("accept-head"))[0] == Exit.NOT_PERMITTED, "an officer's word is not enough"

            code, said = await called.says("officer", "accept-head", "--key", chief)
            assert (code, said) == (Exit.OK, "accept-head: accepted: the log had 0 entries at the boot\n")
            await gate.until(Screen.WELCOME)
            assert await gate.passes()

            before = gate.family.children["log"].pid
            gate.family.children["log"].kill()
            await called.until(called.status, lambda _: gate.family.children["log"].pid not in {None, before})
            await gate.until(Screen.WELCOME)
            assert (await called.status()).lines["head"].startswith("accepted"), "the program's end is no boot"

            async with carried(gate):
                shown = await called.until(called.status, lambda shown: shown.lines["head"].startswith("confirmed"))
            assert "head_unconfirmed" not in shown.modes
    finally:
        shutil.rmtree(folder)
