"""What happens to a gate at night. Each lasts for its block, and at its end whoever is called does what the call's row in docs/operations.md says."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Final

from fakes.gate_operator import Called
from fakes.painter import close, painting

from gate_core.command_line.output import Exit
from gate_demo import stage

MODEL: Final = "fr_feature.onnx"

Trouble = Callable[[Called], AbstractAsyncContextManager[None]]


def barrier(saying: str, broken: dict[str, object], mended: dict[str, object]) -> Trouble:
    """Call 1: the selftest with the lane stopped tells what the line gives."""

    @contextlib.asynccontextmanager
    async def trouble(called: Called) -> AsyncIterator[None]:
        called.gate.world.tell(broken)
        yield
        async with called.without("lane"):
            code, told = await called.says("selftest")
            assert (code, re.findall(r"^WRONG +(\w+)", told, flags=re.MULTILINE)) == (
                Exit.NO,
                ["barrier", "programs", "service"],
            )
            assert saying in told
            called.gate.world.tell(mended)
            assert re.search(r"^well +barrier +closed", (await called.says("selftest"))[1], flags=re.MULTILINE)

    return trouble


@contextlib.asynccontextmanager
async def forced(called: Called) -> AsyncIterator[None]:
    """Call 2: it waits for an officer, also over a restart."""
    called.gate.officer.absent = True
    called.breaks("push", degrees=20)
    await called.until(called.status, lambda one: one.lines["alarms"] == "forced (acknowledge it)")
    async with called.without("lane"):
        pass
    await called.until(called.status, lambda one: "barrier_alarm" in one.modes)
    yield
    assert "alarm forced: " in await called.waits()
    assert (await called.orders("acknowledge"))[0] == Exit.OK
    called.gate.officer.absent = False


@contextlib.asynccontextmanager
async def motor(called: Called) -> AsyncIterator[None]:
    """Call 2: an alarm whose cause stays."""
    called.gate.officer.absent = True
    called.breaks("motor", faulty=True)
    await called.until(called.status, lambda one: one.lines["alarms"] == "motor_fault (acknowledge it)")
    yield
    assert (await called.orders("acknowledge"))[0] == Exit.NO
    assert (await called.status()).lines["alarms"] == "motor_fault"
    called.breaks("motor", faulty=False)
    called.gate.officer.absent = False


@contextlib.asynccontextmanager
async def nobody_there(called: Called) -> AsyncIterator[None]:
    """Call 3: an officer who stays there, also over a restart; and one who is another gate's."""
    called.gate.officer.absent = True
    yield
    folder = called.gate.stage.folder
    elsewhere, authority = str(folder / "elsewhere.key"), str(folder / "officers-authority.key")
    certify = ("officer", "authority", "certify", "--officer", "ben", "--gate", "another-gate", "--out", elsewhere)
    await called.says(*certify, "--authority", authority)
    code, told = await called.says("officer", "present", "--every", "60", "--key", elsewhere)
    assert (code, "gate_not_certified" in told) == (Exit.NOT_PERMITTED, True)
    staying = await called.starts("officer", "present", "--every", "1", "--key", str(called.gate.stage.shift))
    try:
        await called.until(called.status, lambda one: one.lines["officer"] == "present")
        async with called.without("lane"):
            pass
        await called.until(called.status, lambda one: one.well and one.lines["officer"] == "present")
    finally:
        staying.terminate()
        await staying.communicate()
        called.gate.officer.absent = False


def unplugged(*cables: str, folder: bool = False) -> Trouble:
    """Calls 4 and 5: the cable of each is put in again, and the folder of pictures is there again."""

    @contextlib.asynccontextmanager
    async def trouble(called: Called) -> AsyncIterator[None]:
        pages = called.gate.stage.folder / "pages"
        for what in cables:
            called.breaks("unplug", what=what)
        if folder:
            pages.rmdir()
        yield
        if "camera" in cables:
            assert '"camera": "lost: the camera does not answer"' in (await called.says("status", "--json"))[1]
        if folder:
            pages.mkdir()
        for what in cables:
            called.breaks("replug", what=what)

    return trouble


@contextlib.asynccontextmanager
async def model_changed(called: Called) -> AsyncIterator[None]:
    """Call 5: a model's file is another one, and the reason names it."""
    weights = Path(called.gate.stage.config.paths.models) / MODEL
    good = weights.read_bytes()
    weights.write_bytes(bytes((good[0] ^ 1,)) + good[1:])
    called.gate.family.children["vision"].kill()
    yield
    assert MODEL.partition(".")[0] in str(
        re.findall(r'"camera": "lost: ([^"]*)"', (await called.says("status", "--json"))[1])
    )
    verify = ("models", "verify", "--dir", str(weights.parent))
    assert (await called.says(*verify))[0] == Exit.NO
    weights.write_bytes(good)
    assert (await called.says(*verify))[0] == Exit.OK


