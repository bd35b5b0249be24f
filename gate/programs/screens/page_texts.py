"""Texts of this gate's traveller's page: its languages, which of them are drafts, and the privacy notice."""

from __future__ import annotations

from collections.abc import Iterator

from gate.programs.shared.config import Config
from gate.screens.kiosk.app import Labels
from gate.screens.kiosk.texts import Facts, Languages, Notice
from gate_core.evidence.screen import Purpose
from gate_core.settings.toml_file import Problem


def problems(config: Config, texts: Languages) -> Iterator[Problem]:
    """Yield what must not be shown: a language without texts; outside demos, one without a native speaker's review,
    stated by the site or by us; in service, a page without contact.
    """
    known = texts.available()
    for language in config.screens.languages:
        if language not in known:
            yield Problem("screens.languages", f"no texts in {language!r}; there are {', '.join(known)}")
    if config.purpose != Purpose.DEMO:
        for language in drafts(config, texts):
            why = "no native speaker has reviewed its texts; have one read them, and name them in screens.reviewed"
            yield Problem("screens.languages", f"purpose = {config.purpose} refuses {language}: {why}")
    if config.purpose == Purpose.SERVICE and config.notice is None:
        why = "travellers must be told whom to ask, and where the whole notice is"
        yield Problem("notice", f"purpose = service refuses: {why}")


def drafts(config: Config, texts: Languages) -> tuple[str, ...]:
    """Return the page's languages without a review."""
    known, reviewed = texts.available(), config.screens.reviewed
    return tuple(
        one for one in config.screens.languages if one in known and one not in reviewed and not texts.reviewed(one)
    )


def notice_of(config: Config, texts: Languages) -> Notice:
    """Return the notice with the configuration's facts. Raises TextError."""
    said, asked = config.notice, config.registers
    reuse = None if asked is None else asked.reuse
    facts = Facts(
        operator=config.operator,
        gate=config.gate_id,
        contact=config.operator if said is None else said.contact,
        address="" if said is None else said.address,
        days=None if said is None else said.results_kept_days,
        auditors=len(config.audit.recipients),
        central=config.sync is not None,
        remembered=config.rules.swap_check_minutes,
        registers=asked is not None and asked.looked_up,
        reuse=0 if reuse is None else reuse[1].minutes,
    )
    return Notice(texts, facts, config.screens.languages)


def labels_of(config: Config, texts: Languages) -> Labels:
    """Return the page's settings and labels. Raises UnknownLanguageError."""
    return Labels(
        gate=config.gate_id,
        operator=config.operator,
        purpose=config.purpose,
        languages=config.screens.languages,
        drafts=drafts(config, texts),
        notice=notice_of(config, texts),
        camera_at=config.screens.camera_at,
        distance_cm=config.screens.distance_cm,
        width_mm=config.screens.width_mm,
        volume=config.screens.volume,
    )
