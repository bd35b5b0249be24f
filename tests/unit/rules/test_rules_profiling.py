"""No targeting rule picks people out by nationality, sex or issuer: tried as whoever has an interest in such a rule would write it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gate.cli.nouns import application
from gate.rules.profiling import population

UTO = '{ nationality = ["UTO"] }'
PROFILE = "age,nationality,count\n8,FRA,5\n40,UTO,95\n"


def file_of(*rules: str, more: str = "", lasting: str = "from = 2026-12-01\nto = 2027-11-30\n") -> str:
    """A file of officers' rules with these conditions, called a, b, c. One that begins with `EFFECT:` has that effect."""
    text = 'schema = 1\nversion = "1"\n'
    for name, rule in zip("abcdefgh", rules, strict=False):
        effect, _, when = rule.partition(":") if rule.split(":")[0].isalpha() else ("officer", "", rule)
        text += f'[rules.{name}]\neffect = "{effect}"\ntitle = "T"\nbasis = "Article 1"\nauthor = "N. N."\n'
        text += f'{lasting}instructions = "Look."\n' + ("face_match_min = 0.5\n" if effect == "threshold" else "")
        text += f"when = {when}\n"
    return text + more


def checked(folder: Path, text: str, verb: str = "check") -> tuple[int, str]:
    """The exit code of a command on these rules, and everything that it prints."""
    rules, profile = folder / "rules.toml", folder / "travellers.csv"
    rules.write_text(text)
    profile.write_text(PROFILE)
    words = ["policy", verb, str(rules)] + (["--profile", str(profile)] if verb == "dry-run" else [])
    done = CliRunner().invoke(application(["policy"]), words)
    return done.exit_code, done.stdout + done.stderr


def both(*others: str) -> str:
    """A nationality, and these as well."""
    return f"{{ all = [{', '.join((UTO, *others))}] }}"


# What stands beside a nationality and keeps nearly everybody.
WIDE = {
    "age_from": "{ age_from = 1 }",
    "age_below": "{ age_below = 120 }",
    "working": "{ any = [{ age_below = 50 }, { age_from = 70 }] }",
    "passport": '{ document_type = ["P"] }',
    "new-code": '{ document_type = ["PP"] }',
    "old-code": '{ not = { document_type = ["PP"] } }',
    "state-code": '{ document_type = ["PO", "PD"] }',
    "no-card": '{ not = { document_type = ["I"] } }',
    "direction": '{ direction = "entry" }',
    "other-direction": '{ not = { direction = "exit" } }',
    "whole-day": "{ hours = { from = 00:00:00, to = 23:59:59 } }",
    "over-midnight": "{ hours = { from = 06:00:00, to = 05:59:00 } }",
    "daytime": "{ hours = { from = 06:00:00, to = 22:00:00 } }",
    "all-but-a-second": "{ not = { hours = { from = 03:00:00, to = 03:00:01 } } }",
    "all-but-marks": "{ not = { any = ["
    + ", ".join(f"{{ hours = {{ from = {hour:02}:00:00, to = {hour:02}:00:01 }} }}" for hour in range(24))
    + "] } }",
    "weekdays": '{ weekday = ["monday", "tuesday", "wednesday", "thursday"] }',
    "issued": "{ issued = { from = 2000-01-01, to = 2027-11-30 } }",
    "issued-lately": "{ issued = { from = 2020-01-01, to = 2027-11-30 } }",
    "not-issued": "{ not = { issued = { from = 2024-01-01, to = 2024-03-31 } } }",
    "expires": "{ expires_within_days = 3660 }",
    "expires-later": "{ not = { expires_within_days = 30 } }",
    "most-days": "{ date = { from = 2026-12-02, to = 2027-11-29 } }",
    "one-day": "{ date = { from = 2026-12-24, to = 2026-12-24 } }",
    "each-half": "{ any = [{ all = [{ direction = 'entry' }, { age_below = 40 }] }, { all = [{ direction = 'exit' }, { age_from = 40 }] }] }",
    "several": "{ all = [{ age_from = 1 }, { not = { hours = { from = 03:00:00, to = 03:00:01 } } }, { document_type = ['P'] }] }",
    "nested": "{ any = [{ not = { any = [{ age_below = 2 }, { age_from = 110 }] } }, { age_below = 1 }] }",
    "not-not": "{ not = { not = { all = [{ any = [{ age_from = 5 }] }] } } }",
}


@pytest.mark.parametrize("verb", ["check", "dry-run"])
@pytest.mark.parametrize("wide", WIDE.values(), ids=list(WIDE))
def test_a_nationality_and_what_keeps_nearly_everybody_is_refused(tmp_path: Path, wide: str, verb: str) -> None:
    code, said = checked(tmp_path, file_of(both(wide)), verb)
    assert (code, "rules.a.when: picks people out by nationality alone" in said) == (65, True), said


