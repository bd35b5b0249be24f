"""Requests to a sensor unit, and the meaning of its answers. No I/O; the clock is an argument.

Each query is a generator: it yields one request at a time and receives the reply, or None after silence. Nothing is written, so everything may be
repeated. Unknown values are None: an uncertain counter, an old measurement; a contact with an undefined value counts as the worse of the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from drivers.modbus.exchange import ATTEMPTS_MAX, Conversation, is_busy, reply_deadline_s, values
from drivers.modbus.frames import ExceptionReply, ReadRequest, Reply, Request
from drivers.modbus.tables import BITS, Cell, Image, Place, number
from drivers.sensors.profile import SensorProfile
from gate_core.errors import LinkLostError, NoReplyError, SetupError
from gate_core.ports.values import InsideStatus


class Awaited:
    """The requests that an answer may belong to, which bound its age. `late_s`: how long after its request an answer may arrive.

    Modbus RTU has no numbers: an answer is recognised by unit, function and length, and a late one can be taken for the next one.
    It would then look younger than it is. A serial line keeps the order, so an answer belongs to the oldest request of its shape
    that may still be answered, and requests before that one are never answered.
    """

    def __init__(self, late_s: Callable[[Request], float]) -> None:
        self._late_s = late_s
        self._asked: list[tuple[Request, float]] = []

    def ask(self, request: Request, now_s: float) -> None:
        """Note a request now, if it is written at all."""
        self._asked = [*self._still(now_s), (request, now_s)]

    def answered(self, reply: Reply, now_s: float) -> float:
        """Return the earliest time at which a reply of the last request's shape can have been requested."""
        last = self._asked.pop()
        still = [*self._still(now_s), last]
        at = next(at for at, (request, _) in enumerate(still) if _is_alike(request, last[0], reply))
        self._asked = still[at + 1 :]
        return still[at][1]

    def any_late(self, now_s: float) -> bool:
        """True while an answer to an earlier request may arrive."""
        self._asked = self._still(now_s)
        return bool(self._asked)

    def awaits(self, request: Request) -> bool:
        """True while an earlier request may be answered by a reply of this one's shape."""
        return any(earlier.reply_head == request.reply_head for earlier, _ in self._asked)

    def _still(self, now_s: float) -> list[tuple[Request, float]]:
        return [(request, at_s) for request, at_s in self._asked if now_s - at_s <= self._late_s(request)]


def _is_alike(earlier: Request, request: Request, reply: Reply) -> bool:
    """True if the reply could also answer the earlier request: an exception names the function only."""
    if isinstance(reply, ExceptionReply):
        return earlier.function == request.function
    return earlier.reply_head == request.reply_head


