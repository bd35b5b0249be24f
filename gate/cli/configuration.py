"""Loads a command's configuration, and ends commands on errors of files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gate_core.command_line.output import Exit, code_of, fail, refuse_configuration

if TYPE_CHECKING:
    from gate.programs.shared.config import Config


def configured(path: Path | None, *requirements: Callable[[Config], object]) -> Config:
    """Return the named configuration, or the environment's. Ends the command if it is unusable or fails a requirement."""
    from gate.programs.shared.runner import load_config

    with configuration_errors(path):
        settings = load_config(path)
        for require in requirements:
            require(settings)
        return settings


@contextmanager
def configuration_errors(path: Path | None, instead: str = "") -> Iterator[None]:
    """End the command if the block raises a configuration error."""
    from gate_core.settings.config_file import ConfigError

    try:
        yield
    except ConfigError as error:
        refuse_configuration(error, path, instead)


@contextmanager
def endings(codes: Mapping[type[Exception], Exit | None], about: str = "") -> Iterator[None]:
    """End the command if the block raises one of these errors: with the first matching code (None: by `code_of`), its text after `about`."""
    try:
        yield
    except tuple(codes) as error:
        code = next(code for kind, code in codes.items() if isinstance(error, kind))
        fail(code_of(error) if code is None else code, f"{about}{error}")


@contextmanager
def file_errors(path: Path | None = None, *, doing: str = "") -> Iterator[None]:
    """End the command if the system refuses a file in the block. The text begins with `doing`, else the error's file name, else `path`."""
    try:
        yield
    except OSError as error:
        fail(Exit.IO_ERROR, f"{doing or error.filename or path}: {error.strerror}")
