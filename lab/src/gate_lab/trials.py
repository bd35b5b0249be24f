"""Scheduled trials of a gate with other people's documents: reads their table, and finds their results in the log. Pure."""

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
    """The table of trials is malformed; the message has the reason."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A scheduled attempt with another person's document: the crossing, and the groups of the person who tried."""

    crossing: str
    groups: Mapping[str, str]


def read_trials(text: str) -> list[Trial]:
    """Return the trials of a table with the columns crossing and, optionally, age_band, sex, issuer. Raises TrialsError."""
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
    """Finds the results of trials, record by record."""

    def __init__(self, trials: Iterable[Trial]) -> None:
        self._trials = {one.crossing: one for one in trials}
        self._matched: dict[str, bool] = {}  # of those whose face was compared

    def take(self, crossing: str | None, kind: str | None, body: Mapping[str, object]) -> None:
        """Process a record."""
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
        """Return trials whose comparison is not in the log: their result is unknown."""
        return [one for one in self._trials if one not in self._matched]

    def fmr(self) -> dict[tuple[str, str], Estimate]:
        """Return the false match rate of all trials and of each group."""
        found: defaultdict[tuple[str, str], list[bool]] = defaultdict(list)
        for name, matched in self._matched.items():
            for group in ((EVERYBODY, ""), *self._trials[name].groups.items()):
                found[group].append(matched)
        return {group: Estimate(sum(matches), len(matches)) for group, matches in found.items()}
