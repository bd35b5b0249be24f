"""What the update program asks of the machine: units stopped and started, and the checks of what runs, each as a program of its own.

Checks run what is new. They are a unit of their own (gate-update-check.service), which may reach cameras on a network, as this program may not.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gate.channel.row import PROGRAMS

CHECK_UNIT: Final = "gate-update-check.service"
CHECKS: Final = Path("/run/portcullis-update/checks.json")
ANSWER_BYTES_MAX: Final = 1 << 20
COMMAND_DEADLINE_S: Final = 600.0
# What must be well, whatever was before.
ALWAYS: Final = frozenset({"configuration", "models", "dry_crossing"})
WELL: Final = frozenset({"well", "busy"})


@dataclass(frozen=True, slots=True)
class Check:
    """How one check ended: a state of the self-test's, and what was found."""

    state: str
    detail: str


def worse(before: Mapping[str, Check], after: Mapping[str, Check]) -> str:
    """What is not as well as it was, or else is missing; empty when nothing is."""
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
    """The machine, by its systemd."""

    def running(self) -> tuple[str, ...]:
        """The programs whose units run."""
        return tuple(
            name for name in PROGRAMS if self._state(name) in {"active", "activating", "reloading", "deactivating"}
        )

    def stop(self, programs: Iterable[str]) -> None:
        """Stop units; they are down when this returns. Raises OSError."""
        names = list(programs)
        if names:
            _ran("systemctl", "stop", *map(_unit, reversed(names)))

    def start(self, programs: Iterable[str]) -> None:
        """Start units; how they come up is seen elsewhere. Raises OSError."""
        names = list(programs)
        if names:
            _ran("systemctl", "reset-failed", *map(_unit, names), check=False)
            _ran("systemctl", "start", *map(_unit, names), check=False)

    def check(self) -> Mapping[str, Check]:
        """Run every check of what `current` names. Raises OSError when they cannot be run."""
        CHECKS.unlink(missing_ok=True)
        _ran("systemctl", "start", CHECK_UNIT, check=False)
        return read_checks(CHECKS.read_bytes()[:ANSWER_BYTES_MAX])

    def _state(self, program: str) -> str:
        return _ran("systemctl", "is-active", _unit(program), check=False).stdout.strip()


def read_checks(raw: bytes) -> dict[str, Check]:
    """What `gate update check --json` said; nothing where that is none: then every check is missing."""
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
