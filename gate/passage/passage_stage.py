"""The states from the decision to the passage: receipt, fresh look at the lane, grant, and who passed (safety invariants 1 to 4).

Who passed: beams count bodies without identity. If the site's camera sees the passage zone, a person beyond the leaf is out of its
picture; if the holder is still in it, a companion passed. Both reports are late, in either order:

| report | delay |
| --- | --- |
| a passage, by the controller's counter | up to one poll (20 to 250 ms) after the middle beam is free |
| the holder is out of view, by vision (`gate.face.track`) | 600 ms after the last face, or 1,500 ms after the last proved one; a frame or two more on a busy machine |

A traveller who walks at 1.2 m/s towards a camera one metre behind the leaf leaves the picture 800 ms after the passage. Vision then
reports the loss at most 800 + 1,500 ms after the passage; with 600 ms for late frames that is 2,900 ms, below
`Timing.view_after_passage_ms`. Until then the crossing has no verdict and the lane invites nobody. The leaf takes a second to close, so
this costs little time. Only `LOST` and `SWITCHED` mean that the holder left. A picture without a face for a moment does not.

Vision also reports when the face was last proved to be the holder's, and its height then, relative to the comparison. A genuine
traveller's face is proved at most 800 ms after the passage; a face proved later than `Timing.walks_out_ms` belongs to a person who did
not pass. Before that, the face of the person who passes is nearer to a camera that faces them: they were compared two metres away, and
half a second before the passage their face is 1.44 times as tall at 1.2 m/s, 1.2 times at 1.8 m/s. A face below `NEARER_MIN` times
belongs to a person who stays; leaning 20 cm forward makes 1.11. The passage was between the status that counts it and the one before, and
proofs come every `PROVED_EVERY_MS`, so this is checked for each proof since that interval before the earlier status. If travellers are
compared within the beams, they are no nearer by then: it is checked from the counted passage on.

A person who turns away or is hidden is lost, and reported lost again whenever proved in between. So the lane watches for
`Timing.seen_again_ms` after the passage, as long as the leaf takes to close.
"""

from __future__ import annotations

from dataclasses import replace

from gate.passage import events, records
from gate.passage.abort_conditions import OF_THE_LANE, OF_THE_VIEW, of_the_other, opens, spoils, strays, takes_back
from gate.passage.crossing_end import admitted, go_on, incident, keeps_closed, refer, revoke
from gate.passage.decision_stage import step_idle
from gate.passage.effects import Effect, Erase, Grant, LookAtLane, Revoke, Show, Write
from gate.passage.events import Event, Part
from gate.passage.lane import LaneContext, Timing
from gate.passage.names import IncidentKind, RecordKind, TrackChange
from gate.passage.policy import Verdict, site_objections
from gate.passage.records import GrantEnd
from gate.passage.states import Entering, Granted, Idle, Looking, Overruling, Passing, Recording, Rules, Step
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.screen import Screen


def step_recording(rules: Rules, lane: LaneContext, state: Recording, event: Event, now_ms: int) -> Step:
    """Wait for the decision's receipt; a late one refers."""
    if spoil := opens(lane, event) or spoils(lane, event, state.crossing):
        return replace(state, spoiled=(*state.spoiled, spoil)), ()
    match event:
        case events.Recorded(state.crossing, kind) if kind is _kind_of(state):
            if state.decision.verdict is Verdict.REFER or state.spoiled:
                return refer(state, ())
            if rules.policy.shadow:
                return refer(state, (Objection(Reason.SHADOW_MODE),))
            if now_ms - state.since_ms > rules.timing.receipt_max_ms:
                return refer(state, (Objection(Reason.RECEIPT_LATE),))
            return Looking(state.crossing, now_ms, entry=state.entry), (LookAtLane(),)
        case events.NotRecorded(state.crossing) | events.PartLost(Part.LOG):
            return refer(state, (Objection(Reason.LOG_UNAVAILABLE),))
        case _ if now_ms - state.since_ms > rules.timing.receipt_max_ms:
            return refer(state, (Objection(Reason.RECEIPT_LATE),))
        case _:
            return state, ()


