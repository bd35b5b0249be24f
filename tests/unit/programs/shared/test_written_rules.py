"""The site's written rules as a gate has them: approved word by word, stated in the log, and never passed over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes.approvals import approve
from fakes.passage_examples import decided_record
from msgspec.structs import replace

from drivers.barrier.settings import Modbus
from drivers.camera.settings import Network
from drivers.reader.settings import Elyctis
from gate.passage.conditions import AgeFrom
from gate.passage.records import RulesStated
from gate.passage.rule_set import NO_RULES
from gate.programs.config_check import check
from gate.programs.lane.records import RecordedRuleSets, RecordError, encode, fields_of
from gate.programs.lane.rules import RULES_TEXT_MAX, rules_of, stated
from gate.programs.shared.approval import approved, unsafe_files
from gate.programs.shared.basis import basis_of
from gate.programs.shared.config import Audit, Config, Paths, Rules
from gate.programs.shared.written_rules import written_rules
from gate_core.evidence.screen import Purpose
from gate_core.settings.config_file import ConfigError

ONE = """
[rules.{name}]
effect = "eligible"
title = "Grown-ups"
basis = "Act 1, Article 2"
author = "N. N."
from = 2026-01-01
to = 2036-12-31
when = {{ age_from = 18 }}
"""
TEXT = 'schema = 1\nversion = "v1"\n' + ONE.format(name="adults")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A trial with written rules, approved."""
    (tmp_path / "rules.toml").write_text(TEXT)
    made = Config(
        purpose=Purpose.TRIAL,
        gate_id="gate-1",
        operator="border.example",
        paths=Paths(models=str(tmp_path), approval=str(tmp_path)),
        barrier=Modbus(port="/dev/ttyS0"),
        swipe=Elyctis(port="/dev/ttyS1"),
        camera=Network(address="http://127.0.0.1:9/"),
        audit=Audit(recipients=("one", "other")),
        rules=Rules(written=str(tmp_path / "rules.toml")),
    )
    approve(made, serial=5)
    return made


def test_a_lane_decides_by_the_rules_that_its_configuration_names(config: Config) -> None:
    written = written_rules(config)
    rules = rules_of(config, written.rule_set)
    assert [one.when for one in rules.rule_set.rules] == [AgeFrom(18)]
    assert rules.policy.rules == written.rule_set.sha256
    without = replace(config, rules=Rules())
    assert written_rules(without).rule_set == NO_RULES
    assert rules_of(without).policy.rules == ""


def test_approvers_sign_every_word_of_them_and_no_spelling(config: Config, tmp_path: Path) -> None:
    assert "written_rules.rules.adults.when.age_from = 18\n" in basis_of(config)
    assert 'written_rules.rules.adults.basis = "Act 1, Article 2"\n' in basis_of(config)
    assert approved(config) is not None
    (tmp_path / "rules.toml").write_text(f"# as before\n{TEXT}")
    assert approved(config) is not None
    (tmp_path / "rules.toml").write_text(TEXT.replace("18", "17"))
    with pytest.raises(ConfigError, match="something was changed"):
        approved(config)
    with pytest.raises(ConfigError, match="something was changed"):
        approved(replace(config, rules=Rules()))


def test_in_service_nobody_but_root_may_write_them(config: Config, tmp_path: Path) -> None:
    service = replace(config, purpose=Purpose.SERVICE)
    (tmp_path / "rules.toml").chmod(0o666)
    assert str(tmp_path / "rules.toml") in {one.file for one in unsafe_files(service, tmp_path / "gate.toml")}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "rules.toml: cannot be read: No such file or directory"),
        ("[", "rules.toml:1: "),
        (TEXT.replace("age_from", "age"), "rules.toml:11: rules.adults.when.age: is no question"),
        (
            TEXT.replace("eligible", "officer").replace("age_from = 18", 'sex = ["M"]') + 'instructions = "Look."\n',
            "rules.toml:11: rules.adults.when: picks people out by sex alone",
        ),
    ],
    ids=["none", "no toml", "unknown question", "targeting"],
)
def test_a_gate_that_names_rules_which_cannot_be_in_force_has_none_and_does_not_begin(
    config: Config, tmp_path: Path, text: str | None, said: str
) -> None:
    (tmp_path / "rules.toml").unlink()
    if text is not None:
        (tmp_path / "rules.toml").write_text(text)
    for way in (written_rules, basis_of, approved):
        with pytest.raises(ConfigError) as refused:
            way(config)
        (problem,) = refused.value.problems
        assert said in str(problem)


