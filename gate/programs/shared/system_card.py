"""The system card (AI Act, Annex III): a named person's judgements of a gate, approved with the configuration.

A blank judgement prevents a configuration from being installed, but does not affect a running one.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Final

import msgspec

from gate.programs.shared.config import Config
from gate_core.settings.config_file import ConfigError, Section, load
from gate_core.settings.toml_file import Problem

DUTIES_FROM: Final = date(2027, 12, 2)  # Annex III's duties apply from here: service needs a card
Judgement = Annotated[str, msgspec.Meta(max_length=4_000)]


class Judgements(Section, frozen=True, kw_only=True):
    """Content of `card.toml`: who judges, in which role and when, and each judgement as text. Empty is blank."""

    person: Annotated[str, msgspec.Meta(max_length=200)] = ""
    role: Annotated[str, msgspec.Meta(max_length=200)] = ""
    on: date | None = None
    legal_basis: Judgement = ""  # of the gate itself
    risk_class: Judgement = ""  # high-risk or not, by which point of Annex III, and why
    fundamental_rights: Judgement = ""  # the assessment under Article 27: where it is, and its result
    data_protection: Judgement = ""  # the same for GDPR Article 35 or LED Article 27
    oversight: Judgement = ""  # who oversees it, how they were trained, and when they must stop it
    accuracy: Judgement = ""  # whether the figures suffice for this place, and why
    complaints: Judgement = ""  # where travellers complain, and who answers
    registration: Judgement = ""  # the entry in the database of Article 49, or why there is none

    def blanks(self) -> tuple[str, ...]:
        """Return the keys without content."""
        return tuple(name for name in self.__struct_fields__ if not str(getattr(self, name) or "").strip())


def judgements_of(config: Config) -> Judgements:
    """Return the configured card's judgements; all blank without a card. Raises ConfigError for an unreadable file."""
    if not config.card:
        return Judgements()
    return load(Path(config.card), Judgements)


def require_card(config: Config, today: date) -> None:
    """Raise ConfigError if the configuration may not be installed today: its card has blanks or is missing."""
    if not config.card and (config.purpose != "service" or today < DUTIES_FROM):
        return
    blank = judgements_of(config).blanks()
    if blank and not config.card:
        raise ConfigError(Problem("card", f"service wants a system card from {DUTIES_FROM} on (docs/system-card.md)"))
    if blank:
        raise ConfigError(
            *(Problem(name, "is blank: whoever answers for the card fills it in", config.card) for name in blank)
        )
