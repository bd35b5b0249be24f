"""The steps of an update in sequence, and undoing them. After an interruption the next start undoes or finishes it.

The journal is written before each step. Undoing restores the places, then the units. The lane's unit is down meanwhile.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from gate.programs.update.ledger import Changes, Installed, Journal, Ledger, Refusal, SoftwareChange
from gate.programs.update.machine import Check, Machine, Programs, worse
from gate.programs.update.places import Configuration, Models, Software
from gate.updates.errors import UpdateError
from gate.updates.layout import Kind
from gate_core import durable

SETTLE_S: Final = 120.0
SETTLE_POLL_S: Final = 0.5

log = logging.getLogger("gate.update")


class NotNowError(Exception):
    """The lane's state does not permit an update now."""


class NotKeptError(Exception):
    """The new version is worse than the old one, or cannot be installed."""


class InterruptedUpdateError(Exception):
    """The program got SIGTERM."""


@dataclass(slots=True)
class Work:
    """One update: its ports and state. `archives`: root's copies by kind; without them, `changes` are prepared."""

    ledger: Ledger
    software: Software
    models: Models
    configuration: Configuration
    machine: Machine
    programs: Callable[[], Programs]
    wait: Callable[[float], None]
    journal: Journal
    archives: Mapping[Kind, Path] = field(default_factory=dict)
    before: Mapping[str, Check] = field(default_factory=dict)
    hook: Callable[[str], None] = lambda _: None

    def at(self, journal: Journal) -> None:
        """Store the journal."""
        self.ledger.at(journal)
        self.journal = journal

    @property
    def changes(self) -> Changes:
        """The update's changes."""
        return self.journal.changes


def _prepare(work: Work) -> None:
    """Unpack the new version beside the installed one."""
    changes = work.changes
    installs = work.journal.installs
    for kind, archive in work.archives.items():
        match kind:
            case Kind.SOFTWARE:
                changes = msgspec.structs.replace(
                    changes, software=work.software.prepare(archive, installs[kind.value].number)
                )
            case Kind.MODELS:
                changes = msgspec.structs.replace(changes, models=work.models.prepare(archive))
            case Kind.CONFIGURATION:
                staging = work.ledger.staging / kind.value
                changes = msgspec.structs.replace(changes, configuration=work.configuration.prepare(archive, staging))
            case Kind.LISTS:
                pass  # handled by `program`
    work.at(msgspec.structs.replace(work.journal, changes=changes))


def _look(work: Work) -> None:
    """Check that the lane is still closed; note running units and their states."""
    ran = work.machine.running()
    programs = work.programs()
    if "lane" in ran and (why := programs.open()):
        raise NotNowError(why)
    states = {name: state for name, state in programs.states.items() if name in ran}
    work.at(msgspec.structs.replace(work.journal, ran=ran, states=states))


def _stop(work: Work) -> None:
    work.machine.stop(work.journal.ran)


def _measure(work: Work) -> None:
    """Run the old version's checks, while every device is free."""
    work.before = work.machine.check()


def _switch(work: Work) -> None:
    changes = work.changes
    if changes.software is not None:
        work.software.switch(changes.software)
    if changes.models is not None:
        work.models.switch(changes.models)
    if changes.configuration is not None:
        work.configuration.switch(changes.configuration)


def _check(work: Work) -> None:
    """Run the new version's checks, of the configuration in its place with its approvals, while no unit runs."""
    if problem := worse(work.before, work.machine.check()):
        raise NotKeptError(problem)


def _start(work: Work) -> None:
    work.machine.start(work.journal.ran)


def _settle(work: Work) -> None:
    """Wait until every program that ran is in as good a state as before."""
    left_s, problem = SETTLE_S, ""
    while left_s > 0:
        if not (problem := work.programs().worse_than(work.journal.states)):
            return
        work.wait(SETTLE_POLL_S)
        left_s -= SETTLE_POLL_S
    raise NotKeptError(f"not within {SETTLE_S:.0f} s: {problem}")


def _commit(work: Work) -> None:
    """Commit with one write; keep the old content for `back`."""
    installed, journal, changes = work.ledger.installed, work.journal, work.changes
    kept = work.ledger.folder / f"configuration-{journal.id}"
    if changes.configuration is not None:
        files = work.configuration.kept(changes.configuration)
        durable.make_folder(kept, mode=0o700)
        for name, content in files.items():
            durable.write(kept / name, content, mode=0o600)
    software = changes.software and SoftwareChange(before=changes.software.after, after=changes.software.before)
    kinds = installed.before_installs if journal.verb == "back" else journal.installs
    others = {kind: one for kind, one in installed.current.items() if kind not in kinds}
    work.ledger.install(
        msgspec.structs.replace(
            installed,
            id=journal.id,
            current={**others, **journal.installs},
            tried=_tried(installed, journal),
            refused={kind: one for kind, one in installed.refused.items() if kind not in kinds},
            before=msgspec.structs.replace(changes, software=software),
            before_installs={kind: installed.current.get(kind) for kind in kinds},
        )
    )


