"""Who may approve what this gate decides by: `approvers.toml`, read with file, key and line for whoever must correct it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from gate_core.approval.approvers import Approvers, Listed, contradictions
from gate_core.ordinary import read_ordinary
from gate_core.settings.config_file import ConfigError
from gate_core.settings.toml_file import FileError, Problem, TomlFile, Wrong

APPROVERS_BYTES_MAX: Final = 16 * 1024


def approvers_in(path: Path) -> Approvers:
    """Who may approve. Raises ConfigError."""
    try:
        text = read_ordinary(path, APPROVERS_BYTES_MAX).decode()
    except OSError as error:
        raise ConfigError(Problem("", f"cannot be read: {error.strerror}; it names who approves", str(path))) from error
    except UnicodeDecodeError as error:
        raise ConfigError(Problem("", "is not UTF-8", str(path))) from error
    file = TomlFile(str(path), text)
    try:
        listed = file.fitted(file.table(), Listed)
    except FileError as error:
        raise ConfigError(*error.problems) from error
    if wrong := [file.problem(Wrong(key, why)) for key, why in contradictions(listed)]:
        raise ConfigError(*wrong)
    return Approvers.of(listed)
