"""The technician at a terminal, asked one thing at a time, or as a file of answers: `gate provision`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.prompt import Confirm, Prompt

from gate.cli.output import note, one_line
from gate.provision.course import Skip, Task
from gate.provision.questions import QUESTIONS, Given, Machine, Question
from gate.provision.steps import StepError
from gate.provision.way import TITLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Filed:
    """A technician who has answered everything beforehand, and does what is said when it is said. `skip`: the reasons, by step."""

    def __init__(self, skip: Mapping[str, str]) -> None:
        self._skip = skip

    def begin(self, task: Task, why: str) -> Skip | None:
        """Leave out what the file leaves out."""
        note(_heading(task, why))
        reason = self._skip.get(task.id)
        return None if reason is None else Skip(reason)

    def failed(self, task: Task, why: str) -> Skip | None:
        """Nobody can be asked: it stays failed until the next run."""
        raise StepError(f"{task.id}: {why}")

    def tell(self, text: str) -> None:
        """Say what to do."""
        note(f"   {text}")


class Guide:
    """A technician at a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def begin(self, task: Task, why: str) -> Skip | None:
        """A step in which they do something waits until they are ready, and may be left out with a reason."""
        self._console.print(_heading(task, why), markup=False)
        if not task.acts:
            return None
        said = Prompt.ask(
            "   Return when you are ready, or the reason to leave it out",
            default="",
            show_default=False,
            console=self._console,
        )
        return Skip(said.strip()) if said.strip() else None

    def failed(self, task: Task, why: str) -> Skip | None:
        """Again, without it, or with the next run."""
        self._console.print(f"   {one_line(why)}", style="bold", markup=False)
        choices = ["again", "later"] if task.needed else ["again", "skip", "later"]
        choice = Prompt.ask("   What now", choices=choices, default="again", console=self._console)
        if choice == "later":
            raise StepError(f"{task.id}: {why}")
        if choice == "again":
            return None
        reason = ""
        while not reason:
            reason = Prompt.ask("   The reason", console=self._console).strip()
        return Skip(reason)

    def tell(self, text: str) -> None:
        """Say what to do."""
        self._console.print(f"   ➜ {text}", style="bold", markup=False)


def _heading(task: Task, why: str) -> str:
    return f"── {task.id}: {TITLES[task.id]}{f' ({why})' if why else ''}"


def asked(
    console: Console, machine: Machine, given: Given, *, keep: Callable[[dict[str, str | list[str]]], None]
) -> dict[str, str | list[str]]:
    """Ask what is not answered yet; each answer is checked and kept when it is given."""
    answers = dict(given)
    for question in QUESTIONS:
        if question.key in answers or not question.applies(answers):
            continue
        answers[question.key] = (
            _several(console, machine, question, answers)
            if question.several
            else _one(console, machine, question, answers)
        )
        keep(answers)
    return answers


def _several(console: Console, machine: Machine, question: Question, answers: Given) -> list[str]:
    found: list[str] = []
    while answer := _one(console, machine, question, {**answers, question.key: found}):
        found.append(answer)
    return found


def _one(console: Console, machine: Machine, question: Question, answers: Given) -> str:
    """One answer that can be right, whose device answers or is wanted all the same."""
    default = question.default(answers, machine)
    _show(console, question.choices(answers, machine))
    while True:
        answer = Prompt.ask(question.asks, default=default, show_default=bool(default), console=console).strip()
        if wrong := question.problem(answer, answers):
            console.print(f"   {one_line(wrong)}", style="bold", markup=False)
            continue
        objection = machine.objection(question.key, {**answers, question.key: answer})
        if not objection or Confirm.ask(
            f"   {one_line(objection)}. Take it all the same", default=False, console=console
        ):
            return answer


def _show(console: Console, choices: Iterable[str]) -> None:
    for choice in choices:
        console.print(f"   · {one_line(choice)}", markup=False)