def finish(work: Work) -> None:
    """Delete all but the running version and what `back` needs. May be repeated. Raises OSError."""
    changes = work.changes
    work.models.keep()
    work.configuration.discard()
    if changes.software is not None:
        work.software.keep((changes.software.before, changes.software.after))
    for folder in work.ledger.folder.glob("configuration-*"):
        if folder.name != f"configuration-{work.ledger.installed.id}":
            shutil.rmtree(folder)
    shutil.rmtree(work.ledger.staging, ignore_errors=True)
    work.ledger.over()


# By name in the journal.
STEPS: Final[Mapping[str, Callable[[Work], None]]] = {
    "prepare": _prepare,
    "look": _look,
    "stop": _stop,
    "measure": _measure,
    "switch": _switch,
    "check": _check,
    "start": _start,
    "settle": _settle,
    "commit": _commit,
    "tidy": finish,
}
_RUNS_ON: Final = frozenset({"begin", "prepare", "look"})  # steps during which units still run


def carry_out(work: Work) -> None:
    """Run every step. An error before the commit undoes them, and is raised: NotNowError, NotKeptError and others."""
    try:
        for name, do in STEPS.items():
            work.at(msgspec.structs.replace(work.journal, step=name))
            log.info("update_step", extra={"step": name})
            work.hook(f"before {name}")
            do(work)
            work.hook(f"after {name}")
    except (NotNowError, NotKeptError, UpdateError, InterruptedUpdateError, OSError) as error:
        if is_committed(work):
            raise
        log.warning("update_goes_back", extra={"step": work.journal.step, "reason": str(error)[:300]})
        is_no_fault = isinstance(error, NotNowError) or (isinstance(error, OSError) and work.journal.step in _RUNS_ON)
        go_back(work, str(error), tried=not is_no_fault)
        raise


def is_committed(work: Work) -> bool:
    """True if the journal's update is done."""
    return work.ledger.installed.id == work.journal.id


def go_back(work: Work, why: str, *, tried: bool = True, start: bool = True) -> None:
    """Undo every change, and start the units that ran. May be repeated. Raises OSError.

    `tried`: do not retry it automatically. Without `start`, units are left alone: at boot none runs yet, and stopping
    one would cancel its start.
    """
    journal, changes = work.journal, work.changes
    stopped = journal.step not in _RUNS_ON
    with _uninterrupted():
        if stopped and start:
            work.machine.stop(journal.ran)
        if changes.configuration is not None:
            work.configuration.switch_back(changes.configuration)
        if changes.models is not None:
            work.models.switch_back(changes.models)
        if changes.software is not None:
            work.software.switch_back(changes.software)
        if stopped and start:
            work.machine.start(journal.ran)
        _forget(work, why, tried=tried)
        work.ledger.over()


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ignore SIGTERM in all threads: undoing is the program's last action."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _forget(work: Work, why: str, *, tried: bool) -> None:
    """Delete what was prepared, and store why it was not kept, if the disk permits."""
    journal = work.journal
    try:
        work.software.forget()
        work.models.discard()
        work.configuration.discard()
        if journal.verb != "back" and (install := journal.installs.get(Kind.SOFTWARE.value)) is not None:
            work.software.discard(str(install.number))
        shutil.rmtree(work.ledger.staging, ignore_errors=True)
        if tried and journal.verb != "back":
            installed = work.ledger.installed
            refused = {kind: Refusal(install=install, why=why[:500]) for kind, install in journal.installs.items()}
            work.ledger.install(
                msgspec.structs.replace(
                    installed,
                    refused={**installed.refused, **refused},
                    tried=_tried(installed, journal),
                )
            )
    except OSError as error:
        log.warning("update_left_something", extra={"reason": str(error)[:300]})


def _tried(installed: Installed, journal: Journal) -> dict[str, int]:
    """Return the numbers that are not tried automatically again."""
    numbers = {kind: max(install.number, installed.tried.get(kind, 0)) for kind, install in journal.installs.items()}
    return {**installed.tried, **numbers}
