"""The public page of a gate's fairness, one file a language: what is known of each group, with intervals, and what is not.

Nothing on it comes from elsewhere, and nothing runs. Public is what cannot name anybody: groups of SHOWN_MIN crossings at least; the others of the same kind stay
out. Numbers have Western digits and a point in every language, so that two pages can be held against one another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gate.screens.kiosk.texts import Languages
from gate_core.web_pages.templates import environment
from gate_core.web_pages.texts import Texts
from gate_lab.trials import Trial, Trials
from gate_verify.audit_record import AuditRecord
from gate_verify.records import read_as_signed
from gate_verify.report.fairness import ATTRIBUTES, EVERYBODY, RATES, Alarm, Estimate, Fairness, Group
from gate_verify.verify import name_of

SHOWN_MIN: Final = 100  # crossings
_PAGES: Final = Path(__file__).with_name("pages")
_OWN: Final = "en"  # whose words were not translated
_WORDS: Final = {"referred": "referred", "not_acquired": "not-acquired", "alarms": "liveness", "fnmr": "fnmr"}


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts of the page: the log's name, the counts, false match rates of trials, and the comparison's model and threshold if the log has
    them. `trials_missing`: crossings of trials whose comparison is not in the log.
    """

    gate: str
    counted: Fairness
    fmr: Mapping[tuple[str, str], Estimate] = field(default_factory=dict)
    model: str = ""
    threshold: str = ""
    trials_missing: Sequence[str] = ()

    @property
    def crossings(self) -> int:
        """How many were counted."""
        return int(sum(one.counts["crossings"] for one in self.counted.groups() if one.attribute == EVERYBODY))

    def fields(self) -> dict[str, object]:
        """Return groups, trials and alarms for JSON."""
        return {
            "since": self.counted.since,
            "until": self.counted.until,
            "crossings": self.crossings,
            "groups": [
                {"attribute": one.attribute, "value": one.value, "crossings": int(one.counts["crossings"])}
                | {rate: one.estimate(rate).fields() for rate in ("referred", "not_acquired", "alarms", "fnmr")}
                for one in self.counted.groups()
            ],
            "fmr": [
                {"attribute": attribute, "value": value, **one.fields()}
                for (attribute, value), one in sorted(self.fmr.items())
            ],
            "trials_missing": self.trials_missing,
            "alarms": [one.fields() for one in self.counted.alarms()],
        }


def facts_in(logs: Sequence[Path], vkey: str, identity: Path, trials: Sequence[Trial]) -> tuple[Facts, Sequence[str]]:
    """Read the logs with an auditor's identity. Returns the page's facts and the log's contradictions.

    Raises UnreadableError, NotSignedError and NotSealedForError.
    """
    counted, tried, face = Fairness(), Trials(trials), dict[str, object]()

    def take(record: AuditRecord) -> None:
        if record.body is None:
            return
        tried.take(record.crossing, record.kind, record.body)
        if record.kind == "groups_counted":
            counted.take(record.index, dict(record.body))
        elif record.kind == "started" and isinstance(found := record.body.get("face"), dict):
            face.clear()
            face.update(found)

    problems = read_as_signed(logs, vkey, identity, take)
    threshold = face.get("threshold")
    shown = f"{threshold:.3f}" if isinstance(threshold, float) else ""
    facts = Facts(name_of(vkey), counted, tried.fmr(), str(face.get("model", ""))[:100], shown, tried.missing)
    return facts, problems


def texts() -> Texts:
    """The page's words."""
    return Texts(__package__ or "", _PAGES / "fairness")


def pages(facts: Facts, languages: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each file's name and content. Raises UnknownLanguageError."""
    words, names = texts(), Languages()
    template = environment(_PAGES).get_template("fairness.html")
    others = [(one, names.t(one, "language-name")) for one in languages]
    for language in languages:
        said = _Page(words, language)
        yield (
            f"{language}.html",
            template.render(
                t=said.t,
                tag=language,
                direction=names.direction(language),
                gate=facts.gate,
                crossings=f"{facts.crossings:,}",
                since=_day(facts.counted.since),
                until=_day(facts.counted.until),
                basis="; ".join(sorted(facts.counted.bases)),
                others=others,
                alarms=[said.alarm(one) for one in facts.counted.alarms() if one.of_group.of >= SHOWN_MIN],
                heads=[said.t(head) for head in ("group", "many", *_WORDS.values(), "fmr", "time")],
                tables=list(said.tables(facts)),
                trials=facts.fmr[EVERYBODY, ""].of if (EVERYBODY, "") in facts.fmr else 0,
                least=SHOWN_MIN,
                model=facts.model,
                threshold=facts.threshold,
                draft=language != _OWN,
            ),
        )


def _day(moment: str) -> str:
    """A moment's day, which no line breaks."""
    return moment[:10].replace("-", "\u2011")


class _Page:
    """One language's words for what is told."""

    def __init__(self, words: Texts, language: str) -> None:
        self._words = words
        self._language = language

    def t(self, text: str, **variables: str | int) -> str:
        return self._words.t(self._language, text, **variables)

    def tables(self, facts: Facts) -> Iterator[tuple[str, list[list[str]]]]:
        groups = [one for one in facts.counted.groups() if one.counts["crossings"] >= SHOWN_MIN]
        for attribute in (EVERYBODY, *ATTRIBUTES):
            rows = [self._row(one, facts.fmr) for one in groups if one.attribute == attribute]
            if rows:
                yield self.t(attribute), rows

    def alarm(self, one: Alarm) -> str:
        return self.t(
            "alarm",
            group=f"{self.t(one.attribute)}: {self._value(one.attribute, one.value)}",
            rate=self.t(_WORDS[one.rate]),
            value=self._share(one.of_group),
            rest=self._share(one.of_others),
        )

    def _row(self, one: Group, fmr: Mapping[tuple[str, str], Estimate]) -> list[str]:
        mean = one.mean_s
        time = self.t("not-estimable")
        if mean is not None:
            time = self.t("seconds", mean=f"{mean[0]:.1f}", reach=f"{mean[1]:.1f}")
        name = self.t(EVERYBODY) if one.attribute == EVERYBODY else self._value(one.attribute, one.value)
        rates = [self._share(one.estimate(rate)) for rate in RATES]
        return [
            name,
            f"{int(one.counts['crossings']):,}",
            *rates,
            self._share(fmr.get((one.attribute, one.value), Estimate(0, 0))),
            time,
        ]

    def _share(self, one: Estimate) -> str:
        if not one.is_estimable:
            return self.t("not-estimable")
        low, high = one.interval
        return self.t("share", value=f"{100 * one.value:.1f}", low=f"{100 * low:.1f}", high=f"{100 * high:.1f}")

    def _value(self, attribute: str, value: str) -> str:
        """A group's name; a state, and whatever a newer gate counts, by its own letters."""
        kind = {"age_band": f"age-{value.replace(' ', '-')}", "sex": f"sex-{value}"}.get(attribute, "")
        for text in (kind, value if value in {"others", "unknown"} else ""):
            if text and self._words.has(self._language, text):
                return self.t(text)
        return value
