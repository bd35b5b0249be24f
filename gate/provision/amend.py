"""Changes keys of `gate.toml` and leaves the others as they are; the file stands changed and sound, or as it was."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import tomli_w

from gate import durable
from gate.provision.steps import StepError


def amend(path: Path, changes: Mapping[str, Mapping[str, object]], *, check: Callable[[Path], object]) -> None:
    """Set these keys of these tables. `check` of the new file raises StepError. Raises StepError."""
    try:
        whole = tomllib.loads(path.read_text())
        for table, keys in changes.items():
            whole[table] = {**whole.get(table, {}), **keys}
        with durable.writing(path, mode=path.stat().st_mode & 0o777) as draft:
            draft.write(tomli_w.dumps(whole).encode())
            draft.flush()
            check(Path(draft.name))
    except OSError as error:
        raise StepError(f"cannot write {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StepError(f"{path} is not TOML: {error}") from error
