"""The machine for the update program: gate.toml (loosely parsed, it may be a newer version's), units, checks, status.

An update may run if nobody is in the lane; one of what runs, if an officer has closed it. An unknown lane is occupied.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from gate.channel.message import Status
from gate.channel.row import PROGRAMS, status_row, user_of
from gate.programs.shared.status import hear_at

FILE_BYTES_MAX: Final = 1024 * 1024


class SiteError(Exception):
    """The configuration cannot be read, or lacks what is needed."""


class Paths(msgspec.Struct, frozen=True, kw_only=True):
    """As in gate.toml."""

    run: str = "/run"
    models: str = "/var/lib/portcullis/models"


class Lists(msgspec.Struct, frozen=True, kw_only=True):
    """As in gate.toml."""

    folder: str


class Updates(msgspec.Struct, frozen=True, kw_only=True):
    """As in gate.toml."""

    root: str = "/etc/portcullis/updates-root.json"
    folder: str = "/var/lib/portcullis/sync/updates"


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """As in gate.toml."""

    gate_id: str
    purpose: str = "service"
    paths: Paths = Paths()
    lists: Lists | None = None
    updates: Updates | None = None

    def socket(self, program: str) -> Path:
        """Return a program's status socket."""
        return Path(self.paths.run) / user_of(program) / status_row(program).file


def read_site(path: Path) -> Site:
    """Read the settings that are needed. Raises SiteError."""
    try:
        with path.open("rb") as file:
            return msgspec.convert(tomllib.loads(file.read(FILE_BYTES_MAX).decode()), Site)
    except OSError as error:
        raise SiteError(f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SiteError(f"{path}: {error}") from error


_IDLE: Final = "idle"
HOW_TO_CLOSE: Final = "close it (gate officer close), or stop the gate (systemctl stop portcullis.target)"


@dataclass(frozen=True, slots=True)
class Programs:
    """The states of programs that answer. `lane`: the lane's status fields, None without an answer."""

    states: Mapping[str, str] = field(default_factory=dict)
    lane: Mapping[str, object] | None = None

    def occupied(self) -> str:
        """Return why a person may be in the lane; empty if nobody is."""
        if self.lane is None:
            return "the lane does not say how it is"
        if self.lane.get("state") != _IDLE:
            return f"somebody is in the lane ({self.lane.get('state')})"
        leaves = [self.lane.get(key) for key in ("leaf_closed", "first_leaf_closed") if key in self.lane]
        if self.lane.get("mode") != "shadow" and leaves != [True] * len(leaves):
            return "a door of the lane is not closed"
        return f"{self.lane['people_inside']} inside" if self.lane.get("people_inside") else ""

    def open(self) -> str:
        """Return why the lane may serve a traveller; empty if it is closed."""
        return self.occupied() or (
            "" if self.lane and self.lane.get("closed_by") else f"the lane is open: {HOW_TO_CLOSE}"
        )

    def worse_than(self, before: Mapping[str, str]) -> str:
        """Return which program is in a worse state than before; empty if none is."""
        for name, state in before.items():
            now = self.states.get(name)
            if now not in {state, "ready"}:
                return f"{name} is {now or 'away'}, and was {state}"
        return ""


def programs_of(site: Site) -> Callable[[], Programs]:
    """Return a function that requests every program's status."""

    async def ask() -> Programs:
        answers = await asyncio.gather(*(hear_at(name, site.socket(name)) for name in PROGRAMS))
        told = {name: answer for name, answer in zip(PROGRAMS, answers, strict=True) if isinstance(answer, Status)}
        lane = told.get("lane")
        return Programs({name: answer.state for name, answer in told.items()}, None if lane is None else lane.detail)

    return lambda: asyncio.run(ask())


CHECK_UNIT: Final = "gate-update-check.service"
CHECKS: Final = Path("/run/portcullis-update/checks.json")
ANSWER_BYTES_MAX: Final = 1 << 20
COMMAND_DEADLINE_S: Final = 600.0
# Checks that must pass even if they failed before.
ALWAYS: Final = frozenset({"configuration", "models", "dry_crossing"})
WELL: Final = frozenset({"well", "busy"})


@dataclass(frozen=True, slots=True)
class Check:
    """One check's result: a state of the self-test, and what was found."""

    state: str
    detail: str


def worse(before: Mapping[str, Check], after: Mapping[str, Check]) -> str:
    """Return the check that is worse than before, or missing; empty if there is none."""
    for name in sorted(ALWAYS | after.keys() | before.keys(), key=lambda name: (name not in after, name)):
        now = after.get(name)
        if now is None:
            return f"{name}: it was not checked"
        was = before.get(name)
        was_wrong = was is not None and was.state not in WELL
        if now.state not in WELL and (name in ALWAYS or not was_wrong):
            return f"{name}: {now.detail}"
    return ""


class Machine:
    """The machine, through systemd."""

    def running(self) -> tuple[str, ...]:
        """Return the programs whose units run."""
        return tuple(
            name for name in PROGRAMS if self._state(name) in {"active", "activating", "reloading", "deactivating"}
        )

    def stop(self, programs: Iterable[str]) -> None:
        """Stop units, and wait until they are down. Raises OSError."""
        names = list(programs)
        if names:
            _ran("systemctl", "stop", *map(_unit, reversed(names)))

    def start(self, programs: Iterable[str]) -> None:
        """Start units, without a check that they work. Raises OSError."""
        names = list(programs)
        if names:
            _ran("systemctl", "reset-failed", *map(_unit, names), check=False)
            _ran("systemctl", "start", *map(_unit, names), check=False)

    def check(self) -> Mapping[str, Check]:
        """Run every check of the version that `current` names. Raises OSError if they cannot run."""
        CHECKS.unlink(missing_ok=True)
        _ran("systemctl", "start", CHECK_UNIT, check=False)
        return read_checks(CHECKS.read_bytes()[:ANSWER_BYTES_MAX])

    def _state(self, program: str) -> str:
        return _ran("systemctl", "is-active", _unit(program), check=False).stdout.strip()


def read_checks(raw: bytes) -> dict[str, Check]:
    """Parse the output of `gate update check --json`; empty if it is invalid: then every check is missing."""
    try:
        said = json.loads(raw)
        return {str(one["id"]): Check(str(one["state"]), str(one["detail"])) for one in said["checks"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}


def _unit(program: str) -> str:
    return f"gate-{program}.service"


def _ran(*command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command. Raises OSError."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=COMMAND_DEADLINE_S)  # noqa: S603 - ours
    except subprocess.TimeoutExpired as error:
        raise OSError(110, f"nothing came of it within {COMMAND_DEADLINE_S:.0f} s", command[0]) from error
    if check and done.returncode != 0:
        raise OSError(5, (done.stderr or done.stdout).strip()[:300], " ".join(command[:2]))
    return done
