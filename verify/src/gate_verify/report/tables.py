"""The tables of a report: every figure of a log as text, with its entries. Pure.

`reason` gives a reason's text, which the page takes from the officers' console.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from gate_verify.findings import Report
from gate_verify.report.account import GROUPS, HIT, NAMES_MAX, Account
from gate_verify.report.draws import Found
from gate_verify.report.fairness import Estimate
from gate_verify.report.rates import LEVEL, Rate

_DISPOSITIONS = {
    "admitted_by_officer": "admitted by an officer",
    "taken_over": "taken along by an officer",
    "walked_back": "went back",
}
_OPENED_BY = {
    "grant": "let through: each on their own grant",
    "release": "freed: by an officer, or on the way back that the gate offers whoever is inside",
    "emergency": "in an emergency",
    "unseen": "while nobody could see: the barrier or the program was away",
    "nothing": "let through by nobody",
}
NOT_HERE = "not here"
_AGAIN = {
    "same": "verdict and reasons follow from the evidence",
    "other": "ANOTHER VERDICT OR OTHER REASONS FOLLOW FROM THE EVIDENCE",
    "without evidence": "the record holds no evidence that can be read",
    NOT_HERE: "not taken again: the package portcullis is not installed where this page was made",
}
_RATES = {
    "referred": "referred to an officer",
    "not_acquired": "no face acquired",
    "alarms": "alarm of the liveness check",
    "fnmr": "false non-matches that an officer confirmed",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: label, number, share with interval, and the entries that it rests on."""

    label: str
    value: str
    share: str = ""
    interval: tuple[float, float] | None = None
    entries: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A table of the page, which holds its title and text. `share`: heading of the column of shares, empty without one."""

    id: str
    rows: Sequence[Row]
    share: str = ""


_SHARE: Final = f"Share, {LEVEL:.0%} interval"


def sections(account: Account, reason: Callable[[str], str]) -> list[Section]:
    """Return every table of the page, in order."""
    referred = len(account.figures["crossings", "referred"])
    return [
        _outcomes(account, referred),
        Section("reasons", _rows(account, "reasons", reason, referred), _SHARE),
        Section("overrides", _rows(account, "overruled", reason)),
        Section("decisions", _rows(account, "again", lambda one: _AGAIN.get(one, one))),
        _random_checks(account.draws.found()),
        _asked(account),
        _officers(account),
        _passages(account),
        Section("incidents", _rows(account, "incidents", plain)),
        Section("revoked", _rows(account, "revoked", reason)),
        Section("closed-records", _rows(account, "closed records", lambda one: one.partition(";")[0])),
        _clock(account),
        _programs(account),
        *_groups(account),
        _fairness(account),
    ]


def _outcomes(account: Account, referred: int) -> Section:
    verdicts = sum(len(account.figures.get(("crossings", one), ())) for one in ("admitted", "referred"))
    waiting, unended = account.waiting(), account.unended()
    closed = [one.closed_at for one in waiting if one.closed_at is not None]
    rows = [
        _row(account, "crossings", "opened", "crossings opened"),
        _row(account, "crossings", "admitted", "admitted by the gate", verdicts),
        _row(account, "crossings", "referred", "referred to an officer", verdicts),
        *(_row(account, "dispositions", one, f"of these {words}", referred) for one, words in _DISPOSITIONS.items()),
        Row("of these waiting for an officer where this log ends", f"{len(waiting):,}", entries=closed),
        Row("without a verdict where this log ends", f"{len(unended):,}", entries=[one.entries[0] for one in unended]),
    ]
    return Section("outcomes", rows, _SHARE)


def _clock(account: Account) -> Section:
    rows = []
    for step in account.steps:
        label, seconds = f"{step.time}: set {'forward' if step.by_ms > 0 else 'back'}", abs(step.by_ms) / 1000
        rows.append(Row(label, f"{seconds:,.1f} s", entries=[step.index]))
    return Section("clock", rows)


def _programs(account: Account) -> Section:
    rows = _rows(account, "starts", lambda one: f"started: {one}") + _rows(account, "happened", plain)
    return Section("programs", rows + _rows(account, "orders", lambda one: f"order: {plain(one)}"))


def _fairness(account: Account) -> Section:
    """Return the lane's counts by group, and which groups fare worse."""
    found = account.fairness
    rows = [
        Row(f"A GROUP FARES WORSE: {_group(one.attribute, one.value)}, {_RATES[one.rate]}", _of_all(one.of_group), f"{one.of_group.value:.1%}, others {one.of_others.value:.1%}", one.of_group.interval)
        for one in found.alarms()
    ]  # fmt: skip
    for group in found.groups():
        for rate, words in _RATES.items():
            one = group.estimate(rate)
            name = f"{_group(group.attribute, group.value)}: {words}"
            if one.is_estimable:
                rows.append(Row(name, _of_all(one), f"{one.value:.1%} ({one.method})", one.interval))
            else:
                rows.append(Row(name, _of_all(one), "not estimable"))
    return Section("fairness", rows, f"Rate, {LEVEL:.0%} interval")


def _of_all(one: Estimate) -> str:
    return f"{one.errors:,} of {one.of:,}"


def _group(attribute: str, value: str) -> str:
    return "everybody" if attribute == "everybody" else f"{plain(attribute)} {value}"


