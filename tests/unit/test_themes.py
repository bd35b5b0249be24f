"""docs/themes.md: each theme's outcome changes when its feature is off, each command that it names runs, and turns this red when it fails."""

from __future__ import annotations

import inspect
import json
import re
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
import typer
from e2e.test_drills import BY_COMMAND
from fakes import passage_examples as lane
from fakes.audit_logs import SmallLog
from fakes.audited_days import Day
from fakes.passage_examples import CROSSING, GENUINE, RULES, SAME_FACE, Run
from mutants.by_machine import ALWAYS, Mutant, carriers_of, copied, green, survivors

from gate.passage.conditions import AgeFrom
from gate.passage.draws import OF, Draw
from gate.passage.effects import Write
from gate.passage.events import DocumentPresented, DocumentRead, FaceCompared, Recorded, SiteSeen, TravellerAsked
from gate.passage.names import IncidentKind, Outcome, RecordKind, Wish
from gate.passage.policy import Policy, decide
from gate.passage.records import Decided, DrawCommitted, DrawRevealed, GroupCell, Incident, Opened, Record, crossing_of
from gate.passage.rule_set import NO_RULES, Effect, Rule, RuleSet
from gate.programs.lane.document.inspection import mark_of
from gate.programs.lane.records import encode
from gate_central.exchange.marks import Marks
from gate_core.command_line.distributions import installed
from gate_core.command_line.tree import application
from gate_core.evidence.crossing import Check, CheckId, CheckResult, DocumentEvidence, FaceEvidence, Score, Swap
from gate_core.evidence.reasons import Reason
from gate_core.evidence.registers import Register, RegisterAnswer, RegisterCause, RegisterFinding
from gate_core.orders.verbs import Verb
from gate_demo.director import Visit
from gate_demo.drills import DRILLS
from gate_demo.score import score
from gate_demo.trainee import Diary, Ordered, Said
from gate_lab.conformity import has_passed, ran
from gate_lab.forecast import Arrival, Staff, fewest, outlook
from gate_lab.service_times import QUANTILES, ServiceTimes
from gate_verify.audit_record import AuditRecord
from gate_verify.report.draws import Draws
from gate_verify.report.fairness import Group, raised
from gate_verify.verify import Known, verify

PAGE = Path(__file__).resolve().parents[2] / "docs" / "themes.md"
NOON = datetime(2026, 12, 5, 12)  # noqa: DTZ001 - the site's own wall clock has no zone
CHILD = replace(GENUINE, age=15, document_type="P", nationality="UTO", sex="F", issuer="UTO")


def reasons(
    *,
    policy: Policy = RULES.policy,
    rule_set: RuleSet = NO_RULES,
    document: DocumentEvidence = CHILD,
    face: FaceEvidence = SAME_FACE,
    change: Callable[[Run], None] = lambda _: None,
) -> set[Reason]:
    """Why a lane refers this traveller; empty: it admits them."""
    run = lane.ready()
    run.rules = replace(RULES, policy=replace(policy, rules=rule_set.sha256), rule_set=rule_set)
    run.feed(SiteSeen(1.0, clock_sure=True, local=NOON))
    change(run)
    run.feed(DocumentPresented(CROSSING), Recorded(CROSSING, RecordKind.OPENED))
    change(run)
    run.feed(DocumentRead(CROSSING, document), FaceCompared(CROSSING, face))
    decided = [one.record for one in run.effects if isinstance(one, Write) and isinstance(one.record, Decided)]
    return {one.reason for found in decided for one in found.reasons}


def ruled(effect: Effect) -> RuleSet:
    rule = Rule(
        "one", effect, "A title", "Act 1, Article 2", "N. N.", date(2026, 1, 1), date(2026, 12, 31), AgeFrom(12),
        "Look.", Score(0.9) if effect is Effect.THRESHOLD else None,
    )  # fmt: skip
    return RuleSet("v1", "5ha", (rule,))


def stricter(**changes: Any) -> Policy:
    return replace(RULES.policy, **changes)


def with_rule(effect: Effect) -> Callable[..., object]:
    return lambda *, on: reasons(rule_set=ruled(effect) if on else NO_RULES)


