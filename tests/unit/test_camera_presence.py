"""Whether a camera is there, without a picture."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from pathlib import Path

import pytest

from drivers.camera import presence
from drivers.camera.presence import missing


async def test_a_network_camera_is_asked_for_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as camera:
        address = f"http://user:secret@127.0.0.1:{camera.getsockname()[1]}/stream"
        assert await missing("network", address) is None
        connection, _ = camera.accept()
        await asyncio.sleep(0.05)
        connection.settimeout(2)
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(100) == b""
        connection.close()
    reason = await missing("network", address)
    assert reason == "the camera does not answer"


async def test_a_network_camera_without_power_is_missed_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "CONNECT_S", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with contextlib.ExitStack() as stack:
            for _ in range(4):  # nobody accepts: its queue is full
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(silent.getsockname())
            assert await missing("network", address) == "the camera does not answer"


@pytest.mark.parametrize("address", ["http://", "http://[::1", "http://127.0.0.1:99999/", "http:///stream"])
async def test_an_address_that_is_none_is_a_camera_that_does_not_answer(address: str) -> None:
    assert await missing("network", address) == "the camera does not answer"


async def test_a_usb_camera_is_its_device(tmp_path: Path) -> None:
    link = tmp_path / "usb-camera-index0"
    assert await missing("v4l2", str(link)) == "the camera is unplugged"
    link.symlink_to("/dev/null")
    assert await missing("v4l2", str(link)) is None
    file = tmp_path / "file"
    file.touch()
    assert await missing("v4l2", str(file)) == "no camera is there"


async def test_a_folder_of_pictures_is_there_or_not(tmp_path: Path) -> None:
    assert await missing("files", str(tmp_path)) is None
    assert await missing("files", str(tmp_path / "gone")) == "the camera is unplugged"


async def test_of_a_pipeline_only_a_device_can_be_missed() -> None:
    assert await missing("gstreamer", "nvarguscamerasrc sensor-id=0 ! nvvidconv") is None
    assert await missing("gstreamer", f"v4l2src io-mode=2 device=/dev/{os.getpid()}-none ! videoconvert") is not None
    assert await missing("gstreamer", "v4l2src device=/dev/null ! videoconvert") is None
