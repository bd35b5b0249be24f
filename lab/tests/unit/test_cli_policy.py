"""`gate policy`: rules judged, compared and tried, for people and as JSON; one mistake, one code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fakes.passage_examples import decided_record
from typer.testing import CliRunner

from gate.programs.lane.records import fields_of
from gate_core.command_line.tree import application

RULES = """schema = 1
version = "v1"
[rules.young]
effect = "officer"
title = "Children are seen"
basis = "Act 1, Article 2"
author = "N. N."
from = 2026-01-01
to = 2036-12-31
instructions = "See whom they travel with."
when = { age_below = 12 }
"""
PROFILE = "age,nationality,sex,local,count\n8,FRA,F,2026-12-05T12:00,5\n40,UTO,M,2026-12-05T12:00,95\n"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """Rules that may be in force."""
    path = tmp_path / "rules.toml"
    path.write_text(RULES)
    return path


def run(*words: object) -> tuple[int, str, str]:
    """A command's exit code, standard output and standard error."""
    done = CliRunner().invoke(application(["policy"]), ["policy", *map(str, words)])
    return done.exit_code, done.stdout, done.stderr


def told(*words: object) -> tuple[int, dict[str, Any]]:
    """The same of its JSON document."""
    code, out, _ = run(*words, "--json")
    (line,) = out.splitlines()
    document: dict[str, Any] = json.loads(line)
    return code, document


def test_check_says_what_the_rules_are(rules: Path) -> None:
    code, out, _ = run("check", rules)
    assert code == 0
    assert "young: officer, 2026-01-01 to 2036-12-31: Children are seen (Act 1, Article 2)" in out
    code, document = told("check", rules)
    assert (code, document["ok"], document["version"], document["problems"]) == (0, True, "v1", [])
    assert document["rules"][0]["name"] == "young"


def test_check_says_everything_that_is_wrong_with_file_key_and_line(rules: Path) -> None:
    rules.write_text(RULES.replace("12 }", "200 }").replace("officer", "refuse"))
    code, document = told("check", rules)
    assert (code, document["ok"], document["sha256"]) == (65, False, None)
    assert [(one["key"], one["line"]) for one in document["problems"]] == [("rules.young.effect", 4)]
    rules.write_text(RULES.replace("{ age_below = 12 }", '{ nationality = ["FRA"] }'))
    code, out, _ = run("check", rules)
    assert code == 65
    assert out.startswith(f"{rules}:11: rules.young.when: picks people out by nationality alone")


@pytest.mark.parametrize("verb", ["check", "dry-run", "diff"])
def test_a_file_that_is_not_there_is_74_and_one_that_is_no_rules_65(tmp_path: Path, rules: Path, verb: str) -> None:
    more: dict[str, list[object]] = {"check": [], "dry-run": ["--profile", rules], "diff": [rules]}
    assert run(verb, tmp_path / "none", *more[verb])[0] == 74
    assert run(verb, tmp_path, *more[verb])[0] == 74
    (tmp_path / "wrong").write_bytes(b"\xff\x00")
    assert run(verb, tmp_path / "wrong", *more[verb])[0] == 65


def test_diff_says_what_is_another_and_ends_with_1(tmp_path: Path, rules: Path) -> None:
    assert run("diff", rules, rules)[:2] == (0, "the same rules\n")
    other = tmp_path / "other.toml"
    other.write_text(RULES.replace("12 }", "14 }").replace("v1", "v2"))
    code, document = told("diff", rules, other)
    assert (code, document["same"]) == (1, False)
    assert document["differences"] == [
        {"key": "rules.young.when.age_below", "old": "12", "new": "14"},
        {"key": "version", "old": '"v1"', "new": '"v2"'},
    ]
    assert run("diff", rules, other)[1].startswith("rules.young.when.age_below: 12 -> 14\n")


