"""The self-test of the page source: a camera that is looked through, a folder that must be usable, or none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drivers.barrier.settings import Modbus
from drivers.camera.settings import Network
from drivers.reader.settings import Elyctis, MrzReaderSettings, PageCamera, PageFolder, PageSettings
from gate.programs.selftest import TESTS
from gate.programs.shared.config import Audit, Config
from gate_core.errors import DriverError
from gate_core.evidence.screen import Purpose
from hardware_sim.page.scanner import PageScanner


def config(page: PageSettings | None, swipe: MrzReaderSettings | None = None) -> Config:
    return Config(
        purpose=Purpose.DEMO,
        gate_id="gate-1",
        operator="border.example",
        barrier=Modbus(port="none"),
        swipe=swipe,
        page=page,
        camera=Network(address="http://127.0.0.1:1/"),
        audit=Audit(recipients=("age1a", "age1b")),
    )


async def test_a_gate_without_a_page_source_has_none_to_test() -> None:
    assert "serial reader" in await TESTS["page"](config(None, Elyctis(port="nothing")))


async def test_a_gate_without_a_serial_reader_has_none_to_test() -> None:
    assert "page source" in await TESTS["swipe"](config(PageCamera(address="http://127.0.0.1:1/")))


async def test_a_document_camera_is_looked_through() -> None:
    scanner = PageScanner()
    scanner.start()
    try:
        assert await TESTS["page"](config(PageCamera(address=scanner.address))) == "1280 x 960 pixels"
    finally:
        scanner.stop()


async def test_a_camera_that_gives_no_picture_is_said_to() -> None:
    with pytest.raises(DriverError):
        await TESTS["page"](config(PageCamera(address="http://127.0.0.1:1/stream")))


async def test_a_usb_camera_is_looked_for_where_its_name_says() -> None:
    with pytest.raises(DriverError, match="the camera cannot be opened"):
        await TESTS["page"](config(PageCamera(address="/dev/v4l/by-id/usb-gone")))


async def test_a_folder_must_be_there_and_writable(tmp_path: Path) -> None:
    def folder(path: Any) -> Config:
        return config(PageFolder(path=str(path)))

    assert str(tmp_path) in await TESTS["page"](folder(tmp_path))
    (tmp_path / "file").touch()
    for path in (tmp_path / "nowhere", tmp_path / "file"):
        with pytest.raises(DriverError, match="no folder"):
            await TESTS["page"](folder(path))
