"""A simulated device says so, and what cannot be told from one is never verified on hardware."""

from __future__ import annotations

import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from drivers.barrier.settings import Contacts, Framed, Modbus, ModbusTcp
from drivers.camera.presence import server_of
from drivers.camera.settings import Files, Gstreamer, Network, V4l2
from drivers.reader.settings import Direct, Elyctis, PageFolder
from gate.provision import simulation
from gate.provision.machine import ThisMachine
from gate.provision.steps import Verified


@pytest.fixture
def terminal() -> Iterator[str]:
    """A pseudo-terminal, as a simulator's line is one."""
    ours, theirs = os.openpty()
    yield os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


def test_a_board_is_as_real_as_its_line(terminal: str) -> None:
    assert simulation.of_board(Modbus(port=terminal, profile="lot")) is Verified.SIMULATOR
    assert simulation.of_board(Modbus(port="/dev/ttyS0")) is Verified.SIMULATOR  # by its profile, the simulator's
    assert simulation.of_board(Modbus(port="/dev/ttyS0", profile="lot")) is Verified.HARDWARE
    assert simulation.of_board(Framed(port="/dev/ttyS0", profile="ds205a")) is Verified.HARDWARE
    assert simulation.of_board(Contacts(port="/dev/gpiochip0", profile="perco-pulse")) is Verified.HARDWARE
    assert simulation.of_board(ModbusTcp(port="/run/relay.sock", profile="lot")) is Verified.NO


def test_a_reader_is_as_real_as_its_line(terminal: str) -> None:
    assert simulation.of_line(Elyctis(port=terminal)) is Verified.SIMULATOR
    assert simulation.of_line(Elyctis(port="/dev/ttyS0")) is Verified.HARDWARE
    assert simulation.of_chip(Direct(socket="/tmp/x")) is Verified.SIMULATOR
    assert simulation.of_page(PageFolder(path="/run/scanner")) is Verified.NO


def test_recordings_and_test_pictures_are_no_camera() -> None:
    assert simulation.of_camera(Files(address="/srv/pictures")) is Verified.SIMULATOR
    assert simulation.of_camera(Gstreamer(address="videotestsrc ! video/x-raw")) is Verified.SIMULATOR
    assert simulation.of_camera(Gstreamer(address="nvarguscamerasrc")) is Verified.HARDWARE
    assert simulation.of_camera(V4l2(address="/dev/v4l/by-id/none-index0")) is Verified.NO


class _Named(BaseHTTPRequestHandler):
    server_version, sys_version = "gate-sim", ""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_a_stream_on_loopback_is_a_simulators_and_another_says_whose_it_is() -> None:
    with HTTPServer(("127.0.0.1", 0), _Named) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/stream"
        assert simulation.of_camera(Network(address=address)) is Verified.SIMULATOR
        assert "gate-sim" in (server_of(Network(address=address)) or "")
        server.shutdown()
    assert server_of(Network(address=address)) is None


def test_names_that_last_are_offered_once_a_device(tmp_path: Path) -> None:
    (tmp_path / "dev/serial/by-id").mkdir(parents=True)
    (tmp_path / "dev/serial/by-path").mkdir()
    for name in ("ttyUSB0", "ttyUSB1"):
        (tmp_path / "dev" / name).touch()
    (tmp_path / "dev/serial/by-id/usb-acme").symlink_to(tmp_path / "dev/ttyUSB0")
    (tmp_path / "dev/serial/by-path/pci-1").symlink_to(tmp_path / "dev/ttyUSB0")
    (tmp_path / "dev/serial/by-path/pci-2").symlink_to(tmp_path / "dev/ttyUSB1")
    (tmp_path / "dev/portcullis-barrier").symlink_to(tmp_path / "dev/ttyUSB1")
    machine = ThisMachine(tmp_path)
    assert list(machine.serial_lines()) == [
        "/dev/portcullis-barrier",
        "/dev/serial/by-id/usb-acme",
        "/dev/serial/by-path/pci-2",
    ]
    assert (list(machine.cameras()), machine.time_zone()) == ([], "UTC")


def test_a_line_that_nobody_answers_on_has_no_board(terminal: str) -> None:
    assert ThisMachine().objection("barrier.port", {"barrier.port": "/dev/none"}) == "/dev/none is not there now"
    assert ThisMachine().objection("barrier.port", {"barrier.port": terminal}) == ""
    assert (
        ThisMachine().objection("camera.address", {"camera.address": "http://127.0.0.1:9/s"})
        == "the camera does not answer"
    )
