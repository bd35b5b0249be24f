"""The way is gone step by step: what was done is kept, what was interrupted is repeated, and nothing is half done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gate.provision.progress import Course, Store
from gate.provision.steps import (
    ConfigurationStepError,
    Finding,
    LaterStepError,
    Outcome,
    Step,
    StepError,
    StepState,
    Verified,
)
from gate.provision.technician import Filed
from gate_core.command_line.output import Exit

STEPS = ("one", "two", "three", "four")


class Hands(Filed):
    """A technician who says what the test says."""

    def __init__(self, *answers: str | None) -> None:
        super().__init__({})
        self.answers = list(answers)
        self.begun: list[str] = []

    def begin(self, task: Step, why: str) -> str | None:
        self.begun.append(f"{task.id}: {why}" if why else task.id)
        return None

    def failed(self, task: Step, why: str) -> str | None:
        if not self.answers:
            raise StepError(f"{task.id}: {why}")
        return self.answers.pop(0)


def found(text: str = "seen") -> Callable[[], Finding]:
    return lambda: Finding(text, {"took_ms": 5}, Verified.HARDWARE, (("a hall", b"\xff\xd8"),))


def failing(error: Exception) -> Callable[[], Finding]:
    def do() -> Finding:
        raise error

    return do


def course(folder: Path, hands: Hands | None = None, rests_on: dict[str, str] | None = None) -> Course:
    def resting(_: str) -> dict[str, str]:
        return rests_on or {}

    return Course(
        Store(folder), hands or Hands(), rests_on=resting, now=lambda: "2026-11-27T08:00:00Z", clock_ms=lambda: 0
    )


def states(
    folder: Path, tasks: list[Step], *, again: tuple[str, ...] = (), hands: Hands | None = None
) -> dict[str, str]:
    return {report.id: report.state.value for report in course(folder, hands).go(tasks, again=again)}


def test_what_was_done_is_kept_with_all_that_it_found(tmp_path: Path) -> None:
    tasks = [Step("one", found())]
    assert states(tmp_path, tasks) == {"one": "done"}
    assert states(tmp_path, tasks) == {"one": "kept"}
    kept = Store(tmp_path).outcomes["one"]
    assert (kept.figures, kept.pictures, kept.verified) == (
        {"took_ms": 5},
        (("a hall", b"\xff\xd8"),),
        Verified.HARDWARE,
    )
    assert states(tmp_path, tasks, again=("one",)) == {"one": "done"}


def test_a_step_is_done_again_when_what_it_rests_on_has_changed(tmp_path: Path) -> None:
    seen: list[tuple[str, list[str]]] = []
    before = {"gate": "border.example/north-9", "[swipe]": "a"}
    for rests_on in (before, before, {**before, "[swipe]": "b"}, {**before, "gate": "border.example/north-7"}):
        hands = Hands()
        (report,) = course(tmp_path, hands, rests_on).go([Step("one", found())])
        seen.append((report.state.value, hands.begun))
    assert seen == [
        ("done", ["one"]),
        ("kept", []),
        ("done", ["one: was done with another [swipe]: do it again"]),
        ("done", ["one: was done for border.example/north-9: do it again"]),
    ]


def test_what_a_step_writes_itself_is_what_it_rests_on_afterwards(tmp_path: Path) -> None:
    measured = {"lag_ms": "null"}

    def measure() -> Finding:
        measured["lag_ms"] = "5"
        return Finding("5 ms")

    tasks = [Step("one", measure)]
    again = [next(iter(course(tmp_path, None, measured).go(tasks))).state.value for _ in range(2)]
    measured["lag_ms"] = "null"  # the file was made anew without it
    again.append(next(iter(course(tmp_path, None, measured).go(tasks))).state.value)
    assert (again, measured) == (["done", "kept", "done"], {"lag_ms": "5"})


def test_a_step_waits_for_those_that_it_comes_after_and_is_not_failed(tmp_path: Path) -> None:
    hands = Hands()
    after = Step("two", found(), after=("one",))
    assert states(tmp_path, [Step("one", failing(StepError("away"))), after], hands=hands) == {
        "one": "failed",
        "two": "skipped",
    }
    assert hands.begun == ["one"]
    assert states(tmp_path, [Step("one", found()), after]) == {"one": "done", "two": "done"}
    assert states(tmp_path, [Step("one", failing(StepError("away"))), after], again=("one",))["two"] == "kept"


@pytest.mark.parametrize("at", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_whoever_is_killed_at_a_step_goes_on_with_that_step(tmp_path: Path, at: str, when: str) -> None:
    acted: list[str] = []

    def task(name: str, *, deadly: bool) -> Step:
        def do() -> Finding:
            if deadly and when == "before":
                raise KeyboardInterrupt
            acted.append(name)
            if deadly:
                raise KeyboardInterrupt
            return Finding(name)

        return Step(name, do)

    killed = course(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        list(killed.go([task(name, deadly=name == at) for name in STEPS]))
    assert killed.at == at
    before = STEPS[: STEPS.index(at)]
    assert tuple(Store(tmp_path).outcomes) == before
    acted.clear()
    again = states(tmp_path, [task(name, deadly=False) for name in STEPS])
    assert tuple(acted) == STEPS[len(before) :]
    assert [again[name] for name in before] == ["kept"] * len(before)


def test_a_failed_step_is_done_again_or_left_out_with_a_reason(tmp_path: Path) -> None:
    broken = Step("one", failing(StepError("the board does not answer")))
    assert states(tmp_path, [broken], hands=Hands(None, "no second person here")) == {"one": "skipped"}
    assert Store(tmp_path).outcomes["one"].detail == "no second person here"
    assert states(tmp_path, [broken]) == {"one": "failed"}
    assert states(tmp_path, [Step("one", found())]) == {"one": "done"}


def test_a_step_that_cannot_be_tried_now_leaves_what_it_had_shown(tmp_path: Path) -> None:
    states(tmp_path, [Step("one", found())])
    busy = [Step("one", failing(LaterStepError("the lane has it"))), Step("two", found())]
    with pytest.raises(LaterStepError, match="one: the lane has it"):
        states(tmp_path, busy, again=("one",))
    assert Store(tmp_path).outcomes["one"].state is StepState.DONE
    assert "two" not in Store(tmp_path).outcomes
    assert states(tmp_path, busy, again=("one",), hands=Hands("not today")) == {"one": "skipped", "two": "done"}


def test_behind_a_needed_step_that_failed_nothing_is_done(tmp_path: Path) -> None:
    tasks = [Step("one", failing(ConfigurationStepError("no such profile")), needed=True), Step("two", found())]
    (first, second) = course(tmp_path).go(tasks)
    assert (first.state, first.failure, second.state) == (StepState.FAILED, Exit.CONFIG, StepState.SKIPPED)
    assert "two" not in Store(tmp_path).outcomes


def test_a_step_that_is_missing_is_never_done(tmp_path: Path) -> None:
    assert states(tmp_path, [Step("one", found(), missing="no server was named")]) == {"one": "skipped"}


def test_what_the_machine_holds_counts_where_it_can_be_seen(tmp_path: Path) -> None:
    there = [True]
    task = Step("one", found(), exists=lambda: there[0], kept=lambda: "as it was")
    assert states(tmp_path, [task]) == {"one": "kept"}
    assert Store(tmp_path).outcomes["one"].detail == "as it was"
    there[0] = False
    assert states(tmp_path, [task]) == {"one": "done"}


@pytest.mark.parametrize("content", ["", "[", '{"schema":"provision.state/1"}', '{"answers":1}'])
def test_a_damaged_state_is_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "provision.json").write_text(content)
    with pytest.raises(StepError, match="is damaged"):
        Store(tmp_path)


def test_a_folder_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")
    with pytest.raises(StepError, match=r"cannot read .*Not a directory"):
        Store(tmp_path / "state")


def test_an_outcome_that_cannot_be_written_ends_the_run_at_its_step(tmp_path: Path) -> None:
    running = course(tmp_path)
    (tmp_path / "provision.json").mkdir()
    with pytest.raises(StepError, match="cannot write"):
        list(running.go([Step("one", found())]))
    assert running.at == "one"


def test_answers_are_kept_beside_outcomes(tmp_path: Path) -> None:
    Store(tmp_path).keep("one", Outcome(state=StepState.DONE, detail=""))
    Store(tmp_path).keep_answers({"gate_id": "north-7", "auditors": ["age1a", "age1b"]})
    assert Store(tmp_path).answers == {"gate_id": "north-7", "auditors": ["age1a", "age1b"]}
    assert "one" in Store(tmp_path).outcomes
    assert (tmp_path / "provision.json").stat().st_mode & 0o777 == 0o600