@pytest.mark.parametrize("effect", ["officer", "customs", "threshold"])
@pytest.mark.parametrize(
    "protected",
    [
        '{ sex = ["M"] }',
        '{ issuer = ["UTO"] }',
        '{ not = { nationality = ["D", "FRA"] } }',
        '{ nationality = ["XXA"] }',
    ],
)
def test_so_is_every_protected_attribute_for_every_effect_that_takes(
    tmp_path: Path, effect: str, protected: str
) -> None:
    code, said = checked(tmp_path, file_of(f"{effect}:{{ all = [{protected}, {{ age_from = 1 }}] }}"))
    assert (code, "picks people out by" in said) == (65, True), said


@pytest.mark.parametrize(
    "when",
    [
        f"{{ any = [{UTO}, {{ age_below = 40 }}] }}",
        f"{{ any = [{both('{ age_from = 1 }')}, {both('{ age_below = 1 }')}] }}",
        f"{{ any = [{both('{ age_from = 1 }')}, {{ age_below = 3 }}] }}",
        "{ not = { any = [{ not = { nationality = ['UTO'] } }, { age_below = 1 }] } }",
        "{ all = [{ not = { nationality = ['D', 'FRA'] } }, { age_from = 1 }] }",
        f"{{ any = [{{ direction = 'entry' }}, {UTO}] }}",
        f"{{ any = [{{ not = {{ hours = {{ from = 03:00:00, to = 03:00:01 }} }} }}, {UTO}] }}",
        f"{{ any = [{{ date = {{ from = 2026-12-01, to = 2027-10-31 }} }}, {UTO}] }}",
        f"{{ all = [{UTO}, {{ any = [{{ weekday = ['monday'] }}, {{ not = {{ weekday = ['monday'] }} }}] }}] }}",
    ],
)
def test_any_not_and_all_hide_nothing(tmp_path: Path, when: str) -> None:
    code, said = checked(tmp_path, file_of(when))
    assert (code, "picks people out by nationality alone" in said) == (65, True), said


def test_a_rule_written_around_the_sample_meets_other_values(tmp_path: Path) -> None:
    """Each day on which a document of the sample was issued is left out, in the week that the file itself has."""
    issued = sorted({one.issued.isoformat() for one in population() if one.issued is not None})
    parts = [f"{{ issued = {{ from = {day}, to = {day} }} }}" for day in issued]
    lists = [f"{{ any = [{', '.join(parts[at : at + 32])}] }}" for at in range(0, len(parts), 32)]
    when = both(f"{{ not = {{ any = [{', '.join(lists)}] }} }}")
    code, said = checked(tmp_path, file_of(when, lasting="from = 2026-01-05\nto = 2026-01-11\n"))
    assert (code, "picks people out by nationality alone" in said) == (65, True), said[:300]


def test_a_state_of_the_site_that_lasts_nearly_as_long_as_the_rule_makes_it_no_better(tmp_path: Path) -> None:
    state = '[states.s]\ntitle = "T"\nbasis = "B"\nfrom = 2026-12-01\nto = 2027-11-29\n'
    assert checked(tmp_path, file_of(both('{ state = "s" }'), more=state))[0] == 65


def test_a_rule_that_lasts_long_is_tried_on_later_days_as_well(tmp_path: Path) -> None:
    when = both("{ issued = { from = 2029-01-01, to = 2037-12-31 } }")
    assert checked(tmp_path, file_of(when))[0] == 65, "nobody yet: it means nobody"
    assert checked(tmp_path, file_of(when, lasting="from = 2026-12-01\nto = 2028-12-31\n"))[0] == 65
    assert checked(tmp_path, file_of(when, lasting="from = 2026-12-01\nto = 2030-12-31\n"))[0] == 0
    code, said = checked(tmp_path, file_of(when, lasting="from = 2026-12-01\nto = 2099-12-31\n"))
    assert (code, "picks people out by nationality alone" in said) == (65, True), said
    day = "from = 2026-12-07\nto = 2026-12-07\n"  # a Monday
    code, said = checked(tmp_path, file_of(both('{ weekday = ["monday"] }'), lasting=day))
    assert (code, "picks people out by nationality alone" in said) == (65, True), said


NARROW = {
    "young": "{ age_below = 16 }",
    "old": "{ age_from = 60 }",
    "card": '{ document_type = ["I", "A", "C"] }',
    "official": '{ document_type = ["PD", "PS"] }',
    "stolen": "{ issued = { from = 2024-01-01, to = 2024-03-31 } }",
    "ends-soon": "{ expires_within_days = 90 }",
    "night": "{ hours = { from = 23:00:00, to = 05:00:00 } }",
    "one-weekday": '{ weekday = ["monday"] }',
    "both": '{ age_from = 18 }, { age_below = 40 }, { direction = "exit" }',
    "either": "{ any = [{ age_below = 12 }, { expires_within_days = 30 }] }",
}


