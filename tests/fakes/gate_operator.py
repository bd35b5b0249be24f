"""The operator of a gate: runs its commands, gives an officer's orders, stops and starts its programs, reads its page."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, TypeVar

import httpx2
from fakes.whole_gate import Gate

from gate.programs.screens.kiosk_start import page_address, page_with_secret
from gate.trust.list_import import import_sources
from gate.trust.sources import read_source
from gate_core.command_line.output import Exit
from gate_core.programs import clock

OF_THIS_MACHINE: Final = frozenset({"machine_late", "throttled"})  # it may be slow, which no call is about
DEADLINE_S: Final = 180.0
POLL_S: Final = 0.3

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Shown:
    """What `gate status` shows: its exit code, its first line, the others by their names, and the degraded modes."""

    code: int
    title: str
    lines: dict[str, str]
    modes: frozenset[str]

    @property
    def well(self) -> bool:
        """True when nothing is shown that anybody would be called for."""
        return self.code == Exit.OK and self.modes <= OF_THIS_MACHINE and self.lines["lost"] == "nothing"


class Called:
    """Whoever is called at night, at a running gate, with an officer who comes along."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self._spoilt = ""

    async def starts(self, *words: str) -> asyncio.subprocess.Process:
        """A `gate` command, begun."""
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gate.cli", *words),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "PORTCULLIS_CONFIG": str(self.gate.stage.config_path)},
        )

    async def says(self, *words: str) -> tuple[int, str]:
        """A `gate` command's exit code, and what it prints."""
        process = await self.starts(*words)
        out, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode()

    async def orders(self, *words: str) -> tuple[int, str]:
        """An officer's order, and what comes of it."""
        return await self.says("officer", *words, "--key", str(self.gate.stage.shift))

    async def waits(self) -> str:
        """What `gate officer list` shows."""
        return (await self.orders("list"))[1]

    async def status(self) -> Shown:
        """What `gate status` shows."""
        code, text = await self.says("status")
        title, *rest = text.splitlines()
        lines = {name: told.strip() for name, _, told in (line.strip().partition(" ") for line in rest)}
        return Shown(code, title, lines, frozenset(re.findall(r"^  degraded (\w+):", text, flags=re.MULTILINE)))

    async def until(self, ask: Callable[[], Awaitable[Answer]], holds: Callable[[Answer], bool]) -> Answer:
        """The first answer of which this holds."""
        answer = await ask()
        try:
            async with asyncio.timeout(DEADLINE_S):
                while not holds(answer):
                    await asyncio.sleep(POLL_S)
                    answer = await ask()
        except TimeoutError:
            raise AssertionError(f"not within {DEADLINE_S:.0f} s; the last was {answer}") from None
        return answer

    def breaks(self, do: str, **how: object) -> None:
        """This happens in the lane, or is mended there."""
        self.gate.world.tell({"do": do, **how})

    @contextlib.asynccontextmanager
    async def without(self, program: str) -> AsyncIterator[None]:
        """A program that somebody has stopped, as `systemctl stop` does, and starts at the end."""
        await self.gate.family.stop(program)
        try:
            yield
        finally:
            self.gate.family.start(program)

    def signals(self, program: str, number: signal.Signals) -> None:
        """Hang a program, or let it go on."""
        pid = self.gate.family.children[program].pid
        assert pid is not None
        os.kill(pid, number)

    def holds_lists_imported(self, ago: timedelta) -> None:
        """Have the gate's lists be as they would be if they had been imported then."""
        store = Path(self.gate.stage.config.paths.trust)
        made = store.with_name("another.sqlite")
        sources = [read_source(name, Path(name).read_bytes()) for name in self.gate.world.ready.csca]
        import_sources(made, sources, signer=None, test=True, now=clock.now() - ago)
        made.replace(store)

    async def page(self) -> str:
        """Which screen the traveller's page shows."""
        config = self.gate.stage.config
        address, _, secret = page_with_secret(config.runtime("screens"), page_address(config)).partition("#")
        cookie = {"Cookie": f"kiosk-{config.screens.port}={secret}"}
        async with httpx2.AsyncClient() as client, client.stream("GET", f"{address}events", headers=cookie) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data: {"):
                    return str(json.loads(line.removeprefix("data: "))["screen"])
        raise AssertionError("the page's events ended")

    @contextlib.asynccontextmanager
    async def well_again(self, call: str) -> AsyncIterator[None]:
        """The gate is well before a call, and after it: nothing is lost, and a traveller passes. One that did not end well fails the next ones."""
        assert not self._spoilt, f"the gate is not well since the call of {self._spoilt}"
        self._spoilt = call
        await self.until(self.status, lambda one: one.well)
        yield
        await self.until(self.status, lambda one: one.well)
        assert await self.gate.passes()
        self._spoilt = ""
