"""The gate that is being set up: its configuration, its programs, and how a step tests a device: with a time limit, and the lane stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import random
import tomllib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import tomli_w

from gate.channel.errors import NoPlaceError
from gate.channel.message import Status
from gate.channel.place import only_instance
from gate.channel.row import PROGRAMS
from gate.programs.shared import config as configuration
from gate.programs.shared.config import Config
from gate.programs.shared.devices.profiles import require_profiles
from gate.programs.shared.status_client import ask_one
from gate.provision.answers import SiteAnswers
from gate.provision.device_access import require_access
from gate.provision.steps import ConfigurationStepError, Finding, LaterStepError, StepError, step_errors
from gate_core import durable
from gate_core.errors import DriverError
from gate_core.settings import environment
from gate_core.settings.base import Settings
from gate_core.settings.config_file import ConfigError

DEVICE_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Site:
    """One gate: its configuration file, the technician's answers, and the dialogue with them. `token` reads the
    one-time token of enrolment and raises StepError; `wait_s`: the technician's time limit.
    """

    path: Path
    given: Callable[[], SiteAnswers]
    tell: Callable[[str], None]
    wait_s: float
    token: Callable[[], str]
    dice: random.Random

    @property
    def answers(self) -> SiteAnswers:
        """Return the present answers: a repeated step may have asked for new ones."""
        return self.given()

    @property
    def config(self) -> Config:
        """Return the present configuration: steps change it. Raises ConfigurationStepError."""
        try:
            return configuration.load(self.path)
        except ConfigError as error:
            raise ConfigurationStepError(str(error.placed(self.path))) from error


def config_of(path: Path) -> Config:
    """Return a configuration with which the gate can start, including its profiles. Raises ConfigurationStepError."""
    try:
        config = configuration.load(path)
        require_profiles(config)
    except ConfigError as error:
        raise ConfigurationStepError(str(error.placed(path))) from error
    return config


def amend(
    path: Path, changes: Mapping[str, Mapping[str, object]], *, check: Callable[[Path], object] = config_of
) -> None:
    """Set these keys of tables in `gate.toml` and leave the others. The file is then changed and valid, or unchanged.

    `check` of the new file raises StepError. Raises StepError.
    """
    try:
        with step_errors(OSError, doing=f"cannot write {path}"):
            whole = tomllib.loads(path.read_text())
            for table, keys in changes.items():
                whole[table] = {**whole.get(table, {}), **keys}
            with durable.writing(path, mode=path.stat().st_mode & 0o777) as draft:
                draft.write(tomli_w.dumps(whole).encode())
                draft.flush()
                check(Path(draft.name))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StepError(f"{path} is not TOML: {error}") from error


# ── programs ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def running_program(config: Config, programs: Sequence[str] = PROGRAMS) -> str | None:
    """Return the first of these programs that is running, or None. Raises PermissionError."""
    for name in programs:
        if not config.runtime(name).is_dir():
            continue
        try:
            with only_instance(config.runtime(name)):
                pass
        except NoPlaceError:
            return name
    return None


def hand_over(path: Path, program: str) -> None:
    """Change a file's owner to `portcullis-<program>`, as root. Does nothing for another user, or if the program has no user."""
    with contextlib.suppress(KeyError):
        if os.geteuid() == 0:
            user = pwd.getpwnam(f"portcullis-{program}")
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


# ── devices ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def run(test: Awaitable[str], *, within_s: float = DEVICE_S) -> str:
    """Run a device's test. Raises StepError with the device's error."""

    async def timed() -> str:
        async with asyncio.timeout(within_s):
            return await test

    try:
        with step_errors(DriverError):
            return asyncio.run(timed())
    except TimeoutError as error:
        raise StepError(f"no answer within {within_s:.0f} s") from error


def require_unit_access(site: Site, program: str, settings: Settings) -> None:
    """Raise StepError if a program's unit could not open what root opened here. A gate in its own folder has no units."""
    if site.path == environment.DEFAULT_PATH:
        require_access(program, settings)


def at_device(site: Site, do: Callable[[Config], Finding]) -> Callable[[], Finding]:
    """Return the step, which raises LaterStepError until the lane has released its devices."""

    def do_it() -> Finding:
        config = site.config
        if isinstance(ask_one(config, "lane"), Status):
            raise LaterStepError(
                "the lane program has the devices: stop it (systemctl stop portcullis.target), then repeat"
            )
        return do(config)

    return do_it
