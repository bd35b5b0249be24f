"""One crossing after another, as (surroundings, state, event) -> (surroundings, state, effects). With the states' own functions (`decision_stage`,
`passage_stage`, `emergency`), `officer_commands` and `crossing_end` the only place that knows the order of effects.

Promises, by number of the safety invariant (docs/safety.md): a grant is only ever the answer to a fresh look at the lane
after the receipt of the decision (1); `Revoke`, `Release` and everything in an emergency come before their records (2);
a grant ends with the track, a second body or the document presented again (4); in an emergency nothing closes (7); every
crossing that was opened is closed with one verdict and all its reasons (10).

An event that a state does not name leaves it as it is: staying put is the safe answer. tests/unit/passage/test_passage_table.py
goes through every pair.

Left to others: what officers order (`gate.passage.officer_commands`), how crossings end (`gate.passage.crossing_end`), what a record holds
(`gate.passage.records`) and how it is spelt (`gate.programs.lane.records`), whether it is durable (the log program), the wire.
"""

from __future__ import annotations

from dataclasses import replace

from gate.passage import (
    desired_barrier_state,
    draw_periods,
    lasting_state,
    misuse,
    officer_views,
    open_referrals,
    records,
    two_officers,
    way_back,
)
from gate.passage.alarms import follow
from gate.passage.crossing_end import closed, go_on, hinders, incident
from gate.passage.decision_stage import begin, entering, idle, inspecting, opening, reading
from gate.passage.door_state import DoorState
from gate.passage.effects import Effect, Write
from gate.passage.emergency import emergency, emergency_begins
from gate.passage.events import (
    DocumentPresented,
    DoorSeen,
    Event,
    LampAnswered,
    PartLost,
    RecordReplaced,
    TravellerAsked,
    VideoDoubted,
)
from gate.passage.lane import LaneContext, Timing
from gate.passage.officer_commands import obey
from gate.passage.orders import Ordered
from gate.passage.passage_reconciliation import entries, in_order
from gate.passage.passage_stage import granted, looking, overruling, passing, recording
from gate.passage.record_gaps import without_record
from gate.passage.records import ClosedAs, IncidentKind
from gate.passage.states import (
    Emergency,
    Entering,
    Entry,
    Granted,
    Idle,
    Inspecting,
    Looking,
    Opening,
    Overruling,
    Passing,
    Reading,
    Recording,
    Referred,
    Rules,
    State,
    Step,
    crossing_of,
    unread_of,
)
from gate.passage.trapped_traveller import watch
from gate.passage.traveller_requests import ask

__all__ = [
    "Emergency",
    "Entering",
    "Entry",
    "Granted",
    "Idle",
    "Inspecting",
    "Looking",
    "Opening",
    "Overruling",
    "Passing",
    "Reading",
    "Recording",
    "Referred",
    "Rules",
    "State",
    "Step",
    "crossing_of",
    "start",
    "step",
    "unread_of",
]


def start(
    open_crossings: tuple[str, ...],
    referred: tuple[str, ...] = (),
    through: str | None = None,
    protected: tuple[str, ...] = (),
    held: tuple[tuple[str, str], ...] = (),
) -> Step:
    """The state at program start: every crossing that was left open is closed as referred, and whoever waits, waits for an officer
    (safety invariant 10). `referred` are those that had their verdict and were not settled. The surroundings hold all who wait.
    `through` is whose traveller is recorded to be through on their grant: they were admitted, and wait for nobody. `protected` are those whose
    traveller asked for protection, `held` crossings with the officer who held them.
    """
    closings = tuple(
        closed(crossing, ClosedAs.ADMITTED)
        if crossing == through
        else closed(crossing, ClosedAs.REFERRED, open_referrals.of_earlier(crossing, protected, held))
        for crossing in open_crossings
    )
    first, shown = go_on(LaneContext(waiting=open_referrals.left(referred, closings, protected, held)))
    return first, (*closings, *shown)


