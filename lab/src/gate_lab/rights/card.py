"""The facts of a gate's system card, and its page (`gate rights card`): from the configuration and the files it names, never typed by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from gate.programs.shared.config import Config
from gate.programs.shared.system_card import DUTIES_FROM
from gate_core.web_pages.templates import environment

_PAGES: Final = Path(__file__).parents[1] / "pages"
Chapter = tuple[str, list[tuple[str, str]]]


def page(config: Config, digest: str, chapters: Sequence[Chapter], judgements: Mapping[str, str]) -> str:
    """Return the card as an HTML page."""
    template = environment(_PAGES).get_template("system_card.html")
    return template.render(
        gate=config.gate_id, origin=config.origin, digest=digest, chapters=chapters, judgements=judgements
    )


def facts_of(config: Config, basis: dict[str, object]) -> Iterator[Chapter]:
    """Yield the card's facts by chapter; `basis` is the configuration that the approvers sign, parsed."""
    rules = config.rules
    yield (
        "What it is",
        [
            ("Gate", f"{config.gate_id}, run by {config.operator}"),
            ("Purpose and mode", f"{config.purpose}, {config.mode}"),
            ("What it decides", "it opens, or it calls an officer; it refuses nobody"),
            (
                "Comparison",
                "one face with the portrait in the chip of the document presented (1:1); no gallery, no 1:N search",
            ),
            ("Not in it", "no recognition of emotions, no score of persons, nothing learned from travellers"),
            ("Duties of high-risk systems", f"AI Act, Annex III, from {DUTIES_FROM.isoformat()}"),
        ],
    )
    models = basis.get("models")
    yield (
        "Models",
        [
            (name, _model(one))
            for name, one in (models.items() if isinstance(models, dict) else ())
            if isinstance(one, dict)
        ],
    )
    yield (
        "What refers",
        [
            (
                "Face at least",
                "the embedder's threshold"
                if rules.face_match_min == 0
                else f"{rules.face_match_min:g}, or the embedder's threshold",
            ),
            ("Liveness at least", f"{rules.liveness_min:g}"),
            ("Officer seen within", f"{rules.officer_presence_max_s} s"),
            ("Lists no older than", f"{rules.trust_age_max_days} days"),
            ("Written rules", rules.written or "none"),
            (
                "Lists and registers asked",
                ", ".join(one.name for one in config.registers.required) if config.registers else "none",
            ),
            ("Drawn at random", f"{rules.random_checks_per_10000} of 10,000"),
            (
                "Companions before one door",
                "noticed once they are through, if the holder's face is seen over 1.1 s after that"
                if rules.camera_sees_zone
                else "not noticed",
            ),
            ("No record of entry or exit is wanted of", f"{config.without_entry_record}; others are referred"),
            ("Swap check", f"{rules.swap_check_minutes} min" if rules.swap_check_minutes else "off"),
            ("Reuse across gates", _reuse(config)),
            ("Two officers for", ", ".join(one.value for one in rules.two_officers_for) or "no reason"),
        ],
    )
    kept = None if config.notice is None else config.notice.results_kept_days
    yield (
        "Oversight and records",
        [
            (
                "Officers' orders",
                "signed, by keys of the officers' authority"
                if config.officers
                else "there is no officer: everybody is referred",
            ),
            (
                "Log",
                f"{config.origin}, sealed for {len(config.audit.recipients)} auditors, profile {config.audit.profile}",
            ),
            ("Results kept", "with no set end" if kept is None else f"{kept} days"),
            ("Copy at a central server", "yes" if config.sync else "no"),
            (
                "Counts by group",
                ", ".join(config.fairness.groups) + f" ({config.fairness.basis})" if config.fairness else "none",
            ),
        ],
    )


def _reuse(config: Config) -> str:
    reuse = None if config.registers is None else config.registers.reuse
    return "off" if reuse is None else f"a mark of each chip, {reuse[1].minutes} min in memory ({reuse[1].basis})"


def _model(one: dict[str, object]) -> str:
    threshold = one.get("threshold")
    told = ""
    if isinstance(threshold, dict):
        told = f"; threshold {threshold.get('value')}, FMR {threshold.get('fmr')}, measured on {threshold.get('kind')}: {threshold.get('evidence')}"
    return f"{one.get('role')}, version {one.get('version')}{told}"
