"""Whether a camera is there, without a picture."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from pathlib import Path

import msgspec
import pytest

from drivers.camera.presence import missing, silent
from drivers.camera.settings import CameraSettings, Files, Gstreamer, Network, V4l2
from gate_contract.virtual_time import run_virtual


async def test_a_network_camera_is_asked_for_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as camera:
        address = f"http://127.0.0.1:{camera.getsockname()[1]}/stream"
        assert await missing(Network(address=address)) is None
        connection, _ = camera.accept()
        await asyncio.sleep(0.05)
        connection.settimeout(2)
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(100) == b""
        connection.close()
    reason = await missing(Network(address=address))
    assert reason == "the camera does not answer"


def test_a_network_camera_without_power_is_missed_soon() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with contextlib.ExitStack() as stack:
            for _ in range(4):  # nobody accepts: its queue is full
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(silent.getsockname())
            assert run_virtual(missing(Network(address=address))) == "the camera does not answer"


async def test_a_port_that_is_none_is_a_camera_that_does_not_answer() -> None:
    assert await silent("http://127.0.0.1:99999/") == "the camera does not answer"


@pytest.mark.parametrize(
    "address", ["http://", "http://[::1", "http:///stream", "http://127.0.0.1:99999/", "http://127.0.0.1:0/"]
)
def test_an_address_without_a_host_or_a_port_is_no_cameras(address: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"driver": "network", "address": address}, CameraSettings)


async def test_a_usb_camera_is_its_device(tmp_path: Path) -> None:
    link = tmp_path / "usb-camera-index0"
    assert await missing(V4l2(address=str(link))) == "the camera is unplugged"
    link.symlink_to("/dev/null")
    assert await missing(V4l2(address=str(link))) is None
    file = tmp_path / "file"
    file.touch()
    assert await missing(V4l2(address=str(file))) == "no camera is there"


async def test_a_folder_of_pictures_is_there_or_not(tmp_path: Path) -> None:
    assert await missing(Files(address=str(tmp_path))) is None
    assert await missing(Files(address=str(tmp_path / "gone"))) == "the camera is unplugged"


async def test_of_a_pipeline_only_a_device_can_be_missed() -> None:
    assert await missing(Gstreamer(address="nvarguscamerasrc sensor-id=0 ! nvvidconv")) is None
    assert (
        await missing(Gstreamer(address=f"v4l2src io-mode=2 device=/dev/{os.getpid()}-none ! videoconvert")) is not None
    )
    assert await missing(Gstreamer(address="v4l2src device=/dev/null ! videoconvert")) is None
