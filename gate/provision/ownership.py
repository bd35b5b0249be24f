"""Hands what provisioning makes as root to the program that uses it, where that program has a user of its own."""

from __future__ import annotations

import os
import pwd
from pathlib import Path


def hand_over(path: Path, program: str) -> None:
    """Give a file to `portcullis-<program>`. Nothing happens for an ordinary user, or where the user does not exist."""
    if os.geteuid() != 0:
        return
    try:
        user = pwd.getpwnam(f"portcullis-{program}")
    except KeyError:
        return
    os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
