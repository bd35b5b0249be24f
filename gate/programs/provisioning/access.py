"""Whether a program's own user may open a device: `gate provision` runs as root, who may open everything.

Told by owner, group and mode of the device, as the kernel judges them. Where the user does not exist, no unit runs as it, and nothing is told.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path
from typing import Final

from drivers.settings import Settings
from gate.channel.users import user_of
from gate.provision.steps import StepError

UNIT_GROUPS: Final = {"lane": ("portcullis",), "vision": ("video", "render")}  # SupplementaryGroups= of its unit
RULES: Final = "/etc/udev/rules.d/71-portcullis-site.rules"


def require_access(program: str, settings: Settings) -> None:
    """Raise StepError when the user of a program may not open the device that these settings name, and say what to do."""
    named = getattr(settings, "port", "") or getattr(settings, "address", "")
    if named.startswith("/dev/"):
        wanted = os.R_OK if settings.driver == "keyboard" else os.R_OK | os.W_OK
        require_open(Path(named), user_of(program), UNIT_GROUPS[program], wanted=wanted)


def require_open(device: Path, user: str, more_groups: tuple[str, ...], *, wanted: int) -> None:
    """Raise StepError when this user, with the groups that its unit gives it besides, may not read or write the device (os.R_OK, os.W_OK)."""
    try:
        status, known = device.stat(), pwd.getpwnam(user)
    except (OSError, KeyError):
        return  # whoever opens it says that it is not there
    groups = {*os.getgrouplist(user, known.pw_gid), *(_gid(name) for name in more_groups)}
    if may_open(status, known.pw_uid, groups, wanted):
        return
    group = _group(status.st_gid)
    joins = f"; or usermod -aG {group} {user}" if status.st_gid != 0 and status.st_mode >> 3 & wanted == wanted else ""
    raise StepError(
        f"{device} answers, but its unit's user {user} may not open it (it is {_user(status.st_uid)}:{group}, mode "
        f'{stat.S_IMODE(status.st_mode):04o}): give it GROUP="{user}", MODE="0660" by a line in {RULES}, then udevadm control '
        f"--reload && udevadm trigger{joins}"
    )


def may_open(status: os.stat_result, uid: int, groups: set[int], wanted: int) -> bool:
    """True for a user who may do it. The kernel looks at the first of owner, group and others that they are, and at no more."""
    place = 6 if uid == status.st_uid else 3 if status.st_gid in groups else 0
    return status.st_mode >> place & wanted == wanted


def _gid(name: str) -> int:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return -1


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
