"""The one reader of the environment: our own variables, systemd's, and two of a shell that completes a command line."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

DEFAULT_PATH = Path("/etc/portcullis/gate.toml")
SUPERVISOR = "PORTCULLIS_SUPERVISOR"


def path_from_environment() -> Path:
    """The configuration file that applies when none is named."""
    return Path(os.environ.get("PORTCULLIS_CONFIG", str(DEFAULT_PATH)))


def environment_with(more: Mapping[str, str], *, without: Collection[str] = ()) -> dict[str, str]:
    """Our environment for a child process, and more, or less."""
    ours = {name: value for name, value in os.environ.items() if name not in without}
    return {**ours, **more}


def cache_folder() -> Path:
    """Where a person's own commands keep what can be fetched again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "portcullis"


def notify_socket() -> str | None:
    """Where systemd wants to hear of readiness and life, if it does."""
    return os.environ.get("NOTIFY_SOCKET")


def journal_stream() -> str | None:
    """Which file the journal reads of this process, where systemd says so."""
    return os.environ.get("JOURNAL_STREAM")


def supervisor_pid() -> int | None:
    """The process id of the supervisor with which this process ends, if it has one. Read once: this process's own children do not inherit it."""
    told = os.environ.pop(SUPERVISOR, "")
    return int(told) if told.isdecimal() else None


def credentials_folder() -> Path | None:
    """Where systemd hands over what is secret, if it does (systemd.exec(5), LoadCredential=)."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return Path(folder) if folder else None


def boot_name() -> str | None:
    """The boot's name, where systemd gives it (`%b`): the log's sandbox does not show the kernel's."""
    return os.environ.get("PORTCULLIS_BOOT")


def line_to_complete() -> str | None:
    """The command line that a shell wants completed, if it asks that of us: as bash hands it over, or as others do."""
    if "_GATE_COMPLETE" not in os.environ:
        return None
    return os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS", "")