def test_what_is_wrong_with_them_is_among_what_the_check_of_a_configuration_says(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(TEXT.replace("age_from", "age"))
    gate = tmp_path / "gate.toml"
    gate.write_text(f'purpose = "demo"\n[rules]\nwritten = "{tmp_path / "rules.toml"}"\n')
    problems = check(gate).problems
    assert problems
    gate.write_text(
        f'purpose = "demo"\ngate_id = "g"\noperator = "border.example"\n[rules]\nwritten = "{tmp_path / "rules.toml"}"\n'
        '[barrier]\nport = "/dev/none"\n[swipe]\nport = "/dev/other"\n[camera]\naddress = "http://127.0.0.1:9/"\n'
        '[audit]\nrecipients = ["one"]\n'
    )
    assert "rules.adults.when.age" in {one.key for one in check(gate).problems}


# ── what the log states ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_log_states_them_in_as_many_parts_as_they_need(config: Config, tmp_path: Path) -> None:
    assert stated(written_rules(replace(config, rules=Rules()))) == ()
    names = [f"adults-{number}" for number in range(400)]
    (tmp_path / "rules.toml").write_text(
        'schema = 1\nversion = "v1"\n' + "".join(ONE.format(name=one) for one in names)
    )
    written = written_rules(config)
    records = stated(written)
    assert len(records) > 1
    assert "".join(one.text for one in records) == written.text
    assert all(len(one.text) <= RULES_TEXT_MAX and encode(one) for one in records)
    rule_sets = RecordedRuleSets()
    for record in reversed(records):
        with pytest.raises(RecordError, match="no record before it states"):
            rule_sets.by(written.rule_set.sha256)
        rule_sets.take(json.loads(encode(record)))
    assert rule_sets.by(written.rule_set.sha256) == written.rule_set


def test_a_log_that_states_something_else_states_no_rules(config: Config) -> None:
    written = written_rules(config)
    (record,) = stated(written)
    body = fields_of(record)
    for wrong in (
        {**body, "text": written.text.replace("18", "12")},
        {**body, "parts": 2},
        {**body, "text": 7},
        {},
        {**body, "text": "{}", "sha256": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},
    ):
        rule_sets = RecordedRuleSets()
        rule_sets.take(wrong)
        for name in (written.rule_set.sha256, str(wrong.get("sha256", "?"))):
            with pytest.raises(RecordError):
                rule_sets.by(name)


def test_what_was_stated_wrongly_or_broken_off_counts_when_it_is_stated_again(config: Config) -> None:
    written = written_rules(config)
    (record,) = stated(written)
    body, rule_sets = fields_of(record), RecordedRuleSets()
    half = len(written.text) // 2
    parts = [
        {**body, "part": at, "parts": 2, "text": text}
        for at, text in enumerate((written.text[:half], written.text[half:]), 1)
    ]
    for one in ({**body, "text": "{}"}, parts[0], {**body, "sha256": "0" * 64, "parts": 2}, parts[1]):
        rule_sets.take(one)
        with pytest.raises(RecordError):
            rule_sets.by(written.rule_set.sha256)
    rule_sets.take(parts[0])
    assert rule_sets.by(written.rule_set.sha256) == written.rule_set


def test_a_decision_without_rules_needs_none_stated() -> None:
    assert RecordedRuleSets().by(decided_record().policy.rules) == NO_RULES


def test_every_part_of_a_statement_leads_to_an_admission() -> None:
    """So it waits while the disk is full, and nobody is admitted by rules that are not written."""
    assert RulesStated.leads_to_admission
