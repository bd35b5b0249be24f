"""What a site adds to the units of systemd: a camera's address that vision may reach, a scanner's folder that it may empty. Pure."""

from __future__ import annotations

from collections.abc import Iterable

VISION_DROP_IN = "gate-vision.service.d/50-site.conf"
_HEAD = "# Written by `gate provision init` from gate.toml. When its cameras change, run that again.\n[Service]\n"


def vision_drop_in(*, hosts: Iterable[str], folders: Iterable[str]) -> str:
    """The text of vision's drop-in. `hosts` are IP addresses or `localhost`."""
    allowed = "".join(f"IPAddressAllow={host}\n" for host in dict.fromkeys(hosts))
    return _HEAD + allowed + "".join(f"ReadWritePaths={folder}\nNoExecPaths={folder}\n" for folder in folders)
