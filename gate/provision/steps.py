"""Carries a plan out, one step after another, and says of each what became of it. Nothing that exists is overwritten."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass


class StepState(enum.Enum):
    """What became of a step."""

    DONE = "done"
    KEPT = "kept"  # it was done before
    FAILED = "failed"
    SKIPPED = "skipped"  # a step before it failed


class StepError(Exception):
    """A step cannot be done; the message says what to do. Of this type itself: a file or folder that cannot be used."""


class ConfigurationStepError(StepError):
    """A configuration, found or made of the answers, that can never work."""


class ContentStepError(StepError):
    """What was given or answered is not what it should be."""


class AwayStepError(StepError):
    """A service or device does not answer."""


class LaterStepError(StepError):
    """It cannot be done now; the message says what must come first."""


class NoStepError(StepError):
    """It was looked into, and the answer is no."""


class ForbiddenStepError(StepError):
    """Whoever was asked understood and does not permit it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `do` returns what to tell the technician. It is kept when `exists` says that it was done before; `kept` then says what is
    to be told of it.

    All raise StepError: what is there may be of no use.
    """

    id: str
    do: Callable[[], str]
    exists: Callable[[], bool] = lambda: False
    kept: Callable[[], str] = lambda: ""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one step."""

    id: str
    state: StepState
    detail: str
    failure: type[StepError] | None = None  # what kind of failure, of a step that failed


def carry_out(steps: Iterable[Step]) -> Iterator[Report]:
    """Do the steps in order; after a failure the rest is skipped."""
    failed = False
    for step in steps:
        if failed:
            yield Report(step.id, StepState.SKIPPED, "")
            continue
        try:
            if step.exists():
                yield Report(step.id, StepState.KEPT, step.kept())
            else:
                yield Report(step.id, StepState.DONE, step.do())
        except StepError as error:
            failed = True
            yield Report(step.id, StepState.FAILED, str(error), type(error))
