"""One run of `gate provision`: reads or asks for the answers, runs the steps that are not done, and writes the acceptance report."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from gate.programs.shared import config as configuration
from gate.programs.shared.config import Paths
from gate.provision.acceptance import Missing
from gate.provision.answers import SiteAnswers, checked, read
from gate.provision.installation import installation_steps
from gate.provision.machine import ThisMachine
from gate.provision.progress import FOLDER, Course, Store, folder_of
from gate.provision.proofs import rests_on
from gate.provision.questions import QUESTIONS, table_of
from gate.provision.report import describe, sign
from gate.provision.site import Site
from gate.provision.steps import NEEDED, STEPS, Step, StepError, StepReport, StepState
from gate.provision.technician import Filed, Guide, asked, read_token
from gate_core.command_line.output import Exit, note
from gate_core.programs import clock
from gate_core.settings import environment
from gate_core.settings.config_file import ConfigError
from gate_core.settings.toml_file import FileError, TomlFile


@dataclass(frozen=True, slots=True)
class Place:
    """The gate's place: its configuration file, the folder of stored outcomes, and the folder of everything, if not the system's."""

    config: Path
    kept: Path
    root: Path | None

    @classmethod
    def of(cls, root: Path | None) -> Place:
        """Stored outcomes are in the gate's state, even before there is a configuration."""
        path = root / "gate.toml" if root else environment.DEFAULT_PATH
        try:
            kept = folder_of(configuration.load(path))
        except ConfigError:
            kept = (root / "state" if root else Path(Paths().state)) / FOLDER
        return cls(path, kept, root)


class Session:
    """One run at one place. Construction gets the answers, from a file or at the terminal. Raises StepError if the
    answers or the stored data are unusable.
    """

    def __init__(self, place: Place, answers_file: Path | None, *, again: Collection[str], wait_s: float) -> None:
        self.done: list[StepReport] = []
        self._place, self._again, self._wait_s = place, again, wait_s
        self._store = Store(place.kept)
        self._technician: Filed | Guide
        self._technician, self._given = self._asked() if answers_file is None else self._filed(answers_file)
        self._course = Course(
            self._store,
            self._technician,
            rests_on=self._rests_on,
            now=lambda: clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            clock_ms=clock.monotonic_ms,
        )

    @property
    def at(self) -> str:
        """The current step; empty: none."""
        return self._course.at

    @property
    def failed(self) -> list[StepReport]:
        """The steps that failed in this run."""
        return [report for report in self.done if report.state is StepState.FAILED]

    def run(self) -> Iterator[StepReport]:
        """Run the steps; `done` grows with each. Raises StepError and KeyboardInterrupt."""
        place, given = self._place, self._given
        yield from self._go(installation_steps(given(), place.config, place.root))
        if self.failed:
            return
        from gate.provision.checks import gate_steps  # noqa: PLC0415 - loads the image library and the models' runtime

        site = Site(
            place.config,
            given,
            tell=self._technician.tell,
            wait_s=self._wait_s,
            token=lambda: read_token(Path(given().central.token_file)),
            dice=random.SystemRandom(),
        )
        yield from self._go(gate_steps(site))

    def report(self) -> tuple[dict[str, str] | None, tuple[Missing, ...]]:
        """Write the acceptance report, if there is a gate, and return what is missing for service. Raises StepError."""
        is_made = not any(one.failure is Exit.CONFIG or one.id in NEEDED for one in self.failed)
        if not is_made or not self._place.config.exists():
            return None, ()
        report = describe(self._place.config)
        return sign(self._place.config, report), report.missing_for_service

    def _go(self, steps: Iterable[Step]) -> Iterator[StepReport]:
        for report in self._course.go(steps, again=self._again):
            self.done.append(report)
            yield report

    def _rests_on(self, step: str) -> dict[str, str]:
        """Empty without a usable configuration."""
        try:
            config = configuration.load(self._place.config, refuse_in_service=False)
        except ConfigError:
            return {}
        return rests_on(step, config, self._store.answers)

    def _filed(self, path: Path) -> tuple[Filed, Callable[[], SiteAnswers]]:
        """Report at once devices that do not answer: their steps may come late."""
        answers, machine = read(path), ThisMachine()
        self._store.keep_answers(answers.given)
        for key in answers.given:
            if objection := machine.objection(key, answers.given):
                note(f"gate: {key}: {objection}: the steps that need it will fail")
        return Filed(answers.skip), lambda: answers

    def _asked(self) -> tuple[Guide, Callable[[], SiteAnswers]]:
        """Ask for all answers at the terminal; each is stored when given."""
        if not sys.stdin.isatty():
            raise StepError("gate provision asks on a terminal; without one give it --answers FILE", Exit.USAGE)
        console, machine, store = Console(stderr=True, highlight=False), ThisMachine(), self._store
        ask = partial(asked, console, machine, keep=store.keep_answers)

        def again(step: str) -> None:
            mine = [question for question in QUESTIONS if question.key in STEPS[step].answers]
            before = {one.key: store.answers[one.key] for one in mine if one.key in store.answers}
            ask({key: one for key, one in store.answers.items() if key not in before}, questions=mine, before=before)

        ask(store.answers)
        self._kept()
        return Guide(console, again=again), self._kept

    def _kept(self) -> SiteAnswers:
        try:
            return checked(table_of(self._store.answers), TomlFile("", ""))
        except FileError as error:
            wrong = "; ".join(f"{each.key}: {each.problem}" for each in error.problems)
            why = f"{wrong}: take the answer out of {self._store.path}, and gate provision asks again"
            raise StepError(why, Exit.USAGE) from error
