"""What root has opened is held against the user whose unit is to open it."""

from __future__ import annotations

import os
import pwd
import re
from pathlib import Path

import pytest

from drivers.reader.settings import Elyctis
from gate.provision.device_access import (
    UNIT_GROUPS,
    allowed_by,
    is_allowed,
    may_open,
    require_access,
    require_allowed,
    require_open,
)
from gate.provision.steps import StepError

UNITS = Path(__file__).parents[3] / "systemd"
BOTH = os.R_OK | os.W_OK


@pytest.mark.parametrize(
    ("mode", "uid", "groups", "wanted", "may"),
    [
        (0o660, 7, {9}, BOTH, True),
        (0o660, 8, {20, 9}, BOTH, True),
        (0o660, 8, {20}, BOTH, False),
        (0o640, 8, {9}, BOTH, False),
        (0o640, 8, {9}, os.R_OK, True),
        (0o666, 8, {20}, BOTH, True),
        (0o066, 7, {9}, BOTH, False),
        (0o606, 8, {9}, BOTH, False),
    ],
    ids=["owner", "group", "neither", "group may read", "and that is enough", "others", "owner alone", "group alone"],
)
def test_owner_group_and_others_as_the_kernel_judges_them(
    mode: int, uid: int, groups: set[int], wanted: int, *, may: bool
) -> None:
    """The device is of user 7 and group 9; nobody gets from others what they are refused by name."""
    status = os.stat_result((0o020000 | mode, 1, 1, 1, 7, 9, 0, 0, 0, 0))
    assert may_open(status, uid, groups, wanted) is may


def test_a_closed_device_is_told_with_what_to_do(tmp_path: Path) -> None:
    device = tmp_path / "ttyUSB0"
    device.touch(mode=0o600)
    device.chmod(0o600)
    with pytest.raises(StepError) as raised:
        require_open(device, "nobody", (), wanted=BOTH)
    said = str(raised.value)
    assert f"{device} answers, but its unit's user nobody may not open it (it is " in said
    assert 'mode 0600): give it GROUP="nobody", MODE="0660" by a line in /etc/udev/rules.d/71-portcullis-site' in said
    assert "usermod" not in said
    device.chmod(0o666)
    require_open(device, "nobody", (), wanted=BOTH)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
def test_a_devices_group_is_named_where_it_would_help(tmp_path: Path) -> None:
    device = tmp_path / "ttyUSB0"
    device.touch(mode=0o660)
    device.chmod(0o660)
    os.chown(device, 0, 20)  # dialout
    with pytest.raises(StepError, match="; or usermod -aG dialout nobody"):
        require_open(device, "nobody", (), wanted=BOTH)
    require_open(device, "nobody", ("dialout",), wanted=BOTH)  # the unit has it
    os.chown(device, pwd.getpwnam("nobody").pw_uid, 0)
    require_open(device, "nobody", (), wanted=BOTH)


def test_nothing_is_told_where_the_user_or_the_device_is_not(tmp_path: Path) -> None:
    (tmp_path / "there").touch(mode=0o600)
    require_open(tmp_path / "there", "portcullis-nowhere", (), wanted=BOTH)
    require_open(tmp_path / "gone", "nobody", (), wanted=BOTH)
    require_access("lane", Elyctis(port="/dev/nowhere"))


@pytest.mark.parametrize("program", UNIT_GROUPS)
def test_the_groups_are_those_of_the_unit(program: str) -> None:
    unit = (UNITS / f"gate-{program}.service").read_text()
    assert re.findall(r"^SupplementaryGroups=(.*)$", unit, re.MULTILINE) == [" ".join(UNIT_GROUPS[program])]


TTY_USB, TTY_ON_BOARD = os.makedev(188, 3), os.makedev(4, 64)
LANES = ["char-188 rw", "char-166 rw", "char-gpiochip rw", "char-13 r"]
KNOWN = """Character devices:
  4 /dev/vc/0
  4 tty
  4 ttyS
188 ttyUSB
254 gpiochip

Block devices:
  4 gpiochip
"""


