"""A technician and the document reader: found on its port, configured, tested."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from drivers.reader import imager, swipe
from drivers.reader.settings import Keyboard, Stx
from gate.cli.provision import app
from gate.programs.selftest import TESTS
from gate.programs.shared.config import Config, parse
from gate.programs.shared.devices.mrz_readers import mrz_reader
from gate_core.errors import DriverError, SetupError
from hardware_sim.pty import SerialLine
from hardware_sim.readers.device import Fault, ReaderDevice
from hardware_sim.readers.kinds import KINDS

PASSPORT = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulators answer at once, so nobody need wait a second for those that never will."""
    for module in (swipe, imager):
        monkeypatch.setattr(module, "ANSWER_DEADLINE_S", 0.15)


@contextlib.contextmanager
def plugged_in(folder: Path, kind: str) -> Iterator[tuple[str, ReaderDevice]]:
    device = KINDS[kind].make(1)
    line = SerialLine(folder / "swipe", device, baud=KINDS[kind].baud, seed=1)
    line.start()
    try:
        yield str(line.path), device
    finally:
        line.stop()


def configured(port: str, kind: str) -> Config:
    table: dict[str, Any] = {
        "purpose": "demo",
        "gate_id": "gate-1",
        "operator": "border.example",
        "barrier": {"port": "none"},
        "swipe": {"port": port, **KINDS[kind].settings()},
        "camera": {"address": "http://127.0.0.1:1/"},
        "audit": {"recipients": ["age1a", "age1b"]},
    }
    return parse(table)


def find(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["find-reader", *arguments])
    return done.exit_code, done.stdout, done.stderr


def test_a_reader_is_found_on_its_port(tmp_path: Path) -> None:
    with plugged_in(tmp_path, "scan-engine") as (port, _):
        code, shown, _ = find(port, "--json")
        assert code == 0
        found = json.loads(shown)
        assert (found["found"], found["driver"], found["profile"]) == (True, "imager", "scan-engine-7e")
        code, shown, _ = find(port)
        assert code == 0
        assert "driver imager, profile scan-engine-7e, 115200 baud" in shown


def test_a_port_where_nothing_is_known_says_no(tmp_path: Path) -> None:
    with plugged_in(tmp_path, "text") as (port, _):
        code, shown, _ = find(port, "--listen-s", "0.2", "--json")
        assert code == 1
        assert json.loads(shown)["found"] is False
        code, shown, _ = find(port, "--listen-s", "0.2")
        assert code == 1
        assert "nothing that came was known" in shown


def test_a_port_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    code, _, message = find(str(tmp_path / "absent"))
    assert code == 69
    assert "cannot be opened" in message


def test_an_input_device_is_known_by_its_place() -> None:
    code, shown, _ = find("/dev/input/by-id/usb-ACME-event-kbd", "--json")
    assert code == 0
    assert json.loads(shown)["driver"] == "keyboard"


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        ("elyctis", "IDBOX-SIM 1.7, serial number SIM00000001, no document on it"),
        ("honeywell", "honeywell obeys its commands"),
        ("rte-native", "rte-native: the line opens"),
        ("keyboard", "keyboard: the line opens"),
    ],
)
async def test_the_selftest_says_what_it_found_and_that_it_was_never_tried(
    tmp_path: Path, kind: str, detail: str
) -> None:
    with plugged_in(tmp_path, kind) as (port, _):
        found = await TESTS["swipe"](configured(port, kind))
        assert found.startswith(detail)
        assert found.endswith("not tried on a real unit")


async def test_the_selftest_sees_a_document_and_misses_a_silent_reader(tmp_path: Path) -> None:
    with plugged_in(tmp_path, "elyctis") as (port, device):
        config = configured(port, "elyctis")
        device.insert(PASSPORT)
        device.tick(0)
        assert "a document lies on it" in await TESTS["swipe"](config)
        device.break_with(Fault.SILENT)
        with pytest.raises(DriverError, match="does not answer"):
            await TESTS["swipe"](config)


async def test_a_keyboard_that_is_no_input_device_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SetupError, match="no input device"):
        await mrz_reader(Keyboard(port=str(tmp_path / "file"))).connect()


def test_a_profile_of_another_driver_is_refused() -> None:
    with pytest.raises(SetupError, match="is for the driver imager"):
        mrz_reader(Stx(port="x", profile="honeywell"))
