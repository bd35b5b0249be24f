"""`gate fairness page`: the public page in each language, the alarm as an exit code, and one line for what is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from fakes.audit_logs import SmallLog
from fakes.audited_days import Day
from typer.testing import CliRunner

from gate.passage.records import Granted, GroupCell, GroupsCounted
from gate.programs.lane.group_counts import _BANDS, _OLDEST
from gate.screens.kiosk.texts import Languages
from gate_core.command_line.tree import application
from gate_lab.fairness_page import texts

FAIR = (
    GroupCell("everybody", "", 2_000, 100, 2_000, 20, 1_900, 30, 12, 1_900, 15, 9, 2_000, 8_000.0, 33_000.0),
    GroupCell("sex", "F", 950, 48, 950, 10, 900, 15, 6, 900, 7, 4, 950, 3_800.0, 15_600.0),
    GroupCell("sex", "M", 1_000, 50, 1_000, 10, 950, 15, 6, 950, 8, 5, 1_000, 4_000.0, 16_500.0),
    GroupCell("sex", "others", 50, 2, 50, 0, 50, 0, 0, 50, 0, 0, 50, 200.0, 900.0),
    GroupCell("age_band", "18 to 29", 2_000, 100),
    GroupCell("issuer", "UTO", 1_980, 99),
    GroupCell("issuer", "ZZZ", 20, 1),
)
UNFAIR = (GroupCell("sex", "F", 1_000, 150), GroupCell("sex", "M", 1_000, 50))


def made(folder: Path, cells: Sequence[GroupCell]) -> SmallLog:
    day, log = Day(), SmallLog(folder)
    counted = [
        GroupsCounted("2026-11-25T06:00:00+00:00", "2026-11-26T06:00:00+00:00", "Act 1, Article 2", tuple(cells))
    ]
    log.write(day.begun(log.recipients), day.admitted(), [day.wanted(one) for one in counted if cells])
    (folder / "one.identity").write_text(f"{log.auditors[0]}\n")
    return log


def run(log: SmallLog, *words: object) -> tuple[int, str, str]:
    fixed = ("--identity", log.folder / "one.identity", "--vkey", log.vkey, "--out", log.folder / "pages")
    done = CliRunner().invoke(
        application(["fairness"]), ["fairness", "page", str(log.spool), *map(str, (*fixed, *words))]
    )
    return done.exit_code, done.stdout, done.stderr


def test_a_page_in_each_language_says_what_is_known_of_each_group(tmp_path: Path) -> None:
    log = made(tmp_path, FAIR)
    code, out, _ = run(log, "--languages", "en,ar")
    assert (code, out) == (0, f"2000 crossings in 1 shifts: en.html, ar.html in {tmp_path / 'pages'}\n")
    page = re.sub(r"[\u2066-\u2069]", "", (tmp_path / "pages/en.html").read_text())
    assert "No group fares worse" in page
    assert "5.1 % (3.8 to 6.6)" in page
    assert "not estimable" in page
    assert "no scheduled trials were held" in page
    assert "18 to 29" in page
    assert "ZZZ" not in page, "twenty could be recognised"
    arabic = (tmp_path / "pages/ar.html").read_text()
    assert '<html lang="ar" dir="rtl">' in arabic
    assert 'href="en.html"' in arabic
    assert not re.findall(r'(?:src|href)="(?!en\.html|ar\.html)', page + arabic)
    assert "<script" not in page


def test_a_group_that_fares_worse_ends_the_command_with_no_and_stands_on_top(tmp_path: Path) -> None:
    log = made(tmp_path, UNFAIR)
    code, out, _ = run(log, "--json")
    found: dict[str, Any] = json.loads(out)
    assert code == 1
    assert [(one["attribute"], one["value"], one["rate"]) for one in found["alarms"]] == [("sex", "F", "referred")]
    page = (tmp_path / "pages/en.html").read_text()
    assert page.index("One group fares worse") < page.index("<table>")


def test_a_log_that_contradicts_itself_gives_no_page(tmp_path: Path) -> None:
    log = made(tmp_path, FAIR)
    log.write([Day().wanted(Granted("not-of-this-log", 10_000))])
    code, _, said = run(log)
    assert (code, "cannot be" in said, (tmp_path / "pages").exists()) == (1, True, False)


def test_trials_are_looked_up_in_the_log_and_those_that_are_not_there_are_said(tmp_path: Path) -> None:
    log = made(tmp_path, FAIR)
    (tmp_path / "trials.csv").write_text("crossing,sex\nc1,F\nc9,M\n")
    code, out, _ = run(log, "--trials", tmp_path / "trials.csv", "--json")
    found: dict[str, Any] = json.loads(out)
    assert code == 0
    assert [(one["attribute"], one["errors"], one["of"]) for one in found["fmr"]] == [
        ("everybody", 1, 1),
        ("sex", 1, 1),
    ]
    assert found["trials_missing"] == ["c9"]


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["--languages", "xx"], 2, "--languages: "),
        (["--trials", "nowhere.csv"], 74, "nowhere.csv: cannot be read"),
    ],
)
def test_what_is_wrong_has_one_line(tmp_path: Path, words: list[str], code: int, line: str) -> None:
    found, _, said = run(made(tmp_path, FAIR), *words)
    assert found == code
    assert line in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "pages").exists()


def test_a_log_that_counts_by_no_group_gives_no_page_and_a_bad_table_is_bad_data(tmp_path: Path) -> None:
    log = made(tmp_path, ())
    code, _, said = run(log)
    assert (code, "counts by no group" in said) == (65, True)
    for content in (b"name\nx\n", b"\xff\xfe"):
        (tmp_path / "trials.csv").write_bytes(content)
        assert run(log, "--trials", tmp_path / "trials.csv")[0] == 65
    (tmp_path / "pages").mkdir()
    assert run(log)[0] == 74


def test_every_language_of_the_travellers_page_has_every_word() -> None:
    words = texts()
    assert set(words.available()) == set(Languages().available())
    ids = words.text_ids("en")
    assert {f"age-{name.replace(' ', '-')}" for name in (*(name for _, name in _BANDS), _OLDEST)} <= set(ids)
    for language in words.available():
        assert words.text_ids(language) == ids, language
