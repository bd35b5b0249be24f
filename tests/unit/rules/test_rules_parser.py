"""Files of written rules: read strictly, and everything that is wrong said at once, with key and line."""

from __future__ import annotations

from datetime import date, time
from typing import Any

import pytest

from gate.passage.conditions import (
    AgeFrom,
    All,
    AnyOf,
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
from gate.passage.rule_set import Effect
from gate.rules.parser import DEPTH_MAX, PARTS_MAX, read, recorded, spelt
from gate_core.evidence.crossing import Score
from gate_core.evidence.service_scope import BorderDirection
from gate_core.settings.toml_file import FileError, TomlFile

HEAD = 'schema = 1\nversion = "2026-12"\n'


def file_of(text: str) -> TomlFile:
    """A file under a name that messages show."""
    return TomlFile("rules.toml", HEAD + text)


def a_rule(effect: str = "officer", when: str = "", **more: str) -> str:
    """One rule, well but for what a test changes; its lines begin at the fourth."""
    lines = {
        "effect": f'"{effect}"',
        "title": '"A title"',
        "basis": '"Act 1, Article 2"',
        "author": '"N. N."',
        "from": "2026-12-01",
        "to": "2027-11-30",
        "instructions": '"Look at the page."',
        **({"when": when} if when else {}),
        **more,
    }
    return "[rules.one]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items() if value)


def problems(text: str) -> list[str]:
    """Everything that is said of a file."""
    with pytest.raises(FileError) as refused:
        read(file_of(text))
    return [f"{one.key}: {one.problem}" for one in refused.value.problems]


@pytest.mark.parametrize(
    ("when", "condition"),
    [
        ('{ document_type = ["P", "ID"] }', DocumentTypeIs(("P", "ID"))),
        ('{ issuer = ["UTO"] }', IssuerIs(("UTO",))),
        ('{ nationality = ["D", "FRA"] }', NationalityIs(("D", "FRA"))),
        ('{ sex = ["X"] }', SexIs((Sex.UNSPECIFIED,))),
        ("{ age_from = 18 }", AgeFrom(18)),
        ("{ age_below = 12 }", Not(AgeFrom(12))),
        ("{ issued = { from = 2024-01-01, to = 2024-03-31 } }", IssuedBetween(date(2024, 1, 1), date(2024, 3, 31))),
        ("{ expires_within_days = 90 }", ExpiresWithin(90)),
        ('{ direction = "exit" }', DirectionIs(BorderDirection.EXIT)),
        ("{ hours = { from = 23:00:00, to = 05:00:00 } }", HoursBetween(time(23), time(5))),
        ('{ weekday = ["saturday", "sunday"] }', WeekdayIs((Weekday.SATURDAY, Weekday.SUNDAY))),
        ("{ date = { from = 2026-12-24, to = 2026-12-26 } }", DateBetween(date(2026, 12, 24), date(2026, 12, 26))),
        ('{ state = "suspended" }', DateBetween(date(2026, 12, 20), date(2027, 1, 10))),
        ('{ not = { direction = "exit" } }', Not(DirectionIs(BorderDirection.EXIT))),
        (
            '{ all = [{ age_from = 18 }, { any = [{ issuer = ["UTO"] }, { sex = ["M"] }] }] }',
            All((AgeFrom(18), AnyOf((IssuerIs(("UTO",)), SexIs((Sex.MALE,)))))),
        ),
    ],
)
def test_each_question_is_read_from_a_file_and_from_a_record_alike(when: str, condition: object) -> None:
    state = '[states.suspended]\ntitle = "S"\nbasis = "B"\nfrom = 2026-12-20\nto = 2027-01-10\n'
    file = file_of(a_rule(when=when) + state)
    book = read(file)
    assert [one.when for one in book.rules] == [condition]
    assert recorded(spelt(file.table())) == book


def test_a_rule_is_read_whole() -> None:
    (rule,) = read(file_of(a_rule("threshold", face_match_min="0.6"))).rules
    assert (rule.name, rule.effect, rule.title, rule.basis, rule.author) == (
        "one",
        Effect.THRESHOLD,
        "A title",
        "Act 1, Article 2",
        "N. N.",
    )
    assert (rule.first, rule.last, rule.when) == (date(2026, 12, 1), date(2027, 11, 30), All(()))
    assert (rule.instructions, rule.face_match_min) == ("Look at the page.", Score(0.6))


def test_a_rule_that_wants_two_officers_says_so_where_verifiers_look() -> None:
    file = file_of(a_rule(officers="2"))
    assert [one.officers for one in read(file).rules] == [2]
    assert '"officers":2' in spelt(file.table())
    quoted = file_of(a_rule(title="'says \"officers\":2'"))
    assert '"officers":2' not in spelt(quoted.table())


def test_the_order_and_spelling_of_a_file_do_not_name_other_rules_but_every_word_does() -> None:
    one, other = a_rule(), a_rule().replace("rules.one", "rules.two")
    book = read(file_of(one + other))
    assert read(file_of(other + one.replace(" = ", "=") + "# a remark\n")) == book
    assert read(file_of(one + other.replace("A title", "A Title"))).sha256 != book.sha256
    assert book.version == "2026-12"


def test_no_rules_at_all_are_rules() -> None:
    assert read(file_of("")).rules == ()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"effect": "refuse"}, "rules.one.effect: 'refuse' is none of eligible, officer, customs, threshold, closed"),
        ({"basis": ""}, "rules.one.basis: is missing"),
        ({"author": '""'}, "rules.one.author: Expected `str` of length >= 1"),
        ({"to": "2026-11-30"}, "rules.one.to: is before from"),
        ({"instructions": ""}, "rules.one.instructions: is missing: an officer must know what to do"),
        ({"instructions": '"  "'}, "rules.one.instructions: is missing: an officer must know what to do"),
        ({"face_match_min": "0.5"}, "rules.one.face_match_min: is no key of an effect officer"),
        ({"score": "3"}, "rules.one.score: unknown setting"),
        ({"officers": "3"}, "rules.one.officers: 3 is none of 1, 2"),
        ({"effect": "customs", "officers": "2"}, "rules.one.officers: is no key of an effect customs"),
        (
            {"when": "{ emotion = 1 }"},
            "rules.one.when.emotion: is no question that a rule can ask; there are all, any, not,",
        ),
        ({"when": '{ name = ["X"] }'}, "rules.one.when.name: is no question"),
        ({"when": "{ age_from = 1, age_below = 3 }"}, "rules.one.when: is a condition: a table with one key"),
        ({"when": "{ all = [] }"}, f"rules.one.when.all: is a list of 1 to {PARTS_MAX} conditions"),
        ({"when": "{ all = 3 }"}, f"rules.one.when.all: is a list of 1 to {PARTS_MAX} conditions"),
        ({"when": "{ any = [3] }"}, "rules.one.when.any.0: is a condition: a table with one key"),
        ({"when": "{ not = 3 }"}, "rules.one.when.not: is a condition: a table with one key"),
        ({"when": '{ state = "none" }'}, "rules.one.when.state: 'none' is none of [states]"),
        ({"when": "{ state = 1 }"}, "rules.one.when.state: 1 is none of [states]"),
        ({"when": "{ age_from = 200 }"}, "rules.one.when.age_from: Expected `int` <= 120, not 200"),
        ({"when": '{ issuer = ["ZZ9"] }'}, "rules.one.when.issuer.0: Expected `str` matching regex"),
        ({"when": '{ issuer = ["DEU"] }'}, "rules.one.when.issuer: DEU is no code of an MRZ (ICAO 9303-3 §5)"),
        (
            {"when": '{ nationality = ["DEU"] }'},
            "rules.one.when.nationality: DEU is no code of an MRZ (ICAO 9303-3 §5)",
        ),
        ({"when": '{ sex = ["male"] }'}, "rules.one.when.sex.0: 'male' is none of F, M, X"),
        ({"when": "{ date = { from = 2026-12-02, to = 2026-12-01 } }"}, "rules.one.when.date.to: is before from"),
        ({"when": "{ issued = { from = 2026-12-02, to = 2026-12-01 } }"}, "rules.one.when.issued.to: is before from"),
        ({"when": "{ hours = { from = 05:00:00, to = 05:00:00 } }"}, "rules.one.when.hours.to: is from"),
        ({"when": "{ hours = { from = 05:00:00 } }"}, "rules.one.when.hours.to: is missing"),
    ],
)
def test_what_is_wrong_is_said_at_its_key(changed: dict[str, str], said: str) -> None:
    (found,) = problems(a_rule(**changed))
    assert found.startswith(said)