def identification(*, on: bool) -> object:
    return reasons(
        face=replace(SAME_FACE, match=Score(0.2)), policy=stricter(face_match_min=Score(0.4 if on else -1.0))
    )


def recognition(*, on: bool) -> object:
    face = replace(SAME_FACE, liveness=Score(0.1), swap=Swap.NONE)
    return reasons(face=face, policy=stricter(liveness_min=Score(0.5 if on else -1.0)))


def verification(*, on: bool) -> object:
    unsure = tuple(
        Check(one.id, CheckResult.UNDETERMINED) if one.id is CheckId.REVOCATION else one for one in GENUINE.checks
    )
    return reasons(document=replace(GENUINE, checks=unsure), policy=stricter(revocation_required=on))


def lists(*, on: bool) -> object:
    hit = RegisterFinding("stolen-documents", RegisterAnswer.HIT, RegisterCause.NUMBER_LISTED)
    evidence = replace(lane.decided_record().evidence, registers=(hit,) if on else None)
    policy = stricter(registers=(Register("stolen-documents"),) if on else ())
    return {one.reason for one in decide(evidence, policy).objections}


def reuse(*, on: bool) -> object:
    """One chip at two gates of a site within minutes."""
    marks = Marks(random=bytes, local=NOON, clock_s=0.0)
    mark = bytes.fromhex(mark_of(marks.key(NOON, 0.0).key, b"what the chip's issuer signed"))
    found = [
        marks.tell(gate, mark, minutes=30, local=NOON, clock_s=at_s) if on else None
        for gate, at_s in (("north-1", 3_600.0), ("north-2", 4_000.0))
    ]
    answers = [
        RegisterFinding("reuse", RegisterAnswer.HIT, RegisterCause.PRESENTED_ELSEWHERE, about=one.gate)
        if one is not None
        else RegisterFinding("reuse", RegisterAnswer.NONE)
        for one in found
    ]
    evidence = replace(lane.decided_record().evidence, registers=(answers[-1],))
    decision = decide(evidence, stricter(registers=(Register("reuse"),)))
    return [(one.reason, one.detail) for one in decision.objections]


def integrated(*, on: bool) -> object:
    """Central knows how many entries there are: a gate's log that lost its end shows."""
    with tempfile.TemporaryDirectory() as folder:
        return _verified(Path(folder), on=on)


def _verified(folder: Path, *, on: bool) -> bool:
    day, log = Day(), SmallLog(folder)
    log.write(day.begun(log.recipients), day.admitted())
    known = Known(at_least=1_000) if on else Known()
    return verify(log.spool, log.vkey, known=known).verified


def forecast(*, on: bool) -> object:
    arrivals = [Arrival(0.0, 60, 600.0)]
    times = ServiceTimes(crossings=1000, referred=0, lane_s=(30.0,) * QUANTILES)
    chosen = fewest(arrivals, times, limit_s=120, share=0.95, days=10) if on else None
    staff = Staff(1, 1) if chosen is None else chosen.staff
    return outlook(arrivals, times, staff, limit_s=120, days=10).low >= 0.95


def monitoring(*, on: bool) -> object:
    """A referral that nobody answers is escalated."""
    run = lane.referred()
    limit_ms = run.rules.timing.referral_max_ms
    run.rules = replace(run.rules, timing=replace(run.rules.timing, referral_max_ms=limit_ms if on else 10**9))
    run.feed(lane.AT_REST, after_ms=limit_ms + 1_000)
    return IncidentKind.REFERRAL_WAITS in {
        one.record.incident for one in run.effects if isinstance(one, Write) and isinstance(one.record, Incident)
    }


def resilience(*, on: bool) -> object:
    """A unit that watches the cabinet and is silent."""
    return reasons(policy=stricter(sensors=on))


def drills(*, on: bool) -> object:
    """A child is flagged, not only taken over."""
    drill = DRILLS["minors"]
    one = replace(drill, cases=drill.cases[:1])
    did = [Verb.FLAG, Verb.HAND_OVER] if on else [Verb.HAND_OVER]
    visit = Visit("t001", one.cases[0].scenario, crossings=["c1"], began_ms=0, ended_ms=1_000)
    orders = [Ordered(Said(verb), Outcome.DONE, "", 100 * number) for number, verb in enumerate(did, start=2)]
    return score(one, [visit], Diary([100], orders)).right


