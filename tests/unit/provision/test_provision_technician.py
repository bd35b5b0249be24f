"""The technician at a terminal: one question at a time, each answer checked and kept when it is given."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pyrage
import pytest
import tomli_w
from fakes.small_gate import NOTICE
from rich.console import Console

from gate.provision.answer_checks import Given
from gate.provision.machine import ThisMachine
from gate.provision.progress import Store
from gate.provision.questions import QUESTIONS, table_of
from gate.provision.session import Place, Session
from gate.provision.steps import STEPS, Finding, Step, StepError
from gate.provision.technician import Filed, Guide, asked
from gate_core.command_line.output import Exit

AUDITORS = [str(pyrage.x25519.Identity.generate().to_public()) for _ in range(2)]


class Machine(ThisMachine):
    """A machine with one of each, whose camera does not answer the first time."""

    def __init__(self) -> None:
        super().__init__()
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
    lines += ["no", "", "", "", "nonsense", AUDITORS[0], AUDITORS[0], AUDITORS[1], "", "", "", "", ""]
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


@pytest.mark.parametrize(("purpose", "first"), [("service", ""), ("trial", "0"), ("service", "for ever")])
def test_how_long_results_are_kept_is_asked_and_in_service_must_be_said(
    monkeypatch: pytest.MonkeyPatch, purpose: str, first: str
) -> None:
    mine = [question for question in QUESTIONS if question.key.startswith("notice.")]
    console = typed(
        monkeypatch, first, "30", "x", "privacy@border.example", "http://border.example", "https://border.example/n"
    )
    answers = asked(console, Machine(), {"purpose": purpose}, keep=lambda _: None, questions=mine)
    assert table_of(answers)["notice"] == NOTICE
    quiet = asked(typed(monkeypatch, ""), Machine(), {"purpose": "trial"}, keep=lambda _: None, questions=mine)
    assert "notice" not in table_of(quiet)


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


def test_what_can_never_be_an_answer_is_refused_when_it_is_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked_for = ("by", "central.ca", "central.token_file")
    before = {key: value for key, value in KEPT.items() if key not in asked_for} | {"central.address": "c.example:443"}
    file = str(tmp_path / "file")
    Path(file).write_text("")
    console = typed(monkeypatch, "", "A" * 101, "Anna", "", file, "", file)
    answers = asked(console, Machine(), before, keep=lambda _: None)
    assert [answers[key] for key in asked_for] == ["Anna", file, file]
    output = console.file.getvalue()  # type: ignore[attr-defined]
    assert output.count("a name of 100 characters at most") == 2
    assert output.count("the path of a file") == 2


def test_back_goes_to_the_question_before_and_offers_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {key: value for key, value in KEPT.items() if key not in {"operator", "gate_id"}}
    console = typed(monkeypatch, "boarder.example", "back", "back", "back", "", "", "border.example", "north-7")
    kept: list[dict[str, str | list[str]]] = []
    answers = asked(console, Machine(), before, keep=lambda given: kept.append(dict(given)))
    assert (answers["by"], answers["purpose"]) == ("Anna", "trial")
    assert (answers["operator"], answers["gate_id"]) == ("border.example", "north-7")
    output = console.file.getvalue()  # type: ignore[attr-defined]
    assert "(Anna)" in output
    assert "(boarder.example)" in output
    assert "operator" not in kept[1]  # what was taken back is not kept


def test_before_the_first_question_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    console = typed(monkeypatch, "back", "Anna")
    answers = asked(console, Machine(), {key: KEPT[key] for key in KEPT if key != "by"}, keep=lambda _: None)
    assert answers["by"] == "Anna"
    assert "there is no question before this one" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_hyphen_leaves_empty_what_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {key: value for key, value in KEPT.items() if key != "barrier.port"}
    assert asked(typed(monkeypatch, "-"), Machine(), before, keep=lambda _: None)["barrier.port"] == ""


@pytest.mark.parametrize(
    ("key", "given", "wrong", "complaint"),
    [
        ("first_barrier.port", {"barrier.port": "/dev/b"}, "/dev/b", "is the line of barrier.port already"),
        ("sensors.port", {"barrier.port": "/dev/b"}, "/dev/b", "is the line of barrier.port already"),
        ("swipe.port", {"sensors.port": "/dev/i", "sensors.profile": "inputs-8"}, "/dev/i", "of sensors.port already"),
        ("sensors.profile", {"sensors.port": "/dev/i"}, "/dev/ptmx", "is no file"),
        ("barrier.profile", {"barrier.port": "/dev/b", "barrier.driver": "modbus"}, "/nowhere.toml", "cannot be read"),
        ("chip.socket", {"chip.driver": "direct"}, "/tmp", "/tmp is no socket"),
        ("lists.files", {}, "/tmp", "/tmp is no file"),
        ("lists.signer", {"lists.files": ["x"]}, "yes", "cannot read yes: No such file"),
        ("lists.test", {"lists.files": ["x"]}, "perhaps", "yes or no"),
        ("central.address", {}, "127.0.0.1", "give HOST:PORT"),
        ("central.address", {}, "https://central.example:8443", "give HOST:PORT"),
        ("central.ca", {"central.address": "c.example:443"}, "/none.pem", "cannot read /none.pem"),
    ],
)  # fmt: skip
def test_each_answer_is_checked_when_it_is_given(
    key: str, given: dict[str, str | list[str]], wrong: str, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = [question for question in QUESTIONS if question.key == key]
    console = typed(monkeypatch, wrong)
    with pytest.raises(EOFError):
        asked(console, Machine(), given, keep=lambda _: None, questions=only)
    assert complaint in console.file.getvalue()  # type: ignore[attr-defined]


def test_two_doors_may_be_wired_to_one_chip(monkeypatch: pytest.MonkeyPatch) -> None:
    only = [question for question in QUESTIONS if question.key == "first_barrier.port"]
    given: Given = {"barrier.port": "/dev/gpiochip0", "barrier.driver": "contacts"}
    answers = asked(typed(monkeypatch, "/dev/gpiochip0"), Machine(), given, keep=lambda _: None, questions=only)
    assert answers["first_barrier.port"] == "/dev/gpiochip0"


@pytest.mark.parametrize(("word", "means"), [("y", "yes"), ("Yes", "yes"), ("n", "no"), ("no", "no")])
def test_yes_and_no_are_words_or_letters(word: str, means: str, monkeypatch: pytest.MonkeyPatch) -> None:
    only = [question for question in QUESTIONS if question.key == "lists.test"]
    answers = asked(typed(monkeypatch, word), Machine(), {"lists.files": ["x"]}, keep=lambda _: None, questions=only)
    assert table_of(answers)["lists"] == {"files": ["x"], "test": means == "yes"}


def test_again_at_a_step_asks_its_questions_with_the_answers_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "masterlist.ml"
    file.write_text("")
    mine = [question for question in QUESTIONS if question.key in STEPS["lists"].answers]
    before: Given = {"lists.files": ["old.ml"], "lists.signer": "yes", "lists.test": "yes"}
    console = typed(monkeypatch, "n", str(file), "", "-", "")
    answers = asked(console, Machine(), {}, keep=lambda _: None, questions=mine, before=before)
    assert answers == {"lists.files": [str(file)], "lists.signer": "", "lists.test": "yes"}
    kept = asked(typed(monkeypatch, "", "-", ""), Machine(), {}, keep=lambda _: None, questions=mine, before=before)
    assert kept["lists.files"] == ["old.ml"]


@pytest.mark.parametrize("kept", [{"by": "A" * 101}, {"central.address": "c.example:443", "central.token_file": "t"}])
def test_kept_answers_of_no_use_are_a_line_that_says_where_they_lie(
    kept: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    store.keep_answers({**KEPT, **kept})
    typed(monkeypatch)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    with pytest.raises(StepError, check=lambda error: error.code is Exit.USAGE) as ended:
        Session(Place(tmp_path / "gate.toml", tmp_path, tmp_path), None, again=(), wait_s=1)
    line = str(ended.value)
    assert (ended.value.code, "\n" in line) == (2, False)
    assert next(iter(kept)) in line
    assert f"take the answer out of {store.path}, and gate provision asks again" in line


def test_a_device_of_a_file_that_is_not_there_is_told_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = table_of({**KEPT, "barrier.port": "/dev/none", "swipe.port": "/dev/null", "eyes_cm": "170"})
    (tmp_path / "answers.toml").write_text(tomli_w.dumps(table))
    Session(Place(tmp_path / "gate.toml", tmp_path, tmp_path), tmp_path / "answers.toml", again=(), wait_s=1)
    said = capsys.readouterr().err
    assert "barrier.port: /dev/none is not there now: the steps that need it will fail" in said
    assert "swipe.port" not in said


def test_a_failed_step_is_again_or_left_out_with_a_reason_or_later(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Step("tailgate", lambda: Finding(""), manual=True)
    asked_again: list[str] = []
    guide = Guide(
        typed(monkeypatch, "again", "skip", "", "alone today", "later", "", "no bag here"), again=asked_again.append
    )
    assert guide.failed(task, "nobody walked") is None
    assert asked_again == ["tailgate"]
    assert guide.failed(task, "nobody walked") == "alone today"
    with pytest.raises(StepError):
        guide.failed(task, "nobody walked")
    assert guide.begin(task, "") is None
    assert guide.begin(task, "") == "no bag here"


def test_a_file_leaves_out_what_it_has_a_reason_for(capsys: pytest.CaptureFixture[str]) -> None:
    filed = Filed({"tailgate": "alone today"})
    assert filed.begin(Step("tailgate", lambda: Finding("")), "") == "alone today"
    assert filed.begin(Step("fire", lambda: Finding("")), "was done for border.example/north-9: do it again") is None
    with pytest.raises(StepError, match="fire: not seen"):
        filed.failed(Step("fire", lambda: Finding("")), "not seen")
    assert "── fire: The fire input" in capsys.readouterr().err
