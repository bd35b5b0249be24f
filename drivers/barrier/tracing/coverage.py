"""Coverage of a profile by replayed traces, and whether it suffices for verified = "hardware". Pure.

It does if the traces are of hardware, replay without a difference, hold only answers that the profile understands, and show what MINIMUM lists.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from drivers.barrier.framed.frames import ADDRESS
from drivers.barrier.framed.profile import FramedProfile
from drivers.barrier.modbus.profile import ModbusProfile, written
from drivers.barrier.profiles import LineProfile
from drivers.barrier.tracing.replay import Replayed
from drivers.barrier.tracing.trace import Event, Kind, Outcome, Trace
from drivers.modbus.frames import READ_COILS, READ_HOLDING, WRITE_COILS, WRITE_MANY
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import BarrierStatus, Direction, LeafPosition

MINIMUM: Final = (
    AT_REST := "a status at rest",
    GRANT := "a grant that opens",
    PASSAGE := "a passage that is counted, and the leaf closed behind it",
    REVOKE := "a grant that is revoked before anybody passes",
    RELEASE := "a release that opens",
    POWER_UP := "a power-up, or the end of a lease",
)
_REQUEST_HEAD = struct.Struct(">BBHH")  # unit, function, address, count
_TABLE_OF = {WRITE_COILS: READ_COILS, WRITE_MANY: READ_HOLDING}  # what is written is read by


@dataclass(frozen=True, slots=True)
class Coverage:
    """Coverage of a profile: keys of its requests, states and faults, each True if it was seen.

    `minimum`: the same for what a profile must show. `sent`: requests; `silences`: unanswered ones; `objections`: why
    the trace does not count.
    """

    requests: Mapping[str, bool]
    states: Mapping[str, bool]
    faults: Mapping[str, bool]
    minimum: Mapping[str, bool]
    sent: int
    silences: int
    objections: tuple[str, ...]


def coverage(replayed: Replayed, profile: LineProfile) -> Coverage:
    """Return the coverage of a replay."""
    statuses = [outcome.status for outcome in replayed.outcomes if outcome.status is not None]
    shown = set(shown_in(replayed.outcomes))
    alarms = [sign.alarm for sign in profile.status.alarms] if isinstance(profile, FramedProfile) else profile.alarms
    told = {alarm.value for alarm in alarms}
    return Coverage(
        requests=_framed(replayed.trace, profile)
        if isinstance(profile, FramedProfile)
        else _modbus(replayed.trace, profile),
        states=dict(_states(profile, statuses)),
        faults={alarm: any(Alarm(alarm) in status.alarms for status in statuses) for alarm in sorted(told)},
        minimum={name: name in shown for name in MINIMUM},
        sent=replayed.health["requests"],
        silences=replayed.health["silences"],
        objections=tuple(_objections(replayed, profile, statuses)),
    )


def objections(profile: LineProfile, covered: Sequence[tuple[Replayed, Coverage]]) -> list[str]:
    """Return why a profile must not claim a test on hardware, after all its traces were replayed; empty if it may."""
    found = [objection for _, each in covered for objection in each.objections]
    found += [
        f"{replayed.trace.name}: is of a simulated board" for replayed, _ in covered if replayed.trace.head.simulated
    ]
    missing = [name for name in MINIMUM if not any(each.minimum[name] for _, each in covered)]
    if missing:
        found.append(f"no trace of {len(covered)} shows: {', '.join(missing)}")
    if isinstance(profile, FramedProfile) and profile.assumed:
        found.append(f"the profile still assumes: {', '.join(profile.assumed)}")
    return found


def _objections(replayed: Replayed, profile: LineProfile, statuses: Sequence[BarrierStatus]) -> Iterator[str]:
    if replayed.deviation:
        yield f"{replayed.deviation}; what follows it was not looked at"
    unread = replayed.health["silences"] - _unanswered(replayed.trace)
    if unread > 0 and not replayed.deviation:
        yield f"{replayed.trace.name}: {unread} answers are none that the profile understands"
    names_positions = isinstance(profile, FramedProfile) or profile.status.position is not None
    if names_positions and any(status.position is LeafPosition.UNKNOWN for status in statuses):
        yield f"{replayed.trace.name}: the leaf was where the profile's values of status.position do not say"


def _unanswered(trace: Trace) -> int:
    """Return the number of requests without any answer."""
    kinds = [event.kind for event in trace.events if event.kind in {Kind.TO_BOARD, Kind.FROM_BOARD}]
    return sum(
        kind is Kind.TO_BOARD and following is not Kind.FROM_BOARD
        for kind, following in itertools.pairwise([*kinds, Kind.OUTCOME])
    )


# ── what there is to be seen ─────────────────────────────────────────────────────────────────────────────────────────


def _framed(trace: Trace, profile: FramedProfile) -> dict[str, bool]:
    layout, sent = profile.request_layout(), {event.wire for event in _sent(trace)}
    calls = {event.what for event in trace.events if event.kind is Kind.CALL}
    seen = {}
    for name, command in profile.commands.named().items():
        is_close_too = name == "end_emergency" and "end-emergency" not in calls
        seen[name] = layout.encode({ADDRESS: trace.head.unit, **command}) in sent and not is_close_too
    return seen


def _modbus(trace: Trace, profile: ModbusProfile) -> dict[str, bool]:
    read: set[tuple[int, int]] = set()
    wrote: set[tuple[int, int]] = set()
    for event in _sent(trace):
        if len(event.wire) < _REQUEST_HEAD.size:
            continue  # the replay has reported by now that the driver sends no such request
        _, function, address, count = _REQUEST_HEAD.unpack_from(event.wire)
        if function in _TABLE_OF:
            wrote |= {(_TABLE_OF[function], address + at) for at in range(count)}
        else:
            read.add((function, address))
    keys: dict[str, bool] = {}
    for at, stretch in enumerate(profile.reads, start=1):
        keys[f"reads {at}"] = stretch.places[0] in read
    for key, cell in written(profile):
        keys[key] = keys.get(key, False) or cell in wrote
    return keys


def _sent(trace: Trace) -> Iterator[Event]:
    return (event for event in trace.events if event.kind is Kind.TO_BOARD)


def _states(profile: LineProfile, statuses: Sequence[BarrierStatus]) -> Iterator[tuple[str, bool]]:
    seen = {status.position for status in statuses}
    if isinstance(profile, FramedProfile):
        positions = set(profile.status.position.values.values())
    elif profile.status.position is not None:
        positions = set(profile.status.positions.values())
    else:
        positions = {LeafPosition.CLOSED}
        yield "not closed", bool(seen - positions)
    for position in sorted(positions, key=lambda one: one.value):
        yield position.value, position in seen
    yield "somebody in the zone", any(status.bodies for status in statuses)
    yield "nobody in the zone", any(not status.bodies for status in statuses)
    if isinstance(profile, FramedProfile) or profile.status.fire is not None:
        yield "fire", any(status.fire for status in statuses)
    yield "emergency", any(status.emergency_open for status in statuses)


def shown_in(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield the items of MINIMUM that these outcomes show, once per occurrence."""
    before: BarrierStatus | None = None
    for at, outcome in enumerate(outcomes):
        if outcome.status is not None and _is_closed(outcome.status):
            yield AT_REST
        if outcome.status is not None and Alarm.HOST_LOST in outcome.status.alarms:
            yield POWER_UP
        if "powered up anew" in str(outcome.error):
            yield POWER_UP
        is_grant = outcome.call.startswith("grant") and before is not None
        if outcome.ok and (is_grant or outcome.call == "release"):
            during, ended_by, rest = _until_order(outcomes[at + 1 :])
            if any(status.position is not LeafPosition.CLOSED for status in during):
                yield GRANT if is_grant else RELEASE
            if is_grant:
                counter = "count_entry" if outcome.call.split()[1] == Direction.ENTRY.value else "count_exit"
                after, _, _ = _until_order(rest)
                passed = [getattr(status, counter) - getattr(before, counter) for status in (*during, *after)]
                if any(count == 1 and _is_closed(status) for count, status in zip(passed, during, strict=False)):
                    yield PASSAGE
                if ended_by == "revoke" and not any(passed) and any(map(_is_closed, after)):
                    yield REVOKE
        before = outcome.status or before


def _until_order(outcomes: Sequence[Outcome]) -> tuple[tuple[BarrierStatus, ...], str, Sequence[Outcome]]:
    """Return statuses up to the next order or failure, that order if it was carried out, and the rest. A lamp is no order."""
    statuses: list[BarrierStatus] = []
    for at, outcome in enumerate(outcomes):
        if outcome.status is not None:
            statuses.append(outcome.status)
        elif not outcome.call.startswith("lamp"):
            return tuple(statuses), outcome.call if outcome.ok else "", outcomes[at + 1 :]
    return tuple(statuses), "", ()


def _is_closed(status: BarrierStatus) -> bool:
    return status.position is LeafPosition.CLOSED and not (status.grants_left_entry or status.grants_left_exit)