def step(
    rules: Rules, around: LaneContext, state: State, event: Event, now_ms: int
) -> tuple[LaneContext, State, tuple[Effect, ...]]:
    """Answer one event. Total: every event is answered in every state."""
    before, around = around, around.observe(event, now_ms).looked(event, crossing_of(state))
    alarmed: tuple[Effect, ...] = ()
    if isinstance(event, DoorSeen):
        around, alarmed = _status(around, event, now_ms, rules.timing)
    around = _fit(rules, before, around, now_ms)
    books = entries(before, around, state, now_ms, rules.timing)
    noted = _notes(around, state)
    around, viewed = officer_views.answered(around, event)
    around, drawn = draw_periods.follow(around, state, event)
    around, seconded = two_officers.follow(around, event, now_ms, rules.timing)
    around, lost = _losses(around, crossing_of(state), event, now_ms, rules.timing)
    if isinstance(event, Ordered):
        around, state, effects = obey(rules, around, state, event, now_ms)
    elif isinstance(event, TravellerAsked):
        around, state, effects = ask(rules, around, state, event, now_ms)
    elif isinstance(event, RecordReplaced):
        state, effects = without_record(state, event.crossing)
    elif around.emergency() and (around.state_unknown or not isinstance(state, Emergency)):
        state, effects = emergency_begins(rules, around, state, now_ms)
    else:
        was, (state, effects) = state, _dispatch(rules, around, state, event, now_ms)
        if isinstance(was, Emergency) and was.held_ms is not None and not isinstance(state, Emergency):
            around = _nobody_is_freed(around)
    if effects:
        around = replace(around, waiting=open_referrals.follow(around.waiting, effects, now_ms))
    around, inside = way_back.watch(before.interior, around, state, event, now_ms=now_ms, timing=rules.timing)
    around, zone, again = _barriers(around, state, event, effects, now_ms=now_ms, timing=rules.timing)
    around, late = _late(rules, around, now_ms)
    around = lasting_state.follow(around, state)
    around, misused = misuse.follow(around, event, now_ms, rules.timing)
    return (
        around,
        state,
        (
            *in_order((*effects, *again), books),
            *noted,
            *viewed,
            *drawn,
            *seconded,
            *lost,
            *alarmed,
            *zone,
            *inside,
            *late,
            *misused,
        ),
    )


def _nobody_is_freed(around: LaneContext) -> LaneContext:
    """An emergency that the host held open is over: what was opened for it, and was not seen open, is opened no more."""
    return replace(around, doors=tuple(replace(one, freeing=None) for one in around.doors))


def _late(rules: Rules, around: LaneContext, now_ms: int) -> tuple[LaneContext, tuple[Effect, ...]]:
    """Referrals that no officer answers; beside a gate that only watches, an officer need not answer any."""
    if rules.policy.shadow or not around.waiting:
        return around, ()
    waits, said = open_referrals.escalate(around.waiting, now_ms, rules.timing)
    return (replace(around, waiting=waits) if said else around), said


def _status(around: LaneContext, seen: DoorSeen, now_ms: int, timing: Timing) -> tuple[LaneContext, tuple[Effect, ...]]:
    """What a door's status says of the orders that it was given, and of its alarms."""
    door_state = desired_barrier_state.shown(around.door_state(seen.door), seen)
    door_state, alarmed = follow(door_state, seen, now_ms, timing, around=around)
    return around.with_door_state(door_state), alarmed


def _barriers(
    around: LaneContext, state: State, event: Event, effects: tuple[Effect, ...], *, now_ms: int, timing: Timing
) -> tuple[LaneContext, tuple[Effect, ...], tuple[Effect, ...]]:
    """Hold what every door's status shows against what is wanted of it, the last of a step: who waits inside, and what is told again."""
    is_wanted = any(one.revoking is not None or one.freeing is not None for one in around.doors)
    if not (effects or is_wanted or isinstance(event, DoorSeen)):
        return around, (), ()
    doors: list[DoorState] = []
    inside: tuple[Effect, ...] = ()
    again: tuple[Effect, ...] = ()
    for one in around.doors:
        seen = event if isinstance(event, DoorSeen) and event.door is one.door else None
        door_state = one
        if seen is not None and not around.two_doors:  # between two doors the sensors look
            door_state, waits = watch(door_state, state, seen, now_ms, timing)
            inside += waits
        door_state = desired_barrier_state.told(door_state, effects, now_ms)
        if seen is not None:
            door_state, insisted = desired_barrier_state.insist(door_state, state, seen, now_ms=now_ms, timing=timing)
            again += insisted
        door_state, missed = desired_barrier_state.missed(door_state, state, now_ms=now_ms, timing=timing)
        again += missed
        doors.append(door_state)
    if any(now is not then for now, then in zip(doors, around.doors, strict=True)):
        around = replace(around, doors=tuple(doors))
    return around, inside, again


