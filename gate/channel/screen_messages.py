"""Messages between the lane and the screens, on channel `lane`. Types, unions and bounds: `gate.channel.table`."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gate.channel.message import CrossingId, Issuer, Message, Name, Tenths
from gate.passage.names import Wish
from gate_core.evidence.screen import Guidance, Purpose, Screen
from gate_core.evidence.service_scope import EVERYBODY, BorderDirection


class WatchView(Message, frozen=True):
    """Send the view now and at every change. `notice`: SHA-256 of the privacy notice on the pages; empty: they show none."""

    notice: Annotated[str, msgspec.Meta(pattern=r"^(?:[0-9a-f]{64})?$")] = ""


class TravellerAsks(Message, frozen=True):
    """A request on the traveller's page. The only answer is the view."""

    wish: Wish


class View(Message, frozen=True):
    """The screens' content. Only officers receive why a crossing waits (`Waiting`).

    `direction`: over the border, for a lane that may serve both; `travellers`: the group that it serves. `issuer`: the
    document's printed issuer, once known, whatever the inspection's result: the page uses that traveller's language.
    `progress`: of the look, and 0 on every other screen than `look`.
    """

    screen: Screen
    guidance: Guidance
    crossing: CrossingId | None
    referred: CrossingId | None  # the crossing that waits for an officer
    purpose: Purpose
    direction: BorderDirection | None = None
    travellers: Name = EVERYBODY.name
    issuer: Issuer | None = None
    progress: Tenths = 0


class PagePainted(Message, frozen=True):
    """Whether a browser has painted what the lane shows: sent once a second after the first time, and at once when
    painting resumes. None: no page is expected.
    """

    ok: bool | None
