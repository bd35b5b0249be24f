"""`gate audit report`: the page and the tables, and that nothing is left of what could not be made."""

from __future__ import annotations

import csv
import errno
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from core_fakes.killing import killed_at
from fakes.audit_logs import SmallLog, crossing, happening
from fakes.audited_days import MORNING, Day
from fakes.passage_examples import decided_record
from typer.testing import CliRunner, Result

from gate.audit.writer import Wanted
from gate.passage.draws import Draw
from gate.passage.names import ClosedAs, Disposition
from gate.passage.policy import Verdict
from gate.passage.records import Closed, DrawCommitted, DrawRevealed, Opened
from gate_core.audit_format.record import Header, canonical_json
from gate_core.audit_format.spool import key_path
from gate_core.audit_format.unsealer import Unsealer
from gate_core.command_line.tree import verbs
from gate_core.evidence.crossing import Score
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.registers import RegisterAnswer, RegisterCause, RegisterFinding
from gate_verify.audit_record import AuditRecord
from gate_verify.bundle import EntryLine
from gate_verify.records import with_story
from gate_verify.report_files import cell, make
from gate_verify.verify import Known, contents, verify

RUNNER = CliRunner()


@pytest.fixture
def log(tmp_path: Path) -> SmallLog:
    day, small = Day(), SmallLog(tmp_path)
    small.write(day.begun(small.recipients), day.admitted(), day.overruled(), day.taken_over())
    (tmp_path / "early.bundle").write_bytes(small.bundle())
    small.write(day.admitted())
    (tmp_path / "late.bundle").write_bytes(small.bundle(since=15))
    (tmp_path / "a.bundle").write_bytes(small.bundle())
    (tmp_path / "one.identity").write_text(f"{small.auditors[0]}\n")
    return small


def run(log: SmallLog, *words: object, out: str = "r.html") -> Result:
    fixed = ("--identity", log.folder / "one.identity", "--vkey", log.vkey, "--out", log.folder / out)
    return RUNNER.invoke(verbs("audit"), ["report", *map(str, (*words, *fixed))])