def erasures(report: Report) -> Section:
    """Return every order to erase keys, and its result."""
    rows = []
    for one in report.erasures:
        by = f", ordered by {', '.join(one.by)}" if one.by else ""
        by += "" if one.signed else ", BY THE GATE'S WORD ALONE"
        mirror = "; gone at the central server, too" if one.at_mirror else ""
        left = "none left" if not one.still_here else f"{one.still_here} STILL HERE"
        rows.append(Row(f"{one.keys} keys{by}; order {one.note}{mirror}", left, entries=(one.index,)))
    return Section("erasures", rows)


def _random_checks(found: Found) -> Section:
    """Return the draws, repeated from the secrets that the log reveals."""
    known, given_up = len(found.known), len(found.given_up)
    rows = [
        _entries(found.presented, "documents presented under a stated draw"),
        _entries(found.drawn, "drawn, by the secrets that were revealed", known),
        _entries(found.sent, "decisions that name a random check"),
        _entries(found.given_up, "given up before a decision, and referred", known),
        _entries(found.given_up_drawn, "of these drawn", given_up),
        _entries(found.unrevealed, "draws whose secret is not revealed where this log ends"),
        *(Row(f"NOT AS CHANCE HAD IT: {one.what}", "", entries=one.entries) for one in found.problems),
    ]
    return Section("random-checks", rows if found.presented or found.problems else [], _SHARE)


def _entries(entries: Sequence[int], label: str, of: int = 0) -> Row:
    rate = Rate(len(entries), of) if of else None
    share, interval = ("", None) if rate is None else (f"{rate.value:.1%}", rate.interval)
    return Row(label, f"{len(entries):,}", share, interval, entries)


def _asked(account: Account) -> Section:
    """Return the answers of each list and register, and the dispositions after its hits."""
    answers: Counter[str] = Counter()
    for one in names_of(account, "asked"):
        answers[one.rpartition(": ")[0]] += len(account.figures["asked", one])
    hits = {one: len(account.figures.get(("asked", f"{one}: {HIT}"), ())) for one in answers}
    rows = [
        _row(account, "asked", one, one, answers[one.rpartition(": ")[0]]) for one in sorted(names_of(account, "asked"))
    ]
    for one in names_of(account, "hits"):
        register, _, became = one.rpartition(": ")
        label = f"{register}: hit, then {_DISPOSITIONS.get(became, plain(became))}"
        rows.append(_row(account, "hits", one, label, hits.get(register, 0)))
    return Section("asked", rows, _SHARE)


def _officers(account: Account) -> Section:
    rows = []
    for officer in account.officers():
        kinds = names_of(account, officer)
        entries = sorted(index for kind in kinds for index in account.figures[officer, kind])
        told = ", ".join(f"{plain(kind)} {len(account.figures[officer, kind]):,}" for kind in kinds)
        rows.append(Row(f"{officer}: {told}", f"{len(entries):,}", entries=entries))
    return Section("officers", rows)


def _passages(account: Account) -> Section:
    """Return the barrier's counters, compared with recorded passages and admissions."""
    account.reconciliation.gaps()
    rows = []
    for door, way in sorted({*account.reconciliation.counted, *((door, way) for door, way, _ in account.passages)}):
        group = f"passages {door} {way}"
        told = sum(number for (one, other, _), number in account.passages.items() if (one, other) == (door, way))
        counted = account.reconciliation.counted[door, way]
        if told or counted:
            rows.append(Row(f"{door} door, {way}: counted by the barrier", f"{counted:,}"))
        for how in names_of(account, group):
            label, entries = f"{door} door, {way}: {_OPENED_BY.get(how, plain(how))}", account.figures[group, how]
            rows.append(Row(label, f"{account.passages[door, way, how]:,}", entries=entries))
    by_whom = ("crossings", "admitted"), ("dispositions", "admitted_by_officer")
    admitted = sum(len(account.figures[one]) for one in by_whom)
    rows.append(Row("for comparison: admitted by the gate or by an officer", f"{admitted:,}"))
    rows += [
        Row(f"NOT IN THE RECORDS: {gap}", f"{gap.counted - gap.recorded:+,}", entries=[gap.after, gap.until])
        for gap in account.reconciliation.gaps()[:NAMES_MAX]
    ]
    return Section("passages", rows)


def _groups(account: Account) -> Iterator[Section]:
    for kind in GROUPS:
        rows = [
            Row(name, f"{rate.errors:,} of {rate.of:,}", f"{rate.value:.1%}", rate.interval, referred)
            for name, rate, referred in account.by_group(kind)
        ]
        yield Section(f"group-{kind.replace('_', '-')}", rows, "Share referred, interval")


def _rows(account: Account, group: str, label: Callable[[str], str], of: int = 0) -> list[Row]:
    """Return a row for each name of a group's figures."""
    return [_row(account, group, one, label(one), of) for one in names_of(account, group)]


def _row(account: Account, group: str, name: str, label: str, of: int = 0) -> Row:
    entries = account.figures.get((group, name), ())
    return _entries(entries, label, of if of >= len(entries) else 0)


def names_of(account: Account, group: str) -> list[str]:
    """Return the names of a group's figures, most frequent first."""
    found = [(-len(entries), name) for (one, name), entries in account.figures.items() if one == group]
    return [name for _, name in sorted(found)]


def plain(word: str) -> str:
    """Return a name of the records with spaces for underscores."""
    return word.replace("_", " ")