def _kind_of(state: Recording) -> RecordKind:
    """Return the kind of the record whose receipt is awaited."""
    return RecordKind.DECIDED if state.entry is None else RecordKind.ENTRY_DECIDED


def step_overruling(rules: Rules, lane: LaneContext, state: Overruling, event: Event, now_ms: int) -> Step:
    """Wait for the receipt of an officer's admission."""
    if spoil := spoils(lane, event, state.crossing, OF_THE_LANE):
        return refer(state, (spoil,))
    match event:
        case events.Recorded(state.crossing, RecordKind.OVERRULED) if (
            now_ms - state.since_ms <= rules.timing.receipt_max_ms
        ):
            return Looking(state.crossing, now_ms, state.officers, state.entry), (LookAtLane(),)
        case events.NotRecorded(state.crossing) | events.PartLost(Part.LOG):
            return refer(state, (Objection(Reason.LOG_UNAVAILABLE),))
        case _ if now_ms - state.since_ms > rules.timing.receipt_max_ms:
            return refer(state, (Objection(Reason.RECEIPT_LATE),))
        case _:
            return state, ()


def step_looking(rules: Rules, lane: LaneContext, state: Looking, event: Event, now_ms: int) -> Step:
    """Wait for a fresh look at the lane; then grant or refer (safety invariant 1)."""
    matters = OF_THE_LANE if state.officers is not None else frozenset(Reason)
    if spoil := opens(lane, event) or spoils(lane, event, state.crossing, matters):
        return refer(state, (spoil,))
    if isinstance(event, events.NotRecorded) and event.crossing == state.crossing:
        return refer(state, (Objection(Reason.LOG_UNAVAILABLE),))  # the log withdraws its receipt
    if _is_looked_at(lane, state, event):
        by_officer = state.officers is not None
        objections = keeps_closed(rules.policy, lane, state.door, now_ms=now_ms, by_officer=by_officer)
        if state.officers is None:
            objections += site_objections(lane.site_evidence(now_ms), rules.policy)
        if objections:
            return refer(state, objections)
        ttl_ms = rules.timing.grant_ttl_ms
        seen = lane.door_state(state.door).seen
        entered = seen is not None and seen.bodies > 0
        return Granted(state.crossing, now_ms, entered, officers=state.officers, entry=state.entry), (
            Grant(state.crossing, ttl_ms, state.door),
            Show(Screen.GO),
            Write(records.Granted(state.crossing, ttl_ms, door=state.door)),
        )
    if now_ms - state.since_ms > rules.timing.look_max_ms:
        return refer(state, (Objection(Reason.LANE_STATUS_OLD),))
    return state, ()


def _is_looked_at(lane: LaneContext, state: Looking, event: Event) -> bool:
    """True once all evidence of the lane is newer than the request; with one door, its status suffices."""
    if not lane.two_doors:
        return isinstance(event, events.DoorSeen)
    return isinstance(event, events.DoorSeen | events.SensorsSeen) and lane.seen_since(state.since_ms)


def step_granted(rules: Rules, lane: LaneContext, state: Granted, event: Event, now_ms: int) -> Step:
    """While a grant stands: it ends with its person's passage, or with any objection (safety invariant 4)."""
    match event:
        case events.DoorSeen(door=state.door):
            if lane.door_state(state.door).just_passed:
                return passed(rules, lane, state, now_ms)
            if objections := strays(lane, state, event):
                return revoke(state, objections)
            state = replace(state, entered=event.bodies > 0, looked_ms=now_ms)
        case events.DoorSeen() if objections := of_the_other(event):
            return revoke(state, objections)
        case events.TrackChanged(state.crossing, TrackChange.LOST) if not lane.another_look:
            # Walking on takes the face out of the picture; the beams take over from the camera.
            first_ms = now_ms if state.track_lost_ms is None else state.track_lost_ms
            state = replace(state, track_lost_ms=first_ms, lost=event, lost_told_ms=now_ms)
        case events.GrantFailed(state.crossing, state.door):
            return revoke(state, (Objection(Reason.BARRIER_LOST, "grant"),))
        case _ if (spoil := takes_back(lane, state, event)) is not None:
            return revoke(state, (spoil,))
        case _:
            pass
    return _overdue(rules.timing, lane, state, now_ms)


