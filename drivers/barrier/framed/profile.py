"""Profiles of boards with short frames: layouts, commands and status as data (drivers/profiles/barrier/*.toml, or a site's file), parsed strictly.

`assumed` names what the documents leave open; `not_reported` names what the board does not report, so that silence is not taken for "no". A board
whose grants never end by themselves is refused (safety invariant 5), and one that reports no emergency: the host would close it (invariant 7).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from drivers.barrier.board import BoardProfile
from drivers.barrier.framed.frames import ADDRESS, CHECK, CheckKind, Layout, parse_layout
from drivers.profile_file import Milliseconds, Table
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import LeafPosition
from gate_core.settings.toml_file import Wrong

FieldName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z_]{0,30}$")]
FieldValue = Annotated[int, msgspec.Meta(ge=0, lt=2**32)]
Command = dict[FieldName, FieldValue]  # what the request's fields hold; 0 where one is not named
_TTL_MS = range(1000, 30_001)


class Frame(Table, frozen=True):
    """The layout of requests or replies (`drivers.barrier.framed.frames`).

    `lowest_first`: fields whose first byte is the lowest.
    """

    layout: Annotated[str, msgspec.Meta(max_length=1024)]
    lowest_first: tuple[FieldName, ...] = ()


class Sign(Table, frozen=True):
    """A condition: a field of the reply has the bits `value` under `mask`."""

    field: FieldName
    mask: FieldValue
    value: FieldValue

    def shows(self, values: Mapping[str, int]) -> bool:
        """True if this reply meets the condition."""
        return values[self.field] & self.mask == self.value


class AlarmSign(Sign, frozen=True):
    """The condition of one alarm."""

    alarm: Alarm


class Position(Table, frozen=True):
    """The field with the leaf's position. An unlisted value is `unknown`, which is never closed."""

    field: FieldName
    values: Annotated[dict[int, LeafPosition], msgspec.Meta(min_length=1)]


class Beams(Table, frozen=True):
    """The field with one bit per broken beam, and these bits in the order of the beams along the lane."""

    field: FieldName
    bits: Annotated[tuple[Annotated[int, msgspec.Meta(ge=0, lt=32)], ...], msgspec.Meta(min_length=1, max_length=32)]

    def bodies(self, values: Mapping[str, int]) -> int:
        """Return the number of groups of broken beams: the bodies that the board can distinguish."""
        broken = [values[self.field] >> bit & 1 for bit in self.bits]
        return sum(now > before for before, now in itertools.pairwise((0, *broken)))


@dataclass(frozen=True, slots=True)
class Reading:
    """One reply, or the result of several. `counts`: the board's own passages to the left and right.

    One reply does not suffice: a check of eight bits misses one double bit error in twelve to twenty. Stricter values apply at once; less
    strict ones (closed, fewer bodies, an alarm or emergency ended) and every count need two consecutive replies that agree.
    """

    position: LeafPosition
    bodies: int
    counts: tuple[int, int]
    fire: bool
    emergency: bool
    alarms: frozenset[Alarm]
    powered_up: bool

    @property
    def is_closed(self) -> bool:
        """True if the leaf rests closed."""
        return self.position is LeafPosition.CLOSED

    def relaxes(self, believed: Reading) -> bool:
        """True if this reply would relax the accepted state or change a count: a second one must agree."""
        return (
            (self.is_closed and not believed.is_closed)
            or self.bodies < believed.bodies
            or self.counts != believed.counts
            or (believed.fire and not self.fire)
            or (believed.emergency and not self.emergency)
            or not believed.alarms <= self.alarms
            or (believed.powered_up and not self.powered_up)
        )

    def settled(self, second: Reading, *, believed: Reading) -> Reading:
        """Return the state after two consecutive replies: equal values, else the stricter one; counts unchanged unless both agree."""
        return Reading(
            position=self.position if second.is_closed else second.position,
            bodies=max(self.bodies, second.bodies),
            counts=second.counts if self.counts == second.counts else believed.counts,
            fire=self.fire or second.fire,
            emergency=self.emergency or second.emergency,
            alarms=self.alarms | second.alarms,
            powered_up=self.powered_up or second.powered_up,
        )