@pytest.mark.parametrize("verb", ["check", "dry-run"])
@pytest.mark.parametrize("narrow", NARROW.values(), ids=list(NARROW))
def test_one_that_rests_on_something_else_may_be(tmp_path: Path, narrow: str, verb: str) -> None:
    code, said = checked(tmp_path, file_of(both(narrow)), verb)
    assert code == 0, said


def test_one_that_asks_of_nobody_what_they_are_may_keep_everybody(tmp_path: Path) -> None:
    assert checked(tmp_path, file_of("{ age_from = 1 }"))[0] == 0
    assert checked(tmp_path, file_of(f"{{ any = [{UTO}, {{ not = {UTO} }}] }}"))[0] == 0, "the same for all"
    assert checked(tmp_path, file_of('eligible:{ nationality = ["D", "FRA"] }'))[0] == 0


@pytest.mark.parametrize(
    "parts",
    [
        ("{ age_below = 30 }", "{ age_from = 30 }, { age_below = 50 }", "{ age_from = 50 }"),
        (
            '{ weekday = ["monday", "tuesday"] }',
            '{ weekday = ["wednesday", "thursday"] }',
            '{ weekday = ["friday", "saturday", "sunday"] }',
        ),
        ("{ age_below = 20 }", "{ expires_within_days = 1000 }", "{ hours = { from = 12:00:00, to = 18:00:00 } }"),
    ],
)
@pytest.mark.parametrize("effects", [("officer", "officer", "officer"), ("customs", "officer", "threshold")])
def test_rules_that_share_a_nationality_among_them_are_judged_together(
    tmp_path: Path, parts: tuple[str, ...], effects: tuple[str, ...]
) -> None:
    rules = [f"{effect}:{both(part)}" for effect, part in zip(effects, parts, strict=True)]
    for one in rules:
        assert checked(tmp_path, file_of(one))[0] == 0
    code, said = checked(tmp_path, file_of(*rules))
    assert (code, said.count("picks people out")) == (65, 1), said
    assert "rules.a.when: picks people out, together with rules.b, rules.c, by nationality alone" in said


def test_so_are_rules_whose_states_only_overlap_and_one_that_asks_for_sex_as_well(tmp_path: Path) -> None:
    young = "{ all = [{ nationality = ['UTO', 'FRA'] }, { age_below = 30 }] }"
    old = "{ all = [{ not = { nationality = ['FRA', 'D'] } }, { sex = ['M'] }, { age_from = 40 }] }"
    code, said = checked(tmp_path, file_of(young, old))
    assert (code, "together with rules.b, by nationality and sex alone" in said) == (65, True), said
    assert checked(tmp_path, file_of(young, old.replace("'FRA', 'D'", "'UTO', 'FRA'")))[0] == 0, "nobody is in both"
    later = (
        file_of(young, lasting="from = 2026-12-01\nto = 2027-01-31\n")
        + file_of(old, old, lasting="from = 2027-02-01\nto = 2027-11-30\n").partition("[rules.b]")[1]
        + file_of(old, old, lasting="from = 2027-02-01\nto = 2027-11-30\n").partition("[rules.b]")[2]
    )
    assert checked(tmp_path, later)[0] == 0, "never on one day"


def test_so_are_rules_about_nationals_and_about_documents_of_one_state(tmp_path: Path) -> None:
    documents = "{ all = [{ issuer = ['UTO'] }, { age_from = 30 }, { age_below = 60 }] }"
    code, said = checked(tmp_path, file_of(both("{ age_below = 30 }"), documents))
    assert (code, "together with rules.b, by issuer and nationality alone" in said) == (65, True), said
    assert checked(tmp_path, file_of(both("{ age_below = 30 }"), documents.replace("'UTO'", "'FRA'")))[0] == 65, (
        "nor these"
    )
    assert checked(tmp_path, file_of(both("{ age_below = 10 }"), documents.replace("60", "50")))[0] == 0


def test_many_narrow_rules_about_many_states_are_judged_soon_and_may_be(tmp_path: Path) -> None:
    rules = [
        f"{{ all = [{{ issuer = ['{state}'] }}, {{ issued = {{ from = 20{year}-01-01, to = 20{year}-03-31 }} }}] }}"
        for state, year in zip(("UTO", "FRA", "D", "UTO", "FRA", "D", "UTO", "ESP"), range(17, 25), strict=True)
    ]
    assert checked(tmp_path, file_of(*rules))[0] == 0
