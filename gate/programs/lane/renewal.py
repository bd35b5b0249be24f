"""The lists that the lane judges by now, and the newer ones that take their place.

A new store is noticed by its file, opened beside the old one off the event loop, and taken between crossings only: whoever is being
inspected is judged to the end by the lists that the crossing began with. A store that cannot be opened, or must not be used here,
changes nothing but the status. What may be used is `open_lists`'s question; when a crossing begins and what the audit log is told, the
lane's.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

from gate.passage.records import ListsUpdated, PublishedList
from gate.programs import clock
from gate.programs.config import Config, ConfigError
from gate.programs.lane.lists import open_lists
from gate.trust.freshness import freshness
from gate.trust.store import TrustStore

log = logging.getLogger("lane")

Mark = tuple[int, int, int]


class CurrentLists:
    """Holds the store that judges. Raises ConfigError when there is none to begin with."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._path = Path(config.paths.trust)
        self._mark = _mark(self._path)  # before it is opened: what comes between is noticed later
        self._next: TrustStore | None = None
        self._problem = ""
        self.store = open_lists(config)

    def take_newer(self) -> TrustStore | None:
        """Judge by the newer lists from now on, if there are any; returns the ones before."""
        if self._next is None:
            return None
        before, self.store, self._next = self.store, self._next, None
        return before

    async def look(self) -> None:
        """See whether the file is another one, and open it for `take_newer`."""
        mark = await asyncio.to_thread(_mark, self._path)
        if mark != self._mark:
            try:
                self._next = await asyncio.to_thread(open_lists, self._config)
            except ConfigError as error:
                self._report(str(error))
            else:
                self._mark = mark
                self._report("")

    def detail(self) -> dict[str, Any]:
        """What the status shows: of the lists that judge, whatever lies on the disk."""
        fresh = freshness(self.store, clock.now(), age_max_days=self._config.rules.trust_age_max_days)
        if self._problem:
            fresh["alarms"] = [f"the newer lists cannot be used: {self._problem}", *fresh["alarms"]]
        return fresh

    def _report(self, problem: str) -> None:
        """Say once that newer lists cannot be used, and once that they can."""
        if problem and problem != self._problem:
            log.error("lists_unusable", extra={"reason": problem[:300]})
        elif self._problem and not problem:
            log.info("lists_usable")
        self._problem = problem


def update_of(before: TrustStore, now: TrustStore) -> ListsUpdated:
    """The record which says that other lists judge from here on."""
    return ListsUpdated(
        version=now.version,
        before=before.version,
        certificates=len(now),
        revocation_lists=len(now.editions()),
        published=tuple(PublishedList(one.kind, one.publisher, one.signed_at) for one in now.published),
        imported_at=None if now.newest_import is None else now.newest_import.isoformat(),
    )


def _mark(path: Path) -> Mark | None:
    """What tells one file of that name from another; None while there is none."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_ino, about.st_size, about.st_mtime_ns