class Status(Table, frozen=True):
    """The meaning of a reply's fields. `done`: the request was carried out."""

    done: Sign
    position: Position
    beams: Beams
    passages_left: FieldName
    passages_right: FieldName
    fire: Sign
    emergency: Sign
    alarms: tuple[AlarmSign, ...]
    powered_up: Sign | None = None

    def reading(self, values: Mapping[str, int]) -> Reading:
        """Return the meaning of a reply's fields."""
        return Reading(
            position=self.position.values.get(values[self.position.field], LeafPosition.UNKNOWN),
            bodies=self.beams.bodies(values),
            counts=(values[self.passages_left], values[self.passages_right]),
            fire=self.fire.shows(values),
            emergency=self.emergency.shows(values),
            alarms=frozenset(sign.alarm for sign in self.alarms if sign.shows(values)),
            powered_up=self.powered_up is not None and self.powered_up.shows(values),
        )

    def signs(self) -> dict[str, Sign]:
        """Return every condition by its key."""
        named = {"done": self.done, "fire": self.fire, "emergency": self.emergency}
        if self.powered_up is not None:
            named["powered_up"] = self.powered_up
        return named | {f"alarms.{sign.alarm.value}": sign for sign in self.alarms}

    def fields(self) -> dict[str, str]:
        """Return the used fields of the reply, by the key that names each."""
        named = {name: sign.field for name, sign in self.signs().items()}
        named |= {"position": self.position.field, "beams": self.beams.field}
        return named | {"passages_left": self.passages_left, "passages_right": self.passages_right}


class Commands(Table, frozen=True):
    """The board's commands. `open_left` and `open_right` admit one person, and may add up.

    None opens permanently: a release is one opening in exit direction, because a board that loses its host must not stay open.
    """

    status: Command
    open_left: Command
    open_right: Command
    close: Command
    end_emergency: Command
    clear_alarms: Command | None = None

    def named(self) -> dict[str, Command]:
        """Return all commands by key."""
        return {name: command for name in self.__struct_fields__ if (command := getattr(self, name)) is not None}


class Timings(Table, frozen=True):
    """The board's times.

    `turnaround_ms_max`: silence before an answer. `late_ms_max`: no answer is later. `opens_within_ms`: a leaf at rest
    after that got no command. A grant ends after `grant_ends_after_ms_min` to `_max`, by the technician's timer
    setting. `lease_ms`: the board cancels commands if it is not polled for this time.
    """

    turnaround_ms_max: Annotated[int, msgspec.Meta(ge=1, le=500)]
    late_ms_max: Milliseconds
    opens_within_ms: Milliseconds
    grant_ends_after_ms_min: Milliseconds
    grant_ends_after_ms_max: Milliseconds | None = None
    lease_ms: Milliseconds | None = None


Unreported = Literal[
    "grants_left",
    "power_ups",
    "lamp",
    "forced",
    "obstructed",
    "open_too_long",
    "reverse_passage",
    "passage_without_grant",
    "host_lost",
    "motor_fault",
]