def protection(*, on: bool) -> object:
    """Whoever asks for protection is shielded: nothing about them leaves the gate."""
    run = lane.inspecting()
    if on:
        run.feed(TravellerAsked("c9", Wish.PROTECTION))
    return CROSSING in run.lane.shielded


def random_quota(*, on: bool) -> object:
    draw = Draw("2026-12-05", OF, bytes(32))

    def change(run: Run) -> None:
        run.lane = replace(run.lane, draw=draw)

    return reasons(policy=stricter(random_checks_per_10000=OF if on else 0), change=change)


def transparency(*, on: bool) -> object:
    """A draw that somebody had a hand in shows when its secret is revealed and drawn again."""
    draw = Draw("2026-12-05", OF, bytes(32))
    decided = replace(
        lane.decided_record(), crossing="c1", policy=replace(RULES.policy, random_checks_per_10000=OF), reasons=()
    )
    records: list[Record] = [DrawCommitted(draw.day, OF, draw.sha256, draw), Opened("c1"), decided]
    if on:
        records.append(DrawRevealed(draw.day, draw.sha256, draw.secret.hex()))
    taker = Draws()
    for index, record in enumerate(records):
        body = json.loads(encode(record))
        taker.take(AuditRecord(index, "", "", "", kind=record.kind.value, crossing=crossing_of(record), body=body))
    return bool(taker.found().problems)


def fairness(*, on: bool) -> object:
    def group(value: str, referred: int) -> Group:
        names = GroupCell.__dataclass_fields__
        counts = dict.fromkeys((one for one in names if one not in {"attribute", "value"}), 0.0)
        return Group("sex", value, counts | {"crossings": 5_000.0, "referred": float(referred)})

    groups = [group("F", 500), group("M", 250)]
    return bool(raised(groups if on else []))


@dataclass(frozen=True)
class Shown:
    """What shows a theme: how the outcome is got, and what it is with the feature and without it."""

    outcome: Callable[..., object]
    on: object
    off: object


THEMES = {
    "Biometric identification": [Shown(identification, {Reason.FACE_BELOW_THRESHOLD}, set())],
    "Facial recognition": [Shown(recognition, {Reason.LIVENESS_BELOW_BOUND}, set())],
    "Document verification": [Shown(verification, {Reason.DOCUMENT_CHECK_UNDETERMINED}, set())],
    "Risk-based targeting, prioritised screening": [
        Shown(with_rule(Effect.OFFICER), {Reason.RULE_OFFICER}, set()),
        Shown(random_quota, {Reason.RANDOM_CHECK}, set()),
    ],
    "Watchlists and real-time sharing": [
        Shown(lists, {Reason.REGISTER_HIT}, set()),
        Shown(reuse, [(Reason.REGISTER_HIT, "reuse: presented_elsewhere: north-1")], []),
    ],
    "Integrated data management": [Shown(integrated, False, True)],
    "Predictive analytics for resources": [Shown(forecast, True, False)],
    "Real-time monitoring": [Shown(monitoring, True, False), Shown(fairness, True, False)],
    "Tamper and cyber resilience": [Shown(resilience, {Reason.SENSORS_LOST}, set())],
    "Adaptive screening, continuous updates": [
        Shown(with_rule(Effect.THRESHOLD), {Reason.FACE_BELOW_THRESHOLD}, set()),
        Shown(with_rule(Effect.CLOSED), {Reason.RULE_CLOSED}, set()),
    ],
    "Customs and baggage referral": [Shown(with_rule(Effect.CUSTOMS), {Reason.RULE_CUSTOMS}, set())],
    "Training scenarios and drills": [Shown(drills, 1, 0)],
    "Refugees and vulnerable people": [Shown(protection, True, False)],
    "Transparency and accountability": [Shown(transparency, True, False)],
}
CASES = [
    pytest.param(shown, id=f"{theme}, {number}")
    for theme, found in THEMES.items()
    for number, shown in enumerate(found, start=1)
]


@pytest.mark.parametrize("shown", CASES)
def test_the_outcome_of_a_theme_changes_when_its_feature_is_off(shown: Shown) -> None:
    assert shown.outcome(on=True) == shown.on
    assert shown.outcome(on=False) == shown.off
    assert shown.on != shown.off


