"""The self-test of the traveller's camera: its pictures must hold the live image that the site asks for."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers.barrier.settings import Modbus
from drivers.camera.settings import Files
from drivers.reader.settings import PageFolder
from gate.programs.selftest import TESTS
from gate.programs.shared.config import Audit, Config
from gate_core.errors import NotWellError
from gate_core.evidence.screen import Purpose


def config(folder: Path, *, width: int, height: int, live_image_px: int | None) -> Config:
    cv2.imwrite(str(folder / "1.png"), np.zeros((height, width, 3), np.uint8))
    return Config(
        purpose=Purpose.DEMO,
        gate_id="gate-1",
        operator="border.example",
        barrier=Modbus(port="none"),
        page=PageFolder(path=str(folder)),
        camera=Files(address=str(folder), live_image_px=live_image_px),
        audit=Audit(recipients=("age1a", "age1b")),
    )


@pytest.mark.parametrize(
    ("width", "height", "live_image_px"),
    [(640, 480, None), (600, 800, 800), (1920, 1080, 1080), (1200, 1600, 1600)],
)
async def test_pictures_that_hold_the_live_image_are_said_by_their_size(
    tmp_path: Path, width: int, height: int, live_image_px: int | None
) -> None:
    found = await TESTS["camera"](config(tmp_path, width=width, height=height, live_image_px=live_image_px))
    assert found == f"{width} x {height} pixels"


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (599, 800), (600, 799)])
async def test_pictures_that_hold_none_are_not_well(tmp_path: Path, width: int, height: int) -> None:
    with pytest.raises(NotWellError, match="no live image of 600 x 800"):
        await TESTS["camera"](config(tmp_path, width=width, height=height, live_image_px=800))
