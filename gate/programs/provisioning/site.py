"""One gate that is being set up, and how its devices are tried: with an end to every wait, and the lane stopped."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gate.channel.messages import Status
from gate.programs.provisioning.access import require_access
from gate.programs.shared import config as configuration
from gate.programs.shared.config import Config
from gate.programs.shared.status_client import ask_one
from gate.provision.answers_file import SiteAnswers
from gate.provision.course import Finding
from gate.provision.steps import ConfigurationStepError, LaterStepError, StepError
from gate_core.errors import DriverError
from gate_core.settings import environment
from gate_core.settings.base import Settings
from gate_core.settings.config_file import ConfigError

DEVICE_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Site:
    """One gate that is being set up: its configuration's file, the technician's answers, and how to speak to them.

    `check` reads a configuration, `token` the one-time token of enrolment, and both raise StepError; `wait_s` is how long the technician may
    take.
    """

    path: Path
    given: Callable[[], SiteAnswers]
    tell: Callable[[str], None]
    wait_s: float
    check: Callable[[Path], object]
    token: Callable[[], str]
    dice: random.Random

    @property
    def answers(self) -> SiteAnswers:
        """As they are now: a step that is done again may have asked for others."""
        return self.given()

    @property
    def config(self) -> Config:
        """As it is now: steps change it. Raises ConfigurationStepError."""
        try:
            return configuration.load(self.path)
        except ConfigError as error:
            raise ConfigurationStepError(str(error.placed(self.path))) from error

    @property
    def wait_ms(self) -> int:
        """The same in milliseconds."""
        return int(self.wait_s * 1000)


def run(test: Awaitable[str], *, within_s: float = DEVICE_S) -> str:
    """Raises StepError with what a device says."""

    async def timed() -> str:
        async with asyncio.timeout(within_s):
            return await test

    try:
        return asyncio.run(timed())
    except DriverError as error:
        raise StepError(str(error)) from error
    except TimeoutError as error:
        raise StepError(f"no answer within {within_s:.0f} s") from error


def require_unit_access(site: Site, program: str, settings: Settings) -> None:
    """Raise StepError when a program's unit could not open what we, who are root, have opened. A gate in a folder of its own has no units."""
    if site.path == environment.DEFAULT_PATH:
        require_access(program, settings)


def at_device(site: Site, do: Callable[[Config], Finding]) -> Callable[[], Finding]:
    """The step, once the lane has let its devices go. It raises LaterStepError before."""

    def do_it() -> Finding:
        config = site.config
        if isinstance(ask_one(config, "lane"), Status):
            raise LaterStepError(
                "the lane program has the devices: stop it (systemctl stop portcullis.target), then repeat"
            )
        return do(config)

    return do_it
