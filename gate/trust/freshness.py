"""The age of a store's lists, and alarms for the operator. Pure: the time is an argument.

An alarm refuses nobody: the policy judges the age of the store and each document's own revocation check.
"""

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, TypedDict

from gate_core.evidence.trust_lists import Edition, PublishedList
from gate_documents.dates import revocation_list_until

_NEW_WORD: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Held(Protocol):
    """The known facts of a store's lists: the store itself, or a document child's report of it."""

    @property
    def version(self) -> str:
        """Identifies the content."""

    @property
    def newest_import(self) -> datetime | None:
        """The time of the last import."""

    @property
    def published(self) -> Sequence[PublishedList]:
        """The newest list of each kind and publisher."""

    def editions(self) -> Sequence[Edition]:
        """Return the stored revocation lists."""

    def __len__(self) -> int:
        """Number of stored certificates."""


class AlarmKind(enum.Enum):
    """What is wrong with a list."""

    NOTHING_IMPORTED = "nothing_imported"
    IMPORT_OLD = "import_old"
    LIST_OLD = "list_old"
    REVOCATION_LIST_OVERDUE = "revocation_list_overdue"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm: about a country's list, or the whole store (country `-`)."""

    kind: AlarmKind
    country: str
    text: str


def in_words(kind: str) -> str:
    """Return a list's kind as words: `MasterList` is a master list."""
    return _NEW_WORD.sub(" ", kind).lower()


def alarms(store: Held, now: datetime, *, age_max_days: int) -> tuple[Alarm, ...]:
    """Return an alarm for everything that is too old."""
    found: list[Alarm] = []
    if store.newest_import is None:
        found.append(Alarm(AlarmKind.NOTHING_IMPORTED, "-", "no certificate or list was imported"))
    elif (age := days(store.newest_import, now)) > age_max_days:
        found.append(Alarm(AlarmKind.IMPORT_OLD, "-", f"nothing new was imported for {age} days"))
    for one in store.published:
        if (age := days(datetime.fromisoformat(one.signed_at), now)) > age_max_days:
            text = f"the {in_words(one.kind)} of {one.publisher} is {age} days old"
            found.append(Alarm(AlarmKind.LIST_OLD, one.publisher, text))
    found += [
        Alarm(AlarmKind.REVOCATION_LIST_OVERDUE, one.country, _overdue(one, now))
        for one in store.editions()
        if is_overdue(one, now)
    ]
    return tuple(found)


def is_overdue(one: Edition, now: datetime) -> bool:
    """True if the revocation list is no longer current."""
    until = revocation_list_until(one.this_update, one.next_update)
    return until is None or until < now


def _overdue(one: Edition, now: datetime) -> str:
    if one.next_update is None:
        return f"a revocation list of {one.country} does not say when the next one comes"
    if one.next_update < now:
        return f"a revocation list of {one.country} should have been followed by {one.next_update:%Y-%m-%d}"
    return f"a revocation list of {one.country} is {days(one.this_update, now)} days old"


def days(since: datetime, now: datetime) -> int:
    """Return the number of whole days."""
    return (now - since).days


class Freshness(TypedDict):
    """The lists' part of the status."""

    version: str
    certificates: int
    published: list[dict[str, str | int]]
    revocation_lists: dict[str, str | int | None]
    alarms: list[str]


def freshness(store: Held, now: datetime, *, age_max_days: int) -> Freshness:
    """Return the lists' part of the status, by kind, with its alarms."""
    editions = store.editions()
    newest = max((one.this_update for one in editions), default=None)
    due = min((one.next_update for one in editions if one.next_update and one.next_update >= now), default=None)
    return {
        "version": store.version,
        "certificates": len(store),
        "published": [
            {
                "kind": in_words(one.kind).replace(" ", "_"),
                "publisher": one.publisher,
                "age_days": days(datetime.fromisoformat(one.signed_at), now),
            }
            for one in store.published
        ],
        "revocation_lists": {
            "count": len(editions),
            "newest": None if newest is None else newest.isoformat(),
            "next_due": None if due is None else due.isoformat(),
            "overdue": sum(is_overdue(one, now) for one in editions),
        },
        "alarms": [one.text for one in alarms(store, now, age_max_days=age_max_days)],
    }
