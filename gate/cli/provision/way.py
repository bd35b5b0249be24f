"""What `gate provision` without a verb does: asks or reads, goes the way, and leaves the acceptance report."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import msgspec
import typer

from gate.cli.provision.guided import Filed, Guide, asked
from gate.provision.answers_file import SiteAnswers, UnreadableAnswersError, WrongAnswersError, parse, read
from gate.provision.course import Course, Ending, Finding, StepReport, Store, Task
from gate.provision.questions import OF_STEPS, QUESTIONS, Given, flat, table_of
from gate.provision.steps import ConfigurationStepError, LaterStepError, StepError
from gate.provision.way import NEEDED
from gate_core.command_line.output import Exit, emit_json, fail, note, say

if TYPE_CHECKING:
    from gate.provision.answers import Answers
    from gate.provision.steps import Step

INTERRUPTED: Final = 130  # as shells have it: 128 and SIGINT


@dataclass(frozen=True, slots=True)
class Place:
    """Where the gate is made: its configuration's file, the folder of what is kept, and the folder of everything, if it is not the system's."""

    config: Path
    kept: Path
    root: Path | None


def go(
    place: Place,
    *,
    answers_file: Path | None,
    again: list[str],
    wait_s: float,
    as_json: bool,
    init: Callable[[Answers, Path], Iterator[Step]],
    check: Callable[[Path], object],
) -> None:
    """Go the way from where it stands; ends the command."""
    try:
        store = Store(place.kept)
        technician, given = _answered(answers_file, store)
    except StepError as error:
        fail(Exit.IO_ERROR, str(error))
    course = Course(
        store,
        technician,
        rests_on=partial(_rests_on, place, store),
        now=_now,
        clock_ms=lambda: time.monotonic_ns() // 1_000_000,
    )
    done: list[StepReport] = []
    try:
        _walk(
            place,
            course,
            technician,
            given,
            done,
            wait_s=wait_s,
            again=again,
            show=not as_json,
            init=init,
            check=check,
        )
        _end(place, done, as_json=as_json)
    except (KeyboardInterrupt, EOFError):
        at = course.at or "the report"
        note(f"gate: interrupted at {at}: nothing of it is kept. Run gate provision again, it goes on with {at}")
        raise typer.Exit(INTERRUPTED) from None
    except LaterStepError as error:
        fail(Exit.TRY_LATER, str(error))
    except StepError as error:
        code = Exit.CONFIG if isinstance(error, ConfigurationStepError) else Exit.IO_ERROR
        fail(code, f"{error}. Repeat {course.at or 'gate provision report'}: run gate provision again")


def _answered(answers_file: Path | None, store: Store) -> tuple[Filed | Guide, Callable[[], SiteAnswers]]:
    """Who answers, and all answers as they are now, which are kept. Raises StepError."""
    if answers_file is not None:
        try:
            answers = read(answers_file)
        except UnreadableAnswersError as error:
            fail(Exit.IO_ERROR, str(error))
        except WrongAnswersError as error:
            fail(Exit.BAD_DATA, str(error))
        given = {key: value for key, value in flat(msgspec.to_builtins(answers)).items() if not key.startswith("skip.")}
        store.keep_answers(given)
        _tell_absent(given)
        return Filed(answers.skip), lambda: answers
    if not sys.stdin.isatty():
        fail(Exit.USAGE, "gate provision asks on a terminal; without one give it --answers FILE")
    return _asked(store)


def _tell_absent(given: Given) -> None:
    """Devices that do not answer now are told at once: their steps may come late."""
    from gate.programs.provisioning.machine import ThisMachine

    machine = ThisMachine()
    for key in given:
        if objection := machine.objection(key, given):
            note(f"gate: {key}: {objection}: the steps that need it will fail")


def _asked(store: Store) -> tuple[Guide, Callable[[], SiteAnswers]]:
    from rich.console import Console

    from gate.programs.provisioning.machine import ThisMachine

    console, machine = Console(stderr=True, highlight=False), ThisMachine()

    def again(step: str) -> None:
        mine = [question for question in QUESTIONS if question.key in OF_STEPS.get(step, ())]
        before = {one.key: store.answers[one.key] for one in mine if one.key in store.answers}
        rest = {key: value for key, value in store.answers.items() if key not in before}
        asked(console, machine, rest, keep=store.keep_answers, questions=mine, before=before)

    try:
        asked(console, machine, store.answers, keep=store.keep_answers)
    except (KeyboardInterrupt, EOFError):
        note(
            "gate: interrupted; the answers so far are kept. Run gate provision again, it goes on with the next question"
        )
        raise typer.Exit(INTERRUPTED) from None
    _kept(store)
    return Guide(console, again=again), partial(_kept, store)


def _kept(store: Store) -> SiteAnswers:
    """The answers as they are kept now; ends the command when they are of no use."""
    from gate_core.settings.toml_file import FileError, TomlFile

    try:
        answers = parse(table_of(store.answers), TomlFile("", ""))
    except FileError as error:
        _refuse_kept(store, [f"{each.key}: {each.problem}" for each in error.problems])
    if wrong := answers.answers(None).problems():
        _refuse_kept(store, map(str, wrong))
    return answers


def _refuse_kept(store: Store, wrong: Iterable[str]) -> NoReturn:
    fail(Exit.USAGE, f"{'; '.join(wrong)}: take the answer out of {store.path}, and gate provision asks again")


def _walk(
    place: Place,
    course: Course,
    technician: Filed | Guide,
    given: Callable[[], SiteAnswers],
    done: list[StepReport],
    *,
    wait_s: float,
    again: list[str],
    show: bool,
    init: Callable[[Answers, Path], Iterator[Step]],
    check: Callable[[Path], object],
) -> None:
    """Do the steps; `done` grows with each. Raises StepError and KeyboardInterrupt."""
    making = course.go(map(_task, init(given().answers(place.root), place.config)), again=again)
    for report in making:
        _tell(report, done, show=show)
    if any(report.state is Ending.FAILED for report in done):
        return
    from gate.cli.token import read_token
    from gate.programs.provisioning.site import Site
    from gate.programs.provisioning.tasks import tasks_of

    site = Site(
        place.config,
        given,
        tell=technician.tell,
        wait_s=wait_s,
        check=check,
        token=lambda: read_token(Path(given().central.token_file)),
        dice=random.SystemRandom(),
    )
    for report in course.go(tasks_of(site), again=again):
        _tell(report, done, show=show)


def _rests_on(place: Place, store: Store, step: str) -> dict[str, str]:
    """Nothing before there is a configuration, or where it cannot be used."""
    from gate.programs.provisioning.resting import rests_on
    from gate.programs.shared import config as configuration
    from gate_core.settings.config_file import ConfigError

    try:
        config = configuration.load(place.config, refuse_in_service=False)
    except ConfigError:
        return {}
    return rests_on(step, config, store.answers)


def _task(step: Step) -> Task:
    """One of the steps that make the gate: what is there counts, not what was kept."""
    return Task(step.id, lambda: Finding(step.do()), exists=step.exists, kept=step.kept, needed=True)


def _tell(report: StepReport, done: list[StepReport], *, show: bool) -> None:
    done.append(report)
    if show:
        say(f"{report.state.value:8} {report.id:19} {report.outcome.detail}")


def _end(place: Place, done: list[StepReport], *, as_json: bool) -> None:
    """Leave the report, and say what comes next; ends the command. Raises StepError."""
    failed = [report for report in done if report.state is Ending.FAILED]
    made = None
    missing: list[dict[str, str]] = []
    if not any(report.configuration or report.id in NEEDED for report in failed) and place.config.exists():
        from gate.programs.provisioning import reporting

        report = reporting.describe(place.config)
        missing = msgspec.to_builtins(report.missing_for_service)
        made = reporting.sign(place.config, report)
    if as_json:
        emit_json(
            "provision.way/1",
            {
                "steps": [_row(one) for one in done],
                "report": None if made is None else {"page": str(made.page), "document": str(made.document)},
                "missing_for_service": missing,
            },
        )
    else:
        if made is not None:
            say(f"report   {made.page}")
        _say_next(place, failed, len(missing))
    if not failed:
        raise typer.Exit(int(Exit.OK))
    if failed[0].configuration:
        raise typer.Exit(int(Exit.CONFIG))
    raise typer.Exit(int(Exit.IO_ERROR if failed[0].id in NEEDED else Exit.NO))


def _row(report: StepReport) -> dict[str, object]:
    outcome = report.outcome
    return {
        "id": report.id,
        "state": report.state.value,
        "detail": outcome.detail,
        "verified": outcome.verified.value,
        "figures": outcome.figures,
    }


def _say_next(place: Place, failed: list[StepReport], missing: int) -> None:
    config = f" --config {place.config}" if place.root is not None else ""
    if failed:
        say(f"next     run gate provision again: it goes on with {', '.join(one.id for one in failed)}")
        return
    say("next     hand the report and the .vkey file over; gate provision report --verify FILE checks it")
    from gate.programs.screens.kiosk_start import start_page
    from gate.programs.shared import config as configuration

    page = start_page(configuration.load(place.config, refuse_in_service=False).runtime("screens").absolute()).as_uri()
    say("next     " + ("systemctl enable --now portcullis.target" if place.root is None else f"gate run{config}"))
    say(f"next     open {page} in a browser and keep its window in sight: without it the lane is closed")
    say(f"next     without a central server a supervisor: gate officer accept-head --key SUPERVISOR.KEY{config}")
    say(f"next     an officer: gate officer present --every 60 --key SHIFT.KEY{config}")
    say(f"next     gate status{config} names what still closes the lane")
    if missing:
        say(f"next     for service {missing} proofs are missing: gate provision report{config} lists them")


def _now() -> str:
    from gate_core.programs import clock

    return clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
