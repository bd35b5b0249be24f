"""Goes the technician's way step by step and keeps what came of each on the disk, so that it can be gone on with.

A step's outcome is written whole when the step is over, and not before: whoever is interrupted, or killed, repeats that one step. A step that
was done is not done again unless what it rests on (the gate, the settings of its devices) has become another since, or it is asked for.
A failed one is done again with the next run. Only a step whose devices are no simulator's can ever be `hardware`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Protocol

import msgspec

from gate.provision.steps import ConfigurationStepError, LaterStepError, StepError
from gate_core import durable

FOLDER: Final = "provision"  # in the gate's state
STATE_FILE: Final = "provision.json"
STATE_BYTES_MAX: Final = 8 * 1024 * 1024


class Verified(enum.StrEnum):
    """On what a step's device was tried."""

    HARDWARE = "hardware"
    SIMULATOR = "simulator"
    NO = "not_verified"
    NO_DEVICE = "no_device"  # there is nothing that could be simulated


class Ending(enum.StrEnum):
    """How a step ended."""

    DONE = "done"
    KEPT = "kept"  # it was done before
    FAILED = "failed"
    SKIPPED = "skipped"  # with a reason, or because one that it needs failed


Figure = float | int | str | bool | None


@dataclass(frozen=True, slots=True)
class Photograph:
    """What the camera saw, as JPEG, nobody's face in it."""

    caption: str
    jpeg: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a step found: in words, in figures with the unit in their name, in pictures, and on what."""

    detail: str
    figures: dict[str, Figure] = field(default_factory=dict)
    verified: Verified = Verified.NO_DEVICE
    pictures: tuple[Photograph, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """One step of the way. `do` raises StepError, after which nothing is half done.

    Where `exists` is given, what it finds on the machine says whether the step was done, and not what was kept, and `kept` what is to be
    told of it; a `fresh` one is done in every run. Without a `needed` one nothing behind it can be done. In one that `acts` the technician
    does something. `missing` says that it cannot be done yet, and why: such a step is never done. It waits for the steps that it comes `after`.
    """

    id: str
    do: Callable[[], Finding]
    exists: Callable[[], bool] | None = None
    kept: Callable[[], str] = lambda: ""
    fresh: bool = False
    needed: bool = False
    acts: bool = False
    missing: str = ""
    after: tuple[str, ...] = ()


class Outcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What came of one step, as it is kept. `at` is RFC 3339, UTC; `basis` is what it rests on, by names that people read."""

    state: Ending
    detail: str
    verified: Verified = Verified.NO_DEVICE
    figures: dict[str, Figure] = {}
    pictures: tuple[tuple[str, bytes], ...] = ()
    basis: dict[str, str] = {}
    at: str = ""
    took_ms: int = 0


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All that is kept: the answers by their keys, and each step's outcome."""

    schema: Annotated[str, msgspec.Meta(pattern="^provision.state/2$")] = "provision.state/2"
    answers: dict[str, str | list[str]] = {}
    outcomes: dict[str, Outcome] = {}