def types(count: int) -> str:
    """A question for so many document codes."""
    return f"{{ document_type = {[f'A{chr(65 + number % 26)}' for number in range(count)]} }}"


@pytest.mark.parametrize(
    ("taken", "refused"),
    [
        ({"title": f'"{"t" * 300}"'}, {"title": f'"{"t" * 301}"'}),
        ({"instructions": f'"{"i" * 500}"'}, {"instructions": f'"{"i" * 501}"'}),
        ({"when": "{ age_from = 0 }"}, {"when": "{ age_from = -1 }"}),
        ({"when": "{ age_from = 120 }"}, {"when": "{ age_from = 121 }"}),
        ({"when": "{ age_below = 0 }"}, {"when": "{ age_below = -1 }"}),
        ({"when": "{ age_below = 120 }"}, {"when": "{ age_below = 121 }"}),
        ({"when": "{ expires_within_days = 0 }"}, {"when": "{ expires_within_days = -1 }"}),
        ({"when": "{ expires_within_days = 3660 }"}, {"when": "{ expires_within_days = 3661 }"}),
        ({"when": types(26)}, {"when": types(27)}),
        ({"when": types(1)}, {"when": types(0)}),
        ({"effect": "threshold", "face_match_min": "0.0"}, {"effect": "threshold", "face_match_min": "-0.1"}),
        ({"effect": "threshold", "face_match_min": "1.0"}, {"effect": "threshold", "face_match_min": "1.1"}),
    ],
)
def test_a_rule_is_read_to_its_limits_and_not_beyond(taken: dict[str, str], refused: dict[str, str]) -> None:
    assert read(file_of(a_rule(**taken))).rules
    (said,) = problems(a_rule(**refused))
    assert "Expected" in said


