"""The site around the lane, looked at every few seconds: how old the lists are, whether the clock is sure, which day draws, which shift ends.

Before the clock's floor it cannot be now, whatever the clock says (decision 0024).
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final

from gate.passage import draw_periods
from gate.passage.draws import SECRET_BYTES
from gate.passage.events import DrawDue, SiteSeen
from gate.passage.lane import LaneContext
from gate.programs.lane.clients import LogClient
from gate.programs.lane.list_renewal import DocumentChildren
from gate.programs.shared.config import Config
from gate_core.programs import clock
from gate_core.settings.config_file import zone_of

LOOK_S: Final = 5.0


class Site:
    """`log` says of what time its records are, `children` how old the lists are. `written_s` is the latest record of an earlier run."""

    def __init__(self, config: Config, *, log: LogClient, children: DocumentChildren, written_s: int) -> None:
        self._config = config
        self._log = log
        self._children = children
        self._zone = zone_of(config.time_zone)
        self._floor = clock.Floor()
        self._floor.after(written_s)

    def seen(self) -> SiteSeen:
        """Lists and clock as they are now."""
        newest, sure = self._children.newest_import, self.clock_is_sure()
        age_days = None if newest is None else (clock.now() - newest) / timedelta(days=1)
        return SiteSeen(age_days, sure, self.local())

    def draw_due(self, lane: LaneContext) -> DrawDue | None:
        """The draw that is to begin or end today: each day draws by a secret of its own."""
        share = self._config.rules.random_checks_per_10000
        return draw_periods.due(lane, self.local().date().isoformat(), share, secrets.token_bytes(SECRET_BYTES))

    def clock_is_sure(self) -> bool:
        """True while the wall clock can be relied on."""
        times = self._log.times
        floor = clock.floor(
            imported=self._children.newest_import,
            written=times.written,
            cosigned=times.cosigned,
            synchronised=clock.is_synchronised(),
        )
        sure = clock.is_sure(not_before=floor, must_be_synchronised=self._config.purpose == "service")
        if sure:
            self._floor.after(clock.now().timestamp())
        return sure

    def wall_s(self) -> int | None:
        """The wall clock in seconds since 1970; None while it is unsure."""
        return int(clock.now().timestamp()) if self.clock_is_sure() else None

    def floor_s(self) -> int:
        """Before which it cannot be now, for officers' shifts: the latest record counts also while the time service has the word, and no word from
        outside the gate does, by which somebody could keep officers from freeing people (decision 0024).
        """
        written = self._log.times.written or clock.built()
        return self._floor.after(max(written, clock.built()).timestamp())

    def local(self) -> datetime:
        """What the site's own clock shows on the wall, to the minute."""
        return clock.now().astimezone(self._zone).replace(second=0, microsecond=0, tzinfo=None)