class Store:
    """What is kept, in one file of a folder. Raises StepError when it cannot be read or written, and says what to do."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / STATE_FILE
        self._kept = self._read()

    @property
    def answers(self) -> dict[str, str | list[str]]:
        """The answers that were given so far."""
        return dict(self._kept.answers)

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """What came of each step so far."""
        return dict(self._kept.outcomes)

    def keep_answers(self, answers: dict[str, str | list[str]]) -> None:
        """Keep them in place of those before."""
        self._write(msgspec.structs.replace(self._kept, answers=dict(answers)))

    def keep(self, step: str, outcome: Outcome) -> None:
        """Keep what came of a step."""
        self._write(msgspec.structs.replace(self._kept, outcomes={**self._kept.outcomes, step: outcome}))

    def _read(self) -> Kept:
        try:
            with self.path.open("rb") as file:
                raw = file.read(STATE_BYTES_MAX + 1)
            return msgspec.json.decode(raw, type=Kept)
        except FileNotFoundError:
            return Kept()
        except OSError as error:
            raise StepError(f"cannot read {self.path}: {error.strerror}") from error
        except msgspec.DecodeError as error:
            raise StepError(f"{self.path} is damaged ({error}); take it away to begin anew") from error

    def _write(self, kept: Kept) -> None:
        try:
            durable.make_folder(self.path.parent, mode=0o750)
            durable.write(self.path, msgspec.json.format(msgspec.json.encode(kept), indent=1), mode=0o600)
        except OSError as error:
            raise StepError(f"cannot write {self.path}: {error.strerror}") from error
        self._kept = kept


@dataclass(frozen=True, slots=True)
class Skip:
    """A step is left out, and why."""

    reason: str


class Technician(Protocol):
    """Who stands at the gate."""

    def begin(self, task: Task, why: str) -> Skip | None:
        """A step is next; `why` is not empty when it was done before, and a reason leaves it out."""
        ...

    def failed(self, task: Task, why: str) -> Skip | None:
        """A step failed: a reason leaves it out, None has it done again. Raises StepError to leave it failed."""
        ...


@dataclass(frozen=True, slots=True)
class StepReport:
    """What became of one step in this run."""

    id: str
    state: Ending
    outcome: Outcome
    configuration: bool = False


class Course:
    """One run along the way. `rests_on` says of a step what its outcome rests on as it is now; `now` gives the time as RFC 3339, `clock_ms`
    milliseconds that only grow.
    """

    def __init__(
        self,
        store: Store,
        technician: Technician,
        *,
        rests_on: Callable[[str], Mapping[str, str]],
        now: Callable[[], str],
        clock_ms: Callable[[], int],
    ) -> None:
        self.at = ""  # the step that is being done
        self._store = store
        self._technician = technician
        self._rests_on = rests_on
        self._now = now
        self._clock_ms = clock_ms

    def go(self, tasks: Iterable[Task], *, again: Collection[str] = ()) -> Iterator[StepReport]:
        """Do what is not done yet, in order, and `again` what is named. Raises StepError when an outcome cannot be kept, and LaterStepError when a
        step cannot be tried now: then nothing is known of it that was not before, and what was kept stays.
        """
        blocked = ""
        for task in tasks:
            self.at = task.id
            earlier = self._store.outcomes.get(task.id)
            if blocked:
                report = _waits(task, blocked)
            elif task.missing:
                report = self._keep(task, Outcome(state=Ending.SKIPPED, detail=task.missing))
            elif earlier is not None and task.id not in again and self._stands(task, earlier):
                report = StepReport(task.id, Ending.KEPT, earlier)
            elif first := self._first_undone(task.after):
                report = _waits(task, first)
            else:
                report = self._do(task, earlier)
                blocked = task.id if task.needed and report.state not in (Ending.DONE, Ending.KEPT) else ""
            yield report
        self.at = ""

    def _first_undone(self, steps: tuple[str, ...]) -> str:
        outcomes = self._store.outcomes
        return next((one for one in steps if one not in outcomes or outcomes[one].state is not Ending.DONE), "")

    def _do(self, task: Task, earlier: Outcome | None) -> StepReport:
        began_ms = self._clock_ms()
        why = another(earlier, self._rests_on(task.id)) if earlier is not None and task.exists is None else ""
        left_out = self._technician.begin(task, why)
        while left_out is None:
            try:
                if task.exists is not None and task.exists():
                    report = self._keep(task, _done(Finding(task.kept()), took_ms=0))
                    return StepReport(task.id, Ending.KEPT, report.outcome)
                found = task.do()
            except StepError as error:
                try:
                    left_out = self._technician.failed(task, str(error))
                except StepError:
                    if isinstance(error, LaterStepError):
                        raise LaterStepError(f"{task.id}: {error}") from error
                    failed = Outcome(state=Ending.FAILED, detail=str(error), took_ms=self._clock_ms() - began_ms)
                    return self._keep(task, failed, configuration=isinstance(error, ConfigurationStepError))
            else:
                return self._keep(task, _done(found, took_ms=self._clock_ms() - began_ms))
        return self._keep(task, Outcome(state=Ending.SKIPPED, detail=left_out.reason))

    def _keep(self, task: Task, outcome: Outcome, *, configuration: bool = False) -> StepReport:
        outcome = msgspec.structs.replace(outcome, basis=dict(self._rests_on(task.id)), at=self._now())
        self._store.keep(task.id, outcome)
        return StepReport(task.id, outcome.state, outcome, configuration)

    def _stands(self, task: Task, outcome: Outcome) -> bool:
        """True for what need not be done again: it was done, and what it rests on is as it was."""
        is_kept = task.exists is None and not task.fresh
        return is_kept and outcome.state is Ending.DONE and not another(outcome, self._rests_on(task.id))


def _waits(task: Task, first: str) -> StepReport:
    return StepReport(task.id, Ending.SKIPPED, Outcome(state=Ending.SKIPPED, detail=f"{first} comes first"))


def _done(found: Finding, *, took_ms: int) -> Outcome:
    pictures = tuple((one.caption, one.jpeg) for one in found.pictures)
    return Outcome(
        state=Ending.DONE,
        detail=found.detail,
        verified=found.verified,
        figures=found.figures,
        pictures=pictures,
        took_ms=took_ms,
    )


def another(outcome: Outcome, rests_on: Mapping[str, str]) -> str:
    """Why what was done is no proof any more: what it rests on has become another. Empty: it is one."""
    if outcome.state is not Ending.DONE or outcome.basis == rests_on:
        return ""
    before = outcome.basis
    changed = [name for name in {**before, **rests_on} if before.get(name) != rests_on.get(name)]
    whose = next((before[name] for name in ("gate", "log") if name in changed and name in before), "")
    return f"was done {f'for {whose}' if whose else 'with another ' + ', '.join(changed)}: do it again"