def test_a_dry_run_says_whom_rules_would_concern(tmp_path: Path, rules: Path) -> None:
    profile = tmp_path / "profile.csv"
    profile.write_text(PROFILE)
    code, document = told("dry-run", rules, "--profile", profile)
    assert (code, document["travellers"], document["by_rule"]) == (0, 100, {"young": 5})
    assert document["by_group"]["nationality"]["FRA"]["n"] == 5
    low, high = document["referred"]["interval"]
    assert low < 0.05 < high
    assert document["only"] == {"nationality": "FRA", "age": "0-11", "sex": "F"}
    code, out, err = run("dry-run", rules, "--profile", profile)
    assert "an officer would see 5 of 100 (5.0%, " in out
    assert "these rules concern FRA alone" in err


def test_a_dry_run_over_records_names_the_decisions_that_would_be_others(tmp_path: Path, rules: Path) -> None:
    records = tmp_path / "records.jsonl"
    body = fields_of(decided_record())
    young: dict[str, Any] = json.loads(json.dumps(body))
    young["evidence"]["document"]["age"] = 8
    young["evidence"]["site"]["local"] = "2026-12-05T12:00:00"
    old: dict[str, Any] = json.loads(json.dumps(young))
    old["evidence"]["document"]["age"] = 80
    lines = [
        {"kind": "decided", "crossing": "a", "body": young},
        {"kind": "decided", "crossing": "b", "body": old},
        {"kind": "decided", "crossing": "c", "body": body},
        {"kind": "decided", "crossing": "d", "body": {"no": "evidence"}},
        {"kind": "decided", "crossing": "e", "body": None},
        {"kind": "closed", "crossing": "a", "body": {}},
    ]
    records.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    code, document = told("dry-run", rules, "--records", records)
    assert (code, document["crossings"], document["not_taken_again"]) == (0, 3, 1)
    assert document["changed"] == [
        {"crossing": "a", "was": "admit", "would": "refer", "reasons": ["rule_officer:young of v1"]},
        {"crossing": "c", "was": "admit", "would": "refer", "reasons": ["rule_officer:young of v1, not known"]},
    ]
    out = run("dry-run", rules, "--records", records)[1]
    assert out.startswith(
        "3 decisions taken again, 2 would be others; 1 could not be\n  a: admit, would refer: rule_officer:young of v1\n"
    )


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "3", "[]", "\xff"])
def test_what_are_no_records_is_65(tmp_path: Path, rules: Path, text: str) -> None:
    records = tmp_path / "records.jsonl"
    records.write_bytes(text.encode("latin-1"))
    code, out, err = run("dry-run", rules, "--records", records)
    assert (code, out) == (65, "")
    assert "line 1 is no" in err


def test_what_is_no_profile_is_65(tmp_path: Path, rules: Path) -> None:
    profile = tmp_path / "profile.csv"
    profile.write_text("name,count\nX,1\n")
    code, _, err = run("dry-run", rules, "--profile", profile)
    assert code == 65
    assert "line 1" in err


@pytest.mark.parametrize("nobody", ["", "\n\n"])
def test_rules_are_not_tried_on_nobody(tmp_path: Path, rules: Path, nobody: str) -> None:
    profile = tmp_path / "profile.csv"
    profile.write_text(f"age,count\n{nobody}")
    code, out, err = run("dry-run", rules, "--profile", profile)
    assert (code, out, "no traveller" in err) == (65, "", True)
    profile.write_text(nobody)
    code, out, err = run("dry-run", rules, "--records", profile)
    assert (code, out, "no decision" in err) == (65, "", nobody == "")


def test_a_rule_that_is_over_is_named_by_check(rules: Path) -> None:
    assert run("check", rules)[2] == ""
    rules.write_text(RULES.replace("to = 2036-12-31", "to = 2026-01-02"))
    code, _, err = run("check", rules)
    assert (code, err) == (0, "gate: young is over since 2026-01-02: it is asked no more\n")


def test_on_whom_rules_are_tried_is_said_once(rules: Path) -> None:
    assert run("dry-run", rules)[0] == 2
    assert run("dry-run", rules, "--profile", rules, "--records", rules)[0] == 2
