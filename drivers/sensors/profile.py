"""Register maps of sensor units: addresses of values, and how long a measurement is valid; data (drivers/profiles/sensors/*.toml, or a site's file).

Parsed strictly. A unit that does not report its measurement's age, or a restart, is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from drivers.modbus.tables import BITS, Identity, Place, Read, cells_read, misplaced, misread
from drivers.profile_file import Milliseconds, ProfileFile, Table, Verified
from gate_core.settings.toml_file import Wrong

_NUMBERS = ("session", "age", "people")
_MEASURED = ("people", "object_left", "blind")


class Status(Table, frozen=True, kw_only=True):
    """The unit's status.

    `session` changes with each power cut; `age`: time since people and object were measured, in `age_unit_ms`. `people`
    is a number; above `people_max` the counter cannot tell. The others are conditions; a whole register without
    `equals` is false with 0, true with 1, and unknown otherwise. While `blind` holds, people and object are unknown.
    """

    session: Place
    age: Place
    age_unit_ms: Milliseconds = 1
    people: Place
    people_max: Annotated[int, msgspec.Meta(ge=2, le=0xFFFE)]
    object_left: Place
    call_pressed: Place
    cabinet_open: Place
    mains_present: Place
    blind: Place | None = None


class SensorProfile(Table, frozen=True, kw_only=True):
    """The whole map of one kind of unit. `verified`: on what it was tested.

    `turnaround_ms_max`: silence before an answer. `late_ms_max`: no answer is later. A measurement older than
    `measurement_ms_max` gives neither people nor objects.
    """

    protocol: Literal["modbus-rtu"]
    verified: Verified
    turnaround_ms_max: Annotated[int, msgspec.Meta(ge=1, le=250)]
    late_ms_max: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    measurement_ms_max: Annotated[int, msgspec.Meta(ge=100, le=5000)]
    reads: Annotated[tuple[Read, ...], msgspec.Meta(min_length=1, max_length=8)]
    status: Status
    identity: Identity | None = None

    @property
    def round(self) -> tuple[int, ...]:
        """The order in which a look reads the stretches.

        The first has session and age. It is read again at the end if people or objects are elsewhere: the power may have failed in between.
        """
        order = tuple(range(len(self.reads)))
        first = set(cells_read(self.reads[:1]))
        measured = (getattr(self.status, name) for name in _MEASURED)
        elsewhere = any(not first.issuperset(place.cells) for place in measured if place is not None)
        return (*order, 0) if elsewhere else order

    def contradictions(self) -> list[Wrong]:
        """Return errors that types do not detect."""
        found = [*misplaced(_places_of(self.status), self.reads), *misread(self.reads)]
        if found:
            return found
        late = Wrong("late_ms_max", "is below turnaround_ms_max")
        return [*_numbers(self), *_first(self), *([late] if self.late_ms_max < self.turnaround_ms_max else [])]


def _places_of(status: Status) -> Iterator[tuple[str, Place]]:
    for name in (*_NUMBERS, "object_left", "call_pressed", "cabinet_open", "mains_present", "blind"):
        if (place := getattr(status, name)) is not None:
            yield f"status.{name}", place


def _numbers(profile: SensorProfile) -> Iterator[Wrong]:
    for name in _NUMBERS:
        place: Place = getattr(profile.status, name)
        if place.places[0][0] in BITS or place.bit is not None:
            yield Wrong(f"status.{name}", "is a number: a contact cannot tell one from two, nor how long ago")
        if place.equals is not None:
            yield Wrong(f"status.{name}", "is a number: equals is for conditions")
    if profile.status.people.words > 1:
        yield Wrong("status.people", "is one register")


def _first(profile: SensorProfile) -> Iterator[Wrong]:
    first = set(cells_read(profile.reads[:1]))
    for name in ("session", "age"):
        if not first.issuperset(getattr(profile.status, name).cells):
            yield Wrong(
                f"status.{name}", "is not in the first of reads: what is asked for before it could be of another time"
            )
    if profile.round[-1] == 0 and not profile.reads[0].spare:
        yield Wrong(
            "reads",
            "the first is asked for twice in a row: give it a spare register, or a late answer would pass for the next",
        )


def load_profile(name: str) -> SensorProfile:
    """A shipped profile by its name, or a site's by its absolute path. Raises SetupError."""
    return ProfileFile.open(name, room="sensors").profile(SensorProfile)
