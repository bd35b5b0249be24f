"""Tries written rules before they are in force: on a site's travellers, counted by kind, or on past decisions (docs/rules.md). Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from gate.passage.conditions import Fact, Facts
from gate.passage.rule_set import RuleSet
from gate.programs.lane.records import RecordError, decide_by

AGE_BANDS: Final = (0, 12, 18, 30, 45, 60, 75)
UNKNOWN: Final = "not known"
NOT_ELIGIBLE: Final = "nobody's rule makes them eligible"


@dataclass
class Share:
    """A count out of a total."""

    seen: int = 0
    of: int = 0

    def add(self, count: int, *, seen: bool) -> None:
        """Add to both counts."""
        self.seen += count if seen else 0
        self.of += count


@dataclass
class Impact:
    """Travellers that the rules would refer: all, by group, by rule (once for each); `closed` arrive while the lane is closed."""

    everybody: Share = field(default_factory=Share)
    closed: int = 0
    stricter: int = 0
    groups: dict[Fact, dict[str, Share]] = field(default_factory=dict)
    by_rule: Counter[str] = field(default_factory=Counter)
    unknown: int = 0

    def alone(self) -> dict[Fact, str]:
        """Return, for each protected fact, the group that has all referred travellers, when other groups came as well."""
        found = {}
        for fact, groups in self.groups.items():
            concerned = [name for name, share in groups.items() if share.seen]
            if len(concerned) == 1 and len(groups) > 1:
                found[fact] = concerned[0]
        return found


def impact_of(rule_set: RuleSet, travellers: Iterable[tuple[Facts, int]]) -> Impact:
    """Return what these rules do to these travellers when everything else is in order."""
    found = Impact(groups={Fact.NATIONALITY: {}, Fact.AGE: {}, Fact.SEX: {}})
    for facts, count in travellers:
        if rule_set.closings(facts):
            found.closed += count
            continue
        not_eligible, concerned = rule_set.not_eligible(facts), rule_set.concerned(facts)
        is_seen = bool(not_eligible or concerned)
        is_sure = all(sure for _, sure in concerned) and not any("not known" in one.detail for one in not_eligible)
        found.everybody.add(count, seen=is_seen)
        found.stricter += count if _is_stricter(rule_set, facts) else 0
        found.unknown += 0 if is_sure else count
        if not_eligible:
            found.by_rule[NOT_ELIGIBLE] += count
        for rule, _ in concerned:
            found.by_rule[rule.name] += count
        for fact, group in groups_of(facts).items():
            found.groups[fact].setdefault(group, Share()).add(count, seen=is_seen)
    return found


class RecordsError(ValueError):
    """A line is not a record; the message names it."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A past decision whose verdict these rules change. `reasons`: those of the new decision."""

    crossing: object
    was: str
    would: str
    reasons: list[str]


@dataclass(slots=True)
class Again:
    """Past decisions taken again: how many, how many could not be, and the changed ones."""

    crossings: int = 0
    others: int = 0
    changed: list[Changed] = field(default_factory=list)


def decisions_in(
    lines: Sequence[bytes], *, tracked: Callable[[Sequence[bytes], str], Iterable[bytes]] = lambda lines, _: lines
) -> Iterator[tuple[object, dict[str, object]]]:
    """Yield crossing and body of each decided record of JSON lines. Raises RecordsError. `tracked` shows the progress."""
    for number, line in enumerate(tracked(lines, "decisions"), start=1):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise RecordsError(f"line {number} is no JSON: {error}") from error
        if not isinstance(record, dict):
            raise RecordsError(f"line {number} is no record")
        body = record.get("body")
        if record.get("kind") == "decided" and isinstance(body, dict):
            yield record.get("crossing"), body


def decisions_again(rule_set: RuleSet, decisions: Iterable[tuple[object, dict[str, object]]]) -> Again:
    """Take each decision again by these rules, from its recorded evidence."""
    found = Again()
    for crossing, body in decisions:
        try:
            was, would = decide_by(rule_set, body)
        except RecordError:
            found.others += 1
            continue
        found.crossings += 1
        if was is not would.verdict:
            reasons = [f"{one.reason.value}:{one.detail}".removesuffix(":") for one in would.objections]
            found.changed.append(Changed(crossing, was.value, would.verdict.value, reasons))
    return found


def _is_stricter(rule_set: RuleSet, facts: Facts) -> bool:
    return any(rule.face_match_min is not None and rule.means(facts) is not False for rule in rule_set.rules)


def groups_of(facts: Facts) -> Mapping[Fact, str]:
    """Return the traveller's groups, by which the impact is counted."""
    return {
        Fact.NATIONALITY: facts.nationality or UNKNOWN,
        Fact.AGE: UNKNOWN if facts.age is None else age_band(facts.age),
        Fact.SEX: UNKNOWN if facts.sex is None else facts.sex.value,
    }


def age_band(age: int) -> str:
    """The age group, such as 18-29."""
    start = max(band for band in AGE_BANDS if band <= max(0, age))
    following = next((band for band in AGE_BANDS if band > start), None)
    return f"{start}+" if following is None else f"{start}-{following - 1}"