def rows() -> dict[str, str]:
    found = re.findall(r"^\| \*\*(.+?)\*\* \| (.+) \|$", PAGE.read_text(), flags=re.MULTILINE)
    return dict(found)


def test_the_page_has_each_theme_and_no_other() -> None:
    assert list(rows()) == list(THEMES)


# What sees that each command that the page names, `gate` left out, says what it must; of a drill what scores it.
RUN_BY = {
    "audit report": "tests/unit/audit/test_audit_report.py::"
    "test_a_page_and_tables_come_of_a_bundle "
    "test_random_checks_are_drawn_again_and_one_that_was_left_out_is_in_capitals "
    "test_a_decision_that_does_not_follow_from_its_evidence_is_in_capitals",
    "audit verify": "verify/tests/unit/test_audit_commands.py::"
    "test_a_good_log_is_verified_with_the_key_or_its_file test_a_changed_log_ends_with_one_and_its_problems",
    "config install": "tests/unit/cli/test_cli_config.py::test_two_approvers_sign_on_their_own_machines_and_the_gate_takes_it",
    "conformity": "tests/unit/lab/test_cli_conformity.py::"
    "test_it_says_what_is_shown_what_is_open_and_that_it_is_no_certificate "
    "test_a_clause_is_passed_by_what_its_tests_gave_and_by_nothing_else",
    "document inspect": "tests/unit/cli/test_document_cli.py::"
    "test_inspect_prints_one_json_document_with_every_check test_inspect_of_a_chip_whose_files_were_changed_says_so",
    "drill": "tests/unit/demo/test_demo_drills.py::test_the_command_scores_what_was_done_of_each_case",
    "exchange serve": "tests/integration/test_reuse_across_gates.py::test_it_writes_nothing_and_calls_nobody",
    "face evaluate": "tests/integration/test_cli_face.py::test_evaluation_counts_pairs_and_missed_pictures",
    "face evaluate-pad": "tests/integration/test_cli_face.py::test_attack_detection_is_measured_a_species_with_those_apart_that_got_no_score",
    "fairness page": "lab/tests/unit/test_cli_fairness.py::test_a_group_that_fares_worse_ends_the_command_with_no_and_stands_on_top",
    "forecast plan": "lab/tests/unit/test_performance_forecast.py::"
    "test_from_crossings_to_a_page test_a_promise_that_cannot_be_kept_ends_with_1",
    "policy check": "lab/tests/unit/test_cli_policy.py::"
    "test_check_says_what_the_rules_are test_check_says_everything_that_is_wrong_with_file_key_and_line",
    "policy dry-run": "lab/tests/unit/test_cli_policy.py::test_a_dry_run_says_whom_rules_would_concern",
    "rights card": "lab/tests/unit/test_cli_rights.py::test_the_card_has_facts_of_the_configuration_and_blanks_end_it_with_no",
    "rights receipt": "lab/tests/unit/test_cli_rights.py::test_a_receipt_is_answered_alike_whoever_holds_it_and_no_log_is_opened",
    "status": "tests/unit/cli/test_cli_status.py::"
    "test_a_gate_on_trial_is_never_called_in_service test_it_names_the_alarms_and_why_a_lane_is_closed "
    "test_each_line_of_who_watches_says_whether_the_lane_serves_and_who_is_away test_who_watches_may_stop_at_any_line",
    "sync status": "tests/unit/cli/test_cli_sync.py::"
    "test_people_are_told_how_far_the_mirror_is_and_of_the_last_receipt test_programs_are_told_the_same",
    "update back": "tests/integration/test_update_commands.py::"
    "test_each_verb_starts_its_own_unit_and_ends_as_that_did test_how_systemd_answered_is_told",
}
# What each command rests on, beneath its own function: replaced as well, and what runs the command must turn red.
BENEATH = {
    "audit report": "gate_verify.report.account:Account.again",
    "audit verify": "gate_verify.verify:verify",
    "config install": "gate_core.approval.note:two_of",
    "conformity": "gate_lab.conformity:has_passed",
    "document inspect": "gate_documents.authenticity.passive_authentication:judge_hashes",
    "drill": "gate_demo.score:score _settled",
    "exchange serve": "gate_central.exchange.marks:Marks.tell",
    "face evaluate": "gate_lab.face_evaluation:evaluate_folder Evaluation.fields",
    "face evaluate-pad": "gate_lab.pad_evaluation:evaluate_folder",
    "fairness page": "gate_verify.report.fairness:raised _tests",
    "forecast plan": "gate_lab.forecast:fewest read_schedule",
    "policy check": "gate.rules.linter:wrong_with",
    "policy dry-run": "gate_lab.rules_dry_run:impact_of",
    "rights card": "gate_lab.rights.card:facts_of",
    "rights receipt": "gate_lab.rights.answers:receipt_answer is_receipt",
    "status": "gate.programs.shared.status_page:StatusPage._service StatusPage.line StatusPage.page",
    "sync status": "gate.cli.sync:_lines",
    "update back": "gate.cli.update:_run",
}
COMMANDS = {theme: re.findall(r"`gate ([a-z-]+(?: [a-z][a-z-]*)?)", row) for theme, row in rows().items()}


