"""The technician: asked one question at a time at a terminal, or represented by a file of answers; and the one-time token of enrolment.

A token comes from a file, a pipe, or a prompt without echo; never as an argument, which every user of the machine can read.
"""

from __future__ import annotations

import getpass
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.prompt import Prompt

from gate.provision.answer_checks import Given
from gate.provision.machine import ThisMachine
from gate.provision.questions import NO, QUESTIONS, YES, Question
from gate.provision.steps import TITLES, Step, StepError, step_errors
from gate_core.command_line.output import Exit, note, one_line

BACK: Final = "back"  # to the question before
NOTHING: Final = "-"  # an empty answer, where Return takes what is offered
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22}")  # 128 bits (gate central token)
_TOKEN_BYTES_MAX: Final = 1024


class Filed:
    """A technician with a file of all answers, who acts when instructed. `skip`: the reasons, by step."""

    def __init__(self, skip: Mapping[str, str]) -> None:
        self._skip = skip

    def begin(self, step: Step, why: str) -> str | None:
        """Omit the steps that the file omits."""
        note(_heading(step, why))
        return self._skip.get(step.id)

    def failed(self, step: Step, why: str) -> str | None:
        """No one can be asked: the step stays failed until the next run."""
        raise StepError(f"{step.id}: {why}")

    def tell(self, text: str) -> None:
        """Print an instruction."""
        note(f"   {text}")


class Guide:
    """A technician at a terminal. `again` asks a step's questions again, if it has any."""

    def __init__(self, console: Console, *, again: Callable[[str], None]) -> None:
        self._console = console
        self._again = again

    def begin(self, step: Step, why: str) -> str | None:
        """A step with actions waits until they are ready, and may be omitted with a reason."""
        self._console.print(_heading(step, why), markup=False)
        if not step.manual:
            return None
        said = Prompt.ask(
            "   Return when you are ready, or the reason to leave it out",
            default="",
            show_default=False,
            console=self._console,
        )
        return said.strip() or None

    def failed(self, step: Step, why: str) -> str | None:
        """Ask: repeat it, continue without it, or leave it for the next run."""
        self._console.print(f"   {one_line(why)}", style="bold", markup=False)
        choices = ["again", "later"] if step.needed else ["again", "skip", "later"]
        choice = Prompt.ask("   What now", choices=choices, default="again", console=self._console)
        if choice == "later":
            raise StepError(f"{step.id}: {why}")
        if choice == "again":
            self._again(step.id)
            return None
        reason = ""
        while not reason:
            reason = Prompt.ask("   The reason", console=self._console).strip()
        return reason

    def tell(self, text: str) -> None:
        """Print an instruction."""
        self._console.print(f"   ➜ {text}", style="bold", markup=False)


def _heading(step: Step, why: str) -> str:
    return f"── {step.id}: {TITLES[step.id]}{f' ({why})' if why else ''}"


class _Back(Exception):  # noqa: N818 - no error: the technician wants the question before
    """The question before is to be asked again."""


def asked(
    console: Console,
    machine: ThisMachine,
    given: Given,
    *,
    keep: Callable[[dict[str, str | list[str]]], None],
    questions: Sequence[Question] = QUESTIONS,
    before: Given | None = None,
) -> dict[str, str | list[str]]:
    """Ask for missing answers; each is checked and stored when given. `before`: earlier answers, offered as defaults."""
    answers, earlier = dict(given), dict(before or {})
    if any(one.key not in answers and one.is_asked(answers) for one in questions):
        console.print(f"   {BACK}: the question before; {NOTHING}: nothing, where something is offered", markup=False)
    at = 0
    while at < len(questions):
        question = questions[at]
        if question.key in answers or not question.is_asked(answers):
            at += 1
            continue
        try:
            ask = _several if question.several else _one
            answers[question.key] = ask(console, machine, question, answers, earlier.get(question.key))
        except _Back:
            answered = [one for one in questions[:at] if one.key in answers and one.is_asked(answers)]
            if not answered:
                console.print("   there is no question before this one", style="bold")
                continue
            at = questions.index(answered[-1])
            earlier[answered[-1].key] = answers.pop(answered[-1].key)
        keep(answers)
    return answers


def _several(
    console: Console, machine: ThisMachine, question: Question, answers: Given, before: str | list[str] | None
) -> list[str]:
    if isinstance(before, list) and before and _yes(console, f"{question.asks}. Keep {', '.join(before)}", default="y"):
        return before
    found: list[str] = []
    while answer := _one(console, machine, question, {**answers, question.key: found}, None):
        found.append(answer)
    return found


def _one(
    console: Console, machine: ThisMachine, question: Question, answers: Given, before: str | list[str] | None
) -> str:
    """Return one valid answer, whose device answers or is wanted nevertheless. Raises _Back."""
    default = before if isinstance(before, str) else question.offered(answers, machine)
    _show(console, question.known(answers, machine))
    while True:
        answer = Prompt.ask(question.asks, default=default, show_default=bool(default), console=console).strip()
        if answer == BACK:
            raise _Back
        answer = "" if answer == NOTHING else answer
        if wrong := question.problem(answer, answers) or question.typed(answer, answers):
            console.print(f"   {one_line(wrong)}", style="bold", markup=False)
            continue
        objection = machine.objection(question.key, {**answers, question.key: answer})
        if not objection or _yes(console, f"   {one_line(objection)}. Take it all the same", default="n"):
            return answer


def _yes(console: Console, asks: str, *, default: str) -> bool:
    """Ask for yes or no, as a word or a letter."""
    while True:
        said = Prompt.ask(f"{asks} (yes/no)", default=default, console=console).strip().lower()
        if said in YES | NO:
            return said in YES


def _show(console: Console, choices: Iterable[str]) -> None:
    for choice in choices:
        console.print(f"   · {one_line(choice)}", markup=False)


# ── the token ────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_token(path: Path | None) -> str:
    """Return the token from the file, else from standard input. Raises StepError, also for an invalid token, without repeating it."""
    if path is not None:
        with step_errors(OSError, doing=f"cannot read the token file {path}"), path.open("rb") as file:
            raw = file.read(_TOKEN_BYTES_MAX)
        return _token_in(raw.decode("ascii", "replace"), str(path))
    try:
        text = getpass.getpass("token: ") if sys.stdin.isatty() else sys.stdin.readline(_TOKEN_BYTES_MAX)
    except (EOFError, UnicodeDecodeError):
        text = ""
    return _token_in(text, "standard input")


def _token_in(text: str, place: str) -> str:
    token = text.strip()
    if _TOKEN.fullmatch(token) is None:
        raise StepError(
            f"{place} holds no token, which is the 22 characters that gate central token prints", Exit.BAD_DATA
        )
    return token
