"""The page and the JSON document of `gate trust report`: what the store covers, for its operator."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, FileSystemLoader

from gate.trust.freshness import days, is_overdue
from gate.trust.survey import Revocation

if TYPE_CHECKING:
    from gate.trust.survey import Country, Survey

_PAGES: Final = Path(__file__).with_name("pages")
_WORDS: Final = {
    Revocation.CURRENT: "a current revocation list",
    Revocation.OVERDUE: "an overdue one",
    Revocation.NONE: "none",
}


def render(found: Survey, store: Path) -> str:
    """Return the page: one HTML file that loads nothing and has no script."""
    environment = Environment(loader=FileSystemLoader(_PAGES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.tests["overdue"] = lambda edition: is_overdue(edition, found.at)
    environment.filters["day"] = lambda moment: "not told" if moment is None else f"{moment:%Y-%m-%d}"
    parts = [(one.value, words, found.count(one)) for one, words in _WORDS.items()]
    return environment.get_template("trust_report.html").render(
        found=found, store=store, parts=parts, no_list=Revocation.NONE, days=lambda moment: days(moment, found.at)
    )


def fields(found: Survey) -> dict[str, object]:
    """Return the survey for JSON."""
    return {
        "version": found.version,
        "imported_at": None if found.imported_at is None else found.imported_at.isoformat(),
        "lists": [
            {"kind": kind.replace(" ", "_"), "publisher": publisher, "signed_at": signed_at.isoformat()}
            for kind, publisher, signed_at in found.lists
        ],
        "revocation": {one.value: found.count(one) for one in Revocation},
        "alarms": [{"kind": one.kind.value, "country": one.country, "text": one.text} for one in found.alarms],
        "tolerated": [{"country": code, "of": whose, "what": what} for code, whose, what in found.tolerated],
        "countries": [_country(one, found.at) for one in found.countries],
    }


def _country(one: Country, at: datetime) -> dict[str, object]:
    told = {name: value for name, value in asdict(one).items() if name != "editions"}
    return {
        **told,
        "newest": one.newest.isoformat(),
        "expires": one.expires.isoformat(),
        "revocation": one.revocation.value,
        "revocation_lists": [
            {
                "number": edition.number,
                "issued": edition.this_update.isoformat(),
                "age_days": days(edition.this_update, at),
                "next_update": None if edition.next_update is None else edition.next_update.isoformat(),
            }
            for edition in one.editions
        ],
    }