class Session:
    """The conversations with one unit. Tracks since when it is powered, and what it may still answer. `clock` gives seconds."""

    def __init__(self, *, profile: SensorProfile, baud: int, unit: int, clock: Callable[[], float]) -> None:
        self._profile = profile
        self._baud = baud
        self._unit = unit
        self._clock = clock
        self._awaited = Awaited(self._late_s)
        self._spares = [0] * len(profile.reads)
        self._powered: int | None = None

    def reply_deadline_s(self, request: Request) -> float:
        """Return the longest time of a reply, from its request's first byte."""
        return reply_deadline_s(request, baud=self._baud, turnaround_ms_max=self._profile.turnaround_ms_max)

    def _late_s(self, request: Request) -> float:
        return reply_deadline_s(request, baud=self._baud, turnaround_ms_max=self._profile.late_ms_max)

    @property
    def any_late(self) -> bool:
        """True while an answer to an earlier request may arrive."""
        return self._awaited.any_late(self._clock())

    def hello(self) -> Conversation[InsideStatus]:
        """Begin: check the unit's identity, and store its current power session. Raises SetupError for another unit."""
        identity = self._profile.identity
        if identity is not None:
            ((function, address),) = identity.places
            _, found = yield from self._read(function, address, lambda: len(identity.expected))
            if found != identity.expected:
                raise SetupError(f"the sensor unit says it is {found}, the profile expects {identity.expected}")
        self._powered = None
        return (yield from self.status())

    def status(self) -> Conversation[InsideStatus]:
        """Query everything. Raises LinkLostError if the unit was powered up anew since `hello`."""
        if self.any_late:
            yield from self._settle()
        image: dict[Cell, int] = {}
        asked_at_s, not_before_s = math.inf, -math.inf
        for at in self._profile.round:
            since_s, cells = yield from self._stretch(at, not_before_s=not_before_s)
            if at == 0:
                powered = number(self._profile.status.session, cells)
                if self._powered not in {None, powered}:
                    raise LinkLostError("the sensor unit was powered up anew")
                self._powered = powered
            image = {**cells, **image}  # the age is that of the first answer, and so is older than what came behind it
            asked_at_s, not_before_s = min(asked_at_s, since_s), self._clock()
        return self._seen(image, asked_at_s)

    def _settle(self) -> Conversation[None]:
        """Send a question whose answer is unmistakable: after it no late answer arrives."""
        read = self._profile.reads[0]
        ((function, address),) = read.places
        requests = (ReadRequest(self._unit, function, address, count) for count in range(1, read.count))
        request = next((request for request in requests if not self._awaited.awaits(request)), None)
        if request is not None:
            yield from self._ask(request)

    def _stretch(self, at: int, *, not_before_s: float) -> Conversation[tuple[float, dict[Cell, int]]]:
        """Return one stretch of the profile; with spare registers each request has another length."""
        read = self._profile.reads[at]
        ((function, address),) = read.places

        def count() -> int:
            self._spares[at] = read.spare - self._spares[at]
            return read.count + self._spares[at]

        since_s, found = yield from self._read(function, address, count, not_before_s=not_before_s)
        return since_s, {(function, address + offset): value for offset, value in enumerate(found)}

    def _read(
        self, function: int, address: int, count: Callable[[], int], *, not_before_s: float = -math.inf
    ) -> Conversation[tuple[float, tuple[int, ...]]]:
        """Return the values at these addresses, and the earliest time of their request. Raises NoReplyError or RefusedError.

        An answer that may belong to a request from before `not_before_s` is ignored.
        """
        for _ in range(ATTEMPTS_MAX):
            since_s, reply = yield from self._ask(ReadRequest(self._unit, function, address, count()))
            if reply is not None and since_s >= not_before_s and not is_busy(reply):
                return since_s, values(reply)
        raise NoReplyError("the sensor unit does not answer")

    def _ask(self, request: Request) -> Conversation[tuple[float, Reply | None]]:
        """Send one request; return since when the reply may be true, and the reply; None after silence."""
        self._awaited.ask(request, self._clock())
        reply = yield request
        return (math.inf if reply is None else self._awaited.answered(reply, self._clock())), reply

    def _seen(self, image: Image, asked_at_s: float) -> InsideStatus:
        places = self._profile.status
        said_ms = (number(places.age, image) + 1) * places.age_unit_ms  # it may have rounded down
        age_ms = said_ms + math.ceil((self._clock() - asked_at_s) * 1000)
        tells = age_ms <= self._profile.measurement_ms_max
        if places.blind is not None and _says(places.blind, image) is not False:
            tells = False
        people = number(places.people, image)
        return InsideStatus(
            people=people if tells and people <= places.people_max else None,
            object_left=_says(places.object_left, image) if tells else None,
            call_pressed=_says(places.call_pressed, image) is not False,
            cabinet_open=_says(places.cabinet_open, image) is not False,
            mains_present=_says(places.mains_present, image) is True,
            session=number(places.session, image),
            age_ms=age_ms,
        )


def _says(place: Place, image: Image) -> bool | None:
    """Return a condition: true, false or unknown."""
    value, ((function, _),) = number(place, image), place.places
    if place.equals is not None:
        return value == place.equals
    if function not in BITS and place.bit is None and value > 1:
        return None
    return bool(value)
