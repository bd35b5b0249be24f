"""What a replayed trace showed of its profile, and whether that is enough to call the profile tried on hardware. Pure.

A profile may say `verified = "hardware"` when its traces are of hardware, replay without a difference, hold no answer that the profile does
not understand, and show between them at least what MINIMUM names.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from drivers.barrier.building import LineProfile
from drivers.barrier.framed.frames import ADDRESS
from drivers.barrier.framed.profile import FramedProfile
from drivers.barrier.modbus.profile import ModbusProfile, written
from drivers.barrier.tracing.replay import Replayed
from drivers.barrier.tracing.trace import Event, Kind, Outcome, Trace
from drivers.modbus.frames import READ_COILS, READ_HOLDING, WRITE_COILS, WRITE_MANY
from gate_core.evidence.evidence import Alarm
from gate_core.ports.values import BarrierStatus, Direction, LeafPosition

_REQUEST_HEAD = struct.Struct(">BBHH")  # unit, function, address, count
_TABLE_OF = {WRITE_COILS: READ_COILS, WRITE_MANY: READ_HOLDING}  # what is written is read by


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was seen of a profile: the keys of its requests, the states and the faults that it can tell, each True when it was seen.

    `minimum`: the same of what a profile needs before it may be called tried. `answered` of so many `requests`; `faults_of_trace`: why the
    trace does not count.
    """

    requests: Mapping[str, bool]
    states: Mapping[str, bool]
    faults: Mapping[str, bool]
    minimum: Mapping[str, bool]
    sent: int
    silences: int
    objections: tuple[str, ...]


def coverage(replayed: Replayed, profile: LineProfile) -> Coverage:
    """What a replay showed."""
    statuses = [outcome.status for outcome in replayed.outcomes if outcome.status is not None]
    return Coverage(
        requests=_framed(replayed.trace, profile)
        if isinstance(profile, FramedProfile)
        else _modbus(replayed.trace, profile),
        states={name: any(shows(status) for status in statuses) for name, shows in _states(profile)},
        faults={alarm.value: any(alarm in status.alarms for status in statuses) for alarm in _alarms(profile)},
        minimum={name: shown(replayed.outcomes) for name, shown in MINIMUM.items()},
        sent=replayed.health["requests"],
        silences=replayed.health["silences"],
        objections=tuple(_objections(replayed, profile, statuses)),
    )


def objections(profile: LineProfile, covered: Sequence[tuple[Replayed, Coverage]]) -> list[str]:
    """Why a profile may not say that it was tried on hardware, after all of its traces were replayed; nothing when it may."""
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
    """How many requests nothing was heard after."""
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
            continue  # the replay has said by now that the driver sends no such thing
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


def _states(profile: LineProfile) -> Iterator[tuple[str, Callable[[BarrierStatus], bool]]]:
    if isinstance(profile, FramedProfile):
        positions = set(profile.status.position.values.values())
    elif profile.status.position is not None:
        positions = set(profile.status.positions.values())
    else:
        positions = {LeafPosition.CLOSED}
        yield "not closed", lambda status: status.position is not LeafPosition.CLOSED
    for position in sorted(positions, key=lambda one: one.value):
        yield position.value, _stands(position)
    yield "somebody in the zone", lambda status: status.bodies > 0
    yield "nobody in the zone", lambda status: status.bodies == 0
    if isinstance(profile, FramedProfile) or profile.status.fire is not None:
        yield "fire", lambda status: status.fire
    yield "emergency", lambda status: status.emergency_open


def _stands(position: LeafPosition) -> Callable[[BarrierStatus], bool]:
    return lambda status: status.position is position


def _alarms(profile: LineProfile) -> list[Alarm]:
    told = {sign.alarm for sign in profile.status.alarms} if isinstance(profile, FramedProfile) else set(profile.alarms)
    return sorted(told, key=lambda alarm: alarm.value)


# ── the least that must be seen ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Granted:
    """What followed a grant that was taken: until the next order, and the statuses after that. `before` it the lane was at rest."""

    direction: Direction
    before: BarrierStatus
    during: tuple[BarrierStatus, ...]
    ended_by: str
    after: tuple[BarrierStatus, ...]

    def counted(self, status: BarrierStatus) -> int:
        """Passages in the direction of the grant since it was given."""
        if self.direction is Direction.ENTRY:
            return status.count_entry - self.before.count_entry
        return status.count_exit - self.before.count_exit


def _grants(outcomes: Sequence[Outcome]) -> Iterator[_Granted]:
    before: BarrierStatus | None = None
    for at, outcome in enumerate(outcomes):
        if outcome.call.startswith("grant") and outcome.ok and before is not None:
            during, ended_by, rest = _until_order(outcomes[at + 1 :])
            after, _, _ = _until_order(rest)
            yield _Granted(Direction(outcome.call.split()[1]), before, during, ended_by, after)
        before = outcome.status or before


def _until_order(outcomes: Sequence[Outcome]) -> tuple[tuple[BarrierStatus, ...], str, Sequence[Outcome]]:
    """Statuses up to the next order or failure, that order when it was carried out, and what follows it. A lamp is no order."""
    statuses: list[BarrierStatus] = []
    for at, outcome in enumerate(outcomes):
        if outcome.status is not None:
            statuses.append(outcome.status)
        elif not outcome.call.startswith("lamp"):
            return tuple(statuses), outcome.call if outcome.ok else "", outcomes[at + 1 :]
    return tuple(statuses), "", ()


def _is_closed(status: BarrierStatus) -> bool:
    return status.position is LeafPosition.CLOSED and not (status.grants_left_entry or status.grants_left_exit)


def _shows_status(outcomes: Sequence[Outcome]) -> bool:
    return any(outcome.status is not None and _is_closed(outcome.status) for outcome in outcomes)


def _shows_grant(outcomes: Sequence[Outcome]) -> bool:
    return any(
        any(status.position is not LeafPosition.CLOSED for status in granted.during) for granted in _grants(outcomes)
    )


def _shows_passage(outcomes: Sequence[Outcome]) -> bool:
    return any(
        any(granted.counted(status) == 1 and _is_closed(status) for status in granted.during)
        for granted in _grants(outcomes)
    )


def _shows_revoke(outcomes: Sequence[Outcome]) -> bool:
    return any(
        granted.ended_by == "revoke"
        and not any(granted.counted(status) for status in (*granted.during, *granted.after))
        and any(_is_closed(status) for status in granted.after)
        for granted in _grants(outcomes)
    )


def _shows_release(outcomes: Sequence[Outcome]) -> bool:
    for at, outcome in enumerate(outcomes):
        if outcome.call == "release" and outcome.ok:
            following, _, _ = _until_order(outcomes[at + 1 :])
            if any(status.position is not LeafPosition.CLOSED for status in following):
                return True
    return False


def _shows_end(outcomes: Sequence[Outcome]) -> bool:
    statuses = [outcome.status for outcome in outcomes if outcome.status is not None]
    powered_up = any(outcome.error is not None and "powered up anew" in str(outcome.error) for outcome in outcomes)
    return powered_up or any(Alarm.HOST_LOST in status.alarms for status in statuses)


MINIMUM: Mapping[str, Callable[[Sequence[Outcome]], bool]] = {
    "a status at rest": _shows_status,
    "a grant that opens": _shows_grant,
    "a passage that is counted, and the leaf closed behind it": _shows_passage,
    "a grant that is revoked before anybody passes": _shows_revoke,
    "a release that opens": _shows_release,
    "a power-up, or the end of a lease": _shows_end,
}
