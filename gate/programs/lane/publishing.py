"""What the lane shows: views for the screens, each in its time, the lamps beside them, and whether a browser paints what was shown."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

from gate.passage.events import Part, PartBack, PartLost, TravellerAsked, Wish
from gate.passage.records import NoticeShown
from gate.programs.lane.documents import CROSSING_BYTES
from gate.programs.lane.page_paint import Painted, is_due
from gate.programs.lane.referral_timing import Paced
from gate.programs.lane.views import Views

if TYPE_CHECKING:
    from gate.channel.messages import Status, View
    from gate.programs.lane.devices import Devices
    from gate.programs.lane.engine import LaneInSight
    from gate.programs.lane.recorder import Recorder
    from gate.programs.shared.config import Config


class Publishing:
    """`show` takes every view of the engine, and passes it on in its time (`gate.programs.lane.referral_timing`)."""

    def __init__(
        self, config: Config, *, lane: LaneInSight, devices: Devices, recorder: Recorder, status: Callable[[], Status]
    ) -> None:
        self._lane = lane
        self._devices = devices
        self.painted = Painted(
            lambda there: lane.post(PartBack(Part.SCREEN) if there else PartLost(Part.SCREEN)), due=is_due(config)
        )
        self.views = Views(
            status=status,
            purpose=config.purpose,
            asked=self._asked,
            on_notice=lambda notice: recorder.append(NoticeShown(notice), awaited=False),
            painted=self.painted.hear,
        )
        self.show = Paced(self._show, clock_ms=lambda: asyncio.get_running_loop().time() * 1000).show

    def _asked(self, wish: Wish) -> None:
        self._lane.post(TravellerAsked(secrets.token_hex(CROSSING_BYTES), wish))

    def _show(self, view: View) -> None:
        self._devices.show(view.screen, self._lane.state)
        self.views.show(view)