def fields(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_page_and_tables_come_of_a_bundle(log: SmallLog) -> None:
    result = run(log, log.folder / "a.bundle", "--csv", log.folder / "t", "--json")
    assert result.exit_code == 0, result.stderr
    found = fields(result)
    assert (found["crossings"], found["admitted"], found["referred"], found["verified"]) == (4, 2, 2, True)
    page = (log.folder / "r.html").read_text()
    assert "nothing in it contradicts itself" in page
    assert "The faces are less alike than they must be (face_below_threshold)" in page
    assert "Officer 1: disposition 1, overruled 1" in page
    assert "last door, entry: counted by the barrier" in page
    assert "anna.b" not in page
    crossings = table(log.folder / "t/crossings.csv")
    assert [one["verdict"] for one in crossings] == ["admitted", "referred", "referred", "admitted"]
    assert (crossings[1]["entries"], crossings[1]["officer"], crossings[1]["waited_s"]) == ("8-15", "Officer 1", "5.0")
    assert [one["entry"] for one in table(log.folder / "t/entries.csv")] == [str(n) for n in range(26)]
    overruled = [one for one in table(log.folder / "t/figures.csv") if one["table"] == "overrides"]
    assert [(one["value"], one["entries"]) for one in overruled] == [("1", "11"), ("1", "11")]


def test_each_lists_answers_are_told_and_what_became_of_its_hits(tmp_path: Path) -> None:
    day, small = Day(), SmallLog(tmp_path)
    hit = RegisterFinding("stolen", RegisterAnswer.HIT, RegisterCause.NUMBER_LISTED, handle="h")
    one, other = Disposition.TAKEN_OVER, Disposition.ADMITTED_BY_OFFICER
    small.write(day.begun(small.recipients), day.listed(hit, became=one), day.listed(hit, became=other))
    (tmp_path / "a.bundle").write_bytes(small.bundle())
    (tmp_path / "one.identity").write_text(f"{small.auditors[0]}\n")
    assert run(small, tmp_path / "a.bundle", "--csv", tmp_path / "t").exit_code == 0
    told = [(row["figure"], row["value"]) for row in table(tmp_path / "t/figures.csv") if row["table"] == "asked"]
    assert told == [
        ("stolen: hit", "2"),
        ("stolen: hit, then admitted by an officer", "1"),
        ("stolen: hit, then taken along by an officer", "1"),
    ]
    assert "Lists and registers" in (tmp_path / "r.html").read_text()


def test_every_number_in_blue_leads_to_an_entry_of_the_page(log: SmallLog) -> None:
    run(log, log.folder / "a.bundle")
    page = (log.folder / "r.html").read_text()
    links = set(re.findall(r'href="#(e\d+)"', page))
    assert len(links) > 10
    assert links == set(re.findall(r'<tr id="(e\d+)"', page))
    assert "<script" not in page
    assert not re.findall(r'(?:src|href)="(?!#)', page)


def test_a_spool_and_parts_of_a_log_give_the_same_report(log: SmallLog) -> None:
    reports = []
    for number, logs in enumerate(
        (
            [log.folder / "a.bundle"],
            [log.spool],
            [log.folder / "late.bundle", log.folder / "early.bundle"],
            [log.database],
        )
    ):
        assert run(log, *logs, "--csv", log.folder / f"t{number}", out=f"{number}.html").exit_code == 0
        reports.append(
            [(log.folder / f"t{number}" / one).read_bytes() for one in ("crossings.csv", "figures.csv", "entries.csv")]
        )
    assert all(one == reports[0] for one in reports)


@pytest.mark.parametrize("is_gone", [True, False])
def test_each_order_to_erase_keys_is_listed_with_what_became_of_it(log: SmallLog, *, is_gone: bool) -> None:
    run(log, log.spool, out="none.html")
    assert "Nobody has ordered an erasure." in (log.folder / "none.html").read_text()
    lines = (line for line in contents(log.spool) if isinstance(line, EntryLine))
    key = next(one.key for one in (Header.parse(line.leaf) for line in lines) if one.about == "crossing")
    body = {"by": ["anna.example", "ben.example"], "keys": [key], "note": "5e" * 32}
    order = replace(happening("keys_erased"), about="administration")
    log.write([Wanted.of(order, canonical_json(body))])
    if is_gone:
        (log.spool / key_path(key)).unlink()
    run(log, log.spool)
    page = (log.folder / "r.html").read_text()
    said = page[page.index(">Erasures<") :]
    assert f"1 keys, ordered by anna.example, ben.example, BY THE GATE&#39;S WORD ALONE; order {'5e' * 32}" in said
    assert (("none left" in said), ("1 STILL HERE" in said)) == (is_gone, not is_gone)


def test_what_cannot_have_been_stands_on_top_and_the_command_says_no(log: SmallLog) -> None:
    log.write(crossing("c9"))
    result = run(log, log.spool)
    assert result.exit_code == 1
    assert "granted in crossing c9 without a decision" in result.stdout
    page = (log.folder / "r.html").read_text()
    assert "What it tells cannot all have been" in page
    assert page.index("crossing c9 without") < page.index("In short")


@pytest.mark.parametrize("kept", [True, False])
def test_random_checks_are_drawn_again_and_one_that_was_left_out_is_in_capitals(log: SmallLog, *, kept: bool) -> None:
    day, draw = Day(seconds=200, crossings=70, passages=3), Draw("2026-11-25", 10_000, bytes(32))
    found = decided_record()
    by_chance = replace(
        found,
        crossing="c71",
        decision=Verdict.REFER,
        reasons=(Objection(Reason.RANDOM_CHECK if kept else Reason.OFFICER_ABSENT),),
        evidence=replace(found.evidence, drawn=kept),
        policy=replace(found.policy, random_checks_per_10000=10_000),
    )
    said = (
        DrawCommitted(draw.day, 10_000, draw.sha256, draw),
        Opened("c71"),
        by_chance,
        Closed("c71", ClosedAs.REFERRED, by_chance.reasons),
        DrawRevealed(draw.day, draw.sha256, draw.secret.hex()),
    )
    log.write([day.wanted(one) for one in said])
    result = run(log, log.spool, "--json")
    page = (log.folder / "r.html").read_text()
    assert "Random checks, drawn again" in page
    assert fields(result)["drawn"] == 1
    assert bool(fields(result)["not_as_drawn"]) is ("NOT AS CHANCE HAD IT" in page) is not kept
    assert result.exit_code == int(not kept)


def test_a_passage_that_no_record_tells_of_is_in_capitals(log: SmallLog) -> None:
    day = Day(seconds=100, passages=7, crossings=50)
    log.write(day.admitted())
    assert run(log, log.spool).exit_code == 1
    assert "NOT IN THE RECORDS" in (log.folder / "r.html").read_text()


def test_a_decision_that_does_not_follow_from_its_evidence_is_in_capitals(log: SmallLog) -> None:
    """The face is alike to 0.8, the rules wanted 0.99, and the record admits all the same."""
    day, made = Day(seconds=100), decided_record()
    untrue = replace(
        made, crossing="c9", decision=Verdict.ADMIT, reasons=(), policy=replace(made.policy, face_match_min=Score(0.99))
    )
    assert run(log, log.spool, "--csv", log.folder / "t").exit_code == 0
    assert [(one["value"], one["entries"]) for one in decisions(log.folder / "t")] == [("4", "3, 9, 17, 21")]
    log.write([day.wanted(Opened("c9")), day.wanted(untrue)])
    run(log, log.spool, "--csv", log.folder / "t2", out="r2.html")
    assert [one["value"] for one in decisions(log.folder / "t2")] == ["4", "1"]
    page = (log.folder / "r2.html").read_text()
    assert "ANOTHER VERDICT OR OTHER REASONS FOLLOW FROM THE EVIDENCE" in page
    assert '<a href="#e27">27</a>' in page


def decisions(folder: Path) -> list[dict[str, str]]:
    return [one for one in table(folder / "figures.csv") if one["table"] == "decisions"]


def test_what_is_not_the_logs_gives_no_page(log: SmallLog) -> None:
    bundle = log.folder / "a.bundle"
    bundle.write_bytes(bundle.read_bytes().replace(b"T06:00:00Z", b"T07:00:00Z", 1))
    result = run(log, bundle, "--csv", log.folder / "t")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "not what was signed" in result.stderr
    assert left(log) == []


def left(log: SmallLog) -> list[str]:
    return [one.name for one in log.folder.iterdir() if one.name.startswith(("r.html", "t", ".tmp"))]


def test_nothing_is_written_over_and_nothing_is_left_of_what_fails(log: SmallLog) -> None:
    bundle = log.folder / "a.bundle"
    (log.folder / "mine.html").write_text("mine")
    kept = run(log, bundle, "--csv", log.folder / "t", out="mine.html")
    assert (kept.exit_code, (log.folder / "mine.html").read_text()) == (74, "mine")
    assert run(log, bundle, "--csv", log.spool).exit_code == 74
    assert run(log, bundle, "--csv", log.folder / "t", out="no/where.html").exit_code == 74
    assert run(log, log.folder / "missing.bundle", "--csv", log.folder / "t").exit_code == 74
    (log.folder / "one.identity").unlink()
    missing = run(log, bundle)
    assert missing.exit_code == 74
    assert "cannot read the key file" in missing.stderr
    assert left(log) == []


def test_a_kill_at_any_step_leaves_no_page_without_its_tables(log: SmallLog) -> None:
    """The page says which folder its tables are in, so it comes when they stand there, whole."""
    step, seen = 40, set[tuple[bool, bool]]()  # those before only read
    while True:
        step += 1
        folder = log.folder / f"kill-{step}"
        folder.mkdir()

        def work(folder: Path = folder) -> None:
            known = Known(hour_max="2026-11-26T00:00:00Z")
            one = log.folder / "one.identity"
            out, tables = folder / "r.html", folder / "t"
            make(
                [log.folder / "a.bundle"], identity=one, vkey=log.vkey, known=known, out=out, tables=tables, now=MORNING
            )

        was_killed = killed_at(step, work)
        page, tables = (folder / "r.html").exists(), (folder / "t").exists()
        seen.add((page, tables))
        assert tables or not page, step
        if tables:
            assert {one.name for one in (folder / "t").iterdir()} == {"crossings.csv", "entries.csv", "figures.csv"}
        if not was_killed:
            break
    assert seen == {(False, False), (False, True), (True, True)}


def test_a_page_that_cannot_be_written_leaves_no_tables(log: SmallLog) -> None:
    result = run(log, log.folder / "a.bundle", "--csv", log.folder / "t", out="nowhere/r.html")
    assert result.exit_code == 74
    assert not (log.folder / "t").exists()


@pytest.mark.parametrize("failing", ["render", "write_tables"])
def test_a_full_disk_is_said_of_the_page_by_its_name(
    log: SmallLog, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")  # as a write says it, which names no file

    monkeypatch.setattr(f"gate_verify.report_files.{failing}", full)
    result = run(log, log.folder / "a.bundle", "--csv", log.folder / "t")
    assert result.exit_code == 74
    assert f"cannot write {log.folder / 'r.html'} or {log.folder / 't'}: No space left on device" in result.stderr
    assert left(log) == []


@pytest.mark.parametrize("kept", [0, 1])
def test_what_only_a_header_says_of_the_time_is_shown_as_an_hour(log: SmallLog, kept: int) -> None:
    for key in sorted((log.spool / "keys").rglob("*.age"))[kept:]:
        key.unlink()
    run(log, log.spool, "--csv", log.folder / "t")
    page = (log.folder / "r.html").read_text()
    assert "about 2026-11-25 06h UTC</td>" in page
    assert ":00:00Z" not in page
    assert ("<dd>about 2026-11-25 06h UTC to about" in page) is (kept == 0), "else the moments of those that open"
    told = {one["time"] for one in table(log.folder / "t/entries.csv") if not one["kind"]}
    assert told == {"about 2026-11-25 06h UTC"}


def test_what_a_spool_gains_after_it_was_judged_is_not_told(log: SmallLog) -> None:
    report = verify(log.spool, log.vkey, known=Known())
    log.write(Day(seconds=200).admitted())
    told = list[AuditRecord]()
    with_story(report, [log.spool], Unsealer.from_file(log.folder / "one.identity"), told.append)
    assert len(told) == report.entries == 26


def test_a_stranger_gets_no_page(log: SmallLog) -> None:
    import pyrage

    (log.folder / "one.identity").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    assert run(log, log.folder / "a.bundle", "--csv", log.folder / "t").exit_code == 77
    assert left(log) == []


def test_no_word_of_a_log_is_a_formula() -> None:
    assert [cell(one) for one in ("=1+1", "-x", "@a", "+1", "c1", "")] == ["'=1+1", "'-x", "'@a", "'+1", "c1", ""]