def test_a_name_has_up_to_32_letters() -> None:
    for name, version in (("n" * 32, "2" * 32), ("n", "2")):
        file = TomlFile(
            "rules.toml", f'schema = 1\nversion = "{version}"\n' + a_rule().replace("rules.one", f"rules.{name}")
        )
        assert [one.name for one in read(file).rules] == [name]
    assert problems(a_rule().replace("rules.one", f"rules.{'n' * 33}"))
    with pytest.raises(FileError):
        read(TomlFile("rules.toml", f'schema = 1\nversion = "{"2" * 33}"\n'))


def test_an_eligibility_names_its_article() -> None:
    for basis in ("Act 1, Article 2", "Art. 8a", "BPolG § 23", "§23", "Immigration Act, section 5"):
        assert read(file_of(a_rule("eligible", basis=f'"{basis}"'))).rules
    for basis in ("the law", "Smart 7", "Directive of the minister"):
        (said,) = problems(a_rule("eligible", basis=f'"{basis}"'))
        assert said.startswith("rules.one.basis: names no article")
    assert read(file_of(a_rule("officer", basis='"Order of the day"'))).rules


def test_a_threshold_says_which() -> None:
    assert problems(a_rule("threshold")) == ["rules.one.face_match_min: is missing"]


def test_everything_that_is_wrong_is_said_at_once_each_with_its_line() -> None:
    text = a_rule(to="2026-11-30", when="{ emotion = 1 }") + a_rule(instructions="").replace("rules.one", "rules.two")
    text += '[states.s]\ntitle = "S"\nbasis = "B"\nfrom = 2027-01-01\nto = 2026-01-01\n'
    with pytest.raises(FileError) as refused:
        read(file_of(text))
    found = {(one.key, one.line) for one in refused.value.problems}
    assert found == {
        ("states.s.to", 23),
        ("rules.one.to", 9),
        ("rules.one.when.emotion", 11),
        ("rules.two.instructions", 12),
    }


def test_a_condition_that_is_nested_too_deeply_is_refused() -> None:
    deep = "{ age_from = 1 }"
    for _ in range(DEPTH_MAX - 1):
        deep = f"{{ not = {deep} }}"
    assert read(file_of(a_rule(when=deep))).rules
    (said,) = problems(a_rule(when=f"{{ not = {deep} }}"))
    assert said.endswith(f"is nested deeper than {DEPTH_MAX}")


@pytest.mark.parametrize(
    "text", ["schema = 2", 'schema = 1\nversion = ""', 'schema = 1\nversion = "a b"', "[[[", "a = " + "[" * 5000]
)
def test_what_is_no_file_of_rules_is_refused(text: str) -> None:
    with pytest.raises(FileError):
        read(TomlFile("rules.toml", text))


@pytest.mark.parametrize(
    "text", ["", "[]", "3", "{", "[" * 100_000, '{"schema": 1}', '{"schema":1,"version":"x","rules":7}']
)
def test_what_is_no_text_of_rules_is_refused(text: str) -> None:
    with pytest.raises(FileError):
        recorded(text)


def test_more_rules_than_anybody_could_answer_for_are_refused() -> None:
    many: Any = "".join(a_rule().replace("rules.one", f"rules.r{number}") for number in range(501))
    assert problems(many)
