"""`gate rights`: the same answer for every cause, cases with deadlines, what is held for the controller, and the system card."""

from __future__ import annotations

import builtins
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from fakes.audit_logs import SmallLog
from fakes.audited_days import Day
from fakes.passage_examples import decided_record
from typer.testing import CliRunner

from gate.passage.names import ClosedAs
from gate.passage.policy import Verdict
from gate.passage.records import Closed, Granted, Opened
from gate.programs.shared.config import load
from gate_core.command_line.tree import application
from gate_core.evidence.reasons import Objection, Reason
from gate_lab.rights.answers import Controller, access_answer, receipt_answer

NUMBER = "c843b93c8155d3df4d5cf0ac7988b94d"
NOWHERE = "0" * 32


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "gate.toml"
    table = {
        "purpose": "demo",
        "gate_id": "north-7",
        "operator": "border.example",
        "barrier": {"port": "/dev/ttyS0"},
        "swipe": {"port": "/dev/ttyS1"},
        "camera": {"address": "http://127.0.0.1:9/"},
        "audit": {"recipients": ["one", "other"]},
        "notice": {"contact": "privacy@border.example", "address": "https://border.example/n", "results_kept_days": 30},
    }
    path.write_text(tomli_w.dumps(table))
    return path


def run(*words: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(application(["rights"]), ["rights", *map(str, words)])
    return done.exit_code, done.stdout, done.stderr


def told(*words: object) -> tuple[int, dict[str, Any]]:
    code, out, _ = run(*words, "--json")
    document: dict[str, Any] = json.loads(out)
    return code, document


def test_a_receipt_is_answered_alike_whoever_holds_it_and_no_log_is_opened(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    real = builtins.open

    def noting(file: Any, *rest: Any, **more: Any) -> Any:
        opened.append(str(file))
        return real(file, *rest, **more)

    monkeypatch.setattr(builtins, "open", noting)
    answers = set()
    for number in (NUMBER, NOWHERE, "f" * 32):
        code, out, _ = run("receipt", number, "--config", config)
        assert code == 0
        answers.add(out.replace(number, ""))
    assert len(answers) == 1
    assert "privacy@border.example" in answers.pop()
    assert not [name for name in opened if "bundle" in name or "sqlite" in name or "spool" in name]
    assert run("receipt", "not a number", "--config", config)[0] == 2


def log_with(folder: Path, *reasons: Reason) -> SmallLog:
    """A log with one crossing, referred for these."""
    folder.mkdir()
    day, log = Day(), SmallLog(folder)
    objections = tuple(Objection(one, "a detail") for one in reasons)
    decided = replace(decided_record(), crossing=NUMBER, decision=Verdict.REFER, reasons=objections)
    records = (Opened(NUMBER), decided, Closed(NUMBER, ClosedAs.REFERRED, objections))
    log.write(day.begun(log.recipients), [day.wanted(one) for one in records])
    (folder / "one.identity").write_text(f"{log.auditors[0]}\n")
    return log


def letter_of(
    folder: Path, config: Path, log: SmallLog, number: str = NUMBER, ends: int = 0
) -> tuple[str, dict[str, Any]]:
    """The letter and the controller's file for a case about that crossing."""
    book, out = folder / "cases", folder / f"out-{number[:4]}"
    _, case = told("receive", book, "--kind", "access", "--crossing", number, "--on", "2026-09-05")
    fixed = ("--identity", log.folder / "one.identity", "--vkey", log.vkey, "--config", config, "--out", out)
    code, _, said = run("access", book, case["case"], log.spool, *fixed, "--on", "2026-09-06")
    assert code == ends, said
    return (out / "letter.txt").read_text(), json.loads((out / "controller.json").read_text())


@pytest.mark.parametrize(
    "reason",
    [
        Reason.RANDOM_CHECK,
        Reason.RULE_OFFICER,
        Reason.REGISTER_HIT,
        Reason.LIVENESS_BELOW_BOUND,
        Reason.PROTECTION_ASKED,
    ],
)
def test_the_letter_is_the_same_for_every_cause(tmp_path: Path, config: Path, reason: Reason) -> None:
    letter, held = letter_of(tmp_path, config, log_with(tmp_path / "log", reason))
    assert letter == access_answer(
        NUMBER, Controller("border.example", "north-7", "privacy@border.example", 30), "2026-11-25, 06 h UTC", held=True
    )
    closed = next(one for one in held["records"] if one["kind"] == "closed")
    assert closed["body"]["reasons"][0]["reason"] == reason.value, "the controller's file has it"
    assert len(held["keys"]) >= 1


def test_a_log_that_contradicts_itself_is_said_to_be_one_and_withholds_nothing(tmp_path: Path, config: Path) -> None:
    log = log_with(tmp_path / "log", Reason.TIME_LIMIT)
    log.write([Day().wanted(Granted("not-of-this-log", 10_000))])
    letter, held = letter_of(tmp_path, config, log, ends=1)
    assert "Nothing is kept" not in letter
    assert any("not-of-this-log" in one for one in held["contradictions"])
    assert len(held["records"]) == 3


def test_the_letter_says_what_else_is_done_with_everybody(tmp_path: Path, config: Path) -> None:
    listed = '[registers.lists.stolen-documents]\nagency = "police.example"\nkeys = ["k"]\n'
    config.write_text(f"{config.read_text()}\n[rules]\nswap_check_minutes = 10\n{listed}")
    letter, _ = letter_of(tmp_path, config, log_with(tmp_path / "log", Reason.TIME_LIMIT))
    assert "nobody else's" not in letter
    assert "in the 10 minutes before" in letter
    assert "looked up in lists and registers" in letter


REUSE = '[registers.online.reuse]\nadapter = "reuse"\nbasis = "Border Act, Article 12a"\nminutes = 25\n'


def test_the_letter_and_the_card_say_that_chips_are_looked_for_at_other_gates(tmp_path: Path, config: Path) -> None:
    plain = config.read_text()
    config.write_text(f"{plain}\n{REUSE}")
    letter, _ = letter_of(tmp_path, config, log_with(tmp_path / "log", Reason.REGISTER_HIT))
    assert "For 25 minutes a number made of your document's chip was held in memory" in letter
    assert "not part of this letter, for anybody" in letter
    assert "lists and registers of other authorities" not in letter, "there are none"
    _, found = told("card", "--config", config)
    said = "a mark of each chip, 25 min in memory (Border Act, Article 12a)"
    assert found["facts"]["What refers"]["Reuse across gates"] == said
    config.write_text(plain)
    assert told("card", "--config", config)[1]["facts"]["What refers"]["Reuse across gates"] == "off"


def test_of_a_crossing_of_which_nothing_is_held_the_letter_says_that(tmp_path: Path, config: Path) -> None:
    letter, held = letter_of(tmp_path, config, log_with(tmp_path / "log", Reason.TIME_LIMIT), NOWHERE)
    assert "Nothing is kept about this crossing" in letter
    assert held["records"] == held["keys"] == []


def test_a_case_runs_from_its_receipt_to_its_answer_and_a_late_one_ends_the_list_with_no(tmp_path: Path) -> None:
    book = tmp_path / "cases"
    assert run("receive", book, "--kind", "rectification", "--crossing", NUMBER, "--on", "2026-09-05")[0] == 0
    assert run("receive", book, "--kind", "complaint", "--words", "the lane was rude", "--on", "2026-09-06")[0] == 0
    assert told("list", book, "--on", "2026-10-05")[1]["late"] == 0
    code, listed = told("list", book, "--on", "2026-10-06")
    assert (code, listed["late"], [one["days_left"] for one in listed["cases"]]) == (1, 1, [-1, 0])
    assert run("extend", book, 2, "--by", "N. N.", "--reason", "many", "--on", "2026-10-02")[0] == 0
    ended = ("--outcome", "granted", "--by", "N. N.", "--reason", "put right", "--on", "2026-10-06")
    assert run("answer", book, 1, *ended)[0] == 0
    code, out, _ = run("list", book, "--on", "2026-10-07")
    assert (code, "answered 2026-10-06: granted" in out, "LATE" in out) == (0, True, False)


def test_whoever_notes_what_the_list_says_of_the_book_sees_that_its_last_line_was_changed(tmp_path: Path) -> None:
    book = tmp_path / "cases"
    run("receive", book, "--kind", "complaint", "--words", "rude", "--on", "2026-09-06")
    run("answer", book, 1, "--outcome", "granted", "--by", "N. N.", "--reason", "so", "--on", "2026-09-07")
    before = told("list", book)[1]
    assert (before["lines"], before["last_sha256"] in run("list", book)[2]) == (2, True)
    book.write_bytes(book.read_bytes().replace(b"granted", b"refused"))
    assert told("list", book)[1]["last_sha256"] != before["last_sha256"]


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["receive", "B", "--kind", "money", "--crossing", NUMBER], 2, "is none of access"),
        (["receive", "B", "--kind", "access"], 2, "32 characters"),
        (["receive", "B", "--kind", "complaint", "--on", "2962-12-05"], 2, "is still to come"),
        (["answer", "B", "7", "--outcome", "granted", "--by", "a", "--reason", "b"], 65, "there is no case 7"),
        (["answer", "B", "7", "--outcome", "maybe", "--by", "a", "--reason", "b"], 2, "is none of granted"),
    ],
)
def test_what_is_wrong_has_one_line(tmp_path: Path, words: list[str], code: int, line: str) -> None:
    found, _, said = run(*[str(tmp_path / "cases") if one == "B" else one for one in words])
    assert (found, line in said, len(said.splitlines())) == (code, True, 1)
    (tmp_path / "cases").write_bytes(b"what is this\n")
    assert run("list", tmp_path / "cases")[0] == 65


