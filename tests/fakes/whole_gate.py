"""The real programs on a simulated world, with an officer and travellers on demand; with a central server when asked for."""

from __future__ import annotations

import asyncio
import contextlib
import tomllib
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomli_w

from gate.channel import screen_messages
from gate.cli.models import default_folder
from gate.programs.shared import config as configuration
from gate.programs.shared.supervisor import Child, Family
from gate.programs.shared.terminal import Terminal
from gate_core.command_line.key_files import read_shift
from gate_core.evidence.screen import Screen
from gate_demo import stage as staging
from gate_demo import world as worlds
from gate_demo.central import Central
from gate_demo.director import Director, Visit
from gate_demo.disk import DiskKind, LogDisk, log_disk
from gate_demo.machine import Machine
from gate_demo.officer import Officer
from gate_demo.play import AGAIN_MAX
from gate_demo.stage import Stage

DEADLINE_S = 40.0
LOGGED_TRAVELLERS = 64  # for so many a log's disk of its own has room
NO_PREFIXES: Mapping[str, tuple[str, ...]] = {}
PROGRAMS = ("log", "vision", "lane", "screens")


def unfilled(state: Path) -> LogDisk:
    """The machine's own disk: no scenario of these tests fills it."""
    state.mkdir()
    return LogDisk(DiskKind.LIMITED, state, state, 0)


class Onlooker(Officer):
    """One who is never at the lane, whatever a scenario says, and sees what the traveller sees: somebody else is its officer."""

    async def _work(self, _terminal: Terminal) -> None:
        await asyncio.Event().wait()


class Gate:
    """A gate, its officer, and travellers on demand."""

    def __init__(
        self,
        stage: Stage,
        world: worlds.World,
        family: Family,
        *,
        central: Central,
        disk: LogDisk,
        officer: type[Officer] = Officer,
    ) -> None:
        self.stage = stage
        self.world = world
        self.family = family
        self.central = central
        self.disk = disk
        self.screens: list[Screen] = []
        self._changed = asyncio.Event()
        shift, _ = read_shift(stage.shift)
        self.officer = officer(
            views=stage.config.socket("lane"), orders=stage.config.socket("orders"), shift=shift, on_view=self._see
        )
        self.machine = Machine(lambda: [child.pid for child in family.children.values() if child.pid])
        self._director = Director(
            world=world,
            officer=self.officer,
            programs=family.children,
            central=central,
            disk=disk,
            machine=self.machine,
            on_progress=lambda _visit, _over: None,
            supervisor=None if stage.supervisor is None else read_shift(stage.supervisor)[0],
        )

    def _see(self, view: screen_messages.View) -> None:
        self.screens.append(view.screen)
        self._director.see(view)
        self._changed.set()

    async def until(self, screen: Screen) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not self.screens or self.screens[-1] is not screen:
                self._changed.clear()
                await self._changed.wait()

    async def passages(self) -> int:
        """Send one genuine traveller; how many bodies passed."""
        return (await self.visit("genuine")).passed

    async def visit(self, scenario: str) -> Visit:
        """Send one traveller of this scenario."""
        (visit,) = await self._director.run([scenario])
        return visit

    async def passes(self) -> bool:
        """True when a genuine traveller passes; another comes where nobody did while the machine was late, two at most."""
        for _ in range(AGAIN_MAX + 1):
            visit = await self.visit("genuine")
            if visit.passed or not visit.late.excuses:
                break
        return visit.passed == 1


@contextlib.asynccontextmanager
async def running(
    folder: Path,
    *,
    models: Path | None = None,
    programs: tuple[str, ...] = PROGRAMS,
    tables: dict[str, Any] | None = None,
    reader: str = "elyctis",
    lane: str = "one-door",
    central: bool = False,
    officer: type[Officer] = Officer,
    both_ways: bool = False,
    prefixes: Mapping[str, tuple[str, ...]] = NO_PREFIXES,
) -> AsyncIterator[Gate]:
    """Run the programs on a simulated world; `tables` are further ones of `gate.toml`, or other ones. `reader` is what reads documents there. `prefixes` is
    what programs are run under.

    `both_ways`: it goes both ways over the border, and there is a supervisor who turns it. With `central` a server is there to mirror the log, which lies on a small disk of its own.
    """
    (folder / "world").mkdir()
    async with (
        worlds.start(folder / "world", seed=1, reader=reader, lane=lane, log=folder / "world.log") as world,
        _central(folder, runs=central) as server,
        _disk(folder / "state", small=central) as disk,
    ):
        stage = staging.prepare(
            folder,
            world.ready,
            state=disk.state,
            models=models or default_folder(),
            face_profile="standard",
            registers="registers" in programs,
            both_ways=both_ways,
            enrol=server.enrol if central else lambda _: None,
        )
        if tables:
            told = tomllib.loads(stage.config_path.read_text())
            rules = {**told["rules"], **tables.get("rules", {})}  # the demo's site has written ones beside
            stage.config_path.write_bytes(tomli_w.dumps({**told, **tables, "rules": rules}).encode())
            stage = replace(stage, config=configuration.load(stage.config_path))
        children = [
            Child(
                name,
                stage.config_path,
                output=stage.log_of(name),
                on_start=lambda _: None,
                prefix=(*(disk.prefix if name == "log" else ()), *prefixes.get(name, ())),
            )
            for name in programs
        ]
        family = Family(children)
        gate = Gate(stage, world, family, central=server, disk=disk, officer=officer)
        async with family.running():
            beside = [asyncio.ensure_future(task) for task in (gate.officer.run(), gate.machine.run())]
            try:
                yield gate
            finally:
                for task in beside:
                    task.cancel()
                await asyncio.gather(*beside, return_exceptions=True)


@contextlib.asynccontextmanager
async def _central(folder: Path, *, runs: bool) -> AsyncIterator[Central]:
    """The central server, running or not."""
    central = Central(folder / "central", folder / "central.log")
    if runs:
        central.prepare()
        await central.start()
    try:
        yield central
    finally:
        await central.stop()


@contextlib.asynccontextmanager
async def _disk(state: Path, *, small: bool) -> AsyncIterator[LogDisk]:
    """What the log's state lies on: a small disk of its own, or the machine's."""
    if small:
        async with log_disk(state, LOGGED_TRAVELLERS) as disk:
            yield disk
    else:
        yield unfilled(state)