def runs(command: str) -> str:
    """The name in RUN_BY of a command."""
    return "drill" if command.startswith("drill ") else command


def seen_by(command: str) -> list[str]:
    """The tests in RUN_BY of a command, by pytest's names."""
    file, _, names = RUN_BY[runs(command)].partition("::")
    return [f"{file}::{name}" for name in names.split()]


def test_what_the_page_names_is_there_and_runs() -> None:
    named = {command for commands in COMMANDS.values() for command in commands}
    assert all(COMMANDS.values())
    assert {runs(command) for command in named} == RUN_BY.keys() == BENEATH.keys()
    drills = {command.removeprefix("drill ") for command in named if runs(command) == "drill"}
    assert drills <= DRILLS.keys() & set(BY_COMMAND), "played whole, by the command"


def test_what_a_command_rests_on_is_there() -> None:
    for carrier in carriers_of(list(BENEATH.values())):
        module, _, name = carrier.partition(":")
        assert attrgetter(name)(import_module(module)), carrier


@pytest.fixture(scope="module")
def results() -> dict[str, str]:
    """What became of each of those tests, run as by somebody else."""
    return ran(PAGE.parents[1], [test for command in RUN_BY for test in seen_by(command)])


@pytest.mark.long
@pytest.mark.parametrize("theme", THEMES)
def test_each_command_of_a_theme_runs(theme: str, results: dict[str, str]) -> None:
    assert [test for command in COMMANDS[theme] for test in seen_by(command) if not has_passed(test, results)] == []


# ── and what turns them red ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source."""
    return copied(tmp_path_factory.mktemp("tree"))


def failing(command: str, lie: str = "raise") -> Mutant:
    """The function behind a command, made to fail."""
    found: Any = typer.main.get_group(application(list(installed())))
    for word in runs(command).split():
        found = found.commands[word]
    function = inspect.unwrap(found.callback)
    return Mutant(f"{function.__module__}:{function.__qualname__}", lie)


def unseen(commands: Iterable[str], tree: Path, lie: str = "raise") -> list[str]:
    """The commands that may fail without their test turning red."""
    return [one for one in commands if green({failing(one, lie): tree}, seen_by(one), tree, "-x")]


@pytest.mark.parametrize("theme", ["Predictive analytics for resources", "Training scenarios and drills"])
def test_a_theme_whose_command_fails_turns_red(theme: str, tree: Path) -> None:
    assert unseen(COMMANDS[theme], tree) == []


@pytest.mark.long
def test_every_theme_turns_red_with_each_of_its_commands(tree: Path) -> None:
    assert green({}, [test for command in RUN_BY for test in seen_by(command)], tree)
    assert {lie: unseen(RUN_BY, tree, lie) for lie in ALWAYS} == {lie: [] for lie in ALWAYS}


@pytest.mark.long
@pytest.mark.parametrize("command", BENEATH)
def test_what_a_command_rests_on_may_not_fail_or_lie_either(command: str, tree: Path) -> None:
    fates = survivors(carriers_of([BENEATH[command]]), seen_by(command), tree)
    assert [str(mutant) for mutant, is_alive in fates if is_alive] == []
