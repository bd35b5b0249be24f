"""The file of a site's written rules: TOML, parsed strictly; all errors are reported together, each with key and line. Pure.

    schema = 1
    version = "2026-12"

    [rules.adults]
    effect = "eligible"
    title = "Adults with a passport"
    basis = "Regulation (EU) 2016/399, Article 8a(1)"
    author = "N. N., head of the border police station"
    from = 2026-12-01
    to = 2027-11-30
    when.all = [{ document_type = ["P"] }, { age_from = 18 }]

A condition is a table with one key: `all`, `any` or `not`, or a predicate of `gate.passage.conditions` with its arguments.
`[states.NAME]` names a span of days, such as that a register is suspended here, and a rule refers to it with `state`.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, time
from typing import Annotated, Any, Final, Literal

import msgspec

from gate.passage.conditions import (
    AgeFrom,
    All,
    AnyOf,
    Condition,
    DateBetween,
    DirectionIs,
    DocumentTypeIs,
    ExpiresWithin,
    HoursBetween,
    IssuedBetween,
    IssuerIs,
    NationalityIs,
    Not,
    Sex,
    SexIs,
    Weekday,
    WeekdayIs,
)
from gate.passage.rule_set import Effect, Rule, RuleSet
from gate_core.evidence.crossing import Score
from gate_core.evidence.service_scope import BorderDirection
from gate_core.settings.toml_file import TomlFile, Wrong, misfits
from gate_documents.countries import is_state_code

RULES_MAX: Final = 500
DEPTH_MAX: Final = 6
PARTS_MAX: Final = 32  # of one `all` or `any`
_ARTICLE: Final = re.compile(r"(?:\b(?:article|art\.?|section|sec\.|paragraph|para\.)|§)\s*[0-9]", re.IGNORECASE)

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
_States = Annotated[
    tuple[Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{1,3}$")], ...], msgspec.Meta(min_length=1, max_length=300)
]
_Types = Annotated[
    tuple[Annotated[str, msgspec.Meta(pattern=r"^[A-Z][A-Z<]?$")], ...], msgspec.Meta(min_length=1, max_length=26)
]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The base of every table of the file."""


class _Days(_Table, frozen=True):
    """From one day to another, both included."""

    first: date = msgspec.field(name="from")
    last: date = msgspec.field(name="to")


class _Hours(_Table, frozen=True):
    """From one time of day until before another."""

    start: time = msgspec.field(name="from")
    end: time = msgspec.field(name="to")


class _State(_Days, frozen=True):
    """A named state of the site, with its legal basis."""

    title: Words
    basis: Words


class _Rule(_Days, frozen=True):
    """One rule; `when` is parsed separately, because TOML cannot express its type."""

    effect: Effect
    title: Words
    basis: Words
    author: Words
    when: dict[str, Any] = {}
    instructions: Annotated[str, msgspec.Meta(max_length=500)] = ""
    face_match_min: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] | None = None
    officers: Literal[1, 2] = 1


class _File(_Table, frozen=True):
    """The whole of it."""

    schema: Literal[1]
    version: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]
    rules: Annotated[dict[Name, _Rule], msgspec.Meta(max_length=RULES_MAX)] = {}
    states: dict[Name, _State] = {}


# How a question is spelt: the type of what stands behind its key, and what is made of that.
_QUESTIONS: Final[Mapping[str, tuple[Any, Callable[[Any], Condition]]]] = {
    "document_type": (_Types, DocumentTypeIs),
    "issuer": (_States, IssuerIs),
    "nationality": (_States, NationalityIs),
    "sex": (Annotated[tuple[Sex, ...], msgspec.Meta(min_length=1)], SexIs),
    "age_from": (Annotated[int, msgspec.Meta(ge=0, le=120)], AgeFrom),
    "age_below": (Annotated[int, msgspec.Meta(ge=0, le=120)], lambda years: Not(AgeFrom(years))),
    "issued": (_Days, lambda days: IssuedBetween(days.first, days.last)),
    "expires_within_days": (Annotated[int, msgspec.Meta(ge=0, le=3660)], ExpiresWithin),
    "direction": (BorderDirection, DirectionIs),
    "hours": (_Hours, lambda hours: HoursBetween(hours.start, hours.end)),
    "weekday": (Annotated[tuple[Weekday, ...], msgspec.Meta(min_length=1)], WeekdayIs),
    "date": (_Days, lambda days: DateBetween(days.first, days.last)),
}
_JOINS: Final[Mapping[str, Callable[[tuple[Condition, ...]], Condition]]] = {"all": All, "any": AnyOf}


def read(file: TomlFile) -> RuleSet:
    """Return the rules of a file. Raises FileError with every error, as far as each rule alone shows it; see `gate.rules.linter`."""
    return _rule_set(file, file.table())


