"""Whom a lane serves, and which way over the border (docs/decisions/0015). Others are referred, never turned away."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class BorderDirection(enum.Enum):
    """Which way over the border a lane serves travellers. Which way they go through its barrier is another matter. Stored; never renamed."""

    ENTRY = "entry"
    EXIT = "exit"


@dataclass(frozen=True, slots=True)
class Travellers:
    """A group of travellers by its name: nationals of these states, in the letters of the MRZ (ICAO 9303-3 §5). None: everybody."""

    name: str
    nationalities: tuple[str, ...] | None

    @property
    def everybody(self) -> bool:
        """True when nobody belongs to another lane."""
        return self.nationalities is None


EVERYBODY = Travellers("all", None)

# Nationals of the member states of the European Union (Article 52 TEU), of Iceland, Liechtenstein and Norway (EEA Agreement), and of
# Switzerland, as of 27 November 2026: those whom the sign of Regulation (EU) 2016/399, Annex III part A, names. Germany's letter is D.
_EU_EEA_CH = "AUT BEL BGR HRV CYP CZE DNK EST FIN FRA D GRC HUN IRL ITA LVA LTU LUX MLT NLD POL PRT ROU SVK SVN ESP SWE ISL LIE NOR CHE"
EU = Travellers("eu", tuple(_EU_EEA_CH.split()))


@dataclass(frozen=True, slots=True)
class Service:
    """What a site lets its lane serve: the directions, first the one that it begins with, and the groups of travellers."""

    directions: tuple[BorderDirection, ...] = (BorderDirection.ENTRY,)
    groups: tuple[Travellers, ...] = (EVERYBODY, EU)

    def group(self, name: str) -> Travellers | None:
        """The group of that name, if there is one."""
        return next((one for one in self.groups if one.name == name), None)

    def direction_after(self, ordered: BorderDirection | None) -> BorderDirection:
        """What a lane begins with after this was ordered: what the site no longer lets it serve is over."""
        return ordered if ordered in self.directions else self.directions[0]

    def travellers_after(self, ordered: str | None) -> Travellers:
        """Whom a lane begins with after these were ordered: of a group that is gone nobody, so that no more are served than an officer said."""
        return EVERYBODY if ordered is None else self.group(ordered) or Travellers(ordered, ())


USUAL_SERVICE = Service()