@contextlib.asynccontextmanager
async def list_without_its_key(called: Called) -> AsyncIterator[None]:
    """Call 3: the key of an agency's numbers is gone, and the status says which list cannot answer, and why."""
    key = Path(called.gate.stage.config.paths.keys) / stage.CREDENTIAL
    aside = key.with_suffix(".aside")
    key.rename(aside)
    async with called.without("registers"):
        pass
    yield
    assert f"{stage.NAME}: no_key" in (await called.says("status"))[1]
    aside.rename(key)
    async with called.without("registers"):
        pass


def stopped(program: str) -> Trouble:
    """Calls 3, 5, 6 and 8: it is started again."""

    @contextlib.asynccontextmanager
    async def trouble(called: Called) -> AsyncIterator[None]:
        async with called.without(program):
            yield

    return trouble


def hanging(program: str) -> Trouble:
    """Calls 6 and 8: it goes on."""

    @contextlib.asynccontextmanager
    async def trouble(called: Called) -> AsyncIterator[None]:
        called.signals(program, signal.SIGSTOP)
        yield
        called.signals(program, signal.SIGCONT)

    return trouble


@contextlib.asynccontextmanager
async def browser_dies(called: Called) -> AsyncIterator[None]:
    """Call 8: the kiosk is started again. Of a gate whose other calls come without a browser, it is then closed on purpose."""
    config = called.gate.stage.config
    async with painting(config):
        await called.until(lambda: called.says("status", "--json"), lambda answer: '"painted": true' in answer[1])
    yield
    async with painting(config):
        await called.until(called.status, lambda one: "page_gone" not in one.modes)
    close(config)


@contextlib.asynccontextmanager
async def disk_full(called: Called) -> AsyncIterator[None]:
    """Call 6: space is made; what frees a person is written meanwhile."""
    pid = called.gate.family.children["log"].pid
    assert pid is not None
    called.gate.disk.fill(pid)
    yield
    assert (await called.orders("release")) == (Exit.OK, "release: the leaf is open\n")
    called.gate.disk.free(pid)


@contextlib.asynccontextmanager
async def lists_old(called: Called) -> AsyncIterator[None]:
    """Call 7: nothing comes any more, until somebody imports by hand."""
    stage, csca = called.gate.stage, called.gate.world.ready.csca
    downloads = stage.folder / "downloads"
    for path in downloads.iterdir():
        path.unlink()
    called.holds_lists_imported(timedelta(days=91))
    yield
    code, told = await called.says("sync", "status")
    assert (code, "problem: the folder holds no list" in told) == (Exit.NO, True)
    assert (await called.says("trust", "import", *csca, "--store", stage.config.paths.trust, "--test"))[0] == Exit.OK
    await called.until(called.status, lambda one: "lists_old" not in one.modes)
    deliver(csca, downloads)


def deliver(lists: list[str], downloads: Path) -> None:
    """These come by themselves, as a directory's downloader brings them."""
    for path in lists:
        shutil.copy(path, downloads)


@contextlib.asynccontextmanager
async def clock_unsure(called: Called) -> AsyncIterator[None]:
    """Call 7: the clock stands before the import of lists, until it has been put right."""
    called.gate.officer.absent = True
    called.holds_lists_imported(timedelta(seconds=-45))
    yield
    code, told = await called.orders("present", "--every", "60")
    assert (code, "clock_unsure" in told) == (Exit.NOT_PERMITTED, True)
    assert (await called.orders("release"))[0] == Exit.OK
    called.gate.officer.absent = False


@contextlib.asynccontextmanager
async def line_loses_bytes(called: Called) -> AsyncIterator[None]:
    """Call 10: a plug that is loose."""
    called.breaks("line", drop=0.002)
    await called.until(called.status, lambda one: "line_poor" in one.modes)
    called.breaks("line", drop=0)
    yield


@contextlib.asynccontextmanager
async def machine_late(called: Called) -> AsyncIterator[None]:
    """Call 10: the machine had no time for the lane."""
    called.signals("lane", signal.SIGSTOP)
    await asyncio.sleep(0.6)
    called.signals("lane", signal.SIGCONT)
    yield
