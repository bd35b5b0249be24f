"""The written rules of a site: who may pass here, whom an officer must see, who must see customs. Pure.

Each rule has dates, an author and a legal basis, and a condition from `gate.passage.conditions`. A rule only ever restricts: an
`eligible` rule lets its travellers try, and all objections of document, face, lane and site still apply. Persons have no scores.

Unknown facts count against opening: nobody is eligible by an unknown result, and an officer sees every traveller whom a rule might
mean. `gate.rules` defines the file format, and what no file may contain.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from gate.passage.conditions import All, Condition, Fact, Facts
from gate_core.evidence.crossing import Score
from gate_core.evidence.reasons import Objection, Reason

NAMED_MAX: Final = 4  # rules that might apply, named in one objection; others are counted


class Effect(enum.Enum):
    """A rule's effect on the travellers whom it means. Stored; never renamed."""

    ELIGIBLE = "eligible"  # they may use this lane; if there is any such rule, others may not
    OFFICER = "officer"  # an officer sees them
    CUSTOMS = "customs"  # an officer shows them to customs
    THRESHOLD = "threshold"  # their face is held to a stricter threshold
    CLOSED = "closed"  # the lane invites nobody; only by dates, hours and directions


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `basis`: the legal basis; `first`, `last`: the days it is in force, both included. `instructions`: for the officer.

    Only a `threshold` rule has `face_match_min`; only an `officer` rule may require two `officers`.
    """

    name: str
    effect: Effect
    title: str
    basis: str
    author: str
    first: date
    last: date
    when: Condition = field(default_factory=lambda: All(()))
    instructions: str = ""
    face_match_min: Score | None = None
    officers: int = 1

    @property
    def reason(self) -> Reason | None:
        """The reason for which it refers a traveller; None if it refers nobody by what they are."""
        if self.effect is Effect.CUSTOMS:
            return Reason.RULE_CUSTOMS
        if self.effect is Effect.OFFICER:
            return Reason.RULE_OFFICER if self.officers == 1 else Reason.RULE_TWO_OFFICERS
        return None

    def means(self, facts: Facts) -> bool | None:
        """True if it is about this crossing, on its days."""
        in_force = None if facts.local is None else self.first <= facts.local.date() <= self.last
        holds = False if in_force is False else self.when.holds(facts)
        return False if holds is False else None if in_force is None or holds is None else True


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A site's rules, of one version. `sha256`: of their canonical text."""

    version: str = ""
    sha256: str = ""
    rules: tuple[Rule, ...] = ()

    @property
    def asks(self) -> frozenset[Fact]:
        """The facts that its rules use; dates of all rules included."""
        asked = frozenset[Fact]().union(*(rule.when.asks for rule in self.rules))
        return asked | {Fact.LOCAL} if self.rules else asked

    @property
    def asks_for_two(self) -> bool:
        """True if one of its rules requires two officers."""
        return any(rule.officers > 1 for rule in self.rules)

    def days_left(self, today: date) -> int | None:
        """Return the number of days for which all rules in force today stay in force; None if there are none."""
        return min(((rule.last - today).days for rule in self.rules if rule.first <= today <= rule.last), default=None)

    def objections(self, facts: Facts) -> tuple[Objection, ...]:
        """Return the rules' objections to a crossing, each with the rule's name and version."""
        return (*self.not_eligible(facts), *self._to_be_seen(facts))

    def concerned(self, facts: Facts) -> list[tuple[Rule, bool]]:
        """Return the rules by which an officer sees this traveller, each with True if it certainly means them."""
        answers = ((rule, rule.means(facts)) for rule in self.rules if rule.effect in _SEEN)
        return [(rule, answer is True) for rule, answer in answers if answer is not False]

    def closings(self, facts: Facts) -> tuple[Objection, ...]:
        """Return the objections of rules that close the lane now for everybody."""
        return tuple(
            Objection(Reason.RULE_CLOSED, self.named(rule))
            for rule in self._with(Effect.CLOSED)
            if rule.means(facts) is not False
        )

    def face_match_min(self, facts: Facts, usual: Score) -> Score:
        """Return the threshold for this traveller's face; no rule lowers the usual one."""
        stricter = [
            rule.face_match_min
            for rule in self._with(Effect.THRESHOLD)
            if rule.face_match_min is not None and rule.means(facts) is not False
        ]
        return max((usual, *stricter), key=lambda score: score.value)

    def not_eligible(self, facts: Facts) -> tuple[Objection, ...]:
        """Return an objection if rules define who is eligible and none means this traveller, also if all are over."""
        answers = {rule.means(facts) for rule in self._with(Effect.ELIGIBLE)}
        if not answers or True in answers:
            return ()
        unknown = " not known" if None in answers else ""
        return (Objection(Reason.NOT_ELIGIBLE, f"{self.version}{unknown}"),)

    def _to_be_seen(self, facts: Facts) -> Iterator[Objection]:
        """Yield an objection for each rule that certainly means them, and one for all that might."""
        concerned = self.concerned(facts)
        for reason in _REASONS:
            unknown: list[str] = []
            for rule, is_sure in concerned:
                if rule.reason is not reason:
                    continue
                if is_sure:
                    yield Objection(reason, self.named(rule))
                else:
                    unknown.append(rule.name)
            if unknown:
                more = f" and {len(unknown) - NAMED_MAX} more" if len(unknown) > NAMED_MAX else ""
                yield Objection(reason, f"{', '.join(unknown[:NAMED_MAX])}{more} of {self.version}, not known")

    def _with(self, effect: Effect) -> Iterator[Rule]:
        return (rule for rule in self.rules if rule.effect is effect)

    def named(self, rule: Rule) -> str:
        """Return a rule's name as decisions contain it."""
        return f"{rule.name} of {self.version}"

    def explained(self, objection: Objection) -> str:
        """Return an objection's detail for an officer; for a rule with its title and instructions."""
        for rule in self.rules:
            if objection.reason in _REASONS and objection.detail.startswith(self.named(rule)):
                return f"{objection.detail}: {rule.title}. {rule.instructions}"
        return objection.detail


_SEEN = frozenset({Effect.OFFICER, Effect.CUSTOMS})
_REASONS = (Reason.RULE_OFFICER, Reason.RULE_TWO_OFFICERS, Reason.RULE_CUSTOMS)

NO_RULES = RuleSet()
