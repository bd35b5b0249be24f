"""A referral that no officer answers for longer than it may wait is said, once, and stays a notice until it is settled."""

from __future__ import annotations

from dataclasses import replace

from fakes.passage_examples import CROSSING, RULES, Run, granted_by_officer, referred

from gate.passage.effects import Effect, Write
from gate.passage.events import Tick
from gate.passage.orders import Disposition, HandOver
from gate.passage.policy import Policy
from gate.passage.records import Incident, IncidentKind
from gate_core.evidence.crossing import Notice

LIMIT_MS = RULES.timing.referral_max_ms


def said(effects: list[Effect]) -> list[str | None]:
    """The crossings of which it is said that they wait too long."""
    found = (effect.record for effect in effects if isinstance(effect, Write))
    return [
        record.crossing
        for record in found
        if isinstance(record, Incident) and record.incident is IncidentKind.REFERRAL_WAITS
    ]


def test_a_referral_that_waits_too_long_is_said_once_and_stays_a_notice_until_it_is_settled() -> None:
    run = referred()
    assert said(run.feed(Tick(), after_ms=LIMIT_MS)) == []
    assert Notice.REFERRAL_WAITS not in run.lane.notices()
    assert said(run.feed(Tick(), after_ms=1)) == [CROSSING]
    assert Notice.REFERRAL_WAITS in run.lane.notices()
    assert said(run.feed(Tick(), after_ms=LIMIT_MS)) == []
    run.order(HandOver(CROSSING, Disposition.TAKEN_OVER))
    assert Notice.REFERRAL_WAITS not in run.lane.notices()


def test_beside_a_gate_that_only_watches_nobody_need_answer_it() -> None:
    run = referred()
    shadow: Policy = replace(RULES.policy, shadow=True)
    run.rules = replace(RULES, policy=shadow)
    assert said(run.feed(Tick(), after_ms=LIMIT_MS + 1)) == []


def test_one_whom_an_officer_lets_through_in_vain_has_waited_since_the_referral() -> None:
    run: Run = granted_by_officer()
    since_ms = run.lane.waiting[0].since_ms
    assert 0 < since_ms <= run.now_ms
    run.feed(Tick(), after_ms=RULES.timing.grant_ttl_ms + RULES.timing.grant_slack_ms + 1)
    assert run.lane.waiting[0].since_ms == since_ms