@pytest.mark.parametrize(
    ("number", "lines", "wanted", "may"),
    [
        (TTY_USB, LANES, BOTH, True),
        (TTY_ON_BOARD, LANES, BOTH, False),
        (TTY_ON_BOARD, [*LANES, "char-ttyS rw"], BOTH, True),
        (TTY_ON_BOARD, ["char-tty* rw"], BOTH, True),
        (TTY_ON_BOARD, ["char-tty? r"], os.R_OK, True),
        (TTY_ON_BOARD, ["char-ttyS r"], BOTH, False),
        (os.makedev(254, 0), LANES, BOTH, True),
        (os.makedev(13, 65), LANES, os.R_OK, True),
        (os.makedev(13, 65), LANES, BOTH, False),
        (Path("/dev/null").stat().st_rdev, ["/dev/gone rw", "/dev/null rwm"], BOTH, True),
        (Path("/dev/null").stat().st_rdev, ["/dev/zero rw"], BOTH, False),
        (TTY_USB, [], BOTH, False),
    ],
    ids=[
        *("an adapter", "on the board", "by its driver", "by a pattern", "to be read", "no more than read"),
        *("contacts", "a wedge", "a wedge is not written", "by its path", "another's path", "nothing"),
    ],
)
def test_a_device_is_allowed_by_number_driver_or_path(
    number: int, lines: list[str], wanted: int, tmp_path: Path, *, may: bool
) -> None:
    (tmp_path / "devices").write_text(KNOWN)
    assert is_allowed(number, lines, wanted, drivers=tmp_path / "devices") is may


def test_without_a_list_of_drivers_numbers_and_paths_count(tmp_path: Path) -> None:
    assert is_allowed(TTY_USB, LANES, BOTH, drivers=tmp_path / "none")
    assert not is_allowed(os.makedev(254, 0), LANES, BOTH, drivers=tmp_path / "none")


def test_a_line_on_the_board_that_the_unit_leaves_out_is_told_with_what_to_do(tmp_path: Path) -> None:
    named = tmp_path / "portcullis-barrier"
    named.symlink_to("/dev/null")
    with pytest.raises(StepError) as raised:
        require_allowed(named, "gate-lane.service", wanted=BOTH, allowed_of=lambda _: LANES)
    said = str(raised.value)
    assert "systemctl edit gate-lane.service" in said
    assert "DeviceAllow=/dev/null rw" in said
    require_allowed(named, "gate-lane.service", wanted=BOTH, allowed_of=lambda _: [*LANES, "/dev/null rw"])
    require_allowed(named, "gate-lane.service", wanted=BOTH, allowed_of=lambda _: None)
    require_allowed(tmp_path / "gone", "gate-lane.service", wanted=BOTH, allowed_of=lambda _: [])


@pytest.mark.parametrize(
    ("said", "allowed"),
    [
        (
            "DevicePolicy=closed\nDeviceAllow=char-188 rw\nDeviceAllow=/dev/ttyTHS1 rw\n",
            ["char-188 rw", "/dev/ttyTHS1 rw"],
        ),
        ("DevicePolicy=auto\n", None),
        ("DevicePolicy=auto\nDeviceAllow=\n", None),
        ("DevicePolicy=strict\n", []),
        ("", None),
    ],
    ids=["some", "a unit that there is not", "everything", "nothing", "no word"],
)
def test_systemd_says_what_a_unit_allows(
    said: str, allowed: list[str] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "said").write_text(said)
    (tmp_path / "systemctl").write_text(f"#!/bin/sh\ncat {tmp_path / 'said'}\n")
    (tmp_path / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert allowed_by("gate-lane.service") == allowed


def test_without_systemd_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert allowed_by("gate-lane.service") is None
    (tmp_path / "systemctl").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "systemctl").chmod(0o755)
    assert allowed_by("gate-lane.service") is None