def recorded(text: str) -> RuleSet:
    """Return the rules of a text from `spelt`. Raises FileError."""
    file = TomlFile("the records", text)
    try:
        table = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise file.error(Wrong("", f"are no rules: {error}")) from error
    return _rule_set(file, table)


def _rule_set(file: TomlFile, table: dict[str, object]) -> RuleSet:
    listed = file.fitted(table, _File)
    states = {name: DateBetween(one.first, one.last) for name, one in listed.states.items()}
    wrong = [
        Wrong(f"states.{name}.to", "is before from") for name, one in listed.states.items() if one.last < one.first
    ]
    rules: list[Rule] = []
    for name, one in sorted(listed.rules.items()):
        found = list(_wrong_with(one, f"rules.{name}"))
        when = _Reading(states, found).condition(one.when, f"rules.{name}.when") if one.when else All(())
        wrong += found
        threshold = None if one.face_match_min is None else Score(one.face_match_min)
        said, days = (one.title, one.basis, one.author), (one.first, one.last)
        rules.append(Rule(name, one.effect, *said, *days, when, one.instructions, threshold, one.officers))
    if wrong:
        raise file.error(*wrong)
    return RuleSet(listed.version, hashlib.sha256(spelt(table).encode()).hexdigest(), tuple(rules))


def spelt(table: dict[str, object]) -> str:
    """Return a file's table in canonical form, JSON in ASCII with sorted keys: its SHA-256 identifies the rules, and records contain it."""
    return json.dumps(msgspec.to_builtins(table), sort_keys=True, separators=(",", ":"))


def _wrong_with(rule: _Rule, key: str) -> Iterator[Wrong]:
    """Yield a rule's errors outside its condition."""
    if rule.last < rule.first:
        yield Wrong(f"{key}.to", "is before from")
    if (rule.effect is Effect.THRESHOLD) != (rule.face_match_min is not None):
        said = "is missing" if rule.face_match_min is None else f"is no key of an effect {rule.effect.value}"
        yield Wrong(f"{key}.face_match_min", said)
    if rule.officers != 1 and rule.effect is not Effect.OFFICER:
        yield Wrong(f"{key}.officers", f"is no key of an effect {rule.effect.value}")
    if rule.effect is Effect.ELIGIBLE and _ARTICLE.search(rule.basis) is None:
        yield Wrong(
            f"{key}.basis",
            "names no article: who is eligible, a law says, such as Regulation (EU) 2016/399, Article 8a(1)",
        )
    if rule.effect in {Effect.OFFICER, Effect.CUSTOMS} and not rule.instructions.strip():
        yield Wrong(f"{key}.instructions", "is missing: an officer must know what to do")


class _Reading:
    """One rule's condition; its errors are added to `wrong`."""

    def __init__(self, states: Mapping[str, DateBetween], wrong: list[Wrong]) -> None:
        self._states = states
        self._wrong = wrong

    def condition(self, value: object, key: str, depth: int = 1) -> Condition:
        """Return a table's condition; for an invalid one the result is arbitrary."""
        if not isinstance(value, dict) or len(value) != 1:
            return self._say(key, "is a condition: a table with one key")
        if depth > DEPTH_MAX:
            return self._say(key, f"is nested deeper than {DEPTH_MAX}")
        ((name, inner),) = value.items()
        here = f"{key}.{name}"
        if name == "not":
            return Not(self.condition(inner, here, depth + 1))
        if name in _JOINS:
            if not isinstance(inner, list) or not 1 <= len(inner) <= PARTS_MAX:
                return self._say(here, f"is a list of 1 to {PARTS_MAX} conditions")
            return _JOINS[name](tuple(self.condition(one, f"{here}.{at}", depth + 1) for at, one in enumerate(inner)))
        if name == "state":
            state = self._states.get(inner) if isinstance(inner, str) else None
            return state or self._say(here, f"{inner!r} is none of [states]")
        return self._question(name, inner, here)

    def _question(self, name: str, inner: object, here: str) -> Condition:
        if name not in _QUESTIONS:
            known = ", ".join(("all", "any", "not", "state", *_QUESTIONS))
            return self._say(here, f"is no question that a rule can ask; there are {known}")
        type_, make = _QUESTIONS[name]
        if found := misfits(inner, type_, here):
            self._wrong.extend(found)
            return All(())
        value = msgspec.convert(inner, type_, str_keys=True)
        if name in {"issuer", "nationality"} and (unknown := [one for one in value if not is_state_code(one)]):
            return self._say(here, f"{', '.join(unknown)} is no code of an MRZ (ICAO 9303-3 §5)")
        if isinstance(value, _Days) and value.last < value.first:
            return self._say(f"{here}.to", "is before from")
        if isinstance(value, _Hours) and value.start == value.end:
            return self._say(f"{here}.to", "is from: that is no time at all, or all of it")
        return make(value)

    def _say(self, key: str, why: str) -> Condition:
        self._wrong.append(Wrong(key, why))
        return All(())
