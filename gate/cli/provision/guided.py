"""The technician at a terminal, asked one thing at a time, or as a file of answers: `gate provision`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.prompt import Prompt

from gate.provision.course import Skip, Task
from gate.provision.questions import NO, QUESTIONS, YES, Given, Machine, Question
from gate.provision.steps import StepError
from gate.provision.way import TITLES
from gate_core.command_line.output import note, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

BACK: Final = "back"  # to the question before
NOTHING: Final = "-"  # an empty answer, where Return takes what is offered


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
    """A technician at a terminal. `again` asks the questions of a step anew, where it has some."""

    def __init__(self, console: Console, *, again: Callable[[str], None]) -> None:
        self._console = console
        self._again = again

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
            self._again(task.id)
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


class _Back(Exception):  # noqa: N818 - no error: the technician wants the question before
    """The question before is to be asked again."""


def asked(
    console: Console,
    machine: Machine,
    given: Given,
    *,
    keep: Callable[[dict[str, str | list[str]]], None],
    questions: Sequence[Question] = QUESTIONS,
    before: Given | None = None,
) -> dict[str, str | list[str]]:
    """Ask what is not answered yet; each answer is checked and kept when it is given. `before`: what was answered another time is offered."""
    answers, earlier = dict(given), dict(before or {})
    if any(one.key not in answers and one.applies(answers) for one in questions):
        console.print(f"   {BACK}: the question before; {NOTHING}: nothing, where something is offered", markup=False)
    at = 0
    while at < len(questions):
        question = questions[at]
        if question.key in answers or not question.applies(answers):
            at += 1
            continue
        try:
            ask = _several if question.several else _one
            answers[question.key] = ask(console, machine, question, answers, earlier.get(question.key))
        except _Back:
            answered = [one for one in questions[:at] if one.key in answers and one.applies(answers)]
            if not answered:
                console.print("   there is no question before this one", style="bold")
                continue
            at = questions.index(answered[-1])
            earlier[answered[-1].key] = answers.pop(answered[-1].key)
        keep(answers)
    return answers


def _several(
    console: Console, machine: Machine, question: Question, answers: Given, before: str | list[str] | None
) -> list[str]:
    if isinstance(before, list) and before and _yes(console, f"{question.asks}. Keep {', '.join(before)}", default="y"):
        return before
    found: list[str] = []
    while answer := _one(console, machine, question, {**answers, question.key: found}, None):
        found.append(answer)
    return found


def _one(console: Console, machine: Machine, question: Question, answers: Given, before: str | list[str] | None) -> str:
    """One answer that can be right, whose device answers or is wanted all the same. Raises _Back."""
    default = before if isinstance(before, str) else question.default(answers, machine)
    _show(console, question.choices(answers, machine))
    while True:
        answer = Prompt.ask(question.asks, default=default, show_default=bool(default), console=console).strip()
        if answer == BACK:
            raise _Back
        answer = "" if answer == NOTHING else answer
        if wrong := question.problem(answer, answers):
            console.print(f"   {one_line(wrong)}", style="bold", markup=False)
            continue
        objection = machine.objection(question.key, {**answers, question.key: answer})
        if not objection or _yes(console, f"   {one_line(objection)}. Take it all the same", default="n"):
            return answer


def _yes(console: Console, asks: str, *, default: str) -> bool:
    """Yes or no, as a word or a letter."""
    while True:
        said = Prompt.ask(f"{asks} (yes/no)", default=default, console=console).strip().lower()
        if said in YES | NO:
            return said in YES


def _show(console: Console, choices: Iterable[str]) -> None:
    for choice in choices:
        console.print(f"   · {one_line(choice)}", markup=False)
