"""What root has opened is held against the user whose unit is to open it."""

from __future__ import annotations

import os
import pwd
import re
from pathlib import Path

import pytest

from drivers.reader.settings import Elyctis
from gate.programs.provisioning.access import UNIT_GROUPS, may_open, require_access, require_open
from gate.provision.steps import StepError

UNITS = Path(__file__).parents[4] / "systemd"
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