class FramedProfile(BoardProfile, frozen=True, kw_only=True, tag="framed"):
    """One kind of board. `source`: where its bytes are documented; `assumed`: undocumented values, invented for the simulator."""

    source: str
    assumed: tuple[str, ...]
    not_reported: tuple[Unreported, ...]
    check: CheckKind
    addresses: tuple[FieldValue, FieldValue]
    request: Frame
    reply: Frame
    status: Status
    commands: Commands
    timings: Timings

    @property
    def ttl_ms(self) -> range:
        """The permitted times to live. The board does not get them: it ends a grant by its timer, the host by the time to live."""
        return _TTL_MS

    def request_layout(self) -> Layout:
        """The layout of requests."""
        return parse_layout(self.request.layout, self.check, lowest_first=self.request.lowest_first)

    def reply_layout(self) -> Layout:
        """The layout of replies."""
        return parse_layout(self.reply.layout, self.check, lowest_first=self.reply.lowest_first)

    def contradictions(self) -> list[Wrong]:
        """Return errors that types do not detect."""
        found, layouts = BoardProfile.contradictions(self), dict[str, Layout]()
        for name, layout_of in (("request", self.request_layout), ("reply", self.reply_layout)):
            try:
                layouts[name] = layout_of()
            except ValueError as error:
                found.append(Wrong(f"{name}.layout", str(error)))
        if "request" in layouts:
            found += self._wrong_commands(layouts["request"])
        if "reply" in layouts:
            found += self._wrong_status(layouts["reply"])
        first_places = [layout.places[0] for layout in layouts.values()]
        if len(layouts) == 2 and any(all(place.fits(byte) for place in first_places) for byte in range(256)):
            why = "begins as the request does: an adapter that hears itself would confirm everything"
            found.append(Wrong("reply.layout", why))
        return [*found, *self._wrong_ends(), *self._wrong_silences()]

    def _wrong_commands(self, layout: Layout) -> Iterator[Wrong]:
        wires: dict[bytes, str] = {}
        lowest, highest = self.addresses
        if lowest > highest or highest >> layout.widths[ADDRESS]:
            yield Wrong("addresses", "the lowest and the highest address, as the layout can hold them")
            highest = 0
        for name, command in self.commands.named().items():
            key = f"commands.{name}"
            if unknown := sorted(set(command) - set(layout.widths) | set(command) & {ADDRESS, CHECK}):
                yield Wrong(key, f"sets {', '.join(unknown)}, which is no field for it to set")
                continue
            try:
                wire = layout.encode({ADDRESS: highest, **command})
            except ValueError as error:
                yield Wrong(key, str(error))
                continue
            if wire in wires and {name, wires[wire]} != {"close", "end_emergency"}:
                yield Wrong(key, f"is the same bytes as commands.{wires[wire]}")
            wires[wire] = name

    def _wrong_status(self, layout: Layout) -> list[Wrong]:
        missing = {key: field for key, field in self.status.fields().items() if field not in layout.widths}
        if missing:
            return [
                Wrong(f"status.{key}", f"there is no field {field} in the reply's layout")
                for key, field in missing.items()
            ]
        return [*self._wrong_signs(layout), *self._wrong_counts(layout)]

    def _wrong_signs(self, layout: Layout) -> Iterator[Wrong]:
        signs = self.status.signs()
        for key, sign in signs.items():
            if sign.mask >> layout.widths[sign.field] or sign.value & ~sign.mask or not sign.mask:
                why = f"value {sign.value:#x} under mask {sign.mask:#x} can never be, or always is"
                yield Wrong(f"status.{key}", why)
        for (one, first), (other, second) in itertools.combinations(signs.items(), 2):
            alike = (first.field, first.mask, first.value) == (second.field, second.mask, second.value)
            if alike and {one, other} != {"fire", "emergency"}:
                yield Wrong(f"status.{other}", f"is told by the same bits as status.{one}")

    def _wrong_counts(self, layout: Layout) -> Iterator[Wrong]:
        beams, left, right = self.status.beams, self.status.passages_left, self.status.passages_right
        if len(set(beams.bits)) < len(beams.bits):
            yield Wrong("status.beams", "a beam is named twice")
        if max(beams.bits) >= layout.widths[beams.field]:
            yield Wrong("status.beams", f"the field {beams.field} has no bit {max(beams.bits)}")
        if left == right:
            yield Wrong("status.passages_right", "is counted in the same field as status.passages_left")
        elif layout.widths[left] != layout.widths[right]:
            yield Wrong("status.passages_right", "is not as wide as status.passages_left")

    def _wrong_ends(self) -> Iterator[Wrong]:
        """Yield an error for each way in which grants end that lacks its time."""
        timings = self.timings
        least, most = timings.grant_ends_after_ms_min, timings.grant_ends_after_ms_max
        for end, key in (("controller_ttl", "grant_ends_after_ms_max"), ("lease", "lease_ms")):
            if (end in self.grant_ends_by) != (getattr(timings, key) is not None):
                yield Wrong(f"timings.{key}", f"goes with {end} in grant_ends_by, and only with it")
        if "host_watchdog" in self.grant_ends_by:
            yield Wrong("grant_ends_by", "a host watchdog that is written needs a driver that writes it")
        if most is not None and most < least:
            yield Wrong("timings.grant_ends_after_ms_max", "is below grant_ends_after_ms_min")
        if timings.late_ms_max < timings.turnaround_ms_max:
            yield Wrong("timings.late_ms_max", "is below turnaround_ms_max")
        # Else a grant could have run out unseen before its fate is known.
        if timings.opens_within_ms + timings.late_ms_max > least:
            yield Wrong("timings.grant_ends_after_ms_min", "is too short for a lost answer to be asked about")

    def _wrong_silences(self) -> Iterator[Wrong]:
        """Yield an error if `not_reported` lacks an unreported item, or lists a reported one."""
        reported = {sign.alarm.value for sign in self.status.alarms}
        expected = {"grants_left", "lamp"} | {alarm.value for alarm in Alarm} - reported
        if self.status.powered_up is None:
            expected.add("power_ups")
        said = set(self.not_reported)
        amiss = (("lacks", expected - said), ("denies", said - expected))
        if said != expected:
            parts = (f"{word} {', '.join(sorted(names))}" for word, names in amiss if names)
            yield Wrong("not_reported", "; ".join(parts))
