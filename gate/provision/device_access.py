"""Checks that a program's unit may open a device. `gate provision` itself runs as root, outside the unit, and can open every device.

It uses the device's owner, group and mode, and what systemd reports that the unit allows (systemd.resource-control(5), DeviceAllow=).
Without the user no unit runs as it, and there is no result; nor for a unit that allows every device.
"""

from __future__ import annotations

import fnmatch
import grp
import os
import pwd
import stat
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from gate.channel.row import user_of
from gate.provision.steps import StepError
from gate_core.settings.base import Settings

UNIT_GROUPS: Final = {"lane": ("portcullis",), "vision": ("video", "render")}  # SupplementaryGroups= of its unit
RULES: Final = "/etc/udev/rules.d/71-portcullis-site.rules"
SYSTEMD_S: Final = 10.0
DRIVERS: Final = Path("/proc/devices")

AllowedOf = Callable[[str], list[str] | None]


def require_access(program: str, settings: Settings) -> None:
    """Raise StepError, with what to do, if a program's user may not open the device that these settings name."""
    named = getattr(settings, "port", "") or getattr(settings, "address", "")
    if named.startswith("/dev/"):
        wanted = os.R_OK if settings.driver == "keyboard" else os.R_OK | os.W_OK
        require_open(Path(named), user_of(program), UNIT_GROUPS[program], wanted=wanted)
        require_allowed(Path(named), f"gate-{program}.service", wanted=wanted)


def require_open(device: Path, user: str, more_groups: tuple[str, ...], *, wanted: int) -> None:
    """Raise StepError if this user, with its unit's additional groups, may not read or write the device (os.R_OK, os.W_OK)."""
    try:
        status, known = device.stat(), pwd.getpwnam(user)
    except (OSError, KeyError):
        return  # opening it reports that it is missing
    groups = {*os.getgrouplist(user, known.pw_gid), *(_gid(name) for name in more_groups)}
    if may_open(status, known.pw_uid, groups, wanted):
        return
    group = _named(status.st_gid, grp.getgrgid)
    joins = f"; or usermod -aG {group} {user}" if status.st_gid != 0 and status.st_mode >> 3 & wanted == wanted else ""
    raise StepError(
        f"{device} answers, but its unit's user {user} may not open it (it is {_named(status.st_uid, pwd.getpwuid)}:{group}, mode "
        f'{stat.S_IMODE(status.st_mode):04o}): give it GROUP="{user}", MODE="0660" by a line in {RULES}, then udevadm control '
        f"--reload && udevadm trigger{joins}"
    )


def may_open(status: os.stat_result, uid: int, groups: set[int], wanted: int) -> bool:
    """True if the user may do it. The kernel uses only the first class that applies: owner, group or others."""
    place = 6 if uid == status.st_uid else 3 if status.st_gid in groups else 0
    return status.st_mode >> place & wanted == wanted


def allowed_by(unit: str) -> list[str] | None:
    """Return a unit's DeviceAllow= with its drop-ins, as in `char-188 rw`; None if it allows everything, or without systemd."""
    command = ("systemctl", "show", "--property=DevicePolicy", "--property=DeviceAllow", unit)
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SYSTEMD_S)  # noqa: S603 - ours
    except (OSError, subprocess.SubprocessError):
        return None
    lines = said.stdout.splitlines()
    allowed = [value for line in lines if (value := line.removeprefix("DeviceAllow=")) not in {line, ""}]
    return allowed if allowed or {"DevicePolicy=closed", "DevicePolicy=strict"} & set(lines) else None


def require_allowed(device: Path, unit: str, *, wanted: int, allowed_of: AllowedOf = allowed_by) -> None:
    """Raise StepError if a unit's DeviceAllow= excludes a device, or a required access to it."""
    number, allowed = _number_of(device), allowed_of(unit)
    if number is None or allowed is None or is_allowed(number, allowed, wanted):
        return
    access = "rw" if wanted & os.W_OK else "r"
    raise StepError(
        f"{device} answers, but {unit} lets no device be opened that it does not name: systemctl edit {unit}, with the lines "
        f"[Service] and DeviceAllow={device.resolve()} {access}, then repeat this"
    )


def is_allowed(number: int, allowed: Iterable[str], wanted: int, *, drivers: Path = DRIVERS) -> bool:
    """True if one of these lines names the character device, by its path or its driver's name or number, with all required access."""
    names = _drivers_of(os.major(number), drivers)
    for line in allowed:
        named, _, access = line.partition(" ")
        is_named = (
            any(fnmatch.fnmatchcase(name, named.removeprefix("char-")) for name in names)
            if named.startswith("char-")
            else _number_of(Path(named)) == number
        )
        if is_named and all(letter in access for letter, bit in (("r", os.R_OK), ("w", os.W_OK)) if wanted & bit):
            return True
    return False


def _drivers_of(major: int, drivers: Path) -> list[str]:
    """Return the number itself, and its drivers' names in proc(5)."""
    try:
        of_characters = drivers.read_text().partition("Block devices:")[0]
    except OSError:
        of_characters = ""
    listed = (line.split() for line in of_characters.splitlines())
    return [str(major), *(words[1] for words in listed if words[:1] == [str(major)])]


def _number_of(device: Path) -> int | None:
    try:
        return device.stat().st_rdev
    except OSError:
        return None


def _gid(name: str) -> int:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return -1


def _named(number: int, entry: Callable[[int], Sequence[object]]) -> str:
    """Return the name of a user or group, the first field of its entry; the number if there is none."""
    try:
        return str(entry(number)[0])
    except KeyError:
        return str(number)
