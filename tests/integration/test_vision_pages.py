"""The vision program with a page source: what a lane that watches is told, and the printed portrait's way to its crossing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from fakes.mjpeg_server import MjpegServer
from fakes.portrait_channel import lines_through_vision, send_portrait
from fakes.portraits import as_file, astronaut, before_the_camera, swaying
from fakes.tiny_models import real_models

from drivers.barrier.settings import Modbus
from drivers.camera.settings import Network
from drivers.reader.settings import PageCamera
from gate.channel import vision_messages
from gate.channel.errors import ChannelError
from gate.channel.message import Status, StatusRequest
from gate.channel.sockets import Connection, connect
from gate.channel.table import CHANNELS
from gate.programs.shared.config import Audit, Config, Paths
from gate.programs.vision import program as vision
from gate_core.evidence.crossing import CheckResult
from gate_core.evidence.names import PageCheckId
from gate_core.evidence.screen import Purpose
from hardware_sim.page.placement import PlacedPage
from hardware_sim.page.printing import Page as Print
from hardware_sim.page.printing import Size
from hardware_sim.page.scanner import PageScanner

pytestmark = pytest.mark.faces

DEADLINE_S = 40.0
LINES = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
Wanted = TypeVar("Wanted")


class Lane:
    """A lane's connection to vision."""

    def __init__(self, connection: Connection[vision_messages.FromVision]) -> None:
        self.send = connection.send
        self.close = connection.close
        self._connection = connection

    async def next(self, kind: type[Wanted], *, also: Callable[[Any], bool] = lambda _: True) -> Wanted:
        """The next message of that kind; others are skipped."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                message = await self._connection.receive()
                if isinstance(message, kind) and also(message):
                    return message


async def reached(config: Config) -> Lane:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            with contextlib.suppress(ChannelError):
                return Lane(await connect(CHANNELS.vision, config.socket("vision")))
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def site(folder: Path) -> AsyncIterator[tuple[PageScanner, Lane, Config]]:
    """Vision with the public-domain face before its camera and an empty bed before its page source."""
    frame, scanner = before_the_camera(astronaut()), PageScanner()
    scanner.start()
    with MjpegServer(frames_per_second=15, picture=lambda number: swaying(frame, number)) as camera:
        config = Config(
            purpose=Purpose.DEMO,
            gate_id="test",
            operator="test",
            paths=Paths(run=str(folder), models=str(real_models())),
            barrier=Modbus(port="none"),
            page=PageCamera(address=scanner.address),
            camera=Network(address=camera.address),
            audit=Audit(recipients=()),
        )
        stop = asyncio.Event()
        running = asyncio.ensure_future(vision.run(config, stop=stop))
        lane = await reached(config)
        try:
            yield scanner, lane, config
        finally:
            lane.close()
            stop.set()
            await running
            scanner.stop()


async def until_ready(lane: Lane) -> Status:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            await lane.send(StatusRequest())
            if (status := await lane.next(Status)).state == "ready":
                return status
            await asyncio.sleep(0.05)


async def test_a_page_opens_a_crossing_whose_child_compares_the_printed_portrait(tmp_path: Path) -> None:
    async with site(tmp_path) as (scanner, lane, config):
        assert (await until_ready(lane)).detail["page"] == "up"
        await lane.send(vision_messages.WatchPage())
        await lane.next(vision_messages.PageSource)
        scanner.insert(PlacedPage(Print(Size.TD3, LINES, as_file(astronaut()))))
        read = await lane.next(vision_messages.PageRead)
        assert await lines_through_vision(config, read.page + 1) == [], "of another page"
        assert (await lines_through_vision(config, read.page))[0] == list(LINES)
        assert await lines_through_vision(config, read.page) == [], "once"

        await lane.send(vision_messages.StartCrossing("one", read.page))
        assert (await lane.next(vision_messages.CameraStatus)).lost is None
        await lane.next(vision_messages.FaceSeen, also=lambda seen: seen.faces == 1)
        await send_portrait(config, "one", as_file(astronaut()))
        compared = await lane.next(vision_messages.FaceCompared)
        found = {finding.id: finding for finding in compared.page}
        chip = found[PageCheckId.PRINTED_PORTRAIT_CHIP]
        assert chip.result is CheckResult.SUCCESSFUL
        assert chip.measured is not None
        assert chip.measured > 0.7
        assert found[PageCheckId.PRINTED_PORTRAIT_LIVE].result in (CheckResult.SUCCESSFUL, CheckResult.UNDETERMINED)
        await lane.send(vision_messages.EndCrossing("one"))
        await lane.next(vision_messages.Erased)

        stranger = await reached(config)
        await stranger.send(StatusRequest())
        scanner.remove()
        assert (await lane.next(vision_messages.PageStatus)).gone
        assert isinstance(await stranger.next(object), Status), "who does not watch is told nothing of pages"
        stranger.close()


async def test_a_crossing_without_its_page_has_no_printed_portrait(tmp_path: Path) -> None:
    async with site(tmp_path) as (_, lane, config):
        await until_ready(lane)
        await lane.send(vision_messages.StartCrossing("one", 99))
        assert (await lane.next(vision_messages.CameraStatus)).lost is None
        await send_portrait(config, "one", as_file(astronaut()))
        assert (await lane.next(vision_messages.FaceCompared)).page == []
