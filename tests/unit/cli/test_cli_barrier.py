"""`gate barrier`: what is recorded replays, what does not replay is exit 1, and nobody records in service."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli_w
from fakes.recorded_boards import text_of
from fakes.small_gate import NOTICE
from typer.testing import CliRunner, Result

from gate.cli.barrier import app
from hardware_sim.barrier.boards import FramedDevice
from hardware_sim.pty import SerialLine

RUNNER = CliRunner()
TOLD = ["--board", "simulated", "--firmware", "1", "--by", "a test"]


def ran(*arguments: object) -> Result:
    return RUNNER.invoke(app, [str(argument) for argument in arguments])


def configured(folder: Path, *, purpose: str = "trial", **barrier: object) -> Path:
    path = folder / "gate.toml"
    settings = {
        "gate_id": "gate-1", "operator": "border.example", "purpose": purpose,
        "barrier": {"driver": "framed", "port": str(folder / "line"), "profile": "ds205a", **barrier},
        "swipe": {"port": "/dev/s"}, "camera": {"address": "https://192.0.2.7/", "certificate_sha256": "ab" * 32}, "audit": {"recipients": ["age1a", "age1b"]},
        "notice": NOTICE,
    }  # fmt: skip
    path.write_bytes(tomli_w.dumps(settings).encode())
    return path


@pytest.fixture
def line(tmp_path: Path) -> Iterator[SerialLine]:
    made = SerialLine(tmp_path / "line", FramedDevice("ds205a", lambda *_, **__: None), baud=9600, seed=1)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def recorded(folder: Path, typed: str) -> subprocess.CompletedProcess[str]:
    """Record with a command that types."""
    command = [sys.executable, "-m", "gate.cli", "barrier", "record", str(folder / "hall.trace"), *TOLD]
    return subprocess.run(
        [*command, "--config", str(configured(folder))],
        input=typed, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_a_board_is_recorded_while_it_is_brought_up_and_the_trace_replays(tmp_path: Path, line: SerialLine) -> None:
    assert line.path.exists()
    done = recorded(tmp_path, "note the leaf is closed\ngrant entry\nopen sesame\nrevoke\n")
    assert done.returncode == 0, done.stderr
    assert "connect: done" in done.stdout
    assert "grant entry 10000: done" in done.stdout
    assert "'open sesame' is none of" in done.stdout
    trace = tmp_path / "hall.trace"
    text = trace.read_text()
    assert "simulated = true\n" in text
    assert " # the leaf is closed\n" in text
    shown = ran("replay", trace, "--json")
    assert shown.exit_code == 1
    document = json.loads(shown.stdout)
    assert document["schema"] == "barrier.replay/1"
    assert document["profile"] == "ds205a"
    assert not document["may_say_hardware"]
    (row,) = document["traces"]
    assert row["requests"]["open_left"]
    assert row["minimum"]["a status at rest"]
    assert not row["minimum"]["a release that opens"]
    assert not any("captured was" in objection for objection in document["objections"])
    assert recorded(tmp_path, "").returncode == 74, "what is there is not written over"


def test_nobody_records_over_a_network_where_a_simulated_board_looks_like_any_other(tmp_path: Path) -> None:
    config = configured(tmp_path, driver="modbus-tcp", profile="lot")
    done = ran("record", tmp_path / "hall.trace", *TOLD, "--config", config)
    assert done.exit_code == 78
    assert not (tmp_path / "hall.trace").exists()


def test_a_trace_that_shows_everything_is_exit_0_and_one_that_differs_exit_1(tmp_path: Path) -> None:
    trace = tmp_path / "hall.trace"
    trace.write_text(text_of("lot").replace("simulated = true", "simulated = false"))
    shown = ran("replay", trace)
    assert shown.exit_code == 0
    assert "simulated lot, firmware none, by a test at 2026-11-27T02:00:00Z" in shown.stdout
    assert "faults not seen: motor_fault" in shown.stdout
    assert shown.stdout.splitlines()[-1] == 'lot may say verified = "hardware"'
    assert ran("replay", trace, "--profile", "relay-8").exit_code == 1
    trace.write_text(text_of("lot"))
    shown = ran("replay", trace)
    assert shown.exit_code == 1
    assert f"WRONG  {trace}: is of a simulated board" in shown.stdout


@pytest.mark.parametrize(
    ("text", "arguments", "code"),
    [
        (None, [], 74),
        ("nonsense", [], 65),
        ("", ["--profile", "no-such"], 65),
        ("whole", ["--profile", "no-such"], 78),
        ("whole", ["--profile", "perco-pulse"], 65),
        ("another board", [], 65),
    ],
)
def test_a_file_that_is_none_is_told_from_one_that_cannot_be_read(
    tmp_path: Path, text: str | None, arguments: list[str], code: int
) -> None:
    trace = tmp_path / "hall.trace"
    if text is not None:
        kinds = {"whole": text_of("lot"), "another board": text_of("italdis").replace("unit = 1", "unit = 200")}
        trace.write_text(kinds.get(text, text))
    assert ran("replay", trace, *arguments).exit_code == code


def test_nobody_records_in_service_or_where_there_is_no_line(tmp_path: Path) -> None:
    out = tmp_path / "hall.trace"
    own = tmp_path / "hall.toml"
    lot = (Path(__file__).parents[3] / "drivers/profiles/barrier/lot.toml").read_text()
    own.write_text(lot.replace('verified = "simulator"', 'verified = "no"'))
    own.chmod(0o644)
    service = configured(tmp_path, purpose="service", port="/dev/portcullis-barrier", driver="modbus", profile=str(own))
    assert ran("record", out, *TOLD, "--config", service).exit_code == 77
    contacts = configured(tmp_path, driver="contacts", profile="perco-pulse", port="/dev/gpiochip0")
    assert ran("record", out, *TOLD, "--config", contacts).exit_code == 78
    usual = configured(tmp_path)
    assert ran("record", out, "--board", "", "--firmware", "1", "--by", "me", "--config", usual).exit_code == 2
    assert not out.exists()
