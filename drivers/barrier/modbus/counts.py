"""What the counters and power-ups of a board come to. No I/O, no clock.

Counters may have 16 or 32 bits and begin anew with each power-up. What is given out grows by one a passage and goes on at 0 at 2**32, and
power-ups are counted here for a board that does not count its own: it forgot what was written to it, or its counters fell.
"""

from __future__ import annotations

from collections.abc import Iterable

from drivers.barrier.modbus.profile import ModbusProfile
from drivers.modbus.image import Image, number
from gate_core.errors import LinkLostError, NoReplyError

_COUNTS = 2**32


class Counts:
    """The passages and power-ups of one board. A look that shows a power-up nobody awaits is a lost link, one with fewer passages than another before it is no answer."""

    def __init__(self, profile: ModbusProfile) -> None:
        self._places = (profile.status.passages_left, profile.status.passages_right)
        self._spans = [1 << 16 * place.words for place in self._places]
        self._restarts_place = profile.status.restarts
        self._raw: tuple[int, ...] | None = None
        self._totals = [0, 0]
        self._restarts = 0
        self._awaited = True

    def await_anew(self) -> None:
        """The line is opened: whatever the next look shows is where we begin."""
        self._awaited = True

    def see(self, image: Image, *, kept: bool) -> tuple[int, int, int]:
        """Passages left and right, and power-ups. `kept`: the board still holds what was written. Raises LinkLostError or NoReplyError."""
        raw = tuple(number(place, image) for place in self._places)
        grown = self._grown(raw)
        restarts = self._restarts if self._restarts_place is None else number(self._restarts_place, image)
        if grown is not None and restarts == self._restarts and not self._awaited and _fell(grown, self._spans):
            raise NoReplyError("an answer is from before another one: counters do not fall by themselves")
        if grown is None or not kept or restarts != self._restarts:
            if not self._awaited:
                raise LinkLostError("the controller was powered up anew")
            grown, self._totals = (0, 0), list(raw)
            restarts = restarts + 1 if self._restarts_place is None else restarts
        self._raw, self._restarts, self._awaited = raw, restarts, False
        self._totals = [(total + more) % _COUNTS for total, more in zip(self._totals, grown, strict=True)]
        return self._totals[0], self._totals[1], restarts

    def _grown(self, raw: tuple[int, ...]) -> tuple[int, ...] | None:
        """How far each counter went on; None when they begin anew, or fell and the board does not say why."""
        if self._raw is None:
            return None
        grown = tuple((now - before) % span for now, before, span in zip(raw, self._raw, self._spans, strict=True))
        return None if self._restarts_place is None and _fell(grown, self._spans) else grown


def _fell(grown: Iterable[int], spans: Iterable[int]) -> bool:
    """A counter that goes on by half of its span or more went back."""
    return any(more >= span // 2 for more, span in zip(grown, spans, strict=True))