def _overdue(timing: Timing, lane: LaneContext, state: Granted, now_ms: int) -> Step:
    """End a grant by time: no status shows it, the face is lost and nobody entered, or it was not used."""
    granting = lane.door_state(state.door).granting
    if granting is not None and now_ms - granting.since_ms >= timing.order_shown_max_ms:
        return revoke(state, (Objection(Reason.GRANT_NOT_SHOWN),))
    lost_ms = None if state.entered else state.track_lost_ms
    if lost_ms is not None and now_ms - lost_ms > timing.track_gap_max_ms:
        return revoke(state, (Objection(Reason.TRACK_LOST),))
    if now_ms - state.since_ms > timing.grant_ttl_ms + timing.grant_slack_ms:
        referred, effects = refer(state, (Objection(Reason.GRANT_NOT_USED),))
        ended = Write(records.GrantEnded(state.crossing, GrantEnd.TIME, state.door))
        return referred, (Revoke(state.door), ended, *effects)
    return state, ()


def passed(rules: Rules, lane: LaneContext, state: Granted, now_ms: int) -> Step:
    """Handle the counted passage of the grant's holder, and of companions; or of another person, if the camera still sees the holder."""
    crossing, door_state = state.crossing, lane.door_state(state.door)
    several = door_state.seen is not None and door_state.seen.bodies > 1
    ended = Write(records.GrantEnded(crossing, GrantEnd.PASSAGE, state.door))
    if state.entry is not None:
        entering = Entering(crossing, now_ms, state.entry, state.officers)
        if several or door_state.just_passed > 1:
            referred, effects_then = refer(entering, (Objection(Reason.BODIES_SEVERAL),))
            return referred, (Revoke(state.door), ended, incident(crossing, IncidentKind.BODIES_SEVERAL), *effects_then)
        return entering, (Revoke(state.door), ended, Show(Screen.WAIT))
    in_view = (
        rules.policy.camera_sees_zone
        and not lane.two_doors  # there the sensors see who is left inside
        and state.officers is None  # an officer sees who walks, and the camera looks no more
    )
    beyond = several or door_state.just_passed > 1
    after = Passing(crossing, now_ms, beyond, state.officers)
    if in_view:
        looked_ms = state.since_ms if state.looked_ms is None else state.looked_ms
        beside_ms = 0 if rules.policy.camera_inside_zone else now_ms - looked_ms + PROVED_EVERY_MS
        after = replace(after, in_view=True, lost=state.lost is not None, beside_ms=beside_ms)
    came_along = (incident(crossing, IncidentKind.BODIES_SEVERAL),) if several else ()
    if in_view and state.lost is not None and _stays(rules.timing, after, state.lost, state.lost_told_ms):
        referred, taken_back = revoke(after, (Objection(Reason.HOLDER_IN_VIEW),))
        return referred, (*taken_back, *came_along)
    shown = (Show(Screen.WAIT),) if in_view else (ended, Erase(crossing))
    return after, (Revoke(), *shown, *came_along)


