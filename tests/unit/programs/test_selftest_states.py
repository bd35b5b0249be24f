"""What a self-test says of a device that it could not try: somebody else has it, this user may not, or it is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.channel.message import Status
from gate.cli.selftest import code_of
from gate.programs import selftest
from gate.programs.selftest import State, _taken, _watched, judged
from gate.programs.shared.config import parse
from gate_core.command_line.output import Exit
from gate_core.errors import BusyError, DriverError, LinkLostError, NotWellError, not_opened


def caused(error: DriverError, cause: Exception) -> DriverError:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (not_opened("/dev/b", 16, "Device or resource busy"), State.BUSY),
        (not_opened("/dev/b", 11, "Resource temporarily unavailable"), State.BUSY),
        (not_opened("/dev/b", 13, "Permission denied"), State.NO_RIGHT),
        (not_opened("/dev/b", 1, "Operation not permitted"), State.NO_RIGHT),
        (not_opened("/dev/b", 2, "No such file or directory"), State.WRONG),
        (NotWellError("silent"), State.WRONG),
        (caused(NotWellError("cannot read"), PermissionError(13, "Permission denied", "/keys")), State.NO_RIGHT),
        (caused(NotWellError("cannot read"), FileNotFoundError(2, "No such file", "/keys")), State.WRONG),
    ],
)
def test_each_is_told_apart(error: DriverError, state: State) -> None:
    assert judged(error)[1] is state


def test_whose_a_file_is_stands_beside_it(tmp_path: Path) -> None:
    (tmp_path / "line").touch(mode=0o660)
    said, _ = judged(not_opened(str(tmp_path / "line"), 13, "Permission denied"))
    assert f"{tmp_path / 'line'} is for {(tmp_path / 'line').owner()} and the group " in said


def test_what_the_lane_has_is_busy_and_what_it_has_lost_is_wrong() -> None:
    lane = Status("lane", "degraded", {"lost": ["barrier"], "chip": "the chip reader went away"})
    with pytest.raises(NotWellError, match="has lost it"):
        _taken("barrier", lane)
    with pytest.raises(NotWellError, match="the chip reader went away"):
        _taken("chip", lane)
    with pytest.raises(BusyError):
        _taken("swipe", lane)
    with pytest.raises(BusyError):
        _taken("chip", Status("lane", "ready", {"lost": [], "chip": "up"}))


def test_what_a_lane_has_not_is_not_busy() -> None:
    config = parse(
        {
            "purpose": "trial",
            "gate_id": "gate-1",
            "operator": "border.example",
            "mode": "shadow",
            "page": {"driver": "folder", "path": "/run/scanner"},
            "camera": {"address": "http://127.0.0.1:1/s"},
            "audit": {"recipients": ["age1x"]},
        }
    )
    assert selftest._of_the_lane(config) == {"chip"}


def test_a_camera_that_vision_has_is_busy_and_one_that_it_has_lost_is_wrong() -> None:
    vision = Status("vision", "ready", {"camera": "closed", "page": "the camera does not answer"})
    with pytest.raises(BusyError):
        _watched("camera", vision)
    with pytest.raises(NotWellError, match="the camera does not answer"):
        _watched("page", vision)


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ((State.WELL,), Exit.OK),
        ((State.WELL, State.BUSY), Exit.TRY_LATER),
        ((State.NO_RIGHT, State.BUSY), Exit.NOT_PERMITTED),
        ((State.NO_RIGHT, State.WRONG, State.BUSY), Exit.NO),
    ],
)
def test_the_worst_decides_the_exit_code(states: tuple[State, ...], code: Exit) -> None:
    assert code_of([selftest.TestOutcome("x", state, "", 0) for state in states]) is code


def test_a_busy_device_is_a_lost_one_to_whoever_keeps_it() -> None:
    assert issubclass(BusyError, LinkLostError)