def test_the_answers_say_by_when() -> None:
    from datetime import date

    said = receipt_answer(NUMBER, Controller("o", "g", "c", None), date(2026, 12, 5))
    assert "2027-01-05" in said
    assert "with no set end" in access_answer(NUMBER, Controller("o", "g", "c", None), "x", held=True)


def test_the_card_has_facts_of_the_configuration_and_blanks_end_it_with_no(tmp_path: Path, config: Path) -> None:
    code, found = told("card", "--config", config, "--out", tmp_path / "card.html")
    assert code == 1
    assert found["facts"]["What it is"]["Gate"] == "north-7, run by border.example"
    refers = found["facts"]["What refers"]
    assert refers["Lists and registers asked"] == "none"
    assert refers["Companions before one door"].startswith("noticed once they are through")
    assert (
        refers["No record of entry or exit is wanted of"] == f"{load(config).without_entry_record}; others are referred"
    )
    assert "legal_basis" in found["blanks"]
    page = (tmp_path / "card.html").read_text()
    assert "2027-12-02" in page
    assert page.count('class="blank">blank') == len(found["blanks"])
    filled = "".join(f'{name} = "said"\n' for name in found["judgements"] if name != "on") + "on = 2026-12-01\n"
    (tmp_path / "card.toml").write_text(filled)
    config.write_text(f'card = "{tmp_path / "card.toml"}"\n{config.read_text()}')
    code, found = told("card", "--config", config)
    assert (code, found["blanks"], found["judgements"]["person"]) == (0, [], "said")
    listed = '[registers.lists.stolen-documents]\nagency = "police.example"\nkeys = ["k"]\n'
    config.write_text(f"{config.read_text()}\n{listed}")
    _, found = told("card", "--config", config)
    assert found["facts"]["What refers"]["Lists and registers asked"] == "stolen-documents"
    assert run("card", "--config", config, "--out", tmp_path / "card.html")[0] == 74
    config.write_text(f'{config.read_text()}\n[rules]\ncamera_sees_zone = false\nwithout_entry_record = "all"\n')
    refers = told("card", "--config", config)[1]["facts"]["What refers"]
    assert refers["Companions before one door"] == "not noticed"
    assert refers["No record of entry or exit is wanted of"] == "all; others are referred"
