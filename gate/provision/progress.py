"""Runs the steps in order and stores each outcome on disk, so that the next run continues where this one stopped.

A step's outcome is written when the step is over: a killed run repeats only that step. A step that is done is not repeated unless
its basis (the gate, the settings of its devices) has changed since, or it is requested; a failed one is repeated in the next run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import msgspec

from gate.programs.shared.config import Config
from gate.provision.steps import Finding, LaterStepError, Outcome, Step, StepError, StepReport, StepState, step_errors
from gate.provision.technician import Filed, Guide
from gate_core import durable
from gate_core.command_line.output import Exit

FOLDER: Final = "provision"  # in the gate's state
STATE_FILE: Final = "provision.json"
STATE_BYTES_MAX: Final = 8 * 1024 * 1024


def folder_of(config: Config) -> Path:
    """Return the folder of the stored outcomes: in the gate's state."""
    return Path(config.paths.state) / FOLDER


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The stored data: the answers by key, and each step's outcome."""

    schema: Annotated[str, msgspec.Meta(pattern="^provision.state/2$")] = "provision.state/2"
    answers: dict[str, str | list[str]] = {}
    outcomes: dict[str, Outcome] = {}


class Store:
    """The stored data, in one file of a folder. Raises StepError, with what to do, if it cannot be read or written."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / STATE_FILE
        self._kept = self._read()

    @property
    def answers(self) -> dict[str, str | list[str]]:
        """The answers that were given so far."""
        return dict(self._kept.answers)

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """Return each step's outcome so far."""
        return dict(self._kept.outcomes)

    def keep_answers(self, answers: dict[str, str | list[str]]) -> None:
        """Store these answers instead of the earlier ones."""
        self._write(msgspec.structs.replace(self._kept, answers=dict(answers)))

    def keep(self, step: str, outcome: Outcome) -> None:
        """Store a step's outcome."""
        self._write(msgspec.structs.replace(self._kept, outcomes={**self._kept.outcomes, step: outcome}))

    def _read(self) -> Kept:
        try:
            with self.path.open("rb") as file:
                return msgspec.json.decode(file.read(STATE_BYTES_MAX + 1), type=Kept)
        except FileNotFoundError:
            return Kept()
        except OSError as error:
            raise StepError(f"cannot read {self.path}: {error.strerror}") from error
        except msgspec.DecodeError as error:
            raise StepError(f"{self.path} is damaged ({error}); take it away to begin anew") from error

    def _write(self, kept: Kept) -> None:
        with step_errors(OSError, doing=f"cannot write {self.path}"):
            durable.make_folder(self.path.parent, mode=0o750)
            durable.write(self.path, msgspec.json.format(msgspec.json.encode(kept), indent=1), mode=0o600)
        self._kept = kept


@dataclass(slots=True)
class Course:
    """One run of the steps. A text returned by the technician is the reason to omit a step. `rests_on` returns a step's
    present basis; `now` returns the time as RFC 3339, `clock_ms` monotonic milliseconds.
    """

    store: Store
    technician: Filed | Guide
    rests_on: Callable[[str], Mapping[str, str]]
    now: Callable[[], str]
    clock_ms: Callable[[], int]
    at: str = ""  # the step that is being done

    def go(self, steps: Iterable[Step], *, again: Collection[str] = ()) -> Iterator[StepReport]:
        """Run the steps that are not done, in order, and those named in `again`. Raises StepError if an outcome cannot
        be stored, and LaterStepError if a step cannot be tried now: its stored outcome then stays.
        """
        blocked = ""
        for step in steps:
            self.at = step.id
            earlier = self.store.outcomes.get(step.id)
            if blocked:
                report = _waits(step, blocked)
            elif step.missing:
                report = self._keep(step, Outcome(state=StepState.SKIPPED, detail=step.missing))
            elif earlier is not None and step.id not in again and self._stands(step, earlier):
                report = StepReport(step.id, StepState.KEPT, earlier)
            elif first := self._first_undone(step.after):
                report = _waits(step, first)
            else:
                report = self._do(step, earlier)
                blocked = step.id if step.needed and report.state not in {StepState.DONE, StepState.KEPT} else ""
            yield report
        self.at = ""

    def _first_undone(self, steps: tuple[str, ...]) -> str:
        outcomes = self.store.outcomes
        return next((one for one in steps if one not in outcomes or outcomes[one].state is not StepState.DONE), "")

    def _do(self, step: Step, earlier: Outcome | None) -> StepReport:
        began_ms = self.clock_ms()
        why = another(earlier, self.rests_on(step.id)) if earlier is not None and step.exists is None else ""
        left_out = self.technician.begin(step, why)
        while left_out is None:
            try:
                if step.exists is not None and step.exists():
                    report = self._keep(step, _done(Finding(step.kept()), took_ms=0))
                    return StepReport(step.id, StepState.KEPT, report.outcome)
                found = step.found()
            except StepError as error:
                try:
                    left_out = self.technician.failed(step, str(error))
                except StepError:
                    if isinstance(error, LaterStepError):
                        raise LaterStepError(f"{step.id}: {error}") from error
                    took_ms = self.clock_ms() - began_ms
                    failed = Outcome(state=StepState.FAILED, detail=str(error), took_ms=took_ms)
                    return self._keep(step, failed, failure=error.code)
            else:
                return self._keep(step, _done(found, took_ms=self.clock_ms() - began_ms))
        return self._keep(step, Outcome(state=StepState.SKIPPED, detail=left_out))

    def _keep(self, step: Step, outcome: Outcome, *, failure: Exit | None = None) -> StepReport:
        outcome = msgspec.structs.replace(outcome, basis=dict(self.rests_on(step.id)), at=self.now())
        self.store.keep(step.id, outcome)
        return StepReport(step.id, outcome.state, outcome, failure)

    def _stands(self, step: Step, outcome: Outcome) -> bool:
        """True for a step that need not be repeated: it was done, and its basis is unchanged."""
        is_kept = step.exists is None and not step.fresh
        return is_kept and outcome.state is StepState.DONE and not another(outcome, self.rests_on(step.id))


def _waits(step: Step, first: str) -> StepReport:
    return StepReport(step.id, StepState.SKIPPED, Outcome(state=StepState.SKIPPED, detail=f"{first} comes first"))


def _done(found: Finding, *, took_ms: int) -> Outcome:
    return Outcome(state=StepState.DONE, took_ms=took_ms, **asdict(found))


def another(outcome: Outcome, rests_on: Mapping[str, str]) -> str:
    """Return why an outcome is no proof any more: its basis has changed. Empty if it is one."""
    if outcome.state is not StepState.DONE or outcome.basis == rests_on:
        return ""
    before = outcome.basis
    changed = [name for name in {**before, **rests_on} if before.get(name) != rests_on.get(name)]
    whose = next((before[name] for name in ("gate", "log") if name in changed and name in before), "")
    return f"was done {f'for {whose}' if whose else 'with another ' + ', '.join(changed)}: do it again"