def _fit(rules: Rules, before: LaneContext, around: LaneContext, now_ms: int) -> LaneContext:
    """The surroundings with what hinders an admission now. Where nothing else has changed, time alone ages what is known of the site."""
    known_ms = None if around.site_at_ms is None or around is not before else now_ms - around.site_at_ms
    if known_ms is not None and known_ms <= rules.policy.site_age_max_s * 1000:
        return around
    found = hinders(rules, around, now_ms)
    return around if found == around.hinders else replace(around, hinders=found)


def _dispatch(rules: Rules, around: LaneContext, state: State, event: Event, now_ms: int) -> Step:
    match state:
        case Idle():
            return idle(around, state, event, now_ms)
        case Opening():
            return opening(rules, around, state, event, now_ms)
        case Reading():
            return reading(rules, around, state, event, now_ms)
        case Inspecting():
            return inspecting(rules, around, state, event, now_ms)
        case Recording():
            return recording(rules, around, state, event, now_ms)
        case Referred():
            return _referred(rules, around, state, event, now_ms)
        case Emergency():
            return emergency(rules, around, state, event, now_ms)
        case _:
            return _let_through(rules, around, state, event, now_ms)


def _let_through(
    rules: Rules,
    around: LaneContext,
    state: Overruling | Looking | Granted | Entering | Passing,
    event: Event,
    now_ms: int,
) -> Step:
    match state:
        case Overruling():
            return overruling(rules, around, state, event, now_ms)
        case Looking():
            return looking(rules, around, state, event, now_ms)
        case Granted():
            return granted(rules, around, state, event, now_ms)
        case Entering():
            return entering(rules, around, state, event, now_ms)
        case Passing():  # pragma: no branch - the type checker proves the match complete
            return passing(rules, around, state, event, now_ms)


def _referred(rules: Rules, around: LaneContext, state: Referred, event: Event, now_ms: int) -> Step:
    """Until an officer orders something (`gate.passage.officer_commands`). A gate that only watches holds up nobody: the next document ends it."""
    if isinstance(event, DocumentPresented) and rules.policy.shadow and around.closed_by is None:
        return begin(around, event.crossing, now_ms)
    return state, ()


# ── what is noted in every state ─────────────────────────────────────────────────────────────────────────────────────


def _notes(around: LaneContext, state: State) -> tuple[Effect, ...]:
    """Records of the alarms that came up."""
    if not any(one.new_alarms for one in around.doors):
        return ()
    crossing = crossing_of(state)
    new = ((one.door, raised) for one in around.doors for raised in one.alarms if raised.alarm in one.new_alarms)
    return tuple(
        Write(records.Incident(crossing, IncidentKind.of_alarm(raised.alarm), waits=raised.waits, door=door))
        for door, raised in new
    )


def _losses(
    around: LaneContext, crossing: str | None, event: Event, now_ms: int, timing: Timing
) -> tuple[LaneContext, tuple[Effect, ...]]:
    """Records of lost parts, doubted video and refused records: a program that says the same without end fills no log with it."""
    match event:
        case LampAnswered(shown=False):
            kind = IncidentKind.LAMP_REFUSED
        case PartLost(part):
            kind = IncidentKind.of_loss(part)
        case VideoDoubted(of, trouble) if of == crossing:
            kind = IncidentKind.of_trouble(trouble)
        case RecordReplaced(of):
            kind, crossing = IncidentKind.RECORD_REFUSED, of
        case _:
            return around, ()
    recent = tuple(one for one in around.incidents if now_ms - one[2] < timing.incident_again_ms)
    if any(one[:2] == (kind, crossing) for one in recent):
        return around, ()
    return replace(around, incidents=(*recent, (kind, crossing, now_ms))), (incident(crossing, kind),)
