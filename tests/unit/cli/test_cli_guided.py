"""The technician at a terminal: one question at a time, each answer checked and kept when it is given."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pyrage
import pytest
from rich.console import Console

from gate.cli.guided import Filed, Guide, asked
from gate.provision.course import Finding, Skip, Task
from gate.provision.questions import Given
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


def test_a_failed_step_is_again_or_left_out_with_a_reason_or_later(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task("tailgate", lambda: Finding(""), acts=True)
    guide = Guide(typed(monkeypatch, "again", "skip", "", "alone today", "later", "", "no bag here"))
    assert guide.failed(task, "nobody walked") is None
    assert guide.failed(task, "nobody walked") == Skip("alone today")
    with pytest.raises(StepError):
        guide.failed(task, "nobody walked")
    assert guide.begin(task) is None
    assert guide.begin(task) == Skip("no bag here")


def test_a_file_leaves_out_what_it_has_a_reason_for(capsys: pytest.CaptureFixture[str]) -> None:
    filed = Filed({"tailgate": "alone today"})
    assert filed.begin(Task("tailgate", lambda: Finding(""))) == Skip("alone today")
    assert filed.begin(Task("fire", lambda: Finding(""))) is None
    with pytest.raises(StepError, match="fire: not seen"):
        filed.failed(Task("fire", lambda: Finding("")), "not seen")
    assert "── fire: The fire input" in capsys.readouterr().err
