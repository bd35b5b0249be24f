"""What `gate provision` finds and does at devices, on simulated lines: who answers where, a left bag, and the program that is to be killed."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyrage
import pytest
import tomli_w

from drivers.barrier.settings import Modbus
from gate.provision.answers import SiteAnswers
from gate.provision.checks import gate_steps
from gate.provision.host_kill import GRANTING
from gate.provision.machine import ThisMachine
from gate.provision.site import Site
from gate.provision.steps import StepError, Verified
from gate_core.settings.toml_file import TomlFile
from hardware_sim.barrier.device import Barrier
from hardware_sim.pty import Device, SerialLine
from hardware_sim.readers.kinds import KINDS
from hardware_sim.sensors.device import SensorDevice

WAIT_S = 20.0


@dataclass
class Truth:
    """What physically happened."""

    events: list[str] = field(default_factory=list)

    def __call__(self, event: str, **_: Any) -> None:
        self.events.append(event)


@contextlib.contextmanager
def plugged_in(path: Path, device: Device, *, baud: int) -> Iterator[str]:
    line = SerialLine(path, device, baud=baud, seed=1)
    line.start()
    try:
        yield str(line.path)
    finally:
        line.stop()


# ── the machine ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_devices_are_offered_by_names_that_last_each_once(tmp_path: Path) -> None:
    names = {
        "dev/portcullis-barrier": "ttyUSB0",
        "dev/serial/by-id/usb-acme": "ttyUSB1",
        "dev/serial/by-path/pci-1": "ttyUSB1",
        "dev/serial/by-path/pci-2": "ttyUSB2",
        "dev/v4l/by-id/usb-cam-video-index0": "video0",
        "dev/v4l/by-id/usb-cam-video-index1": "video1",
    }
    for name, device in names.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "dev" / device).touch()
        (tmp_path / name).symlink_to(tmp_path / "dev" / device)
    machine = ThisMachine(tmp_path)
    assert list(machine.serial_lines()) == [
        "/dev/portcullis-barrier",
        "/dev/serial/by-id/usb-acme",
        "/dev/serial/by-path/pci-2",
    ]
    assert list(machine.cameras()) == ["/dev/v4l/by-id/usb-cam-video-index0"]
    assert machine.time_zone() == "UTC"  # this one does not say


def test_a_board_and_a_reader_are_known_by_their_own_word(tmp_path: Path) -> None:
    machine = ThisMachine()
    with plugged_in(tmp_path / "barrier", Barrier(Truth()), baud=115200) as port:
        assert machine.board_at(port) == "portcullis-sim"
    with plugged_in(tmp_path / "swipe", KINDS["elyctis"].make(1), baud=KINDS["elyctis"].baud) as port:
        assert machine.reader_at(port) == ("elyctis", "")
    assert machine.board_at(str(tmp_path / "nothing")) == ""
    assert machine.reader_at(str(tmp_path / "nothing")) == ("", "")


def test_what_is_not_there_now_is_objected_to_and_can_be_taken_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "line").touch()
    machine = ThisMachine()
    assert machine.objection("swipe.port", {"swipe.port": str(tmp_path / "line")}) == ""
    assert "is not there now" in machine.objection("swipe.port", {"swipe.port": "/dev/portcullis-unplugged"})
    assert (
        machine.objection("camera.address", {"camera.address": "http://127.0.0.1:9/"}) == "the camera does not answer"
    )
    assert machine.objection("camera.address", {"camera.address": "ftp://camera"})
    assert machine.objection("gate_id", {"gate_id": "north-7"}) == ""


# ── the left bag ─────────────────────────────────────────────────────────────────────────────────────────────────────


def left_bag(folder: Path, port: str, tell: Callable[[str], None], *, wait_s: float) -> Any:
    given: dict[str, object] = {
        "by": "Anna",
        "operator": "border.example",
        "gate_id": "try-1",
        "purpose": "trial",
        "auditors": [str(pyrage.x25519.Identity.generate().to_public()) for _ in range(2)],
        "barrier": {"port": "/dev/portcullis-barrier"},
        "sensors": {"port": port},
        "swipe": {"port": "/dev/portcullis-swipe"},
        "camera": {"address": "/dev/v4l/by-id/camera"},
    }
    answers = TomlFile("answers", "").fitted(given, SiteAnswers)
    path = folder / "gate.toml"
    path.write_text(tomli_w.dumps(answers.configuration(folder)))
    site = Site(path, lambda: answers, tell, wait_s, lambda: "", random.Random(1))
    (task,) = (one for one in gate_steps(site) if one.id == "left_bag")
    return task.do()


def test_a_bag_is_seen_and_that_it_was_taken_away(tmp_path: Path) -> None:
    device, taken = SensorDevice("portcullis-sim", Truth()), threading.Event()

    def take() -> None:
        taken.set()
        device.take("bag")

    def obey(line: str) -> None:
        if "Take the bag away" in line:
            threading.Timer(0.5, take).start()
        elif "Lay a bag" in line:
            device.lay("bag", 1.5, 55)

    with plugged_in(tmp_path / "sensors", device, baud=9600) as port:
        found = left_bag(tmp_path, port, obey, wait_s=WAIT_S)
    assert taken.is_set()
    assert "and that it was taken away" in found.detail
    assert found.verified is Verified.SIMULATOR


def test_a_bag_that_nobody_lays_is_told(tmp_path: Path) -> None:
    device = SensorDevice("portcullis-sim", Truth())
    with (
        plugged_in(tmp_path / "sensors", device, baud=9600) as port,
        pytest.raises(StepError, match="does not say that something was left"),
    ):
        left_bag(tmp_path, port, lambda _: None, wait_s=0.5)


# ── the program that is to be killed ─────────────────────────────────────────────────────────────────────────────────


def test_the_program_that_is_to_be_killed_grants_once_and_ends_when_it_is_left_alone(tmp_path: Path) -> None:
    truth = Truth()
    with plugged_in(tmp_path / "barrier", Barrier(truth), baud=115200) as port:
        order = json.dumps({"settings": Modbus(port=port).spelt(), "ttl_ms": 10_000})
        with subprocess.Popen(
            [sys.executable, "-m", GRANTING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        ) as process:
            try:
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(order + "\n")
                assert process.stdout.readline() == "open\n"
                process.stdin.close()
                assert (process.wait(WAIT_S), process.stdout.read()) == (0, "")
            finally:
                process.kill()
    assert truth.events.count("grant_received") == 1
