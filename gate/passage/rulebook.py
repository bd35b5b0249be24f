"""The written rules of a site: who may pass here, whom an officer must see, who goes on to customs. Pure.

Each rule is dated, has an author and a legal basis, and asks what `gate.passage.conditions` can ask. A rule only ever takes away: whoever an
`eligible` rule names may try, and what document, face, lane and site object to is objected to all the same. There are no scores of persons.

What is not known speaks against opening: nobody is eligible by an answer that is not known, and an officer sees whoever a rule might mean.
How rules are spelt in a file, and what no file may hold, is `gate.rules`'.
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

NAMED_MAX: Final = 4  # rules that might mean somebody, named in one objection; the others are counted


class Effect(enum.Enum):
    """What a rule does for those whom it is about. Stored; never renamed."""

    ELIGIBLE = "eligible"  # they may use this lane; where there is any such rule, nobody else may
    OFFICER = "officer"  # an officer sees them
    CUSTOMS = "customs"  # an officer shows them to customs
    THRESHOLD = "threshold"  # their face is held to a stricter threshold
    CLOSED = "closed"  # the lane invites nobody; about dates, hours and directions alone


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `basis` is the legal basis, `first` and `last` the days it is in force, both included. `instructions` are for the officer.

    `face_match_min` is a `threshold` rule's alone, and that two `officers` must admit whom it means an `officer` rule's.
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
        """Why whoever it means is referred; None where it is not for what they are."""
        if self.effect is Effect.CUSTOMS:
            return Reason.RULE_CUSTOMS
        if self.effect is Effect.OFFICER:
            return Reason.RULE_OFFICER if self.officers == 1 else Reason.RULE_TWO_OFFICERS
        return None

    def means(self, facts: Facts) -> bool | None:
        """True for a crossing that it is about, on its days."""
        in_force = None if facts.local is None else self.first <= facts.local.date() <= self.last
        holds = False if in_force is False else self.when.holds(facts)
        return False if holds is False else None if in_force is None or holds is None else True


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The rules of a site, of one version. `sha256` is that of their canonical text."""

    version: str = ""
    sha256: str = ""
    rules: tuple[Rule, ...] = ()

    @property
    def asks(self) -> frozenset[Fact]:
        """What its rules look at. Their dates are looked at of every rule."""
        asked = frozenset[Fact]().union(*(rule.when.asks for rule in self.rules))
        return asked | {Fact.LOCAL} if self.rules else asked

    @property
    def asks_for_two(self) -> bool:
        """True when one of its rules wants two officers."""
        return any(rule.officers > 1 for rule in self.rules)

    def days_left(self, today: date) -> int | None:
        """How many days more all of its rules are in force that are so today; None where none is."""
        return min(((rule.last - today).days for rule in self.rules if rule.first <= today <= rule.last), default=None)

    def objections(self, facts: Facts) -> tuple[Objection, ...]:
        """What the rules object to about a crossing, each with the rule's name and version."""
        return (*self.not_eligible(facts), *self._to_be_seen(facts))

    def concerned(self, facts: Facts) -> list[tuple[Rule, bool]]:
        """The rules by which an officer sees this traveller, each with whether it is sure that it means them."""
        answers = ((rule, rule.means(facts)) for rule in self.rules if rule.effect in _SEEN)
        return [(rule, answer is True) for rule, answer in answers if answer is not False]

    def closings(self, facts: Facts) -> tuple[Objection, ...]:
        """The rules by which the lane is closed now, whoever comes."""
        return tuple(
            Objection(Reason.RULE_CLOSED, self.named(rule))
            for rule in self._with(Effect.CLOSED)
            if rule.means(facts) is not False
        )

    def face_match_min(self, facts: Facts, usual: Score) -> Score:
        """The threshold that this traveller's face is held to; no rule goes below the usual one."""
        stricter = [
            rule.face_match_min
            for rule in self._with(Effect.THRESHOLD)
            if rule.face_match_min is not None and rule.means(facts) is not False
        ]
        return max((usual, *stricter), key=lambda score: score.value)

    def not_eligible(self, facts: Facts) -> tuple[Objection, ...]:
        """Where rules say who is eligible, nobody is when they are all over."""
        answers = {rule.means(facts) for rule in self._with(Effect.ELIGIBLE)}
        if not answers or True in answers:
            return ()
        unknown = " not known" if None in answers else ""
        return (Objection(Reason.NOT_ELIGIBLE, f"{self.version}{unknown}"),)

    def _to_be_seen(self, facts: Facts) -> Iterator[Objection]:
        """Each rule that means them by name; those that might, together."""
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
        """A rule as decisions name it."""
        return f"{rule.name} of {self.version}"

    def explained(self, objection: Objection) -> str:
        """An objection's detail for an officer: of a rule, with its title and what to do."""
        for rule in self.rules:
            if objection.reason in _REASONS and objection.detail.startswith(self.named(rule)):
                return f"{objection.detail}: {rule.title}. {rule.instructions}"
        return objection.detail


_SEEN = frozenset({Effect.OFFICER, Effect.CUSTOMS})
_REASONS = (Reason.RULE_OFFICER, Reason.RULE_TWO_OFFICERS, Reason.RULE_CUSTOMS)

NO_RULES = RuleBook()
