"""The only module that reads the environment: PORTCULLIS_CONFIG (the configuration file), PORTCULLIS_BOOT,
PORTCULLIS_SUPERVISOR, NOTIFY_SOCKET, JOURNAL_STREAM, CREDENTIALS_DIRECTORY, XDG_CACHE_HOME, and shell completion.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

DEFAULT_PATH = Path("/etc/portcullis/gate.toml")
SUPERVISOR = "PORTCULLIS_SUPERVISOR"


def path_from_environment() -> Path:
    """Return the configuration file to use if none is named."""
    return Path(os.environ.get("PORTCULLIS_CONFIG", str(DEFAULT_PATH)))


def environment_with(more: Mapping[str, str], *, without: Collection[str] = ()) -> dict[str, str]:
    """Return this process's environment plus `more`, minus `without`, for a child process."""
    ours = {name: value for name, value in os.environ.items() if name not in without}
    return {**ours, **more}


def cache_folder() -> Path:
    """Return the folder for cached downloads of a user's commands."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "portcullis"


def notify_socket() -> str | None:
    """Return systemd's notification socket, or None."""
    return os.environ.get("NOTIFY_SOCKET")


def journal_stream() -> str | None:
    """Return systemd's JOURNAL_STREAM (device:inode), or None."""
    return os.environ.get("JOURNAL_STREAM")


def supervisor_pid() -> int | None:
    """Return the supervisor's process id, or None. Removes it from the environment: children do not inherit it."""
    told = os.environ.pop(SUPERVISOR, "")
    return int(told) if told.isdecimal() else None


def credentials_folder() -> Path | None:
    """Return systemd's credentials folder, or None (systemd.exec(5), LoadCredential=)."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return Path(folder) if folder else None


def boot_name() -> str | None:
    """Return the boot id from systemd (`%b`), or None: the log's sandbox hides the kernel's."""
    return os.environ.get("PORTCULLIS_BOOT")


def line_to_complete() -> str | None:
    """Return the command line to complete, from bash's or another shell's variable; None if not completing."""
    if "_GATE_COMPLETE" not in os.environ:
        return None
    return os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS", "")
