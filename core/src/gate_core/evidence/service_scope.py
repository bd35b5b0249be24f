"""The travellers and the border direction that a lane serves: the site's configured choices for officers
(docs/decisions/0015). Travellers of another lane are referred, and an officer directs them.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class BorderDirection(enum.Enum):
    """The border direction that a lane serves; not the direction through its barrier. Stored; never renamed."""

    ENTRY = "entry"
    EXIT = "exit"


@dataclass(frozen=True, slots=True)
class Travellers:
    """A named group of travellers: nationals of these states, as MRZ codes (ICAO 9303-3 §5). None: everybody."""

    name: str
    nationalities: tuple[str, ...] | None

    @property
    def everybody(self) -> bool:
        """True if the group has all travellers."""
        return self.nationalities is None


EVERYBODY = Travellers("all", None)

# Nationals of the member states of the European Union (Article 52 TEU), of Iceland, Liechtenstein and Norway (EEA Agreement), and of
# Switzerland, as of 27 November 2026: those whom the sign of Regulation (EU) 2016/399, Annex III part A, names. Germany's letter is D.
_EU_EEA_CH = "AUT BEL BGR HRV CYP CZE DNK EST FIN FRA D GRC HUN IRL ITA LVA LTU LUX MLT NLD POL PRT ROU SVK SVN ESP SWE ISL LIE NOR CHE"
EU = Travellers("eu", tuple(_EU_EEA_CH.split()))


@dataclass(frozen=True, slots=True)
class Service:
    """A site's choices for its lane: directions, the initial one first, and groups of travellers."""

    directions: tuple[BorderDirection, ...] = (BorderDirection.ENTRY,)
    groups: tuple[Travellers, ...] = (EVERYBODY, EU)

    def group(self, name: str) -> Travellers | None:
        """Return the group of this name, or None."""
        return next((one for one in self.groups if one.name == name), None)

    def direction_after(self, ordered: BorderDirection | None) -> BorderDirection:
        """Return the direction at start: the last ordered one, if the site still allows it, else the initial one."""
        return ordered if ordered in self.directions else self.directions[0]

    def travellers_after(self, ordered: str | None) -> Travellers:
        """Return the group at start: the last ordered one; an empty group if that was removed, to admit no others."""
        return EVERYBODY if ordered is None else self.group(ordered) or Travellers(ordered, ())


USUAL_SERVICE = Service()
