"""Register maps of Modbus boards, and their kind of grant; data (drivers/profiles/barrier/*.toml, or a site's file), parsed strictly.

A board whose grants never end by themselves is refused (safety invariant 5). Every board has the keys without a default.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from drivers.barrier.board import BoardProfile
from drivers.modbus.frames import READ_COILS, READ_HOLDING
from drivers.modbus.tables import Address, Cell, Identity, Place, Read, Value, cells_read, misplaced, misread
from drivers.profile_file import Milliseconds, Table
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import LampColour, LeafPosition
from gate_core.settings.toml_file import Wrong

TTL_MS_MAX = 30_000
TimeToLive = Annotated[int, msgspec.Meta(ge=1000, le=TTL_MS_MAX)]
LATE_MS_MAX = 300  # for profiles without the key


class Status(Table, frozen=True, kw_only=True):
    """The board's status. The leaf is a `position` with its values, a contact `closed`, or not reported.

    A board that does not report its leaf counts as closed while nothing is granted and nothing is wrong. The board
    counts people in the zone (`bodies`), or beams see one body each (`presence`).
    """

    passages_left: Place
    passages_right: Place
    position: Place | None = None
    positions: dict[int, LeafPosition] = msgspec.field(default_factory=dict)
    closed: Place | None = None
    bodies: Place | None = None
    presence: Annotated[tuple[Place, ...], msgspec.Meta(max_length=8)] = ()
    fire: Place | None = None
    emergency: Place | None = None
    granted_left: Place | None = None
    granted_right: Place | None = None
    restarts: Place | None = None


class Timed(Table, frozen=True, kw_only=True, tag_field="kind", tag="timed"):
    """Three holding registers, written in one request: time to live in milliseconds, passages left, passages right. Absolute."""

    holding: Address
    ttl_ms_min: TimeToLive
    ttl_ms_max: TimeToLive


class Passages(Table, frozen=True, kw_only=True, tag_field="kind", tag="passages"):
    """Two holding registers: remaining passages, left and right. Absolute. The holding register `timer` takes their time to live."""

    holding: Address
    timer: Address
    timer_unit_ms: Milliseconds
    ttl_ms_min: TimeToLive
    ttl_ms_max: TimeToLive


class Pulse(Table, frozen=True, kw_only=True, tag_field="kind", tag="pulse"):
    """Three coils of a gate controlled by pulses: left, right, stop. The gate ends an unused passage after `lasts_ms`."""

    coil: Address
    pulse_ms: Annotated[int, msgspec.Meta(ge=100, le=500)]
    lasts_ms: TimeToLive


class Watchdog(Table, frozen=True, kw_only=True):
    """The holding register of the host watchdog, and the time to write into it. `proof`: a coil that moves nothing."""

    holding: Address
    ms: Annotated[int, msgspec.Meta(ge=500, le=5000)]
    unit_ms: Milliseconds = 1
    proof: Address | None = None

    @property
    def value(self) -> int:
        """The value to write."""
        return self.ms // self.unit_ms


class Lamp(Table, frozen=True, kw_only=True):
    """The lamp's holding register, or its first coil of `count`, and each colour's value; for coils one bit each, the first lowest."""

    holding: Address | None = None
    coil: Address | None = None
    count: Annotated[int, msgspec.Meta(ge=1, le=8)] = 1
    colours: dict[LampColour, Value]


class Written(Table, frozen=True, kw_only=True):
    """A holding register and the value to write: as a setting it must hold it, as a command the board carries it out."""

    holding: Address
    value: Value


class AlarmCommand(Table, frozen=True, kw_only=True):
    """A holding register that takes a mask of alarms to clear."""

    holding: Address


class ModbusProfile(BoardProfile, frozen=True, kw_only=True, tag="modbus-rtu"):
    """The whole map of one kind of board. `settings` are written at every connect if they differ.

    `turnaround_ms_max`: silence before an answer. `late_ms_max`: the longest tolerated delay; on a later line nothing
    is granted. A profile from before that key existed gets the default.
    """

    turnaround_ms_max: Annotated[int, msgspec.Meta(ge=1, le=250)]
    late_ms_max: Annotated[int, msgspec.Meta(ge=1, le=1000)] = LATE_MS_MAX
    reads: Annotated[tuple[Read, ...], msgspec.Meta(min_length=1, max_length=8)]
    status: Status
    grant: Timed | Passages | Pulse
    identity: Identity | None = None
    alarms: dict[Alarm, Place] = msgspec.field(default_factory=dict)
    watchdog: Watchdog | None = None
    settings: Annotated[tuple[Written, ...], msgspec.Meta(max_length=16)] = ()
    lamp: Lamp | None = None
    release: Written | None = None
    clear_alarms: AlarmCommand | None = None
    end_emergency: Written | None = None

    @property
    def ttl_ms(self) -> range:
        """The times to live that the board accepts. A gate that ends passages by its own timer cannot end them earlier."""
        match self.grant:
            case Pulse(lasts_ms=lasts_ms):
                return range(lasts_ms, TTL_MS_MAX + 1)
            case Timed(ttl_ms_min=least, ttl_ms_max=most) | Passages(ttl_ms_min=least, ttl_ms_max=most):
                return range(least, most + 1)

    def contradictions(self) -> list[Wrong]:
        """Return errors that types do not detect."""
        found = BoardProfile.contradictions(self)
        if self.late_ms_max < self.turnaround_ms_max:
            found.append(Wrong("late_ms_max", "is below turnaround_ms_max"))
        for check in (_places, _status, _ends, _grant, _watchdog, _orders):
            found += check(self)
        return found


def _places_of(profile: ModbusProfile) -> Iterator[tuple[str, Place]]:
    """Yield every place that a status uses, with its key."""
    sides = ("passages_left", "passages_right", "granted_left", "granted_right")
    for name in ("position", "closed", "bodies", "fire", "emergency", "restarts", *sides):
        if (place := getattr(profile.status, name)) is not None:
            yield f"status.{name}", place
    for place in profile.status.presence:
        yield "status.presence", place
    for alarm, place in profile.alarms.items():
        yield f"alarms.{alarm.value}", place


def _kept_by(profile: ModbusProfile) -> Iterator[tuple[str, int]]:
    """Yield the holding registers that keep what we wrote until the next power-up, with their keys."""
    yield from (("settings", setting.holding) for setting in profile.settings)
    if profile.watchdog is not None:
        yield "watchdog.holding", profile.watchdog.holding
    if isinstance(profile.grant, Passages):
        yield "grant.timer", profile.grant.timer


def _places(profile: ModbusProfile) -> Iterator[Wrong]:
    """Check that each place is unique and within what is read, and that registers that the board may lose are read too."""
    yield from misplaced(_places_of(profile), profile.reads)
    read = set(cells_read(profile.reads))
    for key, holding in _kept_by(profile):
        if profile.status.restarts is None and (READ_HOLDING, holding) not in read:
            yield Wrong(key, f"is at {holding}, which no reads covers: what the board forgot would not be noticed")
    yield from misread(profile.reads)


def _status(profile: ModbusProfile) -> Iterator[Wrong]:
    status = profile.status
    if status.position is not None and status.closed is not None:
        yield Wrong("status.closed", "and status.position both tell of the leaf")
    if (status.position is None) == bool(status.positions):
        yield Wrong("status.positions", "are the values of status.position")
    if (status.granted_left is None) != (status.granted_right is None):
        yield Wrong("status", "granted_left and granted_right go together")
    if status.position is None and status.closed is None and status.granted_left is None:
        yield Wrong(
            "status", "nothing tells whether the leaf is closed: position, closed, or granted_left and granted_right"
        )
    if (status.bodies is None) == (not status.presence):
        yield Wrong(
            "status",
            "who stands in the zone is bodies or presence, one of them: a second body ends a grant (invariant 4)",
        )
    if status.fire is None and status.emergency is None:
        yield Wrong(
            "status",
            "nothing tells of an emergency, in which nothing may be closed (invariant 7): fire, emergency, or both",
        )


def _ends(profile: ModbusProfile) -> Iterator[Wrong]:
    """Check that this profile has each way in which a grant is said to end."""
    ends = set(profile.grant_ends_by)
    if "lease" in ends:
        yield Wrong("grant_ends_by", "lease: no board of this protocol has one; its host_watchdog is one")
    if "controller_ttl" in ends and isinstance(profile.grant, Pulse):
        yield Wrong("grant_ends_by", "controller_ttl: a pulse has none")
    if "host_watchdog" in ends and profile.watchdog is None:
        yield Wrong("grant_ends_by", "host_watchdog: there is no table [watchdog]; as delivered, boards have it off")
    needed = {"host_watchdog", "external_timer"} if isinstance(profile.grant, Pulse) else {"controller_ttl"}
    if ends and (missing := needed - ends):
        yield Wrong(
            "grant_ends_by", f"grant.kind = {type(profile.grant).__name__.lower()} needs {', '.join(sorted(missing))}"
        )


def _grant(profile: ModbusProfile) -> Iterator[Wrong]:
    match profile.grant:
        case Pulse() as pulse:
            read = cells_read(profile.reads)
            if any((READ_COILS, pulse.coil + at) not in read for at in range(3)):
                yield Wrong("grant.coil", "is read by no reads: a relay that sticks would not be seen")
        case Timed() | Passages() as grant:
            if profile.status.granted_left is None:
                yield Wrong("status", "granted_left and granted_right tell what became of a grant")
            if grant.ttl_ms_min > grant.ttl_ms_max:
                yield Wrong("grant.ttl_ms_min", "is above grant.ttl_ms_max")
            if isinstance(grant, Passages) and (
                grant.ttl_ms_min % grant.timer_unit_ms or grant.timer_unit_ms > grant.ttl_ms_min
            ):
                yield Wrong("grant.ttl_ms_min", "is no multiple of grant.timer_unit_ms")


def _watchdog(profile: ModbusProfile) -> Iterator[Wrong]:
    watchdog = profile.watchdog
    if watchdog is None:
        return
    if watchdog.ms % watchdog.unit_ms or not watchdog.value:
        yield Wrong("watchdog.ms", "is no multiple of watchdog.unit_ms; 0 would be off")
    if watchdog.proof is None and Alarm.HOST_LOST not in profile.alarms:
        yield Wrong("watchdog", "nothing proves that it works: proof, a coil that moves nothing, or alarms.host_lost")
    if watchdog.proof is not None and (READ_COILS, watchdog.proof) not in cells_read(profile.reads):
        yield Wrong("watchdog.proof", "is read by no reads")


def _orders(profile: ModbusProfile) -> Iterator[Wrong]:
    """Check that nothing is written for two purposes, and that colours and alarms are complete."""
    cells = list(written(profile))
    for at, (key, cell) in enumerate(cells):
        if others := [other for other, same in cells[:at] if same == cell]:
            yield Wrong(key, f"overlaps {others[0]}")
    if isinstance(profile.grant, Timed) and profile.release is None:
        yield Wrong("release", "is missing: a person can always leave (invariant 8)")
    lamp = profile.lamp
    if lamp is not None:
        if (lamp.holding is None) == (lamp.coil is None):
            yield Wrong("lamp", "is in one of holding and coil")
        if missing := set(LampColour) - set(lamp.colours):
            yield Wrong("lamp.colours", f"lacks {', '.join(sorted(colour.value for colour in missing))}")
        if lamp.coil is not None and max(lamp.colours.values(), default=0) >> lamp.count:
            yield Wrong("lamp.colours", f"has a value that {lamp.count} coils cannot show")
    if profile.clear_alarms is not None and any(place.bit is None for place in profile.alarms.values()):
        yield Wrong("clear_alarms", "takes the bits of the alarms, and one has none")
    if profile.status.restarts is None and not list(_kept_by(profile)):
        yield Wrong(
            "status", "nothing shows that the board was powered up anew: restarts, or a register that it forgets"
        )


def written(profile: ModbusProfile) -> Iterator[tuple[str, Cell]]:
    """Yield every written cell, with its key."""
    match profile.grant:
        case Timed(holding=first):
            yield from (("grant.holding", (READ_HOLDING, first + at)) for at in range(3))
        case Passages(holding=first, timer=timer):
            yield from (("grant.holding", (READ_HOLDING, first + at)) for at in range(2))
            yield "grant.timer", (READ_HOLDING, timer)
        case Pulse(coil=first):
            yield from (("grant.coil", (READ_COILS, first + at)) for at in range(3))
    if profile.watchdog is not None:
        yield "watchdog.holding", (READ_HOLDING, profile.watchdog.holding)
        if profile.watchdog.proof is not None:
            yield "watchdog.proof", (READ_COILS, profile.watchdog.proof)
    if profile.lamp is not None:
        if profile.lamp.holding is not None:
            yield "lamp.holding", (READ_HOLDING, profile.lamp.holding)
        if profile.lamp.coil is not None:
            yield from (("lamp.coil", (READ_COILS, profile.lamp.coil + at)) for at in range(profile.lamp.count))
    for key in ("release", "clear_alarms", "end_emergency"):
        if (command := getattr(profile, key)) is not None:
            yield f"{key}.holding", (READ_HOLDING, command.holding)
    for setting in profile.settings:
        yield "settings", (READ_HOLDING, setting.holding)