def step_passing(rules: Rules, lane: LaneContext, state: Passing, event: Event, now_ms: int) -> Step:
    """Wait until the lane is at rest after the passage, and the camera has lost the grant's holder."""
    state, effects = _beside_the_passage(lane, state, event)
    if state.in_view:
        after, more = _in_view(rules.timing, lane, state, event, now_ms)
        return after, (*effects, *more)
    if isinstance(event, events.DoorSeen | events.SensorsSeen) and lane.at_rest():
        return _after_passing(rules, lane, state, effects, now_ms)
    if now_ms - state.since_ms > rules.timing.passing_max_ms or lane.lost & _BARRIERS:
        # The person was admitted and is through; what is wrong now is the lane.
        stuck = incident(state.crossing, IncidentKind.LANE_NOT_CLOSED)
        return _after_passing(rules, lane, state, (*effects, stuck), now_ms)
    return state, effects


NEARER_MIN = 1.25
PROVED_EVERY_MS = 300  # two hundred in `gate.face.track`, and a frame or two
_BARRIERS = frozenset({Part.BARRIER, Part.FIRST_BARRIER})


def _in_view(timing: Timing, lane: LaneContext, state: Passing, event: Event, now_ms: int) -> Step:
    """Wait until the camera has lost the grant's holder. If it does not, or cannot tell, another person may have passed: refer."""
    spoil: Objection | None
    match event:
        case events.TrackChanged(state.crossing, TrackChange.LOST | TrackChange.SWITCHED) if not lane.another_look:
            spoil = Objection(Reason.HOLDER_IN_VIEW) if _stays(timing, state, event, now_ms) else None
            state = replace(state, lost=True)
        case _:
            spoil = spoils(lane, event, state.crossing, OF_THE_VIEW)
    passed_ms = now_ms - state.since_ms
    if spoil is None and not state.lost and passed_ms > timing.view_after_passage_ms:
        spoil = Objection(Reason.HOLDER_IN_VIEW)
    if spoil is not None:
        return revoke(state, (spoil,))
    if state.lost and passed_ms >= timing.seen_again_ms:
        ended = Write(records.GrantEnded(state.crossing, GrantEnd.PASSAGE))
        return replace(state, in_view=False), (ended, Erase(state.crossing))
    return state, ()


def _stays(timing: Timing, state: Passing, lost: events.TrackChanged, told_ms: int) -> bool:
    """True if the lost face belongs to a person who did not pass, or this is unknown."""
    if lost.seen_ago_ms is None:
        return True
    proved_ms = told_ms - lost.seen_ago_ms - state.since_ms
    came_nearer = lost.grown is not None and lost.grown >= NEARER_MIN
    return proved_ms > timing.walks_out_ms or (proved_ms >= -state.beside_ms and not came_nearer)


def _beside_the_passage(lane: LaneContext, state: Passing, event: Event) -> tuple[Passing, tuple[Effect, ...]]:
    """Handle others than the traveller who passed: companions, and a person who lays a document early."""
    match event:
        case events.DoorSeen() if any(one.just_passed for one in lane.doors):
            return replace(state, incident=True), ()
        case events.DoorSeen(bodies=bodies) if bodies > 1 and not state.incident:
            return replace(state, incident=True), (incident(state.crossing, IncidentKind.BODIES_SEVERAL),)
        case events.DocumentPresented(following):
            early = (Show(Screen.WAIT), incident(state.crossing, IncidentKind.DOCUMENT_EARLY))
            return replace(state, next_document=following), early if state.next_document is None else ()
        case events.DocumentRemoved():
            return replace(state, next_document=None), ()
        case _:
            return state, ()


def _after_passing(rules: Rules, lane: LaneContext, state: Passing, effects: tuple[Effect, ...], now_ms: int) -> Step:
    """Write the crossing's last record; then continue with a waiting referral, a document laid early, or rest."""
    following, shown = go_on(lane, state.crossing)
    if isinstance(following, Idle) and state.next_document is not None:
        following, shown = step_idle(rules, lane, following, events.DocumentPresented(state.next_document), now_ms)
    return following, (*effects, admitted(state), *shown)
