"""Scheduled trials of a gate with others' documents: which table names them, and what the log says became of them. Pure."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from gate_verify.report.fairness import ATTRIBUTES, EVERYBODY, WORD_MAX, Estimate

TRIALS_MAX: Final = 100_000


class TrialsError(ValueError):
    """No table of trials; the message says why."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A scheduled attempt of somebody with another's document: the crossing, and the groups of whoever tried."""

    crossing: str
    groups: Mapping[str, str]


def read_trials(text: str) -> list[Trial]:
    """The trials of a table with the columns crossing and, if wanted, age_band, sex, issuer. Raises TrialsError."""
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: dict[str, Trial] = {}
    try:
        names = next(rows, [])
        if "crossing" not in names or len(set(names)) < len(names) or set(names) - {"crossing", *ATTRIBUTES}:
            raise TrialsError(f"line 1: the columns are crossing, and any of {', '.join(ATTRIBUTES)}")
        for row in rows:
            groups = {name: value[:WORD_MAX] for name, value in zip(names, row, strict=False) if value}
            crossing = groups.pop("crossing", "")
            if len(row) != len(names) or not crossing:
                raise TrialsError(f"line {rows.line_num}: is no row of the table")
            if crossing in found:
                raise TrialsError(f"line {rows.line_num}: {crossing} stands there twice")
            if len(found) >= TRIALS_MAX:
                raise TrialsError(f"line {rows.line_num}: more than {TRIALS_MAX} trials")
            found[crossing] = Trial(crossing, groups)
    except csv.Error as error:
        raise TrialsError(f"line {rows.line_num}: {error}") from error
    return list(found.values())


class Trials:
    """Looks up what became of trials, record by record."""

    def __init__(self, trials: Iterable[Trial]) -> None:
        self._trials = {one.crossing: one for one in trials}
        self._matched: dict[str, bool] = {}  # of those whose face was compared

    def take(self, crossing: str | None, kind: str | None, body: Mapping[str, object]) -> None:
        """Take a record."""
        if crossing is None or crossing not in self._trials or kind != "decided":
            return
        match body:
            case {"evidence": {"face": {"match": {"value": float() | int()}}}, "reasons": [*reasons]}:
                named = {one.get("reason") for one in reasons if isinstance(one, Mapping)}
                self._matched[crossing] = "face_below_threshold" not in named
            case _:
                pass

    @property
    def missing(self) -> list[str]:
        """Trials whose comparison is not in the log: nothing is known of them."""
        return [one for one in self._trials if one not in self._matched]

    def fmr(self) -> dict[tuple[str, str], Estimate]:
        """The false match rate of everybody and of each group."""
        found: defaultdict[tuple[str, str], list[bool]] = defaultdict(list)
        for name, matched in self._matched.items():
            for group in ((EVERYBODY, ""), *self._trials[name].groups.items()):
                found[group].append(matched)
        return {group: Estimate(sum(matches), len(matches)) for group, matches in found.items()}
