"""The technician at a terminal: one question at a time, each answer checked and kept when it is given."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pyrage
import pytest
import typer
from rich.console import Console

from gate.cli.provision.guided import Filed, Guide, asked
from gate.cli.provision.way import Place, go
from gate.provision.course import Finding, Skip, Store, Task
from gate.provision.questions import QUESTIONS, Given
from gate.provision.steps import StepError

AUDITORS = [str(pyrage.x25519.Identity.generate().to_public()) for _ in range(2)]


class Machine:
    """A machine with one of each, whose camera does not answer the first time."""

    def __init__(self) -> None:
        self.objected = False

    def serial_lines(self) -> Sequence[str]:
        return ("/dev/portcullis-barrier", "/dev/portcullis-swipe")

    def cameras(self) -> Sequence[str]:
        return ("/dev/v4l/by-id/usb-acme-index0",)

    def chip_readers(self) -> Sequence[str]:
        return ("ACME Reader 00 00",)

    def time_zone(self) -> str:
        return "Europe/Amsterdam"

    def board_at(self, port: str) -> str:
        return "portcullis-sim" if port == "/dev/portcullis-barrier" else ""

    def reader_at(self, port: str) -> tuple[str, str]:
        return ("elyctis", "") if port == "/dev/portcullis-swipe" else ("", "")

    def objection(self, key: str, given: Given) -> str:
        assert given[key] or key != "camera.address"
        if key == "camera.address" and not self.objected:
            self.objected = True
            return "the camera does not answer"
        return ""


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> Console:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
    return Console(file=io.StringIO(), force_terminal=False, width=200)


def test_defaults_are_what_hangs_at_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["Anna", "", "border.example", "North 7", "north-7", "", "", "", "", "", "", "", "", "", "", "", "", ""]
    lines += ["n", "", "", "nonsense", AUDITORS[0], AUDITORS[0], AUDITORS[1], "", "", "", ""]
    console = typed(monkeypatch, *lines)
    kept: list[dict[str, str | list[str]]] = []
    answers = asked(console, Machine(), {}, keep=lambda given: kept.append(dict(given)))
    assert answers["gate_id"] == "north-7"
    assert (answers["purpose"], answers["time_zone"]) == ("trial", "Europe/Amsterdam")
    assert (answers["barrier.port"], answers["barrier.profile"], answers["barrier.baud"]) == (
        "/dev/portcullis-barrier",
        "portcullis-sim",
        "115200",
    )
    assert (answers["swipe.driver"], answers["chip.driver"], answers["camera.address"]) == (
        "elyctis",
        "pcsc",
        "/dev/v4l/by-id/usb-acme-index0",
    )
    assert answers["auditors"] == AUDITORS
    assert "first_barrier.port" in answers
    assert "sensors.profile" not in answers
    assert len(kept) == len(answers)
    output = console.file.getvalue()  # type: ignore[attr-defined]
    assert "small letters, digits and hyphens" in output
    assert "the camera does not answer. Take it all the same" in output
    assert "an auditor is named twice" in output


def test_what_was_answered_before_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    before: dict[str, str | list[str]] = {"by": "Anna", "purpose": "trial", "operator": "border.example"}
    console = typed(monkeypatch, "north-7")
    with pytest.raises(EOFError):
        asked(console, Machine(), before, keep=before.update)
    assert before["gate_id"] == "north-7"


KEPT: dict[str, str | list[str]] = {
    **{question.key: "" for question in QUESTIONS},
    "by": "Anna",
    "operator": "border.example",
    "gate_id": "north-7",
    "purpose": "trial",
    "time_zone": "UTC",
    "swipe.port": "/dev/s",
    "swipe.driver": "elyctis",
    "chip.driver": "pcsc",
    "camera.address": "/dev/v4l/by-id/usb-acme-index0",
    "eyes_cm": "160",
    "auditors": AUDITORS,
    "lists.files": [],
}


def test_what_can_never_be_an_answer_is_refused_when_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    asked_for = ("by", "central.ca", "central.token_file")
    before = {key: value for key, value in KEPT.items() if key not in asked_for} | {"central.address": "c.example:443"}
    console = typed(monkeypatch, "", "A" * 101, "Anna", "", "ca.pem", "", "token")
    answers = asked(console, Machine(), before, keep=lambda _: None)
    assert [answers[key] for key in asked_for] == ["Anna", "ca.pem", "token"]
    output = console.file.getvalue()  # type: ignore[attr-defined]
    assert output.count("a name of 100 characters at most") == 2
    assert output.count("the path of a file") == 2


@pytest.mark.parametrize("kept", [{"by": "A" * 101}, {"central.address": "c.example:443", "central.token_file": "t"}])
def test_kept_answers_of_no_use_are_a_line_that_says_where_they_lie(
    kept: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(tmp_path)
    store.keep_answers({**KEPT, **kept})
    typed(monkeypatch)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    place = Place(tmp_path / "gate.toml", tmp_path, tmp_path)
    with pytest.raises(typer.Exit) as ended:
        go(place, answers_file=None, again=[], wait_s=1, as_json=False, init=lambda *_: iter(()), check=str)
    (line,) = capsys.readouterr().err.splitlines()
    assert ended.value.exit_code == 2
    assert next(iter(kept)) in line
    assert f"take the answer out of {store.path}, and gate provision asks again" in line


def test_a_failed_step_is_again_or_left_out_with_a_reason_or_later(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task("tailgate", lambda: Finding(""), acts=True)
    guide = Guide(typed(monkeypatch, "again", "skip", "", "alone today", "later", "", "no bag here"))
    assert guide.failed(task, "nobody walked") is None
    assert guide.failed(task, "nobody walked") == Skip("alone today")
    with pytest.raises(StepError):
        guide.failed(task, "nobody walked")
    assert guide.begin(task, "") is None
    assert guide.begin(task, "") == Skip("no bag here")


def test_a_file_leaves_out_what_it_has_a_reason_for(capsys: pytest.CaptureFixture[str]) -> None:
    filed = Filed({"tailgate": "alone today"})
    assert filed.begin(Task("tailgate", lambda: Finding("")), "") == Skip("alone today")
    assert filed.begin(Task("fire", lambda: Finding("")), "was done for border.example/north-9: do it again") is None
    with pytest.raises(StepError, match="fire: not seen"):
        filed.failed(Task("fire", lambda: Finding("")), "not seen")
    assert "── fire: The fire input" in capsys.readouterr().err
